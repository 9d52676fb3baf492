/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Who may do what: permission bits, sticky and setgid directories, and the bits that a change takes
 * away. */
#include "posix.h"

#include <grp.h>
#include <sys/mman.h>
#include <sys/xattr.h>

struct who {
	uid_t uid;
	gid_t gid;
};

#define ALICE ((struct who){1000, 1000})
#define BOB ((struct who){1001, 1001})

/* Run FUNCTION in a process of that user, whose one further group is 2000. */
static void as(struct who who, int (*function)(void *argument), void *argument)
{
	const gid_t group = 2000;
	pid_t child;

	fflush(stdout);
	child = must(fork());
	if (child == 0) {
		CHECK(setgroups(1, &group) == 0);
		CHECK(setresgid(who.gid, who.gid, who.gid) == 0);
		CHECK(setresuid(who.uid, who.uid, who.uid) == 0);
		_exit(function(argument));
	}
	finish_child(child);
}

static void make_owned(const char *file, mode_t mode, uid_t uid, gid_t gid)
{
	close_opened(open(file, O_CREAT | O_WRONLY, 0600));
	must(chown(file, uid, gid));
	must(chmod(file, mode));
}

#define READ 4
#define WRITE 2
#define EXECUTE 1

struct access_case {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int allowed; /* to Alice, who is in her own group and in 2000 */
};

static int check_access(void *argument)
{
	const struct access_case *expected = argument;

	CHECK((access("file", R_OK) == 0) == !!(expected->allowed & READ));
	CHECK((access("file", W_OK) == 0) == !!(expected->allowed & WRITE));
	CHECK((access("file", X_OK) == 0) == !!(expected->allowed & EXECUTE));
	CHECK((open("file", O_RDONLY) >= 0) == !!(expected->allowed & READ));
	CHECK((open("file", O_WRONLY) >= 0) == !!(expected->allowed & WRITE));
	CHECK((truncate("file", 0) == 0) == !!(expected->allowed & WRITE));
	return 0;
}

