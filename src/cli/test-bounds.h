/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_TEST_BOUNDS_H
#define VRAMFS_CLI_TEST_BOUNDS_H

#include "rs/rs.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What chance allows. A decoder that corrects t errors takes some lines with more than t for a
 * neighbouring codeword; how often is a property of the code, so a decoder that does it more often
 * or less often is wrong.
 */

/* The chance that a line with ERRORS (1..8) wrong bytes at random places is corrected to a codeword
 * that is not the one written. 0 where the code makes that impossible. */
double test_miscorrection(enum rs_code code, unsigned max_correct, unsigned errors);

/* The chance that all of ERRORS wrong bytes are in a line's parity, so that its data are intact. */
double test_parity_only(enum rs_code code, unsigned errors);

/* The counts that TRIALS trials of CHANCE each give, but for 1 case in 3 million (5 sigma). */
struct test_range {
	uint64_t low, high;
};
struct test_range test_range(uint64_t trials, double chance);

#endif
