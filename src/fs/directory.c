/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The names in a directory, found in two ways: by name through a hash table, and in the order in
 * which they were made through an array sorted by cookie. Cookies only grow, so a new entry goes to
 * the array's end and a search in it is a binary one; removing leaves a hole, and holes are closed
 * when they outnumber the entries. A reader that comes back with a cookie goes on behind it,
 * whether or not that entry is still there: entries that stay are seen exactly once.
 *
 * Until they are closed, holes must not cost the reader who begins anew after every removal, as
 * programs do that empty a directory. So a hole says where to go on, which is behind itself at
 * first, and whoever comes through several makes each of them point behind the last.
 *
 * The hash is seeded with a random number, so nobody can prepare names that share a bucket.
 */
#include "fs/directory.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 8u

struct directory_slot {
	uint64_t cookie;
	union {
		struct directory_entry *entry; /* at an even address */
		uintptr_t hole;                /* or, times 2 and 1 added, where to go on */
	};
};

static bool is_hole(const struct directory_slot *slot)
{
	return slot->hole & 1;
}

static uint32_t hole_leads_to(const struct directory_slot *slot)
{
	return (uint32_t)(slot->hole >> 1);
}

static void make_hole(struct directory_slot *slot, uint32_t leads_to)
{
	slot->hole = (uintptr_t)leads_to << 1 | 1;
}

/* The first slot at or behind INDEX that is no hole; slot_count if there is none. */
static uint32_t skip_holes(struct directory *directory, uint32_t index)
{
	struct directory_slot *slots = directory->slots;
	uint32_t end = index;
	while (end < directory->slot_count && is_hole(&slots[end]))
		end = hole_leads_to(&slots[end]);
	while (index < end) {
		uint32_t next = hole_leads_to(&slots[index]);
		make_hole(&slots[index], end);
		index = next;
	}
	return end;
}