static void the_first_class_that_fits_decides(void **state)
{
	struct access_case cases[] = {
		{0600, 1000, 1000, READ | WRITE},
		{0400, 1000, 1000, READ},
		{0077, 1000, 1000, 0},
		{0040, 1, 1000, READ},
		{0707, 1, 1000, 0},
		{0020, 1, 2000, WRITE},
		{0604, 1, 1, READ},
		{0770, 1, 1, 0},
		{0111, 1, 1, EXECUTE},
		{0007, 1, 1, READ | WRITE | EXECUTE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_owned("file", cases[i].mode, cases[i].uid, cases[i].gid);
		as(ALICE, check_access, &cases[i]);
		must(unlink("file"));
	}
}

static int search_and_list(void *unused)
{
	struct stat st;

	(void)unused;
	CHECK(stat("searchable/file", &st) == 0);
	CHECK(open("searchable", O_RDONLY) == -1 && errno == EACCES);
	CHECK(open("listable", O_RDONLY) >= 0);
	CHECK(stat("listable/file", &st) == -1 && errno == EACCES);
	CHECK(open("listable/new", O_CREAT | O_WRONLY, 0600) == -1 && errno == EACCES);
	CHECK(mkdir("searchable/new", 0700) == -1 && errno == EACCES);
	CHECK(unlink("searchable/file") == -1 && errno == EACCES);
	CHECK(rename("searchable/file", "moved") == -1 && errno == EACCES);
	CHECK(link("searchable/file", "searchable/link") == -1 &&
		(errno == EACCES || errno == EPERM));
	return 0;
}

static void directories_are_searched_listed_and_written(void **state)
{
	(void)state;
	must(mkdir("searchable", 0700));
	must(mkdir("listable", 0700));
	make_owned("searchable/file", 0666, 0, 0);
	make_owned("listable/file", 0666, 0, 0);
	must(chmod("searchable", 0711));
	must(chmod("listable", 0744));
	as(ALICE, search_and_list, NULL);
}

static int change_the_foreign(void *unused)
{
	const struct timespec times[2] = {{1, 0}, {1, 0}};

	(void)unused;
	CHECK(chmod("foreign", 0777) == -1 && errno == EPERM);
	CHECK(chown("foreign", 1000, -1) == -1 && errno == EPERM);
	CHECK(utimensat(AT_FDCWD, "foreign", times, 0) == -1 && errno == EPERM);
	CHECK(utimensat(AT_FDCWD, "foreign", NULL, 0) == 0); /* it may be written */
	CHECK(utimensat(AT_FDCWD, "readable", NULL, 0) == -1 && errno == EACCES);
	CHECK(setxattr("readable", "user.x", "1", 1, 0) == -1 && errno == EACCES);
	CHECK(chmod("own", 0640) == 0);
	CHECK(chown("own", -1, 2000) == 0);
	CHECK(chown("own", -1, 3000) == -1 && errno == EPERM);
	CHECK(chown("own", 1001, -1) == -1 && errno == EPERM);
	CHECK(mknod("device", S_IFCHR | 0600, 0x103) == -1 && errno == EPERM);
	CHECK(mkfifo("fifo", 0600) == 0);
	return 0;
}

static void only_owners_change_modes_and_times(void **state)
{
	(void)state;
	make_owned("foreign", 0666, 1001, 1001);
	make_owned("readable", 0644, 1001, 1001);
	make_owned("own", 0600, 1000, 1000);
	as(ALICE, change_the_foreign, NULL);
	assert_int_equal(stat_of("fifo").st_uid, 1000);
	assert_int_equal(stat_of("fifo").st_gid, 1000);
}

static int remove_in_sticky(void *unused)
{
	(void)unused;
	CHECK(unlink("sticky/bobs") == -1 && errno == EPERM);
	CHECK(rmdir("sticky/bobs-directory") == -1 && errno == EPERM);
	CHECK(rename("sticky/bobs", "sticky/renamed") == -1 && errno == EPERM);
	CHECK(rename("sticky/own", "sticky/bobs") == -1 && errno == EPERM);
	CHECK(renameat2(AT_FDCWD, "sticky/own", AT_FDCWD, "sticky/bobs", RENAME_EXCHANGE) == -1 &&
		errno == EPERM);
	CHECK(rename("sticky/own", "sticky/renamed") == 0);
	CHECK(unlink("sticky/renamed") == 0);
	return 0;
}

static void in_a_sticky_directory_everyone_removes_his_own(void **state)
{
	(void)state;
	must(mkdir("sticky", 0700));
	make_owned("sticky/bobs", 0666, 1001, 1001);
	make_owned("sticky/own", 0600, 1000, 1000);
	must(mkdir("sticky/bobs-directory", 0777));
	must(chown("sticky/bobs-directory", 1001, 1001));
	must(chmod("sticky", 01777));
	assert_int_equal(stat_of("sticky").st_mode & 07777, 01777);
	as(ALICE, remove_in_sticky, NULL);
}

static int make_in_shared(void *unused)
{
	(void)unused;
	CHECK(open("shared/file", O_CREAT | O_WRONLY, 02755) >= 0);
	CHECK(mkdir("shared/directory", 0755) == 0);
	CHECK(symlink("x", "shared/link") == 0);
	CHECK(open("shared", O_TMPFILE | O_RDWR, 0600) >= 0);
	return 0;
}

static void a_setgid_directory_gives_its_group(void **state)
{
	(void)state;
	must(mkdir("shared", 0700));
	must(chown("shared", 0, 3000));
	must(chmod("shared", 02777));
	as(ALICE, make_in_shared, NULL);
	assert_int_equal(stat_of("shared/file").st_gid, 3000);
	assert_int_equal(stat_of("shared/file").st_uid, 1000);
	/* She isn't in that group, so she can't make a setgid program of it. */
	assert_int_equal(stat_of("shared/file").st_mode & 07777, 0755);
	assert_int_equal(stat_of("shared/directory").st_gid, 3000);
	assert_int_equal(stat_of("shared/directory").st_mode & 07777, 02755);
	assert_int_equal(stat_of("shared/link").st_gid, 3000);
}

static int write_one(void *unused)
{
	int fd = open("file", O_WRONLY);

	(void)unused;
	CHECK(write(fd, "x", 1) == 1);
	return 0;
}

static int append_one(void *unused)
{
	int fd = open("file", O_WRONLY | O_APPEND);

	(void)unused;
	CHECK(write(fd, "x", 1) == 1);
	return 0;
}

static int write_direct(void *unused)
{
	int fd = open("file", O_WRONLY | O_DIRECT);
	static char page[4096] __attribute__((aligned(4096)));

	(void)unused;
	CHECK(write(fd, page, sizeof(page)) == sizeof(page));
	return 0;
}

static int truncate_it(void *unused)
{
	(void)unused;
	CHECK(truncate("file", 1) == 0);
	return 0;
}

static int open_truncating(void *unused)
{
	(void)unused;
	CHECK(open("file", O_WRONLY | O_TRUNC) >= 0);
	return 0;
}

static int allocate_it(void *unused)
{
	int fd = open("file", O_WRONLY);

	(void)unused;
	CHECK(fallocate(fd, 0, 0, 10) == 0);
	return 0;
}

static int copy_into_it(void *unused)
{
	(void)unused;
	CHECK(copy_file_range(open("other", O_RDONLY), NULL, open("file", O_WRONLY), NULL, 5, 0) ==
		5);
	return 0;
}

static int read_it(void *unused)
{
	char byte;

	(void)unused;
	CHECK(read(open("file", O_RDONLY), &byte, 1) == 1);
	return 0;
}

static int change_group(void *unused)
{
	(void)unused;
	CHECK(chown("file", -1, 2000) == 0);
	return 0;
}

static void another_users_change_takes_setuid_away(void **state)
{
	static const struct {
		const char *name;
		int (*change)(void *unused);
		mode_t before, after;
	} cases[] = {
		{"write", write_one, 06777, 0777},
		{"append", append_one, 06777, 0777},
		{"direct", write_direct, 06777, 0777},
		{"truncate", truncate_it, 06777, 0777},
		{"open", open_truncating, 06777, 0777},
		{"allocate", allocate_it, 06777, 0777},
		{"copy", copy_into_it, 06777, 0777},
		{"read", read_it, 06777, 06777},
		{"chgrp", change_group, 06777, 0777},
	};

	(void)state;
	make_owned("other", 0666, 0, 0);
	must(truncate("other", 5));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* Her own file or not makes no difference. */
		make_owned("file", 0600, 1000, 1000);
		must(truncate("file", 5));
		must(chmod("file", cases[i].before));
		as(ALICE, cases[i].change, NULL);
		if ((stat_of("file").st_mode & 07777) != cases[i].after)
			fail_msg("%s left %o", cases[i].name, stat_of("file").st_mode & 07777);
		must(unlink("file"));
	}
}

