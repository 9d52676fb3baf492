/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/* Modes, owners, times, and extended attributes. */
#include "fixture.h"

#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>

static struct volume volume;
static struct fs *fs;
static uint64_t file;

static int set_up(void **state)
{
	(void)state;
	volume = volume_open(RS_136, 16 * MIB);
	fs = volume.fs;
	file = make_file(fs, FS_ROOT, "file", FORGET);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	volume_close(&volume);
	return 0;
}

static struct fs_attr change(struct fs_changes changes)
{
	struct fs_attr attr;
	assert_int_equal(fs_set_attr(fs, file, &changes, &attr), 0);
	return attr;
}

static bool same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static void what_is_set_is_kept(void **state)
{
	(void)state;
	struct timespec old = {-5000000000, 999999999}; /* in 1811 */
	struct fs_attr before = attr_of(fs, file);
	struct fs_attr attr = change((struct fs_changes){
		.valid = FS_SET_MODE | FS_SET_UID | FS_SET_GID | FS_SET_ATIME | FS_SET_MTIME,
		.mode = S_IFDIR | 07531, /* the type does not change */
		.uid = 4000000000,
		.gid = 7,
		.atime = old,
		.mtime = {4102444800, 1},
	});
	assert_int_equal(attr.mode, S_IFREG | 07531);
	assert_int_equal(attr.uid, 4000000000);
	assert_int_equal(attr.gid, 7);
	assert_true(same(attr.atime, old));
	assert_int_equal(attr.mtime.tv_sec, 4102444800);
	assert_true(later(attr.ctime, before.ctime));
	assert_true(same(attr.btime, before.btime));

	attr = change((struct fs_changes){.valid = FS_SET_CTIME, .ctime = old});
	assert_true(same(attr.ctime, old));
	attr = change((struct fs_changes){.valid = FS_SET_ATIME_NOW | FS_SET_MTIME_NOW});
	assert_true(later(attr.atime, before.atime));
	assert_true(same(attr.atime, attr.mtime));
	assert_true(same(attr.atime, attr.ctime));
	/* as chown(2) that names no new owner */
	struct fs_attr again = change((struct fs_changes){.valid = 0});
	assert_true(later(again.ctime, attr.ctime));
	assert_true(same(again.mtime, attr.mtime));
}

static void sizes_are_checked(void **state)
{
	(void)state;
	struct fs_attr attr, before;
	struct fs_changes changes = {.valid = FS_SET_SIZE | FS_SET_MODE, .mode = 0};
	changes.size = (uint64_t)FS_SIZE_MAX + 1;
	before = attr_of(fs, file);
	assert_int_equal(fs_set_attr(fs, file, &changes, &attr), -EFBIG);
	assert_int_equal(attr_of(fs, file).mode, before.mode); /* all or nothing */
	changes.size = 0;
	assert_int_equal(fs_set_attr(fs, FS_ROOT, &changes, &attr), -EISDIR);
	struct fs_owner owner = {.uid = 0};
	assert_int_equal(
		fs_make(fs, FS_ROOT, name_of("pipe"), S_IFIFO | 0600, 0, &owner, &attr), 0);
	assert_int_equal(fs_set_attr(fs, attr.ino, &changes, &attr), -EINVAL);
	fs_forget(fs, find(fs, FS_ROOT, "pipe"), 1);
	assert_int_equal(fs_set_attr(fs, 999999, &changes, &attr), -ENOENT);

	/* the same size again is a change all the same */
	before = attr_of(fs, file);
	assert_int_equal(truncate_to(fs, file, before.size), 0);
	assert_true(later(attr_of(fs, file).mtime, before.mtime));
}

static void privileges_end_when_asked(void **state)
{
	(void)state;
	struct client client = client_open(&volume);
	struct fs_changes set = {.valid = FS_SET_MODE};
	const unsigned ways[] = {FS_SET_UID, FS_SET_GID, FS_SET_SIZE};
	for (unsigned i = 0; i < 3; i++) {
		set.mode = 06711;
		change(set);
		assert_int_equal(change((struct fs_changes){.valid = ways[i]}).mode & 07777, 06711);
		assert_int_equal(
			change((struct fs_changes){.valid = ways[i] | FS_KILL_SUIDGID}).mode &
				07777,
			0711);
		set.mode = 06701; /* not for the group to execute: that bit is no privilege */
		change(set);
		assert_int_equal(
			change((struct fs_changes){.valid = ways[i] | FS_KILL_SUIDGID}).mode &
				07777,
			02701);
	}
	assert_int_equal(fs_set_xattr(fs, file, name_of("security.capability"), "x", 1, 0), 0);
	assert_int_equal(client_fill(&client, file, 0, 1, 1), 1);
	assert_int_equal(fs_get_xattr(fs, file, name_of("security.capability"), NULL, 0), -ENODATA);
	client_close(&client);
}

static void reading_and_writing_show_in_the_times(void **state)
{
	(void)state;
	struct client client = client_open(&volume);
	struct fs_attr before = attr_of(fs, file);
	assert_int_equal(client_fill(&client, file, 0, 100, 1), 100);
	struct fs_attr written = attr_of(fs, file);
	assert_true(later(written.mtime, before.mtime));
	assert_true(same(written.mtime, written.ctime));
	assert_true(same(written.atime, before.atime));

	assert_int_equal(client_read(&client, file, 0, 100), 100);
	struct fs_attr read = attr_of(fs, file);
	assert_true(later(read.atime, written.mtime));
	assert_true(same(read.mtime, written.mtime));
	/* it was read since it was written, and that is all one wants to know */
	assert_int_equal(client_read(&client, file, 0, 100), 100);
	assert_true(same(attr_of(fs, file).atime, read.atime));
	client_close(&client);
}

