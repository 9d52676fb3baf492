/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_STORE_REGION_H
#define VRAMFS_STORE_REGION_H

#include "device/device.h"
#include "store/store.h"

/*
 * How large a region OPTIONS ask for, on a device that INFO describes and that has FREE_BYTES free.
 * "max" is what is free less the headroom for others, or less where the driver allows less; a
 * percentage is of that. -EINVAL a size that holds no block, -ENOMEM more than can be had.
 */
err_t region_plan(const struct device_info *info, uint64_t free_bytes,
	const struct store_options *options, struct store_geometry *ret_geometry, struct why *why);

/* Device memory that is left to others: on a GPU 1/64 of it but at least 256 MiB, for its display,
 * other programs and the driver; where the memory is the machine's own, 1/8 of it. */
uint64_t region_headroom(const struct device_info *info);

/* Plan and allocate, zeroed. With "max" a device that gives less than it has free gets asked for
 * less. */
err_t region_alloc(struct device *device, const struct store_options *options,
	struct store_geometry *ret_geometry, struct device_memory **ret_region, struct why *why);

#endif
