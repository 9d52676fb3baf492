/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The variant for NVIDIA GPUs with binary tensor cores: see tensor.h for how those make parity.
 *
 * The kernels that move bytes are the portable ones, with the parity of their tiles made that way.
 * Those that sweep over a region have a form of their own, which goes as fast as memory. It is
 * launched with as many groups as the GPU holds at a time, of SWEEP_LANES lanes, and each warp goes
 * from tile to tile with its share of the matrix in registers. Nothing is staged: the lanes load
 * what they multiply. Lines in which the computed and the stored parity differ are rare, so a warp
 * only notes them, and when it has noted 32, or at the end, each of its lanes finds the errors of
 * one (decoder.h).
 */
#include "kernels/tensor-tile.h"

#define SWEEPS_DEFINED
#define STREAM_DEFINED
#include "kernels/kernels.c"

#define SWEEP_LANES 192u
#define SWEEP_WARPS (SWEEP_LANES / WARP_LANES)
#define SWEEP(name) KERNEL_LAUNCHED(name, SWEEP_LANES, 2)

/* Lines to be looked at, of one warp: the remainder of each, and which line of the region it is. */
struct notes {
	uint64_t remainders[WARP_LANES + EIGHT];
	uint64_t lines[WARP_LANES + EIGHT];
};

/* Where a region's codewords are and how many errors are corrected: of struct kernel_params. */
struct codewords {
	uint8_t *region;
	uint64_t parity_base;
	uint32_t parity_pitch, data_bytes, max_correct;
};

/* What a group's lanes share. Tables are looked up at 32 places at once, for which this memory is
 * the fastest; a warp has its own copy, so that it need not wait for others. */
