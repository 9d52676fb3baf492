/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* What the tests of the device layer share: see rig.h. */
#include "rig.h"

#include "rs/rs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_BYTES 1024u /* a report and RIG_SEGMENTS segments fit */

_Static_assert(SLOT_BYTES >= 64 + RIG_SEGMENTS * sizeof(struct kernel_segment), "slot too small");

int rig_open(void **state)
{
	const char *selector = getenv("VRAMFS_TEST_DEVICE");
	struct rig *rig = calloc(1, sizeof(*rig));
	struct why why = {""};

	if (device_open(selector ? selector : "host", &rig->device, &why)) {
		fprintf(stderr, "skipped: %s\n", why.text);
		exit(77);
	}
	if (device_memory_alloc(
		    rig->device, rs_region_bytes(RS_136, RIG_BLOCKS), &rig->region, &why) ||
		device_memory_alloc(rig->device,
			RIG_SLOTS * KERNEL_SCRATCH_WORDS * sizeof(uint32_t), &rig->scratch, &why) ||
		device_pinned_alloc(rig->device, RIG_SLOTS * SLOT_BYTES, &rig->control) ||
		device_pinned_alloc(rig->device, RIG_PAYLOAD_BYTES, &rig->payload) ||
		device_queue_new(rig->device, &rig->queue)) {
		fprintf(stderr, "the rig can't be set up: %s\n", why.text);
		return -1;
	}
	*state = rig;
	return 0;
}

int rig_close(void **state)
{
	struct rig *rig = *state;

	device_queue_free(rig->queue);
	device_pinned_free(rig->payload);
	device_pinned_free(rig->control);
	device_memory_free(rig->scratch);
	device_memory_free(rig->region);
	device_close(rig->device);
	free(rig);
	return 0;
}

struct kernel_report *rig_report(const struct rig *rig, unsigned slot)
{
	return (struct kernel_report *)(rig->control->bytes + slot * SLOT_BYTES);
}

struct kernel_segment *rig_segments(const struct rig *rig, unsigned slot)
{
	return (struct kernel_segment *)(rig->control->bytes + slot * SLOT_BYTES +
					 sizeof(struct kernel_report));
}

struct device_launch rig_launch(const struct rig *rig, enum kernel kernel, unsigned slot,
	unsigned segment_count, size_t payload, size_t payload_bytes)
{
	memset(rig_report(rig, slot), 0, sizeof(struct kernel_report));
	return (struct device_launch){
		.kernel = kernel,
		.params =
			{
				.parity_base = rs_parity_base(RS_136, RIG_BLOCKS),
				.parity_pitch = rs_parity_pitch(RS_136),
				.data_per_line = rs_data_per_line(RS_136),
				.max_correct = RS_MAX_CORRECT,
				.report = slot * SLOT_BYTES,
				.segments = slot * SLOT_BYTES + sizeof(struct kernel_report),
				.segment_count = segment_count,
				.tiles_per_segment = KERNEL_BLOCK_TILES,
				.payload = payload,
				.scratch = slot * KERNEL_SCRATCH_WORDS,
				.ticket = slot + 1,
				.inject_every = 1,
			},
		.region = rig->region,
		.scratch = rig->scratch,
		.control = rig->control,
		.payload = rig->payload,
		.payload_bytes = payload_bytes,
	};
}

uint32_t rig_run(struct device_queue *queue, const struct device_launch *launch)
{
	const struct kernel_report *report =
		(const void *)(launch->control->bytes + launch->params.report);

	assert_int_equal(device_launch(queue, launch), 0);
	return device_wait(queue, &report->done);
}

struct kernel_segment rig_segment(uint32_t block, uint32_t first, uint32_t bytes)
{
	return (struct kernel_segment){.block = block,
		.first = first,
		.count = bytes,
		.zero_from = first,
		.zero_to = first + bytes};
}

void rig_move(struct rig *rig, enum kernel kernel, uint32_t block, uint32_t first, uint32_t bytes)
{
	struct device_launch launch = rig_launch(rig, kernel, 0, 1, 0, bytes);

	rig_segments(rig, 0)[0] = rig_segment(block, first, bytes);
	assert_int_equal(rig_run(rig->queue, &launch), launch.params.ticket);
	if (rig_report(rig, 0)->lost)
		print_message("lost: bytes %u..%u of block %u\n", first, first + bytes - 1, block);
	assert_int_equal(rig_report(rig, 0)->lost, 0);
}

void rig_pattern(uint8_t *bytes, size_t size, uint32_t seed)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)((i * 2654435761u + seed * 40503u) >> 11);
}
