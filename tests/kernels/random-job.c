/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

#include "random-job.h"

#include "reference.h"

#include <string.h>

#define MOST_ERRORS 9u
#define NEIGHBOURS 2u /* lines on both sides of a segment that may have errors, too */

static uint32_t below(uint64_t *random, uint32_t limit)
{
	return (uint32_t)((reference_random(random) >> 20) % limit);
}

static bool one_in(uint64_t *random, uint32_t count)
{
	return below(random, count) == 0;
}

/* 1..LIMIT, mostly small, sometimes large. */
static uint32_t random_length(uint64_t *random, uint32_t limit)
{
	uint32_t length = below(random, 1u << below(random, 18)) + 1;
	return length < limit ? length : limit;
}

static uint64_t job_random(uint64_t seed, uint32_t number)
{
	uint64_t random = seed * 0x9e3779b97f4a7c15 + number * 0xd1342543de82ef95 + 1;
	for (unsigned i = 0; i < 8; i++)
		(void)reference_random(&random);
	return random;
}

/* Data that are no random bytes, which rarely have their bits alike. */
static void make_plain_line(struct rig *rig, uint32_t line, uint64_t *random)
{
	uint8_t *data = rig_symbol(rig, rig->truth, line, 0);
	switch (below(random, 4)) {
	case 0:
		memset(data, 0, rig->data_bytes);
		break;
	case 1:
		memset(data, 0xff, rig->data_bytes);
		break;
	case 2:
		memset(data, (int)below(random, 256), rig->data_bytes);
		break;
	default:
		memset(data, 0, rig->data_bytes);
		data[below(random, rig->data_bytes)] = (uint8_t)below(random, 256);
	}
	rig_encode_line(rig, rig->truth, line);
}

void random_job_fill(struct rig *rig, uint64_t seed)
{
	uint64_t random = job_random(seed, ~0u);
	rig_randomize(rig, random);
	for (uint32_t line = 0; line < rig->lines; line++) {
		if (one_in(&random, 8))
			make_plain_line(rig, line, &random);
	}
	for (size_t i = 0; i < rig->payload_bytes; i++)
		rig->payload[i] = (uint8_t)(reference_random(&random) >> 56);
}

/* --- segments --- */

static uint32_t round_up(const struct rig *rig, uint32_t bytes)
{
	return (bytes + rig->data_bytes - 1) / rig->data_bytes * rig->data_bytes;
}

/* COPY: whole lines, and as far back for all of a block, so that no two read the same line. */
static void make_copy(const struct rig *rig, struct random_job *job, uint32_t position,
	uint32_t length, uint64_t *random)
{
	struct kernel_segment *segment = &job->segments[job->job.segment_count];
	const struct kernel_segment *before = segment - 1;
	uint32_t shift;
	if (job->job.segment_count > 0 && before->block == segment->block)
		shift = before->first - before->source_first;
	else
		shift = below(random, position / rig->data_bytes + 1) * rig->data_bytes;
	segment->source = segment->block - RANDOM_JOB_BLOCKS / 2;
	segment->source_first = position - shift;
	segment->zero_from = segment->first = position;
	segment->count = length;
	segment->zero_to = position + length;
}

static void make_segment(struct random_job *job, uint32_t position, uint32_t length,
	uint32_t *payload, uint64_t *random)
{
	struct kernel_segment *segment = &job->segments[job->job.segment_count];
	uint32_t zeros = one_in(random, 4) ? below(random, length + 1) : 0;
	uint32_t zeros_behind = one_in(random, 3) ? below(random, length - zeros + 1) : 0;
	*payload += one_in(random, 3) ? below(random, 16) : 0;
	segment->zero_from = position;
	segment->first = position + zeros;
	segment->count = length - zeros - zeros_behind;
	segment->zero_to = position + length;
	segment->payload = *payload;
	*payload += length - zeros;
}

/* One after the other through the blocks, with gaps, until about BUDGET bytes are in them; at least
 * one. */
