/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_MOUNT_POINT_H
#define VRAMFS_CLI_MOUNT_POINT_H

#include "base/err.h"

#include <limits.h>

/* The absolute path of DIRECTORY without symbolic links, as the kernel names a mount point; also
 * that of a mount whose daemon has died, which realpath(3) can't follow. */
err_t mount_point_path(const char *directory, char ret_path[PATH_MAX]);

#endif
