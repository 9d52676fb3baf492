/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * An independent Reed-Solomon encoder and decoder: see reference.h. Multiplication goes through
 * tables of logarithms, the parity is the remainder of a long division, one byte after the other,
 * and whatever the decoder wants to know is the solution of linear equations.
 */
#include "reference.h"

#include <stdbool.h>
#include <string.h>

static uint8_t powers[255], logarithms[256];

__attribute__((constructor)) static void make_logarithms(void)
{
	unsigned element = 1;
	for (unsigned i = 0; i < 255; i++) {
		powers[i] = (uint8_t)element;
		logarithms[element] = (uint8_t)i;
		element <<= 1;
		if (element >= 256)
			element ^= 0x11d;
	}
}

uint8_t reference_multiply(uint8_t a, uint8_t b)
{
	return a && b ? powers[(logarithms[a] + logarithms[b]) % 255] : 0;
}

uint8_t reference_power_of_alpha(unsigned exponent)
{
	return powers[exponent % 255];
}

void reference_generator(uint8_t ret_generator[9])
{
	uint8_t product[9] = {[8] = 1};
	for (unsigned root = 1; root <= 8; root++) {
		uint8_t next[9] = {0};
		for (unsigned i = 0; i < 9; i++) {
			next[i] ^= reference_multiply(product[i], powers[root]);
			if (i > 0)
				next[i - 1] ^= product[i];
		}
		memcpy(product, next, sizeof(product));
	}
	memcpy(ret_generator, product, sizeof(product));
}

void reference_encode(const uint8_t *data, size_t data_bytes, uint8_t ret_parity[8])
{
	static uint8_t generator[9];
	if (generator[0] == 0)
		reference_generator(generator);
	uint8_t remainder[8] = {0};
	for (size_t i = 0; i < data_bytes; i++) {
		uint8_t quotient = data[i] ^ remainder[0];
		for (unsigned j = 0; j < 7; j++)
			remainder[j] =
				remainder[j + 1] ^ reference_multiply(quotient, generator[j + 1]);
		remainder[7] = reference_multiply(quotient, generator[8]);
	}
	memcpy(ret_parity, remainder, sizeof(remainder));
}

/* --- decoding --- */

#define MOST_UNKNOWNS 8u

/* COUNT equations, the right side in column COUNT of each; false if they have not one solution. */
static bool solve(uint8_t equations[MOST_UNKNOWNS][MOST_UNKNOWNS + 1], unsigned count,
	uint8_t ret_solution[MOST_UNKNOWNS])
{
	for (unsigned column = 0; column < count; column++) {
		unsigned pivot = column;
		while (pivot < count && equations[pivot][column] == 0)
			pivot++;
		if (pivot == count)
			return false;
		uint8_t scale =
			reference_power_of_alpha(255 - logarithms[equations[pivot][column]]);
		for (unsigned i = column; i <= count; i++) {
			uint8_t moved = equations[pivot][i];
			equations[pivot][i] = equations[column][i];
			equations[column][i] = reference_multiply(moved, scale);
		}
		for (unsigned row = 0; row < count; row++) {
			uint8_t factor = row == column ? 0 : equations[row][column];
			for (unsigned i = column; factor && i <= count; i++)
				equations[row][i] ^=
					reference_multiply(factor, equations[column][i]);
		}
	}
	for (unsigned i = 0; i < count; i++)
		ret_solution[i] = equations[i][count];
	return true;
}

/* S1..S8 in [1]..[8]. */
static bool is_codeword(const uint8_t *word, size_t symbols, uint8_t ret_syndromes[9])
{
	bool all_zero = true;
	for (unsigned i = 1; i <= 8; i++) {
		uint8_t value = 0;
		for (size_t j = 0; j < symbols; j++)
			value = reference_multiply(value, powers[i]) ^ word[j];
		ret_syndromes[i] = value;
		all_zero &= value == 0;
	}
	return all_zero;
}

/* The values of the errors at COUNT POSITIONS: their sums, weighted with powers of their places,
 * are the first COUNT syndromes. */
static bool solve_values(const unsigned *positions, unsigned count, size_t symbols,
	const uint8_t syndromes[9], uint8_t ret_values[MOST_UNKNOWNS])
{
	uint8_t equations[MOST_UNKNOWNS][MOST_UNKNOWNS + 1];
	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < count; j++)
			equations[i][j] = reference_power_of_alpha(
				(i + 1) * (unsigned)(symbols - 1 - positions[j]));
		equations[i][count] = syndromes[i + 1];
	}
	return solve(equations, count, ret_values);
}

/* The places where a locator of COUNT errors has its roots; false if those are not COUNT. */
static bool find_places(
	const uint8_t *locator, unsigned count, size_t symbols, unsigned ret_positions[4])
{
	unsigned found = 0;
	for (unsigned position = 0; position < symbols; position++) {
		unsigned place = (unsigned)symbols - 1 - position;
		uint8_t value = 1;
		for (unsigned i = 1; i <= count; i++)
			value ^= reference_multiply(
				locator[i - 1], reference_power_of_alpha((255 - place) * i));
		if (value != 0)
			continue;
		if (found == count)
			return false;
		ret_positions[found++] = position;
	}
	return found == count;
}

int reference_decode(uint8_t *word, size_t symbols, unsigned max_correct)
{
	uint8_t syndromes[9], equations[MOST_UNKNOWNS][MOST_UNKNOWNS + 1];
	uint8_t locator[MOST_UNKNOWNS], values[MOST_UNKNOWNS], corrected[255];
	unsigned positions[4], count = max_correct;
	if (is_codeword(word, symbols, syndromes))
		return 0;
	/* Of as many unknowns as there are errors these have one solution, of more they have not.
	 */
	for (;; count--) {
		if (count == 0)
			return -1;
		for (unsigned i = 0; i < count; i++) {
			for (unsigned j = 0; j <= count; j++)
				equations[i][j == count ? count : count - 1 - j] =
					syndromes[i + j + 1];
		}
		if (solve(equations, count, locator))
			break;
	}
	if (!find_places(locator, count, symbols, positions) ||
		!solve_values(positions, count, symbols, syndromes, values))
		return -1;
	memcpy(corrected, word, symbols);
	for (unsigned i = 0; i < count; i++)
		corrected[positions[i]] ^= values[i];
	/* There are more syndromes than unknowns. Whatever led to it: a codeword this near is the
	 * only one. */
	if (!is_codeword(corrected, symbols, syndromes))
		return -1;
	memcpy(word, corrected, symbols);
	return (int)count;
}

void reference_nearest_codeword(const unsigned positions[9], size_t symbols, uint8_t ret_values[9])
{
	uint8_t word[255] = {0}, syndromes[9];
	word[positions[8]] = 1;
	(void)is_codeword(word, symbols, syndromes);
	(void)solve_values(positions, 8, symbols, syndromes, ret_values);
	ret_values[8] = 1;
}

uint64_t reference_random(uint64_t *state)
{
	/* xorshift64*, not the generator that device code has. */
	uint64_t x = *state ? *state : 1;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}
