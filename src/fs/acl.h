/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_ACL_H
#define VRAMFS_FS_ACL_H

#include "fs/inode.h"

/*
 * POSIX access control lists (acl(5), POSIX.1e draft 17): what they do to the inodes that have
 * them. They are kept as extended attributes, in the kernel's own form.
 */

/* Is it the name of an ACL? */
bool acl_is_name(struct fs_name name);

/* Set an inode's ACL of that NAME. With CLEAR_SGID an access ACL takes the setgid bit. Errors as
 * fs_set_xattr(). called with inode->lock held */
err_t acl_set(
	struct inode *inode, struct fs_name name, const void *value, size_t size, bool clear_sgid);

/* The inode's permission bits have changed: let its access ACL say the same. called with
 * inode->lock held */
void acl_follow_mode(struct inode *inode);

/*
 * What INODE, made in DIRECTORY, gets of its default ACL: an access ACL, for directories the
 * default ACL itself, and permission bits that both they and its MODE allow. Without a default ACL
 * it is the UMASK that takes permission bits away. Symbolic links have neither. -ENOMEM.
 *
 * called with directory->lock held, for an inode that nobody else knows
 */
err_t acl_inherit(struct inode *directory, struct inode *inode, mode_t umask);

#endif
