/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* The bytes of files in a mounted filesystem: through read and write, mappings, holes, and races.
 */
#include "mounted.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

static void sizes_around_every_boundary_come_back(void **state)
{
	static const size_t sizes[] = {0, 1, 119, 120, 127, 128, 129, 4095, 4096, 4097, 122880,
		131071, 131072, 131073, 1048575, 1048576, 1048577, 5000000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make_file("sized", sizes[i], (unsigned)i);
		assert_int_equal(stat_of("sized").st_size, sizes[i]);
		check_file("sized", sizes[i], (unsigned)i);
		must(unlink("sized"));
	}
}

#define MODEL_BYTES (600u * 1000)

/* The file must be what a plain array is after the same random writes and truncations. */
static void random_writes_match_a_model(void **state)
{
	uint8_t *model = calloc(1, MODEL_BYTES), *bytes = malloc(MODEL_BYTES);
	size_t size = 0;
	int fd = must(open("model", O_CREAT | O_RDWR, 0644));

	(void)state;
	srand(42);
	for (unsigned i = 0; i < 400; i++) {
		size_t at = (size_t)rand() % MODEL_BYTES;
		size_t length = (size_t)rand() % (i % 4 ? 3000 : MODEL_BYTES - at);

		length = length < MODEL_BYTES - at ? length : MODEL_BYTES - at;
		if (i % 10 == 9) {
			must(ftruncate(fd, (off_t)at));
			if (at < size)
				memset(model + at, 0, MODEL_BYTES - at);
			size = at;
		} else if (i % 10 == 8) {
			must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at,
				(off_t)length + 1));
			memset(model + at, 0,
				length + 1 < MODEL_BYTES - at ? length + 1 : MODEL_BYTES - at);
		} else {
			fill_pattern(bytes, length, at, i);
			assert_int_equal(must(pwrite(fd, bytes, length, (off_t)at)), length);
			memcpy(model + at, bytes, length);
			if (length && at + length > size)
				size = at + length;
		}
		assert_int_equal(must(pread(fd, bytes, MODEL_BYTES, 0)), size);
		assert_memory_equal(bytes, model, size);
	}
	must(close(fd));
	must(unlink("model"));
	free(model);
	free(bytes);
}

static void holes_are_zeros_and_take_no_space(void **state)
{
	uint8_t bytes[8192], zeros[8192] = {};
	int fd = must(open("sparse", O_CREAT | O_RDWR, 0644));

	(void)state;
	assert_int_equal(must(pwrite(fd, "end", 3, 1ll << 40)), 3);
	assert_int_equal(stat_of("sparse").st_size, (1ll << 40) + 3);
	assert_true(stat_of("sparse").st_blocks <= 256);
	assert_int_equal(must(pread(fd, bytes, sizeof(bytes), 12345)), sizeof(bytes));
	assert_memory_equal(bytes, zeros, sizeof(bytes));
	assert_true(must(lseek(fd, 0, SEEK_DATA)) <= 1ll << 40);
	assert_true(lseek(fd, 0, SEEK_DATA) > 1ll << 39);
	assert_int_equal(must(lseek(fd, 0, SEEK_HOLE)), 0);
	assert_int_equal(must(lseek(fd, 1ll << 40, SEEK_HOLE)), (1ll << 40) + 3);
	must_fail(lseek(fd, (1ll << 40) + 3, SEEK_DATA), ENXIO);
	assert_int_equal(must(lseek(fd, 0, SEEK_END)), (1ll << 40) + 3);
	must(ftruncate(fd, 100));
	must(ftruncate(fd, 8192));
	assert_int_equal(must(pread(fd, bytes, sizeof(bytes), 0)), sizeof(bytes));
	assert_memory_equal(bytes, zeros, sizeof(bytes));
	must(close(fd));
	must(unlink("sparse"));
}

