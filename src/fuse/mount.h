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

/* Open /dev/fuse. */
err_t fuse_device_open(int *ret_fd, struct why *why);

/* Check the directory and mount the connection of FD on it. */
err_t fuse_mount_attach(const struct fuse_options *options, int fd,
	struct fuse_mount_point *ret_point, struct why *why);

/* Unmount, if it still is mounted. With files open, do so by force: their users get errors. */
void fuse_mount_detach(const struct fuse_mount_point *point);

void fuse_mount_point_done(struct fuse_mount_point *point);

#endif
