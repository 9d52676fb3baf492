/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/* The map from block indices to mappings, against a plain list of what should be in it. */
#include "fs/block-map.h"

#include "fixture.h"

#include <stdlib.h>

#define PLACES 200u
#define INDEX_MAX ((uint64_t)INT64_MAX / 122880)

struct model {
	uint64_t index[PLACES]; /* ascending */
	bool mapped[PLACES];
	uint32_t detail[PLACES];
};

static struct slab nodes;

/* Near 0, at the borders of nodes of every level, and anywhere up to the last there can be. */
static int ascending(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return left < right ? -1 : left > right;
}

static void choose_places(struct model *model, uint64_t *seed)
{
	memset(model, 0, sizeof(*model));
	for (unsigned i = 0; i < PLACES; i++) {
		uint64_t border = 1ull << (6 * random_below(seed, 8));
		uint64_t index;
		switch (i % 3) {
		case 0:
			index = i;
			break;
		case 1:
			index = border - 1 + random_below(seed, 3);
			break;
		default:
			index = random_below(seed, INDEX_MAX + 1) >> random_below(seed, 46);
		}
		model->index[i] = index > INDEX_MAX ? INDEX_MAX : index;
	}
	qsort(model->index, PLACES, sizeof(model->index[0]), ascending);
}

static bool is_repeat(const struct model *model, unsigned place)
{
	return place > 0 && model->index[place] == model->index[place - 1];
}

static void check_same(struct block_map *map, const struct model *model)
{
	uint64_t next = 0;
	unsigned count = 0;
	for (unsigned i = 0; i < PLACES; i++) {
		if (is_repeat(model, i))
			continue;
		struct mapping mapping = block_map_get(map, model->index[i]);
		assert_int_equal(!mapping_is_hole(mapping), model->mapped[i]);
		if (!model->mapped[i])
			continue;
		assert_int_equal(mapping.detail, model->detail[i]);
		uint64_t found;
		assert_true(block_map_next(map, next, &found, &mapping));
		assert_int_equal(mapping.detail, model->detail[i]);
		assert_int_equal(found, model->index[i]);
		next = found + 1;
		count++;
	}
	uint64_t found;
	struct mapping mapping;
	assert_false(block_map_next(map, next, &found, &mapping));
	assert_int_equal(map->mapped, count);
}

static void count_given(void *user, struct mapping mapping)
{
	(void)mapping;
	++*(unsigned *)user;
}

static void remove_range(struct block_map *map, struct model *model, uint64_t *seed)
{
	uint64_t first = model->index[random_below(seed, PLACES)];
	uint64_t last = random_below(seed, 2) ? first : model->index[random_below(seed, PLACES)];
	unsigned given = 0, expected = 0;
	for (unsigned i = 0; i < PLACES; i++) {
		if (model->mapped[i] && model->index[i] >= first && model->index[i] <= last) {
			model->mapped[i] = false;
			expected++;
		}
	}
	block_map_remove(map, &nodes, first, last, count_given, &given);
	assert_int_equal(given, expected);
}

/* As many can be taken again as ever were, without touching another. */
static void check_no_node_is_taken(void)
{
	uint32_t touched = nodes.touched;
	void *taken[touched];
	for (uint32_t i = 0; i < touched; i++)
		taken[i] = slab_take(&nodes);
	assert_int_equal(nodes.touched, touched);
	for (uint32_t i = 0; i < touched; i++)
		slab_give(&nodes, taken[i]);
}

static void map_holds_what_was_put_in(void **state)
{
	(void)state;
	assert_int_equal(block_map_nodes_init(&nodes, 1000, 32000), 0);
	for (uint64_t run = 1; run <= 20; run++) {
		uint64_t seed = run;
		struct model model;
		struct block_map map = {0};
		choose_places(&model, &seed);
		for (unsigned step = 0; step < 400; step++) {
			unsigned place = (unsigned)random_below(&seed, PLACES);
			if (is_repeat(&model, place))
				continue;
			if (random_below(&seed, 8) == 0) {
				remove_range(&map, &model, &seed);
			} else if (!model.mapped[place]) {
				model.mapped[place] = true;
				model.detail[place] = step + 1;
				assert_int_equal(block_map_insert(&map, &nodes, model.index[place],
							 (struct mapping){.detail = step + 1}),
					0);
			} else {
				model.mapped[place] = random_below(&seed, 2);
				model.detail[place] = model.mapped[place] ? step + 1 : 0;
				block_map_change(&map, &nodes, model.index[place],
					(struct mapping){.detail = model.detail[place]});
			}
			check_same(&map, &model);
		}
		unsigned given = 0, left = map.mapped;
		block_map_remove(&map, &nodes, 0, UINT64_MAX, count_given, &given);
		assert_int_equal(given, left);
		assert_int_equal(map.mapped, 0);
		assert_int_equal(map.height, 0);
		check_no_node_is_taken();
	}
	slab_done(&nodes);
}

/* Without nodes a map stays as it was. */
static void map_without_nodes_is_unchanged(void **state)
{
	(void)state;
	struct slab few;
	assert_int_equal(block_map_nodes_init(&few, 1, 4), 0);
	const struct mapping mapping = {.detail = 5};
	struct block_map map = {0}, other = {0};
	assert_int_equal(block_map_insert(&map, &few, 3, mapping), 0);
	assert_int_equal(block_map_insert(&map, &few, 64 * 64 * 64 * 64, mapping), -ENOSPC);
	assert_int_equal(block_map_insert(&other, &few, 64 * 64 * 64, mapping), -ENOSPC);
	assert_int_equal(block_map_get(&map, 3).detail, 5);
	assert_int_equal(map.mapped, 1);
	assert_int_equal(other.mapped, 0);
	assert_int_equal(block_map_insert(&other, &few, 0, mapping), 0);
	block_map_change(&map, &few, 3, (struct mapping){0});
	assert_int_equal(block_map_insert(&map, &few, 64 * 64 * 64, mapping), 0);
	slab_done(&few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_holds_what_was_put_in),
		cmocka_unit_test(map_without_nodes_is_unchanged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
