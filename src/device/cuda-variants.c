/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

#include "device/cuda-variants.h"

#include "kernels-ptx.h"           /* kernels_ptx[]: the portable kernels, made at build time */
#include "kernels-tables-70-ptx.h" /* kernels_tables_70_ptx[] */
#include "kernels-tables-ptx.h"    /* kernels_tables_ptx[] */
#include "kernels-tensor-ptx.h"    /* kernels_tensor_ptx[] */

#include <limits.h>
#include <string.h>

/* A sweep takes no more than a half of the places for groups, since long ones are launched piece by
 * piece: while one piece begins, or its last groups end, memory is kept busy by another. */
#define SWEEPS_AT_ONCE 2u

/* The best comes first, also among those of one name; the last runs on every GPU. */
static const struct cuda_variant variants[] = {
	{
		.name = "tensor",
		.ptx = kernels_tensor_ptx,
		.lowest = 80,
		.highest = 90,
		.sweep_lanes = 128,
		.sweep_groups = 4,
	},
	{
		.name = "tables",
		.ptx = kernels_tables_ptx,
		.lowest = 80,
		.highest = UINT_MAX,
		.sweep_lanes = 128,
		.sweep_groups = 5,
	},
	{
		.name = "tables",
		.ptx = kernels_tables_70_ptx,
		.lowest = 70,
		.highest = 79,
		.sweep_lanes = 128,
		.sweep_groups = 5,
	},
	{
		.name = "portable",
		.ptx = kernels_ptx,
		.lowest = 0,
		.highest = UINT_MAX,
	},
};

#define VARIANTS (sizeof(variants) / sizeof(variants[0]))

static bool suits(const struct cuda_variant *variant, unsigned capability)
{
	return capability >= variant->lowest && capability <= variant->highest;
}

/* By number, the program's own last; NULL behind that. */
static const struct cuda_variant *variant_at(size_t number)
{
	if (number < VARIANTS)
		return &variants[number];
	return number == VARIANTS && &cuda_variant_brought ? &cuda_variant_brought : NULL;
}

static err_t choose_by_name(unsigned capability, const char *wanted,
	const struct cuda_variant **ret_variant, struct why *why)
{
	const struct cuda_variant *variant;
	unsigned lowest = UINT_MAX; /* that any of that name needs */

	for (size_t i = 0; (variant = variant_at(i)); i++) {
		if (strcmp(variant->name, wanted) != 0)
			continue;
		if (capability >= variant->lowest) {
			*ret_variant = variant;
			return 0;
		}
		if (variant->lowest < lowest)
			lowest = variant->lowest;
	}
	if (lowest != UINT_MAX)
		return why_fail(why, ENODEV,
			"kernels '%s': need compute capability %u.%u, and this GPU has "
			"%u.%u (" CUDA_VARIANT_VARIABLE ", see vramfs(1))",
			wanted, lowest / 10, lowest % 10, capability / 10, capability % 10);
	return why_fail(why, EINVAL,
		"kernels '%s': there are none of that name; there are tensor, tables and portable%s%s "
		"(" CUDA_VARIANT_VARIABLE ", see vramfs(1))",
		wanted, &cuda_variant_brought ? ", and here " : "",
		&cuda_variant_brought ? cuda_variant_brought.name : "");
}

int cuda_variant_choose(unsigned capability, const char *wanted,
	const struct cuda_variant **ret_variant, struct why *why)
{
	const struct cuda_variant *variant = variants;

	if (wanted && wanted[0])
		return choose_by_name(capability, wanted, ret_variant, why);
	while (!suits(variant, capability))
		variant++;
	*ret_variant = variant;
	return 0;
}

const struct cuda_variant *cuda_variant_next(
	const struct cuda_variant *variant, unsigned capability)
{
	if (variant == &cuda_variant_brought)
		return NULL;
	while (++variant < variants + VARIANTS) {
		if (suits(variant, capability))
			return variant;
	}
	return NULL;
}

static bool sweeps(const struct cuda_variant *variant, enum kernel kernel)
{
	if (variant->sweep_lanes == 0)
		return false;
	return kernel == KERNEL_ENCODE || kernel == KERNEL_VERIFY || kernel == KERNEL_CORRECT ||
	       kernel == KERNEL_REFRESH || kernel == KERNEL_STREAM;
}

unsigned cuda_variant_groups(const struct cuda_variant *variant, enum kernel kernel,
	const struct cuda_driver *driver, cuda_function function)
{
	int most;

	if (!sweeps(variant, kernel))
		return 0;
	if (!driver->function_groups_at_once ||
		driver->function_groups_at_once(&most, function, (int)variant->sweep_lanes, 0) !=
			CUDA_SUCCESS ||
		most < 1 || (unsigned)most > variant->sweep_groups)
		return variant->sweep_groups;
	return (unsigned)most;
}

void cuda_variant_grid(const struct cuda_variant *variant, enum kernel kernel, unsigned tiles,
	unsigned groups_at_once, unsigned *ret_groups, unsigned *ret_lanes)
{
	const unsigned most = groups_at_once > SWEEPS_AT_ONCE ? groups_at_once / SWEEPS_AT_ONCE : 1;

	*ret_groups = tiles;
	*ret_lanes = KERNEL_LANES;
	if (!sweeps(variant, kernel))
		return;
	if (*ret_groups > most)
		*ret_groups = most;
	*ret_lanes = variant->sweep_lanes;
}
