/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_SWEEP_H
#define VRAMFS_KERNELS_SWEEP_H

#include "kernels/decoder.h"
#include "kernels/ptx.h"
#include "kernels/tile.h"
#include "kernels/warp.h"

/*
 * CUDA only: what variants have in common whose kernels sweep over a region in a form of their own.
 *
 * Those are launched with as many groups as the GPU holds at a time, of SWEEP_LANES lanes. A warp
 * works on a batch of lines at a time, a power of 2 and at most 32 of them, and all warps of the
 * launch take the batches in turn: so what they want at a time lies close together in memory, which
 *likes that best. (With a tile a warp, an H200 refreshed a tenth less.) Lines in which the computed
 *and the stored parity differ are rare, so a warp only notes them, and when it has noted 32, or at
 *the end, each of its lanes finds the errors of one (decoder.h).
 *
 * Who includes this defines before
 *
 *	SWEEP_LANES	lanes in a group
 *	NOTES		lines that a warp can have noted: 31 and as many as it may find at once
 *
 * and behind it sweep_batches(), which does all the work, and includes sweep-kernels.h, where the
 * entry points are.
 */
#define SWEEP_WARPS (SWEEP_LANES / WARP_LANES)

#define LINE_CHUNKS (KERNEL_LINE_BYTES / (uint32_t)sizeof(word4))

/* Lines to be looked at, of one warp: the remainder of each, and which line of the region it is. */
struct notes {
	uint64_t remainders[NOTES];
	uint64_t lines[NOTES];
};

/* Where a region's codewords are and how many errors are corrected: of struct kernel_params. */
struct codewords {
	uint8_t *region;
	uint64_t parity_base;
	uint32_t parity_pitch, data_bytes, max_correct;
};

/* What a group's lanes share. Tables are looked up at 32 places at once, for which this memory is
 * the fastest. */
struct sweep {
	struct rs_decoder decoder;
	struct notes notes[SWEEP_WARPS];
	struct codewords codewords;
	uint32_t counts[COUNTS];
};

/* Not handed on by pointers: so the compiler knows also where it does not inline in which memory it
 * is. */
LOCAL_VARIABLE(struct sweep, sweep);

/* Add COUNT to a counter of the group's; by one lane for the warp. */
FUNCTION void count_lines(uint32_t which, uint32_t count)
{
	if (count && warp_lane() == 0)
		__nvvm_atom_add_gen_i((int *)&sweep.counts[which], (int)count);
}

/* Copy the decoder's tables, all lanes together. A barrier has to follow. */
FUNCTION void decoder_load(void)
{
	const word4 *from = (const word4 *)&rs_decoder;
	word4 *to = (word4 *)&sweep.decoder;
	for (uint32_t i = LANE; i < sizeof(struct rs_decoder) / sizeof(word4); i += SWEEP_LANES)
		to[i] = from[i];
}

/* Repair the ERRORS of LINE, which no other launch touches meanwhile. Flipping bits where they are
 * takes half the traffic that loading and storing bytes does. */
FUNCTION void region_repair(uint64_t line, struct code_errors errors)
{
	const struct codewords *codewords = &sweep.codewords;
	uint64_t data = line * KERNEL_LINE_BYTES;
	uint64_t parity =
		codewords->parity_base + line * codewords->parity_pitch - codewords->data_bytes;
	UNROLL for (uint32_t i = 0; i < 4; i++)
	{
		uint32_t position = (errors.positions >> (8 * i)) & 0xff;
		uint32_t value = (errors.values >> (8 * i)) & 0xff;
		uint64_t byte = (position < codewords->data_bytes ? data : parity) + position;
		if (i < errors.count)
			ptx_flip((uint32_t *)(codewords->region + byte / 4 * 4),
				value << (byte % 4 * 8));
	}
}

/* Find and repair the errors of the last COUNT, at most 32, of the TOTAL lines that a WARP has
 * noted. A call, so that what hardly ever happens takes no registers from what always does. */
