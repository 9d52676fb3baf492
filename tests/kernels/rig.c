/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Runs single launches through src/device, so that every test of the kernels runs on every kind of
 * device. Each launch gets a ticket of its own and the same scratch words, which a launch must
 * leave zero: one that does not spoils the next one's report.
 */
#include "rig.h"

#include "device/device.h"
#include "reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In control: the launch's report, those of its jobs, the segments. */
#define JOB_REPORT_OFFSET(job) ((1 + (job)) * sizeof(struct kernel_report))
#define SEGMENTS_OFFSET JOB_REPORT_OFFSET(KERNEL_FEW)

enum rs_code rig_rs136 = RS_136, rig_rs128 = RS_128, rig_none = RS_NONE;

struct rig_device {
	struct device *device;
	struct device_queue *queue;
	struct device_memory *region, *scratch;
	struct device_pinned *control, *payload, *staging;
	uint32_t ticket;
};

static struct device *open_device(void)
{
	const char *selector = getenv("VRAMFS_TEST_DEVICE");
	struct device *device;
	struct why why = {.text = ""};
	if (!selector)
		selector = "host";
	int err = device_open(selector, &device, &why);
	if (err == -ENODEV) {
		printf("skipped: no device %s here: %s\n", selector, why.text);
		exit(77);
	}
	if (err) {
		printf("can't open %s: %s\n", selector, why.text);
		exit(1);
	}
	return device;
}

struct rig *rig_new(enum rs_code code, uint32_t blocks, uint32_t max_segments, size_t payload_bytes)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct rig_device *device = calloc(1, sizeof(*device));
	rig->device = device;
	rig->code = code;
	rig->data_bytes = rs_data_per_line(code);
	rig->symbols = rig->data_bytes + (code == RS_NONE ? 0 : RS_PARITY_SYMBOLS);
	rig->blocks = blocks;
	rig->lines = blocks * KERNEL_BLOCK_LINES;
	rig->image_bytes = rs_region_bytes(code, blocks);
	rig->max_segments = max_segments;
	rig->payload_bytes = payload_bytes;

	device->device = open_device();
	assert_int_equal(device_queue_new(device->device, &device->queue), 0);
	assert_int_equal(
		device_memory_alloc(device->device, rig->image_bytes, &device->region, NULL), 0);
	assert_int_equal(device_memory_alloc(device->device,
				 KERNEL_FEW * KERNEL_SCRATCH_WORDS * sizeof(uint32_t),
				 &device->scratch, NULL),
		0);
	assert_int_equal(device_pinned_alloc(device->device,
				 SEGMENTS_OFFSET + max_segments * sizeof(struct kernel_segment),
				 &device->control),
		0);
	assert_int_equal(
		device_pinned_alloc(device->device, rig->image_bytes, &device->staging), 0);
	if (payload_bytes) {
		assert_int_equal(
			device_pinned_alloc(device->device, payload_bytes, &device->payload), 0);
		rig->payload = device->payload->bytes;
	}
	rig->image = device->staging->bytes;
	rig->truth = calloc(1, rig->image_bytes);
	rig->segments = (struct kernel_segment *)(device->control->bytes + SEGMENTS_OFFSET);
	return rig;
}

void rig_free(struct rig *rig)
{
	struct rig_device *device = rig->device;
	device_pinned_free(device->payload);
	device_pinned_free(device->staging);
	device_pinned_free(device->control);
	device_memory_free(device->scratch);
	device_memory_free(device->region);
	device_queue_free(device->queue);
	device_close(device->device);
	free(device);
	free(rig->truth);
	free(rig);
}

void rig_describe(const struct rig *rig, char *text, size_t size)
{
	const struct device_info *info = device_info(rig->device->device);
	snprintf(text, size, "%s:%u (%s, %s)", device_kind_name(info->kind), info->number,
		info->name, info->driver);
}

void rig_push(struct rig *rig)
{
	struct rig_device *device = rig->device;
	assert_int_equal(device_copy_in(device->queue, device->region, 0, device->staging, 0,
				 rig->image_bytes),
		0);
	assert_int_equal(device_queue_wait(device->queue), 0);
}

