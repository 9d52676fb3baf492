/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Extended attributes: a list for each inode that has some, in the order in which they were set.
 * Files have few, so a list is searched as fast as anything. ACLs are kept in it too; what they
 * mean is acl.c's.
 */
#include "fs/acl.h"
#include "fs/inode.h"

#include <linux/limits.h>
#include <linux/xattr.h>
#include <stdlib.h>
#include <string.h>

/* So that one inode can't fill the host's memory: as much as 16 values of full size. */
#define VALUES_MAX_BYTES (1u << 20)

struct xattr {
	struct xattr *next;
	uint32_t size;
	uint32_t name_length;
	char bytes[]; /* the name, not terminated, then the value */
};

static const char *const namespaces[] = {
	XATTR_USER_PREFIX, XATTR_TRUSTED_PREFIX, XATTR_SECURITY_PREFIX};

static bool has_prefix(const struct fs_name *name, const char *prefix)
{
	size_t length = strlen(prefix);
	return name->length >= length && memcmp(name->bytes, prefix, length) == 0;
}

static err_t name_valid(struct fs_name name)
{
	if (name.length == 0 || memchr(name.bytes, '\0', name.length))
		return -EINVAL;
	if (name.length > FS_NAME_MAX)
		return -ENAMETOOLONG;
	if (acl_is_name(name))
		return 0;
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		if (has_prefix(&name, namespaces[i]))
			return name.length > strlen(namespaces[i]) ? 0 : -EINVAL;
	}
	return -EOPNOTSUPP;
}

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

int xattr_set(struct inode *inode, struct fs_name name, const void *value, size_t size, int flags)
{
	struct xattr **link = find(inode, name);
	struct xattr *replaced = *link;
	if (replaced && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!replaced && (flags & XATTR_REPLACE))
		return -ENODATA;
	struct xattr *xattr = new_xattr(name, value, size);
	if (!xattr)
		return -ENOMEM;
	if (!fits(inode, xattr, replaced)) {
		free(xattr);
		return -ENOSPC;
	}
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
	if (flags & ~(XATTR_CREATE | XATTR_REPLACE | FS_XATTR_CLEAR_SGID))
		return -EINVAL;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	struct inode *inode = inode_get(fs, ino);
	if (!inode)
		return -ENOENT;
	pthread_mutex_lock(&inode->lock);
	if (inode_protected(inode))
		err = -EPERM;
	else if (acl_is_name(name))
		err = acl_set(inode, name, value, size, flags & FS_XATTR_CLEAR_SGID);
	else
		err = xattr_set(inode, name, value, size, flags);
	inode_unlock_put(fs, inode);
	return err;
}

void *xattr_value(struct inode *inode, struct fs_name name, size_t *ret_size)
{
	struct xattr *xattr = *find(inode, name);
	if (!xattr)
		return NULL;
	*ret_size = xattr->size;
	return xattr->bytes + xattr->name_length;
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
	size_t there;
	const void *found = xattr_value(inode, name, &there);
	ssize_t result;
	if (!found)
		result = -ENODATA;
	else if (size > 0 && size < there)
		result = -ERANGE;
	else
		result = (ssize_t)there;
	if (result > 0 && size > 0)
		memcpy(value, found, there);
	inode_unlock_put(fs, inode);
	return result;
}

/* So that who may not read the trusted ones doesn't see that they are there. */
static bool visible(const struct xattr *xattr, bool privileged)
{
	struct fs_name name = {xattr->bytes, xattr->name_length};
	return privileged || !has_prefix(&name, XATTR_TRUSTED_PREFIX);
}

ssize_t fs_list_xattr(struct fs *fs, uint64_t ino, bool privileged, char *list, size_t size)
{
	struct inode *inode = inode_get(fs, ino);
	if (!inode)
		return -ENOENT;
	pthread_mutex_lock(&inode->lock);
	ssize_t total = 0;
	for (const struct xattr *xattr = inode->xattrs; xattr; xattr = xattr->next) {
		if (!visible(xattr, privileged))
			continue;
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

bool xattr_drop(struct inode *inode, struct fs_name name)
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
	if (inode_protected(inode))
		err = -EPERM;
	else if (xattr_drop(inode, name))
		inode_changed(inode);
	else if (!acl_is_name(name)) /* an ACL that isn't there may be removed */
		err = -ENODATA;
	inode_unlock_put(fs, inode);
	return err;
}

void xattr_drop_capability(struct inode *inode)
{
	static const char name[] = "security.capability";
	if (inode->xattrs)
		xattr_drop(inode, (struct fs_name){name, sizeof(name) - 1});
}

void xattr_free_all(struct inode *inode)
{
	while (inode->xattrs) {
		struct xattr *xattr = inode->xattrs;
		inode->xattrs = xattr->next;
		free(xattr);
	}
}
