/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_BLOCK_MAP_H
#define VRAMFS_FS_BLOCK_MAP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Which block holds which part of a file: a sparse map from block indices (file offset divided by
 * the payload of a block) to mappings of 8 bytes. Not locked: the inode's lock is its own.
 */
struct mapping {
	uint32_t block;
	/* Bytes 0..initialised-1 of the block are the file's. What follows is undefined in the
	 * block, a former owner's perhaps, and reads as zeros without a look at the device. */
	uint32_t initialised : 18;
	/* The block's count of failed launches when all its initialised bytes were last known to be
	 * written: see data.h. */
	uint32_t failures : 14;
};

/* Zeroed is empty. A file of one block has its mapping in here; others have a radix tree. */
struct block_map {
	union {
		struct mapping single; /* height 0 and mapped 1: that of index 0 */
		struct map_node *root; /* height > 0; NULL when nothing is mapped */
	};
	uint32_t mapped; /* how many mappings there are */
	uint32_t height; /* levels of nodes */
};

/* The mapping of INDEX, to be read or changed in place until the next insertion or removal; NULL
 * where there is a hole. */
struct mapping *block_map_find(struct block_map *map, uint64_t index);

/* The first mapping at or behind INDEX, or NULL. */
struct mapping *block_map_next(struct block_map *map, uint64_t index, uint64_t *ret_index);

/* Map INDEX, which is a hole. -ENOMEM leaves the map as it was. */
err_t block_map_insert(struct block_map *map, uint64_t index, struct mapping mapping);

/* Make holes of indices FIRST..LAST and call GIVE for each mapping that was there. Takes time for
 * those only, however far LAST is. */
void block_map_remove(struct block_map *map, uint64_t first, uint64_t last,
	void (*give)(void *user, struct mapping mapping), void *user);

#endif
