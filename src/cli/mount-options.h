/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_MOUNT_OPTIONS_H
#define VRAMFS_CLI_MOUNT_OPTIONS_H

#include "base/size.h"
#include "cli/options.h"
#include "fuse/fuse.h"

#include <stdbool.h>

/* What `vramfs mount` was asked for. */
struct mount_options {
	struct options common;
	char device[128];
	struct size_spec size;
	enum rs_code code;
	enum fuse_cache cache;
	uint64_t max_correct, threads;
	bool foreground, debug, inject;
	bool read_only, allow_other, dev, suid, noexec, noatime;
	const char *directory;
};

/* Parse the command line of `vramfs mount` over the defaults. */
err_t mount_options_parse(
	int argc, char **argv, struct mount_options *ret_options, struct why *why);

#endif