static void what_was_cut_off_stays_gone(void **state)
{
	uint8_t bytes[10000], expected[10000] = {};
	int fd;

	(void)state;
	make_file("cut", 10000, 1);
	must(truncate("cut", 333));
	must(truncate("cut", 10000));
	fill_pattern(expected, 333, 0, 1);
	fd = must(open("cut", O_RDONLY));
	assert_int_equal(must(read(fd, bytes, sizeof(bytes))), 10000);
	assert_memory_equal(bytes, expected, sizeof(bytes));
	must(close(fd));
	must(unlink("cut"));
}

static void allocation_keeps_what_is_there(void **state)
{
	uint8_t bytes[300000], expected[300000];
	int fd;

	(void)state;
	make_file("allocated", 200000, 2);
	fd = must(open("allocated", O_RDWR));
	fill_pattern(expected, 200000, 0, 2);
	memset(expected + 200000, 0, 100000);
	must(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1000000));
	assert_int_equal(stat_of("allocated").st_size, 200000);
	assert_true(stat_of("allocated").st_blocks >= 1000000 / 512);
	must(fallocate(fd, 0, 250000, 50000));
	assert_int_equal(stat_of("allocated").st_size, 300000);
	assert_int_equal(must(pread(fd, bytes, sizeof(bytes), 0)), 300000);
	assert_memory_equal(bytes, expected, sizeof(bytes));
	must(fallocate(fd, FALLOC_FL_ZERO_RANGE, 1001, 150000));
	memset(expected + 1001, 0, 150000);
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 199, 77));
	memset(expected + 199, 0, 77);
	assert_int_equal(must(pread(fd, bytes, sizeof(bytes), 0)), 300000);
	assert_memory_equal(bytes, expected, sizeof(bytes));
	must_fail(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096), EOPNOTSUPP);
	must(close(fd));
	must(unlink("allocated"));
}

static void opening_with_truncation_empties(void **state)
{
	struct stat before;
	int reader;

	(void)state;
	make_file("emptied", 10000, 3);
	reader = must(open("emptied", O_RDONLY));
	before = stat_of("emptied");
	usleep(20000);
	close_opened(open("emptied", O_WRONLY | O_TRUNC));
	assert_int_equal(stat_of("emptied").st_size, 0);
	assert_int_equal(stat_of("emptied").st_blocks, 0);
	assert_true(stat_of("emptied").st_mtim.tv_nsec != before.st_mtim.tv_nsec);
	assert_int_equal(must(pread(reader, &before, 1, 0)), 0);
	must(close(reader));
	must(unlink("emptied"));
}

