/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* The kernels that tests and measurements lean on: do they do what those take for granted? */
#include "rig.h"

#include <math.h>
#include <string.h>

#define BLOCKS 8u

static void randomize_and_encode(struct rig *rig, uint64_t seed)
{
	rig_run(rig, &(struct rig_job){.kernel = KERNEL_RANDOMIZE, .seed = seed});
	rig_run_all(rig, KERNEL_ENCODE, 4);
	rig_pull(rig);
	memcpy(rig->truth, rig->image, rig->image_bytes);
}

static unsigned line_errors(struct rig *rig, uint32_t line)
{
	unsigned errors = 0;
	for (unsigned i = 0; i < rig->symbols; i++)
		errors += *rig_symbol(rig, rig->image, line, i) !=
			  *rig_symbol(rig, rig->truth, line, i);
	return errors;
}

static void test_injected_bytes_are_distinct(void **state)
{
	struct rig *rig = rig_new(*(enum rs_code *)*state, BLOCKS, 1, 0);
	unsigned hits[KERNEL_LINE_BYTES + KERNEL_PARITY_BYTES] = {0};
	for (unsigned errors = 1; errors <= 8; errors++) {
		randomize_and_encode(rig, errors);
		struct kernel_report report =
			rig_run(rig, &(struct rig_job){.kernel = KERNEL_INJECT,
					     .seed = errors,
					     .inject_errors = errors,
					     .inject_every = 1});
		assert_report(&report, &(struct kernel_report){.flagged = rig->lines});
		rig_pull(rig);
		for (uint32_t line = 0; line < rig->lines; line++) {
			assert_int_equal(line_errors(rig, line), errors);
			for (unsigned i = 0; i < rig->symbols; i++)
				hits[i] += *rig_symbol(rig, rig->image, line, i) !=
					   *rig_symbol(rig, rig->truth, line, i);
		}
	}
	/* Every place is hit about equally often, the parity's among them. */
	double mean = 36.0 * rig->lines / rig->symbols;
	for (unsigned i = 0; i < rig->symbols; i++)
		assert_true(fabs(hits[i] - mean) < 5 * sqrt(mean));
	rig_free(rig);
}

static void test_injection_hits_one_line_of_many(void **state)
{
	struct rig *rig = rig_new(*(enum rs_code *)*state, BLOCKS, 1, 0);
	randomize_and_encode(rig, 1);
	for (unsigned every = 2; every <= 64; every *= 2) {
		rig_push(rig);
		struct kernel_report report =
			rig_run(rig, &(struct rig_job){.kernel = KERNEL_INJECT,
					     .seed = every,
					     .inject_errors = 2,
					     .inject_every = every});
		rig_pull(rig);
		unsigned damaged = 0;
		for (uint32_t line = 0; line < rig->lines; line++)
			damaged += line_errors(rig, line) == 2;
		double mean = (double)rig->lines / every;
		assert_report(&report, &(struct kernel_report){.flagged = damaged});
		assert_true(fabs(damaged - mean) < 5 * sqrt(mean));
		memcpy(rig->image, rig->truth, rig->image_bytes);
	}
	rig_free(rig);
}

static void test_compare_counts_lines_that_differ(void **state)
{
	struct rig *rig = rig_new(*(enum rs_code *)*state, BLOCKS, 1, 0);
	struct rig_job compare = {.kernel = KERNEL_COMPARE, .seed = 77};
	randomize_and_encode(rig, 77);
	struct kernel_report report = rig_run(rig, &compare);
	assert_report(&report, &(struct kernel_report){0});
	/* A byte at a time in 120 lines, then more in a line that differs already. */
	for (uint32_t i = 0; i < 120; i++)
		*rig_symbol(rig, rig->image, i * 60, i) ^= 1;
	*rig_symbol(rig, rig->image, 0, 90) ^= 1;
	if (rig->code != RS_NONE) /* no data */
		*rig_symbol(rig, rig->image, 1, rig->data_bytes) ^= 1;
	rig_push(rig);
	report = rig_run(rig, &compare);
	assert_report(&report, &(struct kernel_report){.flagged = 120});
	/* Another seed is other data, in every line. */
	compare.seed = 78;
	report = rig_run(rig, &compare);
	assert_report(&report, &(struct kernel_report){.flagged = rig->lines});
	rig_free(rig);
}

static void test_random_data_differ_everywhere(void **state)
{
	struct rig *rig = rig_new(*(enum rs_code *)*state, BLOCKS, 1, 0);
	unsigned counts[256] = {0};
	randomize_and_encode(rig, 5);
	for (uint32_t line = 1; line < rig->lines; line++) {
		assert_memory_not_equal(rig_symbol(rig, rig->image, line, 0),
			rig_symbol(rig, rig->image, line - 1, 0), rig->data_bytes);
		for (unsigned i = 0; i < rig->data_bytes; i++)
			counts[*rig_symbol(rig, rig->image, line, i)]++;
	}
	double mean = (rig->lines - 1.0) * rig->data_bytes / 256;
	for (unsigned i = 0; i < 256; i++)
		assert_true(fabs(counts[i] - mean) < 5 * sqrt(mean));
	rig_free(rig);
}

/* RANDOMIZE and INJECT of some lines leave the others alone. */
static void test_segments_limit_what_is_touched(void **state)
{
	struct rig *rig = rig_new(*(enum rs_code *)*state, 2, 1, 0);
	rig_randomize(rig, 3);
	rig->segments[0] = (struct kernel_segment){
		.block = 1, .first = 60 * rig->data_bytes, .count = 70 * rig->data_bytes};
	struct kernel_report report = rig_run(rig, &(struct rig_job){.kernel = KERNEL_INJECT,
							   .segment_count = 1,
							   .seed = 9,
							   .inject_errors = 3,
							   .inject_every = 1});
	assert_report(&report, &(struct kernel_report){.flagged = 70});
	rig_pull(rig);
	for (uint32_t line = 0; line < rig->lines; line++) {
		bool inside = line >= KERNEL_BLOCK_LINES + 60 && line < KERNEL_BLOCK_LINES + 130;
		assert_int_equal(line_errors(rig, line), inside ? 3 : 0);
	}
	memcpy(rig->image, rig->truth, rig->image_bytes);
	rig_push(rig);
	rig_run(rig, &(struct rig_job){.kernel = KERNEL_RANDOMIZE, .segment_count = 1, .seed = 9});
	rig_pull(rig);
	for (uint32_t line = 0; line < rig->lines; line++) {
		bool inside = line >= KERNEL_BLOCK_LINES + 60 && line < KERNEL_BLOCK_LINES + 130;
		assert_int_equal(line_errors(rig, line) > 0, inside);
	}
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_injected_bytes_are_distinct),
		RIG_TEST_NONE(test_injected_bytes_are_distinct),
		RIG_TEST(test_injection_hits_one_line_of_many),
		RIG_TEST(test_compare_counts_lines_that_differ),
		RIG_TEST_NONE(test_compare_counts_lines_that_differ),
		RIG_TEST(test_random_data_differ_everywhere),
		RIG_TEST(test_segments_limit_what_is_touched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
