/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_NATIVE_MOVES_H
#define VRAMFS_KERNELS_NATIVE_MOVES_H

#include "kernels/tile.h"

/*
 * The moves of tile.h for a group of one lane, which need not go in units of 8 bytes: whole lines
 * between the region and the tile, and between the payload and the tile whatever is contiguous in
 * both, which is all of it where a line has 128 data bytes.
 */

/* 32 bytes, wherever they are. */
typedef uint64_t move_wide __attribute__((vector_size(32), aligned(1), may_alias));

/*
 * BYTES (128 or 120) of one line. Another launch may be repairing some of them, a byte at a time;
 * each byte that arrives here is the one before or the one after, and no order is asked for. So
 * wide loads do, each of which the compiler may make only once. The thread sanitizer gets to see
 * atomic ones, which are the same to it as in the portable form.
 */
FUNCTION void line_load(uint8_t *row, const uint8_t *line, uint32_t bytes)
{
	uint32_t i = 0;
#if !defined(__SANITIZE_THREAD__)
	for (; i + sizeof(move_wide) <= bytes; i += sizeof(move_wide))
		*(move_wide *)(row + i) = *(const volatile move_wide *)(line + i);
#endif
	for (; i < bytes; i += UNIT_BYTES)
		*(uint64_t *)(row + i) = REGION_LOAD((const uint64_t *)(line + i));
}

FUNCTION void tile_load(LOCAL struct tile *tile, const struct work *work, REGION_PARAMETER,
	uint32_t begin, uint32_t end)
{
	for (uint32_t line = begin; line < end; line++) {
		const uint8_t *source = REGION_AT(line_offset(work, line));
		if (work->data_bytes == KERNEL_LINE_BYTES)
			line_load(tile_byte(tile, line, 0), source, KERNEL_LINE_BYTES);
		else
			line_load(tile_byte(tile, line, 0), source,
				KERNEL_LINE_BYTES - KERNEL_PARITY_BYTES);
	}
}

FUNCTION void tile_store(
	LOCAL struct tile *tile, const struct work *work, REGION_PARAMETER, bool skip_marked)
{
	for (uint32_t line = work->line_begin; line < work->line_end; line++) {
		if (!(skip_marked && tile->marked[line]))
			__builtin_memcpy(REGION_AT(line_offset(work, line)),
				tile_byte(tile, line, 0), work->data_bytes);
	}
}

/* How many bytes from POSITION on, up to END, lie in the tile one behind the other. */
FUNCTION uint32_t contiguous(const struct work *work, uint32_t position, uint32_t end)
{
	uint32_t line_end = (line_of(work, position) + 1) * work->data_bytes;
	return work->data_bytes == KERNEL_LINE_BYTES || line_end > end ? end - position
								       : line_end - position;
}

FUNCTION void tile_set(LOCAL struct tile *tile, const struct work *work, uint32_t begin,
	uint32_t end, uint32_t value)
{
	for (uint32_t bytes; begin < end; begin += bytes) {
		bytes = contiguous(work, begin, end);
		__builtin_memset(tile_at(tile, work, begin), (int)value, bytes);
	}
}

FUNCTION void tile_from_payload(
	LOCAL struct tile *tile, const struct work *work, GLOBAL const uint8_t *payload)
{
	const uint8_t *source = payload + work->payload;
	uint32_t bytes;
	for (uint32_t position = work->begin; position < work->end; position += bytes) {
		bytes = contiguous(work, position, work->end);
		__builtin_memcpy(tile_at(tile, work, position), source, bytes);
		source += bytes;
	}
}

FUNCTION void tile_to_payload(
	LOCAL struct tile *tile, const struct work *work, GLOBAL uint8_t *payload)
{
	uint8_t *target = payload + work->payload;
	uint32_t bytes;
	for (uint32_t position = work->begin; position < work->end; position += bytes) {
		bytes = contiguous(work, position, work->end);
		__builtin_memcpy(target, tile_at(tile, work, position), bytes);
		target += bytes;
	}
}

#endif
