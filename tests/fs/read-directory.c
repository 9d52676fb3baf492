/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/* Reading directories while entries come and go: each that stays is seen exactly once. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define STAYING 400u

static struct volume volume;
static struct fs *fs;

static int set_up(void **state)
{
	(void)state;
	volume = volume_open(RS_136, 16 * MIB);
	fs = volume.fs;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	volume_close(&volume);
	return 0;
}

/* A reader that takes a few entries at a call, as the kernel does. */
struct reader {
	unsigned room;
	unsigned taken;
	uint64_t cookie;
	unsigned seen[STAYING]; /* entries called "stay-N" */
	unsigned dots;
};

static bool take(void *user, const struct fs_dirent *entry)
{
	struct reader *reader = user;
	char name[FS_NAME_MAX + 1];
	unsigned number;
	if (reader->taken == reader->room)
		return false;
	reader->taken++;
	assert_true(entry->cookie > reader->cookie);
	reader->cookie = entry->cookie;
	assert_null(entry->attr);
	memcpy(name, entry->name.bytes, entry->name.length);
	name[entry->name.length] = '\0';
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		reader->dots++;
	else if (sscanf(name, "stay-%u", &number) == 1)
		reader->seen[number]++;
	return true;
}

static void churn(uint64_t directory, uint64_t *seed)
{
	char name[32];
	for (unsigned i = 0; i < 20; i++) {
		struct fs_attr attr;
		struct fs_owner owner = {.uid = 0};
		snprintf(name, sizeof(name), "come-%u", (unsigned)random_below(seed, 300));
		int err = fs_unlink(fs, directory, name_of(name));
		if (err == -ENOENT && random_below(seed, 2) == 0) {
			assert_int_equal(fs_make(fs, directory, name_of(name), S_IFREG | 0600, 0,
						 &owner, &attr),
				0);
			fs_forget(fs, attr.ino, 1);
		}
	}
}

static void staying_entries_are_seen_once(void **state)
{
	(void)state;
	for (uint64_t run = 1; run <= 10; run++) {
		uint64_t seed = run;
		char name[32];
		uint64_t directory = make_directory(fs, FS_ROOT, "directory", FORGET);
		for (unsigned i = 0; i < STAYING; i++) {
			snprintf(name, sizeof(name), "stay-%u", i);
			make_file(fs, directory, name, FORGET);
			churn(directory, &seed);
		}
		struct reader reader = {.cookie = 0};
		do {
			reader.room = 1 + (unsigned)random_below(&seed, 70);
			reader.taken = 0;
			assert_int_equal(
				fs_read_directory(fs, directory, reader.cookie, 0, take, &reader),
				0);
			churn(directory, &seed);
		} while (reader.taken > 0);
		assert_int_equal(reader.dots, 2);
		for (unsigned i = 0; i < STAYING; i++)
			assert_int_equal(reader.seen[i], 1);
		remove_tree(fs, directory);
		assert_int_equal(fs_rmdir(fs, FS_ROOT, name_of("directory")), 0);
	}
}

static void move(uint64_t directory, const char *from, const char *to)
{
	struct fs_owner owner = {.uid = 0};
	assert_int_equal(
		fs_rename(fs, directory, name_of(from), directory, name_of(to), 0, &owner), 0);
}

/* Whoever gives all that he reads another name must come to an end. */
static void renamed_entries_keep_their_place(void **state)
{
	(void)state;
	char name[32];
	uint64_t directory = make_directory(fs, FS_ROOT, "directory", FORGET);
	for (unsigned i = 0; i < STAYING; i++) {
		snprintf(name, sizeof(name), "stay-%u", i);
		make_file(fs, directory, name, FORGET);
	}
	struct reader reader = {.cookie = 0, .room = 3};
	unsigned total = 0;
	do {
		reader.taken = 0;
		assert_int_equal(
			fs_read_directory(fs, directory, reader.cookie, 0, take, &reader), 0);
		total += reader.taken;
		assert_true(total <= STAYING + 2);
		for (unsigned i = 0; i < STAYING; i++) {
			snprintf(name, sizeof(name), "stay-%u", i);
			if (reader.seen[i] == 0)
				continue;
			move(directory, name, "for the time being");
			move(directory, "for the time being", name);
		}
	} while (reader.taken > 0);
	assert_int_equal(total, STAYING + 2);
	remove_tree(fs, directory);
	assert_int_equal(fs_rmdir(fs, FS_ROOT, name_of("directory")), 0);
}

struct attributes {
	unsigned room, count, files;
	uint64_t inos[8];
};

