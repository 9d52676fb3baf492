/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Holes: where they are, what they read as, what they cost, and how fallocate(2) makes and fills
 * them. */
#include "posix.h"

#include <sys/mman.h>

#define MEBIBYTE (1ll << 20)

/* Are LENGTH bytes from OFFSET all BYTE? */
static void check_bytes(int fd, off_t offset, size_t length, uint8_t byte)
{
	uint8_t *bytes = malloc(length);

	assert_int_equal(must(pread(fd, bytes, length, offset)), length);
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != byte)
			fail_msg("byte %lld is %d, not %d", (long long)offset + (long long)i,
				bytes[i], byte);
	free(bytes);
}

static void put_bytes(int fd, off_t offset, size_t length, uint8_t byte)
{
	uint8_t *bytes = malloc(length);

	memset(bytes, byte, length);
	assert_int_equal(must(pwrite(fd, bytes, length, offset)), length);
	free(bytes);
}

static off_t allocated(int fd)
{
	struct stat st;

	must(fstat(fd, &st));
	return st.st_blocks * 512;
}

static off_t size_of(int fd)
{
	struct stat st;

	must(fstat(fd, &st));
	return st.st_size;
}

static void holes_read_as_zeros_and_cost_nothing(void **state)
{
	int fd = open_new("file");

	(void)state;
	must(ftruncate(fd, 100 * MEBIBYTE));
	assert_int_equal(allocated(fd), 0);
	check_bytes(fd, 0, MEBIBYTE, 0);
	check_bytes(fd, 99 * MEBIBYTE, MEBIBYTE, 0);
	assert_int_equal(allocated(fd), 0);
	put_bytes(fd, 50 * MEBIBYTE, MEBIBYTE, 7);
	assert_in_range(allocated(fd), MEBIBYTE, MEBIBYTE + 262144);
	check_bytes(fd, 50 * MEBIBYTE - 5000, 5000, 0);
	check_bytes(fd, 51 * MEBIBYTE, 5000, 0);
}

static void data_and_holes_are_found(void **state)
{
	int fd = open_new("file");

	(void)state;
	must(ftruncate(fd, 20 * MEBIBYTE));
	must_fail(lseek(fd, 0, SEEK_DATA), ENXIO);
	assert_int_equal(must(lseek(fd, 0, SEEK_HOLE)), 0);
	put_bytes(fd, 3 * MEBIBYTE, 2 * MEBIBYTE, 1);
	put_bytes(fd, 8 * MEBIBYTE, MEBIBYTE, 1);
	assert_int_equal(must(lseek(fd, 0, SEEK_DATA)), 3 * MEBIBYTE);
	assert_int_equal(must(lseek(fd, 0, SEEK_HOLE)), 0);
	assert_int_equal(must(lseek(fd, 3 * MEBIBYTE, SEEK_HOLE)), 5 * MEBIBYTE);
	assert_int_equal(must(lseek(fd, 4 * MEBIBYTE + 1, SEEK_DATA)), 4 * MEBIBYTE + 1);
	assert_int_equal(must(lseek(fd, 5 * MEBIBYTE, SEEK_DATA)), 8 * MEBIBYTE);
	assert_int_equal(must(lseek(fd, 7 * MEBIBYTE + 1, SEEK_HOLE)), 7 * MEBIBYTE + 1);
	assert_int_equal(must(lseek(fd, 8 * MEBIBYTE, SEEK_HOLE)), 9 * MEBIBYTE);
	must_fail(lseek(fd, 9 * MEBIBYTE, SEEK_DATA), ENXIO);
	must(ftruncate(fd, 9 * MEBIBYTE));
	assert_int_equal(must(lseek(fd, 8 * MEBIBYTE, SEEK_HOLE)), 9 * MEBIBYTE);
}

