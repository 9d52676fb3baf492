/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * How far the kernel reads ahead through the page cache. A device gives its bandwidth only to
 * several requests at once, and requests are at most 1 MiB (FS_IO_MAX), so a sequential reader
 * needs several of them ahead of it. In INIT's reply 128 KiB is the most that a filesystem can ask
 * for; the administrator may set more for each mounted filesystem, and vramfs mostly is root.
 */
#include "fuse/read-ahead.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* Eight requests; see docs/measurements.md. */
#define READ_AHEAD_KIB 8192

void read_ahead_raise(const struct mount_entry *entry)
{
	char path[64], value[16];
	CLEANUP(close_p) int fd = -1;
	int length = snprintf(value, sizeof(value), "%d", READ_AHEAD_KIB);

	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", entry->major,
		entry->minor);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, (size_t)length) != length)
		log_debug("%s can't be set: %s", path, strerror(errno));
}
