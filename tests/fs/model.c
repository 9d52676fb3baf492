/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Random operations on one file, each checked against a plain buffer that undergoes the same:
 * write, read, truncate, punch, zero, allocate, and what SEEK_DATA and SEEK_HOLE say. The seed of a
 * run is printed; give it, and a number of operations, as arguments to repeat that run or for a
 * longer one.
 */
#include "fixture.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MAX (3u << 20) /* less than half of the region */

static uint64_t seed_argument;
static unsigned operations = 1500;

struct run {
	struct volume volume;
	struct client client;
	uint64_t seed;
	uint64_t file;
	uint8_t *model; /* FILE_MAX; zero behind size */
	size_t size;
	unsigned step;
};

#define CHECK(run, condition)                                           \
	do {                                                            \
		if (!(condition)) {                                     \
			fprintf(stderr, "operation %u: ", (run)->step); \
			require_failed(__FILE__, __LINE__, #condition); \
		}                                                       \
	} while (0)

/* An offset that is often at the border of a line, a page or a block, or next to it. */
static size_t choose_offset(struct run *run, size_t bound)
{
	static const unsigned units[] = {1, 120, 128, 4096, 4200, 121800, 131072};
	size_t unit = units[random_below(&run->seed, 7)];
	size_t offset = random_below(&run->seed, bound) / unit * unit;
	if (random_below(&run->seed, 3) == 0)
		offset += random_below(&run->seed, 3) - 1;
	return offset < bound ? offset : 0;
}

static size_t choose_length(struct run *run, size_t offset)
{
	size_t most = FILE_MAX - offset < FS_IO_MAX ? FILE_MAX - offset : FS_IO_MAX;
	size_t length = choose_offset(run, most);
	if (random_below(&run->seed, 2) == 0)
		length %= 10000;
	return length > 0 ? length : 1;
}

static void check_read(struct run *run, size_t offset, size_t length)
{
	size_t expected = offset >= run->size ? 0 : run->size - offset;
	if (expected > length)
		expected = length;
	memset(run->client.bytes, 0xee, FS_IO_MAX);
	CHECK(run, client_read(&run->client, run->file, offset, length) == (ssize_t)expected);
	CHECK(run, memcmp(run->client.bytes, run->model + offset, expected) == 0);
	CHECK(run, expected == FS_IO_MAX || run->client.bytes[expected] == 0xee);
}

static void check_all(struct run *run)
{
	CHECK(run, attr_of(run->client.fs, run->file).size == run->size);
	for (size_t at = 0; at < FILE_MAX; at += FS_IO_MAX)
		check_read(run, at, FS_IO_MAX);
}

static void do_write(struct run *run)
{
	size_t offset = choose_offset(run, FILE_MAX), length = choose_length(run, offset);
	for (size_t i = 0; i < length; i += 8) {
		uint64_t word = random_next(&run->seed);
		memcpy(run->client.bytes + i, &word, length - i < 8 ? length - i : 8);
	}
	memcpy(run->model + offset, run->client.bytes, length);
	if (offset + length > run->size)
		run->size = offset + length;
	CHECK(run, client_write(&run->client, run->file, offset, length) == (ssize_t)length);
}

static void do_truncate(struct run *run)
{
	size_t size = choose_offset(run, FILE_MAX);
	if (size < run->size)
		memset(run->model + size, 0, run->size - size);
	run->size = size;
	CHECK(run, truncate_to(run->client.fs, run->file, size) == 0);
}

static void do_allocate(struct run *run)
{
	static const int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE};
	int mode = modes[random_below(&run->seed, 5)];
	size_t offset = choose_offset(run, FILE_MAX), length = choose_length(run, offset);
	if (mode & (FALLOC_FL_ZERO_RANGE | FALLOC_FL_PUNCH_HOLE))
		memset(run->model + offset, 0, length);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && offset + length > run->size)
		run->size = offset + length;
	CHECK(run, fs_allocate(run->client.fs, run->client.queue, run->file, mode, offset,
			   length) == 0);
}

