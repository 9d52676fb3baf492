/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Offsets, sizes and counts at their limits and beyond: every call with each. */
#include "posix.h"

#include <limits.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>

#define MOST INT64_MAX

static void reads_beyond_the_end_are_empty(void **state)
{
	static const off_t offsets[] = {5, 4096, 1 << 30, MOST - 4096, MOST - 10};
	int fd = open_with("file", "bytes");
	char bytes[10];

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		assert_int_equal(must(pread(fd, bytes, 10, offsets[i])), 0);
	assert_int_equal(must(pread(fd, bytes, 10, 3)), 2);
	assert_int_equal(must(pread(fd, bytes, 0, 0)), 0);
	assert_int_equal(must(pread(fd, bytes, 0, MOST)), 0);
	must_fail(pread(fd, bytes, 10, -1), EINVAL);
	must_fail(pread(fd, bytes, 10, INT64_MIN), EINVAL);
}

static void the_last_byte_of_all_can_be_written(void **state)
{
	int fd = open_with("file", "first");
	char bytes[10] = "";

	(void)state;
	assert_int_equal(must(pwrite(fd, "last", 1, MOST - 1)), 1);
	assert_int_equal(stat_of("file").st_size, MOST);
	must_fail(pwrite(fd, "x", 1, MOST), EINVAL);
	must_fail(pwrite(fd, "x", 1, -1), EINVAL);
	assert_int_equal(must(pread(fd, bytes, 1, MOST - 1)), 1);
	assert_int_equal(bytes[0], 'l');
	assert_int_equal(must(pread(fd, bytes, 6, 0)), 6);
	assert_memory_equal(bytes, "first\0", 6);
	/* All between is a hole. */
	assert_true(stat_of("file").st_blocks <= 2 * 256);
	assert_int_equal(must(lseek(fd, 0, SEEK_DATA)), 0);
	assert_in_range(must(lseek(fd, 0, SEEK_HOLE)), 5, 131072);
	if (!posix_on_tmpfs()) { /* which does not look into the last page */
		assert_in_range(must(lseek(fd, 1 << 20, SEEK_DATA)), MOST - 131072, MOST - 1);
		assert_int_equal(must(lseek(fd, MOST - 1, SEEK_HOLE)), MOST);
	}
	must(ftruncate(fd, 3));
	must(ftruncate(fd, MOST));
	assert_int_equal(must(pread(fd, bytes, 6, 0)), 6);
	assert_memory_equal(bytes, "fir\0\0\0", 6);
	assert_int_equal(must(pread(fd, bytes, 1, MOST - 1)), 1);
	assert_int_equal(bytes[0], 0);
}

static void sizes_have_limits(void **state)
{
	int fd = open_with("file", "bytes"), reader = must(open("file", O_RDONLY));

	(void)state;
	must_fail(ftruncate(fd, -1), EINVAL);
	must_fail(truncate("file", INT64_MIN), EINVAL);
	must_fail(ftruncate(reader, 1), EINVAL);
	must_fail(truncate(".", 1), EISDIR);
	must(ftruncate(fd, MOST));
	assert_int_equal(stat_of("file").st_size, MOST);
	must(ftruncate(fd, 5));
	check_text(fd, "bytes");
}

static void allocations_have_limits(void **state)
{
	static const struct {
		int mode;
		off_t offset, length;
		int err;
	} cases[] = {
		{0, -1, 1, EINVAL},
		{0, 0, 0, EINVAL},
		{0, 0, -1, EINVAL},
		{0, INT64_MIN, 1, EINVAL},
		{0, 1, MOST, EFBIG},
		{0, MOST, 1, EFBIG},
		{0, MOST, MOST, EFBIG},
		{0, 0, 1ll << 40, ENOSPC},
		{0, 0, MOST, ENOSPC},
		{FALLOC_FL_KEEP_SIZE, 1ll << 50, 1ll << 40, ENOSPC},
		{FALLOC_FL_PUNCH_HOLE, 0, 1, EOPNOTSUPP},
		{FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 0, EINVAL},
		{FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, MOST, MOST, EFBIG},
		{FALLOC_FL_COLLAPSE_RANGE, 0, 4096, EOPNOTSUPP},
		{FALLOC_FL_INSERT_RANGE, 0, 4096, EOPNOTSUPP},
		{FALLOC_FL_UNSHARE_RANGE, 0, 4096, EOPNOTSUPP},
		{1 << 20, 0, 4096, EOPNOTSUPP},
	};
	int fd = open_with("file", "bytes"), reader = must(open("file", O_RDONLY)), pipes[2];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		errno = 0;
		if (fallocate(fd, cases[i].mode, cases[i].offset, cases[i].length) != -1 ||
			errno != cases[i].err)
			fail_msg("case %zu: errno %d, not %d", i, errno, cases[i].err);
	}
	must_fail(fallocate(reader, 0, 0, 1), EBADF);
	must(pipe(pipes));
	must_fail(fallocate(pipes[1], 0, 0, 1), ESPIPE);
	/* Punching where nothing is, up to the very end of what can be. */
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5, MOST - 5));
	check_text(fd, "bytes");
	assert_int_equal(stat_of("file").st_size, 5);
}

