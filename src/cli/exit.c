/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * From errno to exit status, in one table, and the one line that a failure prints.
 */
#include "cli/exit.h"

#include "base/log.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { ANY_STAGE = -1 };

/* The first row that fits counts. */
static const struct {
	int stage;
	int error;
	enum exit_status status;
} statuses[] = {
	{STAGE_DEVICE, EIO, EXIT_DEVICE},   /* the driver or the kernels would not start */
	{STAGE_DEVICE, EBUSY, EXIT_DEVICE}, /* another process has it for itself */
	{STAGE_MOUNT_POINT, ENODEV, EXIT_MOUNT_POINT}, /* no /dev/fuse */
	{STAGE_MOUNT_POINT, EINVAL, EXIT_MOUNT_POINT}, /* not a mount of ours */
	{STAGE_MOUNT_POINT, ENAMETOOLONG, EXIT_MOUNT_POINT},
	{STAGE_MOUNT_POINT, ELOOP, EXIT_MOUNT_POINT},
	{STAGE_MOUNT_POINT, ENOTCONN, EXIT_MOUNT_POINT},
	{STAGE_MOUNT_POINT, ETIMEDOUT, EXIT_FAILED},
	{ANY_STAGE, EINVAL, EXIT_USAGE},
	{ANY_STAGE, ERANGE, EXIT_USAGE},
	{ANY_STAGE, ENODEV, EXIT_DEVICE},
	{ANY_STAGE, ENXIO, EXIT_DEVICE},
	{ANY_STAGE, ENOMEM, EXIT_MEMORY},
	{ANY_STAGE, ENOSPC, EXIT_MEMORY},
	{ANY_STAGE, ENOENT, EXIT_MOUNT_POINT},
	{ANY_STAGE, ENOTDIR, EXIT_MOUNT_POINT},
	{ANY_STAGE, ENOTEMPTY, EXIT_MOUNT_POINT},
	{ANY_STAGE, EBUSY, EXIT_MOUNT_POINT},
	{ANY_STAGE, EPERM, EXIT_PERMISSION},
	{ANY_STAGE, EACCES, EXIT_PERMISSION},
};

enum exit_status exit_status_of(enum stage stage, int err)
{
	if (!err)
		return EXIT_DONE;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].error == -err &&
			(statuses[i].stage == ANY_STAGE || statuses[i].stage == (int)stage))
			return statuses[i].status;
	}
	return EXIT_IO;
}

enum exit_status exit_fail(const char *verb, enum stage stage, int err, const struct why *why)
{
	struct why line;

	snprintf(line.text, sizeof(line.text), "%s",
		why && why->text[0] ? why->text : strerror(-err));
	/* A driver's message may have several lines. */
	for (char *end = line.text; *end; end++) {
		if ((unsigned char)*end < ' ')
			*end = ' ';
	}
	fprintf(stderr, "%svramfs%s%s: %s\n", log_priority(LOG_LEVEL_ERROR), verb ? " " : "",
		verb ? verb : "", line.text);
	return exit_status_of(stage, err);
}

enum exit_status exit_flush(const char *verb, enum exit_status status)
{
	struct why why;
	int err = 0;

	if (fflush(stdout) || ferror(stdout))
		err = why_fail(&why, EIO, "can't write to standard output: %s", strerror(errno));
	if (err)
		return exit_fail(verb, STAGE_WORK, err, &why);
	return status;
}
