/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * One table of words and flags. A word clears what it excludes and sets what it means; where words
 * contradict each other, the last one counts, as in mount(8).
 */
#include "fuse/mount-flags.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#define ATIME_FLAGS (MS_NOATIME | MS_RELATIME | MS_STRICTATIME)

static const struct flag_word {
	const char *word;
	unsigned long clears, sets;
} flag_words[] = {
	{"ro", 0, MS_RDONLY},
	{"rw", MS_RDONLY, 0},
	{"nosuid", 0, MS_NOSUID},
	{"suid", MS_NOSUID, 0},
	{"nodev", 0, MS_NODEV},
	{"dev", MS_NODEV, 0},
	{"noexec", 0, MS_NOEXEC},
	{"exec", MS_NOEXEC, 0},
	{"nosymfollow", 0, MS_NOSYMFOLLOW},
	{"symfollow", MS_NOSYMFOLLOW, 0},
	{"noatime", ATIME_FLAGS, MS_NOATIME},
	{"atime", MS_NOATIME, 0},
	{"relatime", ATIME_FLAGS, MS_RELATIME},
	{"norelatime", MS_RELATIME, 0},
	{"strictatime", ATIME_FLAGS, MS_STRICTATIME},
	{"nostrictatime", MS_STRICTATIME, 0},
	{"nodiratime", 0, MS_NODIRATIME},
	{"diratime", MS_NODIRATIME, 0},
	{"lazytime", 0, MS_LAZYTIME},
	{"nolazytime", MS_LAZYTIME, 0},
	{"sync", 0, MS_SYNCHRONOUS},
	{"async", MS_SYNCHRONOUS, 0},
	{"dirsync", 0, MS_DIRSYNC},
};

#define WORDS (sizeof(flag_words) / sizeof(flag_words[0]))

bool mount_flags_add(struct mount_flags *flags, const char *word)
{
	for (size_t i = 0; i < WORDS; i++) {
		const struct flag_word *flag = &flag_words[i];

		if (strcmp(word, flag->word))
			continue;
		flags->mask |= flag->clears | flag->sets;
		flags->set = (flags->set & ~flag->clears) | flag->sets;
		return true;
	}
	return false;
}

unsigned long mount_flags_apply(const struct mount_flags *flags, unsigned long current)
{
	return (current & ~flags->mask) | flags->set;
}

bool mount_flags_format(unsigned long flags, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < WORDS; i++) {
		int length;

		if (!(flags & flag_words[i].sets))
			continue;
		length = snprintf(text + used, size - used, ",%s", flag_words[i].word);
		if (length >= (int)(size - used))
			return false;
		used += (size_t)length;
	}
	return true;
}
