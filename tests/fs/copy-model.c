/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Random changes of two files and copies within and between them, against buffers that undergo the
 * same; and copies beside writes, in several threads. The seed of a run is printed; give it, and a
 * number of operations, as arguments to repeat that run or for a longer one.
 */
#include "fixture.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define REGION (12 * MIB)
#define FILE_MAX (2u << 20)
#define FILES 2u

static uint64_t seed_argument;
static unsigned operations = 600;

static struct volume volume;
static struct client client;
static struct fs *fs;
static uint32_t fragment;

static int set_up(void **state)
{
	volume = volume_open(*(enum rs_code *)*state, REGION);
	client = client_open(&volume);
	fs = volume.fs;
	fragment = volume.fragment.bytes;
	leave_former_bytes(&volume, &client);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	client_close(&client);
	volume_close(&volume);
	return 0;
}

/* Two files, and buffers that undergo the same. */
struct run {
	uint64_t seed;
	uint64_t files[FILES];
	uint8_t *models[FILES]; /* FILE_MAX; zero behind size */
	uint64_t sizes[FILES];
};

/* Often at the border of something, or next to it. */
static uint64_t choose(struct run *run, uint64_t bound)
{
	const uint64_t units[] = {1, 128, fragment, fragment, volume.payload};
	uint64_t unit = units[random_below(&run->seed, 5)];
	uint64_t offset = random_below(&run->seed, bound) / unit * unit;
	if (random_below(&run->seed, 4) == 0)
		offset += random_below(&run->seed, 3) - 1;
	return offset < bound ? offset : 0;
}

static void random_change(struct run *run, unsigned which)
{
	uint64_t offset = choose(run, FILE_MAX), length = choose(run, FILE_MAX - offset) / 4 + 1;
	uint8_t *model = run->models[which];
	switch (random_below(&run->seed, 4)) {
	case 0:
	case 1: {
		uint8_t byte = (uint8_t)random_next(&run->seed);
		assert_int_equal(
			client_fill(&client, run->files[which], offset, length, byte), length);
		memset(model + offset, byte, length);
		if (offset + length > run->sizes[which])
			run->sizes[which] = offset + length;
		break;
	}
	case 2:
		assert_int_equal(truncate_to(fs, run->files[which], offset), 0);
		if (offset < run->sizes[which])
			memset(model + offset, 0, run->sizes[which] - offset);
		run->sizes[which] = offset;
		break;
	default:
		assert_int_equal(
			fs_allocate(fs, client.queue, run->files[which],
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length),
			0);
		memset(model + offset, 0, length);
	}
}

static void random_copy(struct run *run)
{
	unsigned from = (unsigned)random_below(&run->seed, FILES);
	unsigned to = (unsigned)random_below(&run->seed, FILES);
	uint64_t from_offset = choose(run, FILE_MAX), to_offset = choose(run, FILE_MAX);
	/* mostly so that whole fragments can be copied */
	if (random_below(&run->seed, 3))
		to_offset = to_offset / fragment * fragment + from_offset % fragment;
	if (to_offset >= FILE_MAX)
		to_offset = from_offset;
	uint64_t most = FILE_MAX - (to_offset > from_offset ? to_offset : from_offset);
	uint64_t length = random_below(&run->seed, 3) ? choose(run, most) + 1 : most;
	uint64_t expected = 0;
	if (from_offset < run->sizes[from])
		expected = run->sizes[from] - from_offset;
	if (expected > length)
		expected = length;
	ssize_t got = client_copy(
		&client, run->files[from], from_offset, run->files[to], to_offset, length);
	if (from == to && expected > 0 && from_offset < to_offset + expected &&
		to_offset < from_offset + expected) {
		assert_int_equal(got, -EINVAL);
		return;
	}
	assert_int_equal(got, expected);
	memcpy(run->models[to] + to_offset, run->models[from] + from_offset, expected);
	if (expected > 0 && to_offset + expected > run->sizes[to])
		run->sizes[to] = to_offset + expected;
}

