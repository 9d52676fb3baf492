/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * An independent Reed-Solomon encoder: see reference.h. Multiplication goes through tables of
 * logarithms, and the parity is the remainder of a long division, one byte after the other.
 */
#include "reference.h"

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
