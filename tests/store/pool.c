/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The pool of free blocks: each block has one owner at a time, none gets lost, and it is empty
 * exactly when all are taken; alone and with 16 threads.
 */
#include "store/pool.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define THREADS 16
#define SPREAD (64 * 2048u) /* 2048 words of the bitmap */
#define FREE_BLOCKS 4u
#define IN_PIPE UINT32_MAX

static void every_block_is_given_out_once(void **context)
{
	static const uint32_t capacities[] = {1, 2, 63, 64, 65, 1000, 4096, 100003};

	(void)context;
	for (size_t i = 0; i < sizeof(capacities) / sizeof(*capacities); i++) {
		uint32_t capacity = capacities[i], block;
		bool *seen = calloc(capacity, sizeof(*seen));
		struct pool *pool;

		assert_int_equal(pool_new(capacity, &pool), 0);
		assert_int_equal(pool_count_free(pool), capacity);
		for (uint32_t taken = 0; taken < capacity; taken++) {
			assert_int_equal(pool_take(pool, &block), 0);
			assert_true(block < capacity);
			assert_false(seen[block]);
			seen[block] = true;
		}
		assert_int_equal(pool_count_free(pool), 0);
		assert_int_equal(pool_take(pool, &block), -ENOSPC);
		/* Any one that comes back is found, wherever it is. */
		for (uint32_t back = 0; back < capacity; back += 1 + capacity / 50) {
			pool_give(pool, back);
			assert_int_equal(pool_count_free(pool), 1);
			assert_int_equal(pool_take(pool, &block), 0);
			assert_int_equal(block, back);
			assert_int_equal(pool_take(pool, &block), -ENOSPC);
		}
		pool_free(pool);
		free(seen);
	}
}

static void the_largest_pool_costs_nothing_to_make(void **context)
{
	struct pool *pool;
	uint32_t block;

	(void)context;
	assert_int_equal(pool_new(UINT32_MAX, &pool), 0);
	assert_int_equal(pool_count_free(pool), UINT32_MAX);
	assert_int_equal(pool_take(pool, &block), 0);
	pool_give(pool, block);
	assert_int_equal(pool_count_free(pool), UINT32_MAX);
	pool_free(pool);
}

struct shared {
	struct pool *pool;
	uint32_t capacity;
	_Atomic uint32_t *owner; /* of each block; 0: nobody */
	_Atomic unsigned wrong, taken;
	unsigned rounds;
	sem_t tokens;
	int pipe[2];
};

struct worker {
	pthread_t thread;
	struct shared *shared;
	unsigned number;
};

static void take(struct worker *worker, uint32_t *ret_block, bool *ret_taken)
{
	struct shared *shared = worker->shared;
	int err = pool_take(shared->pool, ret_block);

	*ret_taken = !err;
	if (err && err != -ENOSPC)
		atomic_fetch_add(&shared->wrong, 1);
	if (!err && atomic_exchange(&shared->owner[*ret_block], worker->number))
		atomic_fetch_add(&shared->wrong, 1);
}

static void give(struct worker *worker, uint32_t block)
{
	struct shared *shared = worker->shared;

	if (atomic_exchange(&shared->owner[block], 0) != worker->number)
		atomic_fetch_add(&shared->wrong, 1);
	pool_give(shared->pool, block);
}

/* Take up to 8, give some back, in a random order. */
static void *take_and_give(void *argument)
{
	struct worker *worker = argument;
	unsigned seed = worker->number;
	uint32_t held[8];
	unsigned count = 0;
	bool taken;

	for (unsigned round = 0; round < worker->shared->rounds; round++) {
		if (count < 8 && rand_r(&seed) % 2) {
			take(worker, &held[count], &taken);
			count += taken;
		} else if (count) {
			unsigned which = rand_r(&seed) % count;

			give(worker, held[which]);
			held[which] = held[--count];
		}
	}
	while (count)
		give(worker, held[--count]);
	return NULL;
}

static void run_threads(struct shared *shared, void *(*body)(void *))
{
	struct worker workers[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.shared = shared, .number = i + 1};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, body, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
}

static void shared_init(struct shared *shared, uint32_t capacity, unsigned rounds)
{
	*shared = (struct shared){.capacity = capacity, .rounds = rounds};
	shared->owner = calloc(capacity, sizeof(*shared->owner));
	assert_non_null(shared->owner);
	assert_int_equal(pool_new(capacity, &shared->pool), 0);
}

static void shared_done(struct shared *shared)
{
	pool_free(shared->pool);
	free(shared->owner);
}

