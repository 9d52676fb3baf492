/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The host's side of `vramfs test`: block pool, queues, and bytes that go to the device and back as
 * file data does, in jobs of 8 blocks with several in flight.
 *
 * Every slot in flight has 1 MiB of random bytes of its own, made once, so that making them is not
 * what is measured; each block of a job is stamped with its number, so that a block that comes back
 * in the place of another is noticed. Reading is measured first and compared in a second pass: the
 * processor compares more slowly than a GPU delivers.
 */
#include "cli/test.h"

#include "base/cleanup.h"
#include "cli/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SAMPLE_BYTES (2 * GIB)
#define JOB_BLOCKS 8u
#define SLOTS 16u
#define POOL_OPERATIONS 200000u

/* --- pool and queues --- */

struct pool_thread {
	struct store *store;
	pthread_t thread;
	double take_give_ns, queue_ns;
	bool failed;
};

static double thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *run_pool_thread(void *argument)
{
	struct pool_thread *self = argument;
	struct store_queue *queue = store_queue(self->store);
	bool failed = false; /* not SELF's, which shares a cache line with another thread's */
	double begun = thread_ns();
	uint32_t block;

	for (unsigned i = 0; i < POOL_OPERATIONS && !failed; i++) {
		failed = store_block_take(self->store, &block) != 0;
		if (!failed)
			store_block_give(self->store, block);
	}
	self->take_give_ns = (thread_ns() - begun) / POOL_OPERATIONS;
	begun = thread_ns();
	for (unsigned i = 0; i < POOL_OPERATIONS; i++)
		failed |= store_queue(self->store) != queue;
	self->queue_ns = (thread_ns() - begun) / POOL_OPERATIONS;
	self->failed = failed;
	return NULL;
}

/* Run COUNT threads at once; the means go to [INDEX]. */
static err_t measure_pool(struct test *test, unsigned count, unsigned index, struct why *why)
{
	struct pool_thread threads[TEST_POOL_THREADS] = {};
	unsigned started = 0;
	int err = 0;

	for (; started < count && !err; started++) {
		threads[started].store = test->store;
		err = pthread_create(
			&threads[started].thread, NULL, run_pool_thread, &threads[started]);
	}
	started -= err ? 1 : 0;
	for (unsigned i = 0; i < started; i++) {
		pthread_join(threads[i].thread, NULL);
		test->pool.take_give_ns[index] += threads[i].take_give_ns / count;
		test->pool.queue_ns[index] += threads[i].queue_ns / count;
		test_must(test, !threads[i].failed,
			"pool: a thread found no free block, or its queue changed");
	}
	return err ? why_fail(why, err, "can't start a thread: %s", strerror(err)) : 0;
}

/* Take every block: each comes exactly once, then there is none. */
static err_t take_all(struct test *test, struct why *why)
{
	uint64_t blocks = store_geometry(test->store)->blocks;
	CLEANUP(free_p) bool *taken = calloc(blocks, sizeof(*taken));
	uint64_t count = 0, wrong = 0;
	uint32_t block;

	if (!taken)
		return why_fail(why, ENOMEM, "not enough memory on the host");
	for (; count <= blocks && !store_block_take(test->store, &block); count++) {
		if (block >= blocks || taken[block])
			wrong++;
		else
			taken[block] = true;
	}
	test_must(test, count == blocks && !wrong,
		"pool: %llu of %llu blocks came, %llu of them wrong or twice",
		(unsigned long long)count, (unsigned long long)blocks, (unsigned long long)wrong);
	return 0;
}

int test_run_pool(struct test *test, struct why *why)
{
	int err = measure_pool(test, 1, 0, why);

	if (!err)
		err = measure_pool(test, TEST_POOL_THREADS, 1, why);
	return err ? err : take_all(test, why);
}

/* --- bytes there and back --- */

struct transfer;

struct slot {
	struct transfer *transfer;
	atomic_bool busy;
	uint64_t number; /* of the job */
	unsigned blocks; /* in the job */
};

struct transfer {
	struct test *test;
	struct store_queue *queue;
	uint32_t block_payload;
	uint64_t blocks, jobs;                /* of the sample */
	struct device_pinned *written, *read; /* SLOTS jobs each */
	bool compare;
	atomic_bool failed;
	_Atomic uint64_t flagged, differing;
	struct slot slots[SLOTS];
};

static size_t slot_offset(const struct slot *slot)
{
	return (size_t)(slot - slot->transfer->slots) * JOB_BLOCKS * KERNEL_BLOCK_BYTES;
}

static void stamp(struct slot *slot)
{
	uint8_t *bytes = store_buffer_bytes(slot->transfer->written) + slot_offset(slot);

	for (unsigned i = 0; i < slot->blocks; i++) {
		uint64_t number = slot->number * JOB_BLOCKS + i;

		memcpy(bytes + (size_t)i * slot->transfer->block_payload, &number, sizeof(number));
	}
}

static void compare(struct slot *slot)
{
	struct transfer *transfer = slot->transfer;
	size_t length = (size_t)slot->blocks * transfer->block_payload;

	stamp(slot);
	if (memcmp(store_buffer_bytes(transfer->read) + slot_offset(slot),
		    store_buffer_bytes(transfer->written) + slot_offset(slot), length) != 0)
		atomic_fetch_add(&transfer->differing, 1);
}

