/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* The generated tables against the reference, entry by entry, and against the known answers. */
#include "reference.h"
#include "vectors.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CONSTANT static const
#define TABLE static const
#include "kernels/rs-bits.h"
#include "kernels/rs-decoder.h"
#include "kernels/rs-matrices.h"
#include "kernels/rs-nibbles.h"
#include "kernels/rs-slices.h"
#include "kernels/rs-step.h"
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

static void test_step_is_parity_of_a_single_bit(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 32; bit++) {
		uint8_t data[4] = {0}, parity[8];
		data[bit / 8] = (uint8_t)(1 << bit % 8);
		reference_encode(data, 4, parity);
		assert_int_equal(rs_step[bit], pack(parity));
	}
}

static void test_nibbles_are_products_by_the_generator(void **state)
{
	(void)state;
	uint8_t generator[9];
	reference_generator(generator);
	for (unsigned i = 0; i < 8; i++) {
		for (unsigned nibble = 0; nibble < 32; nibble++) {
			uint64_t entry = rs_nibbles[i][nibble / 16][nibble % 16 / 8];
			uint8_t value = (uint8_t)(nibble < 16 ? nibble : (nibble - 16) << 4);
			assert_int_equal((entry >> nibble % 8 * 8) & 0xff,
				reference_multiply(value, generator[i + 1]));
		}
	}
}

/* VALUE times a bit matrix, whose byte 7-i is the row that gives bit i. */
static uint8_t transform(uint64_t matrix, uint8_t value)
{
	uint8_t result = 0;
	for (unsigned i = 0; i < 8; i++)
		result |=
			(uint8_t)(__builtin_parity((uint8_t)(matrix >> 8 * (7 - i)) & value) << i);
	return result;
}

static void test_matrix_is_parity_of_a_single_byte(void **state)
{
	(void)state;
	for (unsigned position = 0; position < 128; position++) {
		for (unsigned value = 0; value < 256; value++) {
			uint8_t data[128] = {0}, parity[8];
			data[position] = (uint8_t)value;
			reference_encode(data, 128, parity);
			for (unsigned i = 0; i < 8; i++) {
				uint64_t matrix = rs_matrices[position / 8][i][position % 8];
				assert_int_equal(transform(matrix, (uint8_t)value), parity[i]);
			}
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

/* A word of line G's data, as the lane 4G + T has it for tile column STEP. */
static uint32_t word_of(const uint8_t *line, unsigned t, unsigned step, unsigned which)
{
	uint32_t word;
	memcpy(&word, line + (t + step / 2 * 4) * 16 + (step % 2 * 2 + which) * 4, 4);
	return word;
}

/* What tensor cores compute with MATRIX from one line, the same in all 8 places. The rows of
 * m16n8k256 that lane 4g + t holds are g and g + 8; the column sums go over t = 0..3. */
static void multiply_matrix(
	const uint32_t matrix[2048], const uint8_t line[128], uint8_t product[8])
{
	for (unsigned g = 0; g < 8; g++) {
		product[g] = 0;
		for (unsigned bit = 0; bit < 8; bit++) {
			unsigned count = 0;
			for (unsigned step = 0; step < 4; step++) {
				for (unsigned t = 0; t < 4; t++) {
					const uint32_t *words =
						matrix +
						((bit / 2 * 4 + step) * 32 + 4 * g + t) * 4;
					for (unsigned which = 0; which < 2; which++)
						count += (unsigned)__builtin_popcount(
							words[which * 2 + bit % 2] &
							word_of(line, t, step, which));
				}
			}
			product[g] |= (uint8_t)((count & 1) << bit);
		}
	}
}

static void test_matrices_give_parity(void **state)
{
	(void)state;
	uint64_t random = 7;
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t line[128], parity[8], product[8];
		for (unsigned j = 0; j < 128; j++)
			line[j] = (uint8_t)(reference_random(&random) >> 56);
		reference_encode(line, 128, parity);
		multiply_matrix(rs_matrix_136, line, product);
		assert_memory_equal(product, parity, 8);
		reference_encode(line, 120, parity);
		multiply_matrix(rs_matrix_128, line, product);
		assert_memory_equal(product, parity, 8);
		for (unsigned j = 0; j < 8; j++)
			parity[j] ^= line[120 + j];
		multiply_matrix(rs_matrix_128_remainder, line, product);
		assert_memory_equal(product, parity, 8);
	}
}

/* Every product of two values, 0 among them, through logarithms. */
static void test_logarithms_multiply(void **state)
{
	(void)state;
	assert_int_equal(rs_decoder.logarithms[0], RS_LOG_OF_ZERO);
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			unsigned sum = rs_decoder.logarithms[a] + rs_decoder.logarithms[b];
			assert_true(sum < sizeof(rs_decoder.powers));
			assert_int_equal(
				rs_decoder.powers[sum], reference_multiply((uint8_t)a, (uint8_t)b));
		}
	}
}

