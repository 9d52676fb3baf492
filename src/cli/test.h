/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_TEST_H
#define VRAMFS_CLI_TEST_H

#include "base/size.h"
#include "device/device.h"
#include "store/store.h"

#include <stdbool.h>

/*
 * `vramfs test`: what its parts share. The parts measure and check; the report prints at the end.
 */
#define TEST_ERRORS_MAX 8 /* wrong bytes a line: as many as the code can always detect */

/* One step over a number of payload bytes, in wall time. */
struct test_step {
	const char *name;
	uint64_t bytes;
	double seconds;
};

/* What became of the lines that got `errors` wrong bytes each. */
struct test_row {
	unsigned errors;
	uint64_t lines;
	uint64_t detected;     /* by VERIFY */
	uint64_t corrected[5]; /* by CORRECT: [w] lines in which it changed w bytes */
	uint64_t repaired;     /* of these, lines in which it changed as many as were wrong */
	uint64_t miscorrected; /* and the others: now valid, and not what was written */
	uint64_t lost;         /* given up by CORRECT */
	uint64_t differ;       /* lines whose data are not what was written, after CORRECT */
};

/* Nanoseconds of processor time an operation, on one thread and on each of TEST_POOL_THREADS. */
#define TEST_POOL_THREADS 16
struct test_pool {
	double take_give_ns[2];
	double queue_ns[2];
};

struct test {
	struct device *device;
	struct store *store;
	uint64_t seed;
	struct test_pool pool;
	struct test_step steps[16];
	unsigned step_count;
	struct test_row rows[TEST_ERRORS_MAX];
	unsigned row_count;
	char failures[32][160]; /* what had to hold and did not; the first ones are kept */
	unsigned failure_count;
};

/* Record a step that began at BEGUN, in clock_seconds(). */
void test_step(struct test *test, const char *name, uint64_t bytes, double begun);

/* Record a failure, as printf does, unless HOLDS. */
void test_must(struct test *test, bool holds, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The pool's and the queues' cost; every block is taken once, and they stay taken, as the rest of
 * the test works on all of them. */
err_t test_run_pool(struct test *test, struct why *why);

/* Random bytes from host memory to the device and back, the way files go. */
err_t test_run_transfer(struct test *test, struct why *why);

/* The whole region: random data, codes, damage and repair. */
err_t test_run_steps(struct test *test, struct why *why);

void test_print_table(const struct test *test);
void test_print_json(const struct test *test);

#endif
