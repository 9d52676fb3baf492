/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_MOUNT_H
#define VRAMFS_FUSE_MOUNT_H

#include "fuse/fuse.h"
#include "fuse/mount-table.h"

/* A mount that this process made. */
struct fuse_mount_point {
	char *directory; /* without symbolic links */
	struct mount_entry entry;
};

/* Check the directory and mount on it. *RET_FD is the connection: /dev/fuse, the caller's. */
err_t fuse_mount_attach(const struct fuse_options *options, int *ret_fd,
	struct fuse_mount_point *ret_point, struct why *why);

/* Unmount, if it still is mounted; with files open, lazily: they work until the connection is
 * closed. False: it can't be done, which is logged, and can be tried again. */
bool fuse_mount_detach(const struct fuse_mount_point *point);

void fuse_mount_point_done(struct fuse_mount_point *point);

#endif
