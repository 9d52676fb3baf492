/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#include "fixture.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum rs_code test_rs136 = RS_136, test_rs128 = RS_128, test_none = RS_NONE;

void test_abort(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: %s does not hold\n", file, line, condition);
	abort();
}

struct device *test_device_open(void)
{
	const char *selector = getenv("VRAMFS_TEST_DEVICE");
	struct device *device;
	struct why why;

	if (!selector)
		selector = "host";
	if (device_open(selector, &device, &why)) {
		printf("skipped: no device %s: %s\n", selector, why.text);
		exit(77);
	}
	return device;
}

struct store *test_store_open(struct device *device, enum rs_code code)
{
	struct store_options options = {
		.size = {.kind = SIZE_BYTES, .bytes = TEST_REGION_BYTES},
		.code = code,
		.max_correct = RS_MAX_CORRECT,
	};
	struct store *store;
	struct why why;

	if (store_open(device, &options, &store, &why)) {
		fprintf(stderr, "%s\n", why.text);
		abort();
	}
	return store;
}

struct store_job *test_job(struct store *store)
{
	struct store_job *job;

	while (!(job = store_job_take(store_queue(store))))
		store_wait(store_queue(store));
	return job;
}

struct run_result {
	atomic_bool ended;
	int err;
	struct store_outcome outcome;
};

static void run_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct run_result *result = job->user;

	result->err = err;
	result->outcome = *outcome;
	atomic_store(&result->ended, true);
}

int test_run(struct store *store, struct store_job *job, struct store_outcome *ret_outcome)
{
	struct run_result result = {.err = 0};

	job->done = run_done;
	job->user = &result;
	store_submit(job);
	while (!atomic_load(&result.ended))
		store_wait(store_queue(store));
	if (ret_outcome)
		*ret_outcome = result.outcome;
	return result.err;
}

int test_move(struct store *store, const struct test_move *move, struct store_outcome *ret_outcome)
{
	struct store_job *job = test_job(store);

	job->kernel = move->kernel;
	job->segments[0] = (struct kernel_segment){
		.block = move->block,
		.first = move->first,
		.count = move->count,
		.zero_from = move->first,
		.zero_to = move->first + move->count,
	};
	job->segment_count = 1;
	job->payload = move->buffer;
	job->payload_offset = move->buffer_offset;
	job->payload_bytes = move->count;
	return test_run(store, job, ret_outcome);
}

struct store_sweep_totals test_sweep(
	struct store *store, enum kernel kernel, const struct store_sweep *arguments)
{
	struct store_sweep_totals totals;

	REQUIRE(!store_sweep(
		store, kernel, 0, (uint32_t)store_geometry(store)->blocks, arguments, &totals));
	return totals;
}
