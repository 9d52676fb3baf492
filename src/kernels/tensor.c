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

#define SWEEP_LANES 128u
#define SWEEP_WARPS (SWEEP_LANES / WARP_LANES)
#define SWEEP(name) KERNEL_LAUNCHED(name, SWEEP_LANES, 4)

/* A warp multiplies so many eights of lines at a time, while it loads those of the next batches. */
#define EIGHTS 2u
#define BATCH_LINES (EIGHTS * EIGHT)
#define STAGES 3u /* batches, of which one is multiplied and the others are on their way */

#define LINE_CHUNKS (KERNEL_LINE_BYTES / (uint32_t)sizeof(word4))

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
 * the fastest. */
struct sweep {
	struct batch batches[SWEEP_WARPS][STAGES];
	struct rs_decoder tables;
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
FUNCTION void tables_load(void)
{
	const word4 *from = (const word4 *)&rs_decoder;
	word4 *to = (word4 *)&sweep.tables;
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
		errors = decoder_find_errors(&sweep.tables, notes->remainders[place],
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

/* One warp's part of a sweep. */
struct sweeper {
	uint32_t warp;           /* of the group */
	uint32_t tile, tile_gap; /* the next tile, and how far it is to the one after */
	struct work work;        /* of the tile before, */
	uint32_t line;           /* whose lines from here on are not loaded yet */
	uint32_t noted;          /* lines in sweep.notes[warp] */
	uint32_t flagged;        /* lines that were no codewords */
};

/*
 * Begin to load the next lines of this warp into BATCH; without any left, BATCH is empty. The lanes
 * do it together, in the order of memory, and not each what it will multiply.
 */
FUNCTION void batch_load(struct sweeper *sweeper, struct batch *batch,
	const struct kernel_params *params, const uint8_t *region, const uint8_t *control,
	const uint32_t what, const bool in_line)
{
	const uint32_t tiles = params->segment_count * params->tiles_per_segment;
	const struct work *work = &sweeper->work;

	while (sweeper->line >= work->line_end && sweeper->tile < tiles) {
		sweeper->work = work_find(params, control, sweeper->tile, false);
		sweeper->tile += sweeper->tile_gap;
		sweeper->line = work->line_begin / BATCH_LINES * BATCH_LINES;
	}
	const bool any = sweeper->line < work->line_end;
	const uint64_t first = work->region_line + sweeper->line;
	if (warp_lane() == 0) {
		uint32_t end = work->line_end - sweeper->line;
		batch->first = first;
		batch->begin =
			work->line_begin > sweeper->line ? work->line_begin - sweeper->line : 0;
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
	sweeper->noted += count;
	if (sweeper->noted >= WARP_LANES) {
		notes_correct(sweeper->warp, sweeper->noted, WARP_LANES);
		sweeper->noted -= WARP_LANES;
	}
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
	const uint32_t groups = (uint32_t)__nvvm_read_ptx_sreg_nctaid_x();
	const uint32_t warp = LANE / WARP_LANES;
	struct sweeper sweeper = {
		.warp = warp, .tile = GROUP * SWEEP_WARPS + warp, .tile_gap = groups * SWEEP_WARPS};

	for (uint32_t i = 0; i < STAGES - 1; i++)
		batch_load(
			&sweeper, &sweep.batches[warp][i], params, region, control, what, in_line);
	struct matrix matrix = matrix_load(!in_line         ? rs_matrix_136
					   : (what & CHECK) ? rs_matrix_128_remainder
							    : rs_matrix_128);
	if (what & CORRECT)
		tables_load();
	BARRIER();
	for (uint32_t stage = 0;; stage = (stage + 1) % STAGES) {
		struct batch *batch = &sweep.batches[warp][stage];
		ptx_copies_wait(STAGES - 2);
		/* What the others have loaded is there, too, and they are done with the batch
		 * before this one, which now takes the next lines. */
		warp_barrier();
		if (batch->end == 0)
			break;
		batch_load(&sweeper, &sweep.batches[warp][(stage + STAGES - 1) % STAGES], params,
			region, control, what, in_line);
		batch_sweep(&sweeper, &matrix, batch, params, region, what, in_line);
	}
	if ((what & CORRECT) && sweeper.noted)
		notes_correct(warp, sweeper.noted, sweeper.noted);
	count_lines(COUNT_FLAGGED, sweeper.flagged);
}

/* First of all, in every sweep. A barrier follows. */
FUNCTION void sweep_init(const struct kernel_params *params, uint8_t *region)
{
	FOR_EACH_LANE (i, 0, COUNTS)
		sweep.counts[i] = 0;
	if (LANE == 0) {
		const struct codewords codewords = {region, params->parity_base,
			params->parity_pitch, params->data_per_line, params->max_correct};
		sweep.codewords = codewords;
	}
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
	job_finish(sweep.counts, job_of_launch(params), scratch, control,
		(uint32_t)__nvvm_read_ptx_sreg_nctaid_x());
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
	BARRIER();
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
	job_finish(sweep.counts, job_of_launch(&params), scratch, control, groups);
}
