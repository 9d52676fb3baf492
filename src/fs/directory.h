/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_DIRECTORY_H
#define VRAMFS_FS_DIRECTORY_H

#include "fs/inode.h"

/*
 * The names in a directory. Each entry carries one hold of its inode; adding, removing and changing
 * entries leaves the counting to the caller. Not locked: the directory inode's lock is its own.
 */
struct directory_entry {
	struct directory_entry *next; /* in its bucket */
	struct inode *inode;
	uint64_t cookie; /* its place in the order of reading: above all earlier ones' */
	uint32_t hash;
	uint8_t length;
	char name[]; /* not terminated */
};

struct directory {
	/* The inode number of the directory that names this one. Changed under fs->rename_lock,
	 * read without. */
	_Atomic uint64_t parent;
	uint64_t seed;
	uint64_t last_cookie;
	uint32_t entry_count;
	uint32_t bucket_count; /* a power of two, or 0 */
	struct directory_entry **buckets;
	/* The entries by cookie, with holes where some were removed */
	struct directory_slot *slots;
	uint32_t slot_count, slot_capacity;
};

/* Cookies of "." and ".."; those of entries are larger. */
#define DIRECTORY_COOKIE_SELF 1u
#define DIRECTORY_COOKIE_PARENT 2u

/* NULL without memory. */
struct directory *directory_new(uint64_t parent, uint64_t seed);
void directory_free(struct directory *directory);

struct directory_entry *directory_find(struct directory *directory, struct fs_name name);

/* Add a name that is not there. -ENOMEM leaves the directory as it was. */
err_t directory_add(struct directory *directory, struct fs_name name, struct inode *inode);
void directory_remove(struct directory *directory, struct directory_entry *entry);
/* Give ENTRY, which is gone then, another name that is not there. It keeps its place, so that
 * whoever renames all that it reads comes to an end. -ENOMEM leaves the directory as it was. */
err_t directory_rename(
	struct directory *directory, struct directory_entry *entry, struct fs_name name);

/* Reading in order: where the entries with cookies above COOKIE begin, and then one after the
 * other; NULL when there are no more. A place holds until an entry is added or removed. */
uint32_t directory_place_after(const struct directory *directory, uint64_t cookie);
struct directory_entry *directory_next(struct directory *directory, uint32_t *place);

#endif
