/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_FOLD_H
#define VRAMFS_KERNELS_FOLD_H

#include "kernels/dialect.h"

/*
 * Shortening a line to a third of its length without changing its parity, by exclusive or alone.
 *
 * Parity is a remainder modulo g(x), so a multiple of g(x) may be added to the data as a polynomial
 * whenever that helps. There are multiples whose coefficients are all 0 or 1 and most of them 0.
 * Adding x^k C(x) for such a C(x) of degree n, times a data byte at x^(n+k), makes that byte 0 and
 * adds it as it is to a few bytes behind it: no byte is multiplied by anything. The distances to
 * those bytes are n minus the exponents in C(x), and a whole word of 4 bytes can go at once if none
 * is below 4.
 *
 *	C(x) = x^80 + x^75 + x^72 + x^63 + x^24 + x^12 + x^11 + x^8 + x^7 + 1
 *	D(x) = x^41 + x^34 + x^33 + x^25 + x^24 + x^22 + x^17 + x^16 + x^10 + x^9 + x^6 + 1
 *
 * These are the cheapest, found by looking through all of few terms: a distance divisible by 4 is
 * one operation, others are two, and each remainder modulo 4 that occurs takes two shifts.
 * tests/kernels/fold.c shows that g(x) divides them. As C(x) reaches 80 bytes far, it can move the
 * first 12 words of a line; D(x), which has more terms, moves the next 9.
 */
#define FOLD_WORDS 32u      /* of a line of 128 data bytes; a shorter one begins with zeros */
#define FOLD_FAR_WORDS 12u  /* what C(x) moves */
#define FOLD_FIRST_WORD 21u /* of those that are left */

/* X(distance) for each. */
#define FOLD_FAR(X) X(5) X(8) X(17) X(56) X(68) X(69) X(72) X(73) X(80)
#define FOLD_NEAR(X) X(7) X(8) X(16) X(17) X(19) X(24) X(25) X(31) X(32) X(35) X(41)

/* Add the word at WORDS to the bytes that lie DISTANCE behind its own. */
FUNCTION void fold_word(uint32_t *words, const uint32_t distance)
{
	const uint32_t shift = distance % 4 * 8;
	words[distance / 4] ^= words[0] << shift;
	if (shift)
		words[distance / 4 + 1] ^= words[0] >> (32 - shift);
}

/* Afterwards the words from FOLD_FIRST_WORD on have the parity that all of WORDS had. */
FUNCTION void fold_line(uint32_t words[FOLD_WORDS])
{
#define FOLD(distance) fold_word(words + i, distance);
	UNROLL for (uint32_t i = 0; i < FOLD_FAR_WORDS; i++){
		FOLD_FAR(FOLD)} UNROLL for (uint32_t i = FOLD_FAR_WORDS; i < FOLD_FIRST_WORD; i++)
	{
		FOLD_NEAR(FOLD)
	}
#undef FOLD
}

#endif
