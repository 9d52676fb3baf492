/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* See variant.h and bench/original-method.c. */
#include "original-method.c"

#include "device/cuda-variants.h"

static const struct cuda_variant *emulated_variant(void)
{
	static const struct cuda_variant variant = {.name = "original"};

	return &variant;
}

#define VARIANT_NAME "emulated original"
#include "emulated-cuda/variant.h"
