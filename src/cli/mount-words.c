/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The words behind -o, as mount(8) and fstab(5) write them. What --device, --size and the like set
 * are words too, so that there is one way in which each can be said and checked. Words are kept in
 * the form they were given: a remount repeats them all, and must find those it can't change the
 * same.
 */
#include "cli/mount-options.h"

#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 256
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

/* As tmpfs takes it: with k, m or g behind it, powers of 1024, and 0 for no limit. */
static err_t set_inodes(struct mount_options *options, const char *value)
{
	static const char suffixes[] = "kmg";
	size_t digits = strspn(value, "0123456789");
	const char *suffix = value[digits] ? strchr(suffixes, value[digits] | 0x20) : NULL;
	unsigned shift = suffix ? 10 * (unsigned)(suffix - suffixes + 1) : 0;
	uint64_t number;
	char text[32];

	snprintf(text, sizeof(text), "%.*s", (int)digits, value);
	if (!digits || digits >= sizeof(text) || value[digits + !!suffix] ||
		options_number("inodes", text, 0, UINT64_MAX >> shift, &number, NULL))
		return why_fail(options->common.why, EINVAL,
			"inodes is how many there may be, such as 500000, 500k or 1m, or 0 for no "
			"limit, not '%s'",
			value);
	options->max_inodes = number ? number << shift : UINT64_MAX;
	return 0;
}

/* Which of the COUNT NAMES is VALUE? */
static err_t set_choice(const char *value, const char *const *names, size_t count,
	const char *complaint, unsigned *ret_choice, struct why *why)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(value, names[i])) {
			*ret_choice = (unsigned)i;
			return 0;
		}
	}
	return why_fail(why, EINVAL, "%s, not '%s'", complaint, value);
}

static err_t set_cache(struct mount_options *options, const char *value)
{
	static const char *const names[] = {[FUSE_CACHE_AUTO] = "auto",
		[FUSE_CACHE_NONE] = "none",
		[FUSE_CACHE_ALWAYS] = "always"};

	return set_choice(value, names, COUNT(names), "cache is none, auto or always",
		&options->cache, options->common.why);
}

static err_t set_transport(struct mount_options *options, const char *value)
{
	static const char *const names[] = {[FUSE_TRANSPORT_AUTO] = "auto",
		[FUSE_TRANSPORT_URING] = "uring",
		[FUSE_TRANSPORT_DEV] = "dev"};

	return set_choice(value, names, COUNT(names), "transport is auto, uring or dev",
		&options->transport, options->common.why);
}

static err_t set_mode(struct mount_options *options, const char *value)
{
	size_t digits = strspn(value, "01234567");
	unsigned long mode = strtoul(value, NULL, 8);

	if (!digits || value[digits] || mode > 07777)
		return why_fail(options->common.why, EINVAL,
			"mode is the root directory's permissions in octal, such as 0755 or 1777, "
			"not '%s'",
			value);
	options->root_mode = (mode_t)mode;
	return 0;
}

static err_t set_uid(struct mount_options *options, const char *value)
{
	const struct passwd *user;
	uint64_t number;

	/* -1 is no user. */
	if (!options_number("uid", value, 0, UINT32_MAX - 1, &number, NULL)) {
		options->root_uid = (uid_t)number;
		return 0;
	}
	user = getpwnam(value);
	if (!user)
		return why_fail(options->common.why, EINVAL, "uid: there is no user '%s'", value);
	options->root_uid = user->pw_uid;
	return 0;
}

static err_t set_gid(struct mount_options *options, const char *value)
{
	const struct group *group;
	uint64_t number;

	if (!options_number("gid", value, 0, UINT32_MAX - 1, &number, NULL)) {
		options->root_gid = (gid_t)number;
		return 0;
	}
	group = getgrnam(value);
	if (!group)
		return why_fail(options->common.why, EINVAL, "gid: there is no group '%s'", value);
	options->root_gid = group->gr_gid;
	return 0;
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
	{"nr_inodes", set_inodes},
	{"cache", set_cache},
	{"transport", set_transport},
	{"mode", set_mode},
	{"uid", set_uid},
	{"gid", set_gid},
};

