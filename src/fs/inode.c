/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Inodes, and the table that finds them by number. The table is cut into shards so that lookups
 * and stats of different files on different processors do not meet; inode numbers count up, so
 * their low bits spread files evenly over the shards and the rest over a shard's buckets.
 *
 * A hold is taken under the shard's lock (by number) or from another hold, so it never rises from
 * 0: inode_put() takes the shard's lock only when its hold may be the last one.
 */
#include "fs/inode.h"

#include "fs/data.h"
#include "fs/directory.h"

#include <stdlib.h>
#include <string.h>

#define SHARD_FIRST_BUCKETS 16u
#define ACCESS_TIME_MAX_AGE (24 * 60 * 60) /* seconds, when it is kept relative */

/* What an entry counts for in the size of its directory, which is kept by no other measure: as
 * tmpfs. */
#define DIRECTORY_ENTRY_SIZE UINT64_C(20)

static struct inode_shard *shard_of(struct fs *fs, uint64_t number)
{
	return &fs->shards[number % INODE_SHARDS];
}

static struct inode **bucket_of(struct inode **buckets, uint32_t count, uint64_t number)
{
	return &buckets[(number / INODE_SHARDS) & (count - 1)];
}

int inode_new(struct fs *fs, mode_t mode, const struct fs_owner *owner, struct inode **ret_inode)
{
	if (atomic_fetch_add(&fs->inodes, 1) >= fs->max_inodes) {
		atomic_fetch_sub(&fs->inodes, 1);
		return -ENOSPC;
	}
	struct inode *inode = calloc(1, sizeof(*inode));
	if (!inode) {
		atomic_fetch_sub(&fs->inodes, 1);
		return -ENOMEM;
	}
	pthread_mutex_init(&inode->lock, NULL);
	inode->number = atomic_fetch_add(&fs->next_number, 1);
	atomic_init(&inode->holds, 1);
	inode->type = mode & S_IFMT;
	inode->permissions = mode & 07777;
	inode->uid = owner->uid;
	inode->gid = owner->gid;
	inode->btime = time_now();
	inode->atime = inode->mtime = inode->ctime = inode->btime;
	*ret_inode = inode;
	return 0;
}

/* A table that can't grow for want of memory keeps working with longer chains. */
static void shard_grow(struct inode_shard *shard)
{
	uint32_t count = shard->bucket_count ? shard->bucket_count * 2 : SHARD_FIRST_BUCKETS;
	struct inode **buckets = calloc(count, sizeof(struct inode *));
	if (!buckets)
		return;
	for (uint32_t i = 0; i < shard->bucket_count; i++) {
		while (shard->buckets[i]) {
			struct inode *inode = shard->buckets[i];
			shard->buckets[i] = inode->next_in_bucket;
			struct inode **bucket = bucket_of(buckets, count, inode->number);
			inode->next_in_bucket = *bucket;
			*bucket = inode;
		}
	}
	free(shard->buckets);
	shard->buckets = buckets;
	shard->bucket_count = count;
}

bool inode_shard_init(struct inode_shard *shard)
{
	pthread_mutex_init(&shard->lock, NULL);
	shard_grow(shard);
	return shard->buckets != NULL;
}

void inode_shard_done(struct fs *fs, struct inode_shard *shard)
{
	for (uint32_t i = 0; i < shard->bucket_count; i++) {
		while (shard->buckets[i]) {
			struct inode *inode = shard->buckets[i];
			shard->buckets[i] = inode->next_in_bucket;
			inode_destroy(fs, inode);
		}
	}
	free(shard->buckets);
	pthread_mutex_destroy(&shard->lock);
}

void inode_publish(struct fs *fs, struct inode *inode)
{
	struct inode_shard *shard = shard_of(fs, inode->number);
	pthread_mutex_lock(&shard->lock);
	if (shard->inode_count >= shard->bucket_count)
		shard_grow(shard);
	struct inode **bucket = bucket_of(shard->buckets, shard->bucket_count, inode->number);
	inode->next_in_bucket = *bucket;
	*bucket = inode;
	shard->inode_count++;
	pthread_mutex_unlock(&shard->lock);
}

