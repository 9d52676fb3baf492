/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_TILE_H
#define VRAMFS_KERNELS_TILE_H

#include "kernels/code.h"

/*
 * What every kernel is made of: a group finds out which tile it works on, moves the tile's lines
 * between the region or the payload and local memory with all its lanes side by side, works on them
 * with one lane a line, and at the end counts itself as finished.
 *
 * Memory outside the group is accessed in units of 8 bytes, or of 16 if it is host memory,
 * consecutive lanes taking consecutive units, which there means full PCIe packets. A lane asks for
 * BATCH units before it uses the first, because one trip to the host takes longer than all else.
 */
#define UNIT_BYTES 8u
#define WIDE_BYTES 16u
#define LINE_UNITS (KERNEL_LINE_BYTES / UNIT_BYTES)

#if defined(VRAMFS_DEVICE_CODE)
#define BATCH 8u
#define ROW_WORDS 33u /* one more than a line has: lanes that walk down rows hit other banks */
#else
#define BATCH 1u
#define ROW_WORDS 32u
#endif

/* Words of scratch that a launch uses. The first ones are counters in the order of struct
 * kernel_report, beginning with `flagged`. */
#define COUNT_FLAGGED 0u
#define COUNT_CORRECTED 1u /* + number of bytes corrected, 1..4; + 0 is not used */
#define COUNT_LOST 6u
#define COUNTS 7u
#define SCRATCH_FINISHED 8u

struct tile {
#if defined(TILE_TOGETHER_DEFINED) /* see tile_encode() */
	uint64_t parity[KERNEL_TILE_LINES];
#endif
	uint32_t rows[KERNEL_TILE_LINES * ROW_WORDS]; /* the data bytes of each line */
	uint32_t marked[KERNEL_TILE_LINES];           /* lines that must not be stored */
	uint32_t counts[COUNTS];
};

/* What this group works on; the same in all its lanes. Bytes count in the payload space of the tile
 * (byte 0 is the first data byte of its first line), lines from the first line of the tile. */
struct work {
	uint32_t data_bytes;  /* of a line */
	uint32_t reciprocal;  /* of data_bytes, see line_of() */
	uint64_t region_line; /* the tile's first line, counted through the region */
	uint64_t source_line; /* KERNEL_COPY: what the same line is a copy of, likewise; modulo
			       * 2^64, because lines in front of line_begin may have no source */
	uint32_t line_begin, line_end;
	/* begin..end-1 move, what is around them up to zero_begin and zero_end becomes zero */
	uint32_t zero_begin, begin, end, zero_end;
	uint64_t payload;      /* where in payload the byte at `begin` is */
	struct kernel_job job; /* that the group is part of */
	uint32_t groups;       /* which that has */
};

/* The job of a launch that is all one job. */
FUNCTION struct kernel_job job_of_launch(const struct kernel_params *params)
{
	struct kernel_job job;
	job.payload = params->payload;
	job.report = params->report;
	job.scratch = params->scratch;
	job.ticket = params->ticket;
	return job;
}

/* The line that POSITION in the tile's payload space is in. A multiplication by a rounded-up
 * reciprocal, which is exact for all positions in a tile: its excess, below 1/2^20 * POSITION,
 * stays below 1/data_bytes. */
FUNCTION uint32_t line_of(const struct work *work, uint32_t position)
{
	return (position * work->reciprocal) >> 20;
}

/* How far POSITION in the payload space of the block lies in the tile that begins at TILE_BEGIN. */
FUNCTION uint32_t within_tile(uint32_t position, uint32_t tile_begin, uint32_t tile_bytes)
{
	if (position < tile_begin)
		return 0;
	return position - tile_begin < tile_bytes ? position - tile_begin : tile_bytes;
}

/* Those that came with the parameters. */
FUNCTION struct kernel_job job_of_params(const struct kernel_params *params, uint32_t index)
{
	struct kernel_job job;
	job.payload = PARAMETER(params->jobs[index].payload);
	job.report = PARAMETER(params->jobs[index].report);
	job.scratch = PARAMETER(params->jobs[index].scratch);
	job.ticket = PARAMETER(params->jobs[index].ticket);
	return job;
}

