/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Host memory: none is asked for while data are written, and a file costs little. Calls to the
 * allocator from our own code come here first; see meson.build.
 */
#include "fixture.h"

#include "fs/data.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic unsigned calls;
static _Atomic size_t bytes_held;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *memory);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *memory);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);

/* With what the allocator adds to an allocation. */
static size_t held_by(void *memory)
{
	return memory ? malloc_usable_size(memory) + sizeof(size_t) : 0;
}

static void *count(void *memory)
{
	calls++;
	bytes_held += held_by(memory);
	return memory;
}

void *__wrap_malloc(size_t size)
{
	return count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size)
{
	return count(__real_calloc(number, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	bytes_held -= held_by(old);
	return count(__real_realloc(old, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return count(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *memory)
{
	bytes_held -= held_by(memory);
	__real_free(memory);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	calls++;
	return __real_mmap(at, size, protection, flags, fd, offset);
}

static size_t resident_bytes(void)
{
	size_t pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	REQUIRE(file && fscanf(file, "%*u %zu", &pages) == 1);
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static struct volume volume;
static struct client client;
static struct fs *fs;

static int set_up(void **state)
{
	volume = volume_open(*(enum rs_code *)*state, 128 * MIB);
	client = client_open(&volume);
	fs = volume.fs;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	client_close(&client);
	volume_close(&volume);
	return 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RESIDENT_IS_OURS false /* a sanitizer remembers what we touch */
#else
#define RESIDENT_IS_OURS true
#endif

static void writing_takes_no_memory(void **state)
{
	(void)state;
	size_t capacity = free_fragments(&volume) * volume.fragment.bytes;
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET);
	/* what the first use of anything takes */
	assert_int_equal(client_fill(&client, file, 0, 2 * MIB, 1), 2 * MIB);
	assert_int_equal(client_count_other(&client, file, 0, 2 * MIB, 1), 0);
	assert_int_equal(truncate_to(fs, file, 1), 0);
	assert_int_equal(truncate_to(fs, file, 0), 0);

	uint64_t written = make_file(fs, FS_ROOT, "written", FORGET);
	unsigned calls_before = calls;
	size_t resident_before = resident_bytes();
	for (unsigned round = 0; round < 2; round++) {
		/* in 4 KiB steps that end in no fragment, then as fast as can be */
		for (size_t at = 0; at < 8 * MIB; at += 4096)
			assert_int_equal(client_write(&client, written, at + 1000, 4096), 4096);
		size_t rest = capacity - 8 * MIB - volume.payload;
		assert_int_equal(client_fill(&client, written, 8 * MIB, rest, 2), rest);
		assert_int_equal(client_count_other(&client, written, 8 * MIB, rest, 2), 0);
		assert_int_equal(truncate_to(fs, written, 5 * MIB + 17), 0);
		assert_int_equal(truncate_to(fs, written, round * MIB), 0);
	}
	size_t resident_after = resident_bytes();
	assert_int_equal(calls, calls_before);
	printf("resident memory grew by %zd bytes while %zu were written\n",
		(ssize_t)(resident_after - resident_before), 2 * capacity);
	if (RESIDENT_IS_OURS)
		assert_true(resident_after < resident_before + 256 * KIB);
}

/* Not even where files are in pieces, and their maps in parts that are far from each other. */
static void scattered_writing_takes_no_calls(void **state)
{
	(void)state;
	uint64_t files[4];
	char name[] = "file-0";
	for (unsigned i = 0; i < 4; i++) {
		name[5] = (char)('0' + i);
		files[i] = make_file(fs, FS_ROOT, name, FORGET);
	}
	unsigned calls_before = calls;
	uint64_t seed = 5;
	for (unsigned step = 0; step < 5000; step++) {
		uint64_t file = files[random_below(&seed, 4)];
		uint64_t offset = random_below(&seed, GIB) << random_below(&seed, 20);
		size_t length = 1 + random_below(&seed, 20000);
		if (random_below(&seed, 4) == 0)
			offset = random_below(&seed, 4 * MIB);
		if (random_below(&seed, 4) == 0)
			assert_int_equal(
				fs_allocate(fs, client.queue, file,
					FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length),
				0);
		else
			assert_int_equal(client_write(&client, file, offset, length), length);
	}
	assert_int_equal(calls, calls_before);
}

static void empty_file_takes_400_bytes(void **state)
{
	(void)state;
	const unsigned files = 10000;
	size_t before = bytes_held;
	size_t names = 0;
	for (unsigned i = 0; i < files; i++) {
		char name[16];
		names += (size_t)snprintf(name, sizeof(name), "%u", i);
		make_file(fs, FS_ROOT, name, FORGET);
	}
	size_t each = (bytes_held - before - names) / files;
	printf("an empty file takes %zu bytes besides its name, %zu of them its inode\n", each,
		sizeof(struct inode));
	assert_true(each <= 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_CODES(writing_takes_no_memory, set_up),
		ON_CODE(scattered_writing_takes_no_calls, rs136, set_up),
		ON_CODE(empty_file_takes_400_bytes, rs136, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
