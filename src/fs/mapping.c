/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A mapping has one of three forms.
 *
 *	plain      What is allocated is written, in one block and in the file's order: fragment F
 *	           has fragment F + shift of the block, and `detail` is the set. A whole block, a
 *	           small file and the tail of a big one usually look like this. With no fragment it
 *	           is a hole.
 *	reserved   The whole block is the file's, and `detail` is the set of what is written.
 *	scattered  Anything else: `detail` is the number of a struct scatter.
 *
 * Whatever fragments are free will do, so space never runs out for want of some that lie together,
 * and nothing has to move when a file grows or a hole is filled. The common changes are made to the
 * mapping in place; all others go by way of a struct scatter on the stack, which is packed into the
 * tightest form that fits.
 *
 * A scattered mapping has at least one fragment, or its last ones are just being given back, so
 * there can't be many more scatters than fragments, and packing never fails.
 */
#include "fs/mapping.h"

#include <assert.h>

#define SHIFT_RESERVED (-32)           /* fragments shift by -31..31 */
#define SCATTERED FRAGMENTS_MAX_BLOCKS /* no block has this number */
#define THREADS_THAT_RELEASE 65536u    /* at one moment: more than there can be */

_Static_assert(sizeof(struct mapping) == 8, "what a mapped block costs");

struct scatter {
	uint32_t allocated, written;
	uint32_t place[FRAGMENTS_MAX]; /* block * FRAGMENTS_MAX + fragment, of the allocated */
};

int space_init(struct space *space, struct store *store)
{
	const struct store_geometry *geometry = store_geometry(store);
	*space = (struct space){.geometry = fragment_geometry(geometry)};
	space->all = fragment_set(0, space->geometry.per_block);
	int err = fragments_new(store, &space->fragments);
	if (err)
		return err;
	uint64_t all = geometry->blocks * space->geometry.per_block;
	return slab_init(
		&space->scatters, sizeof(struct scatter), (uint32_t)all + THREADS_THAT_RELEASE, 0);
}

void space_done(struct space *space)
{
	slab_done(&space->scatters);
	fragments_free(space->fragments);
}

static bool is_scattered(struct mapping mapping)
{
	return mapping.block == SCATTERED;
}

static bool is_reserved(struct mapping mapping)
{
	return !is_scattered(mapping) && mapping.shift == SHIFT_RESERVED;
}

static struct scatter *scatter_of(const struct space *space, struct mapping mapping)
{
	return slab_object(&space->scatters, mapping.detail);
}

static uint32_t block_of(uint32_t place)
{
	return place / FRAGMENTS_MAX;
}

static int shift_of(const struct scatter *scatter, uint32_t fragment)
{
	return (int)(scatter->place[fragment] % FRAGMENTS_MAX) - (int)fragment;
}

static uint32_t lowest(uint32_t set)
{
	return (uint32_t)__builtin_ctz(set);
}

/* How many fragments of SET follow each other from FIRST, which is one of them. */
static uint32_t run_length(uint32_t set, uint32_t first)
{
	uint32_t behind = ~(set >> first);
	return behind ? lowest(behind) : FRAGMENTS_MAX;
}

bool mapping_is_hole(struct mapping mapping)
{
	return mapping.detail == 0 && !is_scattered(mapping) && !is_reserved(mapping);
}

uint32_t mapping_allocated(const struct space *space, struct mapping mapping)
{
	if (is_scattered(mapping))
		return scatter_of(space, mapping)->allocated;
	return is_reserved(mapping) ? space->all : mapping.detail;
}

uint32_t mapping_written(const struct space *space, struct mapping mapping)
{
	return is_scattered(mapping) ? scatter_of(space, mapping)->written : mapping.detail;
}

bool mapping_is_full_and_scattered(const struct space *space, struct mapping mapping)
{
	return is_scattered(mapping) && scatter_of(space, mapping)->written == space->all;
}

