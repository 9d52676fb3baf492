/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Attributes in a mounted filesystem. The kernel may believe them for ever; these tests hold that
 * every change that one operation makes to another's attributes is seen.
 */
#include "mounted.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static void a_write_is_seen_in_size_and_times(void **state)
{
	struct stat before, after;
	int fd;

	(void)state;
	fd = must(open("written", O_CREAT | O_RDWR, 0644));
	for (int i = 0; i < 3; i++) {
		before = stat_of("written");
		usleep(20000);
		assert_int_equal(must(pwrite(fd, "0123456789", 10, i * 5)), 10);
		after = stat_of("written");
		assert_int_equal(after.st_size, i * 5 + 10);
		assert_true(later(after.st_mtim, before.st_mtim));
		assert_true(later(after.st_ctim, before.st_ctim));
	}
	assert_true(after.st_blocks > 0);
	must(close(fd));
	must(unlink("written"));
}

static void a_read_is_seen_in_the_access_time(void **state)
{
	struct stat before;

	(void)state;
	make_file("read", 100, 1);
	before = stat_of("read");
	usleep(20000);
	check_file("read", 100, 1);
	assert_true(later(stat_of("read").st_atim, before.st_atim));
	assert_false(later(stat_of("read").st_mtim, before.st_mtim));
	must(unlink("read"));
}

static void a_directory_changes_with_its_entries(void **state)
{
	struct stat before;

	(void)state;
	must(mkdir("dir", 0755));
	for (int i = 0; i < 4; i++) {
		before = stat_of("dir");
		usleep(20000);
		switch (i) {
		case 0:
			make_file("dir/a", 1, 1);
			break;
		case 1:
			must(rename("dir/a", "dir/b"));
			break;
		case 2:
			must(link("dir/b", "dir/c"));
			must(unlink("dir/c"));
			break;
		case 3:
			must(unlink("dir/b"));
			break;
		}
		assert_true(later(stat_of("dir").st_mtim, before.st_mtim));
		assert_true(later(stat_of("dir").st_ctim, before.st_ctim));
	}
	must(rmdir("dir"));
}

static void links_change_the_change_time(void **state)
{
	struct stat before;

	(void)state;
	make_file("a", 1, 1);
	before = stat_of("a");
	usleep(20000);
	must(link("a", "b"));
	assert_true(later(stat_of("a").st_ctim, before.st_ctim));
	before = stat_of("a");
	usleep(20000);
	must(unlink("b"));
	assert_true(later(stat_of("a").st_ctim, before.st_ctim));
	before = stat_of("a");
	usleep(20000);
	must(setxattr("a", "user.x", "y", 1, 0));
	assert_true(later(stat_of("a").st_ctim, before.st_ctim));
	must(unlink("a"));
}

static void times_are_set_to_the_nanosecond(void **state)
{
	struct timespec times[] = {{.tv_sec = 1234567890, .tv_nsec = 123456789},
		{.tv_sec = -1000, .tv_nsec = 999999999}};
	struct timespec omit[] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
	struct stat st;

	(void)state;
	make_file("timed", 1, 1);
	must(utimensat(AT_FDCWD, "timed", times, 0));
	st = stat_of("timed");
	assert_memory_equal(&st.st_atim, &times[0], sizeof(times[0]));
	assert_memory_equal(&st.st_mtim, &times[1], sizeof(times[1]));
	must(utimensat(AT_FDCWD, "timed", omit, 0));
	st = stat_of("timed");
	assert_memory_equal(&st.st_atim, &times[0], sizeof(times[0]));
	assert_true(st.st_mtim.tv_sec > 1600000000);
	times[0].tv_sec = 4000000000; /* after 2038 */
	must(utimensat(AT_FDCWD, "timed", times, 0));
	assert_int_equal(stat_of("timed").st_atim.tv_sec, 4000000000);
	must(unlink("timed"));
}

static void the_birth_time_stays(void **state)
{
	struct statx first, second;

	(void)state;
	make_file("born", 1, 1);
	must(statx(AT_FDCWD, "born", 0, STATX_BASIC_STATS | STATX_BTIME, &first));
	assert_true(first.stx_mask & STATX_BTIME);
	usleep(20000);
	make_file("born", 100, 2);
	must(chmod("born", 0600));
	must(statx(AT_FDCWD, "born", 0, STATX_BASIC_STATS | STATX_BTIME, &second));
	assert_memory_equal(&first.stx_btime, &second.stx_btime, sizeof(first.stx_btime));
	assert_int_equal(second.stx_size, 100);
	assert_int_equal(second.stx_mode, S_IFREG | 0600);
	must(unlink("born"));
}

