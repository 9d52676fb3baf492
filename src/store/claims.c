/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Exact ordering of the jobs that touch the same lines, without a lock that all jobs take.
 *
 * The table has CLAIMS_STRIDE shards, and a block's claims are all in one of them, in the order in
 * which they were entered. A new claim looks at the earlier ones in its shard and counts those that
 * it conflicts with: its job's blockers. When a job has ended, each of its claims is taken out and
 * each later claim that it conflicted with loses one blocker; whoever takes the last one away gets
 * that job to launch. A reader that comes after a waiting writer waits behind it, so nobody
 * starves.
 *
 * A job is entered in two phases: the locks of all shards it needs are taken first, in ascending
 * order, and held until all its claims are in. Entering them shard by shard would let two jobs that
 * both need blocks a and b come in different orders in the two shards; each would then wait for the
 * other, for ever. With all locks held, of two jobs with a shard in common one is entered wholly
 * before the other, "waits for" always points to the job that was entered earlier, and so it has no
 * cycle. Taking locks in ascending order is what keeps the locking itself from deadlocking. Leaving
 * needs no such care: it only ever unblocks.
 *
 * No decrement can be lost or come early. A pair of conflicting claims is counted while the shard
 * is locked and the earlier one is in it, and uncounted when the earlier one is taken out, with the
 * shard locked as well; and nobody can take an earlier one out before the count is complete, since
 * for that the locks must be released.
 *
 * Shards are chosen by the low bits of the block number: the blocks of one job and the blocks taken
 * by one thread are mostly neighbours, which this spreads best. The locks are held for some ten
 * nanoseconds a claim and never across a call into the device, hence spinlocks.
 */
#include "store/claims.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS CLAIMS_STRIDE
#define SET_BITS 64u
#define SET_WORDS (SHARDS / SET_BITS)
#define SPINS_BEFORE_YIELD 100u

struct shard {
	_Alignas(64) atomic_flag locked;
	struct claim *first, *last; /* first: entered first */
};

struct claims {
	struct shard shards[SHARDS];
};

/* A set of shards; going through its bits from the lowest is going through the shards in ascending
 * order, each once. */
struct shard_set {
	uint64_t words[SET_WORDS];
};

int claims_new(struct claims **ret_claims)
{
	struct claims *claims = aligned_alloc(_Alignof(struct claims), sizeof(*claims));

	if (!claims)
		return -ENOMEM;
	memset(claims, 0, sizeof(*claims));
	for (unsigned i = 0; i < SHARDS; i++)
		atomic_flag_clear(&claims->shards[i].locked);
	*ret_claims = claims;
	return 0;
}

void claims_free(struct claims *claims)
{
	free(claims);
}

static void shard_lock(struct shard *shard)
{
	unsigned spins = 0;

	while (atomic_flag_test_and_set_explicit(&shard->locked, memory_order_acquire)) {
		/* Its holder may have lost the processor we are spinning on. */
		if (++spins % SPINS_BEFORE_YIELD == 0)
			sched_yield();
	}
}

static void shard_unlock(struct shard *shard)
{
	atomic_flag_clear_explicit(&shard->locked, memory_order_release);
}

static unsigned shard_number(uint32_t block)
{
	return block % SHARDS;
}

static void for_each_shard(
	struct claims *claims, const struct shard_set *set, void (*action)(struct shard *))
{
	for (unsigned word = 0; word < SET_WORDS; word++)
		for (uint64_t bits = set->words[word]; bits; bits &= bits - 1)
			action(&claims->shards[word * SET_BITS + (unsigned)__builtin_ctzll(bits)]);
}

bool claims_conflict(const struct claim *a, const struct claim *b)
{
	return shard_number(a->block) == shard_number(b->block) && a->block <= b->last_block &&
	       b->block <= a->last_block && a->first_line <= b->last_line &&
	       b->first_line <= a->last_line && (a->write || b->write);
}

/* Put CLAIM behind the others of its shard and return how many of other holders' stand in its way.
 * Called with the shard locked. */
static unsigned shard_append(struct shard *shard, struct claim *claim)
{
	unsigned blockers = 0;

	for (const struct claim *earlier = shard->first; earlier; earlier = earlier->next) {
		if (!claims_conflict(earlier, claim))
			continue;
		if (earlier->holder == claim->holder)
			claim->holder->conflicts_with_itself = true;
		else
			blockers++;
	}
	claim->next = NULL;
	claim->previous = shard->last;
	if (shard->last)
		shard->last->next = claim;
	else
		shard->first = claim;
	shard->last = claim;
	return blockers;
}

bool claims_enter(struct claims *claims, struct claim_holder *holder)
{
	struct shard_set set = {0};
	unsigned blockers = 0;

	for (unsigned i = 0; i < holder->claim_count; i++) {
		unsigned number = shard_number(holder->claims[i].block);

		set.words[number / SET_BITS] |= 1ull << number % SET_BITS;
		holder->claims[i].holder = holder;
	}
	holder->conflicts_with_itself = false;

	for_each_shard(claims, &set, shard_lock);
	for (unsigned i = 0; i < holder->claim_count; i++) {
		struct claim *claim = &holder->claims[i];

		blockers += shard_append(&claims->shards[shard_number(claim->block)], claim);
	}
	/* Before the locks are released: from then on it is counted down. */
	atomic_store_explicit(&holder->blockers, blockers, memory_order_relaxed);
	for_each_shard(claims, &set, shard_unlock);
	return blockers == 0;
}

/* Called with the shard locked. */
static void shard_remove(struct shard *shard, struct claim *claim)
{
	if (claim->previous)
		claim->previous->next = claim->next;
	else
		shard->first = claim->next;
	if (claim->next)
		claim->next->previous = claim->previous;
	else
		shard->last = claim->previous;
}

struct claim_holder *claims_leave(struct claims *claims, struct claim_holder *holder)
{
	struct claim_holder *free_first = NULL, **free_end = &free_first;

	for (unsigned i = 0; i < holder->claim_count; i++) {
		struct claim *claim = &holder->claims[i];
		struct shard *shard = &claims->shards[shard_number(claim->block)];

		shard_lock(shard);
		for (struct claim *later = claim->next; later; later = later->next) {
			struct claim_holder *waiting = later->holder;

			if (waiting == holder || !claims_conflict(claim, later))
				continue;
			/* acq_rel: the thread that gets it sees what all its obstacles did. */
			if (atomic_fetch_sub_explicit(
				    &waiting->blockers, 1, memory_order_acq_rel) == 1) {
				waiting->next_free = NULL;
				*free_end = waiting;
				free_end = &waiting->next_free;
			}
		}
		shard_remove(shard, claim);
		shard_unlock(shard);
	}
	return free_first;
}
