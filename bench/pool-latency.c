/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * What the parts of the store cost that every request goes through before the device sees it:
 * taking and giving back a block, and finding this thread's queue. In nanoseconds of processor time
 * of one thread, so that more threads than processors do not distort it; waiting for another
 * processor's cache line is processor time, and counts.
 *
 *	pool-latency [DEVICE]	(default: host; it only lends its queues)
 */
#include "device/device.h"
#include "store/pool.h"
#include "store/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MOST 16u
#define OPERATIONS 2000000u
#define BLOCKS (1u << 20) /* 128 GiB */

struct measurement {
	const char *name;
	void (*operate)(void *subject);
	void *subject;
	double goal_ns;
};

struct worker {
	pthread_t thread;
	const struct measurement *measurement;
	pthread_barrier_t *start;
	double ns; /* an operation */
};

static void take_and_give(void *subject)
{
	uint32_t block;

	if (pool_take(subject, &block))
		abort();
	pool_give(subject, block);
}

static void look_up(void *subject)
{
	struct store_queue *queue = store_queue(subject);

	__asm__ volatile("" ::"r"(queue));
}

static double processor_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *measure(void *argument)
{
	struct worker *worker = argument;
	void (*operate)(void *subject) = worker->measurement->operate;
	void *subject = worker->measurement->subject;
	double begin;

	for (unsigned i = 0; i < OPERATIONS / 10; i++)
		operate(subject);
	pthread_barrier_wait(worker->start);
	begin = processor_ns();
	for (unsigned i = 0; i < OPERATIONS; i++)
		operate(subject);
	worker->ns = (processor_ns() - begin) / OPERATIONS;
	return NULL;
}

static double mean_ns(const struct measurement *measurement, unsigned threads)
{
	struct worker workers[THREADS_MOST];
	pthread_barrier_t start;
	double sum = 0;

	pthread_barrier_init(&start, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		workers[i] = (struct worker){.measurement = measurement, .start = &start};
		if (pthread_create(&workers[i].thread, NULL, measure, &workers[i]))
			abort();
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		sum += workers[i].ns;
	}
	pthread_barrier_destroy(&start);
	return sum / threads;
}

/* A pool in which one block in EVERY is free, here and there. */
static struct pool *make_pool(unsigned every)
{
	struct pool *pool;
	unsigned seed = 1;
	uint32_t block;

	if (pool_new(BLOCKS, &pool))
		abort();
	if (every == 1)
		return pool;
	for (uint32_t i = 0; i < BLOCKS; i++)
		if (pool_take(pool, &block))
			abort();
	for (uint32_t i = 0; i < BLOCKS; i += every)
		pool_give(pool, i + (uint32_t)rand_r(&seed) % every % (BLOCKS - i));
	return pool;
}

static int run(struct store *store)
{
	struct pool *empty = make_pool(1), *nearly_full = make_pool(1000);
	const struct measurement measurements[] = {
		{"take + give, all of 2^20 blocks free", take_and_give, empty, 100},
		{"take + give, 1 block in 1000 free", take_and_give, nearly_full, 100},
		{"queue lookup", look_up, store, 5},
	};
	static const unsigned threads[] = {1, 4, 16};
	bool met = true;

	printf("%-38s", "ns of processor time");
	for (unsigned i = 0; i < 3; i++)
		printf("%3u thread%s", threads[i], threads[i] > 1 ? "s " : "  ");
	printf("   goal   (%ld processors)\n", sysconf(_SC_NPROCESSORS_ONLN));
	for (unsigned i = 0; i < 3; i++) {
		printf("%-38s", measurements[i].name);
		for (unsigned j = 0; j < 3; j++) {
			double ns = mean_ns(&measurements[i], threads[j]);

			printf("%10.1f ", ns);
			met &= ns < measurements[i].goal_ns;
		}
		printf("%7.0f\n", measurements[i].goal_ns);
	}
	pool_free(empty);
	pool_free(nearly_full);
	return met ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct store_options options = {
		.size = {.kind = SIZE_BYTES, .bytes = 64 * MIB},
		.code = RS_136,
		.max_correct = RS_MAX_CORRECT,
	};
	const char *selector = argc > 1 ? argv[1] : "host";
	struct device *device;
	struct store *store;
	struct why why;
	int status;

	if (device_open(selector, &device, &why)) {
		fprintf(stderr, "pool-latency: %s\n", why.text);
		return 2;
	}
	if (store_open(device, &options, &store, &why)) {
		fprintf(stderr, "pool-latency: %s\n", why.text);
		device_close(device);
		return 2;
	}
	status = run(store);
	store_close(store);
	device_close(device);
	return status;
}
