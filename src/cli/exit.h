/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_EXIT_H
#define VRAMFS_CLI_EXIT_H

#include "base/err.h"

/*
 * How every verb ends. The man page vramfs(1) has the same table; a test holds it to this one.
 */
enum exit_status {
	EXIT_DONE = 0,        /* it did what was asked */
	EXIT_FAILED = 1,      /* a test found errors, or the operation failed */
	EXIT_USAGE = 2,       /* a bad option, argument or size */
	EXIT_DEVICE = 3,      /* no such device, or its driver is missing or broken */
	EXIT_MEMORY = 4,      /* not enough memory on the device */
	EXIT_MOUNT_POINT = 5, /* the mount point is missing, not empty, busy or no vramfs mount */
	EXIT_PERMISSION = 6,  /* not permitted */
	EXIT_IO = 7,          /* the device or an I/O operation failed */
};

/* What was being done when it failed: the same errno means different things to a user. */
enum stage {
	STAGE_ARGUMENTS,   /* reading the command line */
	STAGE_DEVICE,      /* opening the device */
	STAGE_REGION,      /* taking device memory */
	STAGE_MOUNT_POINT, /* mounting, unmounting */
	STAGE_WORK,        /* the work itself */
};

/* The exit status for ERR (0 or -errno) at STAGE. */
enum exit_status exit_status_of(enum stage stage, int err);

/* Write "vramfs VERB: why" to stderr, as one line whatever is in WHY (what ERR means, if it is
 * empty), and return the exit status for it. VERB is NULL before one is known. */
enum exit_status exit_fail(const char *verb, enum stage stage, int err, const struct why *why);

/* Flush stdout; STATUS, or EXIT_IO with a line on stderr if not all output could be written. */
enum exit_status exit_flush(const char *verb, enum exit_status status);

#endif
