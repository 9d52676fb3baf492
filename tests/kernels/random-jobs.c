/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Jobs as nobody would write them down: random kernels over random lists of segments, on a region
 * with random damage, against the model. No two segments of a launch share a line, as the store
 * guarantees.
 */
#include "model.h"

#include "reference.h"

#include <stdlib.h>
#include <string.h>

#define BLOCKS 4u
#define SEGMENTS 96u
#define ROUNDS 120u

static uint32_t below(uint64_t *random, uint32_t limit)
{
	return (uint32_t)((reference_random(random) >> 20) % limit);
}

/* Mostly short, sometimes long. */
static uint32_t random_length(uint64_t *random, uint32_t limit)
{
	uint32_t length = below(random, 1u << below(random, 18)) + 1;
	return length < limit ? length : limit;
}

/* Segments one after the other through the blocks from FIRST_BLOCK on, with gaps; how many. */
static uint32_t random_segments(struct rig *rig, const struct rig_job *job, uint64_t *random)
{
	uint32_t space = rig->data_bytes * KERNEL_BLOCK_LINES, count = 0, payload = 0;
	uint32_t lowest_block = job->kernel == KERNEL_COPY ? BLOCKS / 2 : 0;
	uint32_t block = lowest_block, position = 0, shift = 0;
	while (block < BLOCKS && count < SEGMENTS) {
		position += random_length(random, space);
		if (job->kernel == KERNEL_COPY)
			position +=
				(rig->data_bytes - position % rig->data_bytes) % rig->data_bytes;
		if (position >= space) {
			position = 0;
			block++;
			continue;
		}
		uint32_t length = random_length(random, space - position), source_first = 0;
		uint32_t zeros = below(random, 4) ? 0 : below(random, length + 1);
		uint32_t zeros_behind = below(random, 3) ? 0 : below(random, length - zeros + 1);
		if (job->kernel == KERNEL_COPY) {
			length += (rig->data_bytes - length % rig->data_bytes) % rig->data_bytes;
			zeros = zeros_behind = 0;
			/* All of a block move as far, so that no two read the same line. */
			if (count == 0 || rig->segments[count - 1].block != block)
				shift = below(random, position / rig->data_bytes + 1) *
					rig->data_bytes;
			source_first = position - shift;
		}
		payload += below(random, 3) ? 0 : below(random, 16);
		rig->segments[count++] = (struct kernel_segment){.block = block,
			.source = block - lowest_block,
			.source_first = source_first,
			.zero_from = position,
			.first = position + zeros,
			.count = length - zeros - zeros_behind,
			.zero_to = position + length,
			.payload = payload};
		payload += length - zeros;
		/* The next one starts in another line. */
		position += length + rig->data_bytes - (position + length) % rig->data_bytes;
	}
	return count;
}

static void random_damage(struct rig *rig, unsigned max_correct, uint64_t *random)
{
	unsigned most = 8 - max_correct; /* beyond that nobody knows what comes */
	uint32_t lines = below(random, 2) ? 0 : below(random, rig->lines);
	memcpy(rig->image, rig->truth, rig->image_bytes);
	for (uint32_t line = 0; line < rig->lines; line++) {
		if (below(random, rig->lines) < lines)
			rig_damage(rig, line, below(random, most + 1), random);
	}
	rig_push(rig);
}

static void test_random_jobs(void **state)
{
	static const enum kernel kernels[] = {KERNEL_READ, KERNEL_WRITE, KERNEL_WRITE, KERNEL_FILL,
		KERNEL_COPY, KERNEL_REFRESH, KERNEL_CORRECT, KERNEL_VERIFY, KERNEL_ENCODE};
	enum rs_code code = *(enum rs_code *)*state;
	size_t payload_bytes = (BLOCKS + 1) * KERNEL_BLOCK_BYTES;
	struct rig *rig = rig_new(code, BLOCKS, SEGMENTS, payload_bytes);
	uint8_t *payload = malloc(payload_bytes);
	uint64_t random = 1 + code;
	rig_randomize(rig, 1);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct rig_job job = {.kernel = kernels[below(&random, 9)],
			.max_correct = below(&random, 5),
			.payload = below(&random, 64),
			.pattern = below(&random, 256)};
		job.segment_count = random_segments(rig, &job, &random);
		if (code != RS_NONE)
			random_damage(rig, job.max_correct, &random);
		for (size_t i = 0; i < payload_bytes; i++)
			rig->payload[i] = (uint8_t)(reference_random(&random) >> 56);
		memcpy(payload, rig->payload, payload_bytes);

		struct model *model = model_new(rig);
		model_run(model, &job, payload);
		struct kernel_report report = rig_run(rig, &job);
		assert_report(&report, &model->report);
		assert_region(rig, model->image);
		assert_memory_equal(rig->payload, payload, payload_bytes);
		memcpy(rig->truth, model->truth, rig->image_bytes);
		model_free(model);
	}
	free(payload);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_random_jobs),
		RIG_TEST_NONE(test_random_jobs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
