/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Launches that die half-way: EIO for their job and for no other, also for one that waited for its
 * lines, and the store works on.
 */
#include "fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BYTES 20000
#define JOBS 6

static struct device *device;
static struct store *store;
static struct device_pinned *buffer;
static uint8_t *bytes; /* the buffer's: JOBS x BYTES */

static int set_up(void **context)
{
	(void)context;
	device = test_device_open();
	store = test_store_open(device, RS_136);
	REQUIRE(!store_buffer_alloc(store, JOBS * BYTES, &buffer));
	bytes = store_buffer_bytes(buffer);
	return 0;
}

static int tear_down(void **context)
{
	(void)context;
	store_buffer_free(buffer);
	store_close(store);
	device_close(device);
	return 0;
}

static int move(enum kernel kernel, uint32_t block, uint32_t count)
{
	struct test_move request = {
		.kernel = kernel, .block = block, .count = count, .buffer = buffer};

	return test_move(store, &request, NULL);
}

/* Write and read back, through as many jobs as a queue has, so that none of them is left broken. */
static void works(uint32_t block)
{
	for (unsigned i = 0; i < 20; i++) {
		memset(bytes, 'a' + (int)i, BYTES);
		assert_int_equal(move(KERNEL_WRITE, block, BYTES), 0);
		memset(bytes, 0, BYTES);
		assert_int_equal(move(KERNEL_READ, block, BYTES), 0);
		for (unsigned j = 0; j < BYTES; j++)
			assert_int_equal(bytes[j], 'a' + i);
	}
}

static void a_launch_that_dies_is_eio(void **context)
{
	struct store_counters before, after;

	(void)context;
	works(0);
	store_counters(store, &before);
	store_fail_launches(store, 2);
	assert_int_equal(move(KERNEL_WRITE, 0, BYTES), -EIO);
	assert_int_equal(move(KERNEL_READ, 0, BYTES), -EIO);
	store_counters(store, &after);
	assert_int_equal(after.failed_jobs - before.failed_jobs, 2);
	assert_int_equal(after.jobs - before.jobs, 2);
	assert_int_equal(after.written_bytes, before.written_bytes);
	works(0);
	assert_int_equal(test_sweep(store, KERNEL_VERIFY, NULL).flagged, 0);
}

struct ends {
	int errors[JOBS];
	unsigned order[JOBS];
	unsigned count;
};

struct end {
	struct ends *ends;
	unsigned number;
};

static void job_ended(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct end *end = job->user;

	(void)outcome;
	end->ends->errors[end->number] = err;
	end->ends->order[end->ends->count++] = end->number;
}

/* JOBS writes to lines of their own, or all to the same; the DYING-th launch dies. */
static void submit_with_one_dying(bool same_lines, unsigned dying, struct ends *ret_ends)
{
	struct store_queue *queue = store_queue(store);
	struct end end[JOBS];

	*ret_ends = (struct ends){};
	for (unsigned i = 0; i < JOBS; i++) {
		struct store_job *job = store_job_take(queue);

		assert_non_null(job);
		memset(&bytes[i * BYTES], (int)i + 1, BYTES);
		end[i] = (struct end){.ends = ret_ends, .number = i};
		job->kernel = KERNEL_WRITE;
		job->segments[0] = (struct kernel_segment){
			.block = same_lines ? 1 : 1 + i, .count = BYTES, .zero_to = BYTES};
		job->segment_count = 1;
		job->payload = buffer;
		job->payload_offset = i * BYTES;
		job->payload_bytes = BYTES;
		job->done = job_ended;
		job->user = &end[i];
		if (i == dying)
			store_fail_launches(store, 1);
		store_submit(job);
	}
	while (store_poll(queue))
		store_wait(queue);
	assert_int_equal(ret_ends->count, JOBS);
}

static void only_the_job_whose_launch_died_fails(void **context)
{
	struct ends ends;

	(void)context;
	for (unsigned dying = 0; dying < JOBS; dying++) {
		submit_with_one_dying(false, dying, &ends);
		for (unsigned i = 0; i < JOBS; i++)
			assert_int_equal(ends.errors[i], i == dying ? -EIO : 0);
	}
	works(1);
}

static void a_job_that_waited_may_die_and_lets_the_others_pass(void **context)
{
	struct ends ends;

	(void)context;
	/* The first is launched at once; the failure hits the second, which waits for it. */
	submit_with_one_dying(true, 1, &ends);
	for (unsigned i = 0; i < JOBS; i++) {
		assert_int_equal(ends.order[i], i);
		assert_int_equal(ends.errors[i], i == 1 ? -EIO : 0);
	}
	assert_int_equal(move(KERNEL_READ, 1, BYTES), 0);
	for (unsigned i = 0; i < BYTES; i++)
		assert_int_equal(bytes[i], JOBS);
	works(1);
}

static void a_sweep_that_dies_is_eio(void **context)
{
	struct store_sweep_totals totals;
	uint32_t blocks = (uint32_t)store_geometry(store)->blocks;

	(void)context;
	store_fail_launches(store, 1);
	assert_int_equal(store_sweep(store, KERNEL_VERIFY, 0, blocks, NULL, &totals), -EIO);
	assert_int_equal(store_sweep(store, KERNEL_VERIFY, 0, blocks, NULL, &totals), 0);
	assert_int_equal(totals.flagged, 0);
	works(2);
}

#define THREADS 4
#define ROUNDS 100

static void *write_whatever_happens(void *argument)
{
	struct device_pinned *own;
	unsigned *failures = argument;

	REQUIRE(!store_buffer_alloc(store, BYTES, &own));
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct test_move request = {
			.kernel = KERNEL_WRITE, .block = 3, .count = BYTES, .buffer = own};
		int err = test_move(store, &request, NULL);

		REQUIRE(!err || err == -EIO);
		*failures += err != 0;
	}
	store_buffer_free(own);
	return NULL;
}

static void every_death_fails_one_job_among_many_threads(void **context)
{
	pthread_t threads[THREADS];
	unsigned failures[THREADS] = {}, sum = 0;

	(void)context;
	store_fail_launches(store, 50);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, write_whatever_happens, &failures[i]), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sum += failures[i];
	}
	assert_int_equal(sum, 50);
	works(3);
	assert_int_equal(test_sweep(store, KERNEL_VERIFY, NULL).flagged, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_launch_that_dies_is_eio),
		cmocka_unit_test(only_the_job_whose_launch_died_fails),
		cmocka_unit_test(a_job_that_waited_may_die_and_lets_the_others_pass),
		cmocka_unit_test(a_sweep_that_dies_is_eio),
		cmocka_unit_test(every_death_fails_one_job_among_many_threads),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