FUNCTION struct kernel_segment segment_of_params(const struct kernel_params *params, uint32_t index)
{
	struct kernel_segment segment;
	segment.block = PARAMETER(params->few[index].block);
	segment.first = PARAMETER(params->few[index].first);
	segment.count = PARAMETER(params->few[index].count);
	segment.zero_to = PARAMETER(params->few[index].zero_to);
	segment.payload = PARAMETER(params->few[index].payload);
	segment.zero_from = PARAMETER(params->few[index].zero_from);
	segment.source = PARAMETER(params->few[index].source);
	segment.source_first = PARAMETER(params->few[index].source_first);
	return segment;
}

/* ZEROES: whether the kernel looks at zero_from and zero_to. */
FUNCTION struct work work_find(const struct kernel_params *params, GLOBAL const uint8_t *control,
	uint32_t group, bool zeroes)
{
	uint32_t index = group / params->tiles_per_segment;
	struct work work;
	work.data_bytes = params->data_per_line;
	work.reciprocal = ((1u << 20) + work.data_bytes - 1) / work.data_bytes;
	uint32_t first = 0, end = params->data_per_line * KERNEL_BLOCK_LINES;
	uint32_t zero_from = first, zero_to = end;
	uint32_t block = params->first_block + index, source = block, source_first = 0;
	uint32_t payload = 0;
	work.job = job_of_launch(params);
	work.groups = params->segment_count * params->tiles_per_segment;
	if (params->segments == KERNEL_FEW_JOBS) {
		work.job = job_of_params(params, index);
		work.groups = params->tiles_per_segment;
	}
	if (params->segments != KERNEL_WHOLE_BLOCKS) {
		struct kernel_segment segment;
		if (params->segments == KERNEL_FEW_SEGMENTS || params->segments == KERNEL_FEW_JOBS)
			segment = segment_of_params(params, index);
		else
			segment = ((GLOBAL const struct kernel_segment *)(control +
									  params->segments))[index];
		block = segment.block;
		first = segment.first;
		end = first + segment.count;
		zero_from = zeroes ? segment.zero_from : first;
		zero_to = zeroes ? segment.zero_to : end;
		payload = segment.payload;
		source = segment.source;
		source_first = segment.source_first;
	}

	uint32_t tile_bytes = work.data_bytes * KERNEL_TILE_LINES;
	uint32_t tile = zero_from / tile_bytes + group % params->tiles_per_segment;
	uint32_t tile_begin = tile * tile_bytes;
	uint32_t line = tile * KERNEL_TILE_LINES; /* of the block */
	work.region_line = (uint64_t)block * KERNEL_BLOCK_LINES + line;
	work.source_line = (uint64_t)source * KERNEL_BLOCK_LINES + line +
			   source_first / work.data_bytes - first / work.data_bytes;
	work.zero_begin = within_tile(zero_from, tile_begin, tile_bytes);
	work.begin = within_tile(first, tile_begin, tile_bytes);
	work.end = within_tile(end, tile_begin, tile_bytes);
	work.zero_end = within_tile(zero_to, tile_begin, tile_bytes);
	work.payload = work.job.payload + payload;
	if (tile_begin > first)
		work.payload += tile_begin - first;
	if (work.zero_begin == work.zero_end) /* nothing to do in this tile */
		work.zero_begin = work.begin = work.end = work.zero_end = 0;
	work.line_begin = work.zero_begin / work.data_bytes;
	work.line_end = (work.zero_end + work.data_bytes - 1) / work.data_bytes;
	return work;
}

/* The same tile of the lines that KERNEL_COPY copies. */
FUNCTION struct work work_source(const struct work *work)
{
	struct work source = *work;
	source.region_line = work->source_line;
	return source;
}

/* Where in the region a line of the tile and its parity are. */
FUNCTION uint64_t line_offset(const struct work *work, uint32_t line)
{
	return (work->region_line + line) * KERNEL_LINE_BYTES;
}

