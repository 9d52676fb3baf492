/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Mappings, against plain lists of where each of their fragments is. A number of them share a small
 * region, so that they meet, run out of space, and take what others gave back.
 */
#include "fs/mapping.h"

#include "fixture.h"

#define MAPPINGS 60u
#define STEPS 6000u
#define NOWHERE UINT32_MAX

static struct store *store;
static struct device *device;
static struct space space;

static int set_up(void **state)
{
	struct volume volume = volume_open(*(enum rs_code *)*state, 4 * MIB);
	fs_close(volume.fs);
	store = volume.store;
	device = volume.device;
	return space_init(&space, store);
}

static int tear_down(void **state)
{
	(void)state;
	space_done(&space);
	store_close(store);
	device_close(device);
	return 0;
}

struct model {
	uint32_t allocated, written;
	uint32_t place[FRAGMENTS_MAX]; /* block * FRAGMENTS_MAX + fragment, or NOWHERE */
};

static uint64_t all_fragments(void)
{
	return store_geometry(store)->blocks * space.geometry.per_block;
}

/* Where each fragment of SET is. */
static void places_of(struct mapping mapping, uint32_t set, uint32_t *ret_places)
{
	uint32_t fragment;
	struct fragment_run run;
	memset(ret_places, 0xff, FRAGMENTS_MAX * sizeof(*ret_places));
	while (mapping_next_run(&space, mapping, &set, &fragment, &run)) {
		REQUIRE(run.count > 0 && run.first + run.count <= space.geometry.per_block);
		REQUIRE(run.block < store_geometry(store)->blocks);
		for (uint32_t i = 0; i < run.count; i++)
			ret_places[fragment + i] = run.block * FRAGMENTS_MAX + run.first + i;
	}
}

/* What stays where it was, and what came or went. */
static void check(struct mapping mapping, struct model *model, uint32_t allocated, uint32_t written)
{
	uint32_t places[FRAGMENTS_MAX];
	assert_int_equal(mapping_allocated(&space, mapping), allocated);
	assert_int_equal(mapping_written(&space, mapping), written);
	assert_int_equal(mapping_is_hole(mapping), allocated == 0);
	places_of(mapping, allocated, places);
	for (uint32_t i = 0; i < FRAGMENTS_MAX; i++) {
		if (model->allocated & allocated & fragment_set(i, 1))
			assert_int_equal(places[i], model->place[i]);
	}
	memcpy(model->place, places, sizeof(places));
	model->allocated = allocated;
	model->written = written;
}

/* No fragment has two owners, and the others are all free. */
static void check_owners(const struct model *models)
{
	static bool owned[64 * FRAGMENTS_MAX];
	uint64_t count = 0;
	memset(owned, 0, sizeof(owned));
	for (unsigned m = 0; m < MAPPINGS; m++) {
		for (uint32_t i = 0; i < FRAGMENTS_MAX; i++) {
			uint32_t place = models[m].place[i];
			if (place == NOWHERE)
				continue;
			assert_true(place < sizeof(owned) && !owned[place]);
			owned[place] = true;
			count++;
		}
	}
	assert_int_equal(fragments_count_free(space.fragments), all_fragments() - count);
}

static uint32_t random_set(uint64_t *seed)
{
	uint32_t per_block = space.geometry.per_block;
	uint32_t first = (uint32_t)random_below(seed, per_block);
	switch (random_below(seed, 4)) {
	case 0:
		return space.all;
	case 1: /* from the beginning */
		return fragment_set(0, first + 1);
	case 2: /* anything but nothing */
		return ((uint32_t)random_next(seed) & space.all) | fragment_set(first, 1);
	default:
		return fragment_set(first, 1 + (uint32_t)random_below(seed, per_block - first));
	}
}

static void take(struct mapping *mapping, struct model *model, uint32_t set, uint64_t *seed)
{
	bool write = random_below(seed, 3) > 0;
	enum fragment_place place = random_below(seed, 2) ? FRAGMENTS_ROOMY : FRAGMENTS_PACKED;
	uint32_t got = mapping_take(&space, mapping, set, place, write);
	if (got != set) { /* then it is the beginning of the set, and there is no more */
		uint32_t missing = set & ~got;
		assert_int_equal(fragments_count_free(space.fragments), 0);
		assert_int_equal(got, set & ((missing & -missing) - 1));
	}
	check(*mapping, model, model->allocated | got,
		write ? model->written | got : model->written);
}

