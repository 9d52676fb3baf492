/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_RS_RS_H
#define VRAMFS_RS_RS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The two codes. Both are shortened Reed-Solomon codes over GF(2^8) modulo x^8+x^4+x^3+x^2+1 with
 * the generator polynomial g(x) = (x - a^1)(x - a^2)...(x - a^8), so both have 8 parity symbols, a
 * minimum distance of 9, and correct up to 4 unknown byte errors. data[0] is the coefficient of the
 * highest power, parity[0] that of x^7.
 *
 *	RS_136	RS(136,128): 128 data bytes a line, the parity in the tail of the region
 *	RS_128	RS(128,120): 120 data bytes and their 8 parity bytes share a line
 *	RS_NONE	no code: for measuring what protection costs
 */
enum rs_code { RS_136, RS_128, RS_NONE };

#define RS_PARITY_SYMBOLS 8
#define RS_MAX_CORRECT 4

/* The code called NAME ("rs136", "rs128", "none"); false if there is none of that name. */
bool rs_code_by_name(const char *name, enum rs_code *ret_code);
const char *rs_code_name(enum rs_code code);

/* Data bytes in a line: 128 or 120. */
unsigned rs_data_per_line(enum rs_code code);

/* Bytes from the parity of one line to that of the next (8 or 128; 0 without a code), and where in
 * a region of BLOCKS blocks the first one is. */
unsigned rs_parity_pitch(enum rs_code code);
uint64_t rs_parity_base(enum rs_code code, uint64_t blocks);

/* Bytes of region that BLOCKS blocks take, parity included. */
uint64_t rs_region_bytes(enum rs_code code, uint64_t blocks);

/* How many blocks fit in REGION_BYTES. */
uint64_t rs_blocks_in(enum rs_code code, uint64_t region_bytes);

/* File bytes in a block: 131072 or 122880. */
unsigned rs_block_payload(enum rs_code code);

#endif
