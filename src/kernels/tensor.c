/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The variant for NVIDIA GPUs with binary tensor cores: see tensor.h for how those make parity.
 *
 * The kernels that move bytes are the portable ones, with the parity of their tiles made that way.
 * Those that sweep over a region have a form of their own (sweep.h), which goes as fast as memory.
 * A warp goes from batch to batch with its share of the matrix in registers. The lines come into
 * memory that the group shares, past the registers, some batches ahead of the one that is
 * multiplied: so memory is kept busy also while a warp works.
 */
#include "kernels/tensor-tile.h"

#define SWEEPS_DEFINED
#define STREAM_DEFINED
#include "kernels/kernels.c"

#define SWEEP_LANES 128u
#define SWEEP_GROUPS 4
#define SWEEP_COPY ptx_copy_16_of_128
#define NOTES (2 * WARP_LANES)
#include "kernels/sweep.h"

/* Eight lines, as they come from the region. */
struct eight {
	word4 chunks[EIGHT * LINE_CHUNKS]; /* where chunk_place() says */
	uint64_t parities[EIGHT];
};

/* Of every other line the halves are swapped: so the eight lanes that memory serves at once, which
 * want half a line each of two lines, find what they want in different banks. */
FUNCTION uint32_t chunk_place(uint32_t line, uint32_t chunk)
{
	return line % EIGHT * LINE_CHUNKS + (chunk ^ (line % 2 * (LINE_CHUNKS / 2)));
}

#define PLACES 8u /* for eights, of a warp */
#define EIGHTS_MOST 4u

/*
 * So many eights are a batch, which a warp multiplies at a time, while those of the batches behind
 * it come, as far as there are places. What is best on an H200: a sweep that only reads does 15 %
 * less with 4 eights, one that reads and writes parities 7 % less with 2 and a batch more.
 */
FUNCTION uint32_t batch_eights(const uint32_t what)
{
	return (what & CHECK) && (what & STORE) ? 4 : 2;
}

/* Batches that are multiplied or on their way. */
FUNCTION uint32_t batch_stages(const uint32_t what)
{
	return (what & CHECK) && (what & STORE) ? 2 : 3;
}

/* Unrolled, as the results are kept in registers. */
#define FOR_EACH_EIGHT(i, what) \
	UNROLL for (uint32_t i = 0; i < EIGHTS_MOST; i++) if (i < batch_eights(what))

struct places {
	struct eight of[SWEEP_WARPS][PLACES];
};

LOCAL_VARIABLE(struct places, places);

/* The lines of eight that have a byte other than 0 in REMAINDER, a bit each; the same in all lanes.
 */
FUNCTION uint32_t flagged_lines(struct product remainder)
{
	uint32_t even = warp_ballot(remainder.even != 0), odd = warp_ballot(remainder.odd != 0);
	uint32_t flagged = 0;
	UNROLL for (uint32_t t = 0; t < 4; t++)
	{
		flagged |= (even & (0x11111111u << t)) ? 1u << (2 * t) : 0;
		flagged |= (odd & (0x11111111u << t)) ? 2u << (2 * t) : 0;
	}
	return flagged;
}

#define LINES_AT_ONCE (WARP_LANES / LINE_CHUNKS) /* that a warp copies, a chunk a lane */

/*
 * Begin to load batch INDEX into the eights at the address BATCH, if there is that one. The lanes
 * do it together, in the order of memory, and not each what it will multiply. Of its first chunk a
 * lane knows where the others go: as many lines further on, always an even number.
 */
