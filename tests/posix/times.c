/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Times: which of the three each call changes, that they keep what they are set to, and the fourth,
 * of birth. */
#include "posix.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>

/* The times that a call must change; those not named must stay. */
#define ATIME 1u
#define MTIME 2u
#define CTIME 4u

static void step_read(void)
{
	char byte;

	assert_int_equal(must(pread(must(open("file", O_RDONLY)), &byte, 1, 0)), 1);
}

static void step_write(void)
{
	assert_int_equal(must(write(must(open("file", O_WRONLY)), "x", 1)), 1);
}

static void step_append(void)
{
	assert_int_equal(must(write(must(open("file", O_WRONLY | O_APPEND)), "x", 1)), 1);
}

static void step_grow(void)
{
	must(truncate("file", 100000));
}

static void step_shrink(void)
{
	must(truncate("file", 2));
}

static void step_truncate_to_its_size(void)
{
	must(truncate("file", stat_of("file").st_size));
}

static void step_truncate_descriptor_to_its_size(void)
{
	must(ftruncate(must(open("file", O_WRONLY)), stat_of("file").st_size));
}

static void step_open_truncating(void)
{
	close_opened(open("file", O_WRONLY | O_TRUNC));
}

static void step_allocate(void)
{
	must(fallocate(must(open("file", O_WRONLY)), 0, 0, 100000));
}

static void step_punch(void)
{
	must(fallocate(
		must(open("file", O_WRONLY)), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1));
}

static void step_copy_into(void)
{
	assert_int_equal(must(copy_file_range(must(open("other", O_RDONLY)), NULL,
				 must(open("file", O_WRONLY)), NULL, 5, 0)),
		5);
}

static void step_chmod(void)
{
	must(chmod("file", 0640));
}

static void step_chmod_to_the_same(void)
{
	must(chmod("file", stat_of("file").st_mode & 07777));
}

static void step_chown(void)
{
	must(chown("file", 3, 4));
}

static void step_link(void)
{
	must(link("file", "link"));
}

static void step_unlink_a_link(void)
{
	must(link("file", "link"));
	must(unlink("link"));
}

static void step_rename(void)
{
	must(rename("file", "renamed"));
	must(rename("renamed", "file"));
}

static void step_set_xattr(void)
{
	must(setxattr("file", "user.x", "1", 1, 0));
}

static void step_remove_xattr(void)
{
	must(removexattr("file", "user.kept"));
}

static void step_stat(void)
{
	must(access("file", R_OK));
	stat_of("file");
	close_opened(open("file", O_RDWR));
}

static void step_set_times(void)
{
	const struct timespec times[2] = {{1, 2}, {3, 4}};

	must(utimensat(AT_FDCWD, "file", times, 0));
}

static void step_touch(void)
{
	must(utimensat(AT_FDCWD, "file", NULL, 0));
}

static void step_set_access_time_only(void)
{
	const struct timespec times[2] = {{1, 2}, {0, UTIME_OMIT}};

	must(utimensat(AT_FDCWD, "file", times, 0));
}

static void step_map_and_write(void)
{
	uint8_t *map =
		mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, must(open("file", O_RDWR)), 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	map[0] = 'm';
	must(msync(map, 5, MS_SYNC));
	must(munmap(map, 5));
}

#define STEP(name, times)          \
	{                          \
#name, name, times \
	}

static const struct {
	const char *name;
	void (*take)(void);
	unsigned changed;
} steps[] = {
	STEP(step_read, ATIME),
	STEP(step_write, MTIME | CTIME),
	STEP(step_append, MTIME | CTIME),
	STEP(step_grow, MTIME | CTIME),
	STEP(step_shrink, MTIME | CTIME),
	STEP(step_truncate_to_its_size, MTIME | CTIME),
	STEP(step_truncate_descriptor_to_its_size, MTIME | CTIME),
	STEP(step_open_truncating, MTIME | CTIME),
	STEP(step_allocate, MTIME | CTIME),
	STEP(step_punch, MTIME | CTIME),
	STEP(step_copy_into, MTIME | CTIME),
	STEP(step_chmod, CTIME),
	STEP(step_chmod_to_the_same, CTIME),
	STEP(step_chown, CTIME),
	STEP(step_link, CTIME),
	STEP(step_unlink_a_link, CTIME),
	STEP(step_rename, CTIME),
	STEP(step_set_xattr, CTIME),
	STEP(step_remove_xattr, CTIME),
	STEP(step_stat, 0),
	STEP(step_set_times, ATIME | MTIME | CTIME),
	STEP(step_touch, ATIME | MTIME | CTIME),
	STEP(step_set_access_time_only, ATIME | CTIME),
	STEP(step_map_and_write, MTIME | CTIME),
};

