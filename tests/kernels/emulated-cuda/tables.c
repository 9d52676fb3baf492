/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* See variant.h and src/kernels/tables.c. */
#include "kernels/tables.c"

#include "device/cuda-variants.h"

static const struct cuda_variant *emulated_variant(void)
{
	const struct cuda_variant *variant;
	struct why why;

	if (cuda_variant_choose(120, "tables", &variant, &why))
		__builtin_trap();
	return variant;
}

#define VARIANT_NAME "emulated tables"
#include "emulated-cuda/variant.h"
