/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A block is in one of three states. Whole in the store's pool; all used, and in no list; or
 * shared: some of its fragments are free and some are not. A shared block is in a list of the
 * blocks whose longest free run is as long as its own, so that the best fit is the head of the
 * first list that is not empty. Which of its fragments are free is a set of 32 bits; for a block in
 * the pool all are, and so a fragment that is given back twice is noticed whatever has become of
 * its block.
 *
 * The lists are divided into shards by block number, with a lock each. A thread searches first
 * where it last found something, so that threads spread over the shards and stay there. Whoever
 * owns a whole block is alone with it: whole blocks go to the pool and come from it without a lock.
 *
 * Exhaustion. That a search of the pool and all shards found nothing does not mean that nothing was
 * free: something may have come back behind it, or was on its way from the pool to a list or from a
 * list to the pool. So whoever gives or moves free fragments counts itself before and after, and a
 * search that found nothing is believed only if no such move was under way at any moment of it.
 * Then all that was free at its end was free, and where it was, all the time; the search would have
 * seen it.
 */
#include "fs/fragments.h"

#include "fs/slab.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FRAGMENT_BYTES 4096u /* at least */
#define SHARDS 16u
#define NO_BLOCK UINT32_MAX

struct block_entry {
	_Atomic uint32_t free;   /* a bit a fragment; changed with the shard's lock held, or by the
				  * owner of the whole block */
	uint32_t next, previous; /* in its list, if it is in one; of the shard's lock */
};

struct shard {
	_Alignas(64) pthread_mutex_t lock;
	_Atomic uint32_t lists;        /* bit N - 1: list N is not empty */
	_Atomic uint32_t free;         /* fragments, of all its blocks */
	uint32_t heads[FRAGMENTS_MAX]; /* [N - 1]: of the blocks whose longest free run is N */
};

/* Of some of the threads. */
struct moves {
	_Alignas(64) _Atomic uint64_t begun;
	_Atomic uint64_t ended;
};

struct fragments {
	struct shard shards[SHARDS];
	struct moves moves[SHARDS];
	struct store *store;
	struct block_entry *blocks;
	size_t blocks_bytes;
	uint32_t per_block;
	uint32_t whole; /* the set of all fragments of a block */
};

struct fragment_geometry fragment_geometry(const struct store_geometry *geometry)
{
	uint32_t lines = (FRAGMENT_BYTES + geometry->line_payload - 1) / geometry->line_payload;

	return (struct fragment_geometry){
		.bytes = lines * geometry->line_payload,
		.per_block = KERNEL_BLOCK_LINES / lines,
	};
}

int fragments_new(struct store *store, struct fragments **ret_fragments)
{
	uint64_t blocks = store_geometry(store)->blocks;
	struct fragments *fragments;

	if (blocks > FRAGMENTS_MAX_BLOCKS)
		return -EOVERFLOW;
	fragments = aligned_alloc(_Alignof(struct fragments), sizeof(*fragments));
	if (!fragments)
		return -ENOMEM;
	memset(fragments, 0, sizeof(*fragments));
	fragments->store = store;
	fragments->per_block = fragment_geometry(store_geometry(store)).per_block;
	fragments->whole = fragment_set(0, fragments->per_block);
	fragments->blocks_bytes = blocks * sizeof(*fragments->blocks);
	fragments->blocks = table_new(fragments->blocks_bytes);
	if (!fragments->blocks) {
		free(fragments);
		return -ENOMEM;
	}
	for (uint64_t block = 0; block < blocks; block++)
		atomic_init(&fragments->blocks[block].free, fragments->whole);
	for (unsigned i = 0; i < SHARDS; i++)
		pthread_mutex_init(&fragments->shards[i].lock, NULL);
	*ret_fragments = fragments;
	return 0;
}