FUNCTION uint64_t parity_offset(
	const struct kernel_params *params, const struct work *work, uint32_t line)
{
	return params->parity_base + (work->region_line + line) * params->parity_pitch;
}

FUNCTION LOCAL uint32_t *tile_row(LOCAL struct tile *tile, uint32_t line)
{
	return tile->rows + line * ROW_WORDS;
}

FUNCTION LOCAL uint8_t *tile_byte(LOCAL struct tile *tile, uint32_t line, uint32_t byte)
{
	return (LOCAL uint8_t *)tile_row(tile, line) + byte;
}

/* A unit that starts at a word; a row holds words, so a unit in it may begin at an odd one. */
FUNCTION void row_put(LOCAL uint32_t *words, uint64_t unit)
{
	words[0] = (uint32_t)unit;
	words[1] = (uint32_t)(unit >> 32);
}

FUNCTION uint64_t row_get(LOCAL const uint32_t *words)
{
	return words[0] | ((uint64_t)words[1] << 32);
}

/* The byte at POSITION of the tile's payload space. */
FUNCTION LOCAL uint8_t *tile_at(LOCAL struct tile *tile, const struct work *work, uint32_t position)
{
	uint32_t line = line_of(work, position);
	return tile_byte(tile, line, position - line * work->data_bytes);
}

/* The unit at POSITION. */
FUNCTION void tile_put(
	LOCAL struct tile *tile, const struct work *work, uint32_t position, uint64_t unit)
{
	if (position % UNIT_BYTES == 0) {
		row_put((LOCAL uint32_t *)tile_at(tile, work, position), unit);
		return;
	}
	for (uint32_t i = 0; i < UNIT_BYTES; i++)
		*tile_at(tile, work, position + i) = (uint8_t)(unit >> (8 * i));
}

FUNCTION uint64_t tile_get(LOCAL struct tile *tile, const struct work *work, uint32_t position)
{
	if (position % UNIT_BYTES == 0)
		return row_get((LOCAL const uint32_t *)tile_at(tile, work, position));
	uint64_t unit = 0;
	for (uint32_t i = 0; i < UNIT_BYTES; i++)
		unit |= (uint64_t)*tile_at(tile, work, position + i) << (8 * i);
	return unit;
}

/* First of all, in every kernel. Ends with a barrier. */
FUNCTION void tile_init(LOCAL struct tile *tile)
{
	FOR_EACH_LANE (i, 0, KERNEL_TILE_LINES)
		tile->marked[i] = 0;
	FOR_EACH_LANE (i, 0, COUNTS)
		tile->counts[i] = 0;
	BARRIER();
}

/*
 * The moves between the region, the payload and the tile. Here they go in units of 8 bytes, which
 * are dealt out to the lanes; a variant whose groups have one lane may move more at once.
 */
#if defined(TILE_MOVES_DEFINED)
FUNCTION void tile_load(LOCAL struct tile *tile, const struct work *work, REGION_PARAMETER,
	uint32_t begin, uint32_t end);
FUNCTION void tile_store(
	LOCAL struct tile *tile, const struct work *work, REGION_PARAMETER, bool skip_marked);
FUNCTION void tile_set(LOCAL struct tile *tile, const struct work *work, uint32_t begin,
	uint32_t end, uint32_t value);
FUNCTION void tile_from_payload(
	LOCAL struct tile *tile, const struct work *work, GLOBAL const uint8_t *payload);
FUNCTION void tile_to_payload(
	LOCAL struct tile *tile, const struct work *work, GLOBAL uint8_t *payload);
#else

