/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_OPEN_MODES_H
#define VRAMFS_FUSE_OPEN_MODES_H

#include "base/err.h"
#include "fuse/fuse.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Which open files go through the kernel's page cache. All that have one inode open at a time do,
 * or none does. Any thread may call these at any time.
 */
struct open_modes;

err_t open_modes_new(enum fuse_cache cache, struct open_modes **ret_modes);
/* NULL is allowed. */
void open_modes_free(struct open_modes *modes);

/* INO is being opened with FLAGS, those of open(2): through the page cache? */
bool open_modes_enter(struct open_modes *modes, uint64_t ino, uint32_t flags);

/* One that was open is closed. */
void open_modes_leave(struct open_modes *modes, uint64_t ino);

#endif
