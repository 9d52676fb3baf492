/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_NATIVE_TOGETHER_H
#define VRAMFS_KERNELS_NATIVE_TOGETHER_H

#include "kernels/native-moves.h"

/*
 * What the variants that encode several lines at once have in common: tile_encode(), which each has
 * for itself, leaves the parities in the tile, checking a line begins with encoding it, and errors
 * are found line by line.
 */
FUNCTION void tile_check(LOCAL struct tile *tile, const struct work *work,
	const struct kernel_params *params, GLOBAL uint8_t *region, uint32_t begin, uint32_t end)
{
	(void)params, (void)region;
	tile_encode(tile, work, begin, end);
}

FUNCTION uint64_t line_parity(LOCAL struct tile *tile, const struct work *work, uint32_t line)
{
	(void)work;
	return tile->parity[line];
}

FUNCTION struct code_errors line_errors(LOCAL struct tile *tile, const struct work *work,
	const struct kernel_params *params, uint32_t line, uint64_t remainder)
{
	(void)tile, (void)line;
	return code_find_errors(remainder, work->data_bytes, params->max_correct);
}

#endif
