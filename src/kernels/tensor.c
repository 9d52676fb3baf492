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

/* Consecutive lines, of which the sweep works on some. */
struct batch {
	word4 chunks[BATCH_LINES * LINE_CHUNKS]; /* where chunk_place() says */
	uint64_t parities[BATCH_LINES];
	uint64_t first; /* of the region */
	uint32_t begin, end;
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
 * Begin to load the next lines of this warp into BATCH; without any left, BATCH is empty. The lanes
 * do it together, in the order of memory, and not each what it will multiply.
 */
FUNCTION void batch_load(struct sweeper *sweeper, struct batch *batch,
	const struct kernel_params *params, const uint8_t *region, const uint8_t *control,
	const uint32_t what, const bool in_line)
{
	const bool any = sweeper_advance(sweeper, params, control);
	const uint64_t first = sweeper->region_line + sweeper->line;
	if (warp_lane() == 0) {
		uint32_t end = sweeper->line_end - sweeper->line;
		batch->first = first;
		batch->begin = sweeper->line_begin > sweeper->line
				       ? sweeper->line_begin - sweeper->line
				       : 0;
		batch->end = !any ? 0 : end < BATCH_LINES ? end : BATCH_LINES;
	}
	if (any) {
		const uint8_t *lines = region + first * KERNEL_LINE_BYTES;
		UNROLL for (uint32_t i = 0; i < BATCH_LINES * LINE_CHUNKS / WARP_LANES; i++)
		{
			uint32_t piece = i * WARP_LANES + warp_lane();
			ptx_copy_16(&batch->chunks[chunk_place(
					    piece / LINE_CHUNKS, piece % LINE_CHUNKS)],
				lines + piece * sizeof(word4));
		}
		if ((what & CHECK) && !in_line && warp_lane() < BATCH_LINES)
			ptx_copy_8(&batch->parities[warp_lane()],
				region + params->parity_base +
					(first + warp_lane()) * KERNEL_PARITY_BYTES);
		sweeper->line += BATCH_LINES;
	}
	ptx_copies_commit();
}

/* Whether LINE of the batch is among those that the sweep is to work on. */
FUNCTION bool is_swept(const struct batch *batch, uint32_t line)
{
	return line >= batch->begin && line < batch->end;
}

/* Count the lines from LINE of the batch on whose REMAINDER is not 0, and note and sometimes
 * correct them where that is to be done. Returns which of the eight they are, a bit each. */
FUNCTION uint32_t eight_check(struct sweeper *sweeper, const struct batch *batch, uint32_t line,
	struct product remainder, const uint32_t what)
{
	const uint32_t even_line = line + 2 * (warp_lane() % 4);
	if (!is_swept(batch, even_line))
		remainder.even = 0;
	if (!is_swept(batch, even_line + 1))
		remainder.odd = 0;
	if (warp_ballot(remainder.even | remainder.odd) == 0)
		return 0;
	const uint32_t flagged = flagged_lines(remainder);
	const uint32_t count = (uint32_t)__builtin_popcount(flagged);
	sweeper->flagged += count;
	if (!(what & CORRECT))
		return flagged;
	notes_take(&sweep.notes[sweeper->warp], sweeper->noted, flagged, remainder,
		batch->first + line);
	sweeper_noted(sweeper, count);
	return flagged;
}

/* All that a sweep does with the lines of a batch that has been loaded. */
FUNCTION void batch_sweep(struct sweeper *sweeper, const struct matrix *matrix, struct batch *batch,
	const struct kernel_params *params, uint8_t *region, const uint32_t what,
	const bool in_line)
{
	const uint32_t g = warp_lane() / 4, t = warp_lane() % 4;
	uint32_t flagged = 0;

	UNROLL for (uint32_t i = 0; i < EIGHTS; i++)
	{
		struct product product =
			matrix_multiply(matrix, batch->chunks[chunk_place(i * EIGHT + g, t)],
				batch->chunks[chunk_place(i * EIGHT + g, t + 4)]);
		/* Of the parities of lines 2t and 2t + 1 byte g: those of this lane alone. */
		uint8_t *even = (uint8_t *)&batch->parities[i * EIGHT + 2 * t] + g;
		uint8_t *odd = even + KERNEL_PARITY_BYTES;
		if (what & CHECK) {
			struct product remainder = product;
			if (!in_line) {
				remainder.even ^= *even;
				remainder.odd ^= *odd;
			}
			flagged |= eight_check(sweeper, batch, i * EIGHT, remainder, what)
				   << (i * EIGHT);
		}
		if ((what & STORE) && !((what & CHECK) && in_line)) {
			*even = (uint8_t)product.even;
			*odd = (uint8_t)product.odd;
		}
	}
	if (!(what & STORE))
		return;
	/* The lanes have the parities byte by byte, memory wants them line by line. What was
	 * flagged has been seen to. */
	warp_barrier();
	const uint32_t line = warp_lane();
	if (is_swept(batch, line) && !((flagged >> line) & 1)) {
		uint64_t parity = batch->parities[line];
		if ((what & CHECK) && in_line) { /* then the product was the remainder */
			word4 chunk = batch->chunks[chunk_place(line, LINE_CHUNKS - 1)];
			parity = chunk[2] | (uint64_t)chunk[3] << 32;
		}
		parity_store(region,
			params->parity_base + (batch->first + line) * params->parity_pitch, parity);
	}
}

/* All tiles of this warp. WHAT and IN_LINE, whether the parity is in the line, are constants. */
FUNCTION void sweep_tiles(const struct kernel_params *params, uint8_t *region,
	const uint8_t *control, const uint32_t what, const bool in_line)
{
	struct sweeper sweeper = sweeper_begin(params);
	struct batch *stages = batches.of[sweeper.warp];

	for (uint32_t i = 0; i < STAGES - 1; i++)
		batch_load(&sweeper, &stages[i], params, region, control, what, in_line);
	struct matrix matrix = matrix_load(!in_line         ? rs_matrix_136
					   : (what & CHECK) ? rs_matrix_128_remainder
							    : rs_matrix_128);
	if (what & CORRECT)
		decoder_load();
	BARRIER();
	for (uint32_t stage = 0;; stage = (stage + 1) % STAGES) {
		struct batch *batch = &stages[stage];
		ptx_copies_wait(STAGES - 2);
		/* What the others have loaded is there, too, and they are done with the batch
		 * before this one, which now takes the next lines. */
		warp_barrier();
		if (batch->end == 0)
			break;
		batch_load(&sweeper, &stages[(stage + STAGES - 1) % STAGES], params, region,
			control, what, in_line);
		batch_sweep(&sweeper, &matrix, batch, params, region, what, in_line);
	}
	sweeper_end(&sweeper, what);
}

#include "kernels/sweep-kernels.h"
