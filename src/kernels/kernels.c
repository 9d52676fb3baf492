/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The entry points: what each kernel of abi.h does with a tile, in terms of tile.h. This is the
 * portable form of every kernel. It is compiled three times: to PTX by clang, to OpenCL C by the
 * device's driver when the device is opened (from the text that scripts/flatten-opencl.py makes of
 * it), and natively, in the variants that native.h lists.
 *
 * A device that can do better does so in a variant: a file that includes this one and defines
 * before
 *
 *	TILE_TOGETHER_DEFINED	tile_encode() of its own: see tile.h
 *	ENCODER_DEFINED		struct encoder and encoder_load() of its own
 *	LINE_ERRORS_DEFINED	line_errors() of its own
 *	TILE_MOVES_DEFINED	the moves of tile.h of its own
 *	SWEEPS_DEFINED		encode, verify, correct and refresh of its own
 *	STREAM_DEFINED		stream of its own
 *
 * and leaves the same bits behind. src/device loads one variant, with all kernels, when it opens
 * the device, and the tests in tests/kernels run against whichever was chosen.
 */
#include "kernels/tile.h"

/* The shape that the kernels share whose lines are all whole: every line, one lane a line. */
#define FOR_EACH_LINE(line, work) FOR_EACH_LANE (line, (work).line_begin, (work).line_end)

#if !defined(SWEEPS_DEFINED)
KERNEL(encode)
{
	LOCAL_VARIABLE(struct tile, tile);
	struct work work = work_find(&params, control, GROUP, false);
	struct encoder encoder = encoder_load(&params);
	tile_init(&tile);
	if (params.parity_pitch) {
		tile_load(&tile, &work, REGION, work.line_begin, work.line_end);
		BARRIER();
		tile_encode(&tile, &work, &encoder, work.line_begin, work.line_end);
		FOR_EACH_LINE(line, work)
		parity_store(REGION, parity_offset(&params, &work, line),
			line_parity(&tile, &work, line));
	}
	group_finish(&tile, &work, scratch, control);
}

KERNEL(verify)
{
	LOCAL_VARIABLE(struct tile, tile);
	struct work work = work_find(&params, control, GROUP, false);
	struct encoder encoder = encoder_load(&params);
	tile_init(&tile);
	if (params.parity_pitch) {
		tile_load(&tile, &work, REGION, work.line_begin, work.line_end);
		BARRIER();
		tile_encode(&tile, &work, &encoder, work.line_begin, work.line_end);
		FOR_EACH_LINE(line, work)
		{
			uint64_t stored = parity_load(REGION, parity_offset(&params, &work, line));
			if (line_parity(&tile, &work, line) != stored)
				LOCAL_INCREMENT(&tile.counts[COUNT_FLAGGED]);
		}
	}
	group_finish(&tile, &work, scratch, control);
}

KERNEL(correct)
{
	LOCAL_VARIABLE(struct tile, tile);
	struct work work = work_find(&params, control, GROUP, false);
	struct encoder encoder = encoder_load(&params);
	tile_init(&tile);
	if (params.parity_pitch) {
		tile_load(&tile, &work, REGION, work.line_begin, work.line_end);
		BARRIER();
		tile_encode(&tile, &work, &encoder, work.line_begin, work.line_end);
		FOR_EACH_LINE(line, work)
		line_correct(&tile, &work, &params, REGION, line);
	}
	group_finish(&tile, &work, scratch, control);
}

KERNEL(refresh)
{
	LOCAL_VARIABLE(struct tile, tile);
	struct work work = work_find(&params, control, GROUP, false);
	struct encoder encoder = encoder_load(&params);
	tile_init(&tile);
	if (params.parity_pitch) {
		tile_load(&tile, &work, REGION, work.line_begin, work.line_end);
		BARRIER();
		tile_encode(&tile, &work, &encoder, work.line_begin, work.line_end);
		FOR_EACH_LINE(line, work)
		{
			struct line_state state = line_correct(&tile, &work, &params, REGION, line);
			if (!state.lost)
				parity_store(
					REGION, parity_offset(&params, &work, line), state.parity);
		}
	}
	group_finish(&tile, &work, scratch, control);
}

#endif

KERNEL(read)
{
	LOCAL_VARIABLE(struct tile, tile);
	struct work work = work_find(&params, control, GROUP, false);
	struct encoder encoder = encoder_load(&params);
	FOR_EACH_LINE(line, work)
	PREFETCH(REGION_AT(parity_offset(&params, &work, line)));
	tile_init(&tile);
	tile_load(&tile, &work, REGION, work.line_begin, work.line_end);
	BARRIER();
	if (params.parity_pitch) {
		tile_encode(&tile, &work, &encoder, work.line_begin, work.line_end);
		FOR_EACH_LINE(line, work)
		line_correct(&tile, &work, &params, REGION, line);
		BARRIER();
	}
	tile_to_payload(&tile, &work, payload);
	group_finish(&tile, &work, scratch, control);
}

/*
 * WRITE and FILL have the same three steps. First the lines of which old bytes remain, at most the
 * group's first and its last, are loaded and checked.
 */