static void transfer_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct slot *slot = job->user;
	struct transfer *transfer = slot->transfer;

	atomic_fetch_add(&transfer->flagged, outcome->flagged);
	if (err)
		atomic_store(&transfer->failed, true);
	else if (transfer->compare)
		compare(slot);
	atomic_store(&slot->busy, false);
}

static void submit(
	struct transfer *transfer, struct store_job *job, enum kernel kernel, struct slot *slot)
{
	for (unsigned i = 0; i < slot->blocks; i++) {
		job->segments[i] = (struct kernel_segment){
			.block = (uint32_t)(slot->number * JOB_BLOCKS + i),
			.count = transfer->block_payload,
			.zero_to = transfer->block_payload,
			.payload = i * transfer->block_payload,
		};
	}
	job->kernel = kernel;
	job->segment_count = slot->blocks;
	job->whole_blocks = false;
	job->payload = kernel == KERNEL_WRITE ? transfer->written : transfer->read;
	job->payload_offset = slot_offset(slot);
	job->payload_bytes = (size_t)slot->blocks * transfer->block_payload;
	job->done = transfer_done;
	job->user = slot;
	store_submit(job);
}

/* Move the sample once. */
static err_t pass(struct transfer *transfer, enum kernel kernel, struct why *why)
{
	for (uint64_t number = 0; number < transfer->jobs; number++) {
		struct slot *slot = &transfer->slots[number % SLOTS];
		uint64_t left = transfer->blocks - number * JOB_BLOCKS;
		struct store_job *job;

		while (atomic_load(&slot->busy))
			store_wait(transfer->queue);
		while (!(job = store_job_take(transfer->queue)))
			store_wait(transfer->queue);
		atomic_store(&slot->busy, true);
		slot->number = number;
		slot->blocks = left < JOB_BLOCKS ? (unsigned)left : JOB_BLOCKS;
		if (kernel == KERNEL_WRITE)
			stamp(slot);
		submit(transfer, job, kernel, slot);
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		while (atomic_load(&transfer->slots[i].busy))
			store_wait(transfer->queue);
	}
	if (atomic_load(&transfer->failed))
		return why_fail(why, EIO, "the device failed to %s: look at its driver's log",
			kernel == KERNEL_WRITE ? "take data" : "give data back");
	return 0;
}

/* xorshift64*: any bytes do that are not alike. */
static void fill_random(struct device_pinned *buffer, size_t size, uint64_t seed)
{
	uint64_t *words = (uint64_t *)store_buffer_bytes(buffer);
	uint64_t state = seed | 1;

	for (size_t i = 0; i < size / sizeof(*words); i++) {
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		words[i] = state * 0x2545f4914f6cdd1dull;
	}
}

static err_t run_passes(struct test *test, struct transfer *transfer, struct why *why)
{
	uint64_t bytes = transfer->blocks * transfer->block_payload;
	double begun = clock_seconds();
	int err;

	err = pass(transfer, KERNEL_WRITE, why);
	if (err)
		return err;
	test_step(test, "write", bytes, begun);
	begun = clock_seconds();
	err = pass(transfer, KERNEL_READ, why);
	if (err)
		return err;
	test_step(test, "read", bytes, begun);
	transfer->compare = true;
	err = pass(transfer, KERNEL_READ, why);
	test_must(test, !transfer->flagged, "transfer: %llu lines were no codewords",
		(unsigned long long)transfer->flagged);
	test_must(test, !transfer->differing, "transfer: %llu of %llu jobs read other bytes",
		(unsigned long long)transfer->differing, (unsigned long long)transfer->jobs);
	return err;
}

int test_run_transfer(struct test *test, struct why *why)
{
	const struct store_geometry *geometry = store_geometry(test->store);
	struct transfer transfer = {
		.test = test,
		.queue = store_queue(test->store),
		.block_payload = geometry->block_payload,
		.blocks = SAMPLE_BYTES / KERNEL_BLOCK_BYTES,
	};
	size_t size = (size_t)SLOTS * JOB_BLOCKS * KERNEL_BLOCK_BYTES;
	int err;

	if (transfer.blocks > geometry->blocks)
		transfer.blocks = geometry->blocks;
	transfer.jobs = (transfer.blocks + JOB_BLOCKS - 1) / JOB_BLOCKS;
	for (unsigned i = 0; i < SLOTS; i++)
		transfer.slots[i].transfer = &transfer;
	err = store_buffer_alloc(test->store, size, &transfer.written);
	if (!err)
		err = store_buffer_alloc(test->store, size, &transfer.read);
	if (err) {
		err = why_fail(why, -err, "can't pin %zu MiB of host memory: %s",
			2 * size / (size_t)MIB, strerror(-err));
	} else {
		fill_random(transfer.written, size, test->seed);
		err = run_passes(test, &transfer, why);
	}
	store_buffer_free(transfer.read);
	store_buffer_free(transfer.written);
	return err;
}
