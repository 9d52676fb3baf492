/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_CODE_H
#define VRAMFS_KERNELS_CODE_H

#include "kernels/gf.h"
#include "kernels/rs-tables.h"

/*
 * Encoding one line and finding the errors in one. The 8 parity symbols are one word, parity[0] in
 * its lowest byte. The word "remainder" means computed parity ^ stored parity: it is the remainder
 * of the received polynomial modulo g(x), 0 for a codeword, and all that decoding needs to know of
 * a line.
 *
 * code_parity() is the parity of the DATA_BYTES (128 or 120) in ROW, and comes in two forms. Which
 * is faster depends on the device, and who compiles the kernels for one defines PARITY_BY_SLICES
 * or does not.
 */
#if defined(PARITY_BY_SLICES)
#include "kernels/sliced-parity.h"
#else
#include "kernels/plane-parity.h"
#endif

/* What an error of VALUE at POSITION (0..DATA_BYTES + 7, parity last) adds to the remainder. */
FUNCTION uint64_t code_contribution(uint32_t position, uint32_t value, uint32_t data_bytes)
{
	if (position < data_bytes)
		return gf_scale(rs_weights[RS_WEIGHTS - data_bytes + position], value);
	return (uint64_t)value << (8 * (position - data_bytes));
}

/* The syndromes S1..S8, S1 in the lowest byte: the remainder's values at alpha^1..alpha^8. */
FUNCTION uint64_t code_syndromes(uint64_t remainder)
{
	uint64_t syndromes = 0;
	for (uint32_t i = 0; i < 8; i++) {
		uint64_t coefficient = (remainder >> (8 * i)) & 0xff;
		syndromes = gf_multiply(syndromes, RS_ROOTS) ^ (coefficient * 0x0101010101010101ul);
	}
	return syndromes;
}

/* The errors in a line: COUNT of them, each a byte of POSITIONS and the byte of VALUES in the same
 * place (to be added to what is stored). COUNT is 0 when the line can't be corrected. */
struct code_errors {
	uint32_t count;
	uint32_t positions;
	uint32_t values;
};

/* The error locator polynomial, times some constant: its coefficients from x^0 on in *RET_LOCATOR,
 * and how many errors it stands for as the value; 0 if more than MAX_CORRECT (at most 4).
 * Berlekamp and Massey's algorithm in its form without divisions. */
FUNCTION uint32_t code_locator(uint64_t syndromes, uint32_t max_correct, uint64_t *ret_locator)
{
	uint64_t locator = 1, previous = 1, window = 0;
	uint32_t errors = 0, previous_discrepancy = 1;
	for (uint32_t step = 0; step < 8; step++) {
		window = (window << 8) | ((syndromes >> (8 * step)) & 0xff);
		previous <<= 8;
		uint32_t discrepancy = gf_sum(gf_multiply(locator, window));
		if (discrepancy == 0)
			continue;
		uint64_t next =
			gf_scale(locator, previous_discrepancy) ^ gf_scale(previous, discrepancy);
		if (2 * errors <= step) {
			errors = step + 1 - errors;
			if (errors > max_correct) /* also keeps the polynomials within 8 bytes */
				return 0;
			previous = locator;
			previous_discrepancy = discrepancy;
		}
		locator = next;
	}
	*ret_locator = locator;
	return errors;
}

/*
 * Find the errors behind REMAINDER, which is not 0, if there are no more than MAX_CORRECT.
 *
 * Chien's search and Forney's formula in one walk over the positions that the shortened code has;
 * a locator whose root lies elsewhere is thereby rejected. With z the reciprocal of the locator
 * alpha^(n-1-p) of position p, and L and O the locator and evaluator polynomials, TERMS holds
 *
 *	bytes 0..3	L1 z, L2 z^2, L3 z^3, L4 z^4
 *	bytes 4..7	O0 z, O1 z^2, O2 z^3, O3 z^4
 *
 * so that both halves go to the next position by the same factors alpha, alpha^2, alpha^3, alpha^4.
 * L(z) = 0 where the lower half adds up to L0. The error there is O(z) / L'(z), and as L'(z) has
 * the odd coefficients only, z L'(z) = L1 z + L3 z^3: bytes 0 and 2.
 */
FUNCTION struct code_errors code_find_errors(
	uint64_t remainder, uint32_t data_bytes, uint32_t max_correct)
{
	struct code_errors found = {0, 0, 0};
	uint64_t syndromes = code_syndromes(remainder), locator = 0, evaluator = 0;
	uint32_t errors = code_locator(syndromes, max_correct, &locator);
	if (errors == 0)
		return found;
	for (uint32_t i = 0; i < 4; i++)
		evaluator ^= gf_scale(syndromes, (uint32_t)(locator >> (8 * i)) & 0xff) << (8 * i);

	uint64_t terms = ((locator >> 8) & 0xfffffffful) | (evaluator << 32);
	terms = gf_multiply(
		terms, data_bytes == 128 ? RS_FIRST_RECIPROCAL_136 : RS_FIRST_RECIPROCAL_128);
	uint64_t unexplained = remainder;
	for (uint32_t position = 0; position < data_bytes + 8; position++) {
		if (gf_sum(terms & 0xfffffffful) == (uint32_t)(locator & 0xff)) {
			uint32_t derivative = (uint32_t)(terms ^ (terms >> 16)) & 0xff;
			uint32_t value =
				(uint32_t)gf_multiply(gf_sum(terms >> 32), gf_invert(derivative));
			if (value == 0)
				break;
			unexplained ^= code_contribution(position, value, data_bytes);
			found.positions = (found.positions << 8) | position;
			found.values = (found.values << 8) | value;
			if (++found.count == errors)
				break;
		}
		terms = gf_double(terms);
		terms = (terms & 0x000000ff000000fful) | gf_double(terms & 0xffffff00ffffff00ul);
		terms = (terms & 0x0000ffff0000fffful) | gf_double(terms & 0xffff0000ffff0000ul);
		terms = (terms & 0x00ffffff00fffffful) | gf_double(terms & 0xff000000ff000000ul);
	}
	/* As many errors as the locator says, which for this code implies that together they are
	 * the whole remainder. Looking costs next to nothing and leaves no doubt. */
	if (found.count != errors || unexplained != 0)
		found.count = 0;
	return found;
}

#endif