static void modes_follow_the_umask_and_chmod(void **state)
{
	int fd;

	(void)state;
	umask(027);
	fd = must(open("masked", O_CREAT | O_WRONLY, 0666));
	must(mkdir("masked-d", 0777));
	must(mknod("masked-p", S_IFIFO | 0666, 0));
	umask(022);
	assert_int_equal(stat_of("masked").st_mode, S_IFREG | 0640);
	assert_int_equal(stat_of("masked-d").st_mode, S_IFDIR | 0750);
	assert_int_equal(stat_of("masked-p").st_mode, S_IFIFO | 0640);
	must(fchmod(fd, 06711));
	assert_int_equal(stat_of("masked").st_mode, S_IFREG | 06711);
	must(chmod("masked-d", 01777));
	assert_int_equal(stat_of("masked-d").st_mode, S_IFDIR | 01777);
	must(close(fd));
	must(unlink("masked"));
	must(rmdir("masked-d"));
	must(unlink("masked-p"));
}

static void a_new_owner_loses_setuid(void **state)
{
	struct stat st;

	(void)state;
	make_file("owned", 1, 1);
	must(chmod("owned", 06755));
	must(chown("owned", 1000, 1001));
	st = stat_of("owned");
	assert_int_equal(st.st_uid, 1000);
	assert_int_equal(st.st_gid, 1001);
	assert_int_equal(st.st_mode, S_IFREG | 0755);
	must(chown("owned", 0, (gid_t)-1));
	assert_int_equal(stat_of("owned").st_gid, 1001);
	must(mkdir("owned-d", 0755));
	must(chmod("owned-d", 02755));
	must(chown("owned-d", 1000, 1000));
	assert_int_equal(stat_of("owned-d").st_mode, S_IFDIR | 02755);
	/* Its group goes on to what is made in it. */
	must(mkdir("owned-d/sub", 0755));
	assert_int_equal(stat_of("owned-d/sub").st_gid, 1000);
	assert_int_equal(stat_of("owned-d/sub").st_mode, S_IFDIR | 02755);
	must(rmdir("owned-d/sub"));
	must(rmdir("owned-d"));
	must(unlink("owned"));
}

static int write_one_byte(const char *name)
{
	int fd = open(name, O_WRONLY);

	return fd < 0 || pwrite(fd, "x", 1, 0) != 1 || close(fd);
}

static int truncate_on_open(const char *name)
{
	return open(name, O_WRONLY | O_TRUNC) < 0;
}

static int truncate_by_name(const char *name)
{
	return truncate(name, 3);
}

static void another_users_change_clears_setuid(void **state)
{
	static int (*const changes[])(const char *) = {
		write_one_byte, truncate_on_open, truncate_by_name};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		make_file("suid", 10, 1);
		must(chmod("suid", 06777));
		assert_int_equal(stat_of("suid").st_mode, S_IFREG | 06777);
		/* Root keeps the bits. */
		assert_int_equal(write_one_byte("suid"), 0);
		assert_int_equal(stat_of("suid").st_mode, S_IFREG | 06777);
		as_user(changes[i], "suid");
		assert_int_equal(stat_of("suid").st_mode, S_IFREG | 0777);
		must(unlink("suid"));
	}
}

/* The kernel must not run a program as another user that it has let somebody overwrite. */
static int exec_and_tell_uid(const char *name)
{
	char command[64];
	FILE *pipe;
	int uid = -1;

	snprintf(command, sizeof(command), "./%s -u", name);
	pipe = popen(command, "r");
	if (!pipe || fscanf(pipe, "%d", &uid) != 1)
		return 1;
	pclose(pipe);
	return uid != 1000;
}

static int overwrite_and_exec(const char *name)
{
	uint8_t first;
	int fd = open(name, O_RDWR);

	if (fd < 0 || pread(fd, &first, 1, 0) != 1 || pwrite(fd, &first, 1, 0) != 1 || close(fd))
		return 1;
	return exec_and_tell_uid(name);
}

static void an_overwritten_setuid_program_is_none(void **state)
{
	(void)state;
	must(system("cp /usr/bin/id program"));
	must(chmod("program", 04777));
	as_user(overwrite_and_exec, "program");
	must(unlink("program"));
}

/* What is free once the files that earlier tests removed have gone: the kernel lets go of a file
 * some time after its last name. */