void fragments_free(struct fragments *fragments)
{
	if (!fragments)
		return;
	for (unsigned i = 0; i < SHARDS; i++)
		pthread_mutex_destroy(&fragments->shards[i].lock);
	table_free(fragments->blocks, fragments->blocks_bytes);
	free(fragments);
}

/* Which shard this thread searches first, plus 1; 0 until it has one. */
static __thread unsigned preferred;

static unsigned preferred_shard(void)
{
	static _Atomic unsigned threads;

	if (!preferred)
		preferred =
			1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % SHARDS;
	return preferred - 1;
}

static void prefer_shard_of(uint32_t block)
{
	preferred = 1 + block % SHARDS;
}

static struct shard *shard_of(struct fragments *fragments, uint32_t block)
{
	return &fragments->shards[block % SHARDS];
}

/* Free fragments are about to change places or to come back. */
static struct moves *move_begin(struct fragments *fragments)
{
	struct moves *moves = &fragments->moves[preferred_shard()];

	atomic_fetch_add(&moves->begun, 1);
	return moves;
}

static void move_end(struct moves *moves)
{
	atomic_fetch_add(&moves->ended, 1);
}

/* There was nothing to move: otherwise each search would see the others' as moves, and go on for as
 * long as they do. */
static void move_cancel(struct moves *moves)
{
	atomic_fetch_sub(&moves->begun, 1);
}

static uint64_t count_begun(const struct fragments *fragments)
{
	uint64_t begun = 0;

	for (unsigned i = 0; i < SHARDS; i++)
		begun += atomic_load(&fragments->moves[i].begun);
	return begun;
}

static uint64_t count_ended(const struct fragments *fragments)
{
	uint64_t ended = 0;

	for (unsigned i = 0; i < SHARDS; i++)
		ended += atomic_load(&fragments->moves[i].ended);
	return ended;
}

static uint32_t set_size(uint32_t set)
{
	return (uint32_t)__builtin_popcount(set);
}

/* How many bits of SET are set from FIRST on without a gap. */
static uint32_t run_at(uint32_t set, uint32_t first)
{
	uint64_t used = ~((uint64_t)set >> first);

	return (uint32_t)__builtin_ctzll(used);
}

static uint32_t longest_run(uint32_t set)
{
	uint32_t longest = 0;

	/* Each step cuts one bit off every run. */
	for (; set; set &= set << 1)
		longest++;
	return longest;
}

/* The shortest run of SET that has COUNT bits: where it begins. SET has such a run. */
static uint32_t best_run(uint32_t set, uint32_t count)
{
	uint32_t best = 0, best_length = UINT32_MAX;

	while (set) {
		uint32_t first = (uint32_t)__builtin_ctz(set);
		uint32_t length = run_at(set, first);

		if (length >= count && length < best_length) {
			best = first;
			best_length = length;
		}
		set &= ~fragment_set(first, length);
	}
	return best;
}

/* Called with the shard's lock held. */
static void list_insert(
	struct fragments *fragments, struct shard *shard, uint32_t block, uint32_t run)
{
	struct block_entry *entry = &fragments->blocks[block];
	uint32_t bit = 1u << (run - 1);

	entry->previous = NO_BLOCK;
	entry->next = shard->lists & bit ? shard->heads[run - 1] : NO_BLOCK;
	if (entry->next != NO_BLOCK)
		fragments->blocks[entry->next].previous = block;
	shard->heads[run - 1] = block;
	shard->lists |= bit;
}

/* Called with the shard's lock held. */
static void list_remove(
	struct fragments *fragments, struct shard *shard, uint32_t block, uint32_t run)
{
	struct block_entry *entry = &fragments->blocks[block];

	if (entry->next != NO_BLOCK)
		fragments->blocks[entry->next].previous = entry->previous;
	if (entry->previous != NO_BLOCK)
		fragments->blocks[entry->previous].next = entry->next;
	else if (entry->next != NO_BLOCK)
		shard->heads[run - 1] = entry->next;
	else
		shard->lists &= ~(1u << (run - 1));
}

