/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_POSIX_POSIX_H
#define VRAMFS_TESTS_POSIX_POSIX_H

#include "../fuse/mounted.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What programs may expect of a filesystem, behaviour by behaviour. The same tests run on vramfs
 * and on tmpfs, where they prove that they expect no more than is usual:
 *
 *	VRAMFS_TEST_FILESYSTEM	unset: vramfs, mounted for the test; "tmpfs": a tmpfs of the same
 *				size, likewise; otherwise the directory to run in
 *
 * Each test runs in a fresh directory of its own, which is removed with all that is in it. So tests
 * close what they open only where that is what they are about.
 */
#define posix_test(function) \
	cmocka_unit_test_setup_teardown(function, posix_enter_directory, posix_leave_directory)
int posix_enter_directory(void **state);
int posix_leave_directory(void **state);

#define posix_run(tests) posix_run_array(tests, sizeof(tests) / sizeof((tests)[0]))
int posix_run_array(const struct CMUnitTest *tests, size_t count);

/* For the few things that tmpfs can't do. */
bool posix_on_tmpfs(void);

/* Make FILE, empty or with this text; open it for reading and writing. */
int open_new(const char *file);
int open_with(const char *file, const char *text);
/* Is TEXT all that can be read from FD's beginning? */
void check_text(int fd, const char *text);

/* Run FUNCTION in a child process; its number to wait for. It ends with status 0 if FUNCTION
 * returns 0. */
pid_t start_child(int (*function)(void *argument), void *argument);
/* Wait for it, and hold it to its success. */
void finish_child(pid_t child);
#define in_child(function, argument) finish_child(start_child(function, argument))

/* For functions that run in children, where cmocka's assertions can't be used: print what is wrong,
 * and leave. */
#define CHECK(condition)                                                                 \
	do {                                                                             \
		if (!(condition)) {                                                      \
			printf("%s:%d: not so: %s (errno %d, %s)\n", __FILE__, __LINE__, \
				#condition, errno, strerror(errno));                     \
			fflush(stdout);                                                  \
			_exit(1);                                                        \
		}                                                                        \
	} while (0)

/* From now on this signal only waits to be taken; whether it has come (at least once) since it was
 * taken last. */
void collect_signal(int number);
bool take_signal(int number);

/* A pipe through which two processes take turns. */
struct turn {
	int ends[2];
};
struct turn turn_new(void);
void turn_give(const struct turn *turn);
void turn_await(const struct turn *turn);

/* Bytes that files can still take. */
uint64_t free_bytes(void);
/* Wait until there are at least so many: space that a removed file had comes back when the kernel
 * has let go of it. */
void await_free_bytes(uint64_t bytes);

#endif
