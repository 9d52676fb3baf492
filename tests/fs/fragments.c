/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Fragments: each has one owner at a time, none gets lost, they lie as tightly or as roomily as was
 * asked, blocks that are free again go back to the pool, and there are none exactly when all are
 * taken; alone against a model and with 16 threads.
 */
#include "fs/fragments.h"

#include "fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 16
#define BLOCKS_MOST 64u

struct space {
	struct device *device;
	struct store *store;
	struct fragments *fragments;
	uint32_t blocks, per_block;
};

static struct space space_open(enum rs_code code, uint32_t blocks)
{
	struct space space = {0};
	struct store_options options = {
		.size = {.kind = SIZE_BYTES, .bytes = rs_region_bytes(code, blocks)},
		.code = code,
	};
	struct why why;

	REQUIRE(!device_open("host", &space.device, &why));
	REQUIRE(!store_open(space.device, &options, &space.store, &why));
	REQUIRE(!fragments_new(space.store, &space.fragments));
	space.blocks = (uint32_t)store_geometry(space.store)->blocks;
	space.per_block = fragment_geometry(store_geometry(space.store)).per_block;
	REQUIRE(space.blocks == blocks && blocks <= BLOCKS_MOST);
	return space;
}

/* Everything was given back. */
static void space_close(struct space *space)
{
	REQUIRE(store_blocks_free(space->store) == space->blocks);
	REQUIRE(fragments_count_free(space->fragments) == space->blocks * space->per_block);
	fragments_free(space->fragments);
	store_close(space->store);
	device_close(space->device);
}

static uint32_t bits(uint32_t first, uint32_t count)
{
	uint32_t set = 0;

	for (uint32_t i = first; i < first + count; i++)
		set |= 1u << i;
	return set;
}

static uint32_t run_length(uint32_t set, uint32_t first)
{
	uint32_t length = 0;

	while (first + length < 32 && set >> (first + length) & 1)
		length++;
	return length;
}

static uint32_t longest(uint32_t set)
{
	uint32_t length = 0, run = 0;

	for (; set; set >>= 1) {
		run = set & 1 ? run + 1 : 0;
		if (run > length)
			length = run;
	}
	return length;
}

static void geometry_is_whole_lines_of_at_least_4_kib(void **context)
{
	static const struct {
		struct store_geometry geometry;
		uint32_t bytes, per_block;
	} cases[] = {
		{{.block_payload = 131072, .line_payload = 128}, 4096, 32},
		{{.block_payload = 122880, .line_payload = 120}, 4200, 29},
	};

	(void)context;
	for (unsigned i = 0; i < 2; i++) {
		struct fragment_geometry found = fragment_geometry(&cases[i].geometry);

		assert_int_equal(found.bytes, cases[i].bytes);
		assert_int_equal(found.per_block, cases[i].per_block);
	}
}

/* What is free, as the test knows it. */
struct model {
	struct space space;
	uint32_t whole;
	uint32_t free[BLOCKS_MOST];
	struct fragment_run held[BLOCKS_MOST * FRAGMENTS_MAX];
	unsigned held_count;
	uint64_t random;
};

static struct model model_open(enum rs_code code, uint32_t blocks, uint64_t seed)
{
	struct model model = {.space = space_open(code, blocks), .random = seed};

	model.whole = bits(0, model.space.per_block);
	for (uint32_t block = 0; block < blocks; block++)
		model.free[block] = model.whole;
	return model;
}

static uint32_t model_longest(const struct model *model, bool shared_only)
{
	uint32_t length = 0;

	for (uint32_t block = 0; block < model->space.blocks; block++)
		if ((!shared_only || model->free[block] != model->whole) &&
			longest(model->free[block]) > length)
			length = longest(model->free[block]);
	return length;
}

/* Whether something is free of a block that is given out in fragments and not whole. */
static bool model_has_untouched(const struct model *model)
{
	for (uint32_t block = 0; block < model->space.blocks; block++)
		if (model->free[block] == model->whole)
			return true;
	return false;
}

static void check_counts(const struct model *model)
{
	uint32_t fragments = 0, blocks = 0;

	for (uint32_t block = 0; block < model->space.blocks; block++) {
		fragments += (uint32_t)__builtin_popcount(model->free[block]);
		blocks += model->free[block] == model->whole;
	}
	assert_int_equal(fragments_count_free(model->space.fragments), fragments);
	assert_int_equal(store_blocks_free(model->space.store), blocks);
}

