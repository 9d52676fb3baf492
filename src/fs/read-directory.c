/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Reading a directory. Entries are copied out a batch at a time under the directory's lock, each
 * inode held if attributes are wanted; these are fetched, and the caller called, without it. So the
 * directory is locked for microseconds only, and never together with its entries' inodes, whose
 * numbers may be lower.
 */
#include "fs/directory.h"
#include "fs/inode.h"

#include <string.h>

#define BATCH 32u

struct batch {
	unsigned count;
	struct copied_entry {
		struct inode *inode; /* held, or NULL if attributes aren't wanted */
		uint64_t number, cookie;
		mode_t type;
		size_t length;
		char name[FS_NAME_MAX];
	} entries[BATCH];
};

/* "." and ".." have the first two cookies, whatever is in the directory. */
static void give_dots(struct inode *directory, uint64_t *cookie, bool *more,
	bool (*emit)(void *user, const struct fs_dirent *entry), void *user)
{
	if (*cookie < DIRECTORY_COOKIE_SELF) {
		struct fs_dirent self = {
			.name = {".", 1},
			.ino = directory->number,
			.cookie = DIRECTORY_COOKIE_SELF,
			.type = S_IFDIR,
		};
		*more = emit(user, &self);
		*cookie = DIRECTORY_COOKIE_SELF;
	}
	if (*more && *cookie < DIRECTORY_COOKIE_PARENT) {
		struct fs_dirent parent = {
			.name = {"..", 2},
			.ino = atomic_load(&directory->directory->parent),
			.cookie = DIRECTORY_COOKIE_PARENT,
			.type = S_IFDIR,
		};
		*more = emit(user, &parent);
		*cookie = DIRECTORY_COOKIE_PARENT;
	}
}

static void fill_batch(
	struct inode *directory, uint64_t cookie, bool want_attr, struct batch *batch)
{
	batch->count = 0;
	pthread_mutex_lock(&directory->lock);
	uint32_t place = directory_place_after(directory->directory, cookie);
	while (batch->count < BATCH) {
		struct directory_entry *entry = directory_next(directory->directory, &place);
		if (!entry)
			break;
		struct copied_entry *copy = &batch->entries[batch->count++];
		copy->inode = want_attr ? entry->inode : NULL;
		copy->number = entry->inode->number;
		copy->type = entry->inode->type;
		copy->cookie = entry->cookie;
		copy->length = entry->length;
		memcpy(copy->name, entry->name, entry->length);
		if (want_attr)
			inode_hold(entry->inode);
	}
	pthread_mutex_unlock(&directory->lock);
}

/* Give one entry away; its inode's hold, if there is one, goes with it when it is taken. The
 * attributes of a file with several names aren't given: somebody may be removing one of them in
 * another directory, and a kernel that learns of fewer links here and then of the removal counts it
 * twice, takes the file for removed, and lets nobody link it. */
static bool give_entry(struct fs *fs, struct copied_entry *copy,
	bool (*emit)(void *user, const struct fs_dirent *entry), void *user)
{
	struct inode *inode = copy->inode;
	bool want_attr = inode;
	struct fs_attr attr;
	if (inode) {
		pthread_mutex_lock(&inode->lock);
		inode_fill_attr(fs, inode, &attr);
		want_attr = !inode->had_links;
		pthread_mutex_unlock(&inode->lock);
	}
	struct fs_dirent entry = {
		.name = {copy->name, copy->length},
		.ino = copy->number,
		.cookie = copy->cookie,
		.type = copy->type,
		.attr = want_attr ? &attr : NULL,
	};
	/* handed out first: EMIT may already make the reference known to who gives it back */
	if (want_attr)
		inode_hand_out(inode);
	bool taken = emit(user, &entry);
	if (want_attr && !taken)
		fs_forget(fs, inode->number, 1);
	else if (inode && !want_attr)
		inode_put(fs, inode, 1);
	return taken;
}

int fs_read_directory(struct fs *fs, uint64_t ino, uint64_t cookie, unsigned flags,
	bool (*emit)(void *user, const struct fs_dirent *entry), void *user)
{
	struct inode *directory;
	int err = inode_get_typed(fs, ino, S_IFDIR, -ENOTDIR, &directory);
	if (err)
		return err;
	bool more = true;
	give_dots(directory, &cookie, &more, emit, user);
	while (more) {
		struct batch batch;
		fill_batch(directory, cookie, flags & FS_LIST_ATTR, &batch);
		for (unsigned i = 0; i < batch.count; i++) {
			struct copied_entry *copy = &batch.entries[i];
			if (more)
				more = give_entry(fs, copy, emit, user);
			else if (copy->inode)
				inode_put(fs, copy->inode, 1);
			cookie = copy->cookie;
		}
		more = more && batch.count == BATCH;
	}
	/* opening for reading counts as reading once; kept cheap as for files */
	pthread_mutex_lock(&directory->lock);
	if (!(flags & FS_LIST_KEEP_ATIME))
		inode_touch_atime(fs, directory);
	inode_unlock_put(fs, directory);
	return 0;
}
