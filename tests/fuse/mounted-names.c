/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Names in a mounted filesystem: directories, links, renames, and what the kernel may remember. */
#include "mounted.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_name_appears_and_goes(void **state)
{
	(void)state;
	must_fail(access("name", F_OK), ENOENT);
	must_fail(access("name", F_OK), ENOENT); /* now remembered by the kernel */
	make_file("name", 10, 1);
	check_file("name", 10, 1);
	must_fail(open("name", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	must(unlink("name"));
	must_fail(access("name", F_OK), ENOENT);
	must_fail(unlink("name"), ENOENT);
}

static void names_have_limits(void **state)
{
	char name[257];

	(void)state;
	memset(name, 'n', 256);
	name[256] = '\0';
	must_fail(mkdir(name, 0755), ENAMETOOLONG);
	name[255] = '\0';
	must(mkdir(name, 0755));
	must(rmdir(name));
	must(mkdir("\xff\x01 name", 0755));
	must(rmdir("\xff\x01 name"));
}

static void directories_nest_and_count_links(void **state)
{
	(void)state;
	must(mkdir("d", 0755));
	assert_int_equal(stat_of("d").st_nlink, 2);
	must(mkdir("d/e", 0755));
	must(mkdir("d/f", 0755));
	assert_int_equal(stat_of("d").st_nlink, 4);
	must_fail(rmdir("d"), ENOTEMPTY);
	must_fail(unlink("d"), EISDIR);
	must_fail(mkdir("d/e", 0755), EEXIST);
	must(rename("d/e", "e"));
	assert_int_equal(stat_of("d").st_nlink, 3);
	must_fail(rename("d", "d/f/d"), EINVAL);
	must(rmdir("d/f"));
	assert_int_equal(stat_of("d").st_nlink, 2);
	must(rmdir("e"));
	must(rmdir("d"));
	must_fail(rmdir("d"), ENOENT);
}

static void a_removed_directory_is_empty_for_who_is_in_it(void **state)
{
	int fd;

	(void)state;
	must(mkdir("gone", 0755));
	fd = must(open("gone", O_RDONLY | O_DIRECTORY));
	must(rmdir("gone"));
	must_fail(openat(fd, "file", O_CREAT | O_WRONLY, 0644), ENOENT);
	must(close(fd));
}

static void hard_links_share_and_are_counted(void **state)
{
	struct stat before;
	int fd;

	(void)state;
	make_file("one", 1000, 2);
	before = stat_of("one");
	must(link("one", "two"));
	assert_int_equal(stat_of("one").st_nlink, 2);
	assert_int_equal(stat_of("two").st_ino, before.st_ino);
	fd = must(open("two", O_RDONLY));
	must(unlink("one"));
	assert_int_equal(stat_of("two").st_nlink, 1);
	assert_int_equal(must(fstat(fd, &before)), 0);
	assert_int_equal(before.st_nlink, 1);
	check_file("two", 1000, 2);
	must(unlink("two"));
	must(fstat(fd, &before));
	assert_int_equal(before.st_nlink, 0);
	must(close(fd));
	must(mkdir("d", 0755));
	must_fail(link("d", "e"), EPERM);
	must(rmdir("d"));
}

static void symlinks_lead_and_are_read(void **state)
{
	char target[PATH_MAX], read_back[PATH_MAX + 1];

	(void)state;
	make_file("target", 100, 3);
	must(symlink("target", "link"));
	check_file("link", 100, 3);
	assert_true(S_ISLNK(stat_of("link").st_mode));
	assert_int_equal(stat_of("link").st_size, 6);
	must(symlink("nowhere", "dangling"));
	must_fail(open("dangling", O_RDONLY), ENOENT);
	must_fail(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
	memset(target, 't', sizeof(target));
	target[PATH_MAX - 1] = '\0';
	must(symlink(target, "long"));
	assert_int_equal(must(readlink("long", read_back, sizeof(read_back))), PATH_MAX - 1);
	assert_memory_equal(read_back, target, PATH_MAX - 1);
	must_fail(symlink("x", "link"), EEXIST);
	must(unlink("long"));
	must(unlink("dangling"));
	must(unlink("link"));
	must(unlink("target"));
}

static void rename_replaces_and_refuses(void **state)
{
	struct stat before, replaced;
	int fd;

	(void)state;
	make_file("a", 100, 4);
	make_file("b", 200, 5);
	fd = must(open("b", O_RDONLY));
	before = stat_of("a");
	usleep(20000);
	must(rename("a", "b"));
	must_fail(access("a", F_OK), ENOENT);
	check_file("b", 100, 4);
	assert_int_equal(stat_of("b").st_ino, before.st_ino);
	assert_true(stat_of("b").st_ctim.tv_sec > before.st_ctim.tv_sec ||
		    stat_of("b").st_ctim.tv_nsec > before.st_ctim.tv_nsec);
	must(fstat(fd, &replaced));
	assert_int_equal(replaced.st_nlink, 0);
	assert_int_equal(replaced.st_size, 200);
	must(close(fd));
	make_file("c", 300, 6);
	must_fail(renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_NOREPLACE), EEXIST);
	must(renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_EXCHANGE));
	check_file("c", 100, 4);
	check_file("b", 300, 6);
	must(renameat2(AT_FDCWD, "b", AT_FDCWD, "d", RENAME_NOREPLACE));
	must(mkdir("dir", 0755));
	must_fail(rename("c", "dir"), EISDIR);
	must_fail(rename("dir", "c"), ENOTDIR);
	must(mkdir("other", 0755));
	must(rename("d", "other/d"));
	must_fail(rename("dir", "other"), ENOTEMPTY);
	must(unlink("other/d"));
	must(rename("dir", "other"));
	must_fail(access("dir", F_OK), ENOENT);
	must(rmdir("other"));
	must(unlink("c"));
}

static unsigned count_entries(DIR *directory, bool *seen, unsigned size)
{
	struct dirent *entry;
	unsigned count = 0, number;

	rewinddir(directory);
	while ((entry = readdir(directory))) {
		if (sscanf(entry->d_name, "entry-with-a-longer-name-%u", &number) != 1)
			continue;
		assert_true(number < size);
		assert_false(seen[number]);
		assert_int_equal(entry->d_type, number % 2 ? DT_DIR : DT_REG);
		seen[number] = true;
		count++;
	}
	return count;
}

static void five_thousand_entries_are_each_seen_once(void **state)
{
	static bool seen[5000];
	struct dirent *entry;
	unsigned removed = 0;
	char name[64];
	DIR *directory;

	(void)state;
	must(mkdir("many", 0755));
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "many/entry-with-a-longer-name-%u", i);
		if (i % 2)
			must(mkdir(name, 0755));
		else
			close_opened(open(name, O_CREAT | O_WRONLY, 0644));
	}
	directory = opendir("many");
	assert_non_null(directory);
	assert_int_equal(count_entries(directory, seen, 5000), 5000);
	memset(seen, 0, sizeof(seen));
	assert_int_equal(count_entries(directory, seen, 5000), 5000); /* from the kernel's cache */
	/* Removing while reading, as rm -r does, misses none. */
	rewinddir(directory);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		must(unlinkat(dirfd(directory), entry->d_name,
			entry->d_type == DT_DIR ? AT_REMOVEDIR : 0));
		removed++;
	}
	assert_int_equal(removed, 5000);
	must(closedir(directory));
	must(rmdir("many"));
}

