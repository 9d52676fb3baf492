/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Many threads write and read the same few lines at once. A write stamps whole cells of seven
 * bytes, which lie across lines, with a byte of its own; so a cell that a read finds with two
 * different bytes in it was read while it was being written, or was written by two at once. In the
 * end all lines must be codewords. More threads than there are queues: some share one.
 */
#include "fixture.h"

#include "store/internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MOST 40
#define ROUNDS 2400 /* of all threads together */
#define BLOCKS 3
#define CELL 7
#define CELLS 400 /* of each block are fought over: some 22 lines */
#define CELLS_MOST 120
#define SEGMENTS_MOST 4
#define IN_FLIGHT 3
#define JOB_BYTES (SEGMENTS_MOST * CELLS_MOST * CELL)

struct fight {
	struct store *store;
	uint32_t blocks[BLOCKS];
};

struct fighter {
	struct fight *fight;
	pthread_t thread;
	unsigned seed;
	struct device_pinned *buffer; /* IN_FLIGHT x JOB_BYTES */
	_Atomic unsigned in_flight, torn, failed;
	atomic_bool busy[IN_FLIGHT];
	unsigned rounds;
};

struct request {
	struct fighter *fighter;
	unsigned place;
	enum kernel kernel;
	uint32_t bytes;
};

static void check_cells(struct fighter *fighter, const uint8_t *bytes, uint32_t count)
{
	for (uint32_t cell = 0; cell < count; cell += CELL)
		for (uint32_t i = 1; i < CELL; i++)
			if (bytes[cell + i] != bytes[cell]) {
				atomic_fetch_add(&fighter->torn, 1);
				break;
			}
}

static void request_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct request *request = job->user;
	struct fighter *fighter = request->fighter;

	if (err || outcome->flagged)
		atomic_fetch_add(&fighter->failed, 1);
	if (request->kernel == KERNEL_READ)
		check_cells(fighter,
			store_buffer_bytes(fighter->buffer) + request->place * JOB_BYTES,
			request->bytes);
	atomic_store(&fighter->busy[request->place], false);
	free(request);
	atomic_fetch_sub(&fighter->in_flight, 1);
}

static unsigned free_place(struct fighter *fighter)
{
	for (;;)
		for (unsigned place = 0; place < IN_FLIGHT; place++)
			if (!atomic_load(&fighter->busy[place]))
				return place;
}

/* Random cells of random blocks, for READ, WRITE and FILL. Returns how many bytes. */
static uint32_t describe_cells(struct fighter *fighter, struct store_job *job)
{
	uint32_t bytes = 0;

	job->segment_count = 1 + (unsigned)rand_r(&fighter->seed) % SEGMENTS_MOST;
	for (unsigned i = 0; i < job->segment_count; i++) {
		uint32_t first = (uint32_t)rand_r(&fighter->seed) % CELLS;
		uint32_t cells = 1 + (uint32_t)rand_r(&fighter->seed) % CELLS_MOST;

		if (cells > CELLS - first)
			cells = CELLS - first;
		job->segments[i] = (struct kernel_segment){
			.block = fighter->fight->blocks[rand_r(&fighter->seed) % BLOCKS],
			.first = first * CELL,
			.count = cells * CELL,
			.zero_from = first * CELL,
			.zero_to = (first + cells) * CELL,
			.payload = bytes,
		};
		bytes += cells * CELL;
	}
	return bytes;
}

/* All that is fought over in one block, to another. */
static void describe_copy(struct fighter *fighter, struct store_job *job)
{
	uint32_t line_payload = store_geometry(fighter->fight->store)->line_payload;
	unsigned to = (unsigned)rand_r(&fighter->seed) % BLOCKS;
	unsigned from = (to + 1 + (unsigned)rand_r(&fighter->seed) % (BLOCKS - 1)) % BLOCKS;

	job->segments[0] = (struct kernel_segment){
		.block = fighter->fight->blocks[to],
		.source = fighter->fight->blocks[from],
		.count = (CELLS * CELL + line_payload - 1) / line_payload * line_payload,
	};
	job->segment_count = 1;
}

static void start(struct fighter *fighter, enum kernel kernel)
{
	struct store_job *job = test_job(fighter->fight->store);
	struct request *request = malloc(sizeof(*request));
	unsigned place = free_place(fighter);

	REQUIRE(request);
	*request = (struct request){.fighter = fighter, .place = place, .kernel = kernel};
	job->kernel = kernel;
	if (kernel == KERNEL_COPY)
		describe_copy(fighter, job);
	else
		request->bytes = describe_cells(fighter, job);
	job->payload = fighter->buffer;
	job->payload_offset = place * JOB_BYTES;
	job->payload_bytes = request->bytes;
	job->pattern = (uint32_t)rand_r(&fighter->seed) % 256;
	if (kernel == KERNEL_WRITE)
		memset(store_buffer_bytes(fighter->buffer) + job->payload_offset,
			rand_r(&fighter->seed) % 256, request->bytes);
	job->done = request_done;
	job->user = request;
	atomic_store(&fighter->busy[place], true);
	atomic_fetch_add(&fighter->in_flight, 1);
	store_submit(job);
}