static void check_place(const struct model *model, uint32_t count, enum fragment_place place,
	const struct fragment_run *run)
{
	uint32_t before = model->free[run->block];
	bool could_be_shared = model_longest(model, true) >= count;

	if (place == FRAGMENTS_ROOMY && model_has_untouched(model)) {
		assert_int_equal(before, model->whole);
		assert_int_equal(run->first, 0);
	}
	/* Packed: into a shared block, and in it where it fits best. */
	if (place == FRAGMENTS_PACKED && could_be_shared) {
		uint32_t behind = run->first ? before >> (run->first - 1) & 1 : 0;
		uint32_t length = run_length(before, run->first);

		assert_int_not_equal(before, model->whole);
		assert_false(behind);
		for (uint32_t first = 0; first < model->space.per_block; first++) {
			uint32_t other = run_length(before, first);

			if ((first == 0 || !(before >> (first - 1) & 1)) && other >= count)
				assert_true(length <= other);
		}
	}
}

static void model_take(struct model *model, uint32_t count, enum fragment_place place)
{
	uint32_t most = model_longest(model, false);
	struct fragment_run run;
	int err = fragments_take(model->space.fragments, count, place, &run);

	if (!most) {
		assert_int_equal(err, -ENOSPC);
		return;
	}
	assert_int_equal(err, 0);
	assert_int_equal(run.count, most < count ? most : count);
	assert_true(run.block < model->space.blocks);
	assert_int_equal(
		model->free[run.block] & bits(run.first, run.count), bits(run.first, run.count));
	if (most >= count)
		check_place(model, count, place, &run);
	model->free[run.block] &= ~bits(run.first, run.count);
	model->held[model->held_count++] = run;
}

static void model_extend(struct model *model, unsigned which, uint32_t count)
{
	struct fragment_run *run = &model->held[which];
	uint32_t first = run->first + run->count;
	uint32_t expected = first < 32 ? run_length(model->free[run->block], first) : 0;

	if (expected > count)
		expected = count;
	assert_int_equal(
		fragments_extend(model->space.fragments, run->block, first, count), expected);
	model->free[run->block] &= ~bits(first, expected);
	run->count += expected;
}

/* Some of the fragments of a run, or all; what is left of it, one fragment a run. */
static void model_give(struct model *model, unsigned which, bool all)
{
	struct fragment_run run = model->held[which];
	uint32_t set = bits(run.first, run.count);

	if (!all)
		set &= (uint32_t)random_next(&model->random);
	fragments_give(model->space.fragments, run.block, set);
	model->free[run.block] |= set;
	model->held[which] = model->held[--model->held_count];
	for (uint32_t i = run.first; i < run.first + run.count; i++)
		if (!(set >> i & 1))
			model->held[model->held_count++] =
				(struct fragment_run){.block = run.block, .first = i, .count = 1};
}

/* One operation; FULLNESS percent of the operations take. */
static void model_step(struct model *model, unsigned fullness)
{
	uint64_t *random = &model->random;
	uint32_t count = 1 + (uint32_t)random_below(random, model->space.per_block);

	if (random_below(random, 3))
		count = 1 + count % 5;
	if (random_below(random, 100) < fullness || !model->held_count)
		model_take(
			model, count, random_below(random, 4) ? FRAGMENTS_PACKED : FRAGMENTS_ROOMY);
	else if (random_below(random, 4) == 0)
		model_extend(model, (unsigned)random_below(random, model->held_count), count);
	else
		model_give(model, (unsigned)random_below(random, model->held_count),
			random_below(random, 3));
}

static void space_is_like_its_model(void **context)
{
	static const enum rs_code codes[] = {RS_136, RS_128};
	static const uint32_t sizes[] = {1, 3, 20, BLOCKS_MOST};

	(void)context;
	for (unsigned i = 0; i < 8; i++) {
		struct model model = model_open(codes[i % 2], sizes[i / 2], i);

		/* Filled and emptied in turn. */
		for (unsigned step = 0; step < 20000; step++) {
			model_step(&model, step / 2000 % 2 ? 30 : 70);
			if (step % 16 == 0)
				check_counts(&model);
		}
		while (model.held_count)
			model_give(&model, 0, true);
		check_counts(&model);
		space_close(&model.space);
	}
}

