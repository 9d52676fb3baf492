/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * A great many files: what host memory one takes, and directories of a million names, which must
 * be as fast for each of them as small ones are, in whatever order their names come and go.
 *
 * Times are of the processor, so that other work does not count, and those allowed ten times what a
 * machine of 2026 needs; an algorithm that looks at all names for each of them would take hours.
 */
#include "fixture.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FILE_BYTES_MAX 400u
#define MEASURED 100000u

#ifndef __has_feature /* clang's way to ask */
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#define MANY 20000u
#else
#define SANITIZED false
#define MANY 1000000u
#endif
#define SECONDS_MAX 20.0

static struct volume volume;
static struct fs *fs;
static const struct fs_owner owner = {.uid = 1000};

static int set_up(void **state)
{
	struct fs_options options = {.max_inodes = MANY + 10, .root_mode = 0755};
	(void)state;
	volume = volume_open(RS_136, 8u << 20);
	fs_close(volume.fs);
	REQUIRE(!fs_open(volume.store, &options, &volume.fs));
	fs = volume.fs;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	volume_close(&volume);
	return 0;
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void report(const char *what, double since)
{
	double taken = seconds() - since;
	printf("%u names: %s %.2f s\n", MANY, what, taken);
	assert_true(SANITIZED || taken < SECONDS_MAX);
}

static void name_number(char *name, unsigned number)
{
	snprintf(name, 9, "%08u", number);
}

static void make_number(uint64_t directory, unsigned number)
{
	char name[9];
	struct fs_attr attr;
	name_number(name, number);
	REQUIRE(!fs_make(fs, directory, name_of(name), S_IFREG | 0644, 0, &owner, &attr));
	fs_forget(fs, attr.ino, 1);
}

static void remove_number(uint64_t directory, unsigned number)
{
	char name[9];
	name_number(name, number);
	REQUIRE(!fs_unlink(fs, directory, name_of(name)));
}

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd; /* with what malloc itself adds to each block */
}

static void an_empty_file_takes_little_memory(void **state)
{
	(void)state;
	size_t before = heap_bytes();
	uint64_t directory = make_directory(fs, FS_ROOT, "d", FORGET);
	for (unsigned i = 0; i < MEASURED && i < MANY; i++)
		make_number(directory, i);
	double each = (double)(heap_bytes() - before) / (MEASURED < MANY ? MEASURED : MANY);
	printf("%.0f bytes a file, 8 of them its name\n", each);
	assert_true(SANITIZED || (each > 100 && each - 8 <= FILE_BYTES_MAX));
	remove_tree(fs, directory);
	assert_true(SANITIZED || heap_bytes() - before < 1u << 20); /* and gives it back */
}

struct listing {
	uint64_t cookie;
	unsigned room, count;
	unsigned *numbers;
};

static bool take(void *user, const struct fs_dirent *entry)
{
	struct listing *listing = user;
	char name[9] = {};
	if (listing->room == 0)
		return false;
	listing->cookie = entry->cookie;
	if (entry->cookie <= 2)
		return true;
	memcpy(name, entry->name.bytes, 8);
	listing->numbers[listing->count++] = (unsigned)atoi(name);
	listing->room--;
	if (entry->attr)
		fs_forget(fs, entry->ino, 1);
	return true;
}

/* As a mounted one is read: a hundred or so entries a request. */
static unsigned list(uint64_t directory, bool plus, unsigned *numbers)
{
	struct listing listing = {.numbers = numbers};
	unsigned before;
	do {
		before = listing.count;
		listing.room = 120;
		REQUIRE(!fs_read_directory(
			fs, directory, listing.cookie, plus ? FS_LIST_ATTR : 0, take, &listing));
	} while (listing.count > before);
	return listing.count;
}

static void a_million_names_come_and_go(void **state)
{
	(void)state;
	uint64_t directory = make_directory(fs, FS_ROOT, "d", FORGET);
	unsigned *numbers = malloc(MANY * sizeof(*numbers));
	double since = seconds();
	for (unsigned i = 0; i < MANY; i++)
		make_number(directory, i);
	report("made in", since);

	for (int plus = 0; plus < 2; plus++) {
		since = seconds();
		assert_int_equal(list(directory, plus, numbers), MANY);
		report(plus ? "read with attributes in" : "read in", since);
		for (unsigned i = 0; i < MANY; i++)
			REQUIRE(numbers[i] == i);
	}
	assert_int_equal(attr_of(fs, directory).size, (MANY + 2) * 20);

	since = seconds();
	for (unsigned i = 0; i < MANY; i++)
		remove_number(directory, numbers[i]);
	report("removed in", since);
	assert_int_equal(list(directory, false, numbers), 0);
	free(numbers);
}

/* As who reads some, removes them, and begins anew, until nothing is left but the first name. */
static void names_go_from_the_front(void **state)
{
	(void)state;
	uint64_t directory = make_directory(fs, FS_ROOT, "d", FORGET);
	unsigned numbers[3];
	for (unsigned i = 0; i < MANY; i++)
		make_number(directory, i);
	double since = seconds();
	for (unsigned i = 1; i < MANY; i++) {
		struct listing listing = {.numbers = numbers, .room = 2};
		REQUIRE(!fs_read_directory(fs, directory, 0, 0, take, &listing));
		REQUIRE(listing.count == 2 && numbers[0] == 0 && numbers[1] == i);
		remove_number(directory, i);
	}
	report("removed one a reading in", since);
}

/* ... or from the back, or anywhere, while somebody reads from the start. */
static void names_go_in_any_order(void **state)
{
	(void)state;
	uint64_t directory = make_directory(fs, FS_ROOT, "d", FORGET), seed = 7;
	unsigned *order = malloc(MANY * sizeof(*order)), first[1];
	for (unsigned i = 0; i < MANY; i++) {
		make_number(directory, i);
		order[i] = i;
	}
	for (unsigned i = 0; i < MANY / 2; i++) { /* the first half from the back, then at random */
		order[i] = MANY / 2 - 1 - i;
		unsigned other = MANY / 2 + i + (unsigned)random_below(&seed, MANY / 2 - i);
		unsigned swapped = order[other];
		order[other] = order[MANY / 2 + i];
		order[MANY / 2 + i] = swapped;
	}
	double since = seconds();
	for (unsigned i = 0; i < MANY; i++) {
		struct listing listing = {.numbers = first, .room = 1};
		REQUIRE(!fs_read_directory(fs, directory, 0, 0, take, &listing));
		REQUIRE(listing.count == 1);
		remove_number(directory, order[i]);
	}
	report("removed in no order, a reading between, in", since);
	free(order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_empty_file_takes_little_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_million_names_come_and_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_go_from_the_front, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_go_in_any_order, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
