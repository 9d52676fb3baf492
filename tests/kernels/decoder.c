/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The decoder by tables (src/kernels/decoder.h), compiled natively, finds the same errors as the
 * portable one: where it can find them, where there are more than it may correct, and where a line
 * is mistaken for another.
 */
#include "kernels/decoder.h"

#include "reference.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define LINES 20000 /* for each code and number of errors */

static const uint32_t data_bytes_of[] = {128, 120};

/* What is found, as a value for each position: the order does not matter. */
static void spread(struct code_errors errors, uint8_t ret_values[256])
{
	memset(ret_values, 0, 256);
	for (uint32_t i = 0; i < errors.count; i++)
		ret_values[(errors.positions >> (8 * i)) & 0xff] =
			(uint8_t)(errors.values >> (8 * i));
}

/* Returns how many errors both find. */
static uint32_t assert_same(uint64_t remainder, uint32_t data_bytes, uint32_t max_correct)
{
	struct code_errors expected = {0, 0, 0};
	struct code_errors got =
		decoder_find_errors(&rs_decoder, remainder, data_bytes, max_correct);
	uint8_t expected_values[256], got_values[256];

	if (remainder)
		expected = code_find_errors(remainder, data_bytes, max_correct);
	spread(expected, expected_values);
	spread(got, got_values);
	if (got.count != expected.count || memcmp(got_values, expected_values, 256) != 0)
		fail_msg("remainder %016llx, %u data bytes, at most %u: %u errors (%08x at %08x) "
			 "instead of %u (%08x at %08x)",
			(unsigned long long)remainder, data_bytes, max_correct, got.count,
			got.values, got.positions, expected.count, expected.values,
			expected.positions);
	return got.count;
}

/* The remainder of ERRORS random errors. */
static uint64_t random_remainder(unsigned errors, uint32_t data_bytes, uint64_t *random)
{
	uint64_t remainder = 0;
	bool hit[KERNEL_LINE_BYTES + KERNEL_PARITY_BYTES] = {false};

	while (errors > 0) {
		uint64_t drawn = reference_random(random) >> 16;
		uint32_t position = (uint32_t)(drawn % (data_bytes + KERNEL_PARITY_BYTES));

		if (hit[position])
			continue;
		hit[position] = true;
		remainder ^=
			code_contribution(position, 1 + (uint32_t)(drawn >> 16) % 255, data_bytes);
		errors--;
	}
	return remainder;
}

static void test_none_to_eight_errors(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (unsigned code = 0; code < 2; code++) {
		const uint32_t data_bytes = data_bytes_of[code];

		for (unsigned errors = 0; errors <= 8; errors++) {
			uint32_t found[5] = {0};

			for (unsigned line = 0; line < LINES; line++) {
				uint64_t remainder = random_remainder(errors, data_bytes, &random);

				for (uint32_t most = 0; most <= 4; most++)
					found[most] +=
						assert_same(remainder, data_bytes, most) != 0;
			}
			/* Also that both are right. */
			for (uint32_t most = 0; most <= 4; most++) {
				if (errors <= most)
					assert_int_equal(found[most], errors ? LINES : 0);
				else if (errors <= 8 - most)
					assert_int_equal(found[most], 0);
			}
			/* One line in 300 to 500 is mistaken for another. */
			if (errors > 4)
				assert_in_range(found[4], LINES / 1000, LINES / 100);
		}
	}
}

/* What no number of errors in particular has led to. */
static void test_any_remainder(void **state)
{
	uint64_t random = 2;

	(void)state;
	for (unsigned line = 0; line < 5 * LINES; line++) {
		uint64_t remainder = reference_random(&random);

		remainder ^= reference_random(&random) >> 32;
		for (unsigned code = 0; code < 2; code++)
			assert_same(remainder, data_bytes_of[code], 4);
	}
}

static void test_every_single_error(void **state)
{
	(void)state;
	for (unsigned code = 0; code < 2; code++) {
		const uint32_t data_bytes = data_bytes_of[code];

		for (uint32_t position = 0; position < data_bytes + 8; position++) {
			for (uint32_t value = 1; value < 256; value++) {
				uint64_t remainder = code_contribution(position, value, data_bytes);

				assert_int_equal(assert_same(remainder, data_bytes, 1), 1);
			}
		}
	}
}

static void test_every_pair_of_positions(void **state)
{
	uint64_t random = 3;

	(void)state;
	for (unsigned code = 0; code < 2; code++) {
		const uint32_t data_bytes = data_bytes_of[code];

		for (uint32_t first = 0; first < data_bytes + 8; first++) {
			for (uint32_t second = 0; second < first; second++) {
				uint64_t drawn = reference_random(&random) >> 16;
				uint64_t remainder =
					code_contribution(first, 1 + drawn % 255, data_bytes) ^
					code_contribution(
						second, 1 + (drawn >> 16) % 255, data_bytes);

				assert_int_equal(assert_same(remainder, data_bytes, 2), 2);
			}
		}
	}
}

