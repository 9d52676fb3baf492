/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Attributes. Everything that can be refused is checked first, so that a change is made whole or
 * not at all.
 */
#include "base/log.h"
#include "fs/acl.h"
#include "fs/data.h"

int fs_get_attr(struct fs *fs, uint64_t ino, struct fs_attr *ret_attr)
{
	struct inode *inode = inode_get(fs, ino);
	if (!inode)
		return -ENOENT;
	pthread_mutex_lock(&inode->lock);
	inode_fill_attr(fs, inode, ret_attr);
	inode_unlock_put(fs, inode);
	return 0;
}

/* As Linux has it: "now" may be written into the times of an append-only file, because appending
 * does so too, and a file made immutable while it was open can still be changed through that. */
static bool flags_forbid(const struct inode *inode, const struct fs_changes *changes)
{
	unsigned valid = changes->valid;
	unsigned now = FS_SET_ATIME_NOW | FS_SET_MTIME_NOW;
	unsigned times = now | FS_SET_ATIME | FS_SET_MTIME | FS_SET_CTIME;
	if (valid & (FS_SET_MODE | FS_SET_UID | FS_SET_GID))
		return inode_protected(inode);
	if (valid & FS_SET_SIZE)
		return valid & FS_SET_THROUGH_OPEN ? inode->flags & FS_APPEND_FL
						   : inode_protected(inode);
	if ((valid & times) == now)
		return inode_immutable(inode);
	return (valid & times) && inode_protected(inode);
}

/* called with inode->lock held */
static err_t check_changes(const struct inode *inode, const struct fs_changes *changes)
{
	if (flags_forbid(inode, changes))
		return -EPERM;
	if (!(changes->valid & FS_SET_SIZE))
		return 0;
	if (S_ISDIR(inode->type))
		return -EISDIR;
	if (!S_ISREG(inode->type))
		return -EINVAL;
	return changes->size > (uint64_t)FS_SIZE_MAX ? -EFBIG : 0;
}

static void change_times(struct inode *inode, const struct fs_changes *changes)
{
	struct timespec now = time_now();
	if (changes->valid & FS_SET_ATIME)
		inode->atime = changes->atime;
	if (changes->valid & FS_SET_ATIME_NOW)
		inode->atime = now;
	if (changes->valid & FS_SET_MTIME)
		inode->mtime = changes->mtime;
	if (changes->valid & FS_SET_MTIME_NOW)
		inode->mtime = now;
	inode->ctime = changes->valid & FS_SET_CTIME ? changes->ctime : now;
}

/* ZEROING is open if the size is to change. called with inode->lock held */
static void make_changes(
	struct inode *inode, const struct fs_changes *changes, struct zeroing *zeroing)
{
	unsigned valid = changes->valid;
	if (valid & FS_SET_MODE) {
		inode->permissions = changes->mode & 07777;
		acl_follow_mode(inode);
	}
	if (valid & FS_SET_UID)
		inode->uid = changes->uid;
	if (valid & FS_SET_GID)
		inode->gid = changes->gid;
	if (valid & FS_SET_SIZE) {
		file_resize(zeroing, inode, changes->size);
		zeroing_submit(zeroing);
	}
	if (valid & FS_KILL_SUIDGID)
		inode_kill_suidgid(inode);
	if (valid & (FS_SET_SIZE | FS_SET_UID | FS_SET_GID | FS_KILL_SUIDGID))
		xattr_drop_capability(inode);
	change_times(inode, changes);
}

int fs_set_attr(
	struct fs *fs, uint64_t ino, const struct fs_changes *changes, struct fs_attr *ret_attr)
{
	struct inode *inode = inode_get(fs, ino);
	if (!inode)
		return -ENOENT;
	struct zeroing zeroing;
	if (changes->valid & FS_SET_SIZE)
		zeroing_open(&zeroing, fs, store_queue(fs->store));
	pthread_mutex_lock(&inode->lock);
	int err = check_changes(inode, changes);
	if (!err) {
		make_changes(inode, changes, &zeroing);
		inode_fill_attr(fs, inode, ret_attr);
	}
	inode_unlock_put(fs, inode);
	/* The file has its new size whatever becomes of the zeroing; who reads there learns of it.
	 */
	if ((changes->valid & FS_SET_SIZE) && zeroing_close(&zeroing))
		log_debug(
			"zeroing behind the new end of file %llu failed", (unsigned long long)ino);
	return err;
}
