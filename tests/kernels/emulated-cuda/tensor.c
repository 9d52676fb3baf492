/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Takes the place of src/kernels/native.c: as the only variant of a host device, the kernels for
 * NVIDIA GPUs with tensor cores, on emulated warps. Groups have the numbers and shapes that they
 * have on a GPU of one multiprocessor, so that the warps of a sweep go from tile to tile.
 */
#include "kernels/tensor.c"

#include "device/cuda-variants.h"
#include "kernels/native.h"

struct entry {
	void (*kernel)(uint8_t *region, uint32_t *scratch, uint8_t *control, uint8_t *payload,
		struct kernel_params params);
	uint8_t *region;
	uint32_t *scratch;
	uint8_t *control, *payload;
	const struct kernel_params *params;
};

static void run_thread(void *argument)
{
	const struct entry *entry = argument;

	entry->kernel(
		entry->region, entry->scratch, entry->control, entry->payload, *entry->params);
}

static void run(enum kernel kernel, uint32_t first_group, uint32_t count, uint8_t *region,
	uint32_t *scratch, uint8_t *control, uint8_t *payload, const struct kernel_params *params)
{
	static void (*const kernels[KERNEL_COUNT])(
		uint8_t *, uint32_t *, uint8_t *, uint8_t *, struct kernel_params) = {
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
	struct entry entry = {kernels[kernel], region, scratch, control, payload, params};
	struct warp_emulator_launch launch = {.thread = run_thread, .argument = &entry};
	const struct cuda_variant *variant;
	struct why why;

	if (cuda_variant_choose(90, "tensor", &variant, &why))
		__builtin_trap();
	cuda_variant_grid(variant, kernel, params->segment_count * params->tiles_per_segment, 1,
		&launch.groups, &launch.threads);
	/* The host counts a group for each tile. */
	if (first_group >= launch.groups)
		return;
	if (count > launch.groups - first_group)
		count = launch.groups - first_group;
	warp_emulator_run(&launch, first_group, count);
}

static bool always(void)
{
	return true;
}

const struct kernel_native_variant kernel_native_variants[] = {
	{"emulated tensor", always, run},
};

const unsigned kernel_native_variant_count = 1;
