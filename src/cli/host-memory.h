/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_HOST_MEMORY_H
#define VRAMFS_CLI_HOST_MEMORY_H

/*
 * Make this process safe against the host's running out of memory, as a filesystem must be that
 * other programs' dirty pages are written to. To be called in the process that serves, before its
 * first thread: those inherit it. What isn't permitted is left out.
 */
void host_memory_guard(void);

#endif
