/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * What the decoder owes: all that it can correct, exhaustively where that is possible; and beyond
 * that, no wrong corrections but those that no decoder can avoid, whose share is known.
 */
#include "rig.h"

#include "reference.h"

#include <math.h>
#include <string.h>

static uint32_t blocks_for(uint32_t lines)
{
	return (lines + KERNEL_BLOCK_LINES - 1) / KERNEL_BLOCK_LINES;
}

/* Push the damaged image; DAMAGED lines have ERRORS errors each. All must become what they were. */
static void correct_and_check(struct rig *rig, uint32_t damaged, unsigned errors)
{
	struct kernel_report report, expected = {.flagged = damaged};
	rig_push(rig);
	report = rig_run_all(rig, KERNEL_VERIFY, errors);
	assert_report(&report, &expected);
	expected.corrected[errors] = damaged;
	/* No more correction than the damage needs has to be allowed. */
	report = rig_run_all(rig, KERNEL_CORRECT, errors);
	assert_report(&report, &expected);
	assert_region(rig, rig->truth);
	report = rig_run_all(rig, KERNEL_VERIFY, 4);
	assert_report(&report, &(struct kernel_report){0});
}

static void test_every_single_error(void **state)
{
	enum rs_code code = *(enum rs_code *)*state;
	unsigned symbols = rs_data_per_line(code) + 8;
	struct rig *rig = rig_new(code, blocks_for(symbols * 255), 1, 0);
	uint32_t line = 0;
	rig_randomize(rig, 1);
	for (unsigned position = 0; position < symbols; position++) {
		for (unsigned value = 1; value < 256; value++)
			*rig_symbol(rig, rig->image, line++, position) ^= value;
	}
	correct_and_check(rig, line, 1);
	rig_free(rig);
}

static void test_every_pair_of_positions(void **state)
{
	enum rs_code code = *(enum rs_code *)*state;
	unsigned symbols = rs_data_per_line(code) + 8;
	struct rig *rig = rig_new(code, blocks_for(symbols * (symbols - 1) / 2), 1, 0);
	uint32_t line = 0;
	uint64_t random = 2;
	rig_randomize(rig, 2);
	for (unsigned first = 0; first < symbols; first++) {
		for (unsigned second = first + 1; second < symbols; second++, line++) {
			uint64_t drawn = reference_random(&random) >> 16;
			*rig_symbol(rig, rig->image, line, first) ^= 1 + drawn % 255;
			*rig_symbol(rig, rig->image, line, second) ^= 1 + (drawn >> 16) % 255;
		}
	}
	correct_and_check(rig, line, 2);
	rig_free(rig);
}

static void check_random_errors(enum rs_code code, unsigned errors)
{
	struct rig *rig = rig_new(code, 30, 1, 0);
	uint64_t random = errors;
	rig_randomize(rig, errors);
	for (uint32_t line = 0; line < rig->lines; line++)
		rig_damage(rig, line, errors, &random);
	correct_and_check(rig, rig->lines, errors);
	rig_free(rig);
}

static void test_random_three_and_four_errors(void **state)
{
	check_random_errors(*(enum rs_code *)*state, 3);
	check_random_errors(*(enum rs_code *)*state, 4);
}

/* Errors in parity bytes only, all eight places. */
static void test_errors_in_parity_only(void **state)
{
	struct rig *rig = rig_new(*(enum rs_code *)*state, 1, 1, 0);
	uint32_t damaged = 0;
	rig_randomize(rig, 3);
	for (unsigned set = 0; set < 256; set++) {
		if (__builtin_popcount(set) != 4)
			continue;
		for (unsigned i = 0; i < 8; i++) {
			if (set >> i & 1)
				*rig_symbol(rig, rig->image, damaged, rig->data_bytes + i) ^=
					1 + set;
		}
		damaged++;
	}
	correct_and_check(rig, damaged, 4);
	rig_free(rig);
}

/*
 * The share of lines with 5, 6, 7 and 8 errors that a decoder which corrects up to t takes for
 * other codewords with at most t errors: the number of codewords that near, out of all words; what
 * is below one in a billion is 0 here. It follows from the weight distribution of the codes.
 */