/* The run that begins with fragment FIRST and has at most COUNT. */
static struct fragment_run run_at(
	const struct space *space, struct mapping mapping, uint32_t first, uint32_t count)
{
	if (!is_scattered(mapping)) {
		int shift = is_reserved(mapping) ? 0 : mapping.shift;
		return (struct fragment_run){mapping.block, (uint32_t)((int)first + shift), count};
	}
	const uint32_t *place = &scatter_of(space, mapping)->place[first];
	uint32_t length = 1;
	while (length < count && place[length] == place[0] + length &&
		block_of(place[length]) == block_of(place[0]))
		length++;
	return (struct fragment_run){block_of(place[0]), place[0] % FRAGMENTS_MAX, length};
}

bool mapping_next_run(const struct space *space, struct mapping mapping, uint32_t *set,
	uint32_t *ret_fragment, struct fragment_run *ret_run)
{
	if (*set == 0)
		return false;
	*ret_fragment = lowest(*set);
	*ret_run = run_at(space, mapping, *ret_fragment, run_length(*set, *ret_fragment));
	*set &= ~fragment_set(*ret_fragment, ret_run->count);
	return true;
}

static void place_run(struct scatter *scatter, uint32_t fragment, const struct fragment_run *run)
{
	for (uint32_t i = 0; i < run->count; i++)
		scatter->place[fragment + i] = run->block * FRAGMENTS_MAX + run->first + i;
	scatter->allocated |= fragment_set(fragment, run->count);
}

static void unpack(const struct space *space, struct mapping mapping, struct scatter *ret_scatter)
{
	if (is_scattered(mapping)) {
		*ret_scatter = *scatter_of(space, mapping);
		return;
	}
	ret_scatter->allocated = 0;
	ret_scatter->written = mapping.detail;
	uint32_t left = mapping_allocated(space, mapping), fragment;
	struct fragment_run run;
	while (mapping_next_run(space, mapping, &left, &fragment, &run))
		place_run(ret_scatter, fragment, &run);
}

/* Are all fragments in one block, shifted alike? */
static bool lies_together(const struct scatter *scatter)
{
	uint32_t first = lowest(scatter->allocated);
	for (uint32_t left = scatter->allocated; left; left &= left - 1) {
		uint32_t fragment = lowest(left);
		if (block_of(scatter->place[fragment]) != block_of(scatter->place[first]) ||
			shift_of(scatter, fragment) != shift_of(scatter, first))
			return false;
	}
	return true;
}

/* The mapping that is as SCATTER says, in place of *MAPPING. */
static void pack(struct space *space, struct mapping *mapping, const struct scatter *scatter)
{
	struct mapping packed = {.detail = scatter->written};
	bool together = scatter->allocated && lies_together(scatter);
	if (together) {
		uint32_t first = lowest(scatter->allocated);
		packed.block = block_of(scatter->place[first]);
		packed.shift = shift_of(scatter, first);
	}
	if (scatter->allocated == scatter->written && (together || scatter->allocated == 0)) {
		/* plain, or a hole */
	} else if (together && scatter->allocated == space->all) {
		packed.shift = SHIFT_RESERVED;
	} else {
		struct scatter *kept = is_scattered(*mapping) ? scatter_of(space, *mapping)
							      : slab_take(&space->scatters);
		assert(kept);
		*kept = *scatter;
		*mapping = (struct mapping){
			.detail = slab_number(&space->scatters, kept),
			.block = SCATTERED,
		};
		return;
	}
	if (is_scattered(*mapping))
		slab_give(&space->scatters, scatter_of(space, *mapping));
	*mapping = packed;
}

/* Take up to COUNT fragments where FIRST.. would continue what is there: behind its neighbour in
 * the file's order, or in front of it. */
