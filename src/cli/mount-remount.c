/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `-o remount,...`: the kernel changes the flags of a mount, and nothing else can change while it
 * is mounted. mount(8) repeats the options of fstab and those that the kernel lists; so words that
 * the mount already has are right, and any other is a wish that can't be fulfilled.
 */
#include "cli/mount.h"

#include "fuse/mount-table.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/xattr.h>

/* Is WORD, of LENGTH bytes, one of LIST, whose words have commas between them? */
static bool has_word(const char *list, const char *word, size_t length)
{
	while (*list) {
		size_t next = strcspn(list, ",");

		if (next == length && !memcmp(list, word, length))
			return true;
		list += next + (list[next] == ',');
	}
	return false;
}

static err_t check_words(
	const char *asked, const char *directory, const struct mount_entry *entry, struct why *why)
{
	char words[sizeof(((struct mount_options *)NULL)->words)];
	ssize_t size = getxattr(directory, "vramfs.options", words, sizeof(words) - 1);

	if (size < 0)
		return why_fail(why, errno, "%s can't be asked for its options: %s", directory,
			strerror(errno));
	words[size] = '\0';
	while (*asked) {
		size_t length = strcspn(asked, ",");

		if (!has_word(words, asked, length) && !has_word(entry->options, asked, length))
			return why_fail(why, EINVAL,
				"a remount can't change '%.*s', only flags such as ro, noexec and "
				"noatime: unmount %s and mount it anew",
				(int)length, asked, directory);
		asked += length + (asked[length] == ',');
	}
	return 0;
}

int mount_remount(const struct mount_options *options, const char *directory, struct why *why)
{
	struct mount_entry entry;
	unsigned long kept;
	int err = mount_table_find(directory, &entry);

	if (err && err != -ENOENT)
		return why_fail(why, -err, "can't read /proc/self/mountinfo: %s", strerror(-err));
	if (err || strcmp(entry.type, "fuse.vramfs"))
		return why_fail(why, EINVAL,
			"%s is no vramfs mount: 'findmnt -t fuse.vramfs' lists those", directory);
	err = check_words(options->words, directory, &entry, why);
	if (err)
		return err;
	kept = options->all_flags ? entry.flags & (MS_NOSUID | MS_NODEV) : entry.flags;
	return fuse_remount(directory, mount_flags_apply(&options->flags, kept), why);
}
