/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_WARP_H
#define VRAMFS_KERNELS_WARP_H

#include "kernels/code.h"

#include "kernels/rs-bits.h"

/*
 * CUDA only: what the 32 threads of a warp do together, and finding the errors of up to 32 lines
 * that way. Every function here must be called by the whole warp.
 *
 * Finding errors has three parts. Syndromes and locator polynomial (Berlekamp and Massey) take some
 * thousand instructions and no data but their line's, so each lane works on a line of its own. The
 * search for the locator's roots (Chien) looks at every position of a line, 128 or 136 of them; it
 * is dealt out to the lanes, 32 positions of one line at a time, and a ballot tells all lanes which
 * are roots. The values (Forney) are again for each line's own lane.
 */
#define WARP_LANES 32u
#define WARP_ALL 0xffffffffu

FUNCTION uint32_t warp_lane(void)
{
	return (uint32_t)__nvvm_read_ptx_sreg_tid_x() % WARP_LANES;
}

/* A bit for each lane: its CONDITION. */
FUNCTION uint32_t warp_ballot(bool condition)
{
	return __nvvm_vote_ballot_sync(WARP_ALL, condition);
}

/* What lane FROM passes as VALUE. */
FUNCTION uint32_t warp_broadcast(uint32_t value, uint32_t from)
{
	return (uint32_t)__nvvm_shfl_sync_idx_i32(WARP_ALL, (int)value, (int)from, 31);
}

/* What lanes wrote to memory before, all lanes of the warp see after. */
FUNCTION void warp_barrier(void)
{
	__nvvm_bar_warp_sync(WARP_ALL);
}

FUNCTION uint32_t lowest_bit(uint32_t bits)
{
	return (uint32_t)__builtin_ctz(bits);
}

/* EXPONENT modulo 255, for exponents below 1280. */
FUNCTION uint32_t modulo_255(uint32_t exponent)
{
	exponent = (exponent & 255) + (exponent >> 8);
	return exponent >= 255 ? exponent - 255 : exponent;
}

/* VALUE (0..255) times alpha^EXPONENT, 0..254. */
FUNCTION uint32_t times_power(uint32_t value, uint32_t exponent)
{
	return rs_powers[rs_logarithms[value] + exponent];
}

/* The logarithm of the reciprocal of the locator of POSITION: where a root of an error there is. */
FUNCTION uint32_t reciprocal_logarithm(uint32_t position, uint32_t data_bytes)
{
	return modulo_255(255 - (data_bytes + KERNEL_PARITY_BYTES - 1) + position);
}

/* The positions, a byte each, at which a polynomial has its roots: LOGARITHMS are those of its
 * coefficients of x^1..x^4, 16 bits each, CONSTANT is that of x^0. At most four, counted in
 * *RET_COUNT. All lanes give the same and get the same. */
FUNCTION uint32_t warp_find_roots(
	uint64_t logarithms, uint32_t constant, uint32_t data_bytes, uint32_t *ret_count)
{
	uint32_t positions = 0, count = 0;
	for (uint32_t first = 0; first < data_bytes + KERNEL_PARITY_BYTES; first += WARP_LANES) {
		uint32_t position = first + warp_lane(), value = 0;
		uint32_t root = reciprocal_logarithm(position, data_bytes);
		UNROLL for (uint32_t i = 0; i < 4; i++)
		{
			uint32_t logarithm = (uint32_t)(logarithms >> (16 * i)) & 0xffff;
			value ^= rs_powers[logarithm + modulo_255(root * (i + 1))];
		}
		bool found = position < data_bytes + KERNEL_PARITY_BYTES && value == constant;
		for (uint32_t roots = warp_ballot(found); roots; roots &= roots - 1) {
			positions = (positions << 8) | (first + lowest_bit(roots));
			count++;
		}
	}
	*ret_count = count;
	return positions;
}

/* The value of the error at POSITION, by Forney's formula; 0 if there is none. */
FUNCTION uint32_t error_value(
	uint32_t position, uint32_t data_bytes, uint32_t locator, uint32_t evaluator)
{
	uint32_t root = reciprocal_logarithm(position, data_bytes), value = 0;
	UNROLL for (uint32_t i = 0; i < 4; i++) value ^=
		times_power((evaluator >> (8 * i)) & 0xff, modulo_255(root * (i + 1)));
	/* LOCATOR has the coefficients of x^1..x^4; of its derivative only the odd ones remain. */
	uint32_t derivative = times_power(locator & 0xff, root) ^
			      times_power((locator >> 16) & 0xff, modulo_255(root * 3));
	if (derivative == 0)
		return 0;
	return rs_powers[rs_logarithms[value] + modulo_255(255 - rs_logarithms[derivative])];
}

/* As code_find_errors(), for the line of each lane; lanes with REMAINDER 0 only take part. */
FUNCTION struct code_errors warp_find_errors(
	uint64_t remainder, uint32_t data_bytes, uint32_t max_correct)
{
	struct code_errors found = {0, 0, 0};
	uint64_t syndromes = 0, locator = 0, logarithms = 0;
	uint32_t errors = 0;
	if (remainder) {
		syndromes = code_syndromes(remainder);
		errors = code_locator(syndromes, max_correct, &locator);
	}
	for (uint32_t i = 0; i < 4; i++)
		logarithms |= (uint64_t)rs_logarithms[(locator >> (8 * i + 8)) & 0xff] << (16 * i);

	for (uint32_t todo = warp_ballot(errors != 0); todo; todo &= todo - 1) {
		uint32_t whose = lowest_bit(todo), count;
		uint64_t its_logarithms =
			warp_broadcast((uint32_t)logarithms, whose) |
			(uint64_t)warp_broadcast((uint32_t)(logarithms >> 32), whose) << 32;
		uint32_t positions = warp_find_roots(its_logarithms,
			warp_broadcast((uint32_t)locator & 0xff, whose), data_bytes, &count);
		if (warp_lane() == whose) {
			found.positions = positions;
			found.count = count;
		}
	}
	if (found.count != errors || errors == 0) {
		found.count = 0;
		return found;
	}

	uint64_t evaluator = 0, unexplained = remainder;
	for (uint32_t i = 0; i < 4; i++)
		evaluator ^= gf_scale(syndromes, (uint32_t)(locator >> (8 * i)) & 0xff) << (8 * i);
	for (uint32_t i = 0; i < errors; i++) {
		uint32_t position = (found.positions >> (8 * i)) & 0xff;
		uint32_t value = error_value(
			position, data_bytes, (uint32_t)(locator >> 8), (uint32_t)evaluator);
		if (value == 0)
			found.count = 0;
		found.values |= value << (8 * i);
		unexplained ^= code_contribution(position, value, data_bytes);
	}
	if (unexplained != 0)
		found.count = 0;
	return found;
}

#endif
