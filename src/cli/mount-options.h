/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_MOUNT_OPTIONS_H
#define VRAMFS_CLI_MOUNT_OPTIONS_H

#include "base/size.h"
#include "cli/options.h"
#include "fuse/fuse.h"
#include "fuse/mount-flags.h"

#include <limits.h>
#include <stdbool.h>

/* What `vramfs mount`, or mount(8) through the helper, was asked for. */
struct mount_options {
	struct options common;
	char device[128];
	struct size_spec size;
	enum rs_code code;
	uint64_t max_correct, threads;
	uint64_t max_inodes; /* as in struct fs_options */
	enum fuse_cache cache;
	enum fuse_transport_kind transport;
	struct mount_flags flags;
	bool all_flags;   /* what `flags` doesn't set is to be cleared, but nosuid and nodev */
	mode_t root_mode; /* of the root directory; each is -1 for that of the mount point */
	uid_t root_uid;
	gid_t root_gid;
	bool allow_other, inject;
	bool remount;
	bool foreground, debug;
	bool quiet;         /* don't print what was mounted */
	const char *source; /* what /proc/mounts shows as the device; NULL: the device's name */
	const char *directory;
	/* The words of -o, or the options of the same meaning, that are no flags: "size=1G,inject"
	 */
	char words[1024];
	char unknown[64]; /* the first of them that means nothing to us */
};

#define MOUNT_MODE_UNSET ((mode_t)-1)
#define MOUNT_UID_UNSET ((uid_t)-1)
#define MOUNT_GID_UNSET ((gid_t)-1)

/* The defaults. */
void mount_options_init(struct mount_options *options, struct why *why);

/* Parse the command line of `vramfs mount`. */
err_t mount_options_parse(
	int argc, char **argv, struct mount_options *ret_options, struct why *why);

/* Take one word of -o, say NAME=VALUE, or NAME if VALUE is NULL. What nobody knows is only noted
 * in `unknown`. */
err_t mount_options_add(struct mount_options *options, const char *name, const char *value);

/* Take LIST, the words of -o with commas between them. */
err_t mount_options_add_list(struct mount_options *options, const char *list);

/* When all have been taken: is there something that nobody knows, or that doesn't go together?
 * SLOPPY: what nobody knows is passed over. */
err_t mount_options_check(struct mount_options *options, bool sloppy);

#endif