static void all_of_it_can_be_taken_in_any_pieces(void **context)
{
	(void)context;
	for (uint32_t count = 1; count <= 32; count++) {
		struct model model = model_open(count % 2 ? RS_136 : RS_128, 1 + count % 5, count);
		uint64_t left = fragments_count_free(model.space.fragments);
		struct fragment_run run;

		if (count > model.space.per_block) {
			space_close(&model.space);
			continue;
		}
		while (left) {
			model_take(&model, count, count % 3 ? FRAGMENTS_PACKED : FRAGMENTS_ROOMY);
			left -= model.held[model.held_count - 1].count;
			assert_int_equal(fragments_count_free(model.space.fragments), left);
		}
		assert_int_equal(
			fragments_take(model.space.fragments, 1, FRAGMENTS_PACKED, &run), -ENOSPC);
		assert_int_equal(fragments_take(model.space.fragments, model.space.per_block,
					 FRAGMENTS_ROOMY, &run),
			-ENOSPC);
		while (model.held_count)
			model_give(&model, 0, true);
		space_close(&model.space);
	}
}

/* Whether giving SET aborts. */
static bool giving_aborts(struct space *space, uint32_t block, uint32_t set)
{
	pid_t child = fork();
	int status;

	REQUIRE(child >= 0);
	if (!child) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		fragments_give(space->fragments, block, set);
		_exit(0);
	}
	REQUIRE(waitpid(child, &status, 0) == child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void giving_what_is_free_aborts(void **context)
{
	struct space space = space_open(RS_128, 2);
	struct fragment_run run;

	(void)context;
	assert_int_equal(fragments_take(space.fragments, 4, FRAGMENTS_ROOMY, &run), 0);
	assert_true(giving_aborts(&space, run.block, bits(4, 1)));
	assert_true(giving_aborts(&space, run.block, bits(0, 5)));
	assert_true(giving_aborts(&space, run.block, bits(0, 29))); /* the whole block */
	assert_true(giving_aborts(&space, run.block, bits(0, 1) | bits(29, 1))); /* no fragment */
	assert_true(giving_aborts(&space, 1 - run.block, bits(0, 1)));  /* one in the pool */
	assert_true(giving_aborts(&space, 1 - run.block, bits(0, 29))); /* wholly */
	assert_false(giving_aborts(&space, run.block, bits(0, 4)));
	fragments_give(space.fragments, run.block, bits(0, 4));
	assert_true(giving_aborts(&space, run.block, bits(0, 4)));
	space_close(&space);
}

struct shared {
	struct space space;
	_Atomic unsigned owner[BLOCKS_MOST][FRAGMENTS_MAX]; /* 0: nobody */
	unsigned rounds;
	sem_t tokens;
	int pipe[2];
};

struct worker {
	pthread_t thread;
	struct shared *shared;
	unsigned number;
	uint64_t random;
};

static void own(struct worker *worker, uint32_t block, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++)
		REQUIRE(!atomic_exchange(&worker->shared->owner[block][i], worker->number));
}

static void disown(struct worker *worker, uint32_t block, uint32_t set, unsigned owner)
{
	for (uint32_t i = 0; i < FRAGMENTS_MAX; i++)
		if (set >> i & 1)
			REQUIRE(atomic_exchange(&worker->shared->owner[block][i], 0) == owner);
}

static bool take(struct worker *worker, uint32_t count, struct fragment_run *ret_run)
{
	enum fragment_place place =
		random_below(&worker->random, 3) ? FRAGMENTS_PACKED : FRAGMENTS_ROOMY;
	int err = fragments_take(worker->shared->space.fragments, count, place, ret_run);

	REQUIRE(!err || err == -ENOSPC);
	if (!err) {
		REQUIRE(ret_run->count >= 1 && ret_run->count <= count);
		own(worker, ret_run->block, ret_run->first, ret_run->count);
	}
	return !err;
}

static void give(struct worker *worker, uint32_t block, uint32_t set)
{
	disown(worker, block, set, worker->number);
	fragments_give(worker->shared->space.fragments, block, set);
}

static void extend(struct worker *worker, struct fragment_run *run, uint32_t count)
{
	uint32_t more = fragments_extend(
		worker->shared->space.fragments, run->block, run->first + run->count, count);

	REQUIRE(more <= count);
	own(worker, run->block, run->first + run->count, more);
	run->count += more;
}