/* Lines BEGIN..END-1 from the region to the tile. */
FUNCTION void tile_load(LOCAL struct tile *tile, const struct work *work, REGION_PARAMETER,
	uint32_t begin, uint32_t end)
{
	uint32_t row_units = work->data_bytes / UNIT_BYTES;
	uint32_t count = (end - begin) * LINE_UNITS;
	GLOBAL const uint64_t *units = (GLOBAL const uint64_t *)REGION_AT(line_offset(work, begin));
	for (uint32_t first = LANE; first < count; first += LANES * BATCH) {
		uint64_t batch[BATCH];
		UNROLL for (uint32_t i = 0; i < BATCH; i++)
		{
			uint32_t unit = first + i * LANES;
			if (unit < count && unit % LINE_UNITS < row_units)
				batch[i] = REGION_LOAD(units + unit);
		}
		UNROLL for (uint32_t i = 0; i < BATCH; i++)
		{
			uint32_t unit = first + i * LANES;
			if (unit < count && unit % LINE_UNITS < row_units)
				row_put(tile_row(tile, begin + unit / LINE_UNITS) +
						unit % LINE_UNITS * 2,
					batch[i]);
		}
	}
}

/* The lines of the tile that the group works on, except those marked if SKIP_MARKED, from the tile
 * to the region. */
FUNCTION void tile_store(
	LOCAL struct tile *tile, const struct work *work, REGION_PARAMETER, bool skip_marked)
{
	uint32_t row_units = work->data_bytes / UNIT_BYTES;
	GLOBAL uint64_t *units = (GLOBAL uint64_t *)REGION_AT(line_offset(work, 0));
	FOR_EACH_LANE (unit, work->line_begin * LINE_UNITS, work->line_end * LINE_UNITS) {
		uint32_t line = unit / LINE_UNITS;
		if (unit % LINE_UNITS < row_units && !(skip_marked && tile->marked[line]))
			units[unit] = row_get(tile_row(tile, line) + unit % LINE_UNITS * 2);
	}
}

/* Set bytes BEGIN..END-1 of the tile's payload space. */
FUNCTION void tile_set(LOCAL struct tile *tile, const struct work *work, uint32_t begin,
	uint32_t end, uint32_t value)
{
	FOR_EACH_LANE (word, begin / 4, (end + 3) / 4) {
		uint32_t position = word * 4;
		if (position >= begin && position + 4 <= end) {
			*(LOCAL uint32_t *)tile_at(tile, work, position) = value * 0x01010101u;
			continue;
		}
		for (uint32_t i = position; i < position + 4; i++) {
			if (i >= begin && i < end)
				*tile_at(tile, work, i) = (uint8_t)value;
		}
	}
}

/*
 * How the group's stretch of payload lies in pieces of 16 bytes of host memory: some bytes in front
 * of the first whole piece, whole pieces, some bytes behind. PCIe is a third slower in pieces of 8.
 * In the tile the halves of a piece begin at a multiple of 8 as well, or, when payload and file
 * offset don't fit together, anywhere, even in one line and end in the next.
 */
struct payload_layout {
	uint32_t head, pieces, tail;
};

FUNCTION struct payload_layout payload_layout_of(const struct work *work)
{
	struct payload_layout layout;
	uint32_t bytes = work->end - work->begin;
	layout.head = (0 - (uint32_t)work->payload) % WIDE_BYTES;
	if (layout.head > bytes)
		layout.head = bytes;
	layout.pieces = (bytes - layout.head) / WIDE_BYTES;
	layout.tail = (bytes - layout.head) % WIDE_BYTES;
	return layout;
}

/* The payload of the group's bytes `begin`..`end`-1 to the tile. */
FUNCTION void tile_from_payload(
	LOCAL struct tile *tile, const struct work *work, GLOBAL const uint8_t *payload)
{
	struct payload_layout layout = payload_layout_of(work);
	GLOBAL const uint8_t *bytes = payload + work->payload;
	GLOBAL const wide_t *pieces = (GLOBAL const wide_t *)(bytes + layout.head);
	for (uint32_t first = LANE; first < layout.pieces; first += LANES * BATCH) {
		wide_t batch[BATCH];
		UNROLL for (uint32_t i = 0; i < BATCH; i++)
		{
			if (first + i * LANES < layout.pieces)
				batch[i] = pieces[first + i * LANES];
		}
		UNROLL for (uint32_t i = 0; i < BATCH; i++)
		{
			uint32_t position =
				work->begin + layout.head + (first + i * LANES) * WIDE_BYTES;
			if (first + i * LANES < layout.pieces) {
				tile_put(tile, work, position, WIDE_LOW(batch[i]));
				tile_put(tile, work, position + UNIT_BYTES, WIDE_HIGH(batch[i]));
			}
		}
	}
	FOR_EACH_LANE (i, 0, layout.head + layout.tail) {
		uint32_t offset = i < layout.head ? i : i + layout.pieces * WIDE_BYTES;
		*tile_at(tile, work, work->begin + offset) = bytes[offset];
	}
}