static void appenders_do_not_overwrite_each_other(void **state)
{
	unsigned counts[4] = {};
	uint8_t record[100];
	int fd, status;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		if (must(fork()) == 0) {
			fd = open("appended", O_CREAT | O_WRONLY | O_APPEND, 0644);
			memset(record, (int)i, sizeof(record));
			for (unsigned n = 0; n < 200; n++)
				if (write(fd, record, sizeof(record)) != sizeof(record))
					_exit(1);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		must(wait(&status));
		assert_int_equal(status, 0);
	}
	assert_int_equal(stat_of("appended").st_size, 4 * 200 * 100);
	fd = must(open("appended", O_RDONLY));
	while (must(read(fd, record, sizeof(record))) == sizeof(record)) {
		for (unsigned i = 1; i < sizeof(record); i++)
			assert_int_equal(record[i], record[0]);
		assert_true(record[0] < 4);
		counts[record[0]]++;
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(counts[i], 200);
	must(close(fd));
	must(unlink("appended"));
}

/* Several processes write, each its own pages of one file, in no order. */
static void parallel_writers_leave_each_others_pages(void **state)
{
	uint8_t bytes[4096], expected[4096];
	int fd = must(open("parallel", O_CREAT | O_RDWR, 0644)), status;

	(void)state;
	must(ftruncate(fd, 4 * 64 * 4096));
	for (unsigned i = 0; i < 4; i++) {
		if (must(fork()) == 0) {
			for (unsigned n = 0; n < 64; n++) {
				off_t at = ((n * 37 % 64) * 4 + i) * 4096;

				fill_pattern(bytes, sizeof(bytes), (size_t)at, 77);
				if (pwrite(fd, bytes, sizeof(bytes), at) != sizeof(bytes))
					_exit(1);
			}
			_exit(0);
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		must(wait(&status));
		assert_int_equal(status, 0);
	}
	for (off_t at = 0; at < 4 * 64 * 4096; at += 4096) {
		assert_int_equal(must(pread(fd, bytes, sizeof(bytes), at)), 4096);
		fill_pattern(expected, sizeof(expected), (size_t)at, 77);
		assert_memory_equal(bytes, expected, sizeof(bytes));
	}
	must(close(fd));
	must(unlink("parallel"));
}

static void a_shared_mapping_and_the_file_are_one(void **state)
{
	uint8_t bytes[16], *map;
	int fd;

	(void)state;
	make_file("shared", 10000, 4);
	fd = must(open("shared", O_RDWR));
	map = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	fill_pattern(bytes, 1, 9999, 4);
	assert_int_equal(map[9999], bytes[0]);
	for (unsigned i = 10000; i < 12288; i++)
		assert_int_equal(map[i], 0);
	memcpy(map + 5000, "through the map", 16);
	assert_int_equal(must(pread(fd, bytes, 16, 5000)), 16);
	assert_string_equal((char *)bytes, "through the map");
	assert_int_equal(must(pwrite(fd, "through the file", 16, 5000)), 16);
	assert_memory_equal(map + 5000, "through the file", 16);
	/* Dirty pages outlive mapping and descriptor. */
	memcpy(map + 100, "left behind", 12);
	must(munmap(map, 12288));
	must(close(fd));
	fd = must(open("shared", O_RDONLY));
	assert_int_equal(must(pread(fd, bytes, 12, 100)), 12);
	assert_string_equal((char *)bytes, "left behind");
	must(close(fd));
	assert_int_equal(stat_of("shared").st_size, 10000);
	must(unlink("shared"));
}

static void msync_and_fsync_write_a_mapping_down(void **state)
{
	uint8_t *map;
	char word[8];
	int fd, direct;

	(void)state;
	make_file("synced", 8192, 5);
	fd = must(open("synced", O_RDWR));
	direct = must(open("synced", O_RDONLY | O_DIRECT));
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	memcpy(map, "msynced", 8);
	must(msync(map, 8192, MS_SYNC));
	assert_int_equal(must(pread(direct, word, 8, 0)), 8);
	assert_string_equal(word, "msynced");
	memcpy(map + 4096, "fsynced", 8);
	must(fsync(fd));
	must(fdatasync(fd));
	must(syncfs(fd));
	assert_int_equal(must(pread(direct, word, 8, 4096)), 8);
	assert_string_equal(word, "fsynced");
	must(munmap(map, 8192));
	must(close(direct));
	must(close(fd));
	must(unlink("synced"));
}

static void two_processes_share_a_mapping(void **state)
{
	uint8_t *map;
	int fd, status;

	(void)state;
	make_file("common", 4096, 6);
	if (must(fork()) == 0) {
		fd = open("common", O_RDWR);
		map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		memcpy(map + 7, "child", 6);
		_exit(0);
	}
	fd = must(open("common", O_RDONLY));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	must(wait(&status));
	assert_int_equal(status, 0);
	assert_string_equal((char *)map + 7, "child");
	must(munmap(map, 4096));
	must(close(fd));
	must(unlink("common"));
}

static void a_private_mapping_keeps_to_itself(void **state)
{
	uint8_t *map, first;
	int fd;

	(void)state;
	make_file("private", 4096, 7);
	fd = must(open("private", O_RDWR));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(must(pread(fd, &first, 1, 0)), 1);
	assert_int_equal(map[0], first);
	map[0] = (uint8_t)~first;
	check_file("private", 4096, 7);
	must(munmap(map, 4096));
	/* A new mapping shows what was written meanwhile. */
	assert_int_equal(must(pwrite(fd, "new", 4, 0)), 4);
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_string_equal((char *)map, "new");
	must(munmap(map, 4096));
	must(close(fd));
	must(unlink("private"));
}

static void a_mapping_of_a_cut_file_faults(void **state)
{
	volatile uint8_t *map;
	int fd, status;

	(void)state;
	make_file("cut-map", 8192, 8);
	fd = must(open("cut-map", O_RDWR));
	map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_true(map[5000] | 1);
	must(ftruncate(fd, 100));
	if (must(fork()) == 0) {
		signal(SIGBUS, SIG_DFL);
		_exit(map[5000]);
	}
	must(wait(&status));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	assert_int_equal(map[100], 0);
	must(munmap((void *)map, 8192));
	must(close(fd));
	must(unlink("cut-map"));
}

static void a_hole_shows_in_a_mapping(void **state)
{
	uint8_t *map;
	int fd;

	(void)state;
	make_file("punched", 12288, 11);
	fd = must(open("punched", O_RDWR));
	map = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	memset(map, 'm', 12288);
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2000, 6000));
	assert_int_equal(map[1999], 'm');
	for (unsigned i = 2000; i < 8000; i++)
		assert_int_equal(map[i], 0);
	assert_int_equal(map[8000], 'm');
	must(munmap(map, 12288));
	must(close(fd));
	must(unlink("punched"));
}

