/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * What a job touches: from its segments the lines that it claims, and which of them one launch can
 * take.
 *
 * Rounds: the groups of one launch run in any order, so a job in which two segments write the same
 * line (with 120-byte lines two neighbouring 4 KiB pieces do) is launched in several rounds, each
 * the longest run of segments without a conflict, one after the other. It keeps all its claims
 * meanwhile.
 */
#include "store/job-segments.h"

#include "store/internal.h"

#include <assert.h>

#define LAST_LINE (KERNEL_BLOCK_LINES - 1)

bool job_moves_payload(const struct store_job *job)
{
	return job->kernel == KERNEL_READ || job->kernel == KERNEL_WRITE;
}

static bool only_reads(enum kernel kernel)
{
	return kernel == KERNEL_READ || kernel == KERNEL_VERIFY || kernel == KERNEL_COMPARE;
}

/* Writes around its bytes zeros as well. */
static bool zeroes(enum kernel kernel)
{
	return kernel == KERNEL_WRITE || kernel == KERNEL_FILL;
}

/* The first byte that a segment touches in its block, and the one behind the last. */
static uint32_t segment_begin(enum kernel kernel, const struct kernel_segment *segment)
{
	return zeroes(kernel) ? segment->zero_from : segment->first;
}

static uint32_t segment_end(enum kernel kernel, const struct kernel_segment *segment)
{
	return zeroes(kernel) ? segment->zero_to : segment->first + segment->count;
}

/* A caller that breaks these would have the device write where it must not. */
static void check_copy(const struct store_geometry *geometry, const struct kernel_segment *segment)
{
	assert(segment->source < geometry->blocks);
	assert(segment->source_first <= geometry->block_payload);
	assert(segment->count <= geometry->block_payload - segment->source_first);
	assert(segment->first % geometry->line_payload == 0);
	assert(segment->source_first % geometry->line_payload == 0);
	assert(segment->count % geometry->line_payload == 0);
	/* The groups of a launch run in any order. */
	assert(segment->source != segment->block ||
		segment->source_first + segment->count <= segment->first ||
		segment->first + segment->count <= segment->source_first);
	(void)geometry;
	(void)segment;
}

static void check_segment(const struct store_job *job, const struct kernel_segment *segment)
{
	const struct store_geometry *geometry = &job->state->queue->store->geometry;

	assert(segment->block < geometry->blocks);
	assert(segment->first <= geometry->block_payload);
	assert(segment->count <= geometry->block_payload - segment->first);
	assert(segment_begin(job->kernel, segment) <= segment->first);
	assert(segment_end(job->kernel, segment) >= segment->first + segment->count);
	assert(segment_end(job->kernel, segment) <= geometry->block_payload);
	assert(segment_begin(job->kernel, segment) < segment_end(job->kernel, segment));
	if (job->kernel == KERNEL_COPY)
		check_copy(geometry, segment);
	assert(!job_moves_payload(job) ||
		(uint64_t)segment->payload + segment->count <= job->payload_bytes);
	(void)geometry;
}

void job_check(const struct store_job *job)
{
	assert(atomic_load(&job->state->phase) == JOB_TAKEN);
	assert(job->done);
	assert(job->segment_count >= 1);
	assert(job->whole_blocks || job->segment_count <= STORE_JOB_SEGMENTS);
	if (job_moves_payload(job)) {
		assert(!job->whole_blocks && job->payload);
		assert(job->payload_offset <= job->payload->size);
		assert(job->payload_bytes <= job->payload->size - job->payload_offset);
	}
	if (job->whole_blocks) {
		assert(job->kernel != KERNEL_COPY);
		assert((uint64_t)job->first_block + job->segment_count <=
			job->state->queue->store->geometry.blocks);
		return;
	}
	assert(job->kernel != KERNEL_STREAM);
	for (unsigned i = 0; i < job->segment_count; i++)
		check_segment(job, &job->segments[i]);
}

/* Of the lines that bytes BEGIN..END-1 of a block are in. */
static struct claim claim_bytes(
	const struct store_job *job, uint32_t block, uint32_t begin, uint32_t end, bool write)
{
	uint32_t line_payload = job->state->queue->store->geometry.line_payload;

	return (struct claim){
		.block = block,
		.last_block = block,
		.first_line = (uint16_t)(begin / line_payload),
		.last_line = (uint16_t)((end - 1) / line_payload),
		.write = write,
	};
}

_Static_assert(CLAIMS_STRIDE <= JOB_CLAIMS, "a job can claim any range of blocks");

/* Blocks FIRST..LAST, whole. Returns how many claims that takes. */
static unsigned claim_blocks(struct claim *claims, uint32_t first, uint32_t last, bool write)
{
	unsigned count = 0;

	for (; count < CLAIMS_STRIDE && first + count <= last; count++) {
		uint32_t block = first + count;

		claims[count] = (struct claim){.block = block,
			.last_block = last - (last - block) % CLAIMS_STRIDE,
			.last_line = LAST_LINE,
			.write = write};
	}
	return count;
}

void job_make_claims(struct store_job_state *state)
{
	const struct store_job *job = &state->job;
	bool write = !only_reads(job->kernel);
	unsigned count = 0;

	if (job->whole_blocks) {
		state->holder.claim_count = claim_blocks(state->claims, job->first_block,
			job->first_block + job->segment_count - 1, write);
		return;
	}
	for (unsigned i = 0; i < job->segment_count; i++) {
		const struct kernel_segment *segment = &job->segments[i];

		state->claims[count++] =
			claim_bytes(job, segment->block, segment_begin(job->kernel, segment),
				segment_end(job->kernel, segment), write);
		if (job->kernel == KERNEL_COPY)
			state->claims[count++] =
				claim_bytes(job, segment->source, segment->source_first,
					segment->source_first + segment->count, false);
	}
	state->holder.claim_count = count;
}

static unsigned claims_a_segment(const struct store_job *job)
{
	return job->kernel == KERNEL_COPY ? 2 : 1;
}

static bool segments_conflict(const struct store_job_state *state, unsigned a, unsigned b)
{
	unsigned each = claims_a_segment(&state->job);

	for (unsigned i = a * each; i < (a + 1) * each; i++)
		for (unsigned j = b * each; j < (b + 1) * each; j++)
			if (claims_conflict(&state->claims[i], &state->claims[j]))
				return true;
	return false;
}

void job_plan_round(struct store_job_state *state)
{
	unsigned first = state->round_first, end = state->job.segment_count;

	if (state->holder.conflicts_with_itself) {
		for (unsigned i = first + 1; i < end; i++)
			for (unsigned j = first; j < i && i < end; j++)
				if (segments_conflict(state, i, j))
					end = i;
	}
	state->round_count = end - first;
}

_Static_assert(STORE_JOB_SEGMENTS *KERNEL_BLOCK_TILES <= DEVICE_LAUNCH_GROUPS,
	"devices are prepared for launches as large as a job");

uint32_t job_tiles_per_segment(const struct store_job_state *state)
{
	unsigned each = claims_a_segment(&state->job);
	uint32_t most = 1;

	if (state->job.whole_blocks)
		return KERNEL_BLOCK_TILES;
	for (unsigned i = 0; i < state->round_count; i++) {
		const struct claim *claim = &state->claims[(state->round_first + i) * each];
		uint32_t tiles = claim->last_line / KERNEL_TILE_LINES -
				 claim->first_line / KERNEL_TILE_LINES + 1;

		if (tiles > most)
			most = tiles;
	}
	return most;
}