static void seeking_has_limits(void **state)
{
	int fd = open_with("file", "bytes");

	(void)state;
	assert_int_equal(must(lseek(fd, MOST, SEEK_SET)), MOST);
	must_fail(lseek(fd, 1, SEEK_CUR), EINVAL);
	must_fail(lseek(fd, -1, SEEK_SET), EINVAL);
	must_fail(lseek(fd, -6, SEEK_END), EINVAL);
	assert_int_equal(must(lseek(fd, -5, SEEK_END)), 0);
	must_fail(lseek(fd, MOST, SEEK_END), EINVAL);
	assert_int_equal(must(lseek(fd, 4, SEEK_DATA)), 4);
	assert_int_equal(must(lseek(fd, 0, SEEK_HOLE)), 5);
	assert_int_equal(must(lseek(fd, 4, SEEK_HOLE)), 5);
	must_fail(lseek(fd, 5, SEEK_DATA), ENXIO);
	must_fail(lseek(fd, 5, SEEK_HOLE), ENXIO);
	must_fail(lseek(fd, MOST, SEEK_DATA), ENXIO);
	must_fail(lseek(fd, -1, SEEK_DATA), ENXIO);
	must_fail(lseek(fd, -1, SEEK_HOLE), ENXIO);
	must_fail(lseek(fd, 0, 5), EINVAL);
	must_fail(lseek(fd, 0, 99), EINVAL);
}

static void copies_have_limits(void **state)
{
	int fd = open_with("file", "0123456789"), other = open_new("other");
	int reader = must(open("file", O_RDONLY)), appender;
	int directory = must(open(".", O_RDONLY));
	off_t from = 0, to = 5;

	(void)state;
	appender = must(open("other", O_WRONLY | O_APPEND));
	must_fail(copy_file_range(fd, &from, fd, &to, 6, 0), EINVAL);
	assert_int_equal(must(copy_file_range(fd, &from, fd, &to, 5, 0)), 5);
	check_text(fd, "0123401234");
	assert_true(from == 5 && to == 10);
	from = 10, to = 0;
	assert_int_equal(must(copy_file_range(fd, &from, other, &to, 100, 0)), 0);
	from = MOST - 1;
	assert_int_equal(must(copy_file_range(fd, &from, other, &to, 1, 0)), 0);
	from = 0;
	assert_int_equal(must(copy_file_range(fd, &from, other, &to, 0, 0)), 0);
	assert_int_equal(must(copy_file_range(fd, &from, other, &to, SSIZE_MAX, 0)), 10);
	check_text(other, "0123401234");
	from = 0, to = MOST;
	must_fail(copy_file_range(fd, &from, other, &to, 1, 0), EFBIG);
	from = 0, to = -1;
	must_fail(copy_file_range(fd, &from, other, &to, 1, 0), EOVERFLOW);
	from = -1, to = 0;
	must_fail(copy_file_range(fd, &from, other, &to, 1, 0), EOVERFLOW);
	from = 0;
	must_fail(copy_file_range(fd, &from, other, &to, 1, 1), EINVAL);
	must_fail(copy_file_range(fd, &from, reader, &to, 1, 0), EBADF);
	must_fail(copy_file_range(fd, &from, appender, &to, 1, 0), EBADF);
	must_fail(copy_file_range(appender, &from, fd, &to, 1, 0), EBADF);
	must_fail(copy_file_range(directory, &from, fd, &to, 1, 0), EISDIR);
}

static void mappings_have_limits(void **state)
{
	int fd = open_with("file", "bytes"), reader = must(open("file", O_RDONLY));

	(void)state;
#define MAP_FAILS(err, length, protection, flags, file, offset) \
	must_fail((intptr_t)mmap(NULL, length, protection, flags, file, offset), err)
	MAP_FAILS(EINVAL, 0, PROT_READ, MAP_SHARED, fd, 0);
	MAP_FAILS(EINVAL, 4096, PROT_READ, MAP_SHARED, fd, 1);
	MAP_FAILS(EINVAL, 4096, PROT_READ, MAP_SHARED, fd, -1);
	MAP_FAILS(EOVERFLOW, 8192, PROT_READ, MAP_SHARED, fd, MOST & ~4095ll);
	MAP_FAILS(EOVERFLOW, 8192, PROT_READ, MAP_SHARED, fd, -4096);
	MAP_FAILS(ENOMEM, (size_t)-1, PROT_READ, MAP_SHARED, fd, 0);
	MAP_FAILS(EACCES, 4096, PROT_WRITE, MAP_SHARED, reader, 0);
	must(munmap(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0), 4096));
	/* Far beyond the end; to touch it would be an error, but not this. */
	must(munmap(mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, fd, 1ll << 40), 1 << 20));
}

