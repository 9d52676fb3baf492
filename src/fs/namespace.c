/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Names: looking them up, making, linking and removing them, and reading directories. Renaming has
 * rename.c to itself.
 *
 * Making locks only the directory: nobody else knows the new inode yet. Removing and linking lock
 * the directory and the inode, in the order of their numbers (see inode.h).
 */
#include "fs/acl.h"
#include "fs/directory.h"
#include "fs/inode.h"

#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

/* The directory NUMBER, held and locked. */
static err_t lock_directory(struct fs *fs, uint64_t number, struct inode **ret_directory)
{
	int err = inode_get_typed(fs, number, S_IFDIR, -ENOTDIR, ret_directory);
	if (!err)
		pthread_mutex_lock(&(*ret_directory)->lock);
	return err;
}

/* Answer with the attributes of an inode the caller holds: the hold becomes a reference. */
static void hand_out(struct fs *fs, struct inode *inode, struct fs_attr *ret_attr)
{
	inode_hand_out(inode);
	pthread_mutex_lock(&inode->lock);
	inode_fill_attr(fs, inode, ret_attr);
	pthread_mutex_unlock(&inode->lock);
}

int fs_lookup(struct fs *fs, uint64_t parent, struct fs_name name, struct fs_attr *ret_attr)
{
	int err = name_check(name);
	if (err)
		return err;
	struct inode *directory;
	err = lock_directory(fs, parent, &directory);
	if (err)
		return err;
	struct directory_entry *entry = directory_find(directory->directory, name);
	struct inode *inode = entry ? entry->inode : NULL;
	if (inode)
		inode_hold(inode);
	inode_unlock_put(fs, directory);
	if (!inode)
		return -ENOENT;
	hand_out(fs, inode, ret_attr);
	return 0;
}

int fs_lookup_number(struct fs *fs, uint64_t ino, bool parent, struct fs_attr *ret_attr)
{
	struct inode *inode;
	if (parent) {
		struct inode *directory;
		int err = inode_get_typed(fs, ino, S_IFDIR, -ENOTDIR, &directory);
		if (err)
			return err;
		ino = atomic_load(&directory->directory->parent);
		inode_put(fs, directory, 1);
	}
	inode = inode_get(fs, ino);
	if (!inode)
		return -ENOENT;
	pthread_mutex_lock(&inode->lock);
	bool removed = inode->nlink == 0;
	pthread_mutex_unlock(&inode->lock);
	if (removed) {
		inode_put(fs, inode, 1);
		return -ENOENT;
	}
	hand_out(fs, inode, ret_attr);
	return 0;
}

/* Give INODE, which nobody else knows, its first name, and one hold more, the name's.
 * called with directory->lock held */
static err_t add_new(
	struct fs *fs, struct inode *directory, struct fs_name name, struct inode *inode)
{
	if (directory->nlink == 0)
		return -ENOENT;
	if (directory_find(directory->directory, name))
		return -EEXIST;
	if (inode_immutable(directory))
		return -EPERM;
	int err = directory_add(directory->directory, name, inode);
	if (err)
		return err;
	inode_hold(inode);
	inode->nlink = 1;
	if (S_ISDIR(inode->type)) {
		inode->nlink = 2;
		directory->nlink++;
	}
	inode_modified(directory);
	inode_publish(fs, inode);
	return 0;
}

int inode_inherit(struct inode *directory, struct inode *inode, mode_t umask)
{
	inode->flags = directory->flags & (FS_NODUMP_FL | FS_NOATIME_FL);
	if (directory->permissions & S_ISGID) {
		inode->gid = directory->gid;
		if (S_ISDIR(inode->type))
			inode->permissions |= S_ISGID;
	}
	return acl_inherit(directory, inode, umask);
}

/* Name INODE, of which the caller has the only hold, and hand it out; or free it. */
static err_t name_new(struct fs *fs, uint64_t parent, struct fs_name name, mode_t umask,
	struct inode *inode, struct fs_attr *ret_attr)
{
	struct inode *directory;
	int err = lock_directory(fs, parent, &directory);
	if (err) {
		inode_destroy(fs, inode);
		return err;
	}
	err = inode_inherit(directory, inode, umask);
	if (!err)
		err = add_new(fs, directory, name, inode);
	if (!err) {
		inode_hand_out(inode);
		inode_fill_attr(fs, inode, ret_attr); /* not locked: not found before we unlock */
	}
	inode_unlock_put(fs, directory);
	if (err)
		inode_destroy(fs, inode);
	return err;
}

