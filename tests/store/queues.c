/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/* Which thread gets which queue, of how many stores, and what becomes of it when the thread ends.
 */
#include "fixture.h"

#include "base/cleanup.h"
#include "store/internal.h"

#include <pthread.h>
#include <string.h>

static struct device *device;

static int open_device(void **context)
{
	(void)context;
	device = test_device_open();
	return 0;
}

static int close_device(void **context)
{
	(void)context;
	device_close(device);
	return 0;
}

static unsigned suitable(bool gpu, unsigned processors, unsigned copy_engines)
{
	struct device_info info = {
		.gpu = gpu, .processors = processors, .copy_engines = copy_engines};

	return queues_suitable(&info);
}

static void their_number_suits_the_device(void **context)
{
	(void)context;
	assert_int_equal(suitable(true, 132, 3), 32);
	assert_int_equal(suitable(true, 40, 2), 10);
	assert_int_equal(suitable(true, 8, 0), 2);
	assert_int_equal(suitable(true, 8, 5), 5);
	assert_int_equal(suitable(false, 1, 0), 4);
	assert_int_equal(suitable(false, 4, 0), 16);
	assert_int_equal(suitable(false, 256, 0), 32);
}

static void jobs_are_spread_over_the_lanes(void **context)
{
	struct store *store = test_store_open(device, RS_136);
	struct store_queue *queue = store_queue(store);

	(void)context;
	assert_in_range(queue->lane_count, 2, QUEUE_LANES_MOST);
	for (unsigned i = 0; i < QUEUE_JOBS; i++)
		for (unsigned j = 0; j < i; j++)
			assert_int_equal(queue->jobs[i].device_queue == queue->jobs[j].device_queue,
				i % queue->lane_count == j % queue->lane_count);
	store_close(store);
}

static void a_thread_gets_the_same_queue_every_time(void **context)
{
	struct store *store = test_store_open(device, RS_136);
	struct store_queue *queue = store_queue(store);

	(void)context;
	assert_ptr_equal(queue->store, store);
	for (unsigned i = 0; i < 100; i++)
		assert_ptr_equal(store_queue(store), queue);
	assert_int_equal(queue->threads, 1);
	store_close(store);
}

/* Several at once, and many one after the other, some at the same address. */
static void stores_are_told_apart(void **context)
{
	struct store *stores[3];
	struct store_queue *queues[3];

	(void)context;
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < 3; i++) {
			stores[i] = test_store_open(device, RS_136);
			queues[i] = store_queue(stores[i]);
			assert_ptr_equal(queues[i]->store, stores[i]);
		}
		for (unsigned i = 0; i < 9; i++)
			assert_ptr_equal(store_queue(stores[i % 3]), queues[i % 3]);
		/* The thread's place in the second one is not the first one's. */
		store_close(stores[0]);
		assert_ptr_equal(store_queue(stores[1]), queues[1]);
		store_close(stores[2]);
		assert_ptr_equal(store_queue(stores[1]), queues[1]);
		assert_int_equal(queues[1]->threads, 1);
		store_close(stores[1]);
	}
}

#define THREADS_MOST 80

struct meeting {
	struct store *store;
	pthread_barrier_t all_have_one, all_may_end;
	_Atomic unsigned next;
	struct store_queue *queues[THREADS_MOST];
};

static void *get_queue(void *argument)
{
	struct meeting *meeting = argument;
	unsigned number = atomic_fetch_add(&meeting->next, 1);

	meeting->queues[number] = store_queue(meeting->store);
	pthread_barrier_wait(&meeting->all_have_one);
	REQUIRE(store_queue(meeting->store) == meeting->queues[number]);
	pthread_barrier_wait(&meeting->all_may_end);
	return NULL;
}

/* COUNT threads at once; check that each queue has between FEWEST and MOST of them. */
static void meet(struct store *store, unsigned count, unsigned fewest, unsigned most)
{
	struct meeting meeting = {.store = store};
	pthread_t threads[THREADS_MOST];

	assert_true(count <= THREADS_MOST);
	pthread_barrier_init(&meeting.all_have_one, NULL, count + 1);
	pthread_barrier_init(&meeting.all_may_end, NULL, count + 1);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, get_queue, &meeting), 0);
	pthread_barrier_wait(&meeting.all_have_one);
	for (unsigned i = 0; i < store->queue_count; i++) {
		unsigned users = 0;

		for (unsigned j = 0; j < count; j++)
			users += meeting.queues[j] == store->queues[i];
		assert_in_range(users, fewest, most);
		assert_int_equal(store->queues[i]->threads, users);
	}
	pthread_barrier_wait(&meeting.all_may_end);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < store->queue_count; i++)
		assert_int_equal(store->queues[i]->threads, 0);
	pthread_barrier_destroy(&meeting.all_have_one);
	pthread_barrier_destroy(&meeting.all_may_end);
}

static void threads_get_their_own_while_there_are_enough(void **context)
{
	struct store *store = test_store_open(device, RS_136);

	(void)context;
	/* Again and again: those of threads that ended are lent anew. */
	for (unsigned i = 0; i < 4; i++)
		meet(store, store->queue_count, 1, 1);
	store_close(store);
}