static void a_listing_shows_what_came_and_went(void **state)
{
	DIR *directory;
	struct dirent *entry;
	unsigned entries = 0;

	(void)state;
	must(mkdir("listed", 0755));
	make_file("listed/a", 1, 1);
	directory = opendir("listed");
	while (readdir(directory))
		;
	make_file("listed/b", 1, 1);
	must(unlink("listed/a"));
	rewinddir(directory);
	while ((entry = readdir(directory))) {
		assert_string_not_equal(entry->d_name, "a");
		entries++;
	}
	assert_int_equal(entries, 3);
	must(closedir(directory));
	must(unlink("listed/b"));
	must(rmdir("listed"));
}

static void an_unlinked_file_lives_while_it_is_open(void **state)
{
	uint8_t bytes[5000], expected[5000];
	struct stat st;
	int fd;

	(void)state;
	make_file("open", 5000, 7);
	fd = must(open("open", O_RDWR));
	must(unlink("open"));
	fill_pattern(expected, sizeof(expected), 0, 7);
	assert_int_equal(must(pread(fd, bytes, sizeof(bytes), 0)), 5000);
	assert_memory_equal(bytes, expected, 5000);
	assert_int_equal(must(pwrite(fd, "tail", 4, 5000)), 4);
	must(fstat(fd, &st));
	assert_int_equal(st.st_size, 5004);
	assert_int_equal(st.st_nlink, 0);
	must(close(fd));
}

