/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Many threads, each with a queue of its own and blocks of its own, and one queue that all share,
 * at once. Every thread writes, reads back and compares, with small and with large launches.
 */
#include "rig.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define THREADS RIG_BLOCKS
#define PAYLOAD_BYTES (RIG_PAYLOAD_BYTES / THREADS)

_Static_assert(PAYLOAD_BYTES >= KERNEL_BLOCK_BYTES, "a thread moves whole blocks");

struct worker {
	const struct rig *rig;
	struct device_queue *queue;
	unsigned number, rounds;
	const char *failure; /* asserts are for the main thread */
	pthread_t thread;
};

static bool move(struct worker *worker, enum kernel kernel, uint32_t first, uint32_t bytes)
{
	const struct rig *rig = worker->rig;
	const unsigned slot = worker->number;
	struct device_launch launch = rig_launch(rig, kernel, slot, 1, slot * PAYLOAD_BYTES, bytes);
	const uint32_t *done = &rig_report(rig, slot)->done;

	rig_segments(rig, slot)[0] = rig_segment(slot, first, bytes);
	return device_launch(worker->queue, &launch) == 0 &&
	       device_wait(worker->queue, done) == launch.params.ticket &&
	       rig_report(rig, slot)->lost == 0;
}

static void *worker_main(void *user)
{
	struct worker *worker = user;
	uint8_t *payload = worker->rig->payload->bytes + worker->number * PAYLOAD_BYTES;
	uint8_t *expected = malloc(KERNEL_BLOCK_BYTES);

	for (unsigned round = 0; round < worker->rounds && !worker->failure; round++) {
		const uint32_t bytes = round % 4 ? 4096 : KERNEL_BLOCK_BYTES;
		const uint32_t first = round % 4 ? round * 4096 % KERNEL_BLOCK_BYTES : 0;

		rig_pattern(expected, bytes, worker->number * 1000 + round);
		memcpy(payload, expected, bytes);
		if (!move(worker, KERNEL_WRITE, first, bytes))
			worker->failure = "a write failed";
		memset(payload, 0, bytes);
		if (!move(worker, KERNEL_READ, first, bytes))
			worker->failure = "a read failed";
		if (memcmp(payload, expected, bytes))
			worker->failure = "other bytes were read than written";
	}
	free(expected);
	return NULL;
}

static void run_workers(struct rig *rig, struct device_queue *shared, void *(*work)(void *))
{
	struct worker workers[THREADS] = {0};

	for (unsigned i = 0; i < THREADS; i++) {
		struct worker *worker = &workers[i];

		worker->rig = rig;
		worker->number = i;
		worker->rounds = 40;
		worker->queue = shared;
		if (!shared)
			assert_int_equal(device_queue_new(rig->device, &worker->queue), 0);
		assert_int_equal(pthread_create(&worker->thread, NULL, work, worker), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		if (!shared)
			device_queue_free(workers[i].queue);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		if (workers[i].failure)
			fail_msg("thread %u: %s", i, workers[i].failure);
	}
}

static void threads_with_a_queue_each(void **state)
{
	run_workers(*state, NULL, worker_main);
}

static void threads_that_share_a_queue(void **state)
{
	struct rig *rig = *state;

	run_workers(rig, rig->queue, worker_main);
}

/* A queue may be freed as soon as the word of its last launch has changed. */
static void queues_come_and_go(void **state)
{
	struct rig *rig = *state;

	for (unsigned i = 0; i < 50; i++) {
		struct worker worker = {.rig = rig, .number = i % RIG_BLOCKS};

		assert_int_equal(device_queue_new(rig->device, &worker.queue), 0);
		assert_true(move(&worker, KERNEL_READ, 0, i % 2 ? 4096 : KERNEL_BLOCK_BYTES));
		device_queue_free(worker.queue);
	}
	device_queue_free(NULL);
}

/* And launches whose caller doesn't wait must have ended when the queue is gone. */
static void freeing_a_queue_waits_for_its_launches(void **state)
{
	struct rig *rig = *state;

	for (unsigned round = 0; round < 5; round++) {
		struct device_queue *queue;

		assert_int_equal(device_queue_new(rig->device, &queue), 0);
		for (unsigned slot = 0; slot < 8; slot++) {
			struct device_launch launch = rig_launch(rig, KERNEL_FILL, slot, 1, 0, 0);

			rig_segments(rig, slot)[0] = rig_segment(slot, 0, KERNEL_BLOCK_BYTES);
			assert_int_equal(device_launch(queue, &launch), 0);
		}
		device_queue_free(queue);
		for (unsigned slot = 0; slot < 8; slot++)
			assert_int_equal(
				__atomic_load_n(&rig_report(rig, slot)->done, __ATOMIC_ACQUIRE),
				slot + 1);
	}
}

/* One half launch narrow ones, the other half ever wider ones. */
static void *widening_main(void *user)
{
	struct worker *worker = user;
	const struct rig *rig = worker->rig;
	const unsigned slot = worker->number;

	for (unsigned round = 0; round < RIG_SEGMENTS * 20 && !worker->failure; round++) {
		const unsigned segments = slot % 2 ? 1 + round / 20 : 1;
		struct device_launch launch = rig_launch(
			rig, round % 2 ? KERNEL_VERIFY : KERNEL_COMPARE, slot, segments, 0, 0);

		for (unsigned i = 0; i < segments; i++)
			rig_segments(rig, slot)[i] = rig_segment(slot, 0, KERNEL_BLOCK_BYTES);
		if (rig_run(worker->queue, &launch) != launch.params.ticket)
			worker->failure = "a launch failed";
	}
	return NULL;
}

/* Before anything else has been launched: drivers may compile a kernel anew when it is launched
 * wider than ever, and the others are still running. */
static void launches_become_wider_while_others_run(void **state)
{
	run_workers(*state, NULL, widening_main);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(launches_become_wider_while_others_run),
		cmocka_unit_test(threads_with_a_queue_each),
		cmocka_unit_test(threads_that_share_a_queue),
		cmocka_unit_test(queues_come_and_go),
		cmocka_unit_test(freeing_a_queue_waits_for_its_launches),
	};

	return cmocka_run_group_tests_name("device-queues", tests, rig_open, rig_close);
}