struct sweep {
	struct rs_decoder tables[SWEEP_WARPS];
	struct notes notes[SWEEP_WARPS];
	struct codewords codewords;
	uint32_t has_tables[SWEEP_WARPS]; /* whether the warp has filled its copy */
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

/* Copy the decoder's tables, for WARP. */
FUNCTION void tables_load(uint32_t warp)
{
	const word4 *from = (const word4 *)&rs_decoder;
	word4 *to = (word4 *)&sweep.tables[warp];
	UNROLL for (uint32_t i = 0; i < sizeof(struct rs_decoder) / sizeof(word4); i += WARP_LANES)
	{
		if (i + warp_lane() < sizeof(struct rs_decoder) / sizeof(word4))
			to[i + warp_lane()] = from[i + warp_lane()];
	}
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
	if (!sweep.has_tables[warp])
		tables_load(warp);
	warp_barrier();
	struct code_errors errors = {0, 0, 0};
	if (warp_lane() < count) {
		uint32_t place = total - count + warp_lane();
		errors = decoder_find_errors(&sweep.tables[warp], notes->remainders[place],
			sweep.codewords.data_bytes, sweep.codewords.max_correct);
		region_repair(notes->lines[place], errors);
	}
	warp_barrier();
	sweep.has_tables[warp] = 1;
	for (uint32_t weight = 1; weight <= 4; weight++)
		count_lines(COUNT_CORRECTED + weight,
			(uint32_t)__builtin_popcount(warp_ballot(errors.count == weight)));
	count_lines(COUNT_LOST, (uint32_t)__builtin_popcount(
					warp_ballot(warp_lane() < count && errors.count == 0)));
}

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

/* What a sweep does with a line. */
#define CHECK 1u   /* compare the parity with the stored one */
#define CORRECT 2u /* repair what differs */
#define STORE 4u   /* store the parity */

/* Eight lines as the lanes of a warp hold them, see tensor.h. */
struct eight {
	uint32_t first;  /* line of the tile */
	uint8_t *line;   /* line g, from this lane's first chunk on */
	uint8_t *parity; /* byte g of the parity of line 2t */
	word4 low, high; /* the lane's two chunks */
	struct product stored;
};

/* Whether LINE of the tile is among those that the sweep is to work on. */
FUNCTION bool is_swept(const struct work *work, uint32_t line)
{
	return line >= work->line_begin && line < work->line_end;
}

/* One warp's part of a sweep. */
struct sweeper {
	uint32_t pitch;   /* from one line's parity to the next's */
	uint32_t warp;    /* of the group */
	uint32_t noted;   /* lines in sweep.notes[warp] */
	uint32_t flagged; /* lines that were no codewords */
};

/* Begin to load the INDEX-th eight of those that begin at FIRST; where this lane has to begin there
 * is in the two pointers. */
FUNCTION struct eight eight_load(const struct sweeper *sweeper, uint8_t *line, uint8_t *parity,
	uint32_t first, uint32_t index, const uint32_t what, const bool in_line)
{
	struct eight eight;
	eight.first = first + index * EIGHT;
	eight.line = line + index * EIGHT * KERNEL_LINE_BYTES;
	eight.parity = parity + index * EIGHT * sweeper->pitch;
	eight.low = ptx_load_once(eight.line);
	eight.high = ptx_load_once(eight.line + 64);
	eight.stored.even = eight.stored.odd = 0;
	if ((what & CHECK) && !in_line) {
		eight.stored.even = eight.parity[0];
		eight.stored.odd = eight.parity[sweeper->pitch];
	}
	return eight;
}

/* Count the lines whose REMAINDER is not 0, and note and sometimes correct them where that is to be
 * done. Returns which they are, a bit each. */
FUNCTION uint32_t eight_check(struct sweeper *sweeper, const struct work *work,
	const struct eight *eight, struct product remainder, const uint32_t what)
{
	const uint32_t even_line = eight->first + 2 * (warp_lane() % 4);
	if (!is_swept(work, even_line))
		remainder.even = 0;
	if (!is_swept(work, even_line + 1))
		remainder.odd = 0;
	if (warp_ballot(remainder.even | remainder.odd) == 0)
		return 0;
	const uint32_t flagged = flagged_lines(remainder);
	const uint32_t count = (uint32_t)__builtin_popcount(flagged);
	sweeper->flagged += count;
	if (!(what & CORRECT))
		return flagged;
	notes_take(&sweep.notes[sweeper->warp], sweeper->noted, flagged, remainder,
		work->region_line + eight->first);
	sweeper->noted += count;
	if (sweeper->noted >= WARP_LANES) {
		notes_correct(sweeper->warp, sweeper->noted, WARP_LANES);
		sweeper->noted -= WARP_LANES;
	}
	return flagged;
}

/* Store the parity of lines that are not FLAGGED; that of the others has been seen to. */
FUNCTION void eight_store(const struct sweeper *sweeper, const struct work *work,
	const struct eight *eight, struct product parity, uint32_t flagged)
{
	const uint32_t t = warp_lane() % 4, even_line = eight->first + 2 * t;
	flagged >>= 2 * t;
	if (is_swept(work, even_line) && !(flagged & 1))
		eight->parity[0] = (uint8_t)parity.even;
	if (is_swept(work, even_line + 1) && !(flagged & 2))
		eight->parity[sweeper->pitch] = (uint8_t)parity.odd;
}

/* The same where the product was the remainder, of lines in which the parity is: their lanes 3 hold
 * what was loaded. */
FUNCTION void eight_store_loaded(
	const struct work *work, const struct eight *eight, uint32_t flagged)
{
	const uint32_t g = warp_lane() / 4, t = warp_lane() % 4;
	const word2 parity = {eight->high[2], eight->high[3]};
	if (t == 3 && is_swept(work, eight->first + g) && !((flagged >> g) & 1))
		*(word2 *)(eight->line + 64 + 8) = parity;
}

/* All that a sweep does with eight lines. */
FUNCTION void eight_sweep(struct sweeper *sweeper, const struct matrix *matrix,
	const struct work *work, const struct eight *eight, const uint32_t what, const bool in_line)
{
	struct product product = matrix_multiply(matrix, eight->low, eight->high);
	uint32_t flagged = 0;
	if (what & CHECK) {
		struct product remainder = {
			product.even ^ eight->stored.even, product.odd ^ eight->stored.odd};
		flagged = eight_check(sweeper, work, eight, remainder, what);
	}
	if ((what & STORE) && (what & CHECK) && in_line)
		eight_store_loaded(work, eight, flagged);
	else if (what & STORE)
		eight_store(sweeper, work, eight, product, flagged);
}

/* Four eights at a time, so that a warp has 4 KiB on their way. */
#define EIGHTS 4u

/* All tiles of this warp. WHAT and IN_LINE, whether the parity is in the line, are constants. */
FUNCTION void sweep_tiles(const struct kernel_params *params, uint8_t *region,
	const uint8_t *control, const uint32_t what, const bool in_line)
{
	const uint32_t g = warp_lane() / 4, t = warp_lane() % 4;
	const uint32_t groups = (uint32_t)__nvvm_read_ptx_sreg_nctaid_x();
	const uint32_t tiles = params->segment_count * params->tiles_per_segment;
	struct sweeper sweeper = {in_line ? KERNEL_LINE_BYTES : KERNEL_PARITY_BYTES,
		(uint32_t)__nvvm_read_ptx_sreg_tid_x() / WARP_LANES, 0, 0};
	struct matrix matrix = matrix_load(!in_line         ? rs_matrix_136
					   : (what & CHECK) ? rs_matrix_128_remainder
							    : rs_matrix_128);

	for (uint32_t tile = GROUP * SWEEP_WARPS + sweeper.warp; tile < tiles;
		tile += groups * SWEEP_WARPS) {
		struct work work = work_find(params, control, tile, false);
		const uint32_t begin = work.line_begin / (EIGHTS * EIGHT) * (EIGHTS * EIGHT);
		for (uint32_t first = begin; first < work.line_end; first += EIGHTS * EIGHT) {
			uint8_t *line = region + line_offset(&work, first + g) + t * 16;
			uint8_t *parity = region + params->parity_base +
					  (work.region_line + first + 2 * t) * sweeper.pitch + g;
			struct eight eights[EIGHTS];
			UNROLL for (uint32_t i = 0; i < EIGHTS; i++)
			{
				eights[i] =
					eight_load(&sweeper, line, parity, first, i, what, in_line);
			}
			UNROLL for (uint32_t i = 0; i < EIGHTS; i++)
			{
				eight_sweep(&sweeper, &matrix, &work, &eights[i], what, in_line);
			}
		}
	}
	if ((what & CORRECT) && sweeper.noted)
		notes_correct(sweeper.warp, sweeper.noted, sweeper.noted);
	count_lines(COUNT_FLAGGED, sweeper.flagged);
}

/* First of all, in every sweep. */
FUNCTION void sweep_init(const struct kernel_params *params, uint8_t *region)
{
	FOR_EACH_LANE (i, 0, COUNTS)
		sweep.counts[i] = 0;
	FOR_EACH_LANE (i, 0, SWEEP_WARPS)
		sweep.has_tables[i] = 0;
	if (LANE == 0) {
		const struct codewords codewords = {region, params->parity_base,
			params->parity_pitch, params->data_per_line, params->max_correct};
		sweep.codewords = codewords;
	}
	BARRIER();
}

/* All of a sweep that works on codewords. */
FUNCTION void sweep_run(const struct kernel_params *params, uint8_t *region, uint32_t *scratch,
	uint8_t *control, const uint32_t what)
{
	sweep_init(params, region);
	if (params->parity_pitch == KERNEL_PARITY_BYTES)
		sweep_tiles(params, region, control, what, false);
	else if (params->parity_pitch)
		sweep_tiles(params, region, control, what, true);
	launch_finish(
		sweep.counts, params, scratch, control, (uint32_t)__nvvm_read_ptx_sreg_nctaid_x());
}

SWEEP(encode)
{
	sweep_run(&params, region, scratch, control, STORE);
}

SWEEP(verify)
{
	sweep_run(&params, region, scratch, control, CHECK);
}

SWEEP(correct)
{
	sweep_run(&params, region, scratch, control, CHECK | CORRECT);
}

SWEEP(refresh)
{
	sweep_run(&params, region, scratch, control, CHECK | CORRECT | STORE);
}

/* So many lines of a tile get their folds from one lane. */
#define STREAM_LINES 2u

/* The roof for the others: in their shape, but with 8 KiB of a warp on their way. */
SWEEP(stream)
{
	const uint32_t groups = (uint32_t)__nvvm_read_ptx_sreg_nctaid_x();
	const uint32_t tiles = params.segment_count * params.tiles_per_segment;
	sweep_init(&params, region);
	for (uint32_t tile = GROUP * SWEEP_WARPS + LANE / WARP_LANES; tile < tiles;
		tile += groups * SWEEP_WARPS) {
		struct work work = work_find(&params, control, tile, false);
		const uint8_t *pieces = region + line_offset(&work, 0) + warp_lane() * WIDE_BYTES;
		wide_t batches[STREAM_LINES][LINE_WIDES];
		uint64_t parities[STREAM_LINES];
		UNROLL for (uint32_t i = 0; i < STREAM_LINES * LINE_WIDES; i++)
		{
			batches[i % STREAM_LINES][i / STREAM_LINES] =
				(wide_t)ptx_load_once(pieces + i * WARP_LANES * WIDE_BYTES);
		}
		UNROLL for (uint32_t i = 0; i < STREAM_LINES; i++)
		{
			parities[i] =
				stream_parity(&params, &work, region, i * WARP_LANES + warp_lane());
		}
		UNROLL for (uint32_t i = 0; i < STREAM_LINES; i++)
		{
			stream_line(&params, &work, region, sweep.counts,
				i * WARP_LANES + warp_lane(), batches[i], parities[i]);
		}
	}
	launch_finish(sweep.counts, &params, scratch, control, groups);
}