static int exceed_the_limit(void *unused)
{
	const struct rlimit limit = {10000, 10000};
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	static char bytes[20000];

	(void)unused;
	collect_signal(SIGXFSZ);
	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	CHECK(write(fd, bytes, 20000) == 10000);
	CHECK(!take_signal(SIGXFSZ));
	CHECK(write(fd, bytes, 1) == -1 && errno == EFBIG && take_signal(SIGXFSZ));
	CHECK(pwrite(fd, bytes, 100, 9990) == 10);
	CHECK(pwrite(fd, bytes, 100, 1 << 30) == -1 && errno == EFBIG && take_signal(SIGXFSZ));
	CHECK(ftruncate(fd, 10001) == -1 && errno == EFBIG && take_signal(SIGXFSZ));
	CHECK(ftruncate(fd, 10000) == 0);
	CHECK(fallocate(fd, 0, 0, 10001) == -1 && errno == EFBIG);
	CHECK(fallocate(fd, 0, 0, 10000) == 0);
	return 0;
}

static void the_file_size_limit_is_kept(void **state)
{
	(void)state;
	in_child(exceed_the_limit, NULL);
	assert_int_equal(stat_of("file").st_size, 10000);
}

static void a_thousand_pieces_go_at_once(void **state)
{
	struct iovec parts[1025];
	uint8_t *bytes = malloc(1024 * 301), *read = calloc(1024, 301);
	int fd = open_new("file");
	ssize_t total = 0;

	(void)state;
	fill_pattern(bytes, 1024 * 301, 0, 3);
	for (unsigned i = 0; i < 1024; i++) { /* of 0 to 300 bytes each */
		parts[i] = (struct iovec){bytes + total, i * 7 % 301};
		total += i * 7 % 301;
	}
	parts[1024] = (struct iovec){bytes, 1};
	must_fail(writev(fd, parts, 1025), EINVAL);
	assert_int_equal(must(writev(fd, parts, 0)), 0);
	assert_int_equal(must(pwritev(fd, parts, 1024, 11)), total);
	assert_int_equal(stat_of("file").st_size, 11 + total);
	for (ssize_t at = 0, i = 0; i < 1024; i++) {
		parts[i].iov_base = read + at;
		at += parts[i].iov_len;
	}
	assert_int_equal(must(preadv(fd, parts, 1024, 11)), total);
	assert_memory_equal(read, bytes, total);
	must_fail(pwritev(fd, parts, 1, -1), EINVAL);
	parts[0].iov_len = SIZE_MAX;
	must_fail(readv(fd, parts, 2), EINVAL);
	free(bytes);
	free(read);
}

static void writing_nothing_changes_nothing(void **state)
{
	int fd = open_with("file", "bytes");
	struct stat before = stat_of("file"), after;

	(void)state;
	usleep(10000);
	assert_int_equal(must(write(fd, "", 0)), 0);
	assert_int_equal(must(pwrite(fd, "", 0, 1000)), 0);
	assert_int_equal(must(pwrite(fd, "", 0, MOST)), 0);
	after = stat_of("file");
	assert_int_equal(after.st_size, 5);
	assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(after.st_mtim));
}

/* Half of the buffer is there: what is is written, the rest is an error. */
static void bad_addresses_are_refused(void **state)
{
	int fd = open_new("file");
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t got;

	(void)state;
	memset(pages, 'x', 8192);
	must(mprotect(pages + 4096, 4096, PROT_NONE));
	must_fail(write(fd, pages + 4096, 100), EFAULT);
	assert_int_equal(stat_of("file").st_size, 0);
	got = write(fd, pages, 8192);
	assert_true(got == 4096 || (got == -1 && errno == EFAULT));
	assert_int_equal(stat_of("file").st_size, got < 0 ? 0 : got);
	must(ftruncate(fd, 8192));
	must_fail(pread(fd, pages + 4096, 100, 0), EFAULT);
	must(munmap(pages, 8192));
}

static void direct_io_takes_any_alignment(void **state)
{
	static const size_t places[] = {0, 1, 511, 512, 4095, 4096, 5000, 131071};
	uint8_t *bytes = malloc(300000), *read = malloc(300000);
	int fd = must(open("file", O_RDWR | O_CREAT | O_DIRECT, 0600));

	(void)state;
	fill_pattern(bytes, 300000, 0, 9);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (size_t length = 1; length < 200000; length = length * 7 + 1) {
			must(ftruncate(fd, 0));
			assert_int_equal(
				must(pwrite(fd, bytes + 1, length, (off_t)places[i])), length);
			assert_int_equal(
				must(pread(fd, read + 3, length + 9, (off_t)places[i])), length);
			assert_memory_equal(read + 3, bytes + 1, length);
		}
	}
	free(bytes);
	free(read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		posix_test(reads_beyond_the_end_are_empty),
		posix_test(the_last_byte_of_all_can_be_written),
		posix_test(sizes_have_limits),
		posix_test(allocations_have_limits),
		posix_test(seeking_has_limits),
		posix_test(copies_have_limits),
		posix_test(mappings_have_limits),
		posix_test(the_file_size_limit_is_kept),
		posix_test(a_thousand_pieces_go_at_once),
		posix_test(writing_nothing_changes_nothing),
		posix_test(bad_addresses_are_refused),
		posix_test(direct_io_takes_any_alignment),
	};

	return posix_run(tests);
}
