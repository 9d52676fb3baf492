/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/* Names: what each operation does, and what it refuses. */
#include "fixture.h"

#include <stdio.h>

static struct volume volume;
static struct fs *fs;
static const struct fs_owner owner = {.uid = 1000, .gid = 100};

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

static int make_any(uint64_t parent, struct fs_name name, mode_t mode)
{
	struct fs_attr attr;
	int err = fs_make(fs, parent, name, mode, 0x1234, &owner, &attr);
	if (!err)
		fs_forget(fs, attr.ino, 1);
	return err;
}

static int link_to(uint64_t ino, uint64_t parent, const char *name)
{
	struct fs_attr attr;
	int err = fs_link(fs, ino, parent, name_of(name), &attr);
	if (!err)
		fs_forget(fs, attr.ino, 1);
	return err;
}

static int move(uint64_t from, const char *old, uint64_t to, const char *new, unsigned flags)
{
	return fs_rename(fs, from, name_of(old), to, name_of(new), flags, &owner);
}

static void names_of_every_length_and_byte(void **state)
{
	(void)state;
	char bytes[FS_NAME_MAX + 1];
	struct fs_attr attr;
	for (unsigned length = 1; length <= FS_NAME_MAX; length++) {
		memset(bytes, 'n', length);
		assert_int_equal(
			make_any(FS_ROOT, (struct fs_name){bytes, length}, S_IFREG | 0600), 0);
	}
	for (int byte = 1; byte < 256; byte++) {
		bytes[0] = (char)byte;
		struct fs_name name = {bytes, 1};
		int expected = byte == '/' || byte == '.' ? -EINVAL : byte == 'n' ? -EEXIST : 0;
		assert_int_equal(make_any(FS_ROOT, name, S_IFREG | 0600), expected);
		assert_int_equal(
			fs_lookup(fs, FS_ROOT, name, &attr), expected == -EINVAL ? -EINVAL : 0);
		if (expected != -EINVAL)
			fs_forget(fs, attr.ino, 1);
	}
	memset(bytes, 'n', sizeof(bytes));
	struct fs_name bad[] = {{"", 0}, {".", 1}, {"..", 2}, {"a/b", 3}, {"a\0b", 3}, {"/", 1}};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(make_any(FS_ROOT, bad[i], S_IFREG | 0600), -EINVAL);
	struct fs_name too_long = {bytes, FS_NAME_MAX + 1};
	assert_int_equal(make_any(FS_ROOT, too_long, S_IFREG), -ENAMETOOLONG);
	assert_int_equal(fs_lookup(fs, FS_ROOT, too_long, &attr), -ENAMETOOLONG);
	assert_int_equal(fs_unlink(fs, FS_ROOT, too_long), -ENAMETOOLONG);
	assert_int_equal(
		fs_rename(fs, FS_ROOT, name_of("n"), FS_ROOT, too_long, 0, &owner), -ENAMETOOLONG);
	assert_int_equal(find(fs, FS_ROOT, "..."), 0);
	assert_int_equal(make_any(FS_ROOT, name_of("..."), S_IFREG | 0600), 0);
}

static void every_type_is_made_as_asked(void **state)
{
	(void)state;
	const mode_t types[] = {S_IFREG, S_IFDIR, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK};
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		char name[] = {(char)('a' + i), '\0'};
		assert_int_equal(make_any(FS_ROOT, name_of(name), types[i] | 04721), 0);
		struct fs_attr attr = attr_of(fs, find(fs, FS_ROOT, name));
		bool device = types[i] == S_IFCHR || types[i] == S_IFBLK;
		assert_int_equal(attr.mode, types[i] | 04721);
		assert_int_equal(attr.uid, owner.uid);
		assert_int_equal(attr.gid, owner.gid);
		assert_int_equal(attr.nlink, types[i] == S_IFDIR ? 2 : 1);
		assert_int_equal(attr.rdev, device ? 0x1234 : 0);
		assert_int_equal(attr.size, types[i] == S_IFDIR ? 2 * 20 : 0);
		assert_int_equal(attr.blocks_512, 0);
		assert_int_equal(make_any(FS_ROOT, name_of(name), S_IFREG), -EEXIST);
	}
	assert_int_equal(make_any(FS_ROOT, name_of("x"), S_IFLNK | 0777), -EINVAL);
	assert_int_equal(make_any(FS_ROOT, name_of("x"), 0644), -EINVAL);
	uint64_t file = find(fs, FS_ROOT, "a");
	assert_int_equal(make_any(file, name_of("x"), S_IFREG), -ENOTDIR);
	assert_int_equal(make_any(999999, name_of("x"), S_IFREG), -ENOENT);
	struct fs_attr attr;
	assert_int_equal(fs_lookup(fs, file, name_of("x"), &attr), -ENOTDIR);
	assert_int_equal(fs_lookup(fs, FS_ROOT, name_of("x"), &attr), -ENOENT);
}

