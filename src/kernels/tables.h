/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_TABLES_H
#define VRAMFS_KERNELS_TABLES_H

#include "kernels/fold.h"
#include "kernels/ptx.h"
#include "kernels/warp.h"

#include "kernels/rs-step.h"

/*
 * Parity by looking up what a part of a word adds to it, for GPUs that have nothing better.
 *
 * Each lane makes the parity of one line. First it folds the line to a third of its length
 * (fold.h), then it divides what is left by g(x), a word at a time, as CRCs are computed: the state
 * is the remainder so far, 8 bytes, of which a step shifts out 4. Those, plus the 4 of the next
 * word, come back as a multiple of x^8 mod g(x), which is linear in each of the 32 bits. So the
 * bits are taken in PARTS parts, and a table for each part tells what it adds to the state.
 *
 * The tables are in the memory that a group shares. That has 32 banks of 4 bytes, and serves half a
 * warp at a time if each lane wants 8; but lanes that want different words of one bank have to
 * wait for each other, and where lanes look is up to their data. So every entry is there
 * TABLE_COPIES times, one behind the other, and each lane has banks of its own:
 *
 *	address = begin of the table + entry * 128 + lane % 16 * 8
 *
 * Looking up a part takes two operations, a shift and an AND and OR in one, besides the look-up;
 * adding what was found takes little more than one for both halves, as three words are added at
 * once. Fewer and larger parts would take fewer look-ups and more memory: with 8 parts of 4 bits
 * the tables are 16 KiB, with 6 they would be 32, and with 4 of 8 bits 128 KiB. On an H200 8 and 6
 * were equally fast.
 */
#define PARTS 8u
#define PART_BITS 4u
#define PART_ENTRIES (1u << PART_BITS)
#define TABLE_COPIES (WARP_LANES / 2)
#define ENTRY_SHIFT 7u
#define ENTRY_BYTES (1u << ENTRY_SHIFT)

struct tables {
	uint64_t entries[PARTS * PART_ENTRIES][TABLE_COPIES];
};

/* They have to be so aligned that the bits of an entry's number and of the rest of its address
 * don't meet. A multiprocessor keeps the first 1 KiB for itself, and no variable is aligned by more
 * than that, so they are given more room than they take. */
#define TABLES_ALIGNMENT (ENTRY_BYTES << PART_BITS)

struct tables_room {
	uint64_t room[(sizeof(struct tables) + TABLES_ALIGNMENT) / sizeof(uint64_t)];
};

FUNCTION struct tables *tables_in(struct tables_room *room)
{
	const uint32_t unused = (0 - ptx_shared_address(room)) % TABLES_ALIGNMENT;
	return (struct tables *)(room->room + unused / sizeof(uint64_t));
}

/* Make the tables, all GROUP_LANES of a group together. A barrier has to follow. */
FUNCTION void tables_make(struct tables *tables, const uint32_t group_lanes)
{
	UNROLL for (uint32_t part = 0; part < PARTS; part++)
	{
		for (uint32_t i = LANE; i < TABLE_COPIES * PART_ENTRIES; i += group_lanes) {
			const uint32_t value = i / TABLE_COPIES;
			uint64_t entry = 0;
			UNROLL for (uint32_t bit = 0; bit < PART_BITS; bit++)
			{
				if ((value >> bit) & 1)
					entry ^= rs_step[part * PART_BITS + bit];
			}
			tables->entries[part * PART_ENTRIES + value][i % TABLE_COPIES] = entry;
		}
	}
}

/* Where this lane's copies are, for tables_parity(). */
FUNCTION uint32_t tables_of_lane(const struct tables *tables)
{
	return ptx_shared_address(&tables->entries[0][warp_lane() % TABLE_COPIES]);
}

/* The parity of the line of data in WORDS, which are used up. */
FUNCTION uint64_t tables_parity(uint32_t tables, uint32_t words[FOLD_WORDS])
{
	uint32_t low = 0, high = 0;
	fold_line(words);
	UNROLL for (uint32_t i = FOLD_FIRST_WORD; i < FOLD_WORDS; i++)
	{
		const uint32_t word = words[i] ^ low;
		low = high;
		high = 0;
		UNROLL for (uint32_t part = 0; part < PARTS; part++)
		{
			const uint32_t mask = ENTRY_BYTES * (PART_ENTRIES - 1);
			/* The entry's number times ENTRY_BYTES. */
			const uint32_t offset = part * PART_BITS > ENTRY_SHIFT
							? word >> (part * PART_BITS - ENTRY_SHIFT)
							: word << (ENTRY_SHIFT - part * PART_BITS);
			const word2 entry = ptx_load_shared(
				(offset & mask) | tables, part * PART_ENTRIES * ENTRY_BYTES);
			low ^= entry[0];
			high ^= entry[1];
		}
	}
	return low | (uint64_t)high << 32;
}

#endif
