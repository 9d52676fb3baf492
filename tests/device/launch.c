/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Launches: bytes through pinned memory and back, the order on a queue, the word that a caller
 * waits for, and launches that fail. Whether the kernels compute the right thing is for
 * tests/kernels to say; here they only must have run, on the right bytes, once.
 */
#include "rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lines of BLOCK that are no codewords. */
static uint32_t flagged_lines(struct rig *rig, uint32_t block)
{
	struct device_launch launch = rig_launch(rig, KERNEL_VERIFY, 1, 1, 0, 0);

	launch.params.segments = KERNEL_WHOLE_BLOCKS;
	launch.params.first_block = block;
	launch.payload = NULL;
	assert_int_equal(rig_run(rig->queue, &launch), launch.params.ticket);
	return rig_report(rig, 1)->flagged;
}

static void fill_blocks(struct rig *rig, uint32_t first, uint32_t count, uint8_t pattern)
{
	struct device_launch launch = rig_launch(rig, KERNEL_FILL, 0, count, 0, 0);

	launch.params.pattern = pattern;
	launch.payload = NULL;
	for (uint32_t i = 0; i < count; i++)
		rig_segments(rig, 0)[i] = rig_segment(first + i, 0, KERNEL_BLOCK_BYTES);
	assert_int_equal(rig_run(rig->queue, &launch), launch.params.ticket);
}

static void what_is_written_is_read(void **state)
{
	static const struct {
		uint32_t first, bytes;
	} runs[] = {{0, 1}, {0, 4096}, {100, 60}, {4096, 65536}, {0, KERNEL_BLOCK_BYTES},
		{77777, 11111}, {KERNEL_BLOCK_BYTES - 1, 1}};
	struct rig *rig = *state;
	uint8_t *expected = malloc(KERNEL_BLOCK_BYTES);

	fill_blocks(rig, 2, 1, 0);
	memset(expected, 0, KERNEL_BLOCK_BYTES);
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		rig_pattern(expected + runs[i].first, runs[i].bytes, (uint32_t)i);
		memcpy(rig->payload->bytes, expected + runs[i].first, runs[i].bytes);
		rig_move(rig, KERNEL_WRITE, 2, runs[i].first, runs[i].bytes);
		memset(rig->payload->bytes, 0x5a, RIG_PAYLOAD_BYTES);
		rig_move(rig, KERNEL_READ, 2, runs[i].first, runs[i].bytes);
		assert_memory_equal(rig->payload->bytes, expected + runs[i].first, runs[i].bytes);
		assert_int_equal(rig->payload->bytes[runs[i].bytes], 0x5a);
	}
	rig_move(rig, KERNEL_READ, 2, 0, KERNEL_BLOCK_BYTES);
	assert_memory_equal(rig->payload->bytes, expected, KERNEL_BLOCK_BYTES);
	assert_int_equal(flagged_lines(rig, 2), 0);
	free(expected);
}

/* Three segments, out of order and with gaps between them, at an odd place of the payload. */
static void payload_between_segments_is_left_alone(void **state)
{
	static const struct kernel_segment segments[] = {
		{.block = 3,
			.first = 1000,
			.count = 5000,
			.zero_from = 1000,
			.zero_to = 6000,
			.payload = 20000},
		{.block = 4, .first = 0, .count = 300, .zero_to = 300, .payload = 25000},
		{.block = 3,
			.first = 9999,
			.count = 1,
			.zero_from = 9999,
			.zero_to = 10000,
			.payload = 7},
	};
	struct rig *rig = *state;
	const size_t offset = 4097, bytes = 30000;
	uint8_t *before = malloc(RIG_PAYLOAD_BYTES), *expected = malloc(RIG_PAYLOAD_BYTES);
	struct device_launch launch;

	fill_blocks(rig, 3, 2, 0x11);
	rig_pattern(before, RIG_PAYLOAD_BYTES, 99);
	memcpy(rig->payload->bytes, before, RIG_PAYLOAD_BYTES);
	launch = rig_launch(rig, KERNEL_WRITE, 0, 3, offset, bytes);
	memcpy(rig_segments(rig, 0), segments, sizeof(segments));
	assert_int_equal(rig_run(rig->queue, &launch), launch.params.ticket);
	assert_memory_equal(rig->payload->bytes, before, RIG_PAYLOAD_BYTES);

	memset(rig->payload->bytes, 0xa5, RIG_PAYLOAD_BYTES);
	memset(expected, 0xa5, RIG_PAYLOAD_BYTES);
	for (size_t i = 0; i < 3; i++)
		memcpy(expected + offset + segments[i].payload,
			before + offset + segments[i].payload, segments[i].count);
	launch = rig_launch(rig, KERNEL_READ, 0, 3, offset, bytes);
	assert_int_equal(rig_run(rig->queue, &launch), launch.params.ticket);
	assert_memory_equal(rig->payload->bytes, expected, RIG_PAYLOAD_BYTES);
	free(before);
	free(expected);
}