FUNCTION void batch_load(const struct sweeper *sweeper, uint32_t index, uint32_t batch,
	const struct kernel_params *params, const uint8_t *region, const uint8_t *control,
	const uint32_t what, const bool in_line, const bool whole)
{
	const uint32_t count = batch_eights(what) * EIGHT, line = warp_lane();
	struct batch_lines lines = {0, 0, 0};

	if (index < sweeper->batches)
		lines = batch_find(sweeper, index, params, control, whole);
	if (lines.begin < lines.end) {
		const uint8_t *from =
			region + lines.first * KERNEL_LINE_BYTES + warp_lane() * sizeof(word4);
		const uint32_t to =
			batch + chunk_place(warp_lane() / LINE_CHUNKS, warp_lane() % LINE_CHUNKS) *
					(uint32_t)sizeof(word4);
		UNROLL for (uint32_t i = 0; i < count; i += LINES_AT_ONCE)
		{
			SWEEP_COPY(to + i / EIGHT * (uint32_t)sizeof(struct eight) +
					   i % EIGHT * KERNEL_LINE_BYTES,
				from + i * KERNEL_LINE_BYTES);
		}
		if ((what & CHECK) && !in_line && line < count)
			ptx_copy_8(batch + line / EIGHT * (uint32_t)sizeof(struct eight) +
					   (uint32_t)sizeof(((struct eight *)0)->chunks) +
					   line % EIGHT * KERNEL_PARITY_BYTES,
				region + params->parity_base +
					(lines.first + line) * KERNEL_PARITY_BYTES);
	}
	ptx_copies_commit();
}

/* Note the FLAGGED of the eight lines from FIRST on, of which this lane has bytes of the REMAINDER.
 */
FUNCTION void eight_note(
	struct sweeper *sweeper, uint32_t flagged, struct product remainder, uint64_t first)
{
	const uint32_t g = warp_lane() / 4, t = warp_lane() % 4;
	struct notes *notes = &sweep.notes[sweeper->warp];
	UNROLL for (uint32_t i = 0; i < 2; i++)
	{
		const uint32_t line = 2 * t + i;
		const uint32_t before = flagged & ((1u << line) - 1);
		const uint32_t place = sweeper->noted + (uint32_t)__builtin_popcount(before);
		if (!((flagged >> line) & 1))
			continue;
		((uint8_t *)&notes->remainders[place])[g] =
			(uint8_t)(i ? remainder.odd : remainder.even);
		if (g == 0)
			notes->lines[place] = first + line;
	}
	sweeper->noted += (uint32_t)__builtin_popcount(flagged);
}

/* Check LINES, of which this lane has bytes of the REMAINDERS, and note those that are to be
 * corrected. Returns which are no codewords, a bit each. */
FUNCTION uint32_t batch_check(struct sweeper *sweeper, struct batch_lines lines,
	struct product remainders[EIGHTS_MOST], const uint32_t what)
{
	uint32_t any = 0, all_flagged = 0;

	FOR_EACH_EIGHT(i, what)
	{
		const uint32_t even_line = i * EIGHT + 2 * (warp_lane() % 4);
		if (!is_swept(lines, even_line))
			remainders[i].even = 0;
		if (!is_swept(lines, even_line + 1))
			remainders[i].odd = 0;
		any |= remainders[i].even | remainders[i].odd;
	}
	if (warp_ballot(any != 0) == 0)
		return 0;
	FOR_EACH_EIGHT(i, what)
	{
		const uint32_t flagged = flagged_lines(remainders[i]);
		if (what & CORRECT)
			eight_note(sweeper, flagged, remainders[i], lines.first + i * EIGHT);
		all_flagged |= flagged << (i * EIGHT);
	}
	count_lines(COUNT_FLAGGED, (uint32_t)__builtin_popcount(all_flagged));
	return all_flagged;
}