static void check_file(struct run *run, unsigned which)
{
	assert_int_equal(attr_of(fs, run->files[which]).size, run->sizes[which]);
	for (uint64_t at = 0; at < FILE_MAX; at += FS_IO_MAX) {
		uint64_t rest = run->sizes[which] > at ? run->sizes[which] - at : 0;
		uint64_t expected = rest < FS_IO_MAX ? rest : FS_IO_MAX;
		assert_int_equal(client_read(&client, run->files[which], at, FS_IO_MAX), expected);
		assert_memory_equal(client.bytes, run->models[which] + at, expected);
	}
}

static void random_copies_are_like_their_model(void **state)
{
	(void)state;
	struct run run = {.seed = seed_argument ? seed_argument
						: (uint64_t)time(NULL) << 20 | (unsigned)getpid()};
	printf("%u operations with seed %llu\n", operations, (unsigned long long)run.seed);
	fflush(stdout);
	for (unsigned i = 0; i < FILES; i++) {
		run.files[i] = make_file(fs, FS_ROOT, i ? "one" : "other", FORGET);
		run.models[i] = calloc(1, FILE_MAX);
		REQUIRE(run.models[i]);
	}
	for (unsigned step = 0; step < operations; step++) {
		if (random_below(&run.seed, 2))
			random_change(&run, (unsigned)random_below(&run.seed, FILES));
		else
			random_copy(&run);
		if (step % 8 == 0)
			check_file(&run, step / 8 % FILES);
	}
	for (unsigned i = 0; i < FILES; i++) {
		check_file(&run, i);
		free(run.models[i]);
	}
}

/* Each write gives all bytes of a file one value, and all else are copies: so every fragment has
 * one value at any time. */
#define WORKERS 4u
struct worker {
	pthread_t thread;
	unsigned number;
	uint64_t files[3];
};

static void *copy_and_write(void *argument)
{
	struct worker *worker = argument;
	struct client own = client_open(&volume);
	uint64_t seed = worker->number;
	for (unsigned round = 0; round < 150; round++) {
		uint64_t *files = worker->files;
		unsigned from = (unsigned)random_below(&seed, 3),
			 to = (unsigned)random_below(&seed, 3);
		uint64_t length = 3 * volume.payload;
		switch (random_below(&seed, 3)) {
		case 0:
			REQUIRE(client_fill(&own, files[to], 0, length, (uint8_t)round) ==
				(ssize_t)length);
			break;
		case 1:
			if (from != to)
				REQUIRE(client_copy(&own, files[from], 0, files[to], 0, length) >=
					0);
			break;
		default:
			REQUIRE(client_read(&own, files[from], 0, fragment) >= 0);
			for (unsigned i = 1; i < fragment; i++)
				REQUIRE(own.bytes[i] == own.bytes[0]);
		}
		if (round % 40 == 39)
			REQUIRE(!truncate_to(fs, files[to], 0) &&
				client_fill(&own, files[to], 0, length, 1) == (ssize_t)length);
	}
	client_close(&own);
	return NULL;
}

static void copies_beside_writes_take_whole_fragments(void **state)
{
	(void)state;
	struct worker workers[WORKERS];
	uint64_t files[3] = {make_file(fs, FS_ROOT, "a", FORGET),
		make_file(fs, FS_ROOT, "b", FORGET), make_file(fs, FS_ROOT, "c", FORGET)};
	for (unsigned i = 0; i < 3; i++)
		client_fill(&client, files[i], 0, 3 * volume.payload, 7);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){.number = i + 1};
		memcpy(workers[i].files, files, sizeof(files));
		REQUIRE(!pthread_create(&workers[i].thread, NULL, copy_and_write, &workers[i]));
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_CODES(random_copies_are_like_their_model, set_up),
		ON_BOTH_CODES(copies_beside_writes_take_whole_fragments, set_up),
	};
	if (argc > 1)
		seed_argument = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		operations = (unsigned)strtoul(argv[2], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