/* However fine a filesystem keeps them: no byte that was written may be taken for a hole. */
static void nothing_written_is_in_a_hole(void **state)
{
	static const off_t places[] = {1, 4095, 40960, 126976, 131072, 300000, 500000, 999999};
	int fd = open_new("file");

	(void)state;
	must(ftruncate(fd, MEBIBYTE));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		put_bytes(fd, places[i], 1, 9);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		assert_int_equal(must(lseek(fd, places[i], SEEK_DATA)), places[i]);
		assert_true(must(lseek(fd, places[i], SEEK_HOLE)) > places[i]);
	}
}

static void punching_clears_and_gives_back(void **state)
{
	int fd = open_new("file");
	uint64_t free_before;

	(void)state;
	put_bytes(fd, 0, 10 * MEBIBYTE, 5);
	free_before = free_bytes();
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * MEBIBYTE, 4 * MEBIBYTE));
	await_free_bytes(free_before + 4 * MEBIBYTE);
	assert_in_range(allocated(fd), 6 * MEBIBYTE, 6 * MEBIBYTE + 262144);
	assert_int_equal(size_of(fd), 10 * MEBIBYTE);
	check_bytes(fd, 0, 2 * MEBIBYTE, 5);
	check_bytes(fd, 2 * MEBIBYTE, 4 * MEBIBYTE, 0);
	check_bytes(fd, 6 * MEBIBYTE, 4 * MEBIBYTE, 5);
	/* Over the end: what is there goes, and the size stays. */
	must(fallocate(
		fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 9 * MEBIBYTE, 100 * MEBIBYTE));
	assert_int_equal(size_of(fd), 10 * MEBIBYTE);
	check_bytes(fd, 9 * MEBIBYTE, MEBIBYTE, 0);
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10 * MEBIBYTE));
	assert_int_equal(allocated(fd), 0);
}

static void punching_is_exact_to_the_byte(void **state)
{
	static const struct {
		off_t offset;
		size_t length;
	} cuts[] = {{1, 1}, {100, 29}, {127, 2}, {4000, 97}, {4095, 4098}, {16384, 4096},
		{131071, 2}, {200000, 61440}, {262144, 131072}, {399999, 1}};
	int fd = open_new("file");
	uint8_t *model = malloc(400000), *bytes = malloc(400000);

	(void)state;
	fill_pattern(model, 400000, 0, 4);
	assert_int_equal(must(pwrite(fd, model, 400000, 0)), 400000);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, cuts[i].offset,
			(off_t)cuts[i].length));
		memset(model + cuts[i].offset, 0,
			cuts[i].length < 400000 - (size_t)cuts[i].offset
				? cuts[i].length
				: 400000 - (size_t)cuts[i].offset);
		assert_int_equal(must(pread(fd, bytes, 400000, 0)), 400000);
		assert_memory_equal(bytes, model, 400000);
	}
	free(model);
	free(bytes);
}

static void allocation_takes_space_and_keeps_bytes(void **state)
{
	int fd = open_new("file");
	uint64_t free_before = free_bytes();

	(void)state;
	put_bytes(fd, MEBIBYTE + 5, 1000, 6);
	must(fallocate(fd, 0, 0, 4 * MEBIBYTE));
	assert_int_equal(size_of(fd), 4 * MEBIBYTE);
	assert_in_range(allocated(fd), 4 * MEBIBYTE, 4 * MEBIBYTE + 262144);
	assert_true(free_bytes() <= free_before - 4 * MEBIBYTE);
	check_bytes(fd, MEBIBYTE + 5, 1000, 6);
	check_bytes(fd, 0, MEBIBYTE, 0);
	check_bytes(fd, 2 * MEBIBYTE, 2 * MEBIBYTE, 0);
	/* What is written now needs no space. */
	free_before = free_bytes();
	put_bytes(fd, 3 * MEBIBYTE, MEBIBYTE, 8);
	assert_int_equal(free_bytes(), free_before);
	check_bytes(fd, 2 * MEBIBYTE, MEBIBYTE, 0);
	check_bytes(fd, 3 * MEBIBYTE, MEBIBYTE, 8);
}