/* From now on the fragments of AFTER are the free ones of a block that is not in the pool, and the
 * block is in the list where it belongs. A block that has become whole is in none: it is the
 * caller's then. Called with the shard's lock held. */
static void set_free(
	struct fragments *fragments, struct shard *shard, uint32_t block, uint32_t after)
{
	struct block_entry *entry = &fragments->blocks[block];
	uint32_t before = entry->free;
	uint32_t run_before = longest_run(before);
	uint32_t run_after = after == fragments->whole ? 0 : longest_run(after);

	atomic_store_explicit(&entry->free, after, memory_order_relaxed);
	if (run_before != run_after) {
		if (run_before)
			list_remove(fragments, shard, block, run_before);
		if (run_after)
			list_insert(fragments, shard, block, run_after);
	}
	shard->free += (run_after ? set_size(after) : 0) - set_size(before);
}

/* From the block in SHARD in whose longest run COUNT fits best, or, without such a one, from that
 * with the longest run if any length will do. Called with the shard's lock held. */
static bool take_in_shard(struct fragments *fragments, struct shard *shard, uint32_t count,
	bool any_length, struct fragment_run *ret_run)
{
	uint32_t fitting = shard->lists & ~fragment_set(0, count - 1);
	uint32_t list, block, free, first;

	if (!fitting && any_length && shard->lists) {
		count = FRAGMENTS_MAX - (uint32_t)__builtin_clz(shard->lists);
		fitting = 1u << (count - 1);
	}
	if (!fitting)
		return false;
	list = (uint32_t)__builtin_ctz(fitting);
	block = shard->heads[list];
	free = fragments->blocks[block].free;
	first = best_run(free, count);
	set_free(fragments, shard, block, free & ~fragment_set(first, count));
	*ret_run = (struct fragment_run){.block = block, .first = first, .count = count};
	return true;
}

/* COUNT fragments of a shared block. SURELY: what other threads are just changing is waited for,
 * not overlooked. */
static bool take_shared(
	struct fragments *fragments, uint32_t count, bool surely, struct fragment_run *ret_run)
{
	unsigned first = preferred_shard();

	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *shard = &fragments->shards[(first + i) % SHARDS];
		bool taken;

		if (!surely && !(shard->lists & ~fragment_set(0, count - 1)))
			continue;
		pthread_mutex_lock(&shard->lock);
		taken = take_in_shard(fragments, shard, count, false, ret_run);
		pthread_mutex_unlock(&shard->lock);
		if (taken)
			return true;
	}
	return false;
}

/* COUNT fragments at the beginning of a block of the pool; the rest can be had by others. */
static bool take_new(struct fragments *fragments, uint32_t count, struct fragment_run *ret_run)
{
	struct moves *moves = NULL;
	uint32_t block;
	bool taken;

	if (count < fragments->per_block)
		moves = move_begin(fragments);
	taken = !store_block_take(fragments->store, &block);
	if (taken) {
		atomic_store_explicit(&fragments->blocks[block].free, 0, memory_order_relaxed);
		*ret_run = (struct fragment_run){.block = block, .count = count};
	}
	if (taken && moves) {
		struct shard *shard = shard_of(fragments, block);

		pthread_mutex_lock(&shard->lock);
		set_free(fragments, shard, block, fragments->whole & ~fragment_set(0, count));
		pthread_mutex_unlock(&shard->lock);
	}
	if (moves && taken)
		move_end(moves);
	else if (moves)
		move_cancel(moves);
	return taken;
}

/* The shard with the longest run, NULL if nothing is free in any. */
static struct shard *shard_with_longest_run(struct fragments *fragments)
{
	struct shard *longest = NULL;
	uint32_t longest_lists = 0;

	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *shard = &fragments->shards[i];
		uint32_t lists;