/* Multiply and fold, eight bytes a step. */
static uint32_t hash_name(uint64_t seed, struct fs_name name)
{
	uint64_t hash = seed ^ name.length;
	for (size_t at = 0; at < name.length; at += 8) {
		uint64_t word = 0;
		memcpy(&word, name.bytes + at, name.length - at < 8 ? name.length - at : 8);
		__extension__ unsigned __int128 product =
			(unsigned __int128)(hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash = seed + ((uint64_t)product ^ (uint64_t)(product >> 64));
	}
	return (uint32_t)(hash ^ hash >> 32);
}

struct directory *directory_new(uint64_t parent, uint64_t seed)
{
	struct directory *directory = calloc(1, sizeof(*directory));
	if (!directory)
		return NULL;
	atomic_init(&directory->parent, parent);
	directory->seed = seed;
	directory->last_cookie = DIRECTORY_COOKIE_PARENT;
	return directory;
}

void directory_free(struct directory *directory)
{
	if (!directory)
		return;
	for (uint32_t i = 0; i < directory->slot_count; i++) {
		if (!is_hole(&directory->slots[i]))
			free(directory->slots[i].entry);
	}
	free(directory->slots);
	free(directory->buckets);
	free(directory);
}

static bool entry_is(const struct directory_entry *entry, uint32_t hash, struct fs_name name)
{
	return entry->hash == hash && entry->length == name.length &&
	       memcmp(entry->name, name.bytes, name.length) == 0;
}

struct directory_entry *directory_find(struct directory *directory, struct fs_name name)
{
	if (directory->entry_count == 0)
		return NULL;
	uint32_t hash = hash_name(directory->seed, name);
	struct directory_entry *entry = directory->buckets[hash & (directory->bucket_count - 1)];
	while (entry && !entry_is(entry, hash, name))
		entry = entry->next;
	return entry;
}

/* Spread the entries over COUNT buckets. False without memory: then all stays as it is. */
static bool rehash(struct directory *directory, uint32_t count)
{
	struct directory_entry **buckets = calloc(count, sizeof(struct directory_entry *));
	if (!buckets)
		return false;
	for (uint32_t i = 0; i < directory->slot_count; i++) {
		if (is_hole(&directory->slots[i]))
			continue;
		struct directory_entry *entry = directory->slots[i].entry;
		struct directory_entry **bucket = &buckets[entry->hash & (count - 1)];
		entry->next = *bucket;
		*bucket = entry;
	}
	free(directory->buckets);
	directory->buckets = buckets;
	directory->bucket_count = count;
	return true;
}

static bool make_room(struct directory *directory)
{
	if (directory->slot_count == directory->slot_capacity) {
		uint32_t capacity =
			directory->slot_capacity ? directory->slot_capacity * 2 : FIRST_CAPACITY;
		struct directory_slot *slots = realloc(directory->slots, capacity * sizeof(*slots));
		if (!slots)
			return false;
		directory->slots = slots;
		directory->slot_capacity = capacity;
	}
	/* a table that can't grow works on with longer chains, but there must be one */
	if (directory->entry_count >= directory->bucket_count &&
		!rehash(directory,
			directory->bucket_count ? directory->bucket_count * 2 : FIRST_CAPACITY))
		return directory->bucket_count > 0;
	return true;
}

static struct directory_entry *entry_new(
	const struct directory *directory, struct fs_name name, struct inode *inode)
{
	struct directory_entry *entry = malloc(sizeof(*entry) + name.length);
	if (!entry)
		return NULL;
	entry->inode = inode;
	entry->hash = hash_name(directory->seed, name);
	entry->length = (uint8_t)name.length;
	memcpy(entry->name, name.bytes, name.length);
	return entry;
}

static void put_into_bucket(struct directory *directory, struct directory_entry *entry)
{
	struct directory_entry **bucket =
		&directory->buckets[entry->hash & (directory->bucket_count - 1)];
	entry->next = *bucket;
	*bucket = entry;
}

static void take_from_bucket(struct directory *directory, const struct directory_entry *entry)
{
	struct directory_entry **link =
		&directory->buckets[entry->hash & (directory->bucket_count - 1)];
	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
}

int directory_add(struct directory *directory, struct fs_name name, struct inode *inode)
{
	if (!make_room(directory))
		return -ENOMEM;
	struct directory_entry *entry = entry_new(directory, name, inode);
	if (!entry)
		return -ENOMEM;
	entry->cookie = ++directory->last_cookie;
	put_into_bucket(directory, entry);
	directory->slots[directory->slot_count++] =
		(struct directory_slot){.cookie = entry->cookie, .entry = entry};
	directory->entry_count++;
	return 0;
}

/* Where the first slot with a cookie of at least COOKIE is. */
static uint32_t slot_at(const struct directory *directory, uint64_t cookie)
{
	uint32_t low = 0, high = directory->slot_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (directory->slots[middle].cookie < cookie)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Close the holes, and give memory back when most of it is unused. */
static void compact(struct directory *directory)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < directory->slot_count; i++) {
		if (!is_hole(&directory->slots[i]))
			directory->slots[kept++] = directory->slots[i];
	}
	directory->slot_count = kept;
	if (directory->slot_capacity / 4 > kept && directory->slot_capacity > FIRST_CAPACITY) {
		uint32_t capacity = directory->slot_capacity / 2;
		struct directory_slot *slots = realloc(directory->slots, capacity * sizeof(*slots));
		if (slots) {
			directory->slots = slots;
			directory->slot_capacity = capacity;
		}
		if (directory->bucket_count > capacity)
			rehash(directory, capacity);
	}
}

int directory_rename(struct directory *directory, struct directory_entry *old, struct fs_name name)
{
	struct directory_entry *entry = entry_new(directory, name, old->inode);
	if (!entry)
		return -ENOMEM;
	entry->cookie = old->cookie;
	take_from_bucket(directory, old);
	put_into_bucket(directory, entry);
	directory->slots[slot_at(directory, entry->cookie)].entry = entry;
	free(old);
	return 0;
}

void directory_remove(struct directory *directory, struct directory_entry *entry)
{
	take_from_bucket(directory, entry);
	uint32_t index = slot_at(directory, entry->cookie);
	make_hole(&directory->slots[index], index + 1);
	directory->entry_count--;
	free(entry);
	if (directory->slot_count - directory->entry_count >
		directory->entry_count + FIRST_CAPACITY)
		compact(directory);
}

uint32_t directory_place_after(const struct directory *directory, uint64_t cookie)
{
	return cookie < directory->last_cookie ? slot_at(directory, cookie + 1)
					       : directory->slot_count;
}

/* Entries and inodes are all over memory: fetch what whoever reads in order comes to soon. */
static void prefetch(const struct directory *directory, uint32_t index)
{
	const struct directory_slot *slots = directory->slots;
	if (index + 8 < directory->slot_count && !is_hole(&slots[index + 8]))
		__builtin_prefetch(slots[index + 8].entry);
	if (index + 4 < directory->slot_count && !is_hole(&slots[index + 4]))
		__builtin_prefetch(slots[index + 4].entry->inode);
}

struct directory_entry *directory_next(struct directory *directory, uint32_t *place)
{
	uint32_t index = skip_holes(directory, *place);
	if (index == directory->slot_count)
		return NULL;
	prefetch(directory, index);
	*place = index + 1;
	return directory->slots[index].entry;
}
