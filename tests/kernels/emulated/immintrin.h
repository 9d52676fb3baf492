/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_KERNELS_EMULATED_IMMINTRIN_H
#define VRAMFS_TESTS_KERNELS_EMULATED_IMMINTRIN_H

/*
 * The AVX-512 and GFNI intrinsics that src/kernels/native-gfni.c uses, as the processors' manuals
 * describe them, one element after the other. That file, compiled with this header in place of the
 * compiler's, can be tested on any processor.
 */
#include <stdint.h>
#include <string.h>

typedef union {
	uint64_t words[8];
	uint8_t bytes[64];
} __m512i;

typedef uint8_t __mmask8;

static inline __m512i _mm512_setzero_si512(void)
{
	return (__m512i){.words = {0}};
}

static inline __m512i _mm512_setr_epi64(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3,
	uint64_t w4, uint64_t w5, uint64_t w6, uint64_t w7)
{
	return (__m512i){.words = {w0, w1, w2, w3, w4, w5, w6, w7}};
}

static inline __m512i _mm512_loadu_si512(const void *from)
{
	__m512i result;
	memcpy(&result, from, sizeof(result));
	return result;
}

static inline void _mm512_storeu_si512(void *to, __m512i a)
{
	memcpy(to, &a, sizeof(a));
}

/* The words that the mask names are those that follow each other in memory; the rest are 0. */
static inline __m512i _mm512_maskz_expandloadu_epi64(__mmask8 mask, const void *from)
{
	__m512i result = _mm512_setzero_si512();
	const uint8_t *next = from;
	for (unsigned i = 0; i < 8; i++) {
		if (mask >> i & 1) {
			memcpy(&result.words[i], next, 8);
			next += 8;
		}
	}
	return result;
}

static inline __m512i _mm512_xor_si512(__m512i a, __m512i b)
{
	for (unsigned i = 0; i < 8; i++)
		a.words[i] ^= b.words[i];
	return a;
}

/* Each bit of the result is the one of TABLE that the bits of A, B and C, as a number, select. */
static inline __m512i _mm512_ternarylogic_epi64(__m512i a, __m512i b, __m512i c, int table)
{
	__m512i result = _mm512_setzero_si512();
	for (unsigned i = 0; i < 8; i++) {
		for (unsigned select = 0; select < 8; select++) {
			if (table >> select & 1)
				result.words[i] |= (select & 4 ? a.words[i] : ~a.words[i]) &
						   (select & 2 ? b.words[i] : ~b.words[i]) &
						   (select & 1 ? c.words[i] : ~c.words[i]);
		}
	}
	return result;
}

/* Bit 3 of an index says which of A and B to take from, bits 0..2 which word. */
static inline __m512i _mm512_permutex2var_epi64(__m512i a, __m512i index, __m512i b)
{
	__m512i result;
	for (unsigned i = 0; i < 8; i++)
		result.words[i] = (index.words[i] & 8 ? b : a).words[index.words[i] & 7];
	return result;
}

static inline __m512i _mm512_permutexvar_epi8(__m512i index, __m512i a)
{
	__m512i result;
	for (unsigned i = 0; i < 64; i++)
		result.bytes[i] = a.bytes[index.bytes[i] & 63];
	return result;
}

/* Each byte of X times the bit matrix in the same word of A, whose byte 7-i is the row that gives
 * bit i, plus CONSTANT. */
static inline __m512i _mm512_gf2p8affine_epi64_epi8(__m512i x, __m512i a, int constant)
{
	__m512i result;
	for (unsigned i = 0; i < 64; i++) {
		unsigned byte = (unsigned)constant;
		for (unsigned bit = 0; bit < 8; bit++) {
			uint8_t row = a.bytes[i / 8 * 8 + 7 - bit];
			byte ^= (unsigned)__builtin_parity(row & x.bytes[i]) << bit;
		}
		result.bytes[i] = (uint8_t)byte;
	}
	return result;
}

#endif
