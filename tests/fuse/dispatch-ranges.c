/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * What a profiler is told of requests: a range each for the dispatch, the job and the launch, in
 * the order in which they happen. The profiler is tests/base/nvtx-recorder.c.
 */
#include "caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define LINES_MAX 200u

static char lines[LINES_MAX][100];
static unsigned line_count;

/* What the recorder wrote since the last time, without the names that were registered. */
static void read_record(void)
{
	static long seen;
	FILE *record = fopen(getenv("NVTX_RECORDER_LOG"), "r");

	assert_non_null(record);
	assert_int_equal(fseek(record, seen, SEEK_SET), 0);
	line_count = 0;
	while (fgets(lines[line_count], sizeof(lines[0]), record)) {
		lines[line_count][strcspn(lines[line_count], "\n")] = '\0';
		if (strncmp(lines[line_count], "name ", 5))
			line_count++;
		assert_true(line_count < LINES_MAX);
	}
	seen = ftell(record);
	fclose(record);
}

static void expect(unsigned number, const char *what, const char *text)
{
	char expected[100];

	snprintf(expected, sizeof(expected), "%s %d%s%s", what, gettid(), *text ? " " : "", text);
	assert_true(number < line_count);
	assert_string_equal(lines[number], expected);
}

/* OPCODE's request was one launch of KERNEL. */
static void expect_request(const char *opcode, const char *kernel)
{
	char launch[40], job[40], line[100];
	unsigned long number;

	snprintf(launch, sizeof(launch), "launch %s", kernel);
	snprintf(job, sizeof(job), "job %s", kernel);
	assert_int_equal(line_count, 6);
	expect(0, "push", opcode);
	assert_int_equal(sscanf(lines[1], "start %lu", &number), 1);
	snprintf(line, sizeof(line), "start %lu %s", number, job);
	assert_string_equal(lines[1], line);
	expect(2, "push", launch);
	expect(3, "pop", "");
	expect(4, "pop", "");
	snprintf(line, sizeof(line), "end %lu", number);
	assert_string_equal(lines[5], line);
}

static void requests_that_move_data(void **state)
{
	static const uint8_t data[1000] = {1, 2, 3};
	uint64_t node = create("file", 0600, 0);
	struct fuse_write_in write_in = {.size = sizeof(data)};
	struct fuse_read_in read_in = {.size = sizeof(data)};

	(void)state;
	read_record();
	assert_int_equal(send_write(node, &write_in, data, sizeof(data)), 0);
	read_record();
	expect_request("WRITE", "write");
	assert_int_equal(simple(FUSE_READ, node, &read_in, sizeof(read_in), NULL), 0);
	read_record();
	expect_request("READ", "read");
}

static void requests_that_touch_no_device(void **state)
{
	static const struct {
		uint32_t opcode;
		const char *name;
		int error;
	} requests[] = {
		{FUSE_STATFS, "STATFS", 0},
		{FUSE_LOOKUP, "LOOKUP", -EIO}, /* malformed: it has no name */
		{FUSE_FLUSH, "FLUSH", -ENOSYS},
		{FUSE_OPCODES + 1, "OTHER", -ENOSYS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		read_record();
		assert_int_equal(simple(requests[i].opcode, FUSE_ROOT_NODE, NULL, 0, NULL),
			requests[i].error);
		read_record();
		assert_int_equal(line_count, 2);
		expect(0, "push", requests[i].name);
		expect(1, "pop", "");
	}
}

/* 128 blocks: one job. */
static void a_sweep_holds_its_launches(void **state)
{
	struct store_sweep_totals totals;
	unsigned long job;

	(void)state;
	assert_true(store_geometry(fixture.store)->blocks >= 100);
	read_record();
	assert_int_equal(store_sweep(fixture.store, KERNEL_VERIFY, 0, 100, NULL, &totals), 0);
	read_record();
	assert_int_equal(line_count, 6);
	expect(0, "push", "sweep verify");
	assert_int_equal(sscanf(lines[1], "start %lu job verify", &job), 1);
	expect(2, "push", "launch verify");
	expect(3, "pop", "");
	assert_int_equal(strncmp(lines[4], "end ", 4), 0);
	assert_int_equal(strtoul(lines[4] + 4, NULL, 10), job);
	expect(5, "pop", "");
}

/* A launch that dies ends its ranges, too. */
static void a_failed_launch_ends_its_ranges(void **state)
{
	struct store_sweep_totals totals;

	(void)state;
	read_record();
	store_fail_launches(fixture.store, 1);
	assert_int_equal(store_sweep(fixture.store, KERNEL_VERIFY, 0, 100, NULL, &totals), -EIO);
	read_record();
	assert_int_equal(line_count, 6);
	expect(3, "pop", "");
	assert_int_equal(strncmp(lines[4], "end ", 4), 0);
	expect(5, "pop", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_that_move_data),
		cmocka_unit_test(requests_that_touch_no_device),
		cmocka_unit_test(a_sweep_holds_its_launches),
		cmocka_unit_test(a_failed_launch_ends_its_ranges),
	};
	const char *log = getenv("NVTX_RECORDER_LOG");

	if (!log || !getenv("NVTX_INJECTION64_PATH")) {
		printf("NVTX_RECORDER_LOG and NVTX_INJECTION64_PATH must be set\n");
		return 1;
	}
	unlink(log);
	return cmocka_run_group_tests(tests, caller_open, caller_close);
}
