/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Random jobs of all kinds that serve files, one after the other, against a model in ordinary
 * memory: writes of several segments at any offsets, with gaps to zero and fresh tails, also such
 * that touch one line twice; fills; copies; reads.
 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#define BLOCKS 5
#define BLOCK_MOST 131072
#define MOVE_MOST 9000
#define SEGMENTS_MOST 12

struct model {
	struct store *store;
	struct device_pinned *buffer;
	uint32_t blocks[BLOCKS];
	uint8_t bytes[BLOCKS][BLOCK_MOST];
	uint32_t block_payload, line_payload;
	unsigned seed;
};

static uint32_t below(struct model *model, uint32_t limit)
{
	return (uint32_t)rand_r(&model->seed) % limit;
}

/* A run of bytes, at times with ends on lines, at times at the end of the block. */
static struct kernel_segment random_segment(struct model *model, unsigned which)
{
	uint32_t count = 1 + below(model, below(model, 4) ? 300 : MOVE_MOST);
	uint32_t first = below(model, model->block_payload - count + 1);

	switch (below(model, 6)) {
	case 0:
		first -= first % model->line_payload;
		break;
	case 1:
		count += model->line_payload - (first + count) % model->line_payload;
		if (first + count > model->block_payload)
			count = model->block_payload - first;
		break;
	case 2:
		first = model->block_payload - count;
		break;
	}
	return (struct kernel_segment){.block = model->blocks[which],
		.first = first,
		.count = count,
		.zero_from = first,
		.zero_to = first + count};
}

/* What WRITE and FILL do beside their bytes. */
static void random_surroundings(struct model *model, struct kernel_segment *segment, unsigned which)
{
	uint32_t end = segment->first + segment->count;

	if (below(model, 4) == 0) {
		segment->zero_from -=
			below(model, segment->first < 20000 ? segment->first + 1 : 20000);
		memset(&model->bytes[which][segment->zero_from], 0,
			segment->first - segment->zero_from);
	}
	if (below(model, 4) == 0) {
		uint32_t room = model->block_payload - end;

		segment->zero_to += below(model, room < 20000 ? room + 1 : 20000);
		memset(&model->bytes[which][end], 0, segment->zero_to - end);
	}
}

static void write_some(struct model *model)
{
	struct store_job *job = test_job(model->store);
	uint8_t *buffer = store_buffer_bytes(model->buffer);
	uint32_t offset = below(model, 300);

	job->kernel = KERNEL_WRITE;
	job->payload = model->buffer;
	job->payload_offset = offset;
	job->segment_count = 1 + below(model, SEGMENTS_MOST);
	for (unsigned i = 0; i < job->segment_count; i++) {
		unsigned which = below(model, BLOCKS);
		struct kernel_segment segment = random_segment(model, which);

		/* Often next to the one before, as pieces of a file are: in one line with it. */
		if (i && below(model, 3) == 0) {
			const struct kernel_segment *last = &job->segments[i - 1];

			segment.block = last->block;
			for (which = 0; model->blocks[which] != last->block;)
				which++;
			segment.first = last->first + last->count;
			if (segment.first + segment.count > model->block_payload)
				segment.first = model->block_payload - segment.count;
			segment.zero_from = segment.first;
			segment.zero_to = segment.first + segment.count;
		}
		segment.payload = (uint32_t)job->payload_bytes;
		for (uint32_t at = 0; at < segment.count; at++)
			buffer[offset + segment.payload + at] = (uint8_t)below(model, 256);
		random_surroundings(model, &segment, which);
		memcpy(&model->bytes[which][segment.first], &buffer[offset + segment.payload],
			segment.count);
		job->payload_bytes += segment.count;
		job->segments[i] = segment;
	}
	assert_int_equal(test_run(model->store, job, NULL), 0);
}

static void fill_some(struct model *model)
{
	struct store_job *job = test_job(model->store);

	job->kernel = KERNEL_FILL;
	job->pattern = below(model, 2) ? 0 : below(model, 256);
	job->segment_count = 1 + below(model, 3);
	for (unsigned i = 0; i < job->segment_count; i++) {
		unsigned which = below(model, BLOCKS);

		job->segments[i] = random_segment(model, which);
		random_surroundings(model, &job->segments[i], which);
		memset(&model->bytes[which][job->segments[i].first], (int)job->pattern,
			job->segments[i].count);
	}
	assert_int_equal(test_run(model->store, job, NULL), 0);
}

/* Whole lines, from anywhere in blocks that an earlier segment of the job may have written. */
static void copy_some(struct model *model)
{
	struct store_job *job = test_job(model->store);

	job->kernel = KERNEL_COPY;
	job->segment_count = 1 + below(model, 3);
	for (unsigned i = 0; i < job->segment_count; i++) {
		unsigned to = below(model, BLOCKS),
			 from = (to + 1 + below(model, BLOCKS - 1)) % BLOCKS;
		uint32_t first = below(model, KERNEL_BLOCK_LINES);
		uint32_t lines = 1 + below(model, KERNEL_BLOCK_LINES - first);
		uint32_t source = below(model, KERNEL_BLOCK_LINES - lines + 1);

		job->segments[i] = (struct kernel_segment){
			.block = model->blocks[to],
			.source = model->blocks[from],
			.source_first = source * model->line_payload,
			.first = first * model->line_payload,
			.count = lines * model->line_payload,
		};
		memcpy(&model->bytes[to][job->segments[i].first],
			&model->bytes[from][job->segments[i].source_first], job->segments[i].count);
	}
	assert_int_equal(test_run(model->store, job, NULL), 0);
}

