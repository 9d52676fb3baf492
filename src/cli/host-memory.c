/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * When memory is short the kernel writes dirty pages, swaps, and at last kills. Each could wait for
 * this process, or hit it, while it is needed to write dirty pages of its own filesystem:
 *
 * - Memory that it allocates must not be reclaimed by writing to a filesystem, which might be the
 *   one that it serves (PR_SET_IO_FLUSHER, which threads inherit).
 * - Its memory must not have to be read back from swap, nor its code from a disk (mlockall). Only
 *   what has been touched is locked: GPU drivers reserve address space of many times the memory.
 * - Killing it would free little and lose every file (oom_score_adj).
 */
#include "cli/host-memory.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* While there is a limit, mapping memory beyond it would fail; so first the limit goes. */
static void lock_memory(void)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	if (setrlimit(RLIMIT_MEMLOCK, &unlimited) ||
		mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		log_debug("memory is not locked: %s", strerror(errno));
}

static void ask_to_be_spared(void)
{
	CLEANUP(close_p) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "-1000", 5) < 0)
		log_debug("oom_score_adj is not set: %s", strerror(errno));
}

void host_memory_guard(void)
{
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
		log_debug("PR_SET_IO_FLUSHER is not set: %s", strerror(errno));
	lock_memory();
	ask_to_be_spared();
}