/* Errors at the positions that have these four LOCATORS; 0 is none. False if one lies outside. */
static bool remainder_of_locators(
	const uint8_t locators[4], uint32_t data_bytes, uint64_t *random, uint64_t *ret_remainder)
{
	uint64_t remainder = 0;

	for (unsigned i = 0; i < 4; i++) {
		uint32_t exponent = rs_decoder.logarithms[locators[i]];
		uint32_t value = 1 + (uint32_t)(reference_random(random) >> 40) % 255;

		if (locators[i] == 0)
			continue;
		if (exponent >= data_bytes + 8)
			return false;
		remainder ^= code_contribution(data_bytes + 7 - exponent, value, data_bytes);
	}
	*ret_remainder = remainder;
	return true;
}

/*
 * Three and four errors (the fourth locator 0) whose locator polynomials lack some powers of x, for
 * which finding roots has cases of its own: the sum of the locators is 0, and in the second form
 * that of their products by two as well. They are too rare to be left to chance.
 */
static void test_locators_that_lack_powers(void **state)
{
	uint64_t random = 4;
	uint32_t counts[2][2] = {{0, 0}, {0, 0}}; /* by form, by number of errors */

	(void)state;
	for (unsigned round = 0; round < 50 * LINES; round++) {
		const uint64_t drawn = reference_random(&random) >> 16;
		const unsigned form = round & 1, four = round >> 1 & 1;
		const uint32_t data_bytes = data_bytes_of[round >> 2 & 1];
		const uint8_t base = four ? (uint8_t)(1 + drawn % 255) : 0;
		const uint8_t a = (uint8_t)(drawn >> 16);
		const uint8_t b = form ? reference_multiply(a, reference_power_of_alpha(85))
				       : (uint8_t)(drawn >> 24);
		const uint8_t locators[4] = {base, base ^ a, base ^ b, base ^ a ^ b};
		uint64_t remainder;

		if (a == 0 || b == 0 || a == b || (four && (base == a || base == b)) ||
			(four && base == (a ^ b)))
			continue;
		if (!remainder_of_locators(locators, data_bytes, &random, &remainder))
			continue;
		assert_int_equal(assert_same(remainder, data_bytes, 4), four ? 4 : 3);
		counts[form][four]++;
	}
	assert_true(counts[0][0] > LINES / 10);
	assert_true(counts[0][1] > LINES / 10);
	assert_true(counts[1][1] > LINES / 10);
	/* Three locators with the same cube are a third of the field apart: no line is so long. */
	assert_int_equal(counts[1][0], 0);
}

/* Syndromes are a linear function of the remainder, bit by bit, and so is the remainder of them:
 * here by Gauss's elimination. What bit i of the syndromes adds to the remainder. */
static void invert_syndromes(uint64_t ret_remainders[64])
{
	uint64_t syndromes[64];

	for (unsigned i = 0; i < 64; i++) {
		ret_remainders[i] = 1ul << i;
		syndromes[i] = code_syndromes(1ul << i);
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		unsigned pivot = bit;

		while (!(syndromes[pivot] >> bit & 1))
			pivot++;
		for (unsigned i = 0; i < 64; i++) {
			if (i == pivot || !(syndromes[i] >> bit & 1))
				continue;
			syndromes[i] ^= syndromes[pivot];
			ret_remainders[i] ^= ret_remainders[pivot];
		}
		const uint64_t syndrome = syndromes[pivot], remainder = ret_remainders[pivot];
		syndromes[pivot] = syndromes[bit];
		ret_remainders[pivot] = ret_remainders[bit];
		syndromes[bit] = syndrome;
		ret_remainders[bit] = remainder;
	}
}

/*
 * Lines that no errors lead to and damage hardly ever does, but which are lines: whose syndromes
 * follow from each other by any polynomial of degree 4 and less, with roots that are double, zero
 * or not in the field, and often without some of its powers.
 */
static void test_any_locator_polynomial(void **state)
{
	uint64_t random = 5, remainders[64];
	uint32_t found[5] = {0};

	(void)state;
	invert_syndromes(remainders);
	for (unsigned round = 0; round < 20 * LINES; round++) {
		const uint64_t drawn = reference_random(&random) >> 8;
		const unsigned degree = 1 + round % 4;
		uint8_t syndromes[8];
		uint64_t remainder = 0;

		for (unsigned i = 0; i < 8; i++) {
			/* Which of the first ones are 0, and which coefficients, are bits of DRAWN.
			 */
			uint64_t next = reference_random(&random);

			syndromes[i] = i < degree && drawn >> i & 1 ? (uint8_t)(next >> 32) : 0;
			for (unsigned j = 1; j <= degree && i >= degree; j++) {
				if (drawn >> (8 + j) & 1)
					syndromes[i] ^= reference_multiply(
						syndromes[i - j], (uint8_t)(drawn >> (16 + 8 * j)));
			}
			for (unsigned bit = 0; bit < 8; bit++) {
				if (syndromes[i] >> bit & 1)
					remainder ^= remainders[8 * i + bit];
			}
		}
		found[assert_same(remainder, data_bytes_of[round >> 2 & 1], 4)]++;
	}
	for (unsigned count = 0; count <= 4; count++)
		assert_true(found[count] > LINES / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none_to_eight_errors),
		cmocka_unit_test(test_any_remainder),
		cmocka_unit_test(test_every_single_error),
		cmocka_unit_test(test_every_pair_of_positions),
		cmocka_unit_test(test_locators_that_lack_powers),
		cmocka_unit_test(test_any_locator_polynomial),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
