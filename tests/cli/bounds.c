/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * What `vramfs test` holds a device to: the chances and the ranges around them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "cli/test-bounds.h"

static void assert_near(double value, double expected)
{
	if (fabs(value - expected) > 1e-6 * expected)
		fail_msg("%g is not %g", value, expected);
}

static double choose(unsigned n, unsigned k)
{
	double result = 1;

	for (unsigned i = 0; i < k; i++)
		result *= (double)(n - i) / (i + 1);
	return result;
}

static void impossible_miscorrections_have_no_chance(void **state)
{
	(void)state;
	for (unsigned code = RS_136; code <= RS_NONE; code++) {
		for (unsigned t = 0; t <= RS_MAX_CORRECT; t++) {
			/* The minimum distance is 9. */
			for (unsigned errors = 1; errors + t < 9; errors++)
				assert_true(test_miscorrection(code, t, errors) == 0);
		}
	}
}

static void possible_miscorrections_have_a_chance_that_grows(void **state)
{
	(void)state;
	for (unsigned code = RS_136; code <= RS_128; code++) {
		for (unsigned t = 1; t <= RS_MAX_CORRECT; t++) {
			for (unsigned errors = 9 - t; errors <= 8; errors++)
				assert_true(test_miscorrection(code, t, errors) >
					    test_miscorrection(code, t, errors - 1));
		}
	}
}

/* The one case that is easy by hand: t + e = 9, so that only codewords of weight 9 count, of which
 * an MDS code has C(n,9) * 255. An error of weight e is within t = 9 - e of one of them if it
 * agrees with it in e of its 9 places: C(9,e) such errors for each codeword. */
static void the_smallest_chances_agree_with_counting(void **state)
{
	(void)state;
	for (unsigned code = RS_136; code <= RS_128; code++) {
		unsigned n = code == RS_136 ? 136 : 128;

		for (unsigned t = 1; t <= RS_MAX_CORRECT; t++) {
			unsigned e = 9 - t;
			double near = choose(n, 9) * 255 * choose(9, e);
			double all = choose(n, e) * pow(255, e);

			assert_near(test_miscorrection(code, t, e), near / all);
		}
	}
}

static void errors_in_parity_alone_agree_with_counting(void **state)
{
	(void)state;
	for (unsigned e = 1; e <= 8; e++) {
		assert_near(test_parity_only(RS_136, e), choose(8, e) / choose(136, e));
		assert_near(test_parity_only(RS_128, e), choose(8, e) / choose(128, e));
	}
}

static void ranges_are_five_sigma(void **state)
{
	struct test_range range;

	(void)state;
	range = test_range(1000000, 0);
	assert_int_equal(range.low, 0);
	assert_int_equal(range.high, 0);
	/* Mean 3125, deviation 55.8. */
	range = test_range(1000000, 3.125e-3);
	assert_in_range(range.low, 3125 - 280, 3125 - 278);
	assert_in_range(range.high, 3125 + 278, 3125 + 280);
	/* Poisson with mean 0.01: more than 2 has a chance of 1.7e-7, more than 1 of 5e-5. */
	range = test_range(1000000, 1e-8);
	assert_int_equal(range.low, 0);
	assert_int_equal(range.high, 2);
	/* Poisson with mean 100, deviation 10: a little to the right of 50..150. */
	range = test_range(1000000, 1e-4);
	assert_in_range(range.low, 50, 60);
	assert_in_range(range.high, 150, 160);
	/* Mean 800, deviation 28.3: too much to be summed. */
	range = test_range(1000000, 8e-4);
	assert_in_range(range.low, 800 - 143, 800 - 141);
	assert_in_range(range.high, 800 + 141, 800 + 143);
	/* Mean 499, deviation 22.3, summed: a little to the right of the 387..611 of a normal one.
	 */
	range = test_range(1000000, 4.99e-4);
	assert_in_range(range.low, 388, 400);
	assert_in_range(range.high, 611, 624);
	/* Not rare: mean 50 of 100, deviation 5. */
	range = test_range(100, 0.5);
	assert_int_equal(range.low, 25);
	assert_int_equal(range.high, 75);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(impossible_miscorrections_have_no_chance),
		cmocka_unit_test(possible_miscorrections_have_a_chance_that_grows),
		cmocka_unit_test(the_smallest_chances_agree_with_counting),
		cmocka_unit_test(errors_in_parity_alone_agree_with_counting),
		cmocka_unit_test(ranges_are_five_sigma),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
