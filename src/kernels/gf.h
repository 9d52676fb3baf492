/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_GF_H
#define VRAMFS_KERNELS_GF_H

#include "kernels/dialect.h"

/*
 * Arithmetic in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1, without tables, on eight elements at once
 * that lie side by side in a 64-bit word (element i in bits 8i..8i+7). Addition is exclusive or.
 */

/* Each element times alpha, which is 2. */
FUNCTION uint64_t gf_double(uint64_t elements)
{
	uint64_t carries = elements & 0x8080808080808080ul;
	return ((elements ^ carries) << 1) ^ (carries >> 3) ^ (carries >> 4) ^ (carries >> 5) ^
	       (carries >> 7);
}

/* Each element times the one FACTOR. */
FUNCTION uint64_t gf_scale(uint64_t elements, uint32_t factor)
{
	uint64_t product = 0;
	for (int bit = 7; bit >= 0; bit--)
		product = gf_double(product) ^ (elements & (0 - (uint64_t)((factor >> bit) & 1)));
	return product;
}

/* Each element of A times the element of B in the same place. */
FUNCTION uint64_t gf_multiply(uint64_t a, uint64_t b)
{
	uint64_t product = 0;
	for (int bit = 7; bit >= 0; bit--) {
		uint64_t ones = (b >> bit) & 0x0101010101010101ul;
		product = gf_double(product) ^ (a & ((ones << 8) - ones));
	}
	return product;
}

/* The sum of the eight elements. */
FUNCTION uint32_t gf_sum(uint64_t elements)
{
	uint32_t sum = (uint32_t)elements ^ (uint32_t)(elements >> 32);
	sum ^= sum >> 16;
	return (sum ^ (sum >> 8)) & 0xff;
}

/* The reciprocal of one element, as its 254th power; that of 0 comes out as 0. */
FUNCTION uint32_t gf_invert(uint32_t element)
{
	uint64_t square = element, result = 1;
	for (int i = 0; i < 7; i++) {
		square = gf_multiply(square, square);
		result = gf_multiply(result, square);
	}
	return (uint32_t)result;
}

#endif