void rig_pull(struct rig *rig)
{
	struct rig_device *device = rig->device;
	assert_int_equal(device_copy_out(device->queue, device->staging, 0, device->region, 0,
				 rig->image_bytes),
		0);
	assert_int_equal(device_queue_wait(device->queue), 0);
}

uint8_t *rig_symbol(const struct rig *rig, uint8_t *image, uint32_t line, unsigned position)
{
	if (position < rig->data_bytes)
		return image + (size_t)line * KERNEL_LINE_BYTES + position;
	return image + rs_parity_base(rig->code, rig->blocks) +
	       (size_t)line * rs_parity_pitch(rig->code) + (position - rig->data_bytes);
}

uint8_t *rig_byte(const struct rig *rig, uint8_t *image, uint32_t block, uint32_t offset)
{
	return rig_symbol(rig, image, block * KERNEL_BLOCK_LINES + offset / rig->data_bytes,
		offset % rig->data_bytes);
}

void rig_encode_line(const struct rig *rig, uint8_t *image, uint32_t line)
{
	if (rig->code != RS_NONE)
		reference_encode(rig_symbol(rig, image, line, 0), rig->data_bytes,
			rig_symbol(rig, image, line, rig->data_bytes));
}

void rig_randomize(struct rig *rig, uint64_t seed)
{
	for (uint32_t line = 0; line < rig->lines; line++) {
		for (unsigned i = 0; i < rig->data_bytes; i++)
			*rig_symbol(rig, rig->truth, line, i) =
				(uint8_t)(reference_random(&seed) >> 56);
		rig_encode_line(rig, rig->truth, line);
	}
	memcpy(rig->image, rig->truth, rig->image_bytes);
	rig_push(rig);
}

void rig_damage(struct rig *rig, uint32_t line, unsigned count, uint64_t *random)
{
	bool hit[KERNEL_LINE_BYTES + KERNEL_PARITY_BYTES] = {false};
	while (count > 0) {
		uint64_t drawn = reference_random(random) >> 16;
		unsigned position = drawn % rig->symbols;
		if (hit[position])
			continue;
		hit[position] = true;
		*rig_symbol(rig, rig->image, line, position) ^= 1 + (drawn >> 16) % 255;
		count--;
	}
}

/* How many tiles a launch must give each segment: as many as its longest one touches. */
static uint32_t tiles_for(const struct rig *rig, const struct rig_job *job)
{
	uint32_t tile_bytes = rig->data_bytes * KERNEL_TILE_LINES, most = 1;
	bool zeroes = job->kernel == KERNEL_WRITE || job->kernel == KERNEL_FILL;
	if (job->segment_count == 0)
		return KERNEL_BLOCK_TILES;
	for (uint32_t i = 0; i < job->segment_count; i++) {
		const struct kernel_segment *segment = &rig->segments[i];
		uint32_t begin = zeroes ? segment->zero_from : segment->first;
		uint32_t end = zeroes ? segment->zero_to : segment->first + segment->count;
		uint32_t tiles = (end + tile_bytes - 1) / tile_bytes - begin / tile_bytes;
		most = tiles > most ? tiles : most;
	}
	most += job->idle_tiles;
	return most < KERNEL_BLOCK_TILES ? most : KERNEL_BLOCK_TILES;
}

static enum rig_form form_of(const struct rig *rig, const struct rig_job *job)
{
	if (job->segment_count == 0 || job->segment_count > KERNEL_FEW)
		return RIG_IN_MEMORY;
	if (job->form == RIG_FEW_JOBS &&
		(device_info(rig->device->device)->kind == DEVICE_OPENCL ||
			(job->kernel != KERNEL_READ && job->kernel != KERNEL_WRITE)))
		return RIG_FEW_SEGMENTS;
	return job->form;
}

