/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The command line of `vramfs mount`. An option that means the same as a word behind -o is handed
 * on as that word (mount-words.c).
 */
#include "cli/mount-options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
	KEY_DEVICE = 0x100,
	KEY_SIZE,
	KEY_ECC,
	KEY_MAX_CORRECT,
	KEY_THREADS,
	KEY_INODES,
	KEY_CACHE,
	KEY_TRANSPORT,
	KEY_ALLOW_OTHER,
	KEY_DEBUG,
};

static const struct argp_option mount_option_list[] = {
	{"device", KEY_DEVICE, "DEVICE", 0,
		"Where the files live: auto (the first GPU, the default), a number, cuda:N, "
		"opencl:N, a UUID, a PCI address, or host",
		0},
	{"size", KEY_SIZE, "SIZE", 0,
		"Device memory to take, parity included: bytes, 4G, max (what is free less "
		"some headroom) or a share of that (default 50%)",
		0},
	{"ecc", KEY_ECC, "CODE", OPTION_ARG_OPTIONAL,
		"The code that protects each line: rs136 (the default), rs128 or none", 0},
	{"max-correct", KEY_MAX_CORRECT, "N", 0,
		"Correct up to N wrong bytes a line, 0 to 4 (default 4)", 0},
	{"threads", KEY_THREADS, "N", 0,
		"Serve requests on N threads (default: chosen from the processors)", 0},
	{"inodes", KEY_INODES, "N", 0,
		"At most N files, directories and so on; 0: no limit (default: what half of the "
		"host's memory can describe)",
		0},
	{"cache", KEY_CACHE, "MODE", 0,
		"What the kernel keeps of files in host memory: none, auto (the default) or always",
		0},
	{"transport", KEY_TRANSPORT, "KIND", 0,
		"How requests come from the kernel: auto (the default: uring where it can be "
		"used), uring or dev",
		0},
	{"foreground", 'f', NULL, 0, "Stay in the foreground and log to standard error", 0},
	{NULL, 'o', "OPTIONS", 0, "Mount options, separated by commas; see vramfs-mount(1)", 0},
	{"allow-other", KEY_ALLOW_OTHER, NULL, 0, "Let other users in too", 0},
	{"debug", KEY_DEBUG, NULL, 0, "Log debug messages", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static err_t take_directory(struct mount_options *options, const char *word)
{
	if (options->directory)
		return why_fail(options->common.why, EINVAL,
			"'%s' is one word too many: one mount point; see 'vramfs mount --help'",
			word);
	if (!*word)
		return why_fail(options->common.why, EINVAL,
			"say where to mount: vramfs mount [OPTION...] DIR");
	options->directory = word;
	return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct mount_options *options = state->input;

	switch (key) {
	case KEY_DEVICE:
		return -mount_options_add(options, "device", argument);
	case KEY_SIZE:
		return -mount_options_add(options, "size", argument);
	case KEY_ECC:
		return -mount_options_add(
			options, "ecc", argument ? argument : rs_code_name(RS_136));
	case KEY_MAX_CORRECT:
		return -mount_options_add(options, "max_correct", argument);
	case KEY_THREADS:
		return -mount_options_add(options, "threads", argument);
	case KEY_INODES:
		return -mount_options_add(options, "nr_inodes", argument);
	case KEY_CACHE:
		return -mount_options_add(options, "cache", argument);
	case KEY_TRANSPORT:
		return -mount_options_add(options, "transport", argument);
	case KEY_ALLOW_OTHER:
		return -mount_options_add(options, "allow_other", NULL);
	case KEY_DEBUG:
		options->debug = true;
		return 0;
	case 'f':
		options->foreground = true;
		return 0;
	case 'o':
		return -mount_options_add_list(options, argument);
	case ARGP_KEY_ARG:
		return -take_directory(options, argument);
	case ARGP_KEY_END:
		if (!options->directory)
			return -why_fail(options->common.why, EINVAL,
				"say where to mount: vramfs mount [OPTION...] DIR");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp mount_argp = {
	.options = mount_option_list,
	.parser = parse_option,
	.args_doc = "DIR",
	.doc = "Mount a filesystem on DIR whose files live in GPU memory.",
};

void mount_options_init(struct mount_options *options, struct why *why)
{
	*options = (struct mount_options){
		.common.why = why,
		.device = "auto",
		.size = {.kind = SIZE_PERCENT, .percent = 50},
		.code = RS_136,
		.max_correct = RS_MAX_CORRECT,
		.cache = FUSE_CACHE_AUTO,
		.root_mode = MOUNT_MODE_UNSET,
		.root_uid = MOUNT_UID_UNSET,
		.root_gid = MOUNT_GID_UNSET,
	};
}

int mount_options_check(struct mount_options *options, bool sloppy)
{
	/* A remount compares them all with those that the mount has. */
	if (*options->unknown && !options->remount && !sloppy)
		return why_fail(options->common.why, EINVAL,
			"unknown mount option '%s'; see 'man vramfs-mount'", options->unknown);
	if (options->remount && options->foreground)
		return why_fail(options->common.why, EINVAL,
			"a remount serves nothing: leave --foreground out");
	return 0;
}

int mount_options_parse(int argc, char **argv, struct mount_options *ret_options, struct why *why)
{
	int err;

	mount_options_init(ret_options, why);
	err = options_parse(&mount_argp, argc, argv, &ret_options->common);
	return err ? err : mount_options_check(ret_options, false);
}
