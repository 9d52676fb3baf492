/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Inode flags: setting them, and what they mean for opening. Everything else that they forbid is
 * checked where it happens, under the locks under which it happens.
 */
#include "fs/inode.h"

#include <fcntl.h>

int fs_set_flags(struct fs *fs, uint64_t ino, uint32_t flags)
{
	if (flags & ~(uint32_t)FS_FLAGS)
		return -EOPNOTSUPP;
	struct inode *inode = inode_get(fs, ino);
	if (!inode)
		return -ENOENT;
	int err = S_ISREG(inode->type) || S_ISDIR(inode->type) ? 0 : -ENOTTY;
	pthread_mutex_lock(&inode->lock);
	if (!err) {
		inode->flags = flags;
		inode_changed(inode);
	}
	inode_unlock_put(fs, inode);
	return err;
}

int fs_check_open(
	struct fs *fs, uint64_t ino, int flags, struct fs_attr *ret_attr, bool *ret_append_only)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;
	struct fs_attr attr;
	int err = fs_get_attr(fs, ino, &attr);
	if (err)
		return err;
	if ((attr.flags & FS_IMMUTABLE_FL) && (writes || (flags & O_TRUNC)))
		return -EPERM;
	if ((attr.flags & FS_APPEND_FL) && ((writes && !(flags & O_APPEND)) || (flags & O_TRUNC)))
		return -EPERM;
	*ret_attr = attr;
	*ret_append_only = writes && (attr.flags & FS_APPEND_FL);
	return 0;
}
