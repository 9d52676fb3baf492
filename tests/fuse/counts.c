/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* The counters of requests that users are shown. */
#include "fuse/request.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char text[4096];

static const char *shown(struct fuse_counts *counts)
{
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	fuse_counts_show(counts, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void kinds_are_counted_apart_and_together(void **state)
{
	struct fuse_counts *counts = calloc(1, sizeof(*counts));

	(void)state;
	assert_string_equal(shown(counts), "total 0\n");
	for (unsigned thread = 0; thread < 100; thread++)
		fuse_count(counts, thread, FUSE_READ);
	fuse_count(counts, 0, FUSE_LOOKUP);
	fuse_count(counts, 0, 0);
	fuse_count(counts, 0, FUSE_OPCODES);
	fuse_count(counts, 0, UINT32_MAX);
	assert_string_equal(shown(counts), "total 104\nOTHER 3\nLOOKUP 1\nREAD 100\n");
	free(counts);
}

static void every_kind_with_an_argument_has_a_name(void **state)
{
	struct fuse_counts *counts = calloc(1, sizeof(*counts));

	(void)state;
	for (uint32_t opcode = 0; opcode < FUSE_OPCODES; opcode++)
		if (fuse_argument_bytes(opcode))
			fuse_count(counts, 0, opcode);
	assert_null(strstr(shown(counts), "OTHER"));
	free(counts);
}

static void *count_reads(void *counts)
{
	for (int i = 0; i < 100000; i++)
		fuse_count(counts, 0, FUSE_READ);
	return NULL;
}

static void threads_that_share_a_number_lose_nothing(void **state)
{
	struct fuse_counts *counts = calloc(1, sizeof(*counts));
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_reads, counts), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_string_equal(shown(counts), "total 400000\nREAD 400000\n");
	free(counts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_counted_apart_and_together),
		cmocka_unit_test(every_kind_with_an_argument_has_a_name),
		cmocka_unit_test(threads_that_share_a_number_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
