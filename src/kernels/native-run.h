/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The second half of each native variant: the kernels, with whatever the file that includes this
 * has of its own (see kernels.c), and the one function that is exported, under the name that the
 * file has defined as NATIVE_RUN. The dialect makes each kernel a static function that also takes
 * the number of its group.
 */
#include "kernels/native.h"

#include "kernels/kernels.c"

typedef void (*kernel_entry)(uint8_t *region, uint32_t *scratch, uint8_t *control, uint8_t *payload,
	struct kernel_params params, uint32_t group);

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

void NATIVE_RUN(enum kernel kernel, uint32_t first_group, uint32_t count, uint8_t *region,
	uint32_t *scratch, uint8_t *control, uint8_t *payload, const struct kernel_params *params)
{
	for (uint32_t i = 0; i < count; i++)
		entries[kernel](region, scratch, control, payload, *params, first_group + i);
}
