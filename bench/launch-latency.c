/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * What the device layer costs a job, and what a kernel reaches through it: the time from a launch
 * to its seen end for one 4 KiB read (median and 99th percentile), and GB/s of encoding, verifying
 * and reading 64 MiB in launches of 1 MiB, eight in flight.
 *
 *	launch-latency [DEVICE]	(default: host)
 */
#include "base/clock.h"
#include "base/size.h"
#include "device/device.h"
#include "rs/rs.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOCKS 512u /* 64 MiB */
#define BLOCKS_A_LAUNCH 8u
#define SLOTS 8u
#define SLOT_BYTES 4096u
#define LATENCY_ROUNDS 5000u
#define PAYLOAD_BYTES (BLOCKS_A_LAUNCH * KERNEL_BLOCK_BYTES)

struct setup {
	struct device *device;
	struct device_memory *region, *scratch;
	struct device_pinned *control, *payload;
	struct device_queue *queue;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "launch-latency: %s: %s\n", what, why);
	exit(1);
}

static double now_seconds(void)
{
	return (double)clock_ns() * 1e-9;
}

static struct kernel_report *report_of(const struct setup *setup, unsigned slot)
{
	return (struct kernel_report *)(setup->control->bytes + slot * SLOT_BYTES);
}

static struct device_launch describe(const struct setup *setup, enum kernel kernel, unsigned slot)
{
	*report_of(setup, slot) = (struct kernel_report){0};
	return (struct device_launch){
		.kernel = kernel,
		.params =
			{
				.parity_base = rs_parity_base(RS_136, BLOCKS),
				.parity_pitch = rs_parity_pitch(RS_136),
				.data_per_line = rs_data_per_line(RS_136),
				.max_correct = RS_MAX_CORRECT,
				.report = slot * SLOT_BYTES,
				.segments = KERNEL_FEW_SEGMENTS,
				.segment_count = 1,
				.tiles_per_segment = 1,
				.scratch = slot * KERNEL_SCRATCH_WORDS,
				.ticket = 1,
			},
		.region = setup->region,
		.scratch = setup->scratch,
		.control = setup->control,
		.payload = setup->payload,
	};
}

static void launch(const struct setup *setup, const struct device_launch *launch)
{
	if (device_launch(setup->queue, launch))
		fail("a launch", "refused");
}

static void wait_for(const struct setup *setup, unsigned slot)
{
	if (device_wait(setup->queue, &report_of(setup, slot)->done) == KERNEL_FAILED)
		fail("a launch", "failed on the device");
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure_latency(const struct setup *setup)
{
	static double times[LATENCY_ROUNDS];

	for (unsigned i = 0; i < LATENCY_ROUNDS; i++) {
		struct device_launch read = describe(setup, KERNEL_READ, 0);
		double start;

		read.payload_bytes = 4096;
		read.params.few[0] = (struct kernel_segment){.block = i % BLOCKS, .count = 4096};
		start = now_seconds();
		launch(setup, &read);
		wait_for(setup, 0);
		times[i] = now_seconds() - start;
	}
	qsort(times, LATENCY_ROUNDS, sizeof(times[0]), compare_doubles);
	printf("read 4 KiB, launch to end    median %.2f us, 99%% %.2f us\n",
		times[LATENCY_ROUNDS / 2] * 1e6, times[LATENCY_ROUNDS / 100 * 99] * 1e6);
}

static void launch_blocks(
	const struct setup *setup, enum kernel kernel, unsigned slot, uint32_t first)
{
	struct device_launch blocks = describe(setup, kernel, slot);

	blocks.params.segment_count = BLOCKS_A_LAUNCH;
	blocks.params.tiles_per_segment = KERNEL_BLOCK_TILES;
	if (kernel == KERNEL_READ) {
		blocks.params.payload = (uint64_t)slot * PAYLOAD_BYTES;
		blocks.payload_bytes = PAYLOAD_BYTES;
		for (uint32_t i = 0; i < BLOCKS_A_LAUNCH; i++)
			blocks.params.few[i] = (struct kernel_segment){.block = first + i,
				.count = KERNEL_BLOCK_BYTES,
				.payload = i * KERNEL_BLOCK_BYTES};
	} else {
		blocks.params.segments = KERNEL_WHOLE_BLOCKS;
		blocks.params.first_block = first;
	}
	launch(setup, &blocks);
}

static void measure_rate(const struct setup *setup, const char *name, enum kernel kernel)
{
	double best = 0;

	for (int round = 0; round < 3; round++) {
		double start = now_seconds(), rate;
		unsigned launches = 0;

		for (uint32_t first = 0; first < BLOCKS; first += BLOCKS_A_LAUNCH, launches++) {
			if (launches >= SLOTS)
				wait_for(setup, launches % SLOTS);
			launch_blocks(setup, kernel, launches % SLOTS, first);
		}
		for (unsigned slot = 0; slot < SLOTS; slot++)
			wait_for(setup, slot);
		rate = (double)BLOCKS * KERNEL_BLOCK_BYTES / (now_seconds() - start) * 1e-9;
		best = rate > best ? rate : best;
	}
	printf("%-28s %.2f GB/s\n", name, best);
}

int main(int argc, char **argv)
{
	struct setup setup;
	struct why why = {""};

	if (device_open(argc > 1 ? argv[1] : "host", &setup.device, &why) ||
		device_memory_alloc(
			setup.device, rs_region_bytes(RS_136, BLOCKS), &setup.region, &why) ||
		device_memory_alloc(setup.device, SLOTS * KERNEL_SCRATCH_WORDS * sizeof(uint32_t),
			&setup.scratch, &why))
		fail("the device", why.text);
	if (device_pinned_alloc(setup.device, SLOTS * SLOT_BYTES, &setup.control) ||
		device_pinned_alloc(setup.device, SLOTS * PAYLOAD_BYTES, &setup.payload) ||
		device_queue_new(setup.device, &setup.queue))
		fail("the device", "out of memory");
	printf("%s\n", device_info(setup.device)->name);
	measure_rate(&setup, "encode 64 MiB", KERNEL_ENCODE);
	measure_rate(&setup, "verify 64 MiB", KERNEL_VERIFY);
	measure_rate(&setup, "read 64 MiB", KERNEL_READ);
	measure_latency(&setup);
	device_queue_free(setup.queue);
	device_pinned_free(setup.payload);
	device_pinned_free(setup.control);
	device_memory_free(setup.scratch);
	device_memory_free(setup.region);
	device_close(setup.device);
	return 0;
}