static void damage_is_flagged_and_corrected(void **state)
{
	struct rig *rig = *state;
	struct device_launch launch;

	fill_blocks(rig, 0, 2, 0x3c);
	assert_int_equal(flagged_lines(rig, 0), 0);
	launch = rig_launch(rig, KERNEL_INJECT, 0, 2, 0, 0);
	launch.params.segments = KERNEL_WHOLE_BLOCKS;
	launch.params.inject_errors = 3;
	launch.params.inject_every = 2;
	launch.params.seed = 1;
	assert_int_equal(rig_run(rig->queue, &launch), launch.params.ticket);
	assert_true(rig_report(rig, 0)->flagged > 500);
	assert_true(flagged_lines(rig, 0) > 0);

	memset(rig->payload->bytes, 0, KERNEL_BLOCK_BYTES);
	rig_move(rig, KERNEL_READ, 0, 0, KERNEL_BLOCK_BYTES);
	assert_true(rig_report(rig, 0)->corrected[3] > 0);
	assert_int_equal(rig_report(rig, 0)->corrected[3], rig_report(rig, 0)->flagged);
	for (size_t i = 0; i < KERNEL_BLOCK_BYTES; i++)
		assert_int_equal(rig->payload->bytes[i], 0x3c);
	assert_int_equal(flagged_lines(rig, 0), 0);
}

/* Fills of one block by 0, 1, 2, ... without waiting, then a read: it must see the last. Small and
 * large launches alternate, because a backend may treat them differently. */
static void launches_on_a_queue_run_in_order(void **state)
{
	struct rig *rig = *state;

	for (unsigned round = 0; round < 4; round++) {
		unsigned last = RIG_SLOTS - 1;
		struct device_launch launch;

		for (unsigned slot = 0; slot < last; slot++) {
			uint32_t bytes = slot % 3 ? 5000 : KERNEL_BLOCK_BYTES;

			launch = rig_launch(rig, KERNEL_FILL, slot, 1, 0, 0);
			launch.params.pattern = (slot + round) & 0xff;
			rig_segments(rig, slot)[0] = rig_segment(5, 0, bytes);
			assert_int_equal(device_launch(rig->queue, &launch), 0);
		}
		launch = rig_launch(rig, KERNEL_READ, last, 1, 0, 5000);
		rig_segments(rig, last)[0] = rig_segment(5, 0, 5000);
		assert_int_equal(rig_run(rig->queue, &launch), launch.params.ticket);
		for (unsigned slot = 0; slot < last; slot++)
			assert_int_equal(rig_report(rig, slot)->done, slot + 1);
		for (size_t i = 0; i < 5000; i++)
			assert_int_equal(rig->payload->bytes[i], (last - 1 + round) & 0xff);
		assert_int_equal(flagged_lines(rig, 5), 0);
	}
}

/* A copy and a launch on one queue are in order, too. */
static void copies_and_launches_are_in_order(void **state)
{
	struct rig *rig = *state;
	struct device_launch launch;

	fill_blocks(rig, 6, 1, 0xff);
	memset(rig->payload->bytes, 0, KERNEL_BLOCK_BYTES);
	launch = rig_launch(rig, KERNEL_FILL, 0, 1, 0, 0);
	launch.params.pattern = 0x42;
	rig_segments(rig, 0)[0] = rig_segment(6, 0, KERNEL_BLOCK_BYTES);
	assert_int_equal(device_launch(rig->queue, &launch), 0);
	assert_int_equal(device_copy_out(rig->queue, rig->payload, 0, rig->region,
				 6 * KERNEL_BLOCK_BYTES, KERNEL_BLOCK_BYTES),
		0);
	assert_int_equal(device_queue_wait(rig->queue), 0);
	assert_int_equal(rig_report(rig, 0)->done, launch.params.ticket);
	for (size_t i = 0; i < KERNEL_BLOCK_BYTES; i++)
		assert_int_equal(rig->payload->bytes[i], 0x42);
}

static void polling_alone_sees_the_end(void **state)
{
	struct rig *rig = *state;
	struct device_launch launch = rig_launch(rig, KERNEL_FILL, 3, 4, 0, 0);
	uint32_t done = 0;

	for (uint32_t i = 0; i < 4; i++)
		rig_segments(rig, 3)[i] = rig_segment(i, 0, KERNEL_BLOCK_BYTES);
	assert_int_equal(device_launch(rig->queue, &launch), 0);
	for (int i = 0; i < 60000 && !done; i++) {
		done = device_poll(rig->queue, &rig_report(rig, 3)->done);
		if (!done)
			usleep(1000);
	}
	assert_int_equal(done, launch.params.ticket);
}

static void zero_scratch(struct rig *rig)
{
	const size_t bytes = (size_t)device_memory_bytes(rig->scratch);

	memset(rig->payload->bytes, 0, bytes);
	assert_int_equal(device_copy_in(rig->queue, rig->scratch, 0, rig->payload, 0, bytes), 0);
	assert_int_equal(device_queue_wait(rig->queue), 0);
}