/* The tile's bytes `begin`..`end`-1 to the payload, and not one byte more. */
FUNCTION void tile_to_payload(
	LOCAL struct tile *tile, const struct work *work, GLOBAL uint8_t *payload)
{
	struct payload_layout layout = payload_layout_of(work);
	GLOBAL uint8_t *bytes = payload + work->payload;
	GLOBAL wide_t *pieces = (GLOBAL wide_t *)(bytes + layout.head);
	FOR_EACH_LANE (i, 0, layout.pieces) {
		uint32_t position = work->begin + layout.head + i * WIDE_BYTES;
		pieces[i] = WIDE(tile_get(tile, work, position),
			tile_get(tile, work, position + UNIT_BYTES));
	}
	FOR_EACH_LANE (i, 0, layout.head + layout.tail) {
		uint32_t offset = i < layout.head ? i : i + layout.pieces * WIDE_BYTES;
		bytes[offset] = *tile_at(tile, work, work->begin + offset);
	}
}
#endif

FUNCTION uint64_t parity_load(REGION_PARAMETER, uint64_t offset)
{
	return REGION_LOAD((GLOBAL const uint64_t *)REGION_AT(offset));
}

FUNCTION void parity_store(REGION_PARAMETER, uint64_t offset, uint64_t parity)
{
	*(GLOBAL uint64_t *)REGION_AT(offset) = parity;
}

/* What tile_encode() needs besides the tile, loaded before it. */
#if !defined(ENCODER_DEFINED)
struct encoder {
	uint32_t unused;
};

FUNCTION struct encoder encoder_load(const struct kernel_params *params)
{
	struct encoder encoder = {params->parity_pitch};
	return encoder;
}
#endif

/*
 * The parity that a line of the tile should have. Here every lane finds it out by itself. A variant
 * may have the lanes work together, which they do in tile_encode(), with barriers before and
 * behind: all lanes call that before any of them asks for a line among BEGIN..END-1.
 */
#if defined(TILE_TOGETHER_DEFINED)
FUNCTION void tile_encode(LOCAL struct tile *tile, const struct work *work,
	const struct encoder *encoder, uint32_t begin, uint32_t end);

FUNCTION uint64_t line_parity(LOCAL struct tile *tile, const struct work *work, uint32_t line)
{
	(void)work;
	return tile->parity[line];
}
#else
FUNCTION void tile_encode(LOCAL struct tile *tile, const struct work *work,
	const struct encoder *encoder, uint32_t begin, uint32_t end)
{
	(void)tile, (void)work, (void)encoder, (void)begin, (void)end;
}

FUNCTION uint64_t line_parity(LOCAL struct tile *tile, const struct work *work, uint32_t line)
{
	return code_parity(tile_row(tile, line), work->data_bytes);
}
#endif

/* The errors that make a line's parity differ from the one it should have by REMAINDER. */
#if defined(LINE_ERRORS_DEFINED)
FUNCTION_APART struct code_errors line_errors(
	const struct work *work, const struct kernel_params *params, uint64_t remainder);
#else
FUNCTION struct code_errors line_errors(
	const struct work *work, const struct kernel_params *params, uint64_t remainder)
{
	return code_find_errors(remainder, work->data_bytes, params->max_correct);
}
#endif

/* What line_correct() found: whether the line is lost, and its parity, corrected unless lost. */
struct line_state {
	bool lost;
	uint64_t parity;
};