static void settled_space(struct statvfs *ret_space)
{
	struct statvfs before;
	int quiet_ms = 0;

	must(statvfs(".", &before));
	for (int i = 0; i < 5000 && quiet_ms < 200; i++) {
		usleep(1000);
		must(statvfs(".", ret_space));
		quiet_ms = ret_space->f_ffree == before.f_ffree ? quiet_ms + 1 : 0;
		before = *ret_space;
	}
}

static void space_is_counted(void **state)
{
	struct statvfs before, full, after;

	(void)state;
	settled_space(&before);
	assert_int_equal(before.f_bsize, 4096);
	assert_int_equal(before.f_namemax, 255);
	assert_true(before.f_bfree <= before.f_blocks);
	make_file("large", 10 << 20, 1);
	must(statvfs(".", &full));
	assert_true(before.f_bfree - full.f_bfree >= (10 << 20) / 4096);
	assert_true(before.f_bfree - full.f_bfree <= (11 << 20) / 4096);
	must(unlink("large"));
	settled_space(&after);
	assert_int_equal(after.f_bfree, before.f_bfree);
	assert_int_equal(after.f_ffree, before.f_ffree);
}

static void a_full_filesystem_says_so_and_recovers(void **state)
{
	size_t size = 1 << 20;
	uint8_t *bytes = calloc(1, size);
	ssize_t written;
	int fd = must(open("full", O_CREAT | O_WRONLY, 0644));

	(void)state;
	while ((written = write(fd, bytes, size)) > 0)
		;
	assert_int_equal(written, -1);
	assert_int_equal(errno, ENOSPC);
	must(close(fd));
	must(unlink("full"));
	make_file("fits-again", size, 2);
	check_file("fits-again", size, 2);
	must(unlink("fits-again"));
	free(bytes);
}

/* ... although the kernel lets go of it only some time later. */
static void the_space_of_a_removed_file_can_be_used_at_once(void **state)
{
	uint8_t *bytes = calloc(1, 1 << 20);
	struct statvfs st;
	off_t size;
	int fd, next;

	(void)state;
	must(statvfs(".", &st));
	size = (off_t)(st.f_blocks * 4096 - (1 << 19)); /* leaves less than the next one needs */
	for (int i = 0; i < 500; i++) {
		fd = must(open("filling", O_CREAT | O_WRONLY, 0644));
		next = must(open("next", O_CREAT | O_WRONLY, 0644));
		must(fallocate(fd, 0, 0, size));
		if (i % 2)
			must(close(fd));
		must(unlink("filling"));
		if (i % 2 == 0)
			must(close(fd));
		if (i % 4 < 2)
			assert_int_equal(must(write(next, bytes, 1 << 20)), 1 << 20);
		else
			must(fallocate(next, 0, 0, 1 << 20));
		must(close(next));
		must(unlink("next"));
	}
	free(bytes);
}

static void extended_attributes_are_kept(void **state)
{
	char list[100], value[10];
	static char large[65536];

	(void)state;
	make_file("x", 1, 1);
	must(setxattr("x", "user.one", "1", 1, XATTR_CREATE));
	must_fail(setxattr("x", "user.one", "2", 1, XATTR_CREATE), EEXIST);
	must_fail(setxattr("x", "user.two", "2", 1, XATTR_REPLACE), ENODATA);
	must(setxattr("x", "trusted.two", "22", 2, 0));
	must(setxattr("x", "user.empty", "", 0, 0));
	assert_int_equal(must(getxattr("x", "user.one", value, sizeof(value))), 1);
	assert_int_equal(value[0], '1');
	assert_int_equal(must(getxattr("x", "trusted.two", NULL, 0)), 2);
	must_fail(getxattr("x", "trusted.two", value, 1), ERANGE);
	assert_int_equal(must(getxattr("x", "user.empty", value, sizeof(value))), 0);
	assert_int_equal(must(listxattr("x", list, sizeof(list))),
		sizeof("user.one") + sizeof("trusted.two") + sizeof("user.empty"));
	must(removexattr("x", "user.one"));
	must_fail(getxattr("x", "user.one", value, sizeof(value)), ENODATA);
	must_fail(removexattr("x", "user.one"), ENODATA);
	memset(large, 'l', sizeof(large));
	must(setxattr("x", "user.large", large, sizeof(large), 0));
	memset(large, 0, sizeof(large));
	assert_int_equal(must(getxattr("x", "user.large", large, sizeof(large))), sizeof(large));
	assert_int_equal(large[65535], 'l');
	must(unlink("x"));
}

static int set_control(const char *name)
{
	return setxattr(".", name, "do", 2, 0) == 0;
}