static unsigned differing(const struct stat *before, const struct stat *after)
{
	unsigned changed = 0;

	changed |= memcmp(&before->st_atim, &after->st_atim, sizeof(after->st_atim)) ? ATIME : 0;
	changed |= memcmp(&before->st_mtim, &after->st_mtim, sizeof(after->st_mtim)) ? MTIME : 0;
	changed |= memcmp(&before->st_ctim, &after->st_ctim, sizeof(after->st_ctim)) ? CTIME : 0;
	return changed;
}

static void each_call_changes_its_times_and_no_others(void **state)
{
	(void)state;
	close_opened(open_with("other", "other"));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct stat before, after;
		unsigned changed;

		must(close(open_with("file", "bytes")));
		must(setxattr("file", "user.kept", "1", 1, 0));
		usleep(12000); /* more than the kernel's coarse clock takes for a step */
		before = stat_of("file");
		steps[i].take();
		after = stat_of("file");
		changed = differing(&before, &after);
		/* Linux leaves to each filesystem whether a mapping that is read counts, and some
		 * read before they write. */
		if (steps[i].take == step_map_and_write || steps[i].take == step_copy_into)
			changed &= ~ATIME;
		if (changed != steps[i].changed)
			fail_msg("%s changed %u, not %u", steps[i].name, changed, steps[i].changed);
		must(unlink("file"));
		unlink("link");
	}
}

static void make_file_there(void)
{
	close_opened(open_new("directory/file"));
}

static void make_directory_there(void)
{
	must(mkdir("directory/subdirectory", 0700));
}

static void make_symlink_there(void)
{
	must(symlink("target", "directory/link"));
}

static void make_fifo_there(void)
{
	must(mkfifo("directory/fifo", 0600));
}

static void make_link_there(void)
{
	must(link("file", "directory/hard"));
}

static void rename_in(void)
{
	must(rename("file", "directory/moved"));
}

static void rename_there(void)
{
	must(rename("directory/moved", "directory/moved-again"));
}

static void rename_out(void)
{
	must(rename("directory/moved-again", "file"));
}

static void exchange_with_one_there(void)
{
	must(renameat2(AT_FDCWD, "file", AT_FDCWD, "directory/file", RENAME_EXCHANGE));
}

static void unlink_there(void)
{
	must(unlink("directory/file"));
}

static void rmdir_there(void)
{
	must(rmdir("directory/subdirectory"));
}

static void fail_there(void)
{
	must_fail(unlink("directory/missing"), ENOENT);
	must_fail(mkdir("directory/link", 0700), EEXIST);
	must_fail(rmdir("directory/link"), ENOTDIR);
}

static void write_there(void)
{
	assert_int_equal(must(write(must(open("directory/hard", O_WRONLY)), "x", 1)), 1);
}

static void a_directory_changes_with_its_entries(void **state)
{
	static const struct {
		const char *name;
		void (*take)(void);
		unsigned changed;
	} changes[] = {
		STEP(make_file_there, MTIME | CTIME),
		STEP(make_directory_there, MTIME | CTIME),
		STEP(make_symlink_there, MTIME | CTIME),
		STEP(make_fifo_there, MTIME | CTIME),
		STEP(make_link_there, MTIME | CTIME),
		STEP(rename_in, MTIME | CTIME),
		STEP(rename_there, MTIME | CTIME),
		STEP(rename_out, MTIME | CTIME),
		STEP(exchange_with_one_there, MTIME | CTIME),
		STEP(unlink_there, MTIME | CTIME),
		STEP(rmdir_there, MTIME | CTIME),
		STEP(fail_there, 0),
		STEP(write_there, 0),
	};

	(void)state;
	must(mkdir("directory", 0700));
	close_opened(open_with("file", "bytes"));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct stat before = stat_of("directory"), after;
		unsigned changed;

		usleep(12000);
		changes[i].take();
		after = stat_of("directory");
		changed = differing(&before, &after);
		if (changed != changes[i].changed)
			fail_msg("%s changed %u, not %u", changes[i].name, changed,
				changes[i].changed);
	}
}

static void replacing_changes_the_replaced(void **state)
{
	struct stat before, after;
	int fd = open_new("replaced");

	(void)state;
	must(link("replaced", "second"));
	close_opened(open_new("file"));
	must(fstat(fd, &before));
	usleep(12000);
	must(rename("file", "replaced"));
	must(fstat(fd, &after));
	assert_int_equal(differing(&before, &after), CTIME);
	assert_int_equal(after.st_nlink, 1);
}

static void times_of_any_age_are_kept_to_the_nanosecond(void **state)
{
	static const int64_t seconds[] = {0, 1, -1, -2, 1234567890, INT32_MAX, INT32_MAX + 1ll,
		INT32_MIN, INT32_MIN - 1ll, UINT32_MAX + 1ll, 4102444800, -4102444800, 1ll << 40};
	static const long nanoseconds[] = {0, 1, 999999999};

	(void)state;
	close_opened(open_new("file"));
	must(symlink("file", "link"));
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		for (size_t j = 0; j < 3; j++) {
			struct timespec times[2] = {
				{seconds[i], nanoseconds[j]}, {-seconds[i], nanoseconds[2 - j]}};
			struct stat st;

			must(utimensat(AT_FDCWD, "file", times, 0));
			st = stat_of("file");
			assert_memory_equal(&st.st_atim, &times[0], sizeof(times[0]));
			assert_memory_equal(&st.st_mtim, &times[1], sizeof(times[1]));
			must(utimensat(AT_FDCWD, "link", times, AT_SYMLINK_NOFOLLOW));
			st = stat_of("link");
			assert_memory_equal(&st.st_mtim, &times[1], sizeof(times[1]));
		}
	}
}