static void allocation_may_keep_the_size(void **state)
{
	int fd = open_with("file", "bytes");

	(void)state;
	must(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 2 * MEBIBYTE));
	assert_int_equal(size_of(fd), 5);
	assert_in_range(allocated(fd), 2 * MEBIBYTE, 2 * MEBIBYTE + 262144);
	check_text(fd, "bytes");
	must(ftruncate(fd, MEBIBYTE));
	check_bytes(fd, 5, MEBIBYTE - 5, 0);
}

static void what_was_allocated_goes_with_truncation(void **state)
{
	int fd = open_new("file");
	uint64_t free_before = free_bytes();

	(void)state;
	must(fallocate(fd, 0, 0, 4 * MEBIBYTE));
	must(ftruncate(fd, 0));
	assert_int_equal(allocated(fd), 0);
	await_free_bytes(free_before);
	must(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4 * MEBIBYTE));
	must(ftruncate(fd, 0)); /* the size is 0 already */
	await_free_bytes(free_before);
}

static void what_is_cut_off_never_comes_back(void **state)
{
	static const off_t sizes[] = {1, 100, 127, 128, 4095, 4096, 5000, 131071, 131072, 200000};
	int fd = open_new("file");

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		must(ftruncate(fd, 0));
		put_bytes(fd, 0, 300000, 0xee);
		must(ftruncate(fd, sizes[i]));
		must(ftruncate(fd, 400000));
		check_bytes(fd, 0, (size_t)sizes[i], 0xee);
		check_bytes(fd, sizes[i], (size_t)(400000 - sizes[i]), 0);
	}
}

/* tmpfs does not do it. */
static void zeroing_a_range_clears_it(void **state)
{
	int fd = open_new("file");

	(void)state;
	if (posix_on_tmpfs())
		skip();
	put_bytes(fd, 0, 2 * MEBIBYTE, 3);
	must(fallocate(fd, FALLOC_FL_ZERO_RANGE, 1000, MEBIBYTE));
	check_bytes(fd, 0, 1000, 3);
	check_bytes(fd, 1000, MEBIBYTE, 0);
	check_bytes(fd, 1000 + MEBIBYTE, MEBIBYTE - 1000, 3);
	assert_in_range(allocated(fd), 2 * MEBIBYTE, 2 * MEBIBYTE + 262144);
	must(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, MEBIBYTE, 2 * MEBIBYTE));
	assert_int_equal(size_of(fd), 2 * MEBIBYTE);
	check_bytes(fd, MEBIBYTE + 1000, MEBIBYTE - 1000, 0);
	must(fallocate(fd, FALLOC_FL_ZERO_RANGE, 2 * MEBIBYTE, 2 * MEBIBYTE));
	assert_int_equal(size_of(fd), 4 * MEBIBYTE);
	check_bytes(fd, 2 * MEBIBYTE, 2 * MEBIBYTE, 0);
}

static void a_hole_punched_under_a_mapping_shows(void **state)
{
	int fd = open_new("file");
	uint8_t *map;

	(void)state;
	put_bytes(fd, 0, 65536, 4);
	map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(map[20000], 4);
	map[20001] = 5; /* dirty, and to be thrown away */
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 16384, 16384));
	assert_int_equal(map[20000], 0);
	assert_int_equal(map[20001], 0);
	assert_int_equal(map[16383], 4);
	assert_int_equal(map[32768], 4);
	map[20002] = 6; /* fills the hole again */
	must(msync(map, 65536, MS_SYNC));
	check_bytes(fd, 20002, 1, 6);
	check_bytes(fd, 20000, 2, 0);
	must(munmap(map, 65536));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		posix_test(holes_read_as_zeros_and_cost_nothing),
		posix_test(data_and_holes_are_found),
		posix_test(nothing_written_is_in_a_hole),
		posix_test(punching_clears_and_gives_back),
		posix_test(punching_is_exact_to_the_byte),
		posix_test(allocation_takes_space_and_keeps_bytes),
		posix_test(allocation_may_keep_the_size),
		posix_test(what_was_allocated_goes_with_truncation),
		posix_test(what_is_cut_off_never_comes_back),
		posix_test(zeroing_a_range_clears_it),
		posix_test(a_hole_punched_under_a_mapping_shows),
	};

	return posix_run(tests);
}
