/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * What src/fs relies on to never show what a failed write left: a job's `ending` has returned
 * before any job that waited for its lines begins, on whichever thread that one is seen to end.
 */
#include "fixture.h"

#include <pthread.h>
#include <unistd.h>

static struct volume volume;
static _Atomic bool write_ending_returned;
static _Atomic bool write_ended;
static _Atomic bool read_ended;
static bool read_saw_ending;
static uint32_t block;

static struct store_job *job_on_block(
	enum kernel kernel, struct device_pinned *buffer, unsigned offset)
{
	struct store_job *job = store_job_take(store_queue(volume.store));
	REQUIRE(job);
	job->kernel = kernel;
	job->segments[0] = (struct kernel_segment){.block = block, .count = 1000, .zero_to = 1000};
	job->segment_count = 1;
	job->payload = buffer;
	job->payload_offset = offset;
	job->payload_bytes = 1000;
	return job;
}

static void write_ending(struct store_job *job, int err, const struct store_outcome *outcome)
{
	(void)job;
	(void)outcome;
	REQUIRE(err == -EIO);
	usleep(20000); /* time enough for the reader to run, if it could */
	atomic_store(&write_ending_returned, true);
}

static void write_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	(void)job;
	(void)outcome;
	REQUIRE(err == -EIO);
	atomic_store(&write_ended, true);
}

static void read_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	(void)job;
	(void)err;
	(void)outcome;
	read_saw_ending = atomic_load(&write_ending_returned);
	atomic_store(&read_ended, true);
}

static void *read_block(void *buffer)
{
	struct store_job *job = job_on_block(KERNEL_READ, buffer, 4096);
	job->done = read_done;
	store_submit(job);
	while (!atomic_load(&read_ended))
		store_wait(store_queue(volume.store));
	return NULL;
}

static void ending_comes_before_the_next_job(void **state)
{
	(void)state;
	volume = volume_open(RS_136, 8 * MIB);
	struct client client = client_open(&volume);
	assert_int_equal(store_block_take(volume.store, &block), 0);
	for (unsigned run = 0; run < 5; run++) {
		pthread_t reader;
		atomic_store(&write_ending_returned, false);
		atomic_store(&write_ended, false);
		atomic_store(&read_ended, false);
		struct store_job *job = job_on_block(KERNEL_WRITE, client.buffer, 0);
		job->ending = write_ending;
		job->done = write_done;
		store_fail_launches(volume.store, 1);
		store_submit(job);
		assert_int_equal(pthread_create(&reader, NULL, read_block, client.buffer), 0);
		usleep(20000); /* let it come and wait behind us; it may also come later */
		while (!atomic_load(&write_ended))
			store_wait(client.queue);
		pthread_join(reader, NULL);
		assert_true(read_saw_ending);
	}
	store_block_give(volume.store, block);
	client_close(&client);
	volume_close(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ending_comes_before_the_next_job),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
