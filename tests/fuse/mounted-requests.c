/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The kernel's caches over a mounted filesystem save the requests that they should, in each cache
 * mode.
 */
#include "mounted.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Those that tell the kernel of names and attributes. */
static uint64_t metadata_requests(void)
{
	return mounted_requests("LOOKUP") + mounted_requests("GETATTR") +
	       mounted_requests("STATX") + mounted_requests("READDIR") +
	       mounted_requests("READDIRPLUS") + mounted_requests("ACCESS") +
	       mounted_requests("OPENDIR");
}

/* Remounting lets the names go that nobody uses, and with them all that is known of their files. */
static void forget_names(void)
{
	must(mount(NULL, ".", NULL, MS_REMOUNT, NULL));
}

/* The least of several tries: where memory is short the kernel may let go at any time of what it
 * knows, and ask again. */
static uint64_t least(uint64_t (*count)(void))
{
	uint64_t result = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		uint64_t next = count();

		result = next < result ? next : result;
	}
	return result;
}

static uint64_t count_known_names(void)
{
	uint64_t before = metadata_requests(), links = mounted_requests("READLINK");

	for (int i = 0; i < 10; i++) {
		struct stat st;
		char target[16];

		assert_int_equal(stat_of("known").st_size, 100);
		stat_of("directory");
		must(stat("link", &st));
		must(access("known", R_OK | W_OK));
		must(readlink("link", target, sizeof(target)));
		usleep(1000);
	}
	return metadata_requests() - before + mounted_requests("READLINK") - links;
}

static void what_is_known_of_a_name_is_not_asked_again(void **state)
{
	(void)state;
	make_file("known", 100, 1);
	must(mkdir("directory", 0755));
	must(symlink("known", "link"));
	assert_int_equal(least(count_known_names), 0);
	must(unlink("link"));
	must(rmdir("directory"));
	must(unlink("known"));
}

static uint64_t count_missing_name(void)
{
	uint64_t before;

	forget_names();
	before = mounted_requests("LOOKUP");
	for (int i = 0; i < 10; i++)
		must_fail(access("missing", F_OK), ENOENT);
	return mounted_requests("LOOKUP") - before;
}

static void a_missing_name_is_asked_for_once(void **state)
{
	(void)state;
	assert_int_equal(least(count_missing_name), 1);
	make_file("missing", 1, 1);
	must(access("missing", F_OK));
	must(unlink("missing"));
	must_fail(access("missing", F_OK), ENOENT);
}

#define ENTRIES 1000

static uint64_t count_listing(void)
{
	uint64_t before = metadata_requests();

	must(system("ls -l long >/dev/null"));
	return metadata_requests() - before;
}

static uint64_t count_first_listing(void)
{
	forget_names();
	return count_listing();
}

static void a_listing_with_attributes_takes_few_requests(void **state)
{
	(void)state;
	must(mkdir("long", 0755));
	for (int i = 0; i < ENTRIES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "long/%d", i);
		must(mknod(name, S_IFREG | 0644, 0));
	}
	assert_true(least(count_first_listing) <= ENTRIES / 10);
	assert_true(least(count_listing) <= ENTRIES / 20);
	must(system("rm -r long"));
}

/* The READs that reading FILE in order, 128 KiB at once, takes. */
static uint64_t count_reading(const char *file, size_t size)
{
	const size_t at_once = MIB / 8;
	uint64_t before = mounted_requests("READ");
	uint8_t *bytes = malloc(at_once), *expected = malloc(at_once);
	int fd = must(open(file, O_RDONLY));

	for (size_t at = 0; at < size; at += at_once) {
		assert_int_equal(must(read(fd, bytes, at_once)), at_once);
		fill_pattern(expected, at_once, at, 1);
		assert_memory_equal(bytes, expected, at_once);
	}
	must(close(fd));
	mounted_settle();
	free(bytes);
	free(expected);
	return mounted_requests("READ") - before;
}

static uint64_t count_reading_again(void)
{
	return count_reading("read", 4 * MIB);
}

static void what_was_read_is_asked_for_again_only_without_a_cache(void **state)
{
	(void)state;
	make_file("read", 4 * MIB, 1);
	mounted_settle();
	assert_int_equal(least(count_reading_again), mounted_cache() == FUSE_CACHE_NONE ? 32 : 0);
	must(unlink("read"));
}

static uint64_t count_reading_what_was_written(void)
{
	uint64_t reads;

	make_file("written", 4 * MIB, 1);
	mounted_settle();
	reads = count_reading("written", 4 * MIB);
	must(unlink("written"));
	return reads;
}

static void what_was_written_only_is_in_the_cache_if_all_is(void **state)
{
	uint64_t reads = least(count_reading_what_was_written);

	(void)state;
	if (mounted_cache() == FUSE_CACHE_ALWAYS)
		assert_int_equal(reads, 0);
	else
		assert_true(reads > 0);
}

/* May this process change how far the kernel reads ahead? Then it must have been changed. */
static bool read_ahead_is_raised(void)
{
	struct stat st = stat_of(".");
	char path[64];
	int kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", major(st.st_dev),
		minor(st.st_dev));
	file = fopen(path, "r");
	if (file) {
		if (fscanf(file, "%d", &kib) != 1)
			kib = 0;
		fclose(file);
	}
	if (access(path, W_OK) == 0)
		assert_true(kib > 1024);
	return kib > 1024;
}

static uint64_t count_reading_cold(void)
{
	int fd = must(open("large", O_RDONLY));

	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	must(close(fd));
	mounted_settle();
	return count_reading("large", 16 * MIB);
}

static void sequential_requests_are_large(void **state)
{
	uint64_t reads, writes = mounted_requests("WRITE");

	(void)state;
	make_file("large", 16 * MIB, 1);
	/* One more, as the buffer does not begin with a page. */
	assert_true(mounted_requests("WRITE") - writes <= 17);
	mounted_settle();
	reads = least(count_reading_cold);
	if (mounted_cache() == FUSE_CACHE_NONE)
		assert_int_equal(reads, 128);
	else if (read_ahead_is_raised())
		assert_true(reads <= 24); /* it begins with smaller ones */
	must(unlink("large"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_of_a_name_is_not_asked_again),
		cmocka_unit_test(a_missing_name_is_asked_for_once),
		cmocka_unit_test(a_listing_with_attributes_takes_few_requests),
		cmocka_unit_test(what_was_read_is_asked_for_again_only_without_a_cache),
		cmocka_unit_test(what_was_written_only_is_in_the_cache_if_all_is),
		cmocka_unit_test(sequential_requests_are_large),
	};

	return mounted_run(tests);
}
