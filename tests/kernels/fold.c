/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Folding a line leaves its parity as it was.
 */
#include "kernels/fold.h"

#include "reference.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The polynomial whose terms lie so far behind its first has all roots of g(x), so g(x) divides it.
 */
static void assert_divisible(const unsigned *distances, unsigned count, unsigned words)
{
	const unsigned degree = distances[count - 1];

	for (unsigned root = 1; root <= 8; root++) {
		uint8_t value = reference_power_of_alpha(root * degree);

		for (unsigned i = 0; i < count; i++)
			value ^= reference_power_of_alpha(root * (degree - distances[i]));
		assert_int_equal(value, 0);
	}
	/* A word is added to bytes behind it, and none of these lies behind the line. */
	assert_true(distances[0] >= 4);
	assert_true(words * 4 + degree <= 128);
}

static void test_polynomials_are_multiples_of_the_generator(void **state)
{
#define LISTED(distance) distance,
	static const unsigned far[] = {FOLD_FAR(LISTED)}, near[] = {FOLD_NEAR(LISTED)};

	(void)state;
	assert_divisible(far, sizeof(far) / sizeof(far[0]), FOLD_FAR_WORDS);
	assert_divisible(near, sizeof(near) / sizeof(near[0]), FOLD_FIRST_WORD);
}

static void test_parity_stays(void **state)
{
	uint64_t random = 11;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		uint8_t line[128], parity[8], folded_parity[8];
		uint32_t words[FOLD_WORDS];

		for (unsigned j = 0; j < 128; j++)
			line[j] = (uint8_t)(reference_random(&random) >> 56);
		if (i < 128) { /* a single byte */
			memset(line, 0, sizeof(line));
			line[i] = 0x5a;
		}
		reference_encode(line, 128, parity);
		memcpy(words, line, sizeof(words));
		fold_line(words);
		memcpy(line, words, sizeof(words));
		memset(line, 0, FOLD_FIRST_WORD * 4);
		reference_encode(line, 128, folded_parity);
		assert_memory_equal(folded_parity, parity, 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_polynomials_are_multiples_of_the_generator),
		cmocka_unit_test(test_parity_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
