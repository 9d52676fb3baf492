/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_TENSOR_TILE_H
#define VRAMFS_KERNELS_TENSOR_TILE_H

#define TILE_TOGETHER_DEFINED
#define ENCODER_DEFINED
#define LINE_ERRORS_DEFINED
#include "kernels/decoder.h"
#include "kernels/tensor.h"

/* Loaded together with the tile's lines, instead of after them. */
struct encoder {
	struct matrix matrix;
};

FUNCTION struct encoder encoder_load(const struct kernel_params *params)
{
	struct encoder encoder = {};
	if (params->parity_pitch)
		encoder.matrix =
			matrix_load(params->data_per_line == 128 ? rs_matrix_136 : rs_matrix_128);
	return encoder;
}

#include "kernels/tile.h"

/*
 * Parity by the tensor cores, which the lanes of a group, two warps, make together for the lines of
 * a tile, eight at a time; and errors by tables. For the kernels that move bytes; the sweeps in
 * tensor.c don't need a tile.
 */

/* Chunk INDEX of 16 bytes of a line. Rows begin at any word, so this is four loads. What lies
 * behind a line of 120 bytes is multiplied by zeros. */
FUNCTION word4 tile_chunk(LOCAL struct tile *tile, uint32_t line, uint32_t index)
{
	LOCAL const uint32_t *words = tile_row(tile, line) + index * 4;
	word4 chunk = {words[0], words[1], words[2], words[3]};
	return chunk;
}

FUNCTION void tile_encode(LOCAL struct tile *tile, const struct work *work,
	const struct encoder *encoder, uint32_t begin, uint32_t end)
{
	const uint32_t g = warp_lane() / 4, t = warp_lane() % 4;
	(void)work;
	for (uint32_t first = begin / EIGHT * EIGHT + LANE / WARP_LANES * EIGHT; first < end;
		first += LANES / WARP_LANES * EIGHT) {
		struct product product = matrix_multiply(&encoder->matrix,
			tile_chunk(tile, first + g, t), tile_chunk(tile, first + g, t + 4));
		((LOCAL uint8_t *)&tile->parity[first + 2 * t])[g] = (uint8_t)product.even;
		((LOCAL uint8_t *)&tile->parity[first + 2 * t + 1])[g] = (uint8_t)product.odd;
	}
	BARRIER();
}

FUNCTION_APART struct code_errors line_errors(
	const struct work *work, const struct kernel_params *params, uint64_t remainder)
{
	return decoder_find_errors(&rs_decoder, remainder, work->data_bytes, params->max_correct);
}

#endif
