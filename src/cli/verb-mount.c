/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs mount`, in the foreground or in the background.
 *
 * Order matters. Everything that can be checked without the device is checked first, so that a
 * mistyped mount point costs nothing. The fork comes before the device is opened, because a CUDA
 * context does not survive one.
 */
#include "base/log.h"
#include "cli/cli.h"
#include "cli/daemon.h"
#include "cli/mount-point.h"
#include "cli/mount.h"
#include "cli/systemd.h"
#include "fuse/fuse.h"

#include <stdio.h>
#include <string.h>

static void tell_ready(struct mount *mount)
{
	struct daemon_word word = {.status = EXIT_DONE};

	if (mount->channel < 0) {
		if (!mount->options.quiet)
			puts(mount->description);
		fflush(stdout);
		systemd_notify("READY=1\nSTATUS=%s", mount->description);
		return;
	}
	snprintf(word.text, sizeof(word.text), "%s", mount->description);
	daemon_detach();
	log_to_syslog();
	log_info("mounted %s", mount->description);
	if (daemon_report(mount->channel, &word)) {
		log_warning("unmounting %s: who asked for it was gone", mount->directory);
		fuse_stop(mount->session);
	}
	mount->channel = -1;
}

/* Serve, and tell whoever waits how it went. Returns the exit status of the process. */
static enum exit_status run(struct mount *mount)
{
	struct why why = {""};
	struct daemon_word word = {.status = EXIT_DONE};
	int err;

	mount->ready = tell_ready;
	err = mount_serve(mount, &why);
	if (!err)
		return EXIT_DONE;
	word.status = exit_status_of(mount->stage, err);
	if (mount->channel >= 0) {
		snprintf(word.text, sizeof(word.text), "%s", why.text);
		if (daemon_report(mount->channel, &word))
			log_error("%s", why.text);
		return word.status;
	}
	if (mount->options.foreground) {
		systemd_notify("STATUS=%s\nERRNO=%d", why.text, -err);
		return exit_fail("mount", mount->stage, err, &why);
	}
	log_error("%s", why.text);
	return word.status;
}

static enum exit_status run_in_background(struct mount *mount)
{
	struct daemon_word word = {.status = EXIT_IO};
	struct why why = {""};
	int err;

	err = daemon_fork(&mount->channel, &word, &why);
	if (err)
		return exit_fail("mount", STAGE_WORK, err, &why);
	if (mount->channel >= 0)
		return run(mount);
	if (word.status == EXIT_DONE) {
		if (!mount->options.quiet)
			puts(word.text);
		return exit_flush("mount", EXIT_DONE);
	}
	snprintf(why.text, sizeof(why.text), "%.500s", word.text);
	exit_fail("mount", STAGE_WORK, -EIO, &why);
	return word.status;
}

enum exit_status mount_start(const struct mount_options *options)
{
	struct mount mount = {.options = *options, .channel = -1};
	struct why why = {""};
	int err;

	/* What has no such path is no directory, which the check says in better words. */
	if (mount_point_path(options->directory, mount.directory))
		snprintf(mount.directory, sizeof(mount.directory), "%s", options->directory);
	if (options->remount)
		err = mount_remount(options, mount.directory, &why);
	else
		err = fuse_check_directory(mount.directory, &why);
	if (err)
		return exit_fail("mount", STAGE_MOUNT_POINT, err, &why);
	if (options->remount)
		return EXIT_DONE;
	return options->foreground ? run(&mount) : run_in_background(&mount);
}

enum exit_status verb_mount(int argc, char **argv)
{
	struct mount_options options;
	struct why why = {""};
	int err = mount_options_parse(argc, argv, &options, &why);

	if (err)
		return exit_fail("mount", STAGE_ARGUMENTS, err, &why);
	if (options.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	return mount_start(&options);
}