static void roots_writing_leaves_setuid(void **state)
{
	(void)state;
	make_owned("file", 06755, 1000, 1000);
	write_one(NULL);
	assert_int_equal(stat_of("file").st_mode & 07777, 06755);
	must(chown("file", 1, 1));
	assert_int_equal(stat_of("file").st_mode & 07777, 0755);
}

static void a_write_takes_capabilities_away(void **state)
{
	/* Version 2, nothing permitted. */
	static const uint8_t capabilities[20] = {0, 0, 0, 2};
	uint8_t value[20];
	int fd = open_new("file");

	(void)state;
	must(setxattr("file", "security.capability", capabilities, sizeof(capabilities), 0));
	assert_int_equal(
		must(getxattr("file", "security.capability", value, sizeof(value))), sizeof(value));
	assert_int_equal(must(write(fd, "x", 1)), 1);
	must_fail(getxattr("file", "security.capability", value, sizeof(value)), ENODATA);
}

static int set_foreign_setgid(void *unused)
{
	struct stat st;

	(void)unused;
	CHECK(chmod("file", 02755) == 0);
	CHECK(stat("file", &st) == 0 && (st.st_mode & 07777) == 0755);
	return 0;
}

static void setgid_needs_membership(void **state)
{
	(void)state;
	make_owned("file", 0755, 1000, 3000);
	as(ALICE, set_foreign_setgid, NULL);
}

static int open_noatime(void *unused)
{
	(void)unused;
	CHECK(open("foreign", O_RDONLY | O_NOATIME) == -1 && errno == EPERM);
	CHECK(open("own", O_RDONLY | O_NOATIME) >= 0);
	return 0;
}

static void leaving_the_access_time_is_for_owners(void **state)
{
	(void)state;
	make_owned("foreign", 0644, 1001, 1001);
	make_owned("own", 0644, 1000, 1000);
	as(ALICE, open_noatime, NULL);
}

static int see_what_bob_may(void *unused)
{
	(void)unused;
	CHECK(open("file", O_RDONLY) >= 0);
	CHECK(open("file", O_WRONLY) == -1 && errno == EACCES);
	return 0;
}

static void what_was_just_forbidden_is_forbidden(void **state)
{
	(void)state;
	make_owned("file", 0644, 1000, 1000);
	as(BOB, see_what_bob_may, NULL);
	for (unsigned i = 0; i < 10; i++) { /* nothing of it is remembered */
		struct access_case none = {0600, 0, 0, 0}, all = {0666, 0, 0, READ | WRITE};

		must(chown("file", 0, 0));
		must(chmod("file", 0600));
		as(BOB, check_access, &none);
		must(chmod("file", 0666));
		as(BOB, check_access, &all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		posix_test(the_first_class_that_fits_decides),
		posix_test(directories_are_searched_listed_and_written),
		posix_test(only_owners_change_modes_and_times),
		posix_test(in_a_sticky_directory_everyone_removes_his_own),
		posix_test(a_setgid_directory_gives_its_group),
		posix_test(another_users_change_takes_setuid_away),
		posix_test(roots_writing_leaves_setuid),
		posix_test(a_write_takes_capabilities_away),
		posix_test(setgid_needs_membership),
		posix_test(leaving_the_access_time_is_for_owners),
		posix_test(what_was_just_forbidden_is_forbidden),
	};

	return posix_run(tests);
}