static void make_segments(
	const struct rig *rig, struct random_job *job, uint32_t budget, uint64_t *random)
{
	const bool copies = job->job.kernel == KERNEL_COPY;
	const uint32_t space = rig->data_bytes * KERNEL_BLOCK_LINES;
	const uint32_t lowest = copies ? RANDOM_JOB_BLOCKS / 2 : 0;
	uint32_t block = lowest + below(random, RANDOM_JOB_BLOCKS - lowest);
	uint32_t position = below(random, space), payload = 0, used = 0;
	while (block < RANDOM_JOB_BLOCKS && job->job.segment_count < RANDOM_JOB_SEGMENTS) {
		if (job->job.segment_count > 0)
			position += random_length(random, space);
		if (copies || one_in(random, 3))
			position = round_up(rig, position);
		if (position >= space) {
			position = 0;
			if (++block == RANDOM_JOB_BLOCKS && job->job.segment_count == 0)
				block = lowest;
			continue;
		}
		uint32_t length = random_length(random, budget);
		if (copies || one_in(random, 3))
			length = round_up(rig, length);
		if (length > space - position)
			length = space - position;
		job->segments[job->job.segment_count] = (struct kernel_segment){.block = block};
		if (copies)
			make_copy(rig, job, position, length, random);
		else
			make_segment(job, position, length, &payload, random);
		job->job.segment_count++;
		used += length;
		if (used >= budget)
			break;
		position = round_up(rig, position + length);
	}
}

/* --- errors --- */

static void change(struct rig *rig, uint32_t line, unsigned position, unsigned value)
{
	*rig_symbol(rig, rig->image, line, position) ^= (uint8_t)value;
}

/* COUNT different positions from BEGIN up to END - 1. */
static void random_positions(
	unsigned begin, unsigned end, unsigned count, unsigned *positions, uint64_t *random)
{
	for (unsigned found = 0; found < count;) {
		unsigned position = begin + below(random, end - begin);
		bool again = false;
		for (unsigned i = 0; i < found; i++)
			again |= positions[i] == position;
		if (!again)
			positions[found++] = position;
	}
}

static void change_some(struct rig *rig, uint32_t line, unsigned begin, unsigned end,
	unsigned count, uint64_t *random)
{
	unsigned positions[MOST_ERRORS];
	if (count > end - begin)
		count = end - begin;
	random_positions(begin, end, count, positions, random);
	for (unsigned i = 0; i < count; i++)
		change(rig, line, positions[i], 1 + below(random, 255));
}

static void change_in_a_row(struct rig *rig, uint32_t line, unsigned count, uint64_t *random)
{
	unsigned first = below(random, rig->symbols - count + 1);
	for (unsigned i = 0; i < count; i++)
		change(rig, line, first + i, 1 + below(random, 255));
}

static void erase(struct rig *rig, uint32_t line, uint64_t *random)
{
	uint32_t value = below(random, 4);
	for (unsigned i = 0; i < rig->symbols; i++)
		*rig_symbol(rig, rig->image, line, i) = value == 0   ? 0
							: value == 1 ? 0xff
								     : (uint8_t)below(random, 256);
}

/* Towards the nearest codeword, COUNT of the nine bytes that lie between. */
static void step_towards_another(struct rig *rig, uint32_t line, unsigned count, uint64_t *random)
{
	unsigned positions[9];
	uint8_t values[9];
	random_positions(0, rig->symbols, 9, positions, random);
	reference_nearest_codeword(positions, rig->symbols, values);
	for (unsigned i = 0; i < count; i++)
		change(rig, line, positions[i], values[i]);
}

static void become_another(struct rig *rig, uint32_t line, uint64_t *random)
{
	for (unsigned i = 0; i < rig->data_bytes; i++)
		*rig_symbol(rig, rig->image, line, i) = (uint8_t)below(random, 256);
	rig_encode_line(rig, rig->image, line);
}

/* COUNT errors of which one is at a place that the code does not have, being a shortened one: the
 * parity becomes that of such a word. A decoder that looks for places beyond the line's, or counts
 * them, takes it for one that it can correct. */
static void err_beyond(struct rig *rig, uint32_t line, unsigned count, uint64_t *random)
{
	uint32_t place = rig->symbols + below(random, 255 - rig->symbols);
	for (unsigned i = 0; i < count; i++) {
		uint8_t message[247] = {(uint8_t)(1 + below(random, 255))}, parity[8];
		/* The parity of a message that begins with its only byte is x^place times that. */
		reference_encode(message, place - 7, parity);
		for (unsigned j = 0; j < 8; j++)
			change(rig, line, rig->data_bytes + j, parity[j]);
		place = 8 + below(random, 247);
	}
}

enum damage {
	ANYWHERE,
	IN_DATA,
	IN_PARITY,
	IN_A_ROW,
	ERASED,
	TOWARDS_ANOTHER,
	ANOTHER,
	BEYOND,
	KINDS
};

