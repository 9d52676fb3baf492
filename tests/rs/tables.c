/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* The generated tables against the reference, entry by entry, and against the known answers. */
#include "reference.h"
#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CONSTANT static const
#include "kernels/rs-slices.h"
#include "kernels/rs-tables.h"

static uint64_t pack(const uint8_t bytes[8])
{
	uint64_t packed = 0;
	for (unsigned i = 0; i < 8; i++)
		packed |= (uint64_t)bytes[i] << 8 * i;
	return packed;
}

static void test_reference_gives_known_answers(void **state)
{
	(void)state;
	struct vectors *vectors = vectors_load();
	uint8_t generator[9], parity[8];
	reference_generator(generator);
	assert_memory_equal(generator, vectors->generator, 9);
	assert_true(vectors->count >= 8);
	for (size_t i = 0; i < vectors->count; i++) {
		const struct vector *vector = &vectors->items[i];
		reference_encode(vector->data_136, 128, parity);
		assert_memory_equal(parity, vector->parity_136, 8);
		reference_encode(vector->data_128, 120, parity);
		assert_memory_equal(parity, vector->parity_128, 8);
	}
	vectors_free(vectors);
}

static void test_weight_is_parity_of_a_single_one(void **state)
{
	(void)state;
	assert_int_equal(RS_WEIGHTS, 128);
	for (unsigned position = 0; position < 128; position++) {
		uint8_t data[128] = {0}, parity[8];
		data[position] = 1;
		reference_encode(data, 128, parity);
		assert_int_equal(rs_weights[position], pack(parity));
		if (position >= 8) {
			reference_encode(data + 8, 120, parity);
			assert_int_equal(rs_weights[position], pack(parity));
		}
	}
}

static void test_slice_is_parity_of_a_single_byte(void **state)
{
	(void)state;
	for (unsigned position = 0; position < 8; position++) {
		for (unsigned value = 0; value < 256; value++) {
			uint8_t data[8] = {0}, parity[8];
			data[position] = (uint8_t)value;
			reference_encode(data, 8, parity);
			assert_int_equal(rs_slices[position][value], pack(parity));
		}
	}
}

static void test_roots_are_powers_of_alpha(void **state)
{
	(void)state;
	uint8_t generator[9];
	reference_generator(generator);
	for (unsigned i = 0; i < 8; i++) {
		uint8_t root = (uint8_t)(RS_ROOTS >> 8 * i), value = 0;
		assert_int_equal(root, reference_power_of_alpha(i + 1));
		for (unsigned j = 0; j < 9; j++)
			value = reference_multiply(value, root) ^ generator[j];
		assert_int_equal(value, 0);
	}
}

static void test_first_reciprocals(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		unsigned power = i % 4 + 1;
		uint8_t of_136 = (uint8_t)(RS_FIRST_RECIPROCAL_136 >> 8 * i);
		uint8_t of_128 = (uint8_t)(RS_FIRST_RECIPROCAL_128 >> 8 * i);
		assert_int_equal(
			reference_multiply(of_136, reference_power_of_alpha(135 * power)), 1);
		assert_int_equal(
			reference_multiply(of_128, reference_power_of_alpha(127 * power)), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_gives_known_answers),
		cmocka_unit_test(test_weight_is_parity_of_a_single_one),
		cmocka_unit_test(test_slice_is_parity_of_a_single_byte),
		cmocka_unit_test(test_roots_are_powers_of_alpha),
		cmocka_unit_test(test_first_reciprocals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