static void read_some(struct model *model)
{
	struct store_job *job = test_job(model->store);
	uint8_t *buffer = store_buffer_bytes(model->buffer);
	struct kernel_segment segments[SEGMENTS_MOST];
	unsigned which[SEGMENTS_MOST];
	unsigned count = 1 + below(model, SEGMENTS_MOST);

	memset(buffer, 0xee, MOVE_MOST);
	job->kernel = KERNEL_READ;
	job->payload = model->buffer;
	job->segment_count = count;
	for (unsigned i = 0; i < count; i++) {
		which[i] = below(model, BLOCKS);
		segments[i] = random_segment(model, which[i]);
		segments[i].payload = (uint32_t)job->payload_bytes;
		job->payload_bytes += segments[i].count;
		job->segments[i] = segments[i];
	}
	assert_int_equal(test_run(model->store, job, NULL), 0);
	for (unsigned i = 0; i < count; i++)
		assert_memory_equal(&buffer[segments[i].payload],
			&model->bytes[which[i]][segments[i].first], segments[i].count);
}

static void round_trip(void **context)
{
	enum rs_code code = *(enum rs_code *)*context;
	struct device *device = test_device_open();
	struct store *store = test_store_open(device, code);
	struct model *model = calloc(1, sizeof(*model));

	assert_non_null(model);
	model->store = store;
	model->seed = 1 + code;
	model->block_payload = store_geometry(store)->block_payload;
	model->line_payload = store_geometry(store)->line_payload;
	for (unsigned i = 0; i < BLOCKS; i++)
		assert_int_equal(store_block_take(store, &model->blocks[i]), 0);
	/* MOVE_MOST, rounded up to a line, a segment. */
	assert_int_equal(
		store_buffer_alloc(store, 300 + SEGMENTS_MOST * (MOVE_MOST + 128), &model->buffer),
		0);
	for (unsigned round = 0; round < 400; round++) {
		unsigned choice = below(model, 10);

		if (choice < 4)
			write_some(model);
		else if (choice < 5)
			fill_some(model);
		else if (choice < 6)
			copy_some(model);
		else
			read_some(model);
	}
	assert_int_equal(test_sweep(store, KERNEL_VERIFY, NULL).flagged, 0);
	store_buffer_free(model->buffer);
	free(model);
	store_close(store);
	device_close(device);
}

/* The groups of a launch run in any order and at once, the segments of a job seem not to. */
static void segments_on_one_line_count_in_their_order(void **context)
{
	struct device *device = test_device_open();
	struct store *store = test_store_open(device, RS_128);
	struct device_pinned *buffer;
	struct test_move read = {.kernel = KERNEL_READ, .count = 2000};
	uint8_t expected[2000];

	(void)context;
	assert_int_equal(store_buffer_alloc(store, sizeof(expected), &buffer), 0);
	read.buffer = buffer;
	for (unsigned round = 0; round < 30; round++) {
		struct store_job *job = test_job(store);
		uint8_t *bytes = store_buffer_bytes(buffer);

		/* Each overwrites the end of the one before. */
		job->kernel = KERNEL_WRITE;
		job->payload = buffer;
		job->payload_bytes = sizeof(expected);
		job->segment_count = 40;
		for (unsigned i = 0; i < 40; i++) {
			job->segments[i] = (struct kernel_segment){.first = i * 40,
				.zero_from = i * 40,
				.zero_to = i * 40 + 50,
				.count = 50,
				.payload = i * 50};
			memset(&bytes[i * 50], (int)(round + i), 50);
			memset(&expected[i * 40], (int)(round + i), 50);
		}
		assert_int_equal(test_run(store, job, NULL), 0);
		assert_int_equal(test_move(store, &read, NULL), 0);
		assert_memory_equal(bytes, expected, 39 * 40 + 50);
	}
	assert_int_equal(test_sweep(store, KERNEL_VERIFY, NULL).flagged, 0);
	store_buffer_free(buffer);
	store_close(store);
	device_close(device);
}

static void a_new_region_reads_as_zeros(void **context)
{
	struct device *device = test_device_open();
	struct store *store = test_store_open(device, RS_136);
	uint32_t blocks = (uint32_t)store_geometry(store)->blocks;
	struct device_pinned *buffer;
	static const uint8_t zeros[4096];

	(void)context;
	assert_int_equal(store_buffer_alloc(store, 4096, &buffer), 0);
	for (uint32_t block = 0; block < blocks; block += 1 + blocks / 7) {
		struct test_move move = {.kernel = KERNEL_READ,
			.block = block,
			.first = 131072 - 4096,
			.count = 4096,
			.buffer = buffer};

		memset(store_buffer_bytes(buffer), 0xee, 4096);
		assert_int_equal(test_move(store, &move, NULL), 0);
		assert_memory_equal(store_buffer_bytes(buffer), zeros, 4096);
	}
	assert_int_equal(test_sweep(store, KERNEL_VERIFY, NULL).flagged, 0);
	store_buffer_free(buffer);
	store_close(store);
	device_close(device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_ALL_CODES(round_trip),
		cmocka_unit_test(segments_on_one_line_count_in_their_order),
		cmocka_unit_test(a_new_region_reads_as_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