/* -o NAME */
static const struct {
	const char *name;
	size_t offset; /* of a bool in struct mount_options */
} plain_words[] = {
	{"allow_other", offsetof(struct mount_options, allow_other)},
	{"inject", offsetof(struct mount_options, inject)},
};

/* mount(8) does not hand "dev" and "suid" on, as they are what a mount has that says nothing; not
 * so with ours. */
static const struct {
	const char *name, *flag;
} allowing_words[] = {
	{"allow_dev", "dev"},
	{"allow_suid", "suid"},
};

/* Options of other filesystems that people may expect here, and what to do instead. */
static const struct {
	const char *name, *advice;
} foreign_words[] = {
	{"nr_blocks", "say size= instead"},
	{"huge", "leave it out: the files are not in host memory"},
	{"mpol", "leave it out, or choose another device"},
	{"noswap", "leave it out: device memory is not swapped"},
	{"allow_root", "say allow_other instead"},
	{"auto_unmount", "leave it out: a dead mount is cleaned by umount or a new mount"},
	{"nonempty", "choose an empty directory"},
	{"fsname", "leave it out: the mount is called after its device"},
	{"subtype", "leave it out: the type is fuse.vramfs"},
};

/* Words of fstab(5) that speak to mount(8) or systemd and not to a filesystem; and what FUSE
 * filesystems may be told and this one always does. */
static bool is_for_others(const char *name)
{
	static const char *const names[] = {"defaults", "auto", "noauto", "user", "nouser", "users",
		"nousers", "owner", "noowner", "group", "nogroup", "nofail", "_netdev", "comment",
		"default_permissions"};

	for (size_t i = 0; i < COUNT(names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return !strncmp(name, "x-", 2) || !strncmp(name, "X-", 2);
}

/* Keep the word as it was given. */
static err_t remember(struct mount_options *options, const char *name, const char *value)
{
	size_t used = strlen(options->words), left = sizeof(options->words) - used;
	int length = snprintf(options->words + used, left, "%s%s%s%s", used ? "," : "", name,
		value ? "=" : "", value ? value : "");

	if (length >= (int)left)
		return why_fail(options->common.why, EINVAL,
			"the mount options are too long; see 'man vramfs-mount'");
	return 0;
}

/* Have it do what it means. */
static err_t apply(struct mount_options *options, const char *name, const char *value)
{
	for (size_t i = 0; i < COUNT(value_words); i++) {
		if (strcmp(name, value_words[i].name))
			continue;
		if (!value)
			return why_fail(options->common.why, EINVAL,
				"mount option '%s' needs a value: -o %s=...", name, name);
		return value_words[i].set(options, value);
	}
	for (size_t i = 0; !value && i < COUNT(plain_words); i++) {
		if (!strcmp(name, plain_words[i].name)) {
			*(bool *)((char *)options + plain_words[i].offset) = true;
			return 0;
		}
	}
	for (size_t i = 0; i < COUNT(foreign_words); i++) {
		if (!strcmp(name, foreign_words[i].name))
			return why_fail(options->common.why, EINVAL,
				"mount option '%s' is not for vramfs: %s", name,
				foreign_words[i].advice);
	}
	if (!*options->unknown)
		snprintf(options->unknown, sizeof(options->unknown), "%s%s%s", name,
			value ? "=" : "", value ? value : "");
	return 0;
}

int mount_options_add(struct mount_options *options, const char *name, const char *value)
{
	int err;

	if (is_for_others(name) || (!value && mount_flags_add(&options->flags, name)))
		return 0;
	for (size_t i = 0; !value && i < COUNT(allowing_words); i++) {
		if (!strcmp(name, allowing_words[i].name)) {
			mount_flags_add(&options->flags, allowing_words[i].flag);
			return 0;
		}
	}
	if (!value && !strcmp(name, "remount")) {
		options->remount = true;
		return 0;
	}
	err = remember(options, name, value);
	return err ? err : apply(options, name, value);
}

int mount_options_add_list(struct mount_options *options, const char *list)
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
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		err = mount_options_add(options, word, value);
		if (err)
			return err;
	}
	return 0;
}