static void damage_line(struct rig *rig, uint32_t line, enum damage kind, uint64_t *random)
{
	unsigned count = below(random, MOST_ERRORS + 1);
	switch (kind) {
	case IN_DATA:
		change_some(rig, line, 0, rig->data_bytes, count, random);
		break;
	case IN_PARITY:
		change_some(rig, line, rig->data_bytes, rig->symbols, count, random);
		break;
	case IN_A_ROW:
		change_in_a_row(rig, line, count, random);
		break;
	case ERASED:
		erase(rig, line, random);
		break;
	case TOWARDS_ANOTHER:
		step_towards_another(rig, line, count, random);
		break;
	case BEYOND:
		err_beyond(rig, line, 1 + count % 4, random);
		break;
	case ANOTHER:
		become_another(rig, line, random);
		change_some(rig, line, 0, rig->symbols, count, random);
		break;
	default:
		change_some(rig, line, 0, rig->symbols, count, random);
	}
}

struct damage_plan {
	enum damage kind; /* KINDS: each line has one of its own */
	uint32_t one_in;  /* so many lines; 0: none */
};

/* Among lines FIRST..END-1 and their neighbours. */
static void damage_lines(struct rig *rig, struct random_job *job, const struct damage_plan *plan,
	uint32_t first, uint32_t end, uint64_t *random)
{
	first -= first < NEIGHBOURS ? first : NEIGHBOURS;
	end = end + NEIGHBOURS < rig->lines ? end + NEIGHBOURS : rig->lines;
	for (uint32_t line = first; line < end; line++) {
		if (job->hit[line] || !one_in(random, plan->one_in))
			continue;
		job->hit[line] = true;
		damage_line(
			rig, line, plan->kind == KINDS ? below(random, KINDS) : plan->kind, random);
	}
}

static void make_damage(struct rig *rig, struct random_job *job, uint64_t *random)
{
	struct damage_plan plan = {
		.kind = one_in(random, 2) ? KINDS : below(random, KINDS),
		.one_in = one_in(random, 4) ? 0 : 1u << below(random, 8),
	};
	memcpy(rig->image, rig->truth, rig->image_bytes);
	memset(job->hit, 0, rig->lines * sizeof(job->hit[0]));
	if (rig->code == RS_NONE || plan.one_in == 0)
		return;
	if (job->job.segment_count == 0)
		damage_lines(rig, job, &plan, 0, rig->lines, random);
	for (uint32_t i = 0; i < job->job.segment_count; i++) {
		uint32_t first, end;
		random_job_lines(rig, &job->job, &job->segments[i], &first, &end);
		damage_lines(rig, job, &plan, first, end, random);
	}
}

void random_job_lines(const struct rig *rig, const struct rig_job *job,
	const struct kernel_segment *segment, uint32_t *ret_first, uint32_t *ret_end)
{
	const bool copies = job->kernel == KERNEL_COPY;
	const bool writes = job->kernel == KERNEL_WRITE || job->kernel == KERNEL_FILL;
	const uint32_t line = (copies ? segment->source : segment->block) * KERNEL_BLOCK_LINES;
	const uint32_t begin = copies   ? segment->source_first
			       : writes ? segment->zero_from
					: segment->first;
	const uint32_t end = copies   ? begin + segment->count
			     : writes ? segment->zero_to
				      : segment->first + segment->count;
	*ret_first = line + begin / rig->data_bytes;
	*ret_end = begin < end ? line + (end + rig->data_bytes - 1) / rig->data_bytes : *ret_first;
}

void random_job_make(struct rig *rig, uint64_t seed, uint32_t number, struct random_job *job)
{
	static const enum kernel kernels[] = {KERNEL_READ, KERNEL_READ, KERNEL_WRITE, KERNEL_WRITE,
		KERNEL_FILL, KERNEL_COPY, KERNEL_REFRESH, KERNEL_CORRECT, KERNEL_VERIFY,
		KERNEL_ENCODE};
	uint64_t random = job_random(seed, number);
	enum kernel kernel = kernels[below(&random, sizeof(kernels) / sizeof(kernels[0]))];
	/* Many jobs are small: a mistake shows as well there, and more of them can be done. */
	uint32_t budget = rig->data_bytes << below(&random, 13);
	job->job = (struct rig_job){
		.kernel = kernel,
		.max_correct = one_in(&random, 2) ? 4 : below(&random, 5),
		.payload = below(&random, 60000),
		.pattern = below(&random, 256),
		.idle_tiles = one_in(&random, 4) ? below(&random, KERNEL_BLOCK_TILES) : 0,
		.form = (enum rig_form)below(&random, 3),
	};
	if (kernel <= KERNEL_REFRESH && one_in(&random, 8))
		job->job.first_block = below(&random, RANDOM_JOB_BLOCKS);
	else
		make_segments(rig, job, budget, &random);
	make_damage(rig, job, &random);
}