static void a_temporary_file_can_get_a_name(void **state)
{
	char path[64];
	struct stat st;
	int fd;

	(void)state;
	fd = must(open(".", O_TMPFILE | O_RDWR, 0640));
	assert_int_equal(must(write(fd, "temporary", 9)), 9);
	must(fstat(fd, &st));
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	must(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	must(close(fd));
	assert_int_equal(stat_of("named").st_nlink, 1);
	assert_int_equal(stat_of("named").st_size, 9);
	must(unlink("named"));
	close_opened(open(".", O_TMPFILE | O_WRONLY | O_EXCL, 0600));
}

static void special_files_keep_their_kind_and_number(void **state)
{
	struct stat st;

	(void)state;
	must(mknod("fifo", S_IFIFO | 0600, 0));
	assert_true(S_ISFIFO(stat_of("fifo").st_mode));
	must(mknod("device", S_IFCHR | 0600, makedev(259, 70000)));
	st = stat_of("device");
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(major(st.st_rdev), 259);
	assert_int_equal(minor(st.st_rdev), 70000);
	must(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
	close_opened(open("null", O_RDWR));
	must(unlink("fifo"));
	must(unlink("device"));
	must(unlink("null"));
}

static void locks_are_the_kernels(void **state)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
	int one, two;

	(void)state;
	make_file("locked", 100, 8);
	one = must(open("locked", O_RDWR));
	two = must(open("locked", O_RDWR));
	must(flock(one, LOCK_EX));
	must_fail(flock(two, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	must(flock(one, LOCK_UN));
	must(flock(two, LOCK_EX | LOCK_NB));
	must(fcntl(one, F_OFD_SETLK, &lock));
	must_fail(fcntl(two, F_OFD_SETLK, &lock), EAGAIN);
	must(close(one));
	must(fcntl(two, F_OFD_SETLK, &lock));
	must(close(two));
	must(unlink("locked"));
}

static int enter_and_open(const char *name)
{
	return open(name, O_RDONLY) >= 0 || errno != EACCES;
}

static int create_here(const char *name)
{
	return open(name, O_CREAT | O_WRONLY, 0644) >= 0 || errno != EACCES;
}

static void the_kernel_checks_permissions(void **state)
{
	(void)state;
	make_file("secret", 10, 9);
	must(chmod("secret", 0600));
	as_user(enter_and_open, "secret");
	must(mkdir("closed", 0755));
	as_user(create_here, "closed/file");
	must(rmdir("closed"));
	must(unlink("secret"));
}

static void a_copied_program_runs(void **state)
{
	char *const arguments[] = {"true", NULL};
	pid_t child;
	int status;

	(void)state;
	must(system("cp /bin/true program"));
	assert_int_equal(stat_of("program").st_mode & 0111, 0111);
	for (int i = 0; i < 3; i++) {
		child = must(fork());
		if (child == 0) {
			execv("./program", arguments);
			_exit(99);
		}
		must(waitpid(child, &status, 0));
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	must(unlink("program"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_appears_and_goes),
		cmocka_unit_test(names_have_limits),
		cmocka_unit_test(directories_nest_and_count_links),
		cmocka_unit_test(a_removed_directory_is_empty_for_who_is_in_it),
		cmocka_unit_test(hard_links_share_and_are_counted),
		cmocka_unit_test(symlinks_lead_and_are_read),
		cmocka_unit_test(rename_replaces_and_refuses),
		cmocka_unit_test(five_thousand_entries_are_each_seen_once),
		cmocka_unit_test(a_listing_shows_what_came_and_went),
		cmocka_unit_test(an_unlinked_file_lives_while_it_is_open),
		cmocka_unit_test(a_temporary_file_can_get_a_name),
		cmocka_unit_test(special_files_keep_their_kind_and_number),
		cmocka_unit_test(locks_are_the_kernels),
		cmocka_unit_test(the_kernel_checks_permissions),
		cmocka_unit_test(a_copied_program_runs),
	};

	return mounted_run(tests);
}