static void threads_never_share_or_lose_a_block(void **context)
{
	/* Plenty; fewer than the threads want; hardly any. */
	static const uint32_t capacities[] = {100000, 70, 3};

	(void)context;
	for (size_t i = 0; i < sizeof(capacities) / sizeof(*capacities); i++) {
		struct shared shared;
		uint32_t block;

		shared_init(&shared, capacities[i], 100000);
		run_threads(&shared, take_and_give);
		assert_int_equal(shared.wrong, 0);
		assert_int_equal(pool_count_free(shared.pool), capacities[i]);
		for (uint32_t taken = 0; taken < capacities[i]; taken++)
			assert_int_equal(pool_take(shared.pool, &block), 0);
		assert_int_equal(pool_take(shared.pool, &block), -ENOSPC);
		shared_done(&shared);
	}
}

static void *take_until_empty(void *argument)
{
	struct worker *worker = argument;
	uint32_t block;
	bool taken;

	for (;;) {
		take(worker, &block, &taken);
		if (!taken)
			return NULL;
		atomic_fetch_add(&worker->shared->taken, 1);
	}
}

static void threads_together_take_exactly_all(void **context)
{
	(void)context;
	for (uint32_t capacity = 1; capacity < 60000; capacity = capacity * 3 + 1) {
		struct shared shared;

		shared_init(&shared, capacity, 0);
		run_threads(&shared, take_until_empty);
		assert_int_equal(shared.wrong, 0);
		assert_int_equal(shared.taken, capacity);
		assert_int_equal(pool_count_free(shared.pool), 0);
		shared_done(&shared);
	}
}

/*
 * Half of the threads take blocks, with one token for each block there is, and hand them to the
 * other half, who give the block back first and then its token. So whoever has a token is owed a
 * block, while the few that are free turn up behind and vanish ahead of the search for them.
 */
static void *take_with_token(void *argument)
{
	struct worker *worker = argument;
	struct shared *shared = worker->shared;
	uint32_t block;
	bool taken;

	for (unsigned round = 0; round < shared->rounds; round++) {
		sem_wait(&shared->tokens);
		do {
			take(worker, &block, &taken);
			if (!taken)
				atomic_fetch_add(&shared->wrong, 1);
		} while (!taken);
		/* Its owner is the pipe from here on. */
		atomic_store(&shared->owner[block], IN_PIPE);
		if (write(shared->pipe[1], &block, sizeof(block)) != sizeof(block))
			abort();
	}
	return NULL;
}

static void *give_then_token(void *argument)
{
	struct worker *worker = argument;
	struct shared *shared = worker->shared;
	uint32_t block;

	for (unsigned round = 0; round < shared->rounds; round++) {
		if (read(shared->pipe[0], &block, sizeof(block)) != sizeof(block))
			abort();
		if (atomic_exchange(&shared->owner[block], 0) != IN_PIPE)
			atomic_fetch_add(&shared->wrong, 1);
		pool_give(shared->pool, block);
		sem_post(&shared->tokens);
	}
	return NULL;
}

static void *take_or_give(void *argument)
{
	struct worker *worker = argument;

	return worker->number % 2 ? take_with_token(argument) : give_then_token(argument);
}

static void a_take_never_fails_while_a_block_is_free(void **context)
{
	struct shared shared;
	uint32_t block;

	(void)context;
	/* Far apart, for searches that take long. */
	shared_init(&shared, SPREAD * FREE_BLOCKS, 6000);
	for (uint32_t i = 0; i < shared.capacity; i++)
		assert_int_equal(pool_take(shared.pool, &block), 0);
	for (unsigned i = 0; i < FREE_BLOCKS; i++)
		pool_give(shared.pool, i * SPREAD + 17);
	assert_int_equal(sem_init(&shared.tokens, 0, FREE_BLOCKS), 0);
	assert_int_equal(pipe(shared.pipe), 0);
	run_threads(&shared, take_or_give);
	assert_int_equal(shared.wrong, 0);
	assert_int_equal(pool_count_free(shared.pool), FREE_BLOCKS);
	close(shared.pipe[0]);
	close(shared.pipe[1]);
	shared_done(&shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_block_is_given_out_once),
		cmocka_unit_test(the_largest_pool_costs_nothing_to_make),
		cmocka_unit_test(threads_never_share_or_lose_a_block),
		cmocka_unit_test(threads_together_take_exactly_all),
		cmocka_unit_test(a_take_never_fails_while_a_block_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
