/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The second half of a file that includes kernels written for CUDA: makes of them the only variant
 * of the host device, in place of src/kernels/native.c, called VARIANT_NAME. Each group runs on
 * emulated warps. The file defines emulated_variant(), by which the grids of launches go, here on a
 * GPU of one multiprocessor, so that the warps of a sweep go from tile to tile.
 */
#include "device/cuda-variants.h"
#include "kernels/native.h"

#include <pthread.h>

typedef void (*kernel_entry)(uint8_t *region, uint32_t *scratch, uint8_t *control, uint8_t *payload,
	const struct kernel_params params);

static const kernel_entry entries[KERNEL_COUNT] = {
	[KERNEL_ENCODE] = vramfs_encode,
	[KERNEL_VERIFY] = vramfs_verify,
	[KERNEL_CORRECT] = vramfs_correct,
	[KERNEL_REFRESH] = vramfs_refresh,
	[KERNEL_READ] = vramfs_read,
	[KERNEL_WRITE] = vramfs_write,
	[KERNEL_FILL] = vramfs_fill,
	[KERNEL_COPY] = vramfs_copy,
	[KERNEL_RANDOMIZE] = vramfs_randomize,
	[KERNEL_COMPARE] = vramfs_compare,
	[KERNEL_INJECT] = vramfs_inject,
	[KERNEL_STREAM] = vramfs_stream,
};

struct call {
	kernel_entry entry;
	uint8_t *region;
	uint32_t *scratch;
	uint8_t *control, *payload;
	const struct kernel_params *params;
};

static void call_entry(void *argument)
{
	const struct call *call = argument;

	call->entry(call->region, call->scratch, call->control, call->payload, *call->params);
}

/* Launches of which some pieces have come; as many as there are queues suffice. */
static struct pending {
	const uint8_t *report; /* NULL: free */
	uint32_t pieces;
} pending[1024];

static pthread_mutex_t pending_lock = PTHREAD_MUTEX_INITIALIZER;

/* Whether these COUNT pieces of the launch that reports to REPORT are the last of ALL. */
static bool all_have_come(const uint8_t *report, uint32_t count, uint32_t all)
{
	struct pending *own = NULL;
	bool complete;

	pthread_mutex_lock(&pending_lock);
	for (unsigned i = 0; i < sizeof(pending) / sizeof(pending[0]); i++) {
		if (pending[i].report == report)
			own = &pending[i];
		else if (!pending[i].report && (!own || own->report != report))
			own = &pending[i];
	}
	if (!own)
		__builtin_trap();
	own->report = report;
	own->pieces += count;
	complete = own->pieces == all;
	if (complete)
		*own = (struct pending){0};
	pthread_mutex_unlock(&pending_lock);
	return complete;
}

/* The host device counts a piece for each tile, but there may be fewer groups. So whoever brings
 * the last piece runs them all: after the last group's report, nobody may touch the launch. */
static void run(enum kernel kernel, uint32_t first_group, uint32_t count, uint8_t *region,
	uint32_t *scratch, uint8_t *control, uint8_t *payload, const struct kernel_params *params)
{
	const uint32_t tiles = params->segment_count * params->tiles_per_segment;
	struct call call = {entries[kernel], region, scratch, control, payload, params};
	struct warp_emulator_launch launch = {.thread = call_entry, .argument = &call};

	(void)first_group;
	if (!all_have_come(control + params->report, count, tiles))
		return;
	cuda_variant_grid(emulated_variant(), kernel, tiles, emulated_variant()->sweep_groups,
		&launch.groups, &launch.threads);
	warp_emulator_run(&launch, 0, launch.groups);
}

static bool always(void)
{
	return true;
}

const struct kernel_native_variant kernel_native_variants[] = {{VARIANT_NAME, always, run}};

const unsigned kernel_native_variant_count = 1;