static bool take_attributes(void *user, const struct fs_dirent *entry)
{
	struct attributes *attributes = user;
	if (attributes->count == attributes->room)
		return false;
	attributes->count++;
	if (entry->cookie <= 2) {
		assert_null(entry->attr);
		assert_int_equal(entry->ino, FS_ROOT); /* ".." of the root is the root */
		return true;
	}
	assert_int_equal(entry->attr->ino, entry->ino);
	assert_int_equal(entry->attr->mode & S_IFMT, entry->type);
	attributes->inos[attributes->files++] = entry->ino;
	return true;
}

static void attributes_come_with_a_reference(void **state)
{
	(void)state;
	for (char name[2] = "a"; name[0] <= 'e'; name[0]++)
		make_file(fs, FS_ROOT, name, FORGET);
	struct attributes attributes = {.room = 5};
	assert_int_equal(
		fs_read_directory(fs, FS_ROOT, 0, FS_LIST_ATTR, take_attributes, &attributes), 0);
	assert_int_equal(attributes.files, 3);
	for (char name[2] = "a"; name[0] <= 'e'; name[0]++)
		assert_int_equal(fs_unlink(fs, FS_ROOT, name_of(name)), 0);
	/* the three that were taken live on until they are forgotten; the others are gone */
	assert_int_equal(fs_inode_count(fs), 1 + 3);
	for (unsigned i = 0; i < attributes.files; i++)
		fs_forget(fs, attributes.inos[i], 1);
	assert_int_equal(fs_inode_count(fs), 1);
}

static bool take_dots(void *user, const struct fs_dirent *entry)
{
	uint64_t *inos = user;
	assert_true(entry->cookie <= 2);
	inos[entry->cookie - 1] = entry->ino;
	return true;
}

static bool take_names_without(void *user, const struct fs_dirent *entry)
{
	unsigned *count = user;
	if (entry->cookie > 2) {
		assert_null(entry->attr);
		(*count)++;
	}
	return true;
}

/* See read-directory.c for why. */
static void several_names_come_without_attributes(void **state)
{
	(void)state;
	struct fs_attr attr;
	unsigned count = 0;
	uint64_t file = make_file(fs, FS_ROOT, "one", KEEP);
	assert_int_equal(fs_link(fs, file, FS_ROOT, name_of("other"), &attr), 0);
	assert_int_equal(
		fs_read_directory(fs, FS_ROOT, 0, FS_LIST_ATTR, take_names_without, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(fs_unlink(fs, FS_ROOT, name_of("one")), 0);
	assert_int_equal(
		fs_read_directory(fs, FS_ROOT, 0, FS_LIST_ATTR, take_names_without, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(fs_unlink(fs, FS_ROOT, name_of("other")), 0);
	fs_forget(fs, file, 2);
	assert_int_equal(fs_inode_count(fs), 1);
}

static void dots_follow_a_moved_directory(void **state)
{
	(void)state;
	uint64_t inos[2];
	uint64_t a = make_directory(fs, FS_ROOT, "a", FORGET);
	uint64_t b = make_directory(fs, a, "b", FORGET);
	assert_int_equal(fs_read_directory(fs, b, 0, 0, take_dots, inos), 0);
	assert_int_equal(inos[0], b);
	assert_int_equal(inos[1], a);
	assert_int_equal(fs_rename(fs, a, name_of("b"), FS_ROOT, name_of("b"), 0, NULL), 0);
	assert_int_equal(fs_read_directory(fs, b, 0, 0, take_dots, inos), 0);
	assert_int_equal(inos[1], FS_ROOT);
}

static bool take_nothing(void *user, const struct fs_dirent *entry)
{
	(void)user;
	(void)entry;
	return true;
}

static void what_is_no_directory_is_refused(void **state)
{
	(void)state;
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET);
	assert_int_equal(fs_read_directory(fs, file, 0, 0, take_nothing, NULL), -ENOTDIR);
	assert_int_equal(fs_read_directory(fs, 999999, 0, 0, take_nothing, NULL), -ENOENT);
	assert_int_equal(fs_read_directory(fs, FS_ROOT, UINT64_MAX, 0, take_nothing, NULL), 0);
}

/* Grows and shrinks far: the tables are rebuilt on the way up and down. */
static void many_entries_come_and_go(void **state)
{
	(void)state;
	char name[32];
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 20000; i++) {
			snprintf(name, sizeof(name), "%u", i);
			make_file(fs, FS_ROOT, name, FORGET);
		}
		for (unsigned i = 0; i < 20000; i++) {
			snprintf(name, sizeof(name), "%u", i * 7919 % 20000);
			assert_int_not_equal(find(fs, FS_ROOT, name), 0);
			if (round == 0)
				assert_int_equal(fs_unlink(fs, FS_ROOT, name_of(name)), 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(staying_entries_are_seen_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			renamed_entries_keep_their_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			attributes_come_with_a_reference, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			several_names_come_without_attributes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dots_follow_a_moved_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_directory_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_entries_come_and_go, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