/* The syndromes of a remainder of one byte: its products by powers of the roots. */
static void test_syndromes_of_a_single_byte(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 8; byte++) {
		for (unsigned value = 0; value < 256; value++) {
			uint64_t syndromes = rs_decoder.syndromes[2 * byte][value & 15] ^
					     rs_decoder.syndromes[2 * byte + 1][value >> 4];
			for (unsigned i = 0; i < 8; i++)
				assert_int_equal((uint8_t)(syndromes >> 8 * i),
					reference_multiply((uint8_t)value,
						reference_power_of_alpha((i + 1) * (7 - byte))));
		}
	}
}

static uint8_t cube(uint8_t u)
{
	return reference_multiply(u, reference_multiply(u, u));
}

/* ENTRY has two of the three roots of u^3 + LINEAR u = CONSTANT, or says that there are not three.
 */
static void assert_cubic(unsigned entry, uint8_t linear, uint8_t constant)
{
	unsigned count = 0;
	for (unsigned u = 0; u < 256; u++)
		count += (cube((uint8_t)u) ^ reference_multiply(linear, (uint8_t)u)) == constant;
	if (count != 3) {
		assert_int_equal(entry & 0xff, RS_NO_ROOTS);
		return;
	}
	uint8_t first = reference_power_of_alpha(entry & 0xff);
	uint8_t second = reference_power_of_alpha(entry >> 8);
	assert_true((entry & 0xff) < 255 && (entry >> 8) < 255);
	assert_int_not_equal(first, second);
	assert_int_equal(cube(first) ^ reference_multiply(linear, first), constant);
	assert_int_equal(cube(second) ^ reference_multiply(linear, second), constant);
}

static void test_roots_of_cubics_and_quadratics(void **state)
{
	(void)state;
	unsigned cubics = 0, cubes = 0, quadratics = 0;
	for (unsigned i = 0; i < 255; i++) {
		uint8_t constant = reference_power_of_alpha(i);
		unsigned entry = rs_decoder.quadratics[i];
		assert_cubic(rs_decoder.cubics[i], 1, constant);
		assert_cubic(rs_decoder.cubics[RS_CUBE_ROOTS + i], 0, constant);
		cubics += (rs_decoder.cubics[i] & 0xff) != RS_NO_ROOTS;
		cubes += (rs_decoder.cubics[RS_CUBE_ROOTS + i] & 0xff) != RS_NO_ROOTS;
		if (entry == RS_NO_ROOTS)
			continue;
		uint8_t y = reference_power_of_alpha(entry);
		assert_int_equal(reference_multiply(y, y) ^ y, constant);
		quadratics++;
	}
	/* A third of all are cubes; two values have the same y^2 + y, and 0 and 1 have 0. */
	assert_int_equal(cubes, 85);
	assert_int_equal(quadratics, 127);
	assert_int_equal(cubics, (256 - 4) / 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_gives_known_answers),
		cmocka_unit_test(test_weight_is_parity_of_a_single_one),
		cmocka_unit_test(test_slice_is_parity_of_a_single_byte),
		cmocka_unit_test(test_step_is_parity_of_a_single_bit),
		cmocka_unit_test(test_nibbles_are_products_by_the_generator),
		cmocka_unit_test(test_matrix_is_parity_of_a_single_byte),
		cmocka_unit_test(test_roots_are_powers_of_alpha),
		cmocka_unit_test(test_first_reciprocals),
		cmocka_unit_test(test_matrices_give_parity),
		cmocka_unit_test(test_logarithms_multiply),
		cmocka_unit_test(test_syndromes_of_a_single_byte),
		cmocka_unit_test(test_roots_of_cubics_and_quadratics),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
