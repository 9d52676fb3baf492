/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_READ_AHEAD_H
#define VRAMFS_FUSE_READ_AHEAD_H

#include "fuse/mount-table.h"

/* Let the kernel read further ahead in files of ENTRY, which is mounted and initialised, than INIT
 * can ask for. Where that isn't permitted, reading through the page cache is slower. */
void read_ahead_raise(const struct mount_entry *entry);

#endif
