/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The native variant for any processor: the portable kernels as they are, but for the way to find a
 * parity. So this is also where the sanitizers watch what GPUs run.
 */
#define PARITY_BY_SLICES
#define NATIVE_RUN kernel_native_run_scalar
#include "kernels/native-run.h"