static const double wrong_share[2][5][4] = {
	[RS_136] = {[3] = {0, 3.32e-7, 3.67e-7, 3.69e-7},
		[4] = {2.771e-3, 3.108e-3, 3.125e-3, 3.125e-3}},
	[RS_128] = {[3] = {0, 2.74e-7, 3.06e-7, 3.07e-7},
		[4] = {2.147e-3, 2.430e-3, 2.445e-3, 2.446e-3}},
};

/* Correct the damaged region. Returns how many lines were miscorrected. */
static uint32_t correct_beyond(struct rig *rig, unsigned errors, unsigned max_correct)
{
	struct kernel_report report = rig_run_all(rig, KERNEL_CORRECT, max_correct);
	double expected = rig->lines * wrong_share[rig->code][max_correct][errors - 5];
	uint32_t wrong = rig->lines - report.lost;
	assert_int_equal(report.flagged, rig->lines);
	assert_int_equal(report.corrected[1] + report.corrected[2] + report.corrected[3] +
				 report.corrected[4],
		wrong);
	for (unsigned i = max_correct + 1; i <= 4; i++)
		assert_int_equal(report.corrected[i], 0);
	if (fabs(wrong - expected) > 3 * sqrt(expected))
		fail_msg("%u errors, max_correct %u: %u lines miscorrected, expected %g", errors,
			max_correct, wrong, expected);
	return wrong;
}

static void test_five_to_eight_errors(void **state)
{
	struct rig *rig = rig_new(*(enum rs_code *)*state, 98, 1, 0);
	const struct kernel_report all = {.flagged = rig->lines};
	for (unsigned errors = 5; errors <= 8; errors++) {
		struct kernel_report report;
		rig_run(rig, &(struct rig_job){.kernel = KERNEL_RANDOMIZE, .seed = errors});
		rig_run_all(rig, KERNEL_ENCODE, 4);
		report = rig_run(rig, &(struct rig_job){.kernel = KERNEL_INJECT,
					      .seed = 10 + errors,
					      .inject_errors = errors,
					      .inject_every = 1});
		assert_report(&report, &all);
		/* Up to 8 errors, no line can look like a codeword. */
		report = rig_run_all(rig, KERNEL_VERIFY, 4);
		assert_report(&report, &all);

		/* Up to 3, so few lines are miscorrected that none is; so the region stays as it
		 * is for the next. */
		uint32_t wrong = 0;
		for (unsigned max_correct = 0; max_correct <= 4; max_correct++) {
			assert_int_equal(wrong, 0);
			wrong = correct_beyond(rig, errors, max_correct);
		}
		/* What was corrected is a codeword now, and nothing else is. */
		report = rig_run_all(rig, KERNEL_VERIFY, 4);
		assert_int_equal(report.flagged, rig->lines - wrong);
		/* But it is the wrong one. */
		report = rig_run(rig, &(struct rig_job){.kernel = KERNEL_COMPARE, .seed = errors});
		assert_true(report.flagged >= wrong);
	}
	rig_free(rig);
}

/* Up to 8 - t errors, more than t are never taken for fewer. */
static void test_lost_for_certain(void **state)
{
	struct rig *rig = rig_new(*(enum rs_code *)*state, 4, 1, 0);
	uint64_t random = 4;
	for (unsigned max_correct = 0; max_correct <= 3; max_correct++) {
		for (unsigned errors = max_correct + 1; errors <= 8 - max_correct; errors++) {
			struct kernel_report lost = {.flagged = rig->lines, .lost = rig->lines};
			rig_randomize(rig, errors);
			for (uint32_t line = 0; line < rig->lines; line++)
				rig_damage(rig, line, errors, &random);
			rig_push(rig);
			memcpy(rig->truth, rig->image, rig->image_bytes);
			struct kernel_report report = rig_run_all(rig, KERNEL_CORRECT, max_correct);
			assert_report(&report, &lost);
			report = rig_run_all(rig, KERNEL_REFRESH, max_correct);
			assert_report(&report, &lost);
			assert_region(rig, rig->truth); /* untouched */
		}
	}
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_every_single_error),
		RIG_TEST(test_every_pair_of_positions),
		RIG_TEST(test_random_three_and_four_errors),
		RIG_TEST(test_errors_in_parity_only),
		RIG_TEST(test_five_to_eight_errors),
		RIG_TEST(test_lost_for_certain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
