/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The options of `vramfs mount`. What --device, --size and the like set can also be said with -o,
 * as mount(8) and fstab(5) write it; both ways end in the same setters.
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
	KEY_ALLOW_OTHER,
	KEY_DEBUG,
};

#define THREADS_MAX 256

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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
	{"foreground", 'f', NULL, 0, "Stay in the foreground and log to standard error", 0},
	{NULL, 'o', "OPTIONS", 0, "Mount options, separated by commas; see vramfs-mount(1)", 0},
	{"allow-other", KEY_ALLOW_OTHER, NULL, 0, "Let other users in too", 0},
	{"debug", KEY_DEBUG, NULL, 0, "Log debug messages", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static err_t set_device(struct mount_options *options, const char *value)
{
	int length = snprintf(options->device, sizeof(options->device), "%s", value);

	if (!*value || length >= (int)sizeof(options->device))
		return why_fail(options->common.why, EINVAL,
			"'%s' is no device: 'vramfs devices' lists those there are", value);
	return 0;
}

static err_t set_size(struct mount_options *options, const char *value)
{
	return size_parse(value, &options->size, options->common.why);
}

static err_t set_ecc(struct mount_options *options, const char *value)
{
	return options_code(value, &options->code, options->common.why);
}

static err_t set_max_correct(struct mount_options *options, const char *value)
{
	return options_number("max-correct", value, 0, RS_MAX_CORRECT, &options->max_correct,
		options->common.why);
}

static err_t set_threads(struct mount_options *options, const char *value)
{
	return options_number(
		"threads", value, 1, THREADS_MAX, &options->threads, options->common.why);
}

static err_t set_cache(struct mount_options *options, const char *value)
{
	static const char *const names[] = {
		[FUSE_CACHE_AUTO] = "auto",
		[FUSE_CACHE_NONE] = "none",
		[FUSE_CACHE_ALWAYS] = "always",
	};

	for (size_t i = 0; i < COUNT(names); i++) {
		if (!strcmp(value, names[i])) {
			options->cache = (enum fuse_cache)i;
			return 0;
		}
	}
	return why_fail(options->common.why, EINVAL,
		"'%s' is no cache mode: it can be auto, none or always", value);
}

/* -o NAME=VALUE */
static const struct {
	const char *name;
	int (*set)(struct mount_options *options, const char *value);
} value_words[] = {
	{"device", set_device},
	{"size", set_size},
	{"ecc", set_ecc},
	{"max_correct", set_max_correct},
	{"threads", set_threads},
	{"cache", set_cache},
};

/* -o NAME */
static const struct {
	const char *name;
	size_t offset; /* of a bool in struct mount_options */
	bool value;
} flag_words[] = {
	{"ro", offsetof(struct mount_options, read_only), true},
	{"rw", offsetof(struct mount_options, read_only), false},
	{"allow_other", offsetof(struct mount_options, allow_other), true},
	{"dev", offsetof(struct mount_options, dev), true},
	{"nodev", offsetof(struct mount_options, dev), false},
	{"suid", offsetof(struct mount_options, suid), true},
	{"nosuid", offsetof(struct mount_options, suid), false},
	{"exec", offsetof(struct mount_options, noexec), false},
	{"noexec", offsetof(struct mount_options, noexec), true},
	{"noatime", offsetof(struct mount_options, noatime), true},
	{"inject", offsetof(struct mount_options, inject), true},
};

/* Words of fstab(5) that speak to mount(8) or systemd and not to a filesystem. */
static bool is_for_others(const char *word)
{
	static const char *const names[] = {"defaults", "auto", "noauto", "user", "users", "nouser",
		"owner", "group", "nofail", "_netdev"};

	for (size_t i = 0; i < COUNT(names); i++) {
		if (!strcmp(word, names[i]))
			return true;
	}
	return !strncmp(word, "x-", 2) || !strncmp(word, "comment=", 8);
}

/* One word of -o; VALUE is what stands behind its '=', or NULL. */
static err_t apply_word(struct mount_options *options, const char *word, const char *value)
{
	for (size_t i = 0; value && i < COUNT(value_words); i++) {
		if (!strcmp(word, value_words[i].name))
			return value_words[i].set(options, value);
	}
	for (size_t i = 0; !value && i < COUNT(flag_words); i++) {
		if (!strcmp(word, flag_words[i].name)) {
			*(bool *)((char *)options + flag_words[i].offset) = flag_words[i].value;
			return 0;
		}
	}
	for (size_t i = 0; !value && i < COUNT(value_words); i++) {
		if (!strcmp(word, value_words[i].name))
			return why_fail(options->common.why, EINVAL,
				"mount option '%s' needs a value: -o %s=...", word, word);
	}
	return why_fail(options->common.why, EINVAL,
		"unknown mount option '%s%s%s'; see 'man vramfs-mount'", word, value ? "=" : "",
		value ? value : "");
}

static err_t apply_words(struct mount_options *options, const char *list)
{
	while (*list) {
		size_t length = strcspn(list, ",");
		char word[256];
		char *value;
		int err;

		if (length >= sizeof(word))
			return why_fail(options->common.why, EINVAL,
				"mount option '%.32s...' is too long; see 'man vramfs-mount'",
				list);
		memcpy(word, list, length);
		word[length] = '\0';
		list += length + (list[length] == ',');
		if (!*word || is_for_others(word))
			continue;
		value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		err = apply_word(options, word, value);
		if (err)
			return err;
	}
	return 0;
}

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
		return -set_device(options, argument);
	case KEY_SIZE:
		return -set_size(options, argument);
	case KEY_ECC:
		return -set_ecc(options, argument);
	case KEY_MAX_CORRECT:
		return -set_max_correct(options, argument);
	case KEY_THREADS:
		return -set_threads(options, argument);
	case KEY_ALLOW_OTHER:
		options->allow_other = true;
		return 0;
	case KEY_DEBUG:
		options->debug = true;
		return 0;
	case 'f':
		options->foreground = true;
		return 0;
	case 'o':
		return -apply_words(options, argument);
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

int mount_options_parse(int argc, char **argv, struct mount_options *ret_options, struct why *why)
{
	*ret_options = (struct mount_options){
		.common.why = why,
		.device = "auto",
		.size = {.kind = SIZE_PERCENT, .percent = 50},
		.code = RS_136,
		.max_correct = RS_MAX_CORRECT,
	};
	return options_parse(&mount_argp, argc, argv, &ret_options->common);
}