static bool can_make(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFIFO:
	case S_IFSOCK:
	case S_IFCHR:
	case S_IFBLK:
		return true;
	default:
		return false;
	}
}

int fs_make(struct fs *fs, uint64_t parent, struct fs_name name, mode_t mode, uint32_t rdev,
	const struct fs_owner *owner, struct fs_attr *ret_attr)
{
	int err = name_check(name);
	if (err)
		return err;
	if (!can_make(mode))
		return -EINVAL;
	struct inode *inode;
	err = inode_new(fs, mode, owner, &inode);
	if (err)
		return err;
	if (S_ISCHR(mode) || S_ISBLK(mode))
		inode->rdev = rdev;
	if (S_ISDIR(mode)) {
		inode->directory = directory_new(parent, fs->name_seed);
		if (!inode->directory) {
			inode_destroy(fs, inode);
			return -ENOMEM;
		}
	}
	return name_new(fs, parent, name, owner->umask, inode, ret_attr);
}

int fs_make_symlink(struct fs *fs, uint64_t parent, struct fs_name name, struct fs_name target,
	const struct fs_owner *owner, struct fs_attr *ret_attr)
{
	int err = name_check(name);
	if (err)
		return err;
	if (target.length == 0)
		return -ENOENT; /* as symlink(2) says of an empty target */
	if (target.length >= PATH_MAX)
		return -ENAMETOOLONG;
	if (memchr(target.bytes, '\0', target.length))
		return -EINVAL;
	struct inode *inode;
	err = inode_new(fs, S_IFLNK | 0777, owner, &inode);
	if (err)
		return err;
	inode->target = malloc(target.length);
	if (!inode->target) {
		inode_destroy(fs, inode);
		return -ENOMEM;
	}
	memcpy(inode->target, target.bytes, target.length);
	inode->size = target.length;
	return name_new(fs, parent, name, 0, inode, ret_attr);
}

int fs_make_unnamed(struct fs *fs, uint64_t parent, mode_t mode, const struct fs_owner *owner,
	struct fs_attr *ret_attr)
{
	if (!S_ISREG(mode))
		return -EINVAL;
	struct inode *directory, *inode;
	int err = inode_new(fs, mode, owner, &inode);
	if (err)
		return err;
	err = lock_directory(fs, parent, &directory);
	if (err) {
		inode_destroy(fs, inode);
		return err;
	}
	if (directory->nlink == 0)
		err = -ENOENT;
	else if (inode_immutable(directory))
		err = -EPERM;
	else
		err = inode_inherit(directory, inode, owner->umask);
	inode_unlock_put(fs, directory);
	if (err) {
		inode_destroy(fs, inode);
		return err;
	}
	inode->linkable = true;
	inode_lost_name(fs, inode);
	inode_hand_out(inode);
	inode_fill_attr(fs, inode, ret_attr);
	inode_publish(fs, inode);
	return 0;
}

/* called with the locks of both held */
static err_t link_locked(struct inode *inode, struct inode *directory, struct fs_name name)
{
	if (directory->nlink == 0 || (inode->nlink == 0 && !inode->linkable))
		return -ENOENT;
	if (directory_find(directory->directory, name))
		return -EEXIST;
	if (inode_immutable(directory) || inode_protected(inode))
		return -EPERM;
	if (inode->nlink == UINT32_MAX)
		return -EMLINK;
	int err = directory_add(directory->directory, name, inode);
	if (err)
		return err;
	inode_hold(inode);
	inode->nlink++;
	inode->linkable = false;
	inode->had_links = inode->had_links || inode->nlink > 1;
	inode_changed(inode);
	inode_modified(directory);
	return 0;
}