static bool take_beside(struct space *space, const struct scatter *scatter, uint32_t first,
	uint32_t count, struct fragment_run *ret_run)
{
	uint32_t before = scatter->allocated & fragment_set(0, first);
	uint32_t neighbour;
	if (before)
		neighbour = 31 - (uint32_t)__builtin_clz(before);
	else if (scatter->allocated)
		neighbour = lowest(scatter->allocated);
	else
		return false;
	int wanted = (int)first + shift_of(scatter, neighbour);
	if (wanted < 0 || wanted >= (int)space->geometry.per_block)
		return false;
	struct fragment_run run = {block_of(scatter->place[neighbour]), (uint32_t)wanted, count};
	if (run.count > space->geometry.per_block - run.first)
		run.count = space->geometry.per_block - run.first;
	run.count = fragments_extend(space->fragments, run.block, run.first, run.count);
	*ret_run = run;
	return run.count > 0;
}

bool mapping_take_block(struct space *space, struct mapping *ret_mapping)
{
	struct fragment_run run;
	if (fragments_take(space->fragments, space->geometry.per_block, FRAGMENTS_PACKED, &run))
		return false;
	if (run.count < space->geometry.per_block) {
		fragments_give(space->fragments, run.block, fragment_set(run.first, run.count));
		return false;
	}
	*ret_mapping = (struct mapping){.detail = space->all, .block = run.block};
	return true;
}

/* What needs no look at single fragments. */
static bool take_at_once(struct space *space, struct mapping *mapping, uint32_t set, bool write)
{
	if (mapping_is_hole(*mapping) && set == space->all) {
		if (!mapping_take_block(space, mapping))
			return false;
		if (!write) {
			mapping->detail = 0;
			mapping->shift = SHIFT_RESERVED;
		}
		return true;
	}
	if (is_scattered(*mapping) || (set & ~mapping_allocated(space, *mapping)) != 0)
		return false;
	if (write)
		mapping->detail |= set;
	if (mapping->detail == space->all)
		mapping->shift = 0;
	return true;
}

uint32_t mapping_take(struct space *space, struct mapping *mapping, uint32_t set,
	enum fragment_place place, bool write)
{
	if (take_at_once(space, mapping, set, write))
		return set;
	struct scatter scatter;
	uint32_t lacking;
	unpack(space, *mapping, &scatter);
	while ((lacking = set & ~scatter.allocated) != 0) {
		uint32_t first = lowest(lacking), count = run_length(lacking, first);
		struct fragment_run run;
		if (!take_beside(space, &scatter, first, count, &run) &&
			fragments_take(space->fragments, count, place, &run) != 0)
			break;
		place_run(&scatter, first, &run);
	}
	uint32_t got = lacking ? set & fragment_set(0, lowest(lacking)) : set;
	if (write)
		scatter.written |= got;
	pack(space, mapping, &scatter);
	return got;
}

void mapping_unwrite(struct space *space, struct mapping *mapping, uint32_t set)
{
	if ((mapping_written(space, *mapping) & set) == 0)
		return;
	struct scatter scatter;
	unpack(space, *mapping, &scatter);
	scatter.written &= ~set;
	pack(space, mapping, &scatter);
}

unsigned mapping_release(struct space *space, struct mapping *mapping, uint32_t set)
{
	uint32_t released = set & mapping_allocated(space, *mapping);
	uint32_t left = released, fragment;
	struct fragment_run run;
	while (mapping_next_run(space, *mapping, &left, &fragment, &run))
		fragments_give(space->fragments, run.block, fragment_set(run.first, run.count));
	if (!is_scattered(*mapping) && !is_reserved(*mapping)) {
		mapping->detail &= ~released;
		if (mapping->detail == 0)
			*mapping = (struct mapping){0};
	} else if (released) {
		struct scatter scatter;
		unpack(space, *mapping, &scatter);
		scatter.allocated &= ~released;
		scatter.written &= ~released;
		pack(space, mapping, &scatter);
	}
	return (unsigned)__builtin_popcount(released);
}
