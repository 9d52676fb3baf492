/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The variant for NVIDIA GPUs with binary tensor cores: see tensor.h for how those make parity.
 *
 * The kernels that move bytes are the portable ones, with the parity of their tiles made that way.
 * Those that sweep over a region have a form of their own, which goes as fast as memory. It is
 * launched with as many groups as the GPU holds at a time, of SWEEP_LANES lanes, and each warp goes
 * from tile to tile with its share of the matrix in registers. The lines come into memory that the
 * group shares, past the registers, some batches ahead of the one that is multiplied: so memory is
 * kept busy also while a warp works. Lines in which the computed and the stored parity differ are
 * rare, so a warp only notes them, and when it has noted 32, or at the end, each of its lanes finds
 * the errors of one (decoder.h).
 */
#include "kernels/tensor-tile.h"

#define SWEEPS_DEFINED
#define STREAM_DEFINED
#include "kernels/kernels.c"

/* A warp multiplies so many eights of lines at a time, while it loads those of the next batches. */
#define EIGHTS 2u
#define STAGES 3u /* batches, of which one is multiplied and the others are on their way */

#define SWEEP_LANES 128u
#define SWEEP_GROUPS 4
#define BATCH_LINES (EIGHTS * EIGHT)
#define NOTES (WARP_LANES + EIGHT)
#include "kernels/sweep.h"

/* The lines of a batch, as they come from the region. */
struct batch {
	word4 chunks[BATCH_LINES * LINE_CHUNKS]; /* where chunk_place() says */
	uint64_t parities[BATCH_LINES];
};

/* Of every other line the halves are swapped: so the eight lanes that memory serves at once, which
 * want half a line each of two lines, find what they want in different banks. */
FUNCTION uint32_t chunk_place(uint32_t line, uint32_t chunk)
{
	return line * LINE_CHUNKS + (chunk ^ (line % 2 * (LINE_CHUNKS / 2)));
}

struct batches {
	struct batch of[SWEEP_WARPS][STAGES];
};

LOCAL_VARIABLE(struct batches, batches);

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

/* Note the FLAGGED of the eight lines from FIRST on, behind the TOTAL that are noted. */
FUNCTION void notes_take(struct notes *notes, uint32_t total, uint32_t flagged,
	struct product remainder, uint64_t first)
{
	const uint32_t g = warp_lane() / 4, t = warp_lane() % 4;
	UNROLL for (uint32_t i = 0; i < 2; i++)
	{
		uint32_t line = 2 * t + i;
		uint32_t place = total + (uint32_t)__builtin_popcount(flagged & ((1u << line) - 1));
		if (!((flagged >> line) & 1))
			continue;
		((uint8_t *)&notes->remainders[place])[g] =
			(uint8_t)(i ? remainder.odd : remainder.even);
		if (g == 0)
			notes->lines[place] = first + line;
	}
}

/*
 * Begin to load batch INDEX into BATCH, if there is that one. The lanes do it together, in the
 * order of memory, and not each what it will multiply.
 */
FUNCTION void batch_load(const struct sweeper *sweeper, uint32_t index, struct batch *batch,
	const struct kernel_params *params, const uint8_t *region, const uint8_t *control,
	const uint32_t what, const bool in_line)
{
	struct batch_lines lines = {0, 0, 0};

	if (index < sweeper->batches)
		lines = batch_find(sweeper, index, params, control);
	if (lines.begin < lines.end) {
		const uint8_t *bytes = region + lines.first * KERNEL_LINE_BYTES;
		UNROLL for (uint32_t i = 0; i < BATCH_LINES * LINE_CHUNKS / WARP_LANES; i++)
		{
			uint32_t piece = i * WARP_LANES + warp_lane();
			ptx_copy_16(&batch->chunks[chunk_place(
					    piece / LINE_CHUNKS, piece % LINE_CHUNKS)],
				bytes + piece * sizeof(word4));
		}
		if ((what & CHECK) && !in_line && warp_lane() < BATCH_LINES)
			ptx_copy_8(&batch->parities[warp_lane()],
				region + params->parity_base +
					(lines.first + warp_lane()) * KERNEL_PARITY_BYTES);
	}
	ptx_copies_commit();
}

/* Count the lines from LINE of the batch on whose REMAINDER is not 0, and note and sometimes
 * correct them where that is to be done. Returns which of the eight they are, a bit each. */