static void hand_over_segments(
	struct rig *rig, const struct rig_job *job, struct kernel_params *params)
{
	switch (form_of(rig, job)) {
	case RIG_IN_MEMORY:
		params->segments = job->segment_count ? SEGMENTS_OFFSET : KERNEL_WHOLE_BLOCKS;
		return;
	case RIG_FEW_SEGMENTS:
		params->segments = KERNEL_FEW_SEGMENTS;
		break;
	case RIG_FEW_JOBS:
		params->segments = KERNEL_FEW_JOBS;
		break;
	}
	for (uint32_t i = 0; i < job->segment_count; i++) {
		params->few[i] = rig->segments[i];
		params->jobs[i] = (struct kernel_job){
			.payload = job->payload,
			.report = JOB_REPORT_OFFSET(i),
			.scratch = i * KERNEL_SCRATCH_WORDS,
			.ticket = params->ticket + i,
		};
	}
}

/* Wait for the jobs of a launch, and add up what they report. */
static struct kernel_report wait_for_jobs(
	struct rig *rig, const struct rig_job *job, uint32_t first_ticket)
{
	const struct rig_device *device = rig->device;
	struct kernel_report sum = {0};

	for (uint32_t i = 0; i < job->segment_count; i++) {
		const struct kernel_report *report =
			(const void *)(device->control->bytes + JOB_REPORT_OFFSET(i));

		assert_int_equal(device_wait(device->queue, &report->done), first_ticket + i);
		rig->reports[i] = *report;
		sum.flagged += report->flagged;
		sum.lost += report->lost;
		for (unsigned weight = 0; weight < 5; weight++)
			sum.corrected[weight] += report->corrected[weight];
	}
	return sum;
}

struct kernel_report rig_run(struct rig *rig, const struct rig_job *job)
{
	struct rig_device *device = rig->device;
	struct kernel_report *report = (struct kernel_report *)device->control->bytes;
	struct device_launch launch = {
		.kernel = job->kernel,
		.params = {.parity_base = rs_parity_base(rig->code, rig->blocks),
			.payload = job->payload,
			.seed = job->seed,
			.parity_pitch = rs_parity_pitch(rig->code),
			.data_per_line = rig->data_bytes,
			.max_correct = job->max_correct,
			.segment_count = job->segment_count ? job->segment_count
							    : rig->blocks - job->first_block,
			.first_block = job->first_block,
			.tiles_per_segment = tiles_for(rig, job),
			.ticket = device->ticket + 1,
			.pattern = job->pattern,
			.inject_errors = job->inject_errors,
			.inject_every = job->inject_every,
			.stream = job->stream},
		.region = device->region,
		.scratch = device->scratch,
		.control = device->control,
		.payload = device->payload,
		.payload_bytes = rig->payload_bytes - job->payload,
	};
	assert_true(job->segment_count <= rig->max_segments);
	hand_over_segments(rig, job, &launch.params);
	device->ticket += 1 + KERNEL_FEW;
	memset(report, 0, JOB_REPORT_OFFSET(KERNEL_FEW));
	assert_int_equal(device_launch(device->queue, &launch), 0);
	if (launch.params.segments == KERNEL_FEW_JOBS)
		return wait_for_jobs(rig, job, launch.params.ticket);
	assert_int_equal(device_wait(device->queue, &report->done), launch.params.ticket);
	return *report;
}

struct kernel_report rig_run_all(struct rig *rig, enum kernel kernel, unsigned max_correct)
{
	return rig_run(rig, &(struct rig_job){.kernel = kernel, .max_correct = max_correct});
}

void assert_report(const struct kernel_report *got, const struct kernel_report *expected)
{
	assert_int_equal(got->flagged, expected->flagged);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(got->corrected[i], expected->corrected[i]);
	assert_int_equal(got->lost, expected->lost);
}

uint32_t rig_line_of(const struct rig *rig, size_t offset)
{
	if (offset < (size_t)rig->lines * KERNEL_LINE_BYTES)
		return (uint32_t)(offset / KERNEL_LINE_BYTES);
	return (uint32_t)((offset - rs_parity_base(rig->code, rig->blocks)) / KERNEL_PARITY_BYTES);
}

void assert_region(struct rig *rig, const uint8_t *expected)
{
	rig_pull(rig);
	if (memcmp(rig->image, expected, rig->image_bytes) == 0)
		return;
	for (size_t i = 0; i < rig->image_bytes; i++) {
		if (rig->image[i] != expected[i])
			fail_msg("region byte %zu (line %u) is %02x instead of %02x", i,
				rig_line_of(rig, i), rig->image[i], expected[i]);
	}
}
