/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Inode flags: each operation on what is immutable, append-only, or in such a directory. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>

static struct volume volume;
static struct fs *fs;
static uint64_t file, directory;
static const struct fs_owner owner = {.uid = 1000};

static int set_up(void **state)
{
	(void)state;
	volume = volume_open(RS_136, 4u << 20);
	fs = volume.fs;
	directory = make_directory(fs, FS_ROOT, "directory", FORGET);
	file = make_file(fs, directory, "file", FORGET);
	make_file(fs, FS_ROOT, "other", FORGET);
	return 0;
}

static void set(uint64_t ino, uint32_t flags)
{
	assert_int_equal(fs_set_flags(fs, ino, flags), 0);
	assert_int_equal(attr_of(fs, ino).flags, flags);
}

static int tear_down(void **state)
{
	(void)state;
	set(file, 0);
	set(directory, 0);
	volume_close(&volume);
	return 0;
}

static int change(uint64_t ino, unsigned valid)
{
	struct fs_changes changes = {.valid = valid, .mode = 0600};
	struct fs_attr attr;
	return fs_set_attr(fs, ino, &changes, &attr);
}

static int move(uint64_t from, const char *old, uint64_t to, const char *new, unsigned flags)
{
	return fs_rename(fs, from, name_of(old), to, name_of(new), flags, &owner);
}

static int make(const char *name)
{
	struct fs_attr attr;
	int err = fs_make(fs, directory, name_of(name), S_IFREG | 0600, 0, &owner, &attr);
	if (!err)
		fs_forget(fs, attr.ino, 1);
	return err;
}

static int link_file(const char *name)
{
	struct fs_attr attr;
	int err = fs_link(fs, file, FS_ROOT, name_of(name), &attr);
	if (!err)
		fs_forget(fs, attr.ino, 1);
	return err;
}

static void only_known_flags_can_be_set(void **state)
{
	(void)state;
	struct fs_attr attr;
	set(file, FS_FLAGS);
	assert_int_equal(fs_set_flags(fs, file, FS_COMPR_FL), -EOPNOTSUPP);
	assert_int_equal(attr_of(fs, file).flags, FS_FLAGS);
	assert_int_equal(fs_make(fs, FS_ROOT, name_of("fifo"), S_IFIFO, 0, &owner, &attr), 0);
	assert_int_equal(fs_set_flags(fs, attr.ino, FS_NODUMP_FL), -ENOTTY);
	fs_forget(fs, attr.ino, 1);
	assert_int_equal(fs_set_flags(fs, 999999, 0), -ENOENT);
}

/* What nobody may do to an immutable file, nor to one to be appended to only. */
static void assert_protected(void)
{
	assert_int_equal(change(file, FS_SET_MODE), -EPERM);
	assert_int_equal(change(file, FS_SET_UID), -EPERM);
	assert_int_equal(change(file, FS_SET_GID), -EPERM);
	assert_int_equal(change(file, FS_SET_MTIME), -EPERM);
	assert_int_equal(change(file, FS_SET_ATIME_NOW), -EPERM);
	assert_int_equal(change(file, FS_SET_SIZE), -EPERM);
	assert_int_equal(fs_set_xattr(fs, file, name_of("user.x"), "x", 1, 0), -EPERM);
	assert_int_equal(fs_remove_xattr(fs, file, name_of("user.x")), -EPERM);
	assert_int_equal(link_file("link"), -EPERM);
	assert_int_equal(fs_unlink(fs, directory, name_of("file")), -EPERM);
	assert_int_equal(move(directory, "file", FS_ROOT, "moved", 0), -EPERM);
	assert_int_equal(move(FS_ROOT, "other", directory, "file", 0), -EPERM);
	assert_int_equal(move(FS_ROOT, "other", directory, "file", FS_RENAME_EXCHANGE), -EPERM);
	assert_int_equal(move(directory, "file", FS_ROOT, "moved", FS_RENAME_WHITEOUT), -EPERM);
	assert_int_equal(find(fs, directory, "file"), file);
}

static void an_immutable_file_stays_as_it_is(void **state)
{
	(void)state;
	struct client client = client_open(&volume);
	struct fs_attr attr;
	bool append_only;
	set(file, FS_IMMUTABLE_FL);
	assert_protected();
	assert_int_equal(change(file, FS_SET_ATIME_NOW | FS_SET_MTIME_NOW), -EPERM);
	assert_int_equal(fs_allocate(fs, client.queue, file, 0, 0, 100), -EPERM);
	assert_int_equal(fs_check_open(fs, file, O_RDWR, &attr, &append_only), -EPERM);
	assert_int_equal(fs_check_open(fs, file, O_WRONLY | O_APPEND, &attr, &append_only), -EPERM);
	assert_int_equal(fs_check_open(fs, file, O_RDONLY | O_TRUNC, &attr, &append_only), -EPERM);
	assert_int_equal(fs_check_open(fs, file, O_RDONLY, &attr, &append_only), 0);
	assert_int_equal(change(file, FS_SET_SIZE | FS_SET_THROUGH_OPEN), 0);
	client_close(&client);
}