static void setgid_directory_gives_its_group(void **state)
{
	(void)state;
	uint64_t shared = make_directory(fs, FS_ROOT, "shared", FORGET);
	struct fs_changes changes = {.valid = FS_SET_MODE | FS_SET_GID, .mode = 02775, .gid = 4242};
	struct fs_attr attr;
	assert_int_equal(fs_set_attr(fs, shared, &changes, &attr), 0);
	assert_int_equal(attr.mode, S_IFDIR | 02775);
	attr = attr_of(fs, make_file(fs, shared, "file", FORGET));
	assert_int_equal(attr.gid, 4242);
	assert_int_equal(attr.mode, S_IFREG | 0644);
	attr = attr_of(fs, make_directory(fs, shared, "directory", FORGET));
	assert_int_equal(attr.gid, 4242);
	assert_int_equal(attr.mode, S_IFDIR | 02755);
}

static void symlinks_keep_their_target(void **state)
{
	(void)state;
	char target[4096];
	memset(target, 't', sizeof(target));
	struct fs_attr attr;
	char read[FS_TARGET_MAX];
	assert_int_equal(fs_make_symlink(fs, FS_ROOT, name_of("link"),
				 (struct fs_name){target, 4095}, &owner, &attr),
		0);
	assert_int_equal(attr.mode, S_IFLNK | 0777);
	assert_int_equal(attr.size, 4095);
	assert_int_equal(fs_read_symlink(fs, attr.ino, read, sizeof(read)), 4095);
	assert_memory_equal(read, target, 4095);
	assert_int_equal(fs_read_symlink(fs, attr.ino, read, sizeof(read) - 1), -ERANGE);
	fs_forget(fs, attr.ino, 1);
	assert_int_equal(fs_make_symlink(fs, FS_ROOT, name_of("long"),
				 (struct fs_name){target, 4096}, &owner, &attr),
		-ENAMETOOLONG);
	assert_int_equal(fs_make_symlink(fs, FS_ROOT, name_of("empty"), name_of(""), &owner, &attr),
		-ENOENT);
	assert_int_equal(fs_make_symlink(fs, FS_ROOT, name_of("link"), name_of("x"), &owner, &attr),
		-EEXIST);
	assert_int_equal(fs_read_symlink(fs, FS_ROOT, read, sizeof(read)), -EINVAL);
}

static void links_count(void **state)
{
	(void)state;
	uint64_t directory = make_directory(fs, FS_ROOT, "directory", FORGET);
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET);
	assert_int_equal(link_to(file, directory, "other"), 0);
	assert_int_equal(find(fs, directory, "other"), file);
	assert_int_equal(attr_of(fs, file).nlink, 2);
	assert_int_equal(link_to(file, directory, "other"), -EEXIST);
	assert_int_equal(link_to(directory, FS_ROOT, "again"), -EPERM);
	assert_int_equal(link_to(file, file, "x"), -ENOTDIR);
	assert_int_equal(link_to(999999, FS_ROOT, "x"), -ENOENT);
	assert_int_equal(fs_unlink(fs, FS_ROOT, name_of("file")), 0);
	assert_int_equal(attr_of(fs, file).nlink, 1);
	assert_int_equal(fs_unlink(fs, directory, name_of("other")), 0);
	struct fs_attr attr;
	assert_int_equal(fs_get_attr(fs, file, &attr), -ENOENT);
}

