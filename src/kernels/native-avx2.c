/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The native variant for processors with AVX2: 32 lines at once, by polynomial division.
 *
 * A register holds one byte of each of 32 lines, so a step of the division takes a column of data
 * bytes and works on eight such registers, one for each parity byte. The products by the
 * coefficients of g(x) are looked up by nibbles with PSHUFB. For each 32 bytes of data that makes
 *
 *	5	to make columns of lines: 1 load of a second half, 4 interleavings
 *	4	to find the factor and its nibbles
 *	16	look-ups
 *	16	additions
 *
 * operations on registers, besides the loads of the 16 tables. A processor with four units for
 * them, two of which look up, can do that in about 10 cycles.
 */
#define PARITY_BY_SLICES
#include "kernels/dialect.h"
#include "kernels/rs-nibbles.h"

#define TILE_TOGETHER_DEFINED
#define TILE_MOVES_DEFINED
#include "kernels/native-moves.h"

#include <immintrin.h>

#define BATCH_LINES 32u
#define COLUMNS 16u   /* that are made at once */
#define FEW_LINES 10u /* one by one, so many take as long as BATCH_LINES together */

/*
 * Exchange rows and columns: COUNT registers hold as many rows of 16 bytes, twice over, in their
 * lower and upper halves. To interleave row i with row i + COUNT/2 rotates the bits of a byte's
 * address, which are those of its row and then those of its column, by one; so as many rotations
 * as a row's number has bits leave that number where the column's was.
 */
FUNCTION void interleave(__m256i rows[], uint32_t count)
{
	__m256i next[COLUMNS];
	for (uint32_t i = 0; i < count / 2; i++) {
		next[2 * i] = _mm256_unpacklo_epi8(rows[i], rows[i + count / 2]);
		next[2 * i + 1] = _mm256_unpackhi_epi8(rows[i], rows[i + count / 2]);
	}
	for (uint32_t i = 0; i < count; i++)
		rows[i] = next[i];
}

/* COLUMNS columns of BATCH_LINES lines, from BYTES on, which is in the first of the lines. */
FUNCTION void columns_load(__m256i columns[COLUMNS], const uint8_t *bytes)
{
	for (uint32_t i = 0; i < COLUMNS; i++) {
		const uint8_t *lower = bytes + i * KERNEL_LINE_BYTES;
		const uint8_t *upper = lower + BATCH_LINES / 2 * KERNEL_LINE_BYTES;
		columns[i] = _mm256_inserti128_si256(
			_mm256_castsi128_si256(_mm_load_si128((const __m128i *)lower)),
			_mm_load_si128((const __m128i *)upper), 1);
	}
	for (uint32_t i = 0; i < 4; i++)
		interleave(columns, COLUMNS);
}

FUNCTION __m256i look_up(const uint64_t table[2], __m256i nibbles)
{
	__m128i products = _mm_loadu_si128((const __m128i *)table);
	return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(products), nibbles);
}

/* One step of the division: the next column of the dividend. */
FUNCTION void divide(__m256i remainder[8], __m256i column)
{
	const __m256i nibble = _mm256_set1_epi8(0x0f);
	__m256i factor = _mm256_xor_si256(remainder[0], column);
	__m256i low = _mm256_and_si256(factor, nibble);
	__m256i high = _mm256_and_si256(_mm256_srli_epi16(factor, 4), nibble);
	for (uint32_t i = 0; i < 8; i++) {
		__m256i product = look_up(rs_nibbles[i][0], low);
		if (i < 7)
			product = _mm256_xor_si256(product, remainder[i + 1]);
		remainder[i] = _mm256_xor_si256(product, look_up(rs_nibbles[i][1], high));
	}
}

/* The parities of BATCH_LINES lines. */
static void batch_encode(const uint8_t *bytes, uint32_t data_bytes, uint64_t *parity)
{
	__m256i remainder[8], columns[COLUMNS];
	for (uint32_t i = 0; i < 8; i++)
		remainder[i] = _mm256_setzero_si256();
	for (uint32_t first = 0; first < data_bytes; first += COLUMNS) {
		columns_load(columns, bytes + first);
		for (uint32_t i = 0; i < COLUMNS && first + i < data_bytes; i++)
			divide(remainder, columns[i]);
	}
	for (uint32_t i = 0; i < 3; i++)
		interleave(remainder, 8);
	for (uint32_t i = 0; i < 8; i++) {
		__m128i *lower = (__m128i *)(parity + 2 * i);
		__m128i *upper = (__m128i *)(parity + BATCH_LINES / 2 + 2 * i);
		_mm_store_si128(lower, _mm256_castsi256_si128(remainder[i]));
		_mm_store_si128(upper, _mm256_extracti128_si256(remainder[i], 1));
	}
}

/* A batch of which many lines are asked for is encoded as a whole, whatever is in the others. */
FUNCTION void tile_encode(LOCAL struct tile *tile, const struct work *work,
	const struct encoder *encoder, uint32_t begin, uint32_t end)
{
	(void)encoder;
	for (uint32_t batch = begin / BATCH_LINES * BATCH_LINES; batch < end;
		batch += BATCH_LINES) {
		uint32_t from = begin > batch ? begin : batch;
		uint32_t to = end < batch + BATCH_LINES ? end : batch + BATCH_LINES;
		if (to - from > FEW_LINES) {
			batch_encode(
				tile_byte(tile, batch, 0), work->data_bytes, tile->parity + batch);
			continue;
		}
		for (uint32_t line = from; line < to; line++)
			tile->parity[line] = code_parity(tile_row(tile, line), work->data_bytes);
	}
}

#define NATIVE_RUN kernel_native_run_avx2
#include "kernels/native-run.h"