FUNCTION_APART void notes_correct(uint32_t warp, uint32_t total, uint32_t count)
{
	const struct notes *notes = &sweep.notes[warp];
	warp_barrier();
	struct code_errors errors = {0, 0, 0};
	if (warp_lane() < count) {
		uint32_t place = total - count + warp_lane();
		errors = decoder_find_errors(&sweep.decoder, notes->remainders[place],
			sweep.codewords.data_bytes, sweep.codewords.max_correct);
		region_repair(notes->lines[place], errors);
	}
	warp_barrier();
	for (uint32_t weight = 1; weight <= 4; weight++)
		count_lines(COUNT_CORRECTED + weight,
			(uint32_t)__builtin_popcount(warp_ballot(errors.count == weight)));
	count_lines(COUNT_LOST, (uint32_t)__builtin_popcount(
					warp_ballot(warp_lane() < count && errors.count == 0)));
}

/* What a sweep does with a line. */
#define CHECK 1u   /* compare the parity with the stored one */
#define CORRECT 2u /* repair what differs */
#define STORE 4u   /* store the parity */

/* One warp's part of a sweep, with what every batch needs. */
struct sweeper {
	uint32_t warp; /* of the group */
	uint32_t batch_lines;
	uint32_t first, gap, batches; /* its first batch, how far it is from one to the next, and
				       * how many there are for all */
	uint64_t whole_first;         /* where sweep_is_whole(), the first line of all */
	uint32_t noted;               /* lines in sweep.notes[warp] */
};

/* The lines of a batch: which line of the region the first is, and that the sweep works on those
 * from BEGIN to END - 1, if on any. */
struct batch_lines {
	uint64_t first;
	uint32_t begin, end;
};

/* Do the batches follow one another through the region? */
FUNCTION bool sweep_is_whole(const struct kernel_params *params)
{
	return params->segments == KERNEL_WHOLE_BLOCKS &&
	       params->tiles_per_segment == KERNEL_BLOCK_TILES;
}

/* At the beginning of sweep_batches(). */
FUNCTION struct sweeper sweeper_begin(
	const struct kernel_params *params, const uint32_t batch_lines)
{
	const uint32_t groups = (uint32_t)__nvvm_read_ptx_sreg_nctaid_x();
	const uint32_t warp = LANE / WARP_LANES;
	struct sweeper sweeper = {
		.warp = warp, .first = GROUP * SWEEP_WARPS + warp, .gap = groups * SWEEP_WARPS};
	sweeper.batch_lines = batch_lines;
	sweeper.batches = params->segment_count * params->tiles_per_segment *
			  (KERNEL_TILE_LINES / batch_lines);
	sweeper.whole_first = (uint64_t)params->first_block * KERNEL_BLOCK_LINES;
	return sweeper;
}

/* WHOLE, whether sweep_is_whole(), is a constant. */
FUNCTION struct batch_lines batch_find(const struct sweeper *sweeper, uint32_t batch,
	const struct kernel_params *params, const uint8_t *control, const bool whole)
{
	const uint32_t batch_lines = sweeper->batch_lines;
	const uint32_t tile_batches = KERNEL_TILE_LINES / batch_lines;
	struct batch_lines lines = {
		sweeper->whole_first + (uint64_t)batch * batch_lines, 0, batch_lines};
	if (whole) /* takes no divisions, and all lines of each batch are swept */
		return lines;
	const struct work work = work_find(params, control, batch / tile_batches, false);
	const uint32_t line = batch % tile_batches * batch_lines;
	lines.first = work.region_line + line;
	lines.begin = work.line_begin > line ? work.line_begin - line : 0;
	lines.end = work.line_end > line ? work.line_end - line : 0;
	if (lines.end > batch_lines)
		lines.end = batch_lines;
	return lines;
}

FUNCTION bool is_swept(struct batch_lines lines, uint32_t line)
{
	return line >= lines.begin && line < lines.end;
}

/* Of the lines that are noted correct as many as there are lanes, or all if they are fewer. */
FUNCTION void sweeper_correct(struct sweeper *sweeper)
{
	const uint32_t count = sweeper->noted < WARP_LANES ? sweeper->noted : WARP_LANES;
	notes_correct(sweeper->warp, sweeper->noted, count);
	sweeper->noted -= count;
}

#endif
