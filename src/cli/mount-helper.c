/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * What `mount -t fuse.vramfs` and fstab lines run: mount(8) calls /sbin/mount.fuse.vramfs, a link
 * to this program, or where that isn't installed, mount.fuse3 calls `vramfs SOURCE DIRECTORY -o
 * OPTIONS`. The source is the device, and /proc/mounts shows it as it was written, because that is
 * how `mount -a` knows what is mounted already.
 */
#include "cli/mount.h"

#include <paths.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct helper_options {
	struct mount_options mount; /* first: options_parse() */
	const char *source;
	bool sloppy, fake, verbose;
};

static const struct argp_option helper_option_list[] = {
	{NULL, 's', NULL, 0, "Pass over options that are not known", 0},
	{NULL, 'f', NULL, 0, "Fake: check the options and mount nothing", 0},
	{NULL, 'n', NULL, 0, "Don't write to /etc/mtab (which nothing does)", 0},
	{NULL, 'v', NULL, 0, "Say what was mounted", 0},
	{NULL, 'o', "OPTIONS", 0, "Mount options, separated by commas; see vramfs-mount(1)", 0},
	{NULL, 't', "TYPE", 0, "The type that was asked for", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static err_t take_argument(struct helper_options *helper, const char *word)
{
	if (!helper->source) {
		helper->source = word;
		return 0;
	}
	if (!helper->mount.directory && *word) {
		helper->mount.directory = word;
		return 0;
	}
	return why_fail(helper->mount.common.why, EINVAL, "'%s' is one word too many", word);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct helper_options *helper = state->input;

	switch (key) {
	case 's':
		helper->sloppy = true;
		return 0;
	case 'f':
		helper->fake = true;
		return 0;
	case 'n':
	case 't':
		return 0;
	case 'v':
		helper->verbose = true;
		return 0;
	case 'o':
		return -mount_options_add_list(&helper->mount, argument);
	case ARGP_KEY_ARG:
		return -take_argument(helper, argument);
	case ARGP_KEY_END:
		if (!helper->mount.directory)
			return -why_fail(helper->mount.common.why, EINVAL,
				"say what to mount where: mount -t fuse.vramfs DEVICE DIR");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp helper_argp = {
	.options = helper_option_list,
	.parser = parse_option,
	.args_doc = "DEVICE DIR",
	.doc = "Called by mount(8), for mount -t fuse.vramfs.",
};

/* The source is a device, unless it is one of the words that say nothing. */
static err_t take_source(struct helper_options *helper)
{
	static const char *const silent[] = {"", "none", "vramfs", "fuse", "fuse.vramfs"};
	struct mount_options *options = &helper->mount;

	options->source = *helper->source ? helper->source : "vramfs";
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		if (!strcmp(helper->source, silent[i]))
			return 0;
	}
	if (strcmp(options->device, "auto") && strcmp(options->device, helper->source))
		return why_fail(options->common.why, EINVAL,
			"'%s' and device=%s are two devices; say one of them", helper->source,
			options->device);
	return mount_options_add(options, "device", helper->source);
}

static err_t parse(int argc, char **argv, struct helper_options *ret_helper, struct why *why)
{
	int err;

	*ret_helper = (struct helper_options){};
	mount_options_init(&ret_helper->mount, why);
	err = options_parse(&helper_argp, argc, argv, &ret_helper->mount.common);
	if (err)
		return err;
	/* Of flags, mount(8) lists those that are set, not what was said. */
	ret_helper->mount.all_flags = true;
	ret_helper->mount.quiet = !ret_helper->verbose;
	err = mount_options_check(&ret_helper->mount, ret_helper->sloppy);
	/* A remount can't change the device, and mount(8) may call it by another name. */
	if (err || ret_helper->mount.remount)
		return err;
	return take_source(ret_helper);
}

static int status_for_mount(enum exit_status status)
{
	enum { MOUNT_DONE = 0, MOUNT_USAGE_OR_PERMISSION = 1, MOUNT_FAILED = 32 };

	switch (status) {
	case EXIT_DONE:
		return MOUNT_DONE;
	case EXIT_USAGE:
	case EXIT_PERMISSION:
		return MOUNT_USAGE_OR_PERMISSION;
	default:
		return MOUNT_FAILED;
	}
}

int mount_helper(int argc, char **argv)
{
	struct helper_options helper;
	struct why why = {""};
	int err;

	argv[0] = (char *)"mount.fuse.vramfs";
	/* mount(8) takes it away; drivers look for compilers and linkers, and fusermount3 is there.
	 */
	setenv("PATH", _PATH_STDPATH, 0);
	err = parse(argc, argv, &helper, &why);
	if (err)
		return status_for_mount(exit_fail("mount", STAGE_ARGUMENTS, err, &why));
	return helper.fake ? 0 : status_for_mount(mount_start(&helper.mount));
}
