/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs umount`: unmounts and waits until the daemon has ended, because only then is the device
 * memory free again. The daemon's process number comes from the filesystem itself (vramfs.stats)
 * while it is still mounted; a pidfd taken then can't come to mean another process.
 */
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/mount-point.h"
#include "cli/options.h"
#include "fuse/fuse.h"
#include "fuse/mount-table.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define WAIT_SECONDS 60

struct umount_options {
	struct options common;
	bool lazy;
	char **directories;
	int count;
};

static const struct argp_option umount_option_list[] = {
	{"lazy", 'l', NULL, 0,
		"Detach now and end when the last user is gone; the device memory is given back then",
		0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct umount_options *options = state->input;

	(void)argument;
	switch (key) {
	case 'l':
		options->lazy = true;
		return 0;
	case ARGP_KEY_ARGS:
		options->directories = state->argv + state->next;
		options->count = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		return -why_fail(options->common.why, EINVAL,
			"say what to unmount: vramfs umount [OPTION...] DIR...");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp umount_argp = {
	.options = umount_option_list,
	.parser = parse_option,
	.args_doc = "DIR...",
	.doc = "Unmount the filesystems on DIR... and give their device memory back.",
};

/* A descriptor for the daemon behind PATH, or -1 where it is dead or can't be found out. */
static int open_daemon(const char *path)
{
	char stats[4096];
	ssize_t length = getxattr(path, "vramfs.stats", stats, sizeof(stats) - 1);
	const char *line;
	int pid;

	if (length <= 0)
		return -1;
	stats[length] = '\0';
	line = strstr(stats, "\npid ");
	if (!line || sscanf(line, "\npid %d", &pid) != 1)
		return -1;
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static err_t wait_for_end(int daemon, const char *path, struct why *why)
{
	struct pollfd poll_daemon = {.fd = daemon, .events = POLLIN};
	int ready;

	do {
		ready = poll(&poll_daemon, 1, WAIT_SECONDS * 1000);
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return why_fail(why, ETIMEDOUT,
			"%s is unmounted, but its daemon still runs after %d s and holds its device "
			"memory: look for 'vramfs mount' in ps",
			path, WAIT_SECONDS);
	return 0;
}

static err_t umount_one(const char *directory, bool lazy, struct why *why)
{
	CLEANUP(close_p) int daemon = -1;
	char path[PATH_MAX];
	struct mount_entry entry = {};
	int err;

	err = mount_point_path(directory, path);
	if (err)
		return why_fail(why, -err, "can't unmount %s: %s", directory, strerror(-err));
	err = mount_table_find(path, &entry);
	if (err && err != -ENOENT)
		return why_fail(why, -err, "can't read /proc/self/mountinfo: %s", strerror(-err));
	if (strcmp(entry.type, "fuse.vramfs"))
		return why_fail(why, EINVAL,
			"%s is no vramfs mount: 'findmnt -t fuse.vramfs' lists those", directory);
	daemon = open_daemon(path);
	err = fuse_unmount_directory(path, lazy, why);
	if (err || lazy || daemon < 0)
		return err;
	return wait_for_end(daemon, path, why);
}

enum exit_status verb_umount(int argc, char **argv)
{
	enum exit_status status = EXIT_DONE;
	struct why why = {""};
	struct umount_options options = {.common.why = &why};
	int err;

	err = options_parse(&umount_argp, argc, argv, &options.common);
	if (err)
		return exit_fail("umount", STAGE_ARGUMENTS, err, &why);
	for (int i = 0; i < options.count; i++) {
		err = umount_one(options.directories[i], options.lazy, &why);
		if (err) {
			enum exit_status failed = exit_fail("umount", STAGE_MOUNT_POINT, err, &why);

			status = status == EXIT_DONE ? failed : status;
		}
	}
	return status;
}
