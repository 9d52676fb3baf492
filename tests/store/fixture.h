/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_STORE_FIXTURE_H
#define VRAMFS_TESTS_STORE_FIXTURE_H

#include "device/device.h"
#include "store/store.h"

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/*
 * A store on the device that VRAMFS_TEST_DEVICE names ("host" if unset). Without such a device the
 * whole test is skipped: exit status 77. Failures abort rather than fail a cmocka test, so that all
 * of this can be used from any thread.
 */
#define TEST_REGION_BYTES (64 * MIB)

struct device *test_device_open(void);

struct store *test_store_open(struct device *device, enum rs_code code);

/* A job of this thread's queue; waits for a free one. */
struct store_job *test_job(struct store *store);

/* Submit a job of this thread's queue and wait for it. 0 or -EIO; OUTCOME may be NULL. */
int test_run(struct store *store, struct store_job *job, struct store_outcome *ret_outcome);

/* One segment moved between block and buffer, and waited for. Returns what the job ended with. */
struct test_move {
	enum kernel kernel; /* KERNEL_READ or KERNEL_WRITE */
	uint32_t block, first, count;
	struct device_pinned *buffer;
	size_t buffer_offset;
};
int test_move(struct store *store, const struct test_move *move, struct store_outcome *ret_outcome);

/* A sweep over all blocks. */
struct store_sweep_totals test_sweep(
	struct store *store, enum kernel kernel, const struct store_sweep *arguments);

/* The entries of a test that runs with each code, which it finds at *CONTEXT. */
extern enum rs_code test_rs136, test_rs128, test_none;
#define ON_CODE(test, code)                                     \
	{                                                       \
#test "_" #code, test, NULL, NULL, &test_##code \
	}
#define ON_ALL_CODES(test) ON_CODE(test, rs136), ON_CODE(test, rs128), ON_CODE(test, none)

/* Stop the program if CONDITION does not hold; from any thread. */
#define REQUIRE(condition)                                          \
	do {                                                        \
		if (!(condition))                                   \
			test_abort(__FILE__, __LINE__, #condition); \
	} while (0)
_Noreturn void test_abort(const char *file, int line, const char *condition);

#endif
