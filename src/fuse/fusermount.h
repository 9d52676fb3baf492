/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_FUSERMOUNT_H
#define VRAMFS_FUSE_FUSERMOUNT_H

#include "fuse/fuse.h"

/*
 * Mounting and unmounting for users whom the kernel does not let: through fusermount3, which Debian
 * has in the package fuse3 and which runs as root. DIRECTORY has no symbolic links. What
 * fusermount3 does not permit is -EPERM with its own words in WHY; that it is missing is -EPERM
 * too.
 */

/* *RET_FD is the connection: /dev/fuse, the caller's. */
err_t fusermount_mount(
	const struct fuse_options *options, const char *directory, int *ret_fd, struct why *why);

/* -EBUSY: it is in use, and LAZY was not asked for. */
err_t fusermount_unmount(const char *directory, bool lazy, struct why *why);

#endif
