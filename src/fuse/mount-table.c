/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Reads /proc/self/mountinfo, whose lines look like
 *
 *	36 35 98:0 /root /mnt/a\040b rw,noatime shared:1 - fuse.vramfs cuda:0 rw,user_id=0
 *	         |            |            |              |                      |
 *	       device   mount point   its flags          type       those of the filesystem
 *
 * with any number of words between the flags and the "-".
 */
#include "fuse/mount-table.h"

#include "base/cleanup.h"
#include "fuse/mount-flags.h"

#include <stdio.h>
#include <string.h>

/* Is WORD, in which space, tab, newline and backslash are written as \ooo, the same as TEXT? */
static bool escaped_equals(const char *word, size_t length, const char *text)
{
	const char *end = word + length;

	while (word < end) {
		char c = *word++;

		if (c == '\\' && end - word >= 3) {
			c = (char)((word[0] - '0') << 6 | (word[1] - '0') << 3 | (word[2] - '0'));
			word += 3;
		}
		if (*text++ != c)
			return false;
	}
	return *text == '\0';
}

/* What stands behind the next blank in LINE, if any. */
static const char *next_word(const char *line)
{
	line = strchrnul(line, ' ');
	return *line ? line + 1 : line;
}

/* The flags among the words of LIST, which ends at a blank. */
static unsigned long flags_of(const char *list)
{
	struct mount_flags flags = {};

	while (*list && *list != ' ' && *list != '\n') {
		size_t length = strcspn(list, ", \n");
		char word[32];

		if (length < sizeof(word)) {
			memcpy(word, list, length);
			word[length] = '\0';
			mount_flags_add(&flags, word);
		}
		list += length + (list[length] == ',');
	}
	return flags.set;
}

bool mount_table_parse(const char *line, const char *directory, struct mount_entry *ret_entry)
{
	struct mount_entry entry = {};
	int point = -1, point_end = -1;
	const char *separator, *options;

	if (sscanf(line, "%*u %*u %u:%u %*s %n%*s%n", &entry.major, &entry.minor, &point,
		    &point_end) != 2 ||
		point_end < 0)
		return false;
	if (!escaped_equals(line + point, (size_t)(point_end - point), directory))
		return false;
	separator = strstr(line + point_end, " - ");
	if (!separator || sscanf(separator, " - %63s", entry.type) != 1)
		return false;
	/* "-", type, source, options */
	options = next_word(next_word(next_word(separator + 1)));
	snprintf(entry.options, sizeof(entry.options), "%.*s", (int)strcspn(options, " \n"),
		options);
	entry.flags = flags_of(next_word(line + point_end)) | flags_of(options);
	*ret_entry = entry;
	return true;
}

static void fclose_p(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* Find the last mount on DIRECTORY that is WANTED, or the last of all if that is NULL: later ones
 * are mounted over earlier ones. */
static err_t find(
	const char *directory, const struct mount_entry *wanted, struct mount_entry *ret_entry)
{
	CLEANUP(fclose_p) FILE *table = fopen("/proc/self/mountinfo", "re");
	CLEANUP(free_p) char *line = NULL;
	struct mount_entry entry;
	size_t size = 0;
	int err = -ENOENT;

	if (!table)
		return -errno;
	while (getline(&line, &size, table) > 0)
		if (mount_table_parse(line, directory, &entry) &&
			(!wanted || mount_entry_equal(&entry, wanted))) {
			*ret_entry = entry;
			err = 0;
		}
	return err;
}

err_t mount_table_find(const char *directory, struct mount_entry *ret_entry)
{
	return find(directory, NULL, ret_entry);
}

bool mount_table_holds(const char *directory, const struct mount_entry *entry)
{
	struct mount_entry found;

	return find(directory, entry, &found) == 0;
}

bool mount_entry_equal(const struct mount_entry *a, const struct mount_entry *b)
{
	return a->major == b->major && a->minor == b->minor && !strcmp(a->type, b->type);
}
