/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_FUSE_MOUNTED_H
#define VRAMFS_TESTS_FUSE_MOUNTED_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <cmocka.h>

#include "fuse/fuse.h"

/*
 * Mount a filesystem of its own in a temporary directory and run TESTS in a child process whose
 * current directory is its root. Returns main's exit status: 77 where mounting isn't possible.
 */
#define mounted_run(tests) mounted_run_array(tests, sizeof(tests) / sizeof((tests)[0]))
int mounted_run_array(const struct CMUnitTest *tests, size_t count);

/* The cache mode of the mount: that which VRAMFS_TEST_CACHE names, or the default. */
enum fuse_cache mounted_cache(void);

/* Likewise, how requests come from the kernel: VRAMFS_TEST_TRANSPORT. */
enum fuse_transport_kind mounted_transport(void);

/* How many requests of KIND, as "vramfs.requests" calls it, the kernel has sent to the mount. */
uint64_t mounted_requests(const char *kind);

/* A closed file is released some time later, and until then opens follow how it was open. Wait for
 * that; to be called when no file is open. */
void mounted_settle(void);

/* The call must succeed; its value. */
#define must(call)                                                  \
	({                                                          \
		__auto_type must_value = (call);                    \
		if (must_value < 0)                                 \
			fail_msg("%s: %s", #call, strerror(errno)); \
		must_value;                                         \
	})

/* For an open() that must succeed and is all that matters. */
void close_opened(int fd);

/* The call must fail with this errno. */
#define must_fail(call, err)                        \
	do {                                        \
		errno = 0;                          \
		assert_int_equal((long)(call), -1); \
		assert_int_equal(errno, err);       \
	} while (0)

/* Make FILE with SIZE bytes that depend on SEED and the place. */
void make_file(const char *file, size_t size, unsigned seed);
/* Is FILE just that? */
void check_file(const char *file, size_t size, unsigned seed);
void fill_pattern(uint8_t *bytes, size_t size, size_t offset, unsigned seed);

struct stat stat_of(const char *file);

/* Run FUNCTION in another process with the user and group 1000, which owns nothing here; its
 * return value must be 0. */
void as_user(int (*function)(const char *argument), const char *argument);

#endif
