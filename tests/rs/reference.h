/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_RS_REFERENCE_H
#define VRAMFS_TESTS_RS_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The codes once more, written as a textbook has them (logarithms, long division) and sharing not a
 * line with the program: what tests compare it with.
 */
uint8_t reference_multiply(uint8_t a, uint8_t b);
uint8_t reference_power_of_alpha(unsigned exponent);

/* The parity of DATA_BYTES bytes. */
void reference_encode(const uint8_t *data, size_t data_bytes, uint8_t ret_parity[8]);

/*
 * Bounded-distance decoding, by Peterson, Gorenstein and Zierler's linear equations: make of WORD,
 * SYMBOLS data and parity bytes, the codeword that differs from it in at most MAX_CORRECT (0..4)
 * of them. Returns in how many; -1, with WORD as it was, if no codeword is that near.
 */
int reference_decode(uint8_t *word, size_t symbols, unsigned max_correct);

/* The codeword that is 0 outside nine different POSITIONS, as near to the zero word as one can be:
 * its bytes there, the last of them 1. */
void reference_nearest_codeword(const unsigned positions[9], size_t symbols, uint8_t ret_values[9]);

/* Coefficients of g(x), x^8 first. */
void reference_generator(uint8_t ret_generator[9]);

/* A number that follows from *STATE, which changes: the same sequence on every machine. */
uint64_t reference_random(uint64_t *state);

#endif
