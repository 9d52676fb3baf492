/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* The kernels of original-method.c as a variant that a program brings with it. */
#include "device/cuda-variants.h"

#include "original-method-ptx.h" /* original_method_ptx[], made at build time */

#include <limits.h>

const struct cuda_variant cuda_variant_brought = {
	.name = "original",
	.ptx = original_method_ptx,
	.lowest = 50,
	.highest = UINT_MAX,
};