static void control_attributes_are_on_the_root_only(void **state)
{
	char value[10];

	(void)state;
	assert_int_equal(must(getxattr(".", "vramfs.test", value, sizeof(value))), 5);
	assert_memory_equal(value, "shown", 5);
	must_fail(getxattr(".", "vramfs.none", value, sizeof(value)), ENODATA);
	must(setxattr(".", "vramfs.test", "do", 2, 0));
	must_fail(setxattr(".", "vramfs.test", "xx", 2, 0), EINVAL);
	assert_int_equal(must(listxattr(".", value, sizeof(value))), 0);
	must(chmod(".", 0777));
	as_user(set_control, "vramfs.test");
	must(chmod(".", 0755));
	must(mkdir("d", 0755));
	must_fail(getxattr("d", "vramfs.test", value, sizeof(value)), ENODATA);
	must(rmdir("d"));
}

static void ask_all_the_time(const char *file)
{
	struct statx asked;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (statx(AT_FDCWD, file, AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &asked) == 0)
		;
	_exit(1);
}

/*
 * What the kernel tells of FILE is what the filesystem would, once the ASKERS stand still: it takes
 * an answer up field by field, and until it has, one can look in between. None stops before it has
 * taken up the answer that it waits for, and none asks again and covers an older one up.
 */
static void check_against_the_filesystem(const char *file, const pid_t *askers, int count)
{
	struct statx asked;
	struct stat known;
	int status;

	for (int i = 0; i < count; i++)
		must(kill(askers[i], SIGSTOP));
	for (int i = 0; i < count; i++) {
		must(waitpid(askers[i], &status, WUNTRACED));
		assert_true(WIFSTOPPED(status));
	}
	known = stat_of(file);
	must(statx(AT_FDCWD, file, AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &asked));
	assert_int_equal(known.st_blocks, asked.stx_blocks);
	assert_int_equal(known.st_size, asked.stx_size);
	assert_int_equal(known.st_mtim.tv_sec, asked.stx_mtime.tv_sec);
	assert_int_equal(known.st_mtim.tv_nsec, asked.stx_mtime.tv_nsec);
	for (int i = 0; i < count; i++)
		must(kill(askers[i], SIGCONT));
}

/* Others, too, ask for attributes; what they were told before a change must not outlast it. */
static void an_older_answer_is_not_believed(void **state)
{
	enum { PAGES = 1000, PAGE = 4096, ASKERS = 3 };
	int fd = must(open("asked", O_CREAT | O_RDWR, 0644));
	pid_t askers[ASKERS];
	uint8_t *map;

	(void)state;
	must(ftruncate(fd, PAGES * PAGE));
	map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	for (int i = 0; i < ASKERS; i++) {
		askers[i] = must(fork());
		if (askers[i] == 0)
			ask_all_the_time("asked");
	}
	for (int i = 0; i < PAGES; i++) {
		map[i * PAGE] = 1;
		must(msync(map + i * PAGE, PAGE, MS_SYNC));
		check_against_the_filesystem("asked", askers, ASKERS);
		must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, i * PAGE, PAGE / 2));
		check_against_the_filesystem("asked", askers, ASKERS);
	}
	for (int i = 0; i < ASKERS; i++) {
		must(kill(askers[i], SIGKILL));
		must(waitpid(askers[i], NULL, 0));
	}
	must(munmap(map, PAGES * PAGE));
	must(close(fd));
	must(unlink("asked"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_is_seen_in_size_and_times),
		cmocka_unit_test(a_read_is_seen_in_the_access_time),
		cmocka_unit_test(an_older_answer_is_not_believed),
		cmocka_unit_test(a_directory_changes_with_its_entries),
		cmocka_unit_test(links_change_the_change_time),
		cmocka_unit_test(times_are_set_to_the_nanosecond),
		cmocka_unit_test(the_birth_time_stays),
		cmocka_unit_test(modes_follow_the_umask_and_chmod),
		cmocka_unit_test(a_new_owner_loses_setuid),
		cmocka_unit_test(another_users_change_clears_setuid),
		cmocka_unit_test(an_overwritten_setuid_program_is_none),
		cmocka_unit_test(space_is_counted),
		cmocka_unit_test(a_full_filesystem_says_so_and_recovers),
		cmocka_unit_test(the_space_of_a_removed_file_can_be_used_at_once),
		cmocka_unit_test(extended_attributes_are_kept),
		cmocka_unit_test(control_attributes_are_on_the_root_only),
	};

	return mounted_run(tests);
}