static void *fight_on(void *argument)
{
	static const enum kernel kernels[] = {KERNEL_READ, KERNEL_READ, KERNEL_READ, KERNEL_WRITE,
		KERNEL_WRITE, KERNEL_FILL, KERNEL_COPY};
	struct fighter *fighter = argument;
	struct store *store = fighter->fight->store;

	for (unsigned round = 0; round < fighter->rounds; round++) {
		while (atomic_load(&fighter->in_flight) == IN_FLIGHT)
			store_wait(store_queue(store));
		start(fighter, kernels[rand_r(&fighter->seed) % 7]);
		if (rand_r(&fighter->seed) % 3 == 0)
			store_poll(store_queue(store));
	}
	while (atomic_load(&fighter->in_flight))
		store_wait(store_queue(store));
	return NULL;
}

/* Some threads more than there are queues. */
static unsigned start_fighters(
	struct fight *fight, struct fighter *fighters, unsigned seed, void *(*body)(void *))
{
	unsigned count = fight->store->queue_count + 4;

	assert_true(count <= THREADS_MOST);
	for (unsigned i = 0; i < count; i++) {
		fighters[i].fight = fight;
		fighters[i].seed = seed + i;
		fighters[i].rounds = ROUNDS / count;
		assert_int_equal(store_buffer_alloc(
					 fight->store, IN_FLIGHT * JOB_BYTES, &fighters[i].buffer),
			0);
	}
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(pthread_create(&fighters[i].thread, NULL, body, &fighters[i]), 0);
	return count;
}

static void end_fighters(struct fighter *fighters, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		pthread_join(fighters[i].thread, NULL);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(fighters[i].torn, 0);
		assert_int_equal(fighters[i].failed, 0);
		store_buffer_free(fighters[i].buffer);
	}
}

static void overlap(void **context)
{
	enum rs_code code = *(enum rs_code *)*context;
	struct device *device = test_device_open();
	struct fight fight = {.store = test_store_open(device, code)};
	struct fighter fighters[THREADS_MOST] = {};
	struct store_counters counters;
	unsigned count;

	for (unsigned i = 0; i < BLOCKS; i++)
		assert_int_equal(store_block_take(fight.store, &fight.blocks[i]), 0);
	count = start_fighters(&fight, fighters, 1000 * code, fight_on);
	end_fighters(fighters, count);
	assert_int_equal(test_sweep(fight.store, KERNEL_VERIFY, NULL).flagged, 0);
	store_counters(fight.store, &counters);
	assert_true(counters.jobs >= count * (ROUNDS / count));
	assert_true(counters.delayed_jobs > 0); /* or this has tested nothing */
	store_close(fight.store);
	device_close(device);
}

/* Jobs over many blocks in any order, all of which want each other's: were two ever to wait for
 * each other, this would not end. */
static void *fill_many_blocks(void *argument)
{
	struct fighter *fighter = argument;
	struct store *store = fighter->fight->store;
	uint32_t blocks = 24;

	for (unsigned round = 0; round < fighter->rounds; round++) {
		struct store_job *job = test_job(store);

		job->kernel = KERNEL_FILL;
		job->segment_count = 2 + (unsigned)rand_r(&fighter->seed) % 30;
		for (unsigned i = 0; i < job->segment_count; i++)
			job->segments[i] = (struct kernel_segment){
				.block = (uint32_t)rand_r(&fighter->seed) % blocks,
				.count = 300,
				.zero_to = 300,
			};
		REQUIRE(!test_run(store, job, NULL));
	}
	return NULL;
}

static void jobs_over_many_blocks_never_wait_in_a_circle(void **context)
{
	struct device *device = test_device_open();
	struct fight fight = {.store = test_store_open(device, RS_136)};
	struct fighter fighters[THREADS_MOST] = {};

	(void)context;
	end_fighters(fighters, start_fighters(&fight, fighters, 1, fill_many_blocks));
	assert_int_equal(test_sweep(fight.store, KERNEL_VERIFY, NULL).flagged, 0);
	store_close(fight.store);
	device_close(device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_ALL_CODES(overlap),
		cmocka_unit_test(jobs_over_many_blocks_never_wait_in_a_circle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
