/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The second half of a file that includes kernels written for CUDA: makes of them the only variant
 * of the host device, in place of src/kernels/native.c, called VARIANT_NAME. Each group runs on
 * emulated warps. VARIANT_SWEEP_LANES: as many threads have the groups of encode, verify, correct
 * and refresh.
 */
#include "kernels/native.h"

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

static void run(enum kernel kernel, uint32_t first_group, uint32_t count, uint8_t *region,
	uint32_t *scratch, uint8_t *control, uint8_t *payload, const struct kernel_params *params)
{
	struct call call = {entries[kernel], region, scratch, control, payload, params};
	const struct warp_emulator_launch launch = {
		.thread = call_entry,
		.argument = &call,
		.threads = kernel <= KERNEL_REFRESH ? VARIANT_SWEEP_LANES : KERNEL_LANES,
		.groups = params->segment_count * params->tiles_per_segment,
	};

	warp_emulator_run(&launch, first_group, count);
}

static bool always(void)
{
	return true;
}

const struct kernel_native_variant kernel_native_variants[] = {{VARIANT_NAME, always, run}};

const unsigned kernel_native_variant_count = 1;
