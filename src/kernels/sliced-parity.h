/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_SLICED_PARITY_H
#define VRAMFS_KERNELS_SLICED_PARITY_H

#include "kernels/dialect.h"
#include "kernels/rs-slices.h"

/*
 * The form of code_parity() for processors, natively and over OpenCL. They have a cache of 16 KiB
 * for every lane and so look up what graphics processors rather compute. Polynomial division by
 * g(x), 8 bytes a step; the remainder so far takes part as if it were the beginning of the next 8.
 * A shorter line begins with zeros. The loop is of constant length and unrolled, because PoCL (3.1)
 * has otherwise lanes run it that have no line.
 */
#define SLICED_WORDS (KERNEL_LINE_BYTES / 4)

FUNCTION uint64_t code_parity(LOCAL const uint32_t *row, uint32_t data_bytes)
{
	const uint32_t absent = SLICED_WORDS - data_bytes / 4;
	uint64_t parity = 0;
	UNROLL for (uint32_t i = 0; i < SLICED_WORDS; i += 2)
	{
		uint64_t dividend = parity;
		if (i >= absent)
			dividend ^= row[i - absent] | (uint64_t)row[i - absent + 1] << 32;
		parity = 0;
		UNROLL for (uint32_t byte = 0; byte < 8; byte++)
		{
			parity ^= rs_slices[byte][(dividend >> (8 * byte)) & 0xff];
		}
	}
	return parity;
}

#endif
