/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The ordering of jobs by the lines they touch: who waits for whom, that all get their turn, and
 * that two that conflict are never under way at once.
 */
#include "store/claims.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static struct claims *claims;

static int set_up(void **context)
{
	(void)context;
	return claims_new(&claims);
}

static int tear_down(void **context)
{
	(void)context;
	claims_free(claims);
	return 0;
}

struct holder {
	struct claim_holder base; /* first: what claims_leave() returns is cast back */
	struct claim claims[64];
	atomic_bool may_go;
};

static void add(struct holder *holder, uint32_t block, unsigned first, unsigned last, bool write)
{
	holder->base.claims = holder->claims;
	holder->claims[holder->base.claim_count++] = (struct claim){.block = block,
		.last_block = block,
		.first_line = (uint16_t)first,
		.last_line = (uint16_t)last,
		.write = write};
}

static bool enter(struct holder *holder)
{
	return claims_enter(claims, &holder->base);
}

static struct holder *leave(struct holder *holder)
{
	return (struct holder *)claims_leave(claims, &holder->base);
}

static void readers_of_a_line_run_together(void **context)
{
	struct holder a = {}, b = {};

	(void)context;
	add(&a, 7, 0, 1023, false);
	add(&b, 7, 5, 5, false);
	assert_true(enter(&a));
	assert_true(enter(&b));
	assert_null(leave(&a));
	assert_null(leave(&b));
}

static void neighbouring_lines_and_blocks_do_not_conflict(void **context)
{
	struct holder a = {}, b = {}, c = {};

	(void)context;
	add(&a, 7, 10, 19, true);
	add(&b, 7, 20, 29, true);
	add(&b, 7, 0, 9, true);
	add(&c, 7 + CLAIMS_STRIDE, 10, 19, true); /* the same shard */
	assert_true(enter(&a));
	assert_true(enter(&b));
	assert_true(enter(&c));
	assert_null(leave(&b));
	assert_null(leave(&a));
	assert_null(leave(&c));
}

static void a_claim_can_be_of_every_so_many_blocks(void **context)
{
	const uint32_t blocks[] = {7, 7 + CLAIMS_STRIDE, 7 + 3 * CLAIMS_STRIDE};
	const uint32_t others[] = {8, 7 + 4 * CLAIMS_STRIDE, 6 + CLAIMS_STRIDE};
	struct holder range = {}, second_range = {};

	(void)context;
	add(&range, 7, 0, 1023, true);
	range.claims[0].last_block = 7 + 3 * CLAIMS_STRIDE;
	assert_true(enter(&range));
	for (unsigned i = 0; i < 3; i++) {
		struct holder within = {}, outside = {};

		add(&within, blocks[i], 3, 3, false);
		assert_false(enter(&within));
		assert_null(leave(&within));
		add(&outside, others[i], 3, 3, true);
		assert_true(enter(&outside));
		assert_null(leave(&outside));
	}
	add(&second_range, 7 + 2 * CLAIMS_STRIDE, 0, 0, false);
	second_range.claims[0].last_block = 7 + 9 * CLAIMS_STRIDE;
	assert_false(enter(&second_range));
	assert_ptr_equal(leave(&range), &second_range);
	assert_null(leave(&second_range));
}

static void conflicting_jobs_go_in_the_order_they_came(void **context)
{
	struct holder writer = {}, reader_1 = {}, reader_2 = {}, last = {};
	struct holder *freed;

	(void)context;
	add(&writer, 3, 0, 10, true);
	add(&reader_1, 3, 10, 20, false);
	add(&reader_2, 3, 5, 5, false);
	add(&last, 3, 5, 15, true);
	assert_true(enter(&writer));
	assert_false(enter(&reader_1));
	assert_false(enter(&reader_2));
	assert_false(enter(&last));
	freed = leave(&writer);
	assert_ptr_equal(freed, &reader_1);
	assert_ptr_equal(freed->base.next_free, &reader_2);
	assert_null(reader_2.base.next_free);
	assert_null(leave(&reader_2));
	assert_ptr_equal(leave(&reader_1), &last);
	assert_null(leave(&last));
}

