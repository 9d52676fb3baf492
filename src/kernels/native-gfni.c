/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The native variant for processors with AVX-512 and GFNI: 8 lines at once, as a sum of products.
 *
 * GF2P8AFFINEQB multiplies the 8 bytes in each of a register's 64-bit lanes by that lane's own bit
 * matrix, and so by any constant in whatever field. With lane p holding byte p of 8 lines' words
 * (a word being 8 bytes of a line), one instruction finds what 64 bytes contribute to one parity
 * byte of their lines; what is left in the end is to add up the lanes. For each 64 bytes of data
 * that makes
 *
 *	4	to exchange lines and words (3), then lines and bytes (1)
 *	8	multiplications
 *	4	additions of two products each
 *	2	for the sixteenth part of what the end takes
 *
 * operations on registers; the matrices come from memory, 8 KiB of them, in order. A processor with
 * two units, one of which multiplies while the other exchanges, can do that in about 9 cycles.
 */
#include "kernels/dialect.h"
#include "kernels/rs-matrices.h"

#define TILE_TOGETHER_DEFINED
#define TILE_MOVES_DEFINED
#include "kernels/native-moves.h"

#include <immintrin.h>

#define BATCH_LINES 8u
#define HALF_BYTES 64u /* of a line: one register */

/*
 * Exchange rows and columns of 8 registers of 8 words. To interleave row i with row i + 4 rotates
 * the bits of a word's address, which are three of its row and then three of its column, by one.
 */
FUNCTION void transpose(__m512i rows[8])
{
	const __m512i low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
	const __m512i high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
	for (uint32_t bit = 0; bit < 3; bit++) {
		__m512i next[8];
		for (uint32_t i = 0; i < 4; i++) {
			next[2 * i] = _mm512_permutex2var_epi64(rows[i], low, rows[i + 4]);
			next[2 * i + 1] = _mm512_permutex2var_epi64(rows[i], high, rows[i + 4]);
		}
		for (uint32_t i = 0; i < 8; i++)
			rows[i] = next[i];
	}
}

/* Byte p of word l becomes byte l of word p. */
FUNCTION __m512i transpose_bytes(__m512i words)
{
	const uint64_t first = 0x3830282018100800ul, next = 0x0101010101010101ul;
	const __m512i from =
		_mm512_setr_epi64(first, first + next, first + 2 * next, first + 3 * next,
			first + 4 * next, first + 5 * next, first + 6 * next, first + 7 * next);
	return _mm512_permutexvar_epi8(from, words);
}

/* Each byte of WORDS times the constant that the matrices at MATRICES have for its word. */
FUNCTION __m512i multiply(__m512i words, const uint64_t matrices[8])
{
	return _mm512_gf2p8affine_epi64_epi8(words, _mm512_loadu_si512(matrices), 0);
}

FUNCTION __m512i add_three(__m512i a, __m512i b, __m512i c)
{
	return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

/* Add to SUMS what half a line of each of 8 lines contributes. MATRICES is for its 8 words. */
FUNCTION void half_add(__m512i sums[8], __m512i lines[8], const uint64_t matrices[8][8][8])
{
	transpose(lines);
	for (uint32_t word = 0; word < 8; word += 2) {
		__m512i even = transpose_bytes(lines[word]);
		__m512i odd = transpose_bytes(lines[word + 1]);
		for (uint32_t i = 0; i < 8; i++)
			sums[i] = add_three(sums[i], multiply(even, matrices[word][i]),
				multiply(odd, matrices[word + 1][i]));
	}
}

/* The parities of BATCH_LINES lines. A line of RS(128,120) is one of RS(136,128) that begins with 8
 * zeros, so it is loaded from its second word on. */
static void batch_encode(const uint8_t *bytes, uint32_t data_bytes, uint64_t *parity)
{
	__m512i sums[8], lines[8];
	for (uint32_t i = 0; i < 8; i++) {
		sums[i] = _mm512_setzero_si512();
		lines[i] = _mm512_maskz_expandloadu_epi64(
			data_bytes == KERNEL_LINE_BYTES ? 0xff : 0xfe,
			bytes + i * KERNEL_LINE_BYTES);
	}
	half_add(sums, lines, rs_matrices);
	for (uint32_t i = 0; i < 8; i++)
		lines[i] =
			_mm512_loadu_si512(bytes + i * KERNEL_LINE_BYTES + data_bytes - HALF_BYTES);
	half_add(sums, lines, rs_matrices + 8);

	/* Now lane p of sums[i] is for the bytes p of all words; after this, for parity byte i. */
	transpose(sums);
	for (uint32_t i = 2; i < 8; i += 2)
		sums[0] = add_three(sums[0], sums[i], sums[i + 1]);
	sums[0] = _mm512_xor_si512(sums[0], sums[1]);
	_mm512_storeu_si512(parity, transpose_bytes(sums[0]));
}

/* Whole batches, whatever is in the lines that nobody asked for: a batch takes no longer than a
 * line would by itself. */
FUNCTION void tile_encode(LOCAL struct tile *tile, const struct work *work,
	const struct encoder *encoder, uint32_t begin, uint32_t end)
{
	(void)encoder;
	for (uint32_t batch = begin / BATCH_LINES * BATCH_LINES; batch < end; batch += BATCH_LINES)
		batch_encode(tile_byte(tile, batch, 0), work->data_bytes, tile->parity + batch);
}

#define NATIVE_RUN kernel_native_run_gfni
#include "kernels/native-run.h"
