/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The region is taken once, when the store is opened, so this is where all that can be wrong with a
 * size must be found and explained: later there is nobody left to tell. Planning is apart from
 * allocating, so that it can be tested for devices of any size.
 */
#include "store/region.h"

#include "base/log.h"

#define SIZE_TEXT 32

uint64_t region_headroom(const struct device_info *info)
{
	if (!info->gpu || info->unified)
		return info->memory_bytes / 8;
	return info->memory_bytes / 64 > 256 * MIB ? info->memory_bytes / 64 : 256 * MIB;
}

static uint64_t available_bytes(const struct device_info *info, uint64_t free_bytes)
{
	uint64_t headroom = region_headroom(info);
	uint64_t available = free_bytes > headroom ? free_bytes - headroom : 0;

	if (info->largest_alloc_bytes && available > info->largest_alloc_bytes)
		available = info->largest_alloc_bytes;
	return available;
}

static err_t too_large(const struct device_info *info, uint64_t wanted, uint64_t free_bytes,
	uint64_t available, struct why *why)
{
	char wanted_text[SIZE_TEXT], free_text[SIZE_TEXT], available_text[SIZE_TEXT];

	size_format(wanted, wanted_text, sizeof(wanted_text));
	size_format(free_bytes, free_text, sizeof(free_text));
	size_format(available, available_text, sizeof(available_text));
	if (available < MIB)
		return why_fail(why, ENOMEM,
			"the device has only %s free, and some must be left to others: free memory "
			"there or choose another device",
			free_text);
	return why_fail(why, ENOMEM,
		"%s is more than can be had: the device has %s free, of which %s can be had (%s): "
		"ask for at most --size %lluM",
		wanted_text, free_text, available_text,
		available == info->largest_alloc_bytes ? "its driver allows no more"
						       : "the rest is left to others",
		(unsigned long long)(available / MIB));
}

int region_plan(const struct device_info *info, uint64_t free_bytes,
	const struct store_options *options, struct store_geometry *ret_geometry, struct why *why)
{
	uint64_t available = available_bytes(info, free_bytes);
	uint64_t smallest = rs_region_bytes(options->code, 1);
	uint64_t wanted = 0, blocks;

	switch (options->size.kind) {
	case SIZE_BYTES:
		wanted = options->size.bytes;
		break;
	case SIZE_PERCENT:
		/* Not multiplied first: 64 bits must do for any device. */
		wanted = available / 100 * options->size.percent +
			 available % 100 * options->size.percent / 100;
		break;
	case SIZE_MAX_AVAILABLE:
		wanted = available < smallest ? smallest : available;
		break;
	}
	if (wanted < smallest) {
		char wanted_text[SIZE_TEXT], smallest_text[SIZE_TEXT];

		return why_fail(why, EINVAL,
			"%s holds no block: ask for at least --size %lluK (%s), better for some "
			"hundred megabytes",
			size_format(wanted, wanted_text, sizeof(wanted_text)),
			(unsigned long long)((smallest + KIB - 1) / KIB),
			size_format(smallest, smallest_text, sizeof(smallest_text)));
	}
	if (wanted > available)
		return too_large(info, wanted, free_bytes, available, why);

	blocks = rs_blocks_in(options->code, wanted);
	if (blocks > UINT32_MAX) /* block numbers have 32 bits */
		blocks = UINT32_MAX;
	*ret_geometry = (struct store_geometry){
		.code = options->code,
		.max_correct = options->max_correct,
		.region_bytes = rs_region_bytes(options->code, blocks),
		.blocks = blocks,
		.block_payload = rs_block_payload(options->code),
		.line_payload = rs_data_per_line(options->code),
	};
	return 0;
}

int region_alloc(struct device *device, const struct store_options *options,
	struct store_geometry *ret_geometry, struct device_memory **ret_region, struct why *why)
{
	struct store_geometry geometry;
	uint64_t free_bytes;
	int err = device_free_bytes(device, &free_bytes);

	if (err)
		return why_fail(why, -err, "the device does not say how much memory it has free");
	err = region_plan(device_info(device), free_bytes, options, &geometry, why);
	if (err)
		return err;
	for (;;) {
		err = device_memory_alloc(device, geometry.region_bytes, ret_region, why);
		if (err != -ENOMEM || options->size.kind != SIZE_MAX_AVAILABLE ||
			geometry.blocks < 16)
			break;
		log_debug("the device does not give %llu bytes",
			(unsigned long long)geometry.region_bytes);
		geometry.blocks -= geometry.blocks / 16;
		geometry.region_bytes = rs_region_bytes(geometry.code, geometry.blocks);
	}
	if (err)
		return err;
	*ret_geometry = geometry;
	return 0;
}
