/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_TENSOR_H
#define VRAMFS_KERNELS_TENSOR_H

#include "kernels/ptx.h"
#include "kernels/warp.h"

#include "kernels/rs-bits.h"

/*
 * Parity by binary tensor cores (NVIDIA, compute capability 8.0 to 9.0).
 *
 * Every parity bit is the sum, modulo 2, of some of a line's 1024 data bits: parity is a product of
 * a matrix of 64 x 1024 bits, which never changes, with the line. Tensor cores compute such
 * products. One instruction, mma.m16n8k256 with AND and population count, takes 16 rows of the
 * matrix and 256 bits of 8 lines and gives 16 x 8 counts, of which we want the lowest bit; 4 x 4 of
 * them make the parity of 8 lines. That is 1/30 of the instructions that computing it byte by byte
 * takes, and few enough that memory is what limits.
 *
 * A warp's lanes hold operands and results in fixed places (PTX ISA, "Matrix Fragments for
 * mma.m16n8k256"). With g = lane / 4 and t = lane % 4:
 *
 *	matrix		4 words a lane: rows g and g + 8, columns 32t.. and 128 + 32t..
 *	lines		2 words a lane: line g, bits 32t.. and 128 + 32t..
 *	counts		4 a lane: rows g and g + 8, lines 2t and 2t + 1
 *
 * In which order the columns are the data's bits is ours to choose, so each lane loads two whole
 * 16-byte chunks of its line and multiplies them word by word; and so is the order of the rows, so
 * the eight counts that a lane has for a line are the bits of one parity byte. No bit has to go
 * from one lane to another. src/rs/generate.c lays the matrix out accordingly.
 */
#define EIGHT 8u /* lines that are multiplied at once */

/* A lane's share of the matrix: 64 registers. */
struct matrix {
	word4 words[16];
};

FUNCTION struct matrix matrix_load(const uint32_t *table)
{
	struct matrix matrix;
	UNROLL for (uint32_t i = 0; i < 16; i++) matrix.words[i] =
		((const word4 *)table)[i * WARP_LANES + warp_lane()];
	return matrix;
}

/* Byte g of the product for lines 2t and 2t + 1. */
struct product {
	uint32_t even, odd;
};

/* The product for 8 lines, of which this lane has the 16-byte chunks t and t + 4 of line g. */
FUNCTION struct product matrix_multiply(const struct matrix *matrix, word4 low, word4 high)
{
	struct product product = {0, 0};
	UNROLL for (int row = 3; row >= 0; row--)
	{
		uint32_t counts[4] = {0, 0, 0, 0};
		ptx_multiply_add(counts, matrix->words[row * 4], low[0], low[1]);
		ptx_multiply_add(counts, matrix->words[row * 4 + 1], low[2], low[3]);
		ptx_multiply_add(counts, matrix->words[row * 4 + 2], high[0], high[1]);
		ptx_multiply_add(counts, matrix->words[row * 4 + 3], high[2], high[3]);
		product.even = (product.even << 2) | ((counts[2] & 1) << 1) | (counts[0] & 1);
		product.odd = (product.odd << 2) | ((counts[3] & 1) << 1) | (counts[1] & 1);
	}
	return product;
}

#endif