struct inode *inode_get(struct fs *fs, uint64_t number)
{
	struct inode_shard *shard = shard_of(fs, number);
	pthread_mutex_lock(&shard->lock);
	struct inode *inode = *bucket_of(shard->buckets, shard->bucket_count, number);
	while (inode && inode->number != number)
		inode = inode->next_in_bucket;
	if (inode)
		inode_hold(inode);
	pthread_mutex_unlock(&shard->lock);
	return inode;
}

int inode_get_typed(
	struct fs *fs, uint64_t number, mode_t type, int mistyped, struct inode **ret_inode)
{
	struct inode *inode = inode_get(fs, number);
	if (!inode)
		return -ENOENT;
	if (inode->type != type) {
		inode_put(fs, inode, 1);
		return mistyped;
	}
	*ret_inode = inode;
	return 0;
}

void inode_hold(struct inode *inode)
{
	atomic_fetch_add_explicit(&inode->holds, 1, memory_order_relaxed);
}

void inode_hand_out(struct inode *inode)
{
	atomic_fetch_add_explicit(&inode->lookups, 1, memory_order_relaxed);
}

void inode_put(struct fs *fs, struct inode *inode, uint64_t count)
{
	uint64_t holds = atomic_load_explicit(&inode->holds, memory_order_relaxed);
	while (holds > count) {
		if (atomic_compare_exchange_weak(&inode->holds, &holds, holds - count))
			return;
	}
	struct inode_shard *shard = shard_of(fs, inode->number);
	pthread_mutex_lock(&shard->lock);
	bool nameless = false;
	bool last = atomic_fetch_sub(&inode->holds, count) == count;
	if (last) {
		struct inode **link = bucket_of(shard->buckets, shard->bucket_count, inode->number);
		while (*link && *link != inode)
			link = &(*link)->next_in_bucket;
		if (*link) { /* else it was never published */
			*link = inode->next_in_bucket;
			shard->inode_count--;
			nameless = inode->nlink == 0;
		}
	}
	pthread_mutex_unlock(&shard->lock);
	if (last)
		inode_destroy(fs, inode);
	if (nameless) /* only now: who waits for its space finds it when it is not counted any more
		       */
		atomic_fetch_sub(&fs->nameless, 1);
}

void inode_lost_name(struct fs *fs, struct inode *inode)
{
	if (inode->nlink == 0)
		atomic_fetch_add(&fs->nameless, 1);
}

void inode_unlock_put(struct fs *fs, struct inode *inode)
{
	pthread_mutex_unlock(&inode->lock);
	inode_put(fs, inode, 1);
}

void inode_destroy(struct fs *fs, struct inode *inode)
{
	if (S_ISREG(inode->type))
		file_release_range(fs, inode, 0, UINT64_MAX);
	else if (S_ISDIR(inode->type))
		directory_free(inode->directory);
	else if (S_ISLNK(inode->type))
		free(inode->target);
	xattr_free_all(inode);
	pthread_mutex_destroy(&inode->lock);
	free(inode);
	atomic_fetch_sub(&fs->inodes, 1);
}

/* Fill SORTED with the distinct inodes by ascending number; returns how many. */
static unsigned sort_distinct(struct inode *const *inodes, unsigned count, struct inode **sorted)
{
	unsigned distinct = 0;
	for (unsigned i = 0; i < count; i++) {
		unsigned at = 0;
		while (at < distinct && inodes[i] && sorted[at]->number < inodes[i]->number)
			at++;
		if (!inodes[i] || (at < distinct && sorted[at] == inodes[i]))
			continue;
		memmove(&sorted[at + 1], &sorted[at], (distinct - at) * sizeof(*sorted));
		sorted[at] = inodes[i];
		distinct++;
	}
	return distinct;
}