static void xattrs_are_kept(void **state)
{
	(void)state;
	char value[16], list[64];
	struct fs_name one = name_of("user.one"), two = name_of("user.two");
	assert_int_equal(fs_get_xattr(fs, file, one, NULL, 0), -ENODATA);
	assert_int_equal(fs_set_xattr(fs, file, one, "1", 1, XATTR_REPLACE), -ENODATA);
	assert_int_equal(fs_set_xattr(fs, file, one, "first", 5, XATTR_CREATE), 0);
	assert_int_equal(fs_set_xattr(fs, file, one, "1", 1, XATTR_CREATE), -EEXIST);
	assert_int_equal(fs_set_xattr(fs, file, two, "", 0, 0), 0);
	assert_int_equal(fs_set_xattr(fs, file, one, "longer value", 12, XATTR_REPLACE), 0);

	assert_int_equal(fs_get_xattr(fs, file, one, NULL, 0), 12);
	assert_int_equal(fs_get_xattr(fs, file, one, value, 11), -ERANGE);
	assert_int_equal(fs_get_xattr(fs, file, one, value, sizeof(value)), 12);
	assert_memory_equal(value, "longer value", 12);
	assert_int_equal(fs_get_xattr(fs, file, two, value, sizeof(value)), 0);
	assert_int_equal(fs_list_xattr(fs, file, true, NULL, 0), 18);
	assert_int_equal(fs_list_xattr(fs, file, true, list, 17), -ERANGE);
	assert_int_equal(fs_list_xattr(fs, file, true, list, 18), 18);
	assert_memory_equal(list, "user.one\0user.two", 18);

	assert_int_equal(fs_remove_xattr(fs, file, one), 0);
	assert_int_equal(fs_remove_xattr(fs, file, one), -ENODATA);
	assert_int_equal(fs_list_xattr(fs, file, true, list, 64), 9);
	assert_int_equal(fs_list_xattr(fs, 999999, true, list, 64), -ENOENT);
	assert_int_equal(fs_set_xattr(fs, file, name_of(""), "x", 1, 0), -EINVAL);
	assert_int_equal(fs_set_xattr(fs, file, one, "x", 1, 64), -EINVAL);
}

static void xattrs_have_namespaces(void **state)
{
	(void)state;
	char list[64];
	assert_int_equal(fs_set_xattr(fs, file, name_of("security.one"), "x", 1, 0), 0);
	assert_int_equal(fs_set_xattr(fs, file, name_of("trusted.one"), "x", 1, 0), 0);
	assert_int_equal(fs_set_xattr(fs, file, name_of("trusted."), "x", 1, 0), -EINVAL);
	assert_int_equal(fs_set_xattr(fs, file, name_of("other.one"), "x", 1, 0), -EOPNOTSUPP);
	assert_int_equal(fs_set_xattr(fs, file, name_of("system.one"), "x", 1, 0), -EOPNOTSUPP);
	assert_int_equal(fs_get_xattr(fs, file, name_of("system.one"), NULL, 0), -EOPNOTSUPP);
	assert_int_equal(fs_remove_xattr(fs, file, name_of("user")), -EOPNOTSUPP);
	/* who may not read the trusted ones is not told of them */
	assert_int_equal(fs_list_xattr(fs, file, true, list, sizeof(list)), 13 + 12);
	assert_int_equal(fs_list_xattr(fs, file, false, list, sizeof(list)), 13);
	assert_string_equal(list, "security.one");
	assert_int_equal(fs_list_xattr(fs, file, false, list, 13), 13);
}

static void xattrs_have_limits(void **state)
{
	(void)state;
	char *value = calloc(1, XATTR_SIZE_MAX + 1), name[FS_NAME_MAX + 2];
	unsigned count = 0;
	int err;
	assert_non_null(value);
	assert_int_equal(
		fs_set_xattr(fs, file, name_of("user.big"), value, XATTR_SIZE_MAX + 1, 0), -E2BIG);
	assert_int_equal(fs_set_xattr(fs, file, name_of("user.big"), value, XATTR_SIZE_MAX, 0), 0);
	assert_int_equal(
		fs_get_xattr(fs, file, name_of("user.big"), value, XATTR_SIZE_MAX), XATTR_SIZE_MAX);
	assert_int_equal(fs_remove_xattr(fs, file, name_of("user.big")), 0);

	/* names: as many as a list of 64 KiB holds */
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	assert_int_equal(fs_set_xattr(fs, file, (struct fs_name){name, FS_NAME_MAX + 1}, "", 0, 0),
		-ENAMETOOLONG);
	do {
		snprintf(name, 11, "user.%05u", count);
		name[10] = 'n';
		err = fs_set_xattr(fs, file, (struct fs_name){name, FS_NAME_MAX}, "", 0, 0);
	} while (!err && ++count < 1000);
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(count, XATTR_LIST_MAX / (FS_NAME_MAX + 1));
	assert_int_equal(fs_list_xattr(fs, file, true, NULL, 0), count * (FS_NAME_MAX + 1));
	/* full: one that is there can still be replaced */
	memset(name + 5, '0', 5);
	assert_int_equal(fs_set_xattr(fs, file, (struct fs_name){name, FS_NAME_MAX}, "v", 1, 0), 0);
	free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_set_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sizes_are_checked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(privileges_end_when_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			reading_and_writing_show_in_the_times, set_up, tear_down),
		cmocka_unit_test_setup_teardown(xattrs_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(xattrs_have_namespaces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(xattrs_have_limits, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
