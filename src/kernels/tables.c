/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The variant for NVIDIA GPUs without binary tensor cores: see tables.h for how tables make parity.
 *
 * The kernels that move bytes are the portable ones: what those do is a matter of PCIe and of
 * latency, and to make the tables would take longer than they save. Those that sweep over a region
 * have a form of their own (sweep.h). A warp works on 32 lines at a time. They come into memory
 * that the group shares, past the registers, by copies that the lanes make together in the order of
 * memory. Then each lane takes a line of its own to its registers, and while it makes the parity of
 * that, the next lines are on their way to the same place.
 */
#include "kernels/tables.h"

#define SWEEPS_DEFINED
#define STREAM_DEFINED
#include "kernels/kernels.c"

#define SWEEP_LANES 128u
#define SWEEP_GROUPS 5
#define SWEEP_COPY ptx_copy_16
#define NOTES (2 * WARP_LANES)
#include "kernels/sweep.h"

#define BATCH_LINES WARP_LANES

LOCAL_VARIABLE(struct tables_room, tables_room);

/* Lines that are on their way. */
struct arrivals {
	word4 chunks[SWEEP_WARPS][BATCH_LINES * LINE_CHUNKS]; /* where chunk_place() says */
};

LOCAL_VARIABLE(struct arrivals, arrivals);

/* The order of a line's chunks differs from line to line: so eight lanes, which memory serves at
 * once, find the same chunk of their lines in different banks. */
FUNCTION uint32_t chunk_place(uint32_t line, uint32_t chunk)
{
	return line * LINE_CHUNKS + (chunk ^ line % LINE_CHUNKS);
}

/* Begin to copy the lines at LINES. Two places of this lane are enough to know all: what it copies
 * next but one lies eight lines further on, there as here. */
FUNCTION void batch_copy(const struct sweeper *sweeper, const uint8_t *lines)
{
	const uint32_t arrival = ptx_shared_address(arrivals.chunks[sweeper->warp]);
	const uint32_t chunk_bytes = sizeof(word4);
	uint32_t places[2];

	UNROLL for (uint32_t i = 0; i < 2; i++)
	{
		const uint32_t piece = i * WARP_LANES + warp_lane();
		places[i] = arrival +
			    chunk_place(piece / LINE_CHUNKS, piece % LINE_CHUNKS) * chunk_bytes;
	}
	lines += warp_lane() * chunk_bytes;
	UNROLL for (uint32_t i = 0; i < LINE_CHUNKS; i++)
	{
		SWEEP_COPY(places[i % 2] + i / 2 * 2 * WARP_LANES * chunk_bytes,
			lines + i * WARP_LANES * chunk_bytes);
	}
	ptx_copies_commit();
}

/* A batch, one line a lane. */
struct batch {
	struct batch_lines lines;
	uint64_t parity; /* the stored one of this lane's line, if it is wanted and not in the line
			  */
};

/* The place in the region, from PARITIES on, of the parity of this lane's line. */
FUNCTION uint64_t batch_parity_offset(
	const struct batch *batch, uint64_t parities, const bool in_line)
{
	return parities + (batch->lines.first + warp_lane()) *
				  (in_line ? KERNEL_LINE_BYTES : KERNEL_PARITY_BYTES);
}

/* Begin to load batch INDEX, if there is that one. */
FUNCTION struct batch batch_load(const struct sweeper *sweeper, uint32_t index,
	const struct kernel_params *params, uint8_t *region, uint64_t parities,
	const uint8_t *control, const uint32_t what, const bool in_line, const bool whole)
{
	struct batch batch = {{0, 0, 0}, 0};
	if (index >= sweeper->batches)
		return batch;
	batch.lines = batch_find(sweeper, index, params, control, whole);
	if (batch.lines.begin >= batch.lines.end)
		return batch;
	batch_copy(sweeper, region + batch.lines.first * KERNEL_LINE_BYTES);
	if ((what & CHECK) && !in_line)
		batch.parity = parity_load(region, batch_parity_offset(&batch, parities, in_line));
	return batch;
}

/* The lane's own line, which has arrived, as words to fold; and its parity to BATCH, if it is in
 * the line. */