/* Take up to 8 runs, extend some, give some back from the beginning or whole. */
static void *take_and_give(void *argument)
{
	struct worker *worker = argument;
	uint32_t per_block = worker->shared->space.per_block;
	struct fragment_run held[8];
	unsigned count = 0;

	for (unsigned round = 0; round < worker->shared->rounds; round++) {
		uint32_t size = 1 + (uint32_t)random_below(&worker->random, per_block);
		unsigned which = count ? (unsigned)random_below(&worker->random, count) : 0;
		struct fragment_run *run = &held[which];

		if (random_below(&worker->random, 2)) {
			if (count < 8)
				count += take(worker,
					random_below(&worker->random, 4) ? 1 + size % 4 : size,
					&held[count]);
		} else if (count && random_below(&worker->random, 3) == 0) {
			extend(worker, run, size);
		} else if (count && random_below(&worker->random, 3) == 0 && run->count > 1) {
			give(worker, run->block, bits(run->first, 1));
			run->first++;
			run->count--;
		} else if (count) {
			give(worker, run->block, bits(run->first, run->count));
			*run = held[--count];
		}
	}
	while (count--)
		give(worker, held[count].block, bits(held[count].first, held[count].count));
	return NULL;
}

static void run_threads(struct shared *shared, void *(*body)(void *))
{
	struct worker workers[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.shared = shared, .number = i + 1, .random = i};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, body, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
}

static void threads_never_share_or_lose_a_fragment(void **context)
{
	/* Plenty; fewer than the threads want; hardly any. */
	static const uint32_t sizes[] = {BLOCKS_MOST, 12, 1};

	(void)context;
	for (unsigned i = 0; i < 6; i++) {
		struct shared shared = {.rounds = 40000};

		shared.space = space_open(i % 2 ? RS_136 : RS_128, sizes[i / 2]);
		run_threads(&shared, take_and_give);
		space_close(&shared.space);
	}
}

/*
 * Half of the threads take fragments, with a token for each there is, and hand them to the other
 * half, who give the fragment back first and then its token. So whoever has a token is owed one,
 * while the few that are free turn up and vanish in lists and in the pool.
 */
static void *take_with_token(struct worker *worker)
{
	for (unsigned round = 0; round < worker->shared->rounds; round++) {
		struct fragment_run run;

		sem_wait(&worker->shared->tokens);
		REQUIRE(take(worker, 1, &run));
		/* Its owner is the pipe from here on. */
		disown(worker, run.block, bits(run.first, 1), worker->number);
		REQUIRE(write(worker->shared->pipe[1], &run, sizeof(run)) == sizeof(run));
	}
	return NULL;
}

static void *give_then_token(struct worker *worker)
{
	for (unsigned round = 0; round < worker->shared->rounds; round++) {
		struct fragment_run run;

		REQUIRE(read(worker->shared->pipe[0], &run, sizeof(run)) == sizeof(run));
		fragments_give(
			worker->shared->space.fragments, run.block, bits(run.first, run.count));
		sem_post(&worker->shared->tokens);
	}
	return NULL;
}

static void *take_or_give(void *argument)
{
	struct worker *worker = argument;

	return worker->number % 2 ? take_with_token(worker) : give_then_token(worker);
}

static void a_take_never_fails_while_a_fragment_is_free(void **context)
{
	(void)context;
	/* With one token a block that was taken whole is given back whole each time. */
	for (unsigned tokens = 1; tokens <= 40; tokens *= 3) {
		struct shared shared = {.rounds = 10000};
		struct fragment_run kept[BLOCKS_MOST * FRAGMENTS_MAX];
		unsigned count = 0;

		shared.space = space_open(RS_136, 48);
		while (!fragments_take(shared.space.fragments, 32, FRAGMENTS_PACKED, &kept[count]))
			count++;
		/* One fragment of each of some blocks, or some whole blocks. */
		assert_int_equal(sem_init(&shared.tokens, 0, tokens + 2 * 32), 0);
		for (unsigned i = 0; i < tokens; i++)
			fragments_give(shared.space.fragments, kept[i].block, 1u << i % 32);
		fragments_give(shared.space.fragments, kept[46].block, UINT32_MAX);
		fragments_give(shared.space.fragments, kept[47].block, UINT32_MAX);
		assert_int_equal(pipe(shared.pipe), 0);
		run_threads(&shared, take_or_give);
		assert_int_equal(fragments_count_free(shared.space.fragments), tokens + 2 * 32);
		for (unsigned i = 0; i < 46; i++)
			fragments_give(shared.space.fragments, kept[i].block,
				i < tokens ? ~(1u << i % 32) : UINT32_MAX);
		close(shared.pipe[0]);
		close(shared.pipe[1]);
		space_close(&shared.space);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(geometry_is_whole_lines_of_at_least_4_kib),
		cmocka_unit_test(space_is_like_its_model),
		cmocka_unit_test(all_of_it_can_be_taken_in_any_pieces),
		cmocka_unit_test(giving_what_is_free_aborts),
		cmocka_unit_test(threads_never_share_or_lose_a_fragment),
		cmocka_unit_test(a_take_never_fails_while_a_fragment_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