/*
 * Check a line that is in the tile, correct it there and in the region, and count. Only
 * bytes that were wrong are written to the region: another group may be reading the same line, and
 * whichever of them it sees, old or new, the line has no more errors for it than before.
 */
FUNCTION struct line_state line_correct(LOCAL struct tile *tile, const struct work *work,
	const struct kernel_params *params, REGION_PARAMETER, uint32_t line)
{
	uint64_t offset = parity_offset(params, work, line);
	struct line_state state;
	state.lost = false;
	state.parity = parity_load(REGION, offset);
	uint64_t remainder = line_parity(tile, work, line) ^ state.parity;
	if (remainder == 0)
		return state;
	LOCAL_INCREMENT(&tile->counts[COUNT_FLAGGED]);
	struct code_errors errors = line_errors(work, params, remainder);
	if (errors.count == 0) {
		LOCAL_INCREMENT(&tile->counts[COUNT_LOST]);
		state.lost = true;
		return state;
	}
	for (uint32_t i = 0; i < errors.count; i++) {
		uint32_t position = (errors.positions >> (8 * i)) & 0xff;
		uint32_t value = (errors.values >> (8 * i)) & 0xff;
		if (position < work->data_bytes) {
			uint8_t byte = (uint8_t)(*tile_byte(tile, line, position) ^ value);
			*tile_byte(tile, line, position) = byte;
			REGION_STORE(REGION_AT(line_offset(work, line)) + position, byte);
		} else {
			uint32_t symbol = position - work->data_bytes;
			state.parity ^= (uint64_t)value << (8 * symbol);
			REGION_STORE(REGION_AT(offset) + symbol,
				(uint8_t)(state.parity >> (8 * symbol)));
		}
	}
	LOCAL_INCREMENT(&tile->counts[COUNT_CORRECTED + errors.count]);
	return state;
}

/*
 * Last of all, in every kernel: add up what the lanes counted and count the group, one of GROUPS,
 * as finished; the job's last group writes the report and leaves the scratch words zero. The
 * barrier and the fence make everything that the group's lanes wrote visible before it counts as
 * finished, and the fence of the last group makes all that visible before `done`.
 */
FUNCTION void job_finish(LOCAL const uint32_t *counts, struct kernel_job job,
	GLOBAL uint32_t *scratch, GLOBAL uint8_t *control, uint32_t groups)
{
	BARRIER();
	if (LANE != 0)
		return;
	GLOBAL struct kernel_report *report = (GLOBAL struct kernel_report *)(control + job.report);
	if (groups == 1) { /* nobody to add up with, and every access takes a while */
		if (counts[COUNT_FLAGGED]) {
			for (uint32_t i = COUNT_FLAGGED; i < COUNTS; i++)
				(&report->flagged)[i] = counts[i];
		}
		SYSTEM_FENCE();
		PUBLISH(&report->done, job.ticket);
		return;
	}
	GLOBAL uint32_t *words = scratch + job.scratch;
	for (uint32_t i = 0; i < COUNTS; i++) {
		if (counts[i])
			GLOBAL_ADD(words + i, counts[i]);
	}
	SYSTEM_FENCE();
	if (GLOBAL_ADD(words + SCRATCH_FINISHED, 1) + 1 != groups)
		return;
	SYSTEM_FENCE();
	/* The host has zeroed the report, and where no line was flagged nothing else is counted;
	 * each of these takes a while. */
	uint32_t flagged = GLOBAL_TAKE(words + COUNT_FLAGGED);
	if (flagged) {
		report->flagged = flagged;
		for (uint32_t i = COUNT_FLAGGED + 1; i < COUNTS; i++)
			(&report->flagged)[i] = GLOBAL_TAKE(words + i);
	}
	GLOBAL_TAKE(words + SCRATCH_FINISHED);
	SYSTEM_FENCE();
	PUBLISH(&report->done, job.ticket);
}

FUNCTION void group_finish(LOCAL struct tile *tile, const struct work *work,
	GLOBAL uint32_t *scratch, GLOBAL uint8_t *control)
{
	job_finish(tile->counts, work->job, scratch, control, work->groups);
}

#endif