int fs_link(
	struct fs *fs, uint64_t ino, uint64_t parent, struct fs_name name, struct fs_attr *ret_attr)
{
	int err = name_check(name);
	if (err)
		return err;
	struct inode *inode = inode_get(fs, ino);
	if (!inode)
		return -ENOENT;
	struct inode *directory = NULL;
	if (S_ISDIR(inode->type))
		err = -EPERM;
	else
		err = inode_get_typed(fs, parent, S_IFDIR, -ENOTDIR, &directory);
	if (err) {
		inode_put(fs, inode, 1);
		return err;
	}
	struct inode *both[] = {inode, directory};
	inode_lock_all(both, 2);
	err = link_locked(inode, directory, name);
	if (!err && inode->nlink == 1) /* it had none before */
		atomic_fetch_sub(&fs->nameless, 1);
	if (!err)
		inode_fill_attr(fs, inode, ret_attr);
	inode_unlock_all(both, 2);
	inode_put(fs, directory, 1);
	if (err)
		inode_put(fs, inode, 1);
	else
		inode_hand_out(inode);
	return err;
}

/* Lock DIRECTORY, which the caller holds, and the inode that it calls NAME, which gets a hold. */
static err_t lock_named(struct fs *fs, struct inode *directory, struct fs_name name,
	struct directory_entry **ret_entry, struct inode **ret_inode)
{
	pthread_mutex_lock(&directory->lock);
	for (;;) {
		struct directory_entry *entry = directory_find(directory->directory, name);
		if (!entry) {
			pthread_mutex_unlock(&directory->lock);
			return -ENOENT;
		}
		struct inode *inode = entry->inode;
		inode_hold(inode);
		if (inode->number > directory->number) {
			pthread_mutex_lock(&inode->lock);
		} else {
			/* the wrong way round: let go, lock in order, and see if it is still so */
			struct inode *both[] = {directory, inode};
			pthread_mutex_unlock(&directory->lock);
			inode_lock_all(both, 2);
			entry = directory_find(directory->directory, name);
			if (!entry || entry->inode != inode) {
				inode_unlock_put(fs, inode);
				continue;
			}
		}
		*ret_entry = entry;
		*ret_inode = inode;
		return 0;
	}
}

/* called with the locks of both held */
static err_t remove_locked(struct fs *fs, struct inode *directory, struct directory_entry *entry,
	struct inode *inode, bool want_directory)
{
	if (inode_protected(directory) || inode_protected(inode))
		return -EPERM;
	if (!want_directory && S_ISDIR(inode->type))
		return -EISDIR;
	if (want_directory && !S_ISDIR(inode->type))
		return -ENOTDIR;
	if (want_directory && inode->directory->entry_count > 0)
		return -ENOTEMPTY;
	directory_remove(directory->directory, entry);
	if (want_directory) {
		inode->nlink = 0;
		directory->nlink--;
	} else {
		inode->nlink--;
	}
	inode_lost_name(fs, inode);
	inode_modified(directory);
	inode->ctime = directory->ctime;
	return 0;
}

static err_t remove_name(struct fs *fs, uint64_t parent, struct fs_name name, bool want_directory)
{
	int err = name_check(name);
	if (err)
		return err;
	struct inode *directory, *inode;
	struct directory_entry *entry;
	err = inode_get_typed(fs, parent, S_IFDIR, -ENOTDIR, &directory);
	if (err)
		return err;
	err = lock_named(fs, directory, name, &entry, &inode);
	if (!err) {
		err = remove_locked(fs, directory, entry, inode, want_directory);
		pthread_mutex_unlock(&directory->lock);
		pthread_mutex_unlock(&inode->lock);
		inode_put(fs, inode, err ? 1 : 2); /* our hold, and the name's */
	}
	inode_put(fs, directory, 1);
	return err;
}

int fs_unlink(struct fs *fs, uint64_t parent, struct fs_name name)
{
	return remove_name(fs, parent, name, false);
}

int fs_rmdir(struct fs *fs, uint64_t parent, struct fs_name name)
{
	return remove_name(fs, parent, name, true);
}

ssize_t fs_read_symlink(struct fs *fs, uint64_t ino, char *target, size_t size)
{
	struct inode *inode;
	int err = inode_get_typed(fs, ino, S_IFLNK, -EINVAL, &inode);
	if (err)
		return err;
	ssize_t length = (ssize_t)inode->size;
	if (inode->size > size)
		length = -ERANGE;
	else
		memcpy(target, inode->target, inode->size);
	inode_put(fs, inode, 1);
	return length;
}
