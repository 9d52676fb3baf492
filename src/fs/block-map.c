/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A radix tree that is as high as its largest index asks, with 64 mappings or children a node: a
 * mapped block takes 8 bytes and the nodes above a full one a sixty-fourth of it, a lookup in a
 * file of 32 GiB takes three steps, and an offset of 8 EiB eight. Nodes that become empty are freed
 * at once, so a node always leads to a mapping.
 */
#include "fs/block-map.h"

#include <stdlib.h>
#include <string.h>

#define FANOUT_BITS 6u
#define FANOUT (1u << FANOUT_BITS)
#define NO_BLOCK UINT32_MAX

struct map_node {
	uint32_t used; /* children or mappings that are there */
	union {
		struct map_node *children[FANOUT]; /* NULL: none */
		struct mapping mappings[FANOUT];   /* on level 1; block NO_BLOCK: none */
	};
};

/* Which child of a node on LEVEL leads to INDEX. */
static unsigned child_of(uint64_t index, unsigned level)
{
	return (index >> ((level - 1) * FANOUT_BITS)) & (FANOUT - 1);
}

/* How many indices a node on LEVEL spans; 1 for a mapping, level 0. */
static uint64_t span_of(unsigned level)
{
	return 1ull << (level * FANOUT_BITS);
}

static struct map_node *node_new(unsigned level)
{
	struct map_node *node = calloc(1, sizeof(*node));
	if (node && level == 1) {
		for (unsigned i = 0; i < FANOUT; i++)
			node->mappings[i].block = NO_BLOCK;
	}
	return node;
}

struct mapping *block_map_find(struct block_map *map, uint64_t index)
{
	if (map->mapped == 0 || index >= span_of(map->height))
		return NULL;
	if (map->height == 0)
		return &map->single;
	struct map_node *node = map->root;
	for (unsigned level = map->height; node && level > 1; level--)
		node = node->children[child_of(index, level)];
	if (!node)
		return NULL;
	struct mapping *mapping = &node->mappings[child_of(index, 1)];
	return mapping->block == NO_BLOCK ? NULL : mapping;
}

/* BASE is the node's first index, *INDEX the least that will do and then the one that was found. */
static struct mapping *node_next(
	struct map_node *node, unsigned level, uint64_t base, uint64_t *index)
{
	unsigned child = *index > base ? child_of(*index, level) : 0;
	for (; child < FANOUT; child++) {
		uint64_t child_base = base + child * span_of(level - 1);
		struct mapping *found = NULL;
		if (level > 1 && node->children[child])
			found = node_next(node->children[child], level - 1, child_base, index);
		else if (level == 1 && node->mappings[child].block != NO_BLOCK) {
			found = &node->mappings[child];
			*index = child_base;
		}
		if (found)
			return found;
	}
	return NULL;
}

struct mapping *block_map_next(struct block_map *map, uint64_t index, uint64_t *ret_index)
{
	if (map->mapped == 0 || index >= span_of(map->height))
		return NULL;
	struct mapping *found;
	if (map->height == 0)
		found = &map->single;
	else
		found = node_next(map->root, map->height, 0, &index);
	if (found)
		*ret_index = index;
	return found;
}

/* Make the tree high enough for INDEX. When it fails half way the tree is higher, and as right. */
static err_t grow(struct block_map *map, uint64_t index)
{
	if (map->mapped == 0) {
		while (index >= span_of(map->height))
			map->height++;
		if (map->height > 0)
			map->root = NULL;
		return 0;
	}
	while (index >= span_of(map->height)) {
		struct map_node *node = node_new(map->height + 1);
		if (!node)
			return -ENOMEM;
		if (map->height == 0)
			node->mappings[0] = map->single;
		else
			node->children[0] = map->root;
		node->used = 1;
		map->root = node;
		map->height++;
	}
	return 0;
}

static void free_branch(struct map_node *node, unsigned level, uint64_t index)
{
	while (node) {
		struct map_node *child = level > 1 ? node->children[child_of(index, level)] : NULL;
		free(node);
		node = child;
		level--;
	}
}

/* A node on LEVEL that leads to MAPPING and to nothing else; NULL without memory. */
static struct map_node *new_branch(unsigned level, uint64_t index, struct mapping mapping)
{
	struct map_node *branch = node_new(1);
	if (!branch)
		return NULL;
	branch->mappings[child_of(index, 1)] = mapping;
	branch->used = 1;
	for (unsigned above = 2; above <= level; above++) {
		struct map_node *node = node_new(above);
		if (!node) {
			free_branch(branch, above - 1, index);
			return NULL;
		}
		node->children[child_of(index, above)] = branch;
		node->used = 1;
		branch = node;
	}
	return branch;
}

int block_map_insert(struct block_map *map, uint64_t index, struct mapping mapping)
{
	int err = grow(map, index);
	if (err)
		return err;
	if (map->height == 0) {
		map->single = mapping;
		map->mapped = 1;
		return 0;
	}
	struct map_node *parent = NULL;
	struct map_node **slot = &map->root;
	unsigned level = map->height;
	while (*slot && level > 1) {
		parent = *slot;
		slot = &parent->children[child_of(index, level)];
		level--;
	}
	if (*slot) {
		(*slot)->mappings[child_of(index, 1)] = mapping;
		(*slot)->used++;
	} else {
		*slot = new_branch(level, index, mapping);
		if (!*slot) {
			if (map->mapped == 0)
				map->height = 0;
			return -ENOMEM;
		}
		if (parent)
			parent->used++;
	}
	map->mapped++;
	return 0;
}

struct removal {
	struct block_map *map;
	uint64_t first, last;
	void (*give)(void *user, struct mapping mapping);
	void *user;
};

/* Remove what lies in the range below NODE, whose first index is BASE. Returns true when that was
 * all and the node has been freed. */
static bool node_remove(
	struct removal *removal, struct map_node *node, unsigned level, uint64_t base)
{
	unsigned child = removal->first > base ? child_of(removal->first, level) : 0;
	for (; child < FANOUT; child++) {
		uint64_t child_base = base + child * span_of(level - 1);
		if (child_base > removal->last)
			break;
		if (level == 1 && node->mappings[child].block != NO_BLOCK) {
			removal->give(removal->user, node->mappings[child]);
			node->mappings[child].block = NO_BLOCK;
			removal->map->mapped--;
			node->used--;
		} else if (level > 1 && node->children[child] &&
			   node_remove(removal, node->children[child], level - 1, child_base)) {
			node->children[child] = NULL;
			node->used--;
		}
	}
	if (node->used > 0)
		return false;
	free(node);
	return true;
}

void block_map_remove(struct block_map *map, uint64_t first, uint64_t last,
	void (*give)(void *user, struct mapping mapping), void *user)
{
	if (map->mapped == 0 || first > last || first >= span_of(map->height))
		return;
	if (map->height == 0) {
		give(user, map->single);
		map->mapped = 0;
		return;
	}
	struct removal removal = {map, first, last, give, user};
	if (node_remove(&removal, map->root, map->height, 0)) {
		map->root = NULL;
		map->height = 0;
	}
}
