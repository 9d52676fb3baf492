/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* The arithmetic inside the decoder, compiled natively: field operations and syndromes. */
#include "reference.h"
#include "vectors.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "kernels/code.h"

static void test_field_arithmetic(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			/* Eight different pairs at once, so that a carry into a neighbour shows. */
			uint64_t left = 0, right = 0, product = 0, scaled = 0;
			for (unsigned i = 0; i < 8; i++) {
				uint8_t l = (uint8_t)(a + 37 * i), r = (uint8_t)(b + 91 * i);
				left |= (uint64_t)l << 8 * i;
				right |= (uint64_t)r << 8 * i;
				product |= (uint64_t)reference_multiply(l, r) << 8 * i;
				scaled |= (uint64_t)reference_multiply(l, (uint8_t)b) << 8 * i;
			}
			assert_int_equal(gf_multiply(left, right), product);
			assert_int_equal(gf_scale(left, b), scaled);
		}
		if (a)
			assert_int_equal(reference_multiply((uint8_t)a, (uint8_t)gf_invert(a)), 1);
	}
	assert_int_equal(gf_invert(0), 0);
	assert_int_equal(gf_sum(0x0102040810204080ul), 0xff);
	assert_int_equal(gf_sum(0xa5000000000000a5ul), 0);
}

static uint64_t load(const uint8_t bytes[8])
{
	uint64_t word;
	memcpy(&word, bytes, 8);
	return word;
}

/* The portable form of code_parity(), which processors don't use outside of this test. */
static void test_parity_by_bit_planes(void **state)
{
	(void)state;
	uint64_t random = 1;
	for (unsigned round = 0; round < 1000; round++) {
		uint32_t row[32];
		uint8_t parity[8];
		for (unsigned i = 0; i < 32; i++)
			row[i] = (uint32_t)(reference_random(&random) >> 32);
		reference_encode((const uint8_t *)row, 128, parity);
		assert_int_equal(code_parity(row, 128), load(parity));
		reference_encode((const uint8_t *)row, 120, parity);
		assert_int_equal(code_parity(row, 120), load(parity));
	}
}

static void test_error_vector(void **state)
{
	(void)state;
	struct vectors *vectors = vectors_load();
	const struct error_vector *error = &vectors->error;
	uint64_t remainder = 0;
	for (size_t i = 0; i < error->error_count; i++)
		remainder ^=
			code_contribution(error->errors[i].position, error->errors[i].value, 128);
	assert_int_equal(code_syndromes(remainder), load(error->syndromes));

	struct code_errors found = code_find_errors(remainder, 128, 4);
	assert_int_equal(found.count, error->error_count);
	for (size_t i = 0; i < error->error_count; i++) {
		bool seen = false;
		for (unsigned j = 0; j < found.count; j++)
			seen |= (found.positions >> 8 * j & 0xff) == error->errors[i].position &&
				(found.values >> 8 * j & 0xff) == error->errors[i].value;
		assert_true(seen);
	}
	for (unsigned max_correct = 0; max_correct < 4; max_correct++)
		assert_int_equal(code_find_errors(remainder, 128, max_correct).count, 0);
	vectors_free(vectors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field_arithmetic),
		cmocka_unit_test(test_parity_by_bit_planes),
		cmocka_unit_test(test_error_vector),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