static void direct_io_is_welcome(void **state)
{
	uint8_t *bytes = aligned_alloc(4096, 1 << 20), *expected = malloc(1 << 20);
	int fd = must(open("direct", O_CREAT | O_RDWR | O_DIRECT, 0644));

	(void)state;
	fill_pattern(bytes, 1 << 20, 0, 9);
	assert_int_equal(must(write(fd, bytes, 1 << 20)), 1 << 20);
	memset(bytes, 0, 1 << 20);
	assert_int_equal(must(pread(fd, bytes, 1 << 20, 0)), 1 << 20);
	fill_pattern(expected, 1 << 20, 0, 9);
	assert_memory_equal(bytes, expected, 1 << 20);
	must(close(fd));
	check_file("direct", 1 << 20, 9);
	must(unlink("direct"));
	free(bytes);
	free(expected);
}

static void files_are_copied_inside_and_out(void **state)
{
	int in, out, outside;
	off_t in_at = 0, out_at = 0;
	uint8_t bytes[16], expected[16];

	(void)state;
	make_file("from", 300000, 10);
	in = must(open("from", O_RDONLY));
	out = must(open("to", O_CREAT | O_RDWR, 0644));
	while (must(copy_file_range(in, &in_at, out, &out_at, 1 << 20, 0)) > 0)
		;
	check_file("to", 300000, 10);
	outside = must(memfd_create("outside", 0));
	in_at = 0;
	while (must(sendfile(outside, in, &in_at, 1 << 20)) > 0)
		;
	assert_int_equal(must(pread(outside, bytes, 16, 299984)), 16);
	fill_pattern(expected, 16, 299984, 10);
	assert_memory_equal(bytes, expected, 16);
	must(close(outside));
	must(close(in));
	must(close(out));
	must(unlink("from"));
	must(unlink("to"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_around_every_boundary_come_back),
		cmocka_unit_test(random_writes_match_a_model),
		cmocka_unit_test(holes_are_zeros_and_take_no_space),
		cmocka_unit_test(what_was_cut_off_stays_gone),
		cmocka_unit_test(allocation_keeps_what_is_there),
		cmocka_unit_test(opening_with_truncation_empties),
		cmocka_unit_test(appenders_do_not_overwrite_each_other),
		cmocka_unit_test(parallel_writers_leave_each_others_pages),
		cmocka_unit_test(a_shared_mapping_and_the_file_are_one),
		cmocka_unit_test(msync_and_fsync_write_a_mapping_down),
		cmocka_unit_test(two_processes_share_a_mapping),
		cmocka_unit_test(a_private_mapping_keeps_to_itself),
		cmocka_unit_test(a_mapping_of_a_cut_file_faults),
		cmocka_unit_test(a_hole_shows_in_a_mapping),
		cmocka_unit_test(direct_io_is_welcome),
		cmocka_unit_test(files_are_copied_inside_and_out),
	};

	return mounted_run(tests);
}