/* All that a sweep does with the LINES of a batch that has been loaded. */
FUNCTION void batch_sweep(struct sweeper *sweeper, const struct matrix *matrix, struct eight *batch,
	struct batch_lines lines, const struct kernel_params *params, uint8_t *region,
	const uint32_t what, const bool in_line)
{
	const uint32_t g = warp_lane() / 4, t = warp_lane() % 4;
	struct product products[EIGHTS_MOST], remainders[EIGHTS_MOST];
	uint32_t flagged = 0;

	FOR_EACH_EIGHT(i, what)
	{
		const word4 *chunks = batch[i].chunks;
		products[i] = matrix_multiply(
			matrix, chunks[chunk_place(g, t)], chunks[chunk_place(g, t + 4)]);
	}
	FOR_EACH_EIGHT(i, what)
	{
		/* Of the parities of lines 2t and 2t + 1 byte g: those of this lane alone. */
		uint8_t *even = (uint8_t *)&batch[i].parities[2 * t] + g;
		uint8_t *odd = even + KERNEL_PARITY_BYTES;
		remainders[i] = products[i];
		if ((what & CHECK) && !in_line) {
			remainders[i].even ^= *even;
			remainders[i].odd ^= *odd;
		}
		if ((what & STORE) && !((what & CHECK) && in_line)) {
			*even = (uint8_t)products[i].even;
			*odd = (uint8_t)products[i].odd;
		}
	}
	if (what & CHECK)
		flagged = batch_check(sweeper, lines, remainders, what);
	if (!(what & STORE))
		return;
	/* The lanes have the parities byte by byte, memory wants them line by line. What was
	 * flagged has been seen to. */
	warp_barrier();
	const uint32_t line = warp_lane();
	if (is_swept(lines, line) && !((flagged >> line) & 1)) {
		const struct eight *eight = &batch[line / EIGHT];
		uint64_t parity = eight->parities[line % EIGHT];
		if ((what & CHECK) && in_line) { /* then the product was the remainder */
			word4 chunk = eight->chunks[chunk_place(line, LINE_CHUNKS - 1)];
			parity = chunk[2] | (uint64_t)chunk[3] << 32;
		}
		parity_store(region,
			params->parity_base + (lines.first + line) * params->parity_pitch, parity);
	}
}

/* All batches of this warp. WHAT, IN_LINE, whether the parity is in the line, and WHOLE, whether
 * sweep_is_whole(), are constants. */
FUNCTION void sweep_batches(const struct kernel_params *params, uint8_t *region,
	const uint8_t *control, const uint32_t what, const bool in_line, const bool whole)
{
	const uint32_t eights = batch_eights(what), stages = batch_stages(what);
	const uint32_t batch_bytes = eights * (uint32_t)sizeof(struct eight);
	struct sweeper sweeper = sweeper_begin(params, eights * EIGHT);
	struct eight *own = places.of[sweeper.warp];
	const uint32_t own_address = ptx_shared_address(own);
	uint32_t ahead = sweeper.first; /* the next to load */
	uint32_t stage = 0, last = stages - 1;

	for (uint32_t i = 0; i < last; i++, ahead += sweeper.gap)
		batch_load(&sweeper, ahead, own_address + i * batch_bytes, params, region, control,
			what, in_line, whole);
	if (what & CORRECT)
		decoder_load();
	BARRIER();
	uint32_t index = sweeper.first;
	while (index < sweeper.batches) {
		const struct matrix matrix = matrix_load(!in_line         ? rs_matrix_136
							 : (what & CHECK) ? rs_matrix_128_remainder
									  : rs_matrix_128);
		while (index < sweeper.batches && sweeper.noted < WARP_LANES) {
			ptx_copies_wait(stages - 2);
			/* What the others have loaded is there, too, and they are done with the
			 * batch before this one, whose place the next lines take. */
			warp_barrier();
			batch_load(&sweeper, ahead, own_address + last * batch_bytes, params,
				region, control, what, in_line, whole);
			batch_sweep(&sweeper, &matrix, own + stage * eights,
				batch_find(&sweeper, index, params, control, whole), params, region,
				what, in_line);
			index += sweeper.gap;
			ahead += sweeper.gap;
			last = stage;
			stage = stage + 1 < stages ? stage + 1 : 0;
		}
		/* Here, where the matrix needs no registers. */
		if (what & CORRECT) {
			const uint32_t least = index < sweeper.batches ? WARP_LANES : 1;
			while (sweeper.noted >= least)
				sweeper_correct(&sweeper);
		}
	}
}

#include "kernels/sweep-kernels.h"
