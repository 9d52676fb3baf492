/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_BLOCK_MAP_H
#define VRAMFS_FS_BLOCK_MAP_H

#include "fs/mapping.h"

/*
 * Where a file has its bytes: a sparse map from block indices (file offset divided by the payload
 * of a block) to mappings of 8 bytes. Not locked: the inode's lock is its own. Nodes come from a
 * slab of the filesystem, the same at every call.
 */

/* Zeroed is empty. A file of one block has its mapping in here; others have a radix tree. */
struct block_map {
	union {
		struct mapping single; /* height 0 and mapped 1: that of index 0 */
		struct map_node *root; /* height > 0; NULL when nothing is mapped */
	};
	uint32_t mapped; /* how many mappings there are that are no holes */
	uint32_t height; /* levels of nodes */
};

/* A slab of nodes, enough for files of BLOCKS blocks in all, of which each mapping has at least one
 * of FRAGMENTS. -ENOMEM. */
err_t block_map_nodes_init(struct slab *nodes, uint64_t blocks, uint64_t fragments);

/* The mapping of INDEX, which may be a hole. */
struct mapping block_map_get(const struct block_map *map, uint64_t index);

/* The first at or behind INDEX that is no hole; false if there is none. */
bool block_map_next(const struct block_map *map, uint64_t index, uint64_t *ret_index,
	struct mapping *ret_mapping);

/* Map INDEX, which is a hole. -ENOSPC: no nodes are left, and MAP is as before. */
err_t block_map_insert(
	struct block_map *map, struct slab *nodes, uint64_t index, struct mapping mapping);

/* Change the mapping of INDEX, to MAPPING. What is a hole may only stay one. */
void block_map_change(
	struct block_map *map, struct slab *nodes, uint64_t index, struct mapping mapping);

/* Make holes of indices FIRST..LAST and call GIVE for each mapping that was there. Takes time for
 * those only, however far LAST is. */
void block_map_remove(struct block_map *map, struct slab *nodes, uint64_t first, uint64_t last,
	void (*give)(void *user, struct mapping mapping), void *user);

#endif
