/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Which native variants there are and what they need. Each is a file of its own, because each is
 * compiled with its own compiler flags; this one is compiled for every processor, so that it may
 * ask what the present one can do.
 */
#include "kernels/native.h"

#if defined(__x86_64__)
static bool has_gfni(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("gfni");
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}
#endif

static bool has_all(void)
{
	return true;
}

const struct kernel_native_variant kernel_native_variants[] = {
#if defined(__x86_64__)
	{"gfni", has_gfni, kernel_native_run_gfni},
	{"avx2", has_avx2, kernel_native_run_avx2},
#endif
	{"scalar", has_all, kernel_native_run_scalar},
};

const unsigned kernel_native_variant_count =
	sizeof(kernel_native_variants) / sizeof(kernel_native_variants[0]);
