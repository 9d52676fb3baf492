/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* See variant.h and src/kernels/tensor.c. */
#include "kernels/tensor.c"

#include "device/cuda-variants.h"

static const struct cuda_variant *emulated_variant(void)
{
	const struct cuda_variant *variant;
	struct why why;

	if (cuda_variant_choose(90, "tensor", &variant, &why))
		__builtin_trap();
	return variant;
}

#define VARIANT_NAME "emulated tensor"
#include "emulated-cuda/variant.h"
