/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A radix tree that is as high as its largest index asks, with 64 mappings or children a node: a
 * mapped block takes 8 bytes and the nodes above a full one a sixty-fourth of it, a lookup in a
 * file of 32 GiB takes three steps, and an offset of 8 EiB eight. Nodes that become empty are given
 * back at once, so a node always leads to a mapping.
 */
#include "fs/block-map.h"

#include <assert.h>
#include <string.h>

#define FANOUT_BITS 6u
#define FANOUT (1u << FANOUT_BITS)

struct map_node {
	uint32_t used; /* children, or mappings that are no holes */
	union {
		struct map_node *children[FANOUT]; /* NULL: none */
		struct mapping mappings[FANOUT];   /* on level 1 */
	};
};

/* There can't be more lowest nodes than fragments. Those above them are few, unless files have
 * their fragments so far apart that each needs several nodes for itself; that many may find none.
 */
int block_map_nodes_init(struct slab *nodes, uint64_t blocks, uint64_t fragments)
{
	uint64_t dense = blocks / FANOUT;
	return slab_init(nodes, sizeof(struct map_node), (uint32_t)fragments,
		(uint32_t)(dense + dense / FANOUT + FANOUT));
}

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

static struct map_node *node_new(struct slab *nodes)
{
	struct map_node *node = slab_take(nodes);
	if (node)
		memset(node, 0, sizeof(*node));
	return node;
}

/* Where the mapping of INDEX is, or NULL if no node leads there. */
static struct mapping *find(const struct block_map *map, uint64_t index)
{
	if (map->mapped == 0 || index >= span_of(map->height))
		return NULL;
	if (map->height == 0)
		return (struct mapping *)&map->single;
	struct map_node *node = map->root;
	for (unsigned level = map->height; node && level > 1; level--)
		node = node->children[child_of(index, level)];
	return node ? &node->mappings[child_of(index, 1)] : NULL;
}

struct mapping block_map_get(const struct block_map *map, uint64_t index)
{
	struct mapping *found = find(map, index);
	return found ? *found : (struct mapping){0};
}

/* BASE is the node's first index, *INDEX the least that will do and then the one that was found. */
static const struct mapping *node_next(
	const struct map_node *node, unsigned level, uint64_t base, uint64_t *index)
{
	unsigned child = *index > base ? child_of(*index, level) : 0;
	for (; child < FANOUT; child++) {
		uint64_t child_base = base + child * span_of(level - 1);
		const struct mapping *found = NULL;
		if (level > 1 && node->children[child])
			found = node_next(node->children[child], level - 1, child_base, index);
		else if (level == 1 && !mapping_is_hole(node->mappings[child])) {
			found = &node->mappings[child];
			*index = child_base;
		}
		if (found)
			return found;
	}
	return NULL;
}

bool block_map_next(const struct block_map *map, uint64_t index, uint64_t *ret_index,
	struct mapping *ret_mapping)
{
	if (map->mapped == 0 || index >= span_of(map->height))
		return false;
	const struct mapping *found;
	if (map->height == 0)
		found = &map->single;
	else
		found = node_next(map->root, map->height, 0, &index);
	if (!found)
		return false;
	*ret_index = index;
	*ret_mapping = *found;
	return true;
}

/* Make the tree high enough for INDEX. When it fails half way the tree is higher, and as right. */
static err_t grow(struct block_map *map, struct slab *nodes, uint64_t index)
{
	if (map->mapped == 0) {
		while (index >= span_of(map->height))
			map->height++;
		if (map->height > 0)
			map->root = NULL;
		return 0;
	}
	while (index >= span_of(map->height)) {
		struct map_node *node = node_new(nodes);
		if (!node)
			return -ENOSPC;
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

static void give_branch(struct slab *nodes, struct map_node *node, unsigned level, uint64_t index)
{
	while (node) {
		struct map_node *child = level > 1 ? node->children[child_of(index, level)] : NULL;
		slab_give(nodes, node);
		node = child;
		level--;
	}
}

/* A node on LEVEL that leads to MAPPING and to nothing else; NULL if there are not enough. */
static struct map_node *new_branch(
	struct slab *nodes, unsigned level, uint64_t index, struct mapping mapping)
{
	struct map_node *branch = node_new(nodes);
	if (!branch)
		return NULL;
	branch->mappings[child_of(index, 1)] = mapping;
	branch->used = 1;
	for (unsigned above = 2; above <= level; above++) {
		struct map_node *node = node_new(nodes);
		if (!node) {
			give_branch(nodes, branch, above - 1, index);
			return NULL;
		}
		node->children[child_of(index, above)] = branch;
		node->used = 1;
		branch = node;
	}
	return branch;
}

int block_map_insert(
	struct block_map *map, struct slab *nodes, uint64_t index, struct mapping mapping)
{
	int err = grow(map, nodes, index);
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
		*slot = new_branch(nodes, level, index, mapping);
		if (!*slot) {
			if (map->mapped == 0)
				map->height = 0;
			return -ENOSPC;
		}
		if (parent)
			parent->used++;
	}
	map->mapped++;
	return 0;
}

static void give_nothing(void *user, struct mapping mapping)
{
	(void)user;
	(void)mapping;
}

void block_map_change(
	struct block_map *map, struct slab *nodes, uint64_t index, struct mapping mapping)
{
	struct mapping *there = find(map, index);
	if (!there || mapping_is_hole(*there))
		assert(mapping_is_hole(mapping));
	else if (mapping_is_hole(mapping))
		block_map_remove(map, nodes, index, index, give_nothing, NULL);
	else
		*there = mapping;
}

struct removal {
	struct block_map *map;
	struct slab *nodes;
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
		if (level == 1 && !mapping_is_hole(node->mappings[child])) {
			removal->give(removal->user, node->mappings[child]);
			node->mappings[child] = (struct mapping){0};
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
	slab_give(removal->nodes, node);
	return true;
}

void block_map_remove(struct block_map *map, struct slab *nodes, uint64_t first, uint64_t last,
	void (*give)(void *user, struct mapping mapping), void *user)
{
	if (map->mapped == 0 || first > last || first >= span_of(map->height))
		return;
	if (map->height == 0) {
		give(user, map->single);
		map->mapped = 0;
		return;
	}
	struct removal removal = {map, nodes, first, last, give, user};
	if (node_remove(&removal, map->root, map->height, 0)) {
		map->root = NULL;
		map->height = 0;
	}
}
