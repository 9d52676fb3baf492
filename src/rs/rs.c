/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The numbers that tell the two codes (and no code) apart: everything that differs between them is
 * one row of the table below, so the rest of the program has one path for all three.
 *
 * RS(136,128) keeps its parity behind all the blocks, 8 bytes a line. RS(128,120) keeps it in the
 * last 8 bytes of the line itself, which is the same thing with another base and another pitch.
 */
#include "rs/rs.h"

#include <stddef.h>
#include <string.h>

/* As in kernels/abi.h, which this layer does not see; a test compares them. */
#define LINE_BYTES 128u
#define BLOCK_LINES 1024u

static const struct code {
	const char *name;
	unsigned data_per_line;
	unsigned parity_pitch;
	unsigned tail_bytes_per_line; /* parity kept behind the blocks */
} codes[] = {
	[RS_136] = {"rs136", 128, 8, 8},
	[RS_128] = {"rs128", 120, 128, 0},
	[RS_NONE] = {"none", 128, 0, 0},
};

bool rs_code_by_name(const char *name, enum rs_code *ret_code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(codes[i].name, name) == 0) {
			*ret_code = (enum rs_code)i;
			return true;
		}
	}
	return false;
}

const char *rs_code_name(enum rs_code code)
{
	return codes[code].name;
}

unsigned rs_data_per_line(enum rs_code code)
{
	return codes[code].data_per_line;
}

unsigned rs_parity_pitch(enum rs_code code)
{
	return codes[code].parity_pitch;
}

uint64_t rs_parity_base(enum rs_code code, uint64_t blocks)
{
	return code == RS_136 ? blocks * BLOCK_LINES * LINE_BYTES : codes[code].data_per_line;
}

static uint64_t region_bytes_per_block(enum rs_code code)
{
	return (uint64_t)BLOCK_LINES * (LINE_BYTES + codes[code].tail_bytes_per_line);
}

uint64_t rs_region_bytes(enum rs_code code, uint64_t blocks)
{
	return blocks * region_bytes_per_block(code);
}

uint64_t rs_blocks_in(enum rs_code code, uint64_t region_bytes)
{
	return region_bytes / region_bytes_per_block(code);
}

unsigned rs_block_payload(enum rs_code code)
{
	return codes[code].data_per_line * BLOCK_LINES;
}
