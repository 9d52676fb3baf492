/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_PLANE_PARITY_H
#define VRAMFS_KERNELS_PLANE_PARITY_H

#include "kernels/fold.h"
#include "kernels/gf.h"
#include "kernels/rs-tables.h"

/*
 * The form of code_parity() for graphics processors: all of it is computed in registers. The line
 * is folded first. Parity is the sum of value times weight over the bytes that are left, and
 * instead of multiplying each byte, planes[b] adds up the weights of the bytes whose bit b is set;
 * the eight planes are put together at the end, by Horner's rule in alpha.
 */
FUNCTION uint64_t code_parity(LOCAL const uint32_t *row, uint32_t data_bytes)
{
	const uint32_t absent = FOLD_WORDS - data_bytes / 4;
	uint32_t words[FOLD_WORDS];
	uint64_t planes[8] = {0, 0, 0, 0, 0, 0, 0, 0};

	UNROLL for (uint32_t i = 0; i < FOLD_WORDS; i++)
	{
		words[i] = i < absent ? 0 : row[i - absent];
	}
	fold_line(words);
	UNROLL for (uint32_t i = FOLD_FIRST_WORD; i < FOLD_WORDS; i++)
	{
		UNROLL for (uint32_t byte = 0; byte < 4; byte++)
		{
			uint64_t weight = rs_weights[RS_WEIGHTS - 4 * (FOLD_WORDS - i) + byte];
			UNROLL for (uint32_t bit = 0; bit < 8; bit++)
			{
				if ((words[i] >> (8 * byte + bit)) & 1)
					planes[bit] ^= weight;
			}
		}
	}
	uint64_t parity = planes[7];
	for (int bit = 6; bit >= 0; bit--)
		parity = gf_double(parity) ^ planes[bit];
	return parity;
}

#endif