FUNCTION void batch_take(const struct sweeper *sweeper, struct batch *batch,
	uint32_t words[FOLD_WORDS], const bool in_line)
{
	const uint32_t missing = in_line ? KERNEL_PARITY_BYTES / 4 : 0;
	const word4 *chunks = arrivals.chunks[sweeper->warp];
	uint32_t parity[2] = {0, 0};

	UNROLL for (uint32_t i = 0; i < missing; i++) words[i] = 0;
	UNROLL for (uint32_t i = 0; i < FOLD_WORDS; i++)
	{
		const uint32_t word = chunks[chunk_place(warp_lane(), i / 4)][i % 4];
		if (i + missing < FOLD_WORDS)
			words[i + missing] = word;
		else
			parity[i + missing - FOLD_WORDS] = word;
	}
	if (in_line)
		batch->parity = parity[0] | (uint64_t)parity[1] << 32;
}

/* Note the lines of the batch that are FLAGGED, a bit each, to be corrected. */
FUNCTION void batch_note(
	struct sweeper *sweeper, const struct batch *batch, uint32_t flagged, uint64_t remainder)
{
	struct notes *notes = &sweep.notes[sweeper->warp];
	const uint32_t lane = warp_lane();
	if ((flagged >> lane) & 1) {
		const uint32_t before = flagged & ((1u << lane) - 1);
		const uint32_t place = sweeper->noted + (uint32_t)__builtin_popcount(before);
		notes->remainders[place] = remainder;
		notes->lines[place] = batch->lines.first + lane;
	}
	sweeper->noted += (uint32_t)__builtin_popcount(flagged);
	if (sweeper->noted >= WARP_LANES)
		sweeper_correct(sweeper);
}

/* All that a sweep does with the lines of a batch once their PARITY is known. */
FUNCTION void batch_sweep(struct sweeper *sweeper, const struct batch *batch, uint64_t parity,
	uint8_t *region, uint64_t parities, const uint32_t what, const bool in_line)
{
	const bool swept = is_swept(batch->lines, warp_lane());
	uint64_t remainder = 0;

	if (what & CHECK) {
		if (swept)
			remainder = parity ^ batch->parity;
		const uint32_t flagged = warp_ballot(remainder != 0);
		if (flagged) {
			count_lines(COUNT_FLAGGED, (uint32_t)__builtin_popcount(flagged));
			if (what & CORRECT)
				batch_note(sweeper, batch, flagged, remainder);
		}
	}
	/* What was flagged has been seen to. */
	if ((what & STORE) && swept && remainder == 0)
		parity_store(region, batch_parity_offset(batch, parities, in_line), parity);
}

/* All batches of this warp. WHAT, IN_LINE, whether the parity is in the line, and WHOLE, whether
 * sweep_is_whole(), are constants. */
FUNCTION void sweep_batches(const struct kernel_params *params, uint8_t *region,
	const uint8_t *control, const uint32_t what, const bool in_line, const bool whole)
{
	const uint64_t parities = params->parity_base;
	struct sweeper sweeper = sweeper_begin(params, BATCH_LINES);
	struct batch next = batch_load(
		&sweeper, sweeper.first, params, region, parities, control, what, in_line, whole);

	tables_make(tables_in(&tables_room), SWEEP_LANES);
	if (what & CORRECT)
		decoder_load();
	BARRIER();
	const uint32_t own_tables = tables_of_lane(tables_in(&tables_room));
	for (uint32_t index = sweeper.first; index < sweeper.batches; index += sweeper.gap) {
		struct batch batch = next;
		uint32_t words[FOLD_WORDS];
		ptx_copies_wait(0);
		warp_barrier(); /* what the others have copied is there, too */
		batch_take(&sweeper, &batch, words, in_line);
		warp_barrier(); /* nobody needs it there any more */
		next = batch_load(&sweeper, index + sweeper.gap, params, region, parities, control,
			what, in_line, whole);
		const uint64_t parity = tables_parity(own_tables, words);
		batch_sweep(&sweeper, &batch, parity, region, parities, what, in_line);
	}
	if ((what & CORRECT) && sweeper.noted)
		sweeper_correct(&sweeper);
}

#include "kernels/sweep-kernels.h"