static void removing_refuses_the_wrong_type(void **state)
{
	(void)state;
	uint64_t directory = make_directory(fs, FS_ROOT, "directory", KEEP);
	make_file(fs, directory, "file", FORGET);
	assert_int_equal(fs_unlink(fs, FS_ROOT, name_of("directory")), -EISDIR);
	assert_int_equal(fs_rmdir(fs, directory, name_of("file")), -ENOTDIR);
	assert_int_equal(fs_rmdir(fs, FS_ROOT, name_of("directory")), -ENOTEMPTY);
	assert_int_equal(fs_unlink(fs, FS_ROOT, name_of("missing")), -ENOENT);
	assert_int_equal(fs_rmdir(fs, FS_ROOT, name_of("missing")), -ENOENT);
	assert_int_equal(attr_of(fs, FS_ROOT).nlink, 3);
	assert_int_equal(fs_unlink(fs, directory, name_of("file")), 0);
	assert_int_equal(fs_rmdir(fs, FS_ROOT, name_of("directory")), 0);
	assert_int_equal(attr_of(fs, FS_ROOT).nlink, 2);

	/* removed, but in use: nothing can be made in it any more */
	assert_int_equal(attr_of(fs, directory).nlink, 0);
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET);
	struct fs_attr attr;
	assert_int_equal(make_any(directory, name_of("x"), S_IFREG), -ENOENT);
	assert_int_equal(make_any(directory, name_of("x"), S_IFDIR), -ENOENT);
	assert_int_equal(link_to(file, directory, "x"), -ENOENT);
	assert_int_equal(move(FS_ROOT, "file", directory, "x", 0), -ENOENT);
	assert_int_equal(
		fs_make_symlink(fs, directory, name_of("x"), name_of("y"), &owner, &attr), -ENOENT);
	assert_int_equal(fs_make_unnamed(fs, directory, S_IFREG | 0600, &owner, &attr), -ENOENT);
	fs_forget(fs, directory, 1);
}

static void rename_replaces_as_posix_says(void **state)
{
	(void)state;
	uint64_t a = make_directory(fs, FS_ROOT, "a", FORGET);
	uint64_t b = make_directory(fs, FS_ROOT, "b", FORGET);
	uint64_t file = make_file(fs, a, "file", FORGET);
	uint64_t other = make_file(fs, b, "other", KEEP);
	uint64_t inner = make_directory(fs, a, "inner", FORGET);

	assert_int_equal(move(a, "missing", b, "x", 0), -ENOENT);
	assert_int_equal(move(a, "file", file, "x", 0), -ENOTDIR);
	assert_int_equal(move(a, "file", FS_ROOT, "b", 0), -EISDIR);
	assert_int_equal(move(a, "inner", b, "other", 0), -ENOTDIR);
	assert_int_equal(move(a, "inner", FS_ROOT, "b", 0), -ENOTEMPTY);
	assert_int_equal(move(FS_ROOT, "a", inner, "x", 0), -EINVAL);
	assert_int_equal(move(FS_ROOT, "a", a, "x", 0), -EINVAL);
	assert_int_equal(move(a, "inner", FS_ROOT, "a", 0), -ENOTEMPTY);

	assert_int_equal(move(a, "file", b, "other", 0), 0);
	assert_int_equal(find(fs, a, "file"), 0);
	assert_int_equal(find(fs, b, "other"), file);
	assert_int_equal(attr_of(fs, other).nlink, 0);
	fs_forget(fs, other, 1);

	/* a directory over an empty one, to another parent */
	make_directory(fs, b, "empty", FORGET);
	assert_int_equal(attr_of(fs, b).nlink, 3);
	assert_int_equal(move(a, "inner", b, "empty", 0), 0);
	assert_int_equal(find(fs, b, "empty"), inner);
	assert_int_equal(attr_of(fs, a).nlink, 2);
	assert_int_equal(attr_of(fs, b).nlink, 3);

	/* two names of one file: nothing happens; the same name: nothing either */
	assert_int_equal(link_to(file, a, "second"), 0);
	assert_int_equal(move(b, "other", a, "second", 0), 0);
	assert_int_equal(find(fs, b, "other"), file);
	assert_int_equal(find(fs, a, "second"), file);
	assert_int_equal(move(b, "other", b, "other", 0), 0);
	assert_int_equal(attr_of(fs, file).nlink, 2);
}

