/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Extended attributes: a list for each inode that has some, in the order in which they were set.
 * Files have few, so a list is searched as fast as anything.
 */
#include "fs/inode.h"

#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

/* So that one inode can't fill the host's memory: as much as 16 values of full size. */
#define VALUES_MAX_BYTES (1u << 20)

struct xattr {
	struct xattr *next;
	uint32_t size;
	uint32_t name_length;
	char bytes[]; /* the name, not terminated, then the value */
};

static struct xattr **find(struct inode *inode, struct fs_name name)
{
	struct xattr **link = &inode->xattrs;
	while (*link && ((*link)->name_length != name.length ||
				memcmp((*link)->bytes, name.bytes, name.length) != 0))
		link = &(*link)->next;
	return link;
}

static struct xattr *new_xattr(struct fs_name name, const void *value, size_t size)
{
	struct xattr *xattr = malloc(sizeof(*xattr) + name.length + size);
	if (!xattr)
		return NULL;
	xattr->next = NULL;
	xattr->size = (uint32_t)size;
	xattr->name_length = (uint32_t)name.length;
	memcpy(xattr->bytes, name.bytes, name.length);
	if (size > 0)
		memcpy(xattr->bytes + name.length, value, size);
	return xattr;
}

/* Would the names still fit a list, and all values the limit, with ADDED in the place of REPLACED?
 */
static bool fits(const struct inode *inode, const struct xattr *added, const struct xattr *replaced)
{
	size_t names = added->name_length + 1u, values = added->size;
	for (const struct xattr *xattr = inode->xattrs; xattr; xattr = xattr->next) {
		if (xattr == replaced)
			continue;
		names += xattr->name_length + 1u;
		values += xattr->size;
	}
	return names <= XATTR_LIST_MAX && values <= VALUES_MAX_BYTES;
}

static err_t name_valid(struct fs_name name)
{
	if (name.length == 0 || memchr(name.bytes, '\0', name.length))
		return -EINVAL;
	return name.length > FS_NAME_MAX ? -ENAMETOOLONG : 0;
}

/* called with inode->lock held */
static err_t place(struct inode *inode, struct fs_name name, struct xattr *xattr, int flags)
{
	struct xattr **link = find(inode, name);
	struct xattr *replaced = *link;
	if (replaced && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!replaced && (flags & XATTR_REPLACE))
		return -ENODATA;
	if (!fits(inode, xattr, replaced))
		return -ENOSPC;
	xattr->next = replaced ? replaced->next : NULL;
	*link = xattr;
	free(replaced);
	inode_changed(inode);
	return 0;
}

int fs_set_xattr(
	struct fs *fs, uint64_t ino, struct fs_name name, const void *value, size_t size, int flags)
{
	int err = name_valid(name);
	if (err)
		return err;
	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	struct inode *inode = inode_get(fs, ino);
	if (!inode)
		return -ENOENT;
	struct xattr *xattr = new_xattr(name, value, size);
	if (!xattr) {
		inode_put(fs, inode, 1);
		return -ENOMEM;
	}
	pthread_mutex_lock(&inode->lock);
	err = place(inode, name, xattr, flags);
	inode_unlock_put(fs, inode);
	if (err)
		free(xattr);
	return err;
}

ssize_t fs_get_xattr(struct fs *fs, uint64_t ino, struct fs_name name, void *value, size_t size)
{
	int err = name_valid(name);
	if (err)
		return err;
	struct inode *inode = inode_get(fs, ino);
	if (!inode)
		return -ENOENT;
	pthread_mutex_lock(&inode->lock);
	const struct xattr *xattr = *find(inode, name);
	ssize_t result;
	if (!xattr)
		result = -ENODATA;
	else if (size > 0 && size < xattr->size)
		result = -ERANGE;
	else
		result = xattr->size;
	if (result > 0 && size > 0)
		memcpy(value, xattr->bytes + xattr->name_length, xattr->size);
	inode_unlock_put(fs, inode);
	return result;
}

ssize_t fs_list_xattr(struct fs *fs, uint64_t ino, char *list, size_t size)
{
	struct inode *inode = inode_get(fs, ino);
	if (!inode)
		return -ENOENT;
	pthread_mutex_lock(&inode->lock);
	ssize_t total = 0;
	for (const struct xattr *xattr = inode->xattrs; xattr; xattr = xattr->next) {
		size_t end = (size_t)total + xattr->name_length + 1;
		if (end <= size) {
			memcpy(list + total, xattr->bytes, xattr->name_length);
			list[end - 1] = '\0';
		}
		total = (ssize_t)end;
	}
	inode_unlock_put(fs, inode);
	return size > 0 && (size_t)total > size ? -ERANGE : total;
}

/* called with inode->lock held */
static bool drop(struct inode *inode, struct fs_name name)
{
	struct xattr **link = find(inode, name);
	struct xattr *dropped = *link;
	if (!dropped)
		return false;
	*link = dropped->next;
	free(dropped);
	return true;
}

int fs_remove_xattr(struct fs *fs, uint64_t ino, struct fs_name name)
{
	int err = name_valid(name);
	if (err)
		return err;
	struct inode *inode = inode_get(fs, ino);
	if (!inode)
		return -ENOENT;
	pthread_mutex_lock(&inode->lock);
	if (drop(inode, name))
		inode_changed(inode);
	else
		err = -ENODATA;
	inode_unlock_put(fs, inode);
	return err;
}

void xattr_drop_capability(struct inode *inode)
{
	static const char name[] = "security.capability";
	if (inode->xattrs)
		drop(inode, (struct fs_name){name, sizeof(name) - 1});
}

void xattr_free_all(struct inode *inode)
{
	while (inode->xattrs) {
		struct xattr *xattr = inode->xattrs;
		inode->xattrs = xattr->next;
		free(xattr);
	}
}