FUNCTION uint32_t eight_check(struct sweeper *sweeper, struct batch_lines lines, uint32_t line,
	struct product remainder, const uint32_t what)
{
	const uint32_t flagged = flagged_lines(remainder);
	const uint32_t count = (uint32_t)__builtin_popcount(flagged);
	sweeper->flagged += count;
	if (count == 0 || !(what & CORRECT))
		return flagged;
	notes_take(&sweep.notes[sweeper->warp], sweeper->noted, flagged, remainder,
		lines.first + line);
	sweeper_noted(sweeper, count);
	return flagged;
}

/* Check LINES, of which this lane has bytes of the REMAINDERS. Returns which are no codewords, a
 * bit each. */
FUNCTION uint32_t batch_check(struct sweeper *sweeper, struct batch_lines lines,
	struct product remainders[EIGHTS], const uint32_t what)
{
	uint32_t any = 0, flagged = 0;

	UNROLL for (uint32_t i = 0; i < EIGHTS; i++)
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
	UNROLL for (uint32_t i = 0; i < EIGHTS; i++)
	{
		flagged |= eight_check(sweeper, lines, i * EIGHT, remainders[i], what)
			   << (i * EIGHT);
	}
	return flagged;
}

/* All that a sweep does with the LINES of a batch that has been loaded. */
FUNCTION void batch_sweep(struct sweeper *sweeper, const struct matrix *matrix, struct batch *batch,
	struct batch_lines lines, const struct kernel_params *params, uint8_t *region,
	const uint32_t what, const bool in_line)
{
	const uint32_t g = warp_lane() / 4, t = warp_lane() % 4;
	/* Of the parities of lines 2t and 2t + 1 of each eight byte g: those of this lane alone. */
	uint8_t *parities = (uint8_t *)&batch->parities[2 * t] + g;
	struct product products[EIGHTS], remainders[EIGHTS];
	uint32_t flagged = 0;

	UNROLL for (uint32_t i = 0; i < EIGHTS; i++)
	{
		products[i] = matrix_multiply(matrix, batch->chunks[chunk_place(i * EIGHT + g, t)],
			batch->chunks[chunk_place(i * EIGHT + g, t + 4)]);
	}
	UNROLL for (uint32_t i = 0; i < EIGHTS; i++)
	{
		uint8_t *even = parities + i * EIGHT * KERNEL_PARITY_BYTES;
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
		uint64_t parity = batch->parities[line];
		if ((what & CHECK) && in_line) { /* then the product was the remainder */
			word4 chunk = batch->chunks[chunk_place(line, LINE_CHUNKS - 1)];
			parity = chunk[2] | (uint64_t)chunk[3] << 32;
		}
		parity_store(region,
			params->parity_base + (lines.first + line) * params->parity_pitch, parity);
	}
}

/* All batches of this warp. WHAT and IN_LINE, whether the parity is in the line, are constants. */
FUNCTION void sweep_batches(const struct kernel_params *params, uint8_t *region,
	const uint8_t *control, const uint32_t what, const bool in_line)
{
	struct sweeper sweeper = sweeper_begin(params);
	struct batch *stages = batches.of[sweeper.warp];
	uint32_t ahead = sweeper.first; /* the next to load */

	for (uint32_t i = 0; i < STAGES - 1; i++, ahead += sweeper.gap)
		batch_load(&sweeper, ahead, &stages[i], params, region, control, what, in_line);
	struct matrix matrix = matrix_load(!in_line         ? rs_matrix_136
					   : (what & CHECK) ? rs_matrix_128_remainder
							    : rs_matrix_128);
	if (what & CORRECT)
		decoder_load();
	BARRIER();
	uint32_t stage = 0;
	for (uint32_t index = sweeper.first; index < sweeper.batches; index += sweeper.gap) {
		ptx_copies_wait(STAGES - 2);
		/* What the others have loaded is there, too, and they are done with the batch
		 * before this one, whose place the next lines take. */
		warp_barrier();
		batch_load(&sweeper, ahead, &stages[(stage + STAGES - 1) % STAGES], params, region,
			control, what, in_line);
		batch_sweep(&sweeper, &matrix, &stages[stage],
			batch_find(&sweeper, index, params, control), params, region, what,
			in_line);
		ahead += sweeper.gap;
		stage = (stage + 1) % STAGES;
	}
	sweeper_end(&sweeper, what);
}

#include "kernels/sweep-kernels.h"
