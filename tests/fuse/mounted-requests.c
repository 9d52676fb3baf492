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

static void forget_pages(const char *file)
{
	int fd = must(open(file, O_RDONLY));

	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	must(close(fd));
	mounted_settle();
}

static void what_is_known_of_a_name_is_not_asked_again(void **state)
{
	uint64_t before;

	(void)state;
	make_file("known", 100, 1);
	must(mkdir("directory", 0755));
	must(symlink("known", "link"));
	stat_of("known");
	before = metadata_requests();
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
	assert_int_equal(metadata_requests(), before);
	assert_true(mounted_requests("READLINK") <= 1);
	must(unlink("link"));
	must(rmdir("directory"));
	must(unlink("known"));
}

static void a_missing_name_is_asked_for_once(void **state)
{
	uint64_t before = mounted_requests("LOOKUP");

	(void)state;
	for (int i = 0; i < 10; i++)
		must_fail(access("missing", F_OK), ENOENT);
	assert_int_equal(mounted_requests("LOOKUP"), before + 1);
	make_file("missing", 1, 1);
	must(access("missing", F_OK));
	must(unlink("missing"));
	must_fail(access("missing", F_OK), ENOENT);
}

#define ENTRIES 1000

static void a_listing_with_attributes_takes_few_requests(void **state)
{
	uint64_t before;

	(void)state;
	must(mkdir("long", 0755));
	for (int i = 0; i < ENTRIES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "long/%d", i);
		must(mknod(name, S_IFREG | 0644, 0));
	}
	forget_names();
	before = metadata_requests();
	must(system("ls -l long >/dev/null"));
	assert_true(metadata_requests() - before <= ENTRIES / 10);
	before = metadata_requests();
	must(system("ls -l long >/dev/null"));
	assert_true(metadata_requests() - before <= ENTRIES / 20);
	must(system("rm -r long"));
}

static void read_whole(const char *file, size_t size, size_t at_once)
{
	uint8_t *bytes = malloc(at_once), *expected = malloc(at_once);
	int fd = must(open(file, O_RDONLY));

	for (size_t at = 0; at < size; at += at_once) {
		assert_int_equal(must(read(fd, bytes, at_once)), at_once);
		fill_pattern(expected, at_once, at, 1);
		assert_memory_equal(bytes, expected, at_once);
	}
	must(close(fd));
	free(bytes);
	free(expected);
}

static void what_was_read_is_asked_for_again_only_without_a_cache(void **state)
{
	uint64_t before;

	(void)state;
	make_file("read", 4 * MIB, 1);
	mounted_settle();
	forget_pages("read");
	read_whole("read", 4 * MIB, MIB / 8);
	mounted_settle();
	before = mounted_requests("READ");
	read_whole("read", 4 * MIB, MIB / 8);
	assert_int_equal(
		mounted_requests("READ") - before, mounted_cache() == FUSE_CACHE_NONE ? 32 : 0);
	must(unlink("read"));
}

static void what_was_written_is_in_the_cache_only_if_all_is(void **state)
{
	uint64_t before;

	(void)state;
	make_file("written", 4 * MIB, 1);
	mounted_settle();
	before = mounted_requests("READ");
	read_whole("written", 4 * MIB, MIB / 8);
	if (mounted_cache() == FUSE_CACHE_ALWAYS)
		assert_int_equal(mounted_requests("READ"), before);
	else
		assert_true(mounted_requests("READ") > before);
	must(unlink("written"));
}

/* May this process change how far the kernel reads ahead? */
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

static void sequential_requests_are_large(void **state)
{
	const size_t size = 16 * MIB;
	uint64_t reads, writes = mounted_requests("WRITE");

	(void)state;
	make_file("large", size, 1);
	/* One more, as the buffer does not begin with a page. */
	assert_true(mounted_requests("WRITE") - writes <= size / MIB + 1);
	mounted_settle();
	forget_pages("large");
	reads = mounted_requests("READ");
	read_whole("large", size, MIB / 8);
	reads = mounted_requests("READ") - reads;
	if (mounted_cache() == FUSE_CACHE_NONE)
		assert_int_equal(reads, size / (MIB / 8));
	else if (read_ahead_is_raised())
		assert_true(reads <= size / MIB + 8); /* it begins with smaller ones */
	must(unlink("large"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_of_a_name_is_not_asked_again),
		cmocka_unit_test(a_missing_name_is_asked_for_once),
		cmocka_unit_test(a_listing_with_attributes_takes_few_requests),
		cmocka_unit_test(what_was_read_is_asked_for_again_only_without_a_cache),
		cmocka_unit_test(what_was_written_is_in_the_cache_only_if_all_is),
		cmocka_unit_test(sequential_requests_are_large),
	};

	return mounted_run(tests);
}
