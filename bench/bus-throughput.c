/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * What jobs between pinned host memory and a device reach, from several threads with one job each:
 * GB/s by the kernels that check and make code words, by the same with this machine's processors
 * copying what a job read or is to write, as the kernel's FUSE code does, by the kernels with the
 * code off, and by the copy engines, whose end is seen when a small launch behind the copy has
 * ended.
 *
 *	bus-throughput [DEVICE [MILLISECONDS]]	(default: host 150)
 */
#include "base/clock.h"
#include "device/device.h"
#include "rs/rs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MOST 32u
#define BLOCKS_A_JOB 8u /* 1 MiB */
#define JOB_BYTES_MOST (BLOCKS_A_JOB * KERNEL_BLOCK_BYTES)
#define BLOCKS_A_THREAD 256u
#define CONTROL_BYTES 4096u

enum way { BY_CODE, BY_CODE_AND_COPY, BY_KERNEL, BY_ENGINE };

struct setup {
	struct device *device;
	struct device_memory *region, *scratch;
	int64_t run_ns;
};

struct mover {
	const struct setup *setup;
	pthread_barrier_t *barrier;
	unsigned number;
	bool reads;
	enum way way;
	uint32_t bytes; /* of a job */
	struct device_queue *queue;
	struct device_pinned *control, *payload;
	uint8_t *copy;
	uint64_t moved; /* bytes */
	int64_t ns;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "bus-throughput: %s: %s\n", what, why);
	exit(1);
}

static struct device_launch describe(
	const struct mover *mover, enum kernel kernel, enum rs_code code, uint32_t ticket)
{
	return (struct device_launch){
		.kernel = kernel,
		.params = {.parity_base = rs_parity_base(code, THREADS_MOST * BLOCKS_A_THREAD),
			.parity_pitch = rs_parity_pitch(code),
			.data_per_line = rs_data_per_line(code),
			.max_correct = RS_MAX_CORRECT,
			.segments = KERNEL_FEW_SEGMENTS,
			.scratch = mover->number * KERNEL_SCRATCH_WORDS,
			.ticket = ticket},
		.region = mover->setup->region,
		.scratch = mover->setup->scratch,
		.control = mover->control,
		.payload = mover->payload,
	};
}

/* BYTES from block FIRST on. */
static void fill_segments(struct device_launch *launch, uint32_t first, uint32_t bytes)
{
	const uint32_t each = bytes < KERNEL_BLOCK_BYTES ? bytes : KERNEL_BLOCK_BYTES;
	const uint32_t tile_bytes = KERNEL_TILE_LINES * KERNEL_LINE_BYTES;

	launch->payload_bytes = bytes;
	launch->params.segment_count = bytes / each;
	launch->params.tiles_per_segment = (each + tile_bytes - 1) / tile_bytes;
	for (uint32_t i = 0; i < bytes / each; i++)
		launch->params.few[i] = (struct kernel_segment){
			.block = first + i, .count = each, .zero_to = each, .payload = i * each};
}

static void move_once(struct mover *mover, uint32_t first, uint32_t ticket)
{
	struct kernel_report *report = (struct kernel_report *)mover->control->bytes;
	struct device_launch launch = describe(mover, mover->reads ? KERNEL_READ : KERNEL_WRITE,
		mover->way <= BY_CODE_AND_COPY ? RS_136 : RS_NONE, ticket);
	const uint64_t offset = (uint64_t)first * KERNEL_BLOCK_BYTES;
	int err = 0;

	*report = (struct kernel_report){0};
	if (mover->way == BY_ENGINE) {
		err = mover->reads ? device_copy_out(mover->queue, mover->payload, 0,
					     mover->setup->region, offset, mover->bytes)
				   : device_copy_in(mover->queue, mover->setup->region, offset,
					     mover->payload, 0, mover->bytes);
		launch.kernel = KERNEL_VERIFY;
		fill_segments(&launch, first, KERNEL_LINE_BYTES);
	} else {
		fill_segments(&launch, first, mover->bytes);
	}
	if (err || device_launch(mover->queue, &launch))
		fail("a job", "refused");
	if (device_wait(mover->queue, &report->done) == KERNEL_FAILED || report->lost)
		fail("a job", "failed on the device");
}

