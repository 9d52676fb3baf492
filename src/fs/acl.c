/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * POSIX ACLs. An ACL is a header and entries of eight bytes, all little-endian: a tag (whom the
 * entry is for), permissions, and a user or group for the tags that name one. The entries stand in
 * the order of their tags; check() holds every ACL to that, so nothing else has to.
 *
 * Three entries are the permission bits in other words: those of the owner, of others, and of the
 * group or, where users or groups are named, of the mask that limits them. So bits and ACL can't
 * differ: whoever changes one changes the other.
 */
#include "fs/acl.h"

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>
#include <string.h>

#define HEADER_BYTES sizeof(struct posix_acl_xattr_header)
#define ENTRY_BYTES sizeof(struct posix_acl_xattr_entry)
#define PERMISSIONS 0777u

static const struct fs_name access_name = {
	XATTR_NAME_POSIX_ACL_ACCESS, sizeof(XATTR_NAME_POSIX_ACL_ACCESS) - 1};
static const struct fs_name default_name = {
	XATTR_NAME_POSIX_ACL_DEFAULT, sizeof(XATTR_NAME_POSIX_ACL_DEFAULT) - 1};

static bool same_name(struct fs_name a, struct fs_name b)
{
	return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

bool acl_is_name(struct fs_name name)
{
	return same_name(name, access_name) || same_name(name, default_name);
}

struct entry {
	unsigned tag, permissions;
	uint32_t id;
};

static size_t entry_count(size_t size)
{
	return (size - HEADER_BYTES) / ENTRY_BYTES;
}

/* Attributes' values are not aligned, hence the copying. */
static struct entry entry_at(const void *acl, size_t index)
{
	struct posix_acl_xattr_entry raw;
	memcpy(&raw, (const char *)acl + HEADER_BYTES + index * ENTRY_BYTES, ENTRY_BYTES);
	return (struct entry){le16toh(raw.e_tag), le16toh(raw.e_perm), le32toh(raw.e_id)};
}

static void set_permissions(void *acl, size_t index, unsigned permissions)
{
	struct posix_acl_xattr_entry raw;
	char *at = (char *)acl + HEADER_BYTES + index * ENTRY_BYTES;
	memcpy(&raw, at, ENTRY_BYTES);
	raw.e_perm = htole16((uint16_t)permissions);
	memcpy(at, &raw, ENTRY_BYTES);
}

static bool names_somebody(unsigned tag)
{
	return tag == ACL_USER || tag == ACL_GROUP;
}

static bool is_tag(unsigned tag)
{
	return names_somebody(tag) || tag == ACL_USER_OBJ || tag == ACL_GROUP_OBJ ||
	       tag == ACL_MASK || tag == ACL_OTHER;
}

/* Is it an ACL, with every entry that it needs, and those in order? */
static err_t check(const void *acl, size_t size)
{
	struct posix_acl_xattr_header header;
	if (size <= HEADER_BYTES || (size - HEADER_BYTES) % ENTRY_BYTES != 0)
		return -EINVAL;
	memcpy(&header, acl, HEADER_BYTES);
	if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION)
		return -EOPNOTSUPP;
	unsigned last = 0, seen = 0;
	for (size_t i = 0; i < entry_count(size); i++) {
		struct entry entry = entry_at(acl, i);
		if (!is_tag(entry.tag))
			return -EINVAL;
		if (entry.tag < last || (entry.tag == last && !names_somebody(entry.tag)))
			return -EINVAL;
		if (entry.permissions & ~(unsigned)(ACL_READ | ACL_WRITE | ACL_EXECUTE))
			return -EINVAL;
		if (names_somebody(entry.tag) && entry.id == (uint32_t)ACL_UNDEFINED_ID)
			return -EINVAL;
		last = entry.tag;
		seen |= entry.tag;
	}
	unsigned needed = ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER;
	if (seen & (ACL_USER | ACL_GROUP))
		needed |= ACL_MASK;
	return (seen & needed) == needed ? 0 : -EINVAL;
}

/* Where the entries are that say what the permission bits say. */
struct mirrored {
	size_t owner, group, other;
	bool more; /* there are entries which the bits can't express */
};

static struct mirrored find_mirrored(const void *acl, size_t size)
{
	struct mirrored found = {.more = false};
	for (size_t i = 0; i < entry_count(size); i++) {
		switch (entry_at(acl, i).tag) {
		case ACL_USER_OBJ:
			found.owner = i;
			break;
		case ACL_GROUP_OBJ:
			found.group = i;
			break;
		case ACL_MASK: /* comes behind the group's, and in its place */
			found.group = i;
			found.more = true;
			break;
		case ACL_OTHER:
			found.other = i;
			break;
		default:
			found.more = true;
		}
	}
	return found;
}

static mode_t mode_of(const void *acl, const struct mirrored *at)
{
	return entry_at(acl, at->owner).permissions << 6 |
	       entry_at(acl, at->group).permissions << 3 | entry_at(acl, at->other).permissions;
}

static void set_mode(void *acl, const struct mirrored *at, mode_t mode)
{
	set_permissions(acl, at->owner, mode >> 6 & 7);
	set_permissions(acl, at->group, mode >> 3 & 7);
	set_permissions(acl, at->other, mode & 7);
}

static void set_permission_bits(struct inode *inode, mode_t mode)
{
	inode->permissions = (inode->permissions & ~(mode_t)PERMISSIONS) | mode;
}

int acl_set(
	struct inode *inode, struct fs_name name, const void *value, size_t size, bool clear_sgid)
{
	if (S_ISLNK(inode->type))
		return -EOPNOTSUPP;
	int err = check(value, size);
	if (err)
		return err;
	if (same_name(name, default_name))
		return S_ISDIR(inode->type) ? xattr_set(inode, name, value, size, 0) : -EACCES;

	struct mirrored at = find_mirrored(value, size);
	if (at.more)
		err = xattr_set(inode, name, value, size, 0);
	else
		xattr_drop(inode, name);
	if (err)
		return err;
	set_permission_bits(inode, mode_of(value, &at));
	if (clear_sgid)
		inode->permissions &= ~(mode_t)S_ISGID;
	inode_changed(inode);
	return 0;
}

void acl_follow_mode(struct inode *inode)
{
	size_t size;
	void *acl = xattr_value(inode, access_name, &size);
	if (!acl)
		return;
	struct mirrored at = find_mirrored(acl, size);
	set_mode(acl, &at, inode->permissions);
}

int acl_inherit(struct inode *directory, struct inode *inode, mode_t umask)
{
	size_t size;
	const void *given = xattr_value(directory, default_name, &size);
	if (S_ISLNK(inode->type))
		return 0;
	if (!given) {
		inode->permissions &= ~(umask & PERMISSIONS);
		return 0;
	}
	struct mirrored at = find_mirrored(given, size);
	set_permission_bits(inode, inode->permissions & mode_of(given, &at));
	int err = 0;
	if (S_ISDIR(inode->type))
		err = xattr_set(inode, default_name, given, size, 0);
	if (!err && at.more)
		err = xattr_set(inode, access_name, given, size, 0);
	if (!err)
		acl_follow_mode(inode);
	return err;
}
