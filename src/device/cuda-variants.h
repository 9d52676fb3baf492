/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_DEVICE_CUDA_VARIANTS_H
#define VRAMFS_DEVICE_CUDA_VARIANTS_H

#include "base/err.h"
#include "device/cuda-driver.h"
#include "kernels/abi.h"

#include <stdbool.h>

/*
 * The forms in which the kernels exist for NVIDIA GPUs. All leave the same bits behind; which one a
 * device gets depends on its compute capability (major * 10 + minor):
 *
 *	tensor		8.0 to 9.0: binary tensor cores. Newer GPUs run these instructions too, but
 *			by many others.
 *	tables		7.0 on, for those without: lines are folded, and the parity of the rest is
 *			looked up in memory that a group shares
 *	portable	every GPU from 5.0 on
 *
 * The environment variable VRAMFS_KERNELS, with one of these names, overrules that, for measuring.
 * So does who opens the device: see device_open_kernels().
 */
struct cuda_variant {
	const char *name;
	const char *ptx;
	unsigned lowest, highest; /* compute capabilities that it runs on and is the best for */
	/* Its sweeps (encode, verify, correct, refresh, stream) are launched in groups of so many
	 * lanes, of which a multiprocessor is to hold at most sweep_groups at once; 0 lanes: as the
	 * other kernels. */
	unsigned sweep_lanes, sweep_groups;
};

#define CUDA_VARIANT_VARIABLE "VRAMFS_KERNELS"

/* One more, for a program that measures or tests it: it defines this. No GPU gets that unless it is
 * asked for by name, and where nobody defines it there is none. */
extern const struct cuda_variant cuda_variant_brought __attribute__((weak));

/*
 * The best variant for CAPABILITY, or the one called WANTED if that is not NULL or "". -EINVAL if
 * there is none of that name, -ENODEV if it does not run on such a GPU; WHY says what there is.
 */
err_t cuda_variant_choose(unsigned capability, const char *wanted,
	const struct cuda_variant **ret_variant, struct why *why);

/* The next best for CAPABILITY where VARIANT turns out not to load; NULL if there is none. */
const struct cuda_variant *cuda_variant_next(
	const struct cuda_variant *variant, unsigned capability);

/* How many groups of KERNEL, as FUNCTION, a multiprocessor runs at once: fewer than sweep_groups
 * where it has less memory for them than those on which the variant was measured. 0 for kernels
 * that don't sweep, where it does not matter. */
unsigned cuda_variant_groups(const struct cuda_variant *variant, enum kernel kernel,
	const struct cuda_driver *driver, cuda_function function);

/* The grid for a launch of KERNEL over TILES tiles, on a GPU that runs GROUPS_AT_ONCE groups of a
 * sweep: half as many for a sweep, so that the next can begin before it ends. */
void cuda_variant_grid(const struct cuda_variant *variant, enum kernel kernel, unsigned tiles,
	unsigned groups_at_once, unsigned *ret_groups, unsigned *ret_lanes);

#endif