static void *move(void *argument)
{
	struct mover *mover = argument;
	const uint32_t first = mover->number * BLOCKS_A_THREAD;
	uint32_t block = 0, ticket = 0;
	int64_t start;

	pthread_barrier_wait(mover->barrier);
	start = clock_ns();
	mover->moved = 0;
	do {
		if (mover->way == BY_CODE_AND_COPY && !mover->reads)
			memcpy(mover->payload->bytes, mover->copy, mover->bytes);
		move_once(mover, first + block, ++ticket);
		if (mover->way == BY_CODE_AND_COPY && mover->reads)
			memcpy(mover->copy, mover->payload->bytes, mover->bytes);
		block = (block + BLOCKS_A_JOB) % BLOCKS_A_THREAD;
		mover->moved += mover->bytes;
		mover->ns = clock_ns() - start;
	} while (mover->ns < mover->setup->run_ns);
	return NULL;
}

static double measure(const struct setup *setup, struct mover *movers, unsigned threads,
	uint32_t bytes, bool reads, enum way way)
{
	pthread_barrier_t barrier;
	pthread_t ids[THREADS_MOST];
	double bytes_moved = 0, ns = 1;

	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		movers[i].setup = setup;
		movers[i].barrier = &barrier;
		movers[i].bytes = bytes;
		movers[i].reads = reads;
		movers[i].way = way;
		if (pthread_create(&ids[i], NULL, move, &movers[i]))
			fail("a thread", "can't be made");
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		bytes_moved += (double)movers[i].moved;
		ns = (double)movers[i].ns > ns ? (double)movers[i].ns : ns;
	}
	pthread_barrier_destroy(&barrier);
	return bytes_moved / ns;
}

static void open_all(struct setup *setup, struct mover movers[THREADS_MOST], const char *selector)
{
	struct why why = {""};

	if (device_open(selector, &setup->device, &why) ||
		device_memory_alloc(setup->device,
			rs_region_bytes(RS_136, THREADS_MOST * BLOCKS_A_THREAD), &setup->region,
			&why) ||
		device_memory_alloc(setup->device,
			THREADS_MOST * KERNEL_SCRATCH_WORDS * sizeof(uint32_t), &setup->scratch,
			&why))
		fail("the device", why.text);
	for (unsigned i = 0; i < THREADS_MOST; i++) {
		movers[i] = (struct mover){.number = i, .copy = calloc(1, JOB_BYTES_MOST)};
		if (!movers[i].copy ||
			device_pinned_alloc(setup->device, CONTROL_BYTES, &movers[i].control) ||
			device_pinned_alloc(setup->device, JOB_BYTES_MOST, &movers[i].payload) ||
			device_queue_new(setup->device, &movers[i].queue))
			fail("the device", "out of memory");
	}
}

static void close_all(struct setup *setup, struct mover movers[THREADS_MOST])
{
	for (unsigned i = 0; i < THREADS_MOST; i++) {
		device_queue_free(movers[i].queue);
		device_pinned_free(movers[i].payload);
		device_pinned_free(movers[i].control);
		free(movers[i].copy);
	}
	device_memory_free(setup->scratch);
	device_memory_free(setup->region);
	device_close(setup->device);
}

int main(int argc, char **argv)
{
	static const unsigned threads[] = {1, 2, 4, 8, 16, 32};
	static const uint32_t sizes[] = {4096, 16384, 65536, 131072, 262144, 524288, 1048576};
	static struct mover movers[THREADS_MOST];
	struct setup setup = {
		.run_ns = (argc > 2 ? strtol(argv[2], NULL, 10) : 150) * INT64_C(1000000)};

	open_all(&setup, movers, argc > 1 ? argv[1] : "host");
	printf("%s; GB/s with the code / and a copy / without it / by the copy engines\n",
		device_info(setup.device)->name);
	for (int reads = 1; reads >= 0; reads--) {
		for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			printf("%s %4u KiB", reads ? "read " : "write", sizes[s] / 1024);
			for (unsigned t = 0; t < sizeof(threads) / sizeof(threads[0]); t++) {
				printf("  %2u:", threads[t]);
				for (enum way way = BY_CODE; way <= BY_ENGINE; way++)
					printf("%s%.1f", way ? "/" : " ",
						measure(&setup, movers, threads[t], sizes[s], reads,
							way));
			}
			printf("\n");
			fflush(stdout);
		}
	}
	close_all(&setup, movers);
	return 0;
}
