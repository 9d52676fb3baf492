/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * How long an inode lives: while it has a name or a reference, and not a moment longer; and its
 * blocks with it. volume_close() counts both at the end of every test.
 */
#include "fixture.h"

#include <stdio.h>

static struct volume volume;
static struct fs *fs;
static const struct fs_owner owner = {.uid = 0};

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

static bool lives(uint64_t ino)
{
	struct fs_attr attr;
	int err = fs_get_attr(fs, ino, &attr);
	assert_true(err == 0 || err == -ENOENT);
	return err == 0;
}

static void references_are_counted(void **state)
{
	(void)state;
	struct fs_attr attr;
	uint64_t file = make_file(fs, FS_ROOT, "file", KEEP);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(fs_lookup(fs, FS_ROOT, name_of("file"), &attr), 0);
	assert_int_equal(fs_unlink(fs, FS_ROOT, name_of("file")), 0);
	fs_forget(fs, file, 2);
	assert_true(lives(file));
	fs_forget(fs, file, 2);
	assert_true(lives(file));
	fs_forget(fs, file, 1);
	assert_false(lives(file));
	fs_forget(fs, file, 1); /* no such inode: nothing happens */
}

static void forgetting_too_much_does_no_harm(void **state)
{
	(void)state;
	uint64_t file = make_file(fs, FS_ROOT, "file", KEEP);
	fs_forget(fs, file, 1000000);
	assert_true(lives(file)); /* it has its name */
	fs_forget(fs, FS_ROOT, 1000000);
	assert_true(lives(FS_ROOT));
	assert_int_equal(find(fs, FS_ROOT, "file"), file);
}

static void unlinked_file_keeps_its_bytes_while_in_use(void **state)
{
	(void)state;
	struct client client = client_open(&volume);
	uint64_t file = make_file(fs, FS_ROOT, "file", KEEP);
	assert_int_equal(client_fill(&client, file, 0, 3 * MIB, 0x5a), 3 * MIB);
	assert_int_equal(fs_unlink(fs, FS_ROOT, name_of("file")), 0);
	assert_int_equal(attr_of(fs, file).nlink, 0);
	assert_int_equal(client_count_other(&client, file, 0, 3 * MIB, 0x5a), 0);
	assert_int_equal(client_fill(&client, file, 3 * MIB, MIB, 0x5a), MIB);
	assert_int_equal(fs_nameless_count(fs), 1);
	assert_true(store_blocks_free(volume.store) < volume.blocks);
	fs_forget(fs, file, 1);
	assert_int_equal(fs_nameless_count(fs), 0);
	assert_int_equal(store_blocks_free(volume.store), volume.blocks);
	assert_int_equal(client_read(&client, file, 0, 1), -ENOENT);
	client_close(&client);
}

static void unnamed_file_gets_a_name_once(void **state)
{
	(void)state;
	struct fs_attr attr, linked;
	assert_int_equal(fs_make_unnamed(fs, FS_ROOT, S_IFREG | 0600, &owner, &attr), 0);
	assert_int_equal(attr.nlink, 0);
	assert_int_equal(fs_nameless_count(fs), 1);
	assert_int_equal(fs_link(fs, attr.ino, FS_ROOT, name_of("name"), &linked), 0);
	assert_int_equal(linked.ino, attr.ino);
	assert_int_equal(linked.nlink, 1);
	assert_int_equal(fs_nameless_count(fs), 0);
	fs_forget(fs, attr.ino, 1);
	assert_int_equal(fs_unlink(fs, FS_ROOT, name_of("name")), 0);
	/* removed is not unnamed: no way back */
	assert_int_equal(fs_link(fs, attr.ino, FS_ROOT, name_of("name"), &linked), -ENOENT);
	assert_int_equal(fs_nameless_count(fs), 1);
	fs_forget(fs, attr.ino, 1);
	assert_false(lives(attr.ino));
	assert_int_equal(fs_nameless_count(fs), 0);
	assert_int_equal(fs_make_unnamed(fs, FS_ROOT, S_IFDIR | 0700, &owner, &attr), -EINVAL);
}

static void inode_limit_is_enospc(void **state)
{
	(void)state;
	struct fs_options options = {.max_inodes = 5, .root_mode = 0755};
	struct fs *small;
	struct fs_stat stat;
	struct fs_attr attr;
	char name[2] = "a";
	assert_int_equal(fs_open(volume.store, &options, &small), 0);
	for (; name[0] < 'e'; name[0]++)
		make_file(small, FS_ROOT, name, FORGET);
	assert_int_equal(fs_make(small, FS_ROOT, name_of("e"), S_IFREG, 0, &owner, &attr), -ENOSPC);
	assert_int_equal(fs_make_unnamed(small, FS_ROOT, S_IFREG, &owner, &attr), -ENOSPC);
	assert_int_equal(fs_make_symlink(small, FS_ROOT, name_of("e"), name_of("x"), &owner, &attr),
		-ENOSPC);
	fs_stat(small, &stat);
	assert_int_equal(stat.inodes, 5);
	assert_int_equal(stat.inodes_free, 0);
	/* full, but it can still rename and remove */
	assert_int_equal(
		fs_rename(small, FS_ROOT, name_of("a"), FS_ROOT, name_of("z"), 0, &owner), 0);
	assert_int_equal(fs_unlink(small, FS_ROOT, name_of("b")), 0);
	make_file(small, FS_ROOT, "e", FORGET);
	fs_close(small); /* with files in it */
}

static void failed_makes_leave_nothing(void **state)
{
	(void)state;
	struct fs_attr attr;
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET);
	uint64_t before = fs_inode_count(fs);
	assert_int_equal(fs_make(fs, FS_ROOT, name_of("file"), S_IFDIR, 0, &owner, &attr), -EEXIST);
	assert_int_equal(
		fs_make_symlink(fs, file, name_of("x"), name_of("y"), &owner, &attr), -ENOTDIR);
	assert_int_equal(fs_make_unnamed(fs, file, S_IFREG, &owner, &attr), -ENOTDIR);
	assert_int_equal(fs_inode_count(fs), before);
}

static void statistics_count_what_files_can_hold(void **state)
{
	(void)state;
	struct client client = client_open(&volume);
	struct fs_stat before, after;
	fs_stat(fs, &before);
	assert_int_equal(before.block_bytes, 4096);
	assert_int_equal(before.blocks * 4096, volume.blocks * volume.payload);
	assert_int_equal(before.blocks_free, before.blocks);
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET);
	assert_int_equal(client_fill(&client, file, 0, volume.payload + 1, 1), volume.payload + 1);
	fs_stat(fs, &after);
	assert_int_equal((before.blocks_free - after.blocks_free) * 4096, volume.payload + 4096);
	assert_int_equal(attr_of(fs, file).blocks_512 * 512, volume.payload + 4096);
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(references_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			forgetting_too_much_does_no_harm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			unlinked_file_keeps_its_bytes_while_in_use, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unnamed_file_gets_a_name_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(inode_limit_is_enospc, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failed_makes_leave_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			statistics_count_what_files_can_hold, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