static void a_reader_waits_behind_a_waiting_writer(void **context)
{
	struct holder first = {}, writer = {}, second = {};

	(void)context;
	add(&first, 3, 0, 0, false);
	add(&writer, 3, 0, 0, true);
	add(&second, 3, 0, 0, false);
	assert_true(enter(&first));
	assert_false(enter(&writer));
	assert_false(enter(&second));
	assert_ptr_equal(leave(&first), &writer);
	assert_ptr_equal(leave(&writer), &second);
	assert_null(leave(&second));
}

static void a_job_that_meets_another_twice_is_freed_once(void **context)
{
	struct holder a = {}, b = {};

	(void)context;
	add(&a, 1, 0, 5, true);
	add(&a, 1, 10, 15, true);
	add(&a, 2, 0, 5, false);
	add(&b, 2, 3, 3, true);
	add(&b, 1, 4, 11, true);
	assert_true(enter(&a));
	assert_false(enter(&b));
	assert_int_equal(b.base.blockers, 3);
	assert_ptr_equal(leave(&a), &b);
	assert_null(b.base.next_free);
	assert_null(leave(&b));
}

static void a_job_does_not_wait_for_itself(void **context)
{
	struct holder a = {}, b = {};

	(void)context;
	add(&a, 1, 0, 5, true);
	add(&a, 1, 5, 9, true);
	assert_true(enter(&a));
	assert_true(a.base.conflicts_with_itself);
	assert_null(leave(&a));
	add(&b, 1, 0, 5, false);
	add(&b, 1, 5, 9, false);
	assert_true(enter(&b));
	assert_false(b.base.conflicts_with_itself);
	assert_null(leave(&b));
}

/* Many threads, few lines: counts of who is on each line catch two that must not be there at once;
 * a job that is never freed hangs the test. */
#define THREADS 8
#define BLOCKS 6
#define LINES 16
#define ROUNDS 2000

static _Atomic int readers[BLOCKS][LINES], writers[BLOCKS][LINES];
static _Atomic unsigned collisions;

static void mark(const struct holder *holder, int step)
{
	for (unsigned i = 0; i < holder->base.claim_count; i++) {
		const struct claim *claim = &holder->claims[i];

		for (unsigned line = claim->first_line; line <= claim->last_line; line++) {
			_Atomic int *reading = &readers[claim->block % 1024][line];
			_Atomic int *writing = &writers[claim->block % 1024][line];

			atomic_fetch_add(claim->write ? writing : reading, step);
			if (step > 0 && (*writing > 1 || (*writing && *reading)))
				atomic_fetch_add(&collisions, 1);
		}
	}
}

static void *enter_and_leave(void *argument)
{
	unsigned seed = (unsigned)(uintptr_t)argument;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct holder holder = {};
		unsigned first_block = rand_r(&seed) % BLOCKS;
		unsigned step = rand_r(&seed) % 2 ? 1 : BLOCKS - 1; /* upwards or downwards */

		for (unsigned i = rand_r(&seed) % BLOCKS + 1; i; i--) {
			unsigned first = rand_r(&seed) % LINES;

			add(&holder, first_block, first, first + rand_r(&seed) % (LINES - first),
				rand_r(&seed) % 2);
			first_block = (first_block + step) % BLOCKS;
		}
		if (!enter(&holder))
			while (!atomic_load(&holder.may_go))
				sched_yield();
		mark(&holder, 1);
		if (rand_r(&seed) % 4 == 0)
			sched_yield();
		mark(&holder, -1);
		for (struct holder *freed = leave(&holder), *next; freed; freed = next) {
			next = (struct holder *)freed->base.next_free;
			/* Its memory may be gone afterwards. */
			atomic_store(&freed->may_go, true);
		}
	}
	return NULL;
}

static void threads_never_collide_and_always_finish(void **context)
{
	pthread_t threads[THREADS];

	(void)context;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, enter_and_leave, (void *)(i + 1)), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(collisions, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_of_a_line_run_together),
		cmocka_unit_test(neighbouring_lines_and_blocks_do_not_conflict),
		cmocka_unit_test(a_claim_can_be_of_every_so_many_blocks),
		cmocka_unit_test(conflicting_jobs_go_in_the_order_they_came),
		cmocka_unit_test(a_reader_waits_behind_a_waiting_writer),
		cmocka_unit_test(a_job_that_meets_another_twice_is_freed_once),
		cmocka_unit_test(a_job_does_not_wait_for_itself),
		cmocka_unit_test(threads_never_collide_and_always_finish),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
