/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_MOUNT_TABLE_H
#define VRAMFS_FUSE_MOUNT_TABLE_H

#include "base/err.h"

#include <stdbool.h>

/* What is mounted on a directory, as this process sees it. */
struct mount_entry {
	unsigned major,
		minor; /* the device number of its files: no two filesystems share one at a time */
	char type[64]; /* "ext4", "fuse.vramfs"; cut short if longer */
	char options[256];   /* those of the filesystem: "rw,user_id=0"; cut short if longer */
	unsigned long flags; /* MS_... of mount(2), of the mount and of its filesystem */
};

bool mount_entry_equal(const struct mount_entry *a, const struct mount_entry *b);

/* Find what is mounted on DIRECTORY (a path without symbolic links), the topmost if there are
 * several. -ENOENT: nothing is. */
err_t mount_table_find(const char *directory, struct mount_entry *ret_entry);

/* Is ENTRY mounted on DIRECTORY, be it under others? */
bool mount_table_holds(const char *directory, const struct mount_entry *entry);

/* Does LINE, of the form of /proc/self/mountinfo, describe a mount on DIRECTORY? */
bool mount_table_parse(const char *line, const char *directory, struct mount_entry *ret_entry);

#endif
