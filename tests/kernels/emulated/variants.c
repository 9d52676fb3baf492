/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Takes the place of src/kernels/native.c, for a host device with just one variant of the kernels.
 */
#include "kernels/native.h"

static bool always(void)
{
	return true;
}

const struct kernel_native_variant kernel_native_variants[] = {
	{"emulated gfni", always, kernel_native_run_gfni},
};

const unsigned kernel_native_variant_count = 1;