		pthread_mutex_lock(&shard->lock);
		lists = shard->lists;
		pthread_mutex_unlock(&shard->lock);
		if (lists > longest_lists) {
			longest_lists = lists;
			longest = shard;
		}
	}
	return longest;
}

/* The longest run, or what the first of equally long ones has if there are COUNT by now. */
static bool take_longest(struct fragments *fragments, uint32_t count, struct fragment_run *ret_run)
{
	struct shard *shard;
	bool taken = false;

	/* Somebody else may be faster; then there is a new longest. */
	while (!taken && (shard = shard_with_longest_run(fragments))) {
		pthread_mutex_lock(&shard->lock);
		taken = take_in_shard(fragments, shard, count, true, ret_run);
		pthread_mutex_unlock(&shard->lock);
	}
	return taken;
}

/* When no block that is known to be shared has COUNT. Nothing is found only if there is nothing:
 * see the top. */
static err_t take_anywhere(
	struct fragments *fragments, uint32_t count, struct fragment_run *ret_run)
{
	for (;;) {
		uint64_t ended = count_ended(fragments);

		if ((store_blocks_free(fragments->store) && take_new(fragments, count, ret_run)) ||
			take_shared(fragments, count, true, ret_run) ||
			take_longest(fragments, count, ret_run))
			return 0;
		if (count_begun(fragments) == ended)
			return -ENOSPC;
		sched_yield();
	}
}

int fragments_take(struct fragments *fragments, uint32_t count, enum fragment_place place,
	struct fragment_run *ret_run)
{
	int err = 0;

	assert(count >= 1 && count <= fragments->per_block);
	if (!((place == FRAGMENTS_ROOMY || count == fragments->per_block) &&
		    take_new(fragments, count, ret_run)) &&
		!take_shared(fragments, count, false, ret_run))
		err = take_anywhere(fragments, count, ret_run);
	if (!err)
		prefer_shard_of(ret_run->block);
	return err;
}

uint32_t fragments_extend(
	struct fragments *fragments, uint32_t block, uint32_t first, uint32_t count)
{
	struct block_entry *entry = &fragments->blocks[block];
	struct shard *shard = shard_of(fragments, block);
	uint32_t free, run;

	/* Usually it is somebody else's: that can be seen without the lock. */
	if (first >= fragments->per_block || !(entry->free & fragment_set(first, 1)))
		return 0;
	pthread_mutex_lock(&shard->lock);
	free = entry->free;
	assert(free != fragments->whole);
	run = run_at(free, first);
	if (run > count)
		run = count;
	if (run)
		set_free(fragments, shard, block, free & ~fragment_set(first, run));
	pthread_mutex_unlock(&shard->lock);
	return run;
}

/* A fragment that had two owners is worse than an end. */
static void check_given(const struct fragments *fragments, uint32_t free, uint32_t set)
{
	if (free & set || set & ~fragments->whole)
		abort();
}

void fragments_give(struct fragments *fragments, uint32_t block, uint32_t set)
{
	struct block_entry *entry = &fragments->blocks[block];
	struct moves *moves;
	bool whole = set == fragments->whole;

	if (!set)
		return;
	moves = move_begin(fragments);
	if (whole) {
		check_given(fragments, atomic_exchange(&entry->free, fragments->whole), set);
	} else {
		struct shard *shard = shard_of(fragments, block);

		pthread_mutex_lock(&shard->lock);
		check_given(fragments, entry->free, set);
		set_free(fragments, shard, block, entry->free | set);
		whole = entry->free == fragments->whole;
		pthread_mutex_unlock(&shard->lock);
	}
	if (whole)
		store_block_give(fragments->store, block);
	move_end(moves);
}

uint64_t fragments_count_free(const struct fragments *fragments)
{
	uint64_t free = store_blocks_free(fragments->store) * fragments->per_block;

	for (unsigned i = 0; i < SHARDS; i++)
		free += atomic_load_explicit(&fragments->shards[i].free, memory_order_relaxed);
	return free;
}
