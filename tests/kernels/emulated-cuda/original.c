/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* See variant.h and bench/original-method.c. */
#include "original-method.c"

#define VARIANT_NAME "emulated original"
#define VARIANT_SWEEP_LANES KERNEL_LANES
#include "emulated-cuda/variant.h"