void inode_lock_all(struct inode *const *inodes, unsigned count)
{
	struct inode *sorted[INODES_LOCKED_MAX];
	unsigned distinct = sort_distinct(inodes, count, sorted);
	for (unsigned i = 0; i < distinct; i++)
		pthread_mutex_lock(&sorted[i]->lock);
}

void inode_unlock_all(struct inode *const *inodes, unsigned count)
{
	struct inode *sorted[INODES_LOCKED_MAX];
	unsigned distinct = sort_distinct(inodes, count, sorted);
	for (unsigned i = 0; i < distinct; i++)
		pthread_mutex_unlock(&sorted[i]->lock);
}

void inode_fill_attr(const struct fs *fs, const struct inode *inode, struct fs_attr *ret_attr)
{
	*ret_attr = (struct fs_attr){
		.ino = inode->number,
		.size = inode->size,
		.atime = inode->atime,
		.mtime = inode->mtime,
		.ctime = inode->ctime,
		.btime = inode->btime,
		.mode = inode->type | inode->permissions,
		.nlink = inode->nlink,
		.uid = inode->uid,
		.gid = inode->gid,
		.rdev = inode->rdev,
		.flags = inode->flags,
	};
	if (S_ISDIR(inode->type))
		ret_attr->size = (inode->directory->entry_count + 2) * DIRECTORY_ENTRY_SIZE;
	if (S_ISREG(inode->type))
		ret_attr->blocks_512 =
			((uint64_t)inode->fragments * fs->space.geometry.bytes + 511) / 512;
}

struct timespec time_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

void inode_changed(struct inode *inode)
{
	inode->ctime = time_now();
}

void inode_modified(struct inode *inode)
{
	inode->mtime = inode->ctime = time_now();
}

void inode_kill_suidgid(struct inode *inode)
{
	inode->permissions &= ~(mode_t)S_ISUID;
	/* without group execution the bit means something else: mandatory locking, once */
	if (inode->permissions & S_IXGRP)
		inode->permissions &= ~(mode_t)S_ISGID;
}

static bool earlier(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* By much, whatever time it was set to. */
static bool access_time_is_old(struct timespec atime)
{
	return atime.tv_sec <= time_now().tv_sec - ACCESS_TIME_MAX_AGE;
}

void inode_touch_atime(const struct fs *fs, struct inode *inode)
{
	if (fs->access_times == FS_ACCESS_NEVER || (inode->flags & FS_NOATIME_FL))
		return;
	/* relative: often enough to tell whether a file was read since it was written */
	if (fs->access_times == FS_ACCESS_ALWAYS || !earlier(inode->mtime, inode->atime) ||
		!earlier(inode->ctime, inode->atime) || access_time_is_old(inode->atime))
		inode->atime = time_now();
}

bool fs_access_time_is_due(const struct fs *fs, const struct fs_attr *attr)
{
	if (fs->access_times == FS_ACCESS_NEVER || (attr->flags & FS_NOATIME_FL))
		return false;
	return fs->access_times == FS_ACCESS_ALWAYS || access_time_is_old(attr->atime);
}

int name_check(struct fs_name name)
{
	if (name.length > FS_NAME_MAX)
		return -ENAMETOOLONG;
	if (name.length == 0 || memchr(name.bytes, '/', name.length) ||
		memchr(name.bytes, '\0', name.length))
		return -EINVAL;
	if (name.bytes[0] == '.' &&
		(name.length == 1 || (name.length == 2 && name.bytes[1] == '.')))
		return -EINVAL;
	return 0;
}

void fs_forget(struct fs *fs, uint64_t ino, uint64_t count)
{
	struct inode *inode = inode_get(fs, ino);
	if (!inode)
		return;
	/* never more than were handed out, whatever the other side counts */
	uint64_t lookups = atomic_load(&inode->lookups);
	uint64_t taken;
	do {
		taken = count < lookups ? count : lookups;
	} while (!atomic_compare_exchange_weak(&inode->lookups, &lookups, lookups - taken));
	inode_put(fs, inode, taken + 1);
}