static void change(struct mapping *mapping, struct model *model, uint64_t *seed)
{
	uint32_t set = random_set(seed);
	switch (random_below(seed, 6)) {
	case 0:
		mapping_unwrite(&space, mapping, set);
		check(*mapping, model, model->allocated, model->written & ~set);
		break;
	case 1:
	case 2:
		assert_int_equal(mapping_release(&space, mapping, set),
			__builtin_popcount(model->allocated & set));
		check(*mapping, model, model->allocated & ~set, model->written & ~set);
		break;
	case 3:
		if (mapping_is_hole(*mapping) && mapping_take_block(&space, mapping))
			check(*mapping, model, space.all, space.all);
		break;
	default:
		take(mapping, model, set, seed);
	}
	if (mapping_is_full_and_scattered(&space, *mapping))
		assert_int_equal(model->written, space.all);
}

static void mappings_are_like_their_models(void **state)
{
	(void)state;
	uint64_t blocks = store_blocks_free(store);
	for (uint64_t run = 1; run <= 10; run++) {
		uint64_t seed = run;
		struct mapping mappings[MAPPINGS] = {{0}};
		struct model models[MAPPINGS];
		for (unsigned m = 0; m < MAPPINGS; m++) {
			models[m] = (struct model){0};
			memset(models[m].place, 0xff, sizeof(models[m].place));
		}
		for (unsigned step = 0; step < STEPS; step++) {
			unsigned m = (unsigned)random_below(&seed, MAPPINGS);
			change(&mappings[m], &models[m], &seed);
			if (step % 50 == 0)
				check_owners(models);
		}
		for (unsigned m = 0; m < MAPPINGS; m++) {
			mapping_release(&space, &mappings[m], space.all);
			check(mappings[m], &models[m], 0, 0);
		}
		check_owners(models);
		assert_int_equal(store_blocks_free(store), blocks);
		/* and all that was needed to describe them has been given back */
		uint32_t touched = space.scatters.touched;
		assert_true(touched > 0);
		void *scatters[MAPPINGS + 1];
		assert_true(touched <= MAPPINGS);
		for (uint32_t i = 0; i < touched; i++)
			scatters[i] = slab_take(&space.scatters);
		assert_int_equal(space.scatters.touched, touched);
		for (uint32_t i = 0; i < touched; i++)
			slab_give(&space.scatters, scatters[i]);
	}
}

/* What files usually look like is described in the mapping itself. */
static void usual_forms_take_8_bytes(void **state)
{
	(void)state;
	uint32_t per_block = space.geometry.per_block;
	struct mapping small = {0}, whole = {0}, reserved = {0}, tail = {0};
	assert_int_equal(sizeof(struct mapping), 8);
	assert_int_equal(mapping_take(&space, &small, 7, FRAGMENTS_PACKED, true), 7);
	assert_int_equal(
		mapping_take(&space, &whole, space.all, FRAGMENTS_PACKED, true), space.all);
	assert_int_equal(
		mapping_take(&space, &reserved, space.all, FRAGMENTS_PACKED, false), space.all);
	assert_int_equal(mapping_take(&space, &reserved, 24, FRAGMENTS_PACKED, true), 24);
	for (uint32_t i = 0; i < per_block; i++)
		mapping_take(&space, &tail, fragment_set(i, 1), FRAGMENTS_ROOMY, true);
	assert_int_equal(mapping_written(&space, tail), space.all);
	assert_false(mapping_is_full_and_scattered(&space, tail));
	assert_int_equal(
		mapping_take(&space, &reserved, space.all, FRAGMENTS_PACKED, true), space.all);
	mapping_release(&space, &whole, 0xf0);
	assert_int_equal(space.scatters.touched, 0);
	mapping_release(&space, &small, space.all);
	mapping_release(&space, &whole, space.all);
	mapping_release(&space, &reserved, space.all);
	mapping_release(&space, &tail, space.all);
	assert_int_equal(fragments_count_free(space.fragments), all_fragments());
}

/* Two that grow in turn can't both stay together; what is left of space is still found. */
static void scattered_mappings_use_every_fragment(void **state)
{
	(void)state;
	struct mapping mappings[MAPPINGS] = {{0}};
	uint64_t taken = 0, last;
	do {
		last = taken;
		for (unsigned m = 0; m < MAPPINGS; m++) {
			uint32_t has = mapping_allocated(&space, mappings[m]);
			uint32_t next = ~has & space.all;
			taken += next && mapping_take(&space, &mappings[m], next & -next,
						 FRAGMENTS_PACKED, true);
		}
	} while (taken > last);
	assert_int_equal(taken, all_fragments());
	struct mapping none = {0};
	assert_int_equal(mapping_take(&space, &none, 1, FRAGMENTS_PACKED, true), 0);
	assert_true(mapping_is_hole(none));
	assert_false(mapping_take_block(&space, &none));
	for (unsigned m = 0; m < MAPPINGS; m++)
		mapping_release(&space, &mappings[m], space.all);
	assert_int_equal(fragments_count_free(space.fragments), all_fragments());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_CODES(mappings_are_like_their_models, set_up),
		ON_BOTH_CODES(usual_forms_take_8_bytes, set_up),
		ON_BOTH_CODES(scattered_mappings_use_every_fragment, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
