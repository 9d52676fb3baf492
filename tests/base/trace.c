/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Ranges reach a profiler: nvtx-recorder.c, which NVTX_INJECTION64_PATH names here. With
 * NVTX_RECORDER_MODE=register it takes no names beforehand.
 */
#include "base/trace.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define LINES_MAX 20000u

static char *lines[LINES_MAX];
static unsigned line_count;

/* What the recorder wrote since the last time. */
static void read_record(void)
{
	static long seen;
	char line[200];
	FILE *record = fopen(getenv("NVTX_RECORDER_LOG"), "r");

	for (unsigned i = 0; i < line_count; i++)
		free(lines[i]);
	line_count = 0;
	assert_non_null(record);
	assert_int_equal(fseek(record, seen, SEEK_SET), 0);
	while (fgets(line, sizeof(line), record)) {
		assert_true(line_count < LINES_MAX);
		line[strcspn(line, "\n")] = '\0';
		lines[line_count++] = strdup(line);
	}
	seen = ftell(record);
	fclose(record);
}

static bool names_are_registered(void)
{
	return !getenv("NVTX_RECORDER_MODE");
}

/* Lines that begin with BEGINNING. */
static unsigned count_lines(const char *beginning)
{
	unsigned count = 0;

	for (unsigned i = 0; i < line_count; i++)
		count += !strncmp(lines[i], beginning, strlen(beginning));
	return count;
}

static void expect_line(unsigned number, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void expect_line(unsigned number, const char *format, ...)
{
	char expected[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(expected, sizeof(expected), format, arguments);
	va_end(arguments);
	assert_true(number < line_count);
	assert_string_equal(lines[number], expected);
}

static void off_before_the_first_device(void **state)
{
	(void)state;
	assert_false(trace_enabled());
	assert_false(trace_push("early"));
	trace_pop(false);
	assert_int_equal(trace_start("early"), 0);
	trace_end(0);
	trace_name_thread("early");
	assert_int_not_equal(access(getenv("NVTX_RECORDER_LOG"), F_OK), 0);
}

static void attached_once(void **state)
{
	(void)state;
	trace_open();
	trace_open();
	assert_true(trace_enabled());
	read_record();
	assert_int_equal(line_count, 1);
	expect_line(0, "domain vramfs");
}

static void run_nested(void)
{
	CLEANUP(trace_pop_p) bool outer = trace_push("outer");

	assert_true(outer);
	for (int i = 0; i < 2; i++) {
		CLEANUP(trace_pop_p) bool inner = trace_push("inner");

		assert_true(inner);
	}
}

static void nested_ranges_end_with_their_scopes(void **state)
{
	int thread = gettid();
	unsigned names = names_are_registered() ? 1 : 0, line = 0;

	(void)state;
	run_nested();
	read_record();
	line += names;
	expect_line(line++, "push %d outer", thread);
	line += names;
	for (int i = 0; i < 2; i++) {
		expect_line(line++, "push %d inner", thread);
		expect_line(line++, "pop %d", thread);
	}
	expect_line(line++, "pop %d", thread);
	assert_int_equal(line_count, line);
	assert_int_equal(count_lines("name "), 2 * names);
}

static void ranges_may_overlap(void **state)
{
	uint64_t first = trace_start("first"), second = trace_start("second");

	(void)state;
	assert_true(first && second && first != second);
	trace_end(first);
	trace_end(second);
	read_record();
	assert_int_equal(count_lines("start "), 2);
	expect_line(line_count - 2, "end %lu", (unsigned long)first);
	expect_line(line_count - 1, "end %lu", (unsigned long)second);
}

static void a_thread_has_a_name(void **state)
{
	(void)state;
	trace_name_thread("the first");
	read_record();
	assert_int_equal(line_count, 1);
	expect_line(0, "thread %d the first", gettid());
}

#define THREADS 4u
#define ROUNDS 500u
#define MANY 600u

static char many[MANY][16];

static void *run_thread(void *argument)
{
	(void)argument;
	for (unsigned i = 0; i < ROUNDS; i++) {
		TRACE_SCOPE(many[i % 8]);

		trace_end(trace_start(many[8 + i % 8]));
	}
	return NULL;
}

/* Threads meet in the table of names: each range arrives with its own name all the same. */
static void threads_register_each_name_once(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		snprintf(many[i], sizeof(many[i]), "many-%u.", i);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_thread, NULL), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	read_record();
	assert_int_equal(count_lines("name "), names_are_registered() ? 16 : 0);
	assert_int_equal(count_lines("push "), THREADS * ROUNDS);
	assert_int_equal(count_lines("pop "), THREADS * ROUNDS);
	assert_int_equal(count_lines("start "), THREADS * ROUNDS);
	assert_int_equal(count_lines("end "), THREADS * ROUNDS);
	for (unsigned i = 0; i < 8; i++) {
		unsigned count = 0;

		for (unsigned j = 0; j < line_count; j++)
			count += !strncmp(lines[j], "push ", 5) && strstr(lines[j], many[i]);
		assert_int_equal(count, THREADS * (ROUNDS / 8 + (i < ROUNDS % 8)));
	}
}

/* More names than there is room for arrive as text. */
static void names_without_end(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < MANY; i++)
			trace_pop(trace_push(many[i]));
		read_record();
		assert_int_equal(count_lines("push "), MANY);
		for (unsigned i = 0, j = 0; i < MANY; i++, j++) {
			while (strncmp(lines[j], "push ", 5))
				j++;
			expect_line(j, "push %d %s", gettid(), many[i]);
		}
	}
	assert_int_equal(count_lines("name "), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(off_before_the_first_device),
		cmocka_unit_test(attached_once),
		cmocka_unit_test(nested_ranges_end_with_their_scopes),
		cmocka_unit_test(ranges_may_overlap),
		cmocka_unit_test(a_thread_has_a_name),
		cmocka_unit_test(threads_register_each_name_once),
		cmocka_unit_test(names_without_end),
	};
	const char *log = getenv("NVTX_RECORDER_LOG");

	if (!log || !getenv("NVTX_INJECTION64_PATH")) {
		printf("NVTX_RECORDER_LOG and NVTX_INJECTION64_PATH must be set\n");
		return 1;
	}
	unlink(log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