FUNCTION void old_lines_load(LOCAL struct tile *tile, const struct work *work,
	const struct kernel_params *params, const struct encoder *encoder, REGION_PARAMETER)
{
	bool first_is_old = work->zero_begin % work->data_bytes != 0;
	bool last_is_old = work->zero_end % work->data_bytes != 0;
	uint32_t last = work->line_end - 1;
	if (first_is_old && last == work->line_begin)
		last_is_old = false; /* the same line; once is enough */
	if (first_is_old)
		tile_load(tile, work, REGION, work->line_begin, work->line_begin + 1);
	if (last_is_old)
		tile_load(tile, work, REGION, last, last + 1);
	BARRIER();
	if (params->parity_pitch) {
		if (first_is_old)
			tile_encode(tile, work, encoder, work->line_begin, work->line_begin + 1);
		if (last_is_old)
			tile_encode(tile, work, encoder, last, last + 1);
		FOR_EACH_LANE (i, 0, 2) {
			uint32_t line = i == 0 ? work->line_begin : last;
			if (i == 0 ? first_is_old : last_is_old)
				tile->marked[line] =
					line_correct(tile, work, params, REGION, line).lost;
		}
		BARRIER();
	}
}

/* Then, around the new bytes, the ones that become zero. */
FUNCTION void zeros_merge(LOCAL struct tile *tile, const struct work *work)
{
	tile_set(tile, work, work->zero_begin, work->begin, 0);
	tile_set(tile, work, work->end, work->zero_end, 0);
}

/* In the end all lines are encoded and stored, but for those whose old bytes are lost. */
FUNCTION void lines_store(LOCAL struct tile *tile, const struct work *work,
	const struct kernel_params *params, const struct encoder *encoder, REGION_PARAMETER)
{
	BARRIER();
	if (params->parity_pitch) {
		tile_encode(tile, work, encoder, work->line_begin, work->line_end);
		FOR_EACH_LINE(line, *work)
		{
			if (!tile->marked[line])
				parity_store(REGION, parity_offset(params, work, line),
					line_parity(tile, work, line));
		}
	}
	tile_store(tile, work, REGION, true);
}

KERNEL(write)
{
	LOCAL_VARIABLE(struct tile, tile);
	struct work work = work_find(&params, control, GROUP, true);
	struct encoder encoder = encoder_load(&params);
	tile_init(&tile);
	old_lines_load(&tile, &work, &params, &encoder, REGION);
	zeros_merge(&tile, &work);
	tile_from_payload(&tile, &work, payload);
	lines_store(&tile, &work, &params, &encoder, REGION);
	group_finish(&tile, &work, scratch, control);
}

KERNEL(fill)
{
	LOCAL_VARIABLE(struct tile, tile);
	struct work work = work_find(&params, control, GROUP, true);
	struct encoder encoder = encoder_load(&params);
	tile_init(&tile);
	old_lines_load(&tile, &work, &params, &encoder, REGION);
	zeros_merge(&tile, &work);
	tile_set(&tile, &work, work.begin, work.end, params.pattern);
	lines_store(&tile, &work, &params, &encoder, REGION);
	group_finish(&tile, &work, scratch, control);
}

/* A line that is lost arrives as it is, with its old parity: so it stays known to be lost, instead
 * of becoming a codeword of wrong bytes. */
KERNEL(copy)
{
	LOCAL_VARIABLE(struct tile, tile);
	struct work work = work_find(&params, control, GROUP, false);
	struct work source = work_source(&work);
	struct encoder encoder = encoder_load(&params);
	tile_init(&tile);
	tile_load(&tile, &source, REGION, source.line_begin, source.line_end);
	BARRIER();
	if (params.parity_pitch) {
		tile_encode(&tile, &source, &encoder, source.line_begin, source.line_end);
		FOR_EACH_LINE(line, work)
		{
			struct line_state state =
				line_correct(&tile, &source, &params, REGION, line);
			parity_store(REGION, parity_offset(&params, &work, line), state.parity);
		}
		BARRIER();
	}
	tile_store(&tile, &work, REGION, false);
	group_finish(&tile, &work, scratch, control);
}

/* A well-mixed function of two numbers: the finalizer of the splitmix64 generator. */
FUNCTION uint64_t hash(uint64_t seed, uint64_t index)
{
	uint64_t x = seed + (index + 1) * 0x9e3779b97f4a7c15ul;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ul;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebul;
	return x ^ (x >> 31);
}

/* The random data of a unit of a line of the tile. */
FUNCTION uint64_t random_unit(
	const struct kernel_params *params, const struct work *work, uint32_t line, uint32_t unit)
{
	return hash(
		params->seed, (work->region_line + line) * (work->data_bytes / UNIT_BYTES) + unit);
}

