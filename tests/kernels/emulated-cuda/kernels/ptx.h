/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_PTX_H
#define VRAMFS_KERNELS_PTX_H

#include "kernels/dialect.h"

/* Takes the place of src/kernels/ptx.h for source that is compiled for the warp emulator: the same
 * instructions by hand, as the PTX ISA describes them. */
typedef uint32_t word2 __attribute__((vector_size(8)));
typedef uint32_t word4 __attribute__((vector_size(16)));

/* A lane's fragments of the two matrices. */
struct fragments {
	word4 rows;
	uint32_t columns[2];
};

/* mma.m16n8k256: a row of 16 times a column of 8, both 256 bits, that lie in the four lanes of
 * either; the lane has rows g and g + 8 and columns 2t and 2t + 1 of the product. */
FUNCTION void ptx_multiply_add(
	uint32_t counts[4], word4 matrix, uint32_t first_word, uint32_t second_word)
{
	static _Thread_local struct fragments warps[WARP_EMULATOR_MOST_THREADS / 32][32];
	struct fragments *warp = warps[LANE / 32];
	const uint32_t lane = LANE % 32, g = lane / 4, t = lane % 4;
	const struct fragments own = {matrix, {first_word, second_word}};

	warp[lane] = own;
	__nvvm_bar_warp_sync(0xffffffffu);
	for (uint32_t i = 0; i < 4; i++) {
		for (uint32_t of = 0; of < 4; of++) {
			const struct fragments *row = &warp[4 * g + of];
			const struct fragments *column = &warp[4 * (2 * t + i % 2) + of];

			counts[i] +=
				(uint32_t)__builtin_popcount(row->rows[i / 2] & column->columns[0]);
			counts[i] += (uint32_t)__builtin_popcount(
				row->rows[2 + i / 2] & column->columns[1]);
		}
	}
	__nvvm_bar_warp_sync(0xffffffffu);
}

/* Copies are made at the latest moment, when they are waited for: who does not wait misses them. */
struct lane_copies {
	struct {
		void *to;
		const uint8_t *from;
		uint32_t bytes, lot;
	} pending[64];
	uint32_t count, lot;
};

static _Thread_local struct lane_copies emulated_copies[WARP_EMULATOR_MOST_THREADS];

/* The lower half of a real address; the upper half is that of any other place in a thread's own
 * memory, or the next to it. */
FUNCTION uint32_t ptx_shared_address(const void *place)
{
	return (uint32_t)(uintptr_t)place;
}

FUNCTION void *emulated_place(uint32_t address)
{
	const uintptr_t near = (uintptr_t)emulated_copies;
	const int32_t distance = (int32_t)(address - (uint32_t)near);

	return (void *)(near + (uintptr_t)(intptr_t)distance);
}

FUNCTION void emulated_copy(uint32_t to, const uint8_t *from, uint32_t bytes)
{
	struct lane_copies *own = &emulated_copies[LANE];

	if (own->count == sizeof(own->pending) / sizeof(own->pending[0]))
		__builtin_trap();
	own->pending[own->count].to = emulated_place(to);
	own->pending[own->count].from = from;
	own->pending[own->count].bytes = bytes;
	own->pending[own->count++].lot = own->lot;
}

FUNCTION void ptx_copy_16(uint32_t to, const uint8_t *from)
{
	emulated_copy(to, from, 16);
}

FUNCTION void ptx_copy_16_of_128(uint32_t to, const uint8_t *from)
{
	emulated_copy(to, from, 16);
}

FUNCTION void ptx_copy_8(uint32_t to, const uint8_t *from)
{
	emulated_copy(to, from, 8);
}

FUNCTION void ptx_copies_commit(void)
{
	emulated_copies[LANE].lot++;
}

FUNCTION void ptx_copies_wait(const uint32_t left)
{
	struct lane_copies *own = &emulated_copies[LANE];
	uint32_t kept = 0;

	for (uint32_t i = 0; i < own->count; i++) {
		if (own->lot - own->pending[i].lot > left)
			__builtin_memcpy(
				own->pending[i].to, own->pending[i].from, own->pending[i].bytes);
		else
			own->pending[kept++] = own->pending[i];
	}
	own->count = kept;
}

FUNCTION word2 ptx_load_shared(uint32_t address, const uint32_t offset)
{
	return *(const word2 *)emulated_place(address + offset);
}

FUNCTION void ptx_flip(uint32_t *word, uint32_t value)
{
	__atomic_fetch_xor(word, value, __ATOMIC_RELAXED);
}

#endif
