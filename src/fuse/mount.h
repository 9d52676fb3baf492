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
	uint64_t id; /* no other mount has it or will have it; 0: the kernel does not say */
	int fd;      /* the connection: /dev/fuse; closed by fuse_mount_point_done() */
};

/* Check the directory and mount on it. */
err_t fuse_mount_attach(
	const struct fuse_options *options, struct fuse_mount_point *ret_point, struct why *why);

/* Unmount, if it still is mounted; with files open, lazily: they work until the connection is
 * closed. False: it can't be done, which is logged, and can be tried again. */
bool fuse_mount_detach(const struct fuse_mount_point *point);

/* Does nothing for one that was never attached, whose FD is -1. */
void fuse_mount_point_done(struct fuse_mount_point *point);

#endif