static void rename_flags(void **state)
{
	(void)state;
	uint64_t a = make_directory(fs, FS_ROOT, "a", FORGET);
	uint64_t b = make_directory(fs, a, "b", FORGET);
	uint64_t one = make_file(fs, a, "one", FORGET);
	uint64_t two = make_file(fs, b, "two", FORGET);
	uint64_t sub = make_directory(fs, b, "sub", FORGET);

	assert_int_equal(move(a, "one", b, "two", FS_RENAME_NOREPLACE), -EEXIST);
	assert_int_equal(move(a, "one", b, "three", FS_RENAME_NOREPLACE), 0);
	assert_int_equal(move(b, "three", a, "one", FS_RENAME_NOREPLACE), 0);
	assert_int_equal(move(a, "one", b, "missing", FS_RENAME_EXCHANGE), -ENOENT);
	assert_int_equal(move(a, "one", b, "two", 8), -EINVAL);
	assert_int_equal(
		move(a, "one", b, "two", FS_RENAME_NOREPLACE | FS_RENAME_EXCHANGE), -EINVAL);

	assert_int_equal(move(a, "one", b, "two", FS_RENAME_EXCHANGE), 0);
	assert_int_equal(find(fs, a, "one"), two);
	assert_int_equal(find(fs, b, "two"), one);

	/* a directory for a file: the links of the parents follow */
	assert_int_equal(attr_of(fs, a).nlink, 3);
	assert_int_equal(attr_of(fs, b).nlink, 3);
	assert_int_equal(move(a, "one", b, "sub", FS_RENAME_EXCHANGE), 0);
	assert_int_equal(find(fs, a, "one"), sub);
	assert_int_equal(attr_of(fs, a).nlink, 4);
	assert_int_equal(attr_of(fs, b).nlink, 2);

	/* neither way round may a directory end up inside of itself */
	assert_int_equal(move(FS_ROOT, "a", b, "two", FS_RENAME_EXCHANGE), -EINVAL);
	assert_int_equal(move(b, "two", FS_ROOT, "a", FS_RENAME_EXCHANGE), -EINVAL);
	assert_int_equal(move(a, "b", FS_ROOT, "a", FS_RENAME_EXCHANGE), -EINVAL);
}

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static void changes_show_in_the_times(void **state)
{
	(void)state;
	uint64_t a = make_directory(fs, FS_ROOT, "a", FORGET);
	uint64_t b = make_directory(fs, FS_ROOT, "b", FORGET);
	uint64_t file = make_file(fs, a, "file", FORGET);
	struct fs_attr a_before = attr_of(fs, a), b_before = attr_of(fs, b);
	struct fs_attr file_before = attr_of(fs, file);

	assert_int_equal(link_to(file, b, "second"), 0);
	assert_true(later(attr_of(fs, file).ctime, file_before.ctime));
	assert_false(later(attr_of(fs, file).mtime, file_before.mtime));
	assert_true(later(attr_of(fs, b).mtime, b_before.mtime));
	assert_true(later(attr_of(fs, b).ctime, b_before.ctime));

	file_before = attr_of(fs, file);
	b_before = attr_of(fs, b);
	assert_int_equal(move(a, "file", b, "moved", 0), 0);
	assert_true(later(attr_of(fs, file).ctime, file_before.ctime));
	assert_true(later(attr_of(fs, a).mtime, a_before.mtime));
	assert_true(later(attr_of(fs, b).mtime, b_before.mtime));

	file_before = attr_of(fs, file);
	b_before = attr_of(fs, b);
	assert_int_equal(fs_unlink(fs, b, name_of("second")), 0);
	assert_true(later(attr_of(fs, file).ctime, file_before.ctime));
	assert_true(later(attr_of(fs, b).mtime, b_before.mtime));

	/* what fails changes nothing */
	b_before = attr_of(fs, b);
	assert_int_equal(fs_unlink(fs, b, name_of("second")), -ENOENT);
	assert_int_equal(make_any(b, name_of("moved"), S_IFREG), -EEXIST);
	assert_false(later(attr_of(fs, b).ctime, b_before.ctime));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_of_every_length_and_byte, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_type_is_made_as_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			setgid_directory_gives_its_group, set_up, tear_down),
		cmocka_unit_test_setup_teardown(symlinks_keep_their_target, set_up, tear_down),
		cmocka_unit_test_setup_teardown(links_count, set_up, tear_down),
		cmocka_unit_test_setup_teardown(removing_refuses_the_wrong_type, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rename_replaces_as_posix_says, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rename_flags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changes_show_in_the_times, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
