/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_MOUNT_H
#define VRAMFS_CLI_MOUNT_H

#include "cli/exit.h"
#include "cli/mount-options.h"

#include <limits.h>
#include <semaphore.h>

/* One mount, from the command line to its end. */
struct mount {
	struct mount_options options;
	char directory[PATH_MAX];
	int channel;      /* to the parent that waits for readiness, or -1 */
	enum stage stage; /* what is being done, for the exit status */
	char description[768];
	void (*ready)(struct mount *mount); /* called when the filesystem can be used */
	struct fuse_session *session;
	sem_t serving; /* signals count from here */
};

/* Do what OPTIONS ask for, and say on stderr what went wrong, if anything. Returns when the
 * filesystem can be used or, in the foreground, when it has ended. */
enum exit_status mount_start(const struct mount_options *options);

/* Bring the layers up, mount, call mount->ready, serve until the end, take everything down. */
err_t mount_serve(struct mount *mount, struct why *why);

/* Change the flags of the mount on DIRECTORY, a path without symbolic links. -EINVAL: it is none of
 * ours, or OPTIONS ask for a change of something else. */
err_t mount_remount(const struct mount_options *options, const char *directory, struct why *why);

/* The program as mount(8) calls it: "mount.fuse.vramfs SOURCE DIRECTORY [-sfnv] [-o OPTIONS] [-t
 * TYPE]". Returns an exit status as mount(8) lists them. */
int mount_helper(int argc, char **argv);

#endif
