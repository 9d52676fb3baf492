/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A bitmap, and not a stack or a ring, for four reasons. A bit's word is its whole state, so there
 * is no ABA to guard against. Zeroed pages are a pool in which everything is free, so that nothing
 * needs filling. It takes 128 KiB for the million blocks of a 128 GiB region. And threads that
 * start to search at different places do not meet: each take and each give is one atomic operation
 * on a word of the bitmap that other threads rarely touch, and one on a counter of the thread's own
 * shard.
 *
 * A take searches from where its shard last found something. It walks far only when nearly all is
 * taken: with 1000 of a million blocks free it looks at 16 words on average, two cache lines. A
 * give into a word that was full moves the hint there, so that a full pool in which one block goes
 * and another comes is not searched at all.
 *
 * Exhaustion. That a search found nothing does not mean that nothing was free: a block may have
 * come back behind it while another went ahead of it. So every give counts itself, after it cleared
 * its bit, and a search that found nothing is believed only if no give was counted while it ran.
 * Then, at its end, only blocks whose give has not returned can be free: each other free block was
 * free all the time, and the search would have seen it. Otherwise the search is repeated; somebody
 * else's give got ahead each time that happens, so the pool as a whole never stands still.
 */
#include "store/pool.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Threads are spread over the shards in the order in which they first come. More than there are
 * processors in most machines; a shard may have several threads. */
#define POOL_SHARDS 64u
#define WORD_BITS 64u
#define WORD_FULL UINT64_MAX

struct pool_shard {
	_Alignas(64) _Atomic uint32_t hint; /* the word to search first */
	_Atomic uint64_t taken, given;      /* by the threads of this shard, ever */
};

struct pool {
	struct pool_shard shards[POOL_SHARDS];
	uint32_t capacity;
	uint32_t word_count;
	_Atomic uint64_t *words; /* a bit is set while its block is taken */
};

int pool_new(uint32_t capacity, struct pool **ret_pool)
{
	uint32_t used_in_last = capacity % WORD_BITS;
	struct pool *pool;

	assert(capacity > 0);
	pool = aligned_alloc(_Alignof(struct pool), sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	memset(pool, 0, sizeof(*pool));
	pool->capacity = capacity;
	pool->word_count = (uint32_t)(((uint64_t)capacity + WORD_BITS - 1) / WORD_BITS);
	/* calloc takes memory of this size fresh from the kernel and does not touch it. */
	pool->words = calloc(pool->word_count, sizeof(*pool->words));
	if (!pool->words) {
		free(pool);
		return -ENOMEM;
	}
	/* What the last word has beyond the capacity is never free. */
	if (used_in_last)
		atomic_init(&pool->words[pool->word_count - 1], WORD_FULL << used_in_last);
	for (unsigned i = 0; i < POOL_SHARDS; i++)
		atomic_init(&pool->shards[i].hint,
			(uint32_t)((uint64_t)pool->word_count * i / POOL_SHARDS));
	*ret_pool = pool;
	return 0;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	free(pool->words);
	free(pool);
}

static struct pool_shard *own_shard(struct pool *pool)
{
	static _Atomic unsigned threads;
	static __thread unsigned number; /* 0 until it has one */

	if (!number)
		number = 1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed);
	return &pool->shards[number % POOL_SHARDS];
}

static uint64_t count_given(const struct pool *pool)
{
	uint64_t given = 0;

	for (unsigned i = 0; i < POOL_SHARDS; i++)
		given += atomic_load_explicit(&pool->shards[i].given, memory_order_acquire);
	return given;
}

/* Take a block of one word; false if it is full. */
static bool take_from_word(struct pool *pool, uint32_t word, uint32_t *ret_block)
{
	uint64_t value = atomic_load_explicit(&pool->words[word], memory_order_acquire);

	while (value != WORD_FULL) {
		unsigned bit = (unsigned)__builtin_ctzll(~value);

		if (atomic_compare_exchange_weak_explicit(&pool->words[word], &value,
			    value | 1ull << bit, memory_order_acquire, memory_order_acquire)) {
			*ret_block = word * WORD_BITS + bit;
			return true;
		}
	}
	return false;
}

/* Go once around the bitmap. */
static bool search(struct pool *pool, struct pool_shard *shard, uint32_t *ret_block)
{
	uint32_t word = atomic_load_explicit(&shard->hint, memory_order_relaxed);

	for (uint32_t left = pool->word_count; left; left--) {
		if (take_from_word(pool, word, ret_block)) {
			atomic_store_explicit(&shard->hint, word, memory_order_relaxed);
			atomic_fetch_add_explicit(&shard->taken, 1, memory_order_relaxed);
			return true;
		}
		if (++word == pool->word_count)
			word = 0;
	}
	return false;
}

int pool_take(struct pool *pool, uint32_t *ret_block)
{
	struct pool_shard *shard = own_shard(pool);
	uint64_t given;

	/* The usual case does not have to look at the other shards' counters. */
	if (search(pool, shard, ret_block))
		return 0;
	do {
		given = count_given(pool);
		if (search(pool, shard, ret_block))
			return 0;
	} while (count_given(pool) != given);
	return -ENOSPC;
}

void pool_give(struct pool *pool, uint32_t block)
{
	struct pool_shard *shard = own_shard(pool);
	uint32_t word = block / WORD_BITS;
	uint64_t bit = 1ull << block % WORD_BITS;
	uint64_t before;

	assert(block < pool->capacity);
	before = atomic_fetch_and_explicit(&pool->words[word], ~bit, memory_order_release);
	assert(before & bit);
	if (before == WORD_FULL)
		atomic_store_explicit(&shard->hint, word, memory_order_relaxed);
	/* After the bit: see the top. */
	atomic_fetch_add_explicit(&shard->given, 1, memory_order_release);
}

uint64_t pool_count_free(const struct pool *pool)
{
	uint64_t given = count_given(pool), taken = 0;

	/* The gives were read first, and each had its take counted before it: taken >= given. The
	 * takes since then may make it look as if more than all were taken. */
	for (unsigned i = 0; i < POOL_SHARDS; i++)
		taken += atomic_load_explicit(&pool->shards[i].taken, memory_order_relaxed);
	return taken - given < pool->capacity ? pool->capacity - (taken - given) : 0;
}
