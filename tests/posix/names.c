/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Files without names that get one, names that lose their files, and every way to rename. */
#include "posix.h"

#include <sys/mount.h>

/* Files and directories of the renaming tests, each of its kind. */
static void make_kinds(void)
{
	close_opened(open_with("file", "file"));
	close_opened(open_with("other", "other"));
	must(mkdir("empty", 0700));
	must(mkdir("full", 0700));
	close_opened(open_new("full/entry"));
	must(symlink("file", "link"));
}

static void an_unnamed_file_gets_a_name(void **state)
{
	int fd = must(open(".", O_TMPFILE | O_RDWR, 0640)), other;
	char path[64];
	struct stat st;

	(void)state;
	assert_int_equal(must(write(fd, "unnamed", 7)), 7);
	must(fstat(fd, &st));
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	must(linkat(AT_FDCWD, path, AT_FDCWD, "first", AT_SYMLINK_FOLLOW));
	must(linkat(fd, "", AT_FDCWD, "second", AT_EMPTY_PATH));
	assert_int_equal(stat_of("first").st_nlink, 2);
	assert_int_equal(stat_of("first").st_ino, stat_of("second").st_ino);
	must_fail(linkat(fd, "", AT_FDCWD, "second", AT_EMPTY_PATH), EEXIST);
	check_text(must(open("second", O_RDONLY)), "unnamed");
	other = must(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
	must_fail(linkat(other, "", AT_FDCWD, "third", AT_EMPTY_PATH), ENOENT);
	must_fail(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	must_fail(open("first", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
}

static void an_unnamed_file_goes_with_its_descriptor(void **state)
{
	uint64_t before = free_bytes();
	int fd = must(open(".", O_TMPFILE | O_RDWR, 0600));

	(void)state;
	must(fallocate(fd, 0, 0, 4 << 20));
	assert_true(free_bytes() <= before - (4 << 20));
	must(close(fd));
	await_free_bytes(before);
}

static void a_removed_file_cannot_be_linked_again(void **state)
{
	int fd = open_with("file", "bytes");

	(void)state;
	must(unlink("file"));
	must_fail(linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH), ENOENT);
	check_text(fd, "bytes");
	assert_int_equal(must(pwrite(fd, "BYTES and more", 14, 0)), 14);
	must(ftruncate(fd, 9));
	must(fchmod(fd, 0600));
	check_text(fd, "BYTES and");
}

/* What rename(2) makes of each pair; 0: it succeeds, and the target is what the source was. */
static void renaming_replaces_like_with_like(void **state)
{
	static const struct {
		const char *from, *to;
		int err;
	} cases[] = {
		{"file", "other", 0},
		{"file", "link", 0},
		{"file", "new", 0},
		{"link", "other", 0},
		{"file", "empty", EISDIR},
		{"file", "full", EISDIR},
		{"empty", "file", ENOTDIR},
		{"empty", "link", ENOTDIR},
		{"empty", "full", ENOTEMPTY},
		{"full", "empty", 0},
		{"empty", "new", 0},
		{"full", "full/inside", EINVAL},
		{"full/entry", "full", ENOTEMPTY},
		{"missing", "new", ENOENT},
		{"file", "missing/new", ENOENT},
		{"file/x", "new", ENOTDIR},
		{"file", "other/x", ENOTDIR},
		{"file", "new/", ENOTDIR},
		{"empty", "new/", 0},
		{"file", "file", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stat before = {};
		int result;

		must(mkdir("case", 0700));
		must(chdir("case"));
		make_kinds();
		lstat(cases[i].from, &before);
		errno = 0;
		result = rename(cases[i].from, cases[i].to);
		if (result ? errno != cases[i].err : cases[i].err)
			fail_msg("%s to %s: errno %d, not %d", cases[i].from, cases[i].to, errno,
				cases[i].err);
		if (result && cases[i].err != ENOENT && cases[i].err != ENOTDIR)
			assert_int_equal(stat_of(cases[i].from).st_ino, before.st_ino);
		if (!result) {
			char to[32];

			snprintf(to, sizeof(to), "%s", cases[i].to);
			to[strcspn(to, "/")] = '\0';
			assert_int_equal(stat_of(to).st_ino, before.st_ino);
			if (strcmp(cases[i].from, to))
				must_fail(access(cases[i].from, F_OK), ENOENT);
		}
		must(chdir(".."));
		assert_int_equal(system("rm -r case"), 0);
	}
}

static void renaming_onto_its_own_link_does_nothing(void **state)
{
	(void)state;
	close_opened(open_new("one"));
	must(link("one", "two"));
	must(rename("one", "two"));
	assert_int_equal(stat_of("one").st_nlink, 2);
	assert_int_equal(stat_of("one").st_ino, stat_of("two").st_ino);
}

static void renaming_can_refuse_to_replace(void **state)
{
	(void)state;
	make_kinds();
	must_fail(renameat2(AT_FDCWD, "file", AT_FDCWD, "other", RENAME_NOREPLACE), EEXIST);
	must_fail(renameat2(AT_FDCWD, "file", AT_FDCWD, "empty", RENAME_NOREPLACE), EEXIST);
	must_fail(renameat2(AT_FDCWD, "file", AT_FDCWD, "link", RENAME_NOREPLACE), EEXIST);
	must(renameat2(AT_FDCWD, "file", AT_FDCWD, "new", RENAME_NOREPLACE));
	check_text(must(open("other", O_RDONLY)), "other");
	check_text(must(open("new", O_RDONLY)), "file");
}

static void names_can_be_exchanged(void **state)
{
	static const char *const pairs[][2] = {{"file", "other"}, {"file", "empty"},
		{"full", "empty"}, {"link", "full"}, {"file", "full/entry"}};

	(void)state;
	make_kinds();
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		ino_t first = stat_of(pairs[i][0]).st_ino, second = stat_of(pairs[i][1]).st_ino;

		must(renameat2(AT_FDCWD, pairs[i][0], AT_FDCWD, pairs[i][1], RENAME_EXCHANGE));
		assert_int_equal(stat_of(pairs[i][0]).st_ino, second);
		assert_int_equal(stat_of(pairs[i][1]).st_ino, first);
		must(renameat2(AT_FDCWD, pairs[i][0], AT_FDCWD, pairs[i][1], RENAME_EXCHANGE));
	}
	must_fail(renameat2(AT_FDCWD, "file", AT_FDCWD, "missing", RENAME_EXCHANGE), ENOENT);
	must_fail(renameat2(AT_FDCWD, "full", AT_FDCWD, "full/entry", RENAME_EXCHANGE), EINVAL);
	must_fail(renameat2(AT_FDCWD, "full/entry", AT_FDCWD, "full", RENAME_EXCHANGE), EINVAL);
	must_fail(
		renameat2(AT_FDCWD, "file", AT_FDCWD, "other", RENAME_EXCHANGE | RENAME_NOREPLACE),
		EINVAL);
	must_fail(renameat2(AT_FDCWD, "file", AT_FDCWD, "other", 1 << 10), EINVAL);
}

/* An overlay filesystem on top needs it: a character device 0:0 stays where the file was. */
static void renaming_can_leave_a_whiteout(void **state)
{
	struct stat st;

	(void)state;
	make_kinds();
	must(renameat2(AT_FDCWD, "file", AT_FDCWD, "moved", RENAME_WHITEOUT));
	check_text(must(open("moved", O_RDONLY)), "file");
	st = stat_of("file");
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(st.st_rdev, 0);
	must(renameat2(AT_FDCWD, "moved", AT_FDCWD, "other", RENAME_WHITEOUT));
	assert_true(S_ISCHR(stat_of("moved").st_mode));
	check_text(must(open("other", O_RDONLY)), "file");
}

static void a_directory_stays_out_of_itself(void **state)
{
	(void)state;
	must(mkdir("a", 0700));
	must(mkdir("a/b", 0700));
	must(mkdir("a/b/c", 0700));
	must_fail(rename("a", "a/b/c/a"), EINVAL);
	must_fail(rename("a", "a/a"), EINVAL);
	must_fail(rename("a/b", "a/b/c"), EINVAL);
	must_fail(rename("a/b/c", "a/b"), ENOTEMPTY);
	must_fail(renameat2(AT_FDCWD, "a", AT_FDCWD, "a/b/c", RENAME_EXCHANGE), EINVAL);
	must(rename("a/b/c", "c"));
	must(rename("a", "c/a"));
	must_fail(rename("c", "c/a/b/c"), EINVAL);
}

static int rename_around(void *argument)
{
	const char *const *names = argument;

	for (unsigned i = 0; i < 2000; i++) {
		rename(names[0], names[1]);
		rename(names[1], names[0]);
	}
	return 0;
}

/* Each of the two would put a directory below the other; both together would make a circle. */
static void no_circle_is_made_by_two_at_once(void **state)
{
	const char *one[] = {"a", "b/a"}, *two[] = {"b", "a/b"};
	pid_t children[2];
	unsigned here;

	(void)state;
	must(mkdir("a", 0700));
	must(mkdir("b", 0700));
	children[0] = start_child(rename_around, one);
	children[1] = start_child(rename_around, two);
	finish_child(children[0]);
	finish_child(children[1]);
	here = (access("a", F_OK) == 0) + (access("b", F_OK) == 0);
	assert_true(here >= 1);
	assert_true(here == 2 || access("a/b", F_OK) == 0 || access("b/a", F_OK) == 0);
}

static void a_file_that_is_replaced_lives_while_open(void **state)
{
	int fd = open_with("target", "old");

	(void)state;
	close_opened(open_with("source", "new"));
	must(rename("source", "target"));
	check_text(fd, "old");
	assert_int_equal(must(pwrite(fd, "OLD", 3, 0)), 3);
	check_text(fd, "OLD");
	check_text(must(open("target", O_RDONLY)), "new");
}

static void other_filesystems_are_out_of_reach(void **state)
{
	char path[] = "/tmp/vramfs-test-other-XXXXXX";
	int fd = must(mkstemp(path));

	(void)state;
	close_opened(open_new("file"));
	must_fail(rename("file", path), EXDEV);
	must_fail(rename(path, "other"), EXDEV);
	must_fail(link(path, "link"), EXDEV);
	must(close(fd));
	must(unlink(path));
}

static void a_mount_point_is_busy(void **state)
{
	(void)state;
	must(mkdir("point", 0700));
	must(mkdir("directory", 0700));
	if (mount("none", "point", "tmpfs", 0, "size=64k"))
		skip(); /* not allowed here */
	must_fail(rmdir("point"), EBUSY);
	must_fail(rename("point", "renamed"), EBUSY);
	must_fail(rename("directory", "point"), EBUSY);
	must_fail(rename("point/../directory", "point/x"), EXDEV);
	must(umount("point"));
	must(rmdir("point"));
}

static void directories_cannot_be_linked(void **state)
{
	(void)state;
	must(mkdir("directory", 0700));
	must_fail(link("directory", "link"), EPERM);
	must_fail(unlink("directory"), EISDIR);
	must_fail(rmdir("missing"), ENOENT);
	close_opened(open_new("file"));
	must_fail(rmdir("file"), ENOTDIR);
	must_fail(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
	must_fail(open("file/", O_RDONLY), ENOTDIR);
	must_fail(open("new/", O_CREAT | O_WRONLY, 0600), EISDIR);
	must_fail(open("directory", O_CREAT | O_RDONLY, 0600), EISDIR);
	must_fail(open("file", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	must(symlink("missing", "dangling"));
	must_fail(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	close_opened(open("dangling", O_CREAT | O_WRONLY, 0600));
	must(access("missing", F_OK));
}

struct handle {
	struct file_handle head;
	uint8_t bytes[MAX_HANDLE_SZ];
};

static struct handle handle_of(const char *file)
{
	struct handle handle = {.head.handle_bytes = MAX_HANDLE_SZ};
	int mount;

	must(name_to_handle_at(AT_FDCWD, file, &handle.head, &mount, 0));
	return handle;
}

/* What NFS servers do. */
static void a_file_is_found_by_its_handle(void **state)
{
	int here = must(open(".", O_RDONLY | O_DIRECTORY)), fd;
	struct handle file, directory;
	int reader;

	(void)state;
	must(close(open_with("file", "bytes")));
	must(mkdir("directory", 0700));
	file = handle_of("file");
	directory = handle_of("directory");
	must(rename("file", "directory/moved"));
	fd = must(open_by_handle_at(here, &file.head, O_RDWR));
	check_text(fd, "bytes");
	assert_int_equal(must(write(fd, "BYTES", 5)), 5);
	reader = must(open("directory/moved", O_RDONLY));
	check_text(reader, "BYTES");
	must(close(reader));
	must(close(must(open_by_handle_at(here, &directory.head, O_RDONLY | O_DIRECTORY))));
	must(unlink("directory/moved"));
	check_text(fd, "BYTES"); /* still open */
	must(close(fd));
	must(rmdir("directory"));
	must_fail(open_by_handle_at(here, &directory.head, O_RDONLY), ESTALE);
	must_fail(open_by_handle_at(here, &file.head, O_RDONLY), ESTALE);
	must_fail(name_to_handle_at(AT_FDCWD, "missing", &file.head, (int[1]){}, 0), ENOENT);
	file.head.handle_bytes = 0;
	must_fail(name_to_handle_at(AT_FDCWD, ".", &file.head, (int[1]){}, 0), EOVERFLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		posix_test(an_unnamed_file_gets_a_name),
		posix_test(an_unnamed_file_goes_with_its_descriptor),
		posix_test(a_removed_file_cannot_be_linked_again),
		posix_test(renaming_replaces_like_with_like),
		posix_test(renaming_onto_its_own_link_does_nothing),
		posix_test(renaming_can_refuse_to_replace),
		posix_test(names_can_be_exchanged),
		posix_test(renaming_can_leave_a_whiteout),
		posix_test(a_directory_stays_out_of_itself),
		posix_test(no_circle_is_made_by_two_at_once),
		posix_test(a_file_that_is_replaced_lives_while_open),
		posix_test(other_filesystems_are_out_of_reach),
		posix_test(a_mount_point_is_busy),
		posix_test(directories_cannot_be_linked),
		posix_test(a_file_is_found_by_its_handle),
	};

	return posix_run(tests);
}