static void threads_beyond_their_number_share_evenly(void **context)
{
	struct store *store = test_store_open(device, RS_136);

	(void)context;
	meet(store, 2 * store->queue_count, 2, 2);
	meet(store, store->queue_count + 1, 1, 2);
	store_close(store);
}

static void *use_and_wait(void *argument)
{
	struct meeting *meeting = argument;

	store_queue(meeting->store);
	pthread_barrier_wait(&meeting->all_have_one);
	pthread_barrier_wait(&meeting->all_may_end);
	return NULL;
}

static void a_thread_may_outlive_the_store(void **context)
{
	struct meeting meeting = {.store = test_store_open(device, RS_136)};
	struct store *next;
	pthread_t thread;

	(void)context;
	pthread_barrier_init(&meeting.all_have_one, NULL, 2);
	pthread_barrier_init(&meeting.all_may_end, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, use_and_wait, &meeting), 0);
	pthread_barrier_wait(&meeting.all_have_one);
	store_close(meeting.store);
	next = test_store_open(device, RS_136);
	pthread_barrier_wait(&meeting.all_may_end);
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < next->queue_count; i++)
		assert_int_equal(next->queues[i]->threads, 0);
	store_close(next);
	pthread_barrier_destroy(&meeting.all_have_one);
	pthread_barrier_destroy(&meeting.all_may_end);
}

static void a_queue_has_16_jobs_that_come_back(void **context)
{
	struct store *store = test_store_open(device, RS_136);
	struct store_queue *queue = store_queue(store);
	struct store_job *jobs[QUEUE_JOBS];

	(void)context;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < QUEUE_JOBS; i++) {
			jobs[i] = store_job_take(queue);
			assert_non_null(jobs[i]);
			assert_int_equal(jobs[i]->segment_count, 0);
			/* Each has segments of its own. */
			memset(jobs[i]->segments, (int)i,
				STORE_JOB_SEGMENTS * sizeof(*jobs[i]->segments));
		}
		assert_null(store_job_take(queue));
		for (unsigned i = 0; i < QUEUE_JOBS; i++) {
			const uint8_t *bytes = (const uint8_t *)jobs[i]->segments;

			for (unsigned j = 0; j < STORE_JOB_SEGMENTS * sizeof(*jobs[i]->segments);
				j++)
				assert_int_equal(bytes[j], i);
			store_job_drop(jobs[i]);
		}
	}
	assert_int_equal(store_poll(queue), 0);
	store_wait(queue); /* nothing in flight: returns */
	store_close(store);
}

static void a_block_handle_gives_its_block_back(void **context)
{
	struct store *store = test_store_open(device, RS_136);
	uint64_t blocks = store_geometry(store)->blocks;
	uint32_t kept;

	(void)context;
	assert_int_equal(store_blocks_free(store), blocks);
	{
		CLEANUP(store_block_done) struct store_block handle = {};

		assert_int_equal(store_block_init(&handle, store), 0);
		assert_int_equal(store_blocks_free(store), blocks - 1);
	}
	assert_int_equal(store_blocks_free(store), blocks);
	{
		CLEANUP(store_block_done) struct store_block handle = {};

		assert_int_equal(store_block_init(&handle, store), 0);
		kept = handle.block;
		handle.store = NULL;
	}
	assert_int_equal(store_blocks_free(store), blocks - 1);
	store_block_give(store, kept);

	for (uint64_t i = 0; i < blocks; i++)
		assert_int_equal(store_block_take(store, &kept), 0);
	{
		CLEANUP(store_block_done) struct store_block handle = {};

		assert_int_equal(store_block_init(&handle, store), -ENOSPC);
	}
	assert_int_equal(store_blocks_free(store), 0);
	store_close(store);
}

static void bad_options_are_refused(void **context)
{
	struct store_options options = {
		.size = {.kind = SIZE_BYTES, .bytes = TEST_REGION_BYTES},
		.max_correct = 5,
	};
	struct store *store = NULL;
	struct why why = {};

	(void)context;
	assert_int_equal(store_open(device, &options, &store, &why), -EINVAL);
	assert_non_null(strstr(why.text, "at most 4"));
	options.max_correct = 4;
	options.size.bytes = 1000;
	assert_int_equal(store_open(device, &options, &store, &why), -EINVAL);
	assert_non_null(strstr(why.text, "holds no block"));
	options.size.bytes = UINT64_MAX / 2;
	assert_int_equal(store_open(device, &options, &store, &why), -ENOMEM);
	assert_non_null(strstr(why.text, "ask for at most --size"));
	assert_null(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(their_number_suits_the_device),
		cmocka_unit_test(jobs_are_spread_over_the_lanes),
		cmocka_unit_test(a_thread_gets_the_same_queue_every_time),
		cmocka_unit_test(stores_are_told_apart),
		cmocka_unit_test(threads_get_their_own_while_there_are_enough),
		cmocka_unit_test(threads_beyond_their_number_share_evenly),
		cmocka_unit_test(a_thread_may_outlive_the_store),
		cmocka_unit_test(a_queue_has_16_jobs_that_come_back),
		cmocka_unit_test(a_block_handle_gives_its_block_back),
		cmocka_unit_test(bad_options_are_refused),
	};

	return cmocka_run_group_tests(tests, open_device, close_device);
}