/* Whatever is reported as a hole must read as zeros, and data and holes take turns. */
static void check_seek(struct run *run)
{
	struct fs *fs = run->client.fs;
	uint64_t at = choose_offset(run, FILE_MAX), data, hole;
	if (at >= run->size) {
		CHECK(run, fs_seek(fs, run->file, at, SEEK_HOLE, &hole) == -ENXIO);
		CHECK(run, fs_seek(fs, run->file, at, SEEK_DATA, &data) == -ENXIO);
		return;
	}
	int err = fs_seek(fs, run->file, at, SEEK_DATA, &data);
	CHECK(run, err == 0 || err == -ENXIO);
	if (err)
		data = run->size;
	CHECK(run, data >= at && data <= run->size);
	for (uint64_t i = at; i < data; i++)
		CHECK(run, run->model[i] == 0);
	CHECK(run, fs_seek(fs, run->file, at, SEEK_HOLE, &hole) == 0);
	CHECK(run, hole >= at && hole <= run->size);
	CHECK(run, data > at ? hole == at : hole > at);
}

static void do_one(struct run *run)
{
	size_t offset;
	switch (random_below(&run->seed, 10)) {
	case 0:
	case 1:
	case 2:
	case 3:
		do_write(run);
		break;
	case 4:
		do_truncate(run);
		break;
	case 5:
	case 6:
		do_allocate(run);
		break;
	case 7:
		check_seek(run);
		break;
	default:
		offset = choose_offset(run, FILE_MAX);
		check_read(run, offset, choose_length(run, offset));
	}
}

static void neighbour_name(char name[static 24], unsigned number)
{
	snprintf(name, 24, "neighbour-%u", number);
}

/* Leave no two fragments together that are free. Returns how many files that takes. */
static unsigned break_up(struct run *run)
{
	unsigned count = (unsigned)free_fragments(&run->volume);
	char name[24];
	for (unsigned i = 0; i < count; i++) {
		neighbour_name(name, i);
		uint64_t file = make_file(run->client.fs, FS_ROOT, name, FORGET);
		REQUIRE(client_fill(&run->client, file, 0, 1, 0xbb) == 1);
	}
	REQUIRE(free_fragments(&run->volume) == 0);
	for (unsigned i = 1; i < count; i += 2) {
		neighbour_name(name, i);
		REQUIRE(!fs_unlink(run->client.fs, FS_ROOT, name_of(name)));
	}
	return count;
}

static void remove_neighbours(struct run *run, unsigned count)
{
	char name[24];
	for (unsigned i = 0; i < count; i += 2) {
		neighbour_name(name, i);
		REQUIRE(!fs_unlink(run->client.fs, FS_ROOT, name_of(name)));
	}
}

/* For the first half of its operations with the file all in pieces. */
static void file_is_like_its_model(void **state)
{
	enum rs_code code = *(enum rs_code *)*state;
	struct run run = {.volume = volume_open(code, 8 * MIB)};
	run.client = client_open(&run.volume);
	run.model = calloc(1, FILE_MAX);
	assert_non_null(run.model);
	run.seed = seed_argument ? seed_argument : (uint64_t)time(NULL) << 20 | (unsigned)getpid();
	printf("%s: %u operations with seed %llu\n", rs_code_name(code), operations,
		(unsigned long long)run.seed);
	fflush(stdout);
	leave_former_bytes(&run.volume, &run.client);
	run.file = make_file(run.client.fs, FS_ROOT, "file", FORGET);
	unsigned neighbours = break_up(&run);
	for (run.step = 0; run.step < operations; run.step++) {
		do_one(&run);
		if (run.step % 50 == 0)
			check_all(&run);
		if (run.step == operations / 2)
			remove_neighbours(&run, neighbours);
	}
	check_all(&run);
	client_close(&run.client);
	free(run.model);
	volume_close(&run.volume);
}

int main(int argc, char **argv)
{
	static enum rs_code rs136 = RS_136, rs128 = RS_128, none = RS_NONE;
	const struct CMUnitTest tests[] = {
		{"file_is_like_its_model_rs136", file_is_like_its_model, NULL, NULL, &rs136},
		{"file_is_like_its_model_rs128", file_is_like_its_model, NULL, NULL, &rs128},
		{"file_is_like_its_model_none", file_is_like_its_model, NULL, NULL, &none},
	};
	if (argc > 1)
		seed_argument = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		operations = (unsigned)strtoul(argv[2], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