static void an_append_only_file_only_grows(void **state)
{
	(void)state;
	struct client client = client_open(&volume);
	int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct fs_attr attr;
	bool append_only = true;
	assert_int_equal(fs_check_open(fs, file, O_RDWR, &attr, &append_only), 0);
	assert_false(append_only);
	set(file, FS_APPEND_FL);
	assert_protected();
	assert_int_equal(change(file, FS_SET_ATIME_NOW | FS_SET_MTIME_NOW), 0);
	assert_int_equal(change(file, FS_SET_SIZE | FS_SET_THROUGH_OPEN), -EPERM);
	assert_int_equal(fs_allocate(fs, client.queue, file, FALLOC_FL_KEEP_SIZE, 0, 100), 0);
	assert_int_equal(fs_allocate(fs, client.queue, file, 0, 0, 100), 0);
	assert_int_equal(fs_allocate(fs, client.queue, file, punch, 0, 100), -EPERM);
	assert_int_equal(fs_allocate(fs, client.queue, file, FALLOC_FL_ZERO_RANGE, 0, 100), -EPERM);
	assert_int_equal(fs_check_open(fs, file, O_RDWR, &attr, &append_only), -EPERM);
	assert_int_equal(
		fs_check_open(fs, file, O_RDWR | O_APPEND | O_TRUNC, &attr, &append_only), -EPERM);
	assert_int_equal(fs_check_open(fs, file, O_RDWR | O_APPEND, &attr, &append_only), 0);
	assert_true(append_only);
	client_close(&client);
}

static void an_immutable_directory_keeps_its_names(void **state)
{
	(void)state;
	struct fs_attr attr;
	set(directory, FS_IMMUTABLE_FL);
	assert_int_equal(make("made"), -EPERM);
	assert_int_equal(make("file"), -EEXIST);
	assert_int_equal(
		fs_make_symlink(fs, directory, name_of("made"), name_of("to"), &owner, &attr),
		-EPERM);
	assert_int_equal(fs_make_unnamed(fs, directory, S_IFREG | 0600, &owner, &attr), -EPERM);
	assert_int_equal(fs_link(fs, file, directory, name_of("link"), &attr), -EPERM);
	assert_int_equal(fs_unlink(fs, directory, name_of("file")), -EPERM);
	assert_int_equal(fs_rmdir(fs, FS_ROOT, name_of("directory")), -EPERM);
	assert_int_equal(move(directory, "file", FS_ROOT, "moved", 0), -EPERM);
	assert_int_equal(move(FS_ROOT, "other", directory, "moved", 0), -EPERM);
	assert_int_equal(move(FS_ROOT, "other", directory, "file", 0), -EPERM);
	assert_int_equal(truncate_to(fs, file, 100), 0); /* the file is not meant */
}

static void an_append_only_directory_gets_names_only(void **state)
{
	(void)state;
	set(directory, FS_APPEND_FL);
	assert_int_equal(make("made"), 0);
	assert_int_equal(move(FS_ROOT, "other", directory, "moved", 0), 0);
	assert_int_equal(fs_unlink(fs, directory, name_of("file")), -EPERM);
	assert_int_equal(move(directory, "file", directory, "renamed", 0), -EPERM);
	assert_int_equal(move(directory, "file", FS_ROOT, "file", 0), -EPERM);
	assert_int_equal(link_file("link"), 0);
	assert_int_equal(move(FS_ROOT, "link", directory, "made", 0), -EPERM);
}

static void some_flags_are_inherited(void **state)
{
	(void)state;
	set(directory, FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL);
	assert_int_equal(make("made"), 0);
	uint64_t made = find(fs, directory, "made");
	assert_int_equal(attr_of(fs, made).flags, FS_NODUMP_FL | FS_NOATIME_FL);
	assert_int_equal(attr_of(fs, make_directory(fs, FS_ROOT, "plain", FORGET)).flags, 0);
}

static bool atime_is(struct timespec time)
{
	struct timespec atime = attr_of(fs, file).atime;
	return atime.tv_sec == time.tv_sec && atime.tv_nsec == time.tv_nsec;
}

static void noatime_keeps_the_access_time(void **state)
{
	(void)state;
	struct client client = client_open(&volume);
	struct timespec before = attr_of(fs, file).atime;
	assert_int_equal(client_fill(&client, file, 0, 10, 1), 10);
	set(file, FS_NOATIME_FL);
	assert_int_equal(client_read(&client, file, 0, 10), 10);
	assert_true(atime_is(before));
	set(file, 0);
	assert_int_equal(client_read(&client, file, 0, 10), 10);
	assert_false(atime_is(before));
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_known_flags_can_be_set, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_immutable_file_stays_as_it_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_append_only_file_only_grows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_immutable_directory_keeps_its_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_append_only_directory_gets_names_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(some_flags_are_inherited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(noatime_keeps_the_access_time, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