static void bad_times_are_refused(void **state)
{
	struct timespec times[2] = {{0, 1000000000}, {0, 0}};

	(void)state;
	close_opened(open_new("file"));
	must_fail(utimensat(AT_FDCWD, "file", times, 0), EINVAL);
	times[0].tv_nsec = -1;
	must_fail(utimensat(AT_FDCWD, "file", times, 0), EINVAL);
	times[0].tv_nsec = 0;
	must_fail(utimensat(AT_FDCWD, "missing", times, 0), ENOENT);
}

/* A day old, or older than the last change: relatime, which every mount has unless told otherwise.
 * Only reads that the filesystem sees can be noted, not those that the page cache answers. */
static void reading_is_noted_as_relatime_says(void **state)
{
	struct timespec now;
	struct stat before, after;
	int fd = open_with("file", "bytes");
	char byte;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &now);
	usleep(12000);
	assert_int_equal(must(pread(fd, &byte, 1, 0)), 1);
	before = stat_of("file");
	assert_true(before.st_atime >= now.tv_sec);
	usleep(12000);
	assert_int_equal(must(pread(fd, &byte, 1, 0)), 1); /* young, and after the last change */
	after = stat_of("file");
	assert_int_equal(differing(&before, &after), 0);
	must(futimens(fd, (struct timespec[]){{now.tv_sec - 90000, 0}, {now.tv_sec - 100000, 0}}));
	/* Anew, since what comes from a cache the filesystem need not get to know of. */
	must(close(fd));
	fd = must(open("file", O_RDONLY));
	assert_int_equal(must(pread(fd, &byte, 1, 0)), 1);
	assert_true(stat_of("file").st_atime >= now.tv_sec);
}

/* O_NOATIME, as backups use it, given to open(2) or later. */
static void reading_is_not_noted_where_the_reader_asks_for_that(void **state)
{
	struct stat file_before, directory_before, after;
	int directory, fd;
	char bytes[1000];

	(void)state;
	must(mkdir("directory", 0700));
	must(close(open_with("directory/file", "bytes")));
	usleep(12000);
	file_before = stat_of("directory/file");
	directory_before = stat_of("directory");
	fd = must(open("directory/file", O_RDONLY | O_NOATIME));
	assert_int_equal(must(read(fd, bytes, sizeof(bytes))), 5);
	must(close(fd));
	after = stat_of("directory/file");
	assert_int_equal(differing(&file_before, &after), 0);
	directory = must(open("directory", O_RDONLY | O_DIRECTORY | O_NOATIME));
	assert_true(must(syscall(SYS_getdents64, directory, bytes, sizeof(bytes))) > 0);
	must(close(directory));
	after = stat_of("directory");
	assert_int_equal(differing(&directory_before, &after), 0);

	must(close(open_with("other", "bytes")));
	file_before = stat_of("other");
	usleep(12000);
	fd = must(open("other", O_RDONLY));
	must(fcntl(fd, F_SETFL, O_NOATIME));
	assert_int_equal(must(read(fd, bytes, sizeof(bytes))), 5);
	after = stat_of("other");
	assert_int_equal(differing(&file_before, &after), 0);
	must(close(fd));
}

static void the_birth_time_is_of_the_making(void **state)
{
	struct statx before, after;

	(void)state;
	must(close(open_with("file", "bytes")));
	must(statx(AT_FDCWD, "file", 0, STATX_BTIME | STATX_BASIC_STATS, &before));
	assert_true(before.stx_mask & STATX_BTIME);
	assert_in_range(before.stx_btime.tv_sec, time(NULL) - 10, time(NULL) + 1);
	usleep(12000);
	step_write();
	step_set_times();
	step_chmod();
	must(rename("file", "renamed"));
	must(statx(AT_FDCWD, "renamed", 0, STATX_BTIME, &after));
	assert_memory_equal(&before.stx_btime, &after.stx_btime, sizeof(after.stx_btime));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		posix_test(each_call_changes_its_times_and_no_others),
		posix_test(a_directory_changes_with_its_entries),
		posix_test(replacing_changes_the_replaced),
		posix_test(times_of_any_age_are_kept_to_the_nanosecond),
		posix_test(bad_times_are_refused),
		posix_test(reading_is_noted_as_relatime_says),
		posix_test(reading_is_not_noted_where_the_reader_asks_for_that),
		posix_test(the_birth_time_is_of_the_making),
	};

	return posix_run(tests);
}