static void launches_fail_when_asked_to_and_only_then(void **state)
{
	static const unsigned segment_counts[] = {4, 1};
	struct rig *rig = *state;

	for (int i = 0; i < 2; i++) {
		const unsigned count = segment_counts[i];
		struct device_launch launch;

		fill_blocks(rig, 0, 4, 0x01);
		device_fail_launches(rig->device, 1);
		launch = rig_launch(rig, KERNEL_FILL, 0, count, 0, 0);
		launch.params.pattern = 0x02;
		for (uint32_t j = 0; j < count; j++)
			rig_segments(rig, 0)[j] = rig_segment(j, 0, KERNEL_BLOCK_BYTES);
		assert_int_equal(rig_run(rig->queue, &launch), KERNEL_FAILED);

		/* The beginning was done, the end was not. */
		zero_scratch(rig);
		rig_move(rig, KERNEL_READ, 0, 0, 1);
		assert_int_equal(rig->payload->bytes[0], 0x02);
		rig_move(rig, KERNEL_READ, count - 1, KERNEL_BLOCK_BYTES - 1, 1);
		assert_int_equal(rig->payload->bytes[0], 0x01);
		assert_int_equal(device_queue_wait(rig->queue), 0);

		launch = rig_launch(rig, KERNEL_FILL, 0, count, 0, 0);
		launch.params.pattern = 0x03;
		/* The reads used the first segment, and no two of a launch may share a line. */
		rig_segments(rig, 0)[0] = rig_segment(0, 0, KERNEL_BLOCK_BYTES);
		assert_int_equal(rig_run(rig->queue, &launch), launch.params.ticket);
		rig_move(rig, KERNEL_READ, count - 1, KERNEL_BLOCK_BYTES - 1, 1);
		assert_int_equal(rig->payload->bytes[0], 0x03);
	}
}

static void a_single_group_fails_when_asked_to(void **state)
{
	struct rig *rig = *state;
	struct device_launch launch = rig_launch(rig, KERNEL_FILL, 0, 1, 0, 0);

	launch.params.tiles_per_segment = 1;
	rig_segments(rig, 0)[0] = rig_segment(0, 0, 128);
	device_fail_launches(rig->device, 2);
	assert_int_equal(rig_run(rig->queue, &launch), KERNEL_FAILED);
	memset(rig_report(rig, 0), 0, sizeof(struct kernel_report));
	assert_int_equal(rig_run(rig->queue, &launch), KERNEL_FAILED);
	zero_scratch(rig);
	memset(rig_report(rig, 0), 0, sizeof(struct kernel_report));
	assert_int_equal(rig_run(rig->queue, &launch), launch.params.ticket);
}

static void wrong_launches_are_refused(void **state)
{
	struct rig *rig = *state;
	const struct device_launch good = rig_launch(rig, KERNEL_WRITE, 0, 1, 0, 4096);
	struct device_launch wrong[16];
	size_t count = 0;

#define WRONG(member, value)                     \
	do {                                     \
		wrong[count] = good;             \
		wrong[count++].member = (value); \
	} while (0)
	WRONG(kernel, KERNEL_COUNT);
	WRONG(region, NULL);
	WRONG(scratch, NULL);
	WRONG(control, NULL);
	WRONG(payload, NULL);
	WRONG(payload_bytes, RIG_PAYLOAD_BYTES + 1);
	WRONG(params.payload, RIG_PAYLOAD_BYTES);
	WRONG(params.ticket, 0);
	WRONG(params.ticket, KERNEL_FAILED);
	WRONG(params.segment_count, 0);
	WRONG(params.segment_count, 1u << 20);
	WRONG(params.tiles_per_segment, 0);
	WRONG(params.tiles_per_segment, KERNEL_BLOCK_TILES + 1);
	WRONG(params.report, rig->control->size - 63);
	WRONG(params.scratch, RIG_SLOTS * KERNEL_SCRATCH_WORDS - 1);
	WRONG(params.segments, KERNEL_WHOLE_BLOCKS);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(device_launch(rig->queue, &wrong[i]), -EINVAL);
		assert_int_equal(rig_report(rig, 0)->done, 0);
	}
	assert_int_equal(device_queue_wait(rig->queue), 0);
}

/* A word that nobody will ever write: the caller must not wait for it forever. */
static void waiting_for_nothing_ends(void **state)
{
	struct rig *rig = *state;
	uint32_t never = 0;

	if (device_info(rig->device)->kind == DEVICE_CUDA)
		skip(); /* a stream can't tell that it has nothing more to write */
	assert_int_equal(device_wait(rig->queue, &never), KERNEL_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(payload_between_segments_is_left_alone),
		cmocka_unit_test(damage_is_flagged_and_corrected),
		cmocka_unit_test(launches_on_a_queue_run_in_order),
		cmocka_unit_test(copies_and_launches_are_in_order),
		cmocka_unit_test(polling_alone_sees_the_end),
		cmocka_unit_test(launches_fail_when_asked_to_and_only_then),
		cmocka_unit_test(a_single_group_fails_when_asked_to),
		cmocka_unit_test(wrong_launches_are_refused),
		cmocka_unit_test(waiting_for_nothing_ends),
	};

	return cmocka_run_group_tests_name("device-launch", tests, rig_open, rig_close);
}
