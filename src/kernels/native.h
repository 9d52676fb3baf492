/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_NATIVE_H
#define VRAMFS_KERNELS_NATIVE_H

#include "kernels/abi.h"

#include <stdbool.h>

/*
 * The kernels compiled for this machine's processors, in several variants. They leave the same bits
 * behind and differ in speed:
 *
 *	gfni	x86-64 with AVX-512 (F, BW, VBMI) and GFNI
 *	avx2	x86-64 with AVX2
 *	scalar	any processor
 */

/*
 * Runs groups FIRST_GROUP..FIRST_GROUP+COUNT-1 of one launch on the calling thread; several threads
 * may run different groups of one launch at once. The thread that finishes the launch's last group
 * writes the report, with release semantics on `done`. PAYLOAD may be NULL for kernels that move
 * none.
 */
typedef void kernel_native_run(enum kernel kernel, uint32_t first_group, uint32_t count,
	uint8_t *region, uint32_t *scratch, uint8_t *control, uint8_t *payload,
	const struct kernel_params *params);

struct kernel_native_variant {
	const char *name;
	bool (*usable)(void); /* by this processor, under this operating system */
	kernel_native_run *run;
};

/* The variants that this program was built with, the fastest first; the last is "scalar", which is
 * always usable. */
extern const struct kernel_native_variant kernel_native_variants[];
extern const unsigned kernel_native_variant_count;

/* What each variant is made of; for native.c and for tests. */
kernel_native_run kernel_native_run_scalar, kernel_native_run_avx2, kernel_native_run_gfni;

#endif