KERNEL(randomize)
{
	LOCAL_VARIABLE(struct tile, tile);
	struct work work = work_find(&params, control, GROUP, false);
	tile_init(&tile);
	GLOBAL uint64_t *units = (GLOBAL uint64_t *)REGION_AT(line_offset(&work, 0));
	FOR_EACH_LANE (i, work.line_begin * LINE_UNITS, work.line_end * LINE_UNITS) {
		if (i % LINE_UNITS < work.data_bytes / UNIT_BYTES)
			units[i] = random_unit(&params, &work, i / LINE_UNITS, i % LINE_UNITS);
	}
	group_finish(&tile, &work, scratch, control);
}

KERNEL(compare)
{
	LOCAL_VARIABLE(struct tile, tile);
	struct work work = work_find(&params, control, GROUP, false);
	tile_init(&tile);
	tile_load(&tile, &work, REGION, work.line_begin, work.line_end);
	BARRIER();
	FOR_EACH_LINE(line, work)
	{
		bool differs = false;
		for (uint32_t i = 0; i < work.data_bytes / UNIT_BYTES; i++)
			differs |= row_get(tile_row(&tile, line) + i * 2) !=
				   random_unit(&params, &work, line, i);
		if (differs)
			LOCAL_INCREMENT(&tile.counts[COUNT_FLAGGED]);
	}
	group_finish(&tile, &work, scratch, control);
}

/* Flip bits in params.inject_errors different bytes of one line. RANDOM is the line's own. */
FUNCTION void line_damage(const struct kernel_params *params, const struct work *work,
	REGION_PARAMETER, uint32_t line, uint64_t random)
{
	uint32_t symbols = work->data_bytes + (params->parity_pitch ? KERNEL_PARITY_BYTES : 0);
	uint64_t chosen = 0; /* the positions so far, a byte each */
	for (uint32_t count = 0, draw = 0; count < params->inject_errors; draw++) {
		uint64_t drawn = hash(random, draw);
		uint32_t position = (uint32_t)drawn % symbols;
		uint32_t flip = (uint32_t)(drawn >> 32) % 255 + 1;
		bool again = false;
		for (uint32_t i = 0; i < count; i++)
			again |= ((chosen >> (8 * i)) & 0xff) == position;
		if (again)
			continue;
		chosen |= (uint64_t)position << (8 * count++);
		uint64_t offset =
			position < work->data_bytes
				? line_offset(work, line) + position
				: parity_offset(params, work, line) + (position - work->data_bytes);
		GLOBAL uint8_t *byte = REGION_AT(offset);
		*byte = (uint8_t)(*byte ^ flip);
	}
}

KERNEL(inject)
{
	LOCAL_VARIABLE(struct tile, tile);
	struct work work = work_find(&params, control, GROUP, false);
	tile_init(&tile);
	FOR_EACH_LINE(line, work)
	{
		uint64_t random = hash(params.seed, work.region_line + line);
		if ((uint32_t)(random >> 32) % params.inject_every == 0) {
			LOCAL_INCREMENT(&tile.counts[COUNT_FLAGGED]);
			line_damage(&params, &work, REGION, line, random);
		}
	}
	group_finish(&tile, &work, scratch, control);
}

#if !defined(STREAM_DEFINED)
#define LINE_WIDES (KERNEL_LINE_BYTES / WIDE_BYTES)

/* The roof that the sweeping kernels are measured against: a lane has all its loads under way
 * before it uses the first. Of a piece that ends in its line's parity the fold has only the data:
 * another lane may be writing that parity. */
KERNEL(stream)
{
	LOCAL_VARIABLE(struct tile, tile);
	struct work work = work_find(&params, control, GROUP, false);
	const uint32_t stream =
		params.parity_pitch ? params.stream : params.stream & STREAM_WRITE_LINE;
	tile_init(&tile);
	FOR_EACH_LINE(line, work)
	{
		GLOBAL wide_t *wides =
			(GLOBAL wide_t *)REGION_AT(line_offset(&work, line - line % STREAM_FOLDED));
		wide_t batch[LINE_WIDES], sum = WIDE(0, 0);
		uint64_t fold = 0;
		UNROLL for (uint32_t j = 0; j < LINE_WIDES; j++)
		{
			batch[j] = wides[line % STREAM_FOLDED + j * STREAM_FOLDED];
		}
		if (stream & STREAM_READ_PARITY)
			fold = parity_load(REGION, parity_offset(&params, &work, line));
		UNROLL for (uint32_t j = 0; j < LINE_WIDES; j++)
		{
			sum ^= batch[j];
		}
		fold ^= WIDE_LOW(sum);
		if ((line % LINE_WIDES + 1) * WIDE_BYTES <= work.data_bytes)
			fold ^= WIDE_HIGH(sum);
		if (fold == 0)
			LOCAL_INCREMENT(&tile.counts[COUNT_FLAGGED]);
		if (stream & STREAM_WRITE_PARITY)
			parity_store(REGION, parity_offset(&params, &work, line), fold);
		UNROLL for (uint32_t j = 0; j < LINE_WIDES; j++)
		{
			if (stream & STREAM_WRITE_LINE)
				wides[line % STREAM_FOLDED + j * STREAM_FOLDED] = ~batch[j];
		}
	}
	group_finish(&tile, &work, scratch, control);
}
#endif
