/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#include "cli/profile-load.h"

#include "base/cleanup.h"
#include "base/trace.h"
#include "cli/clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct runner;

struct slot {
	struct runner *runner;
	atomic_bool busy;
	uint64_t round;
	enum kernel kernel; /* of the job in flight */
	uint64_t bytes;
};

struct thread {
	pthread_t thread;
	struct runner *runner;
	unsigned number;
	struct store_queue *queue;
	uint64_t job_count;
	double ended;
	struct slot slots[LOAD_IN_FLIGHT_MAX];
};

struct runner {
	const struct load *load;
	pthread_mutex_t gate; /* held until all threads are there */
	bool cancelled;       /* the gate's */
	double until;         /* likewise */
	atomic_bool failed;
	_Atomic uint64_t wrong_lines;
	_Atomic uint64_t jobs[KERNEL_COUNT], bytes[KERNEL_COUNT];
};

static void job_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct slot *slot = job->user;
	struct runner *runner = slot->runner;

	if (err)
		atomic_store(&runner->failed, true);
	if (outcome->flagged)
		atomic_fetch_add(&runner->wrong_lines, outcome->flagged);
	atomic_fetch_add_explicit(&runner->jobs[slot->kernel], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&runner->bytes[slot->kernel], slot->bytes, memory_order_relaxed);
	atomic_store(&slot->busy, false);
}

/* Start the next job of every slot that has none. */
static void fill_slots(struct thread *self)
{
	const struct load *load = self->runner->load;

	for (unsigned i = 0; i < load->in_flight; i++) {
		struct slot *slot = &self->slots[i];
		struct load_position position = {
			.slot = self->number * load->in_flight + i,
			.round = slot->round,
			.number = self->job_count * load->threads + self->number,
		};
		struct store_job *job;

		if (atomic_load(&slot->busy))
			continue;
		job = store_job_take(self->queue);
		if (!job) /* threads that share the queue have all */
			return;
		atomic_store(&slot->busy, true);
		slot->bytes = load->describe(load, &position, job);
		slot->kernel = job->kernel;
		slot->round++;
		self->job_count++;
		job->done = job_done;
		job->user = slot;
		store_submit(job);
	}
}

static void *run_thread(void *argument)
{
	struct thread *self = argument;
	struct runner *runner = self->runner;
	bool cancelled;
	double until;

	self->queue = store_queue(runner->load->store);
	trace_name_thread(runner->load->name);
	pthread_mutex_lock(&runner->gate);
	cancelled = runner->cancelled;
	until = runner->until;
	pthread_mutex_unlock(&runner->gate);
	if (cancelled)
		return NULL;
	do {
		fill_slots(self);
		store_wait(self->queue);
	} while (clock_seconds() < until && !atomic_load(&runner->failed));
	for (unsigned i = 0; i < runner->load->in_flight; i++)
		while (atomic_load(&self->slots[i].busy))
			store_wait(self->queue);
	self->ended = clock_seconds();
	return NULL;
}

/* Start the threads, let them go and wait for their end. */
static err_t run_threads(struct runner *runner, struct thread *threads, double *ret_elapsed)
{
	const struct load *load = runner->load;
	unsigned count = 0;
	double begun, ended;
	int err = 0;

	pthread_mutex_lock(&runner->gate);
	while (count < load->threads && !err) {
		err = pthread_create(&threads[count].thread, NULL, run_thread, &threads[count]);
		count += !err;
	}
	runner->cancelled = err != 0;
	begun = ended = clock_seconds();
	runner->until = begun + load->seconds;
	pthread_mutex_unlock(&runner->gate);
	for (unsigned i = 0; i < count; i++) {
		pthread_join(threads[i].thread, NULL);
		if (threads[i].ended > ended)
			ended = threads[i].ended;
	}
	*ret_elapsed = ended - begun;
	return -err;
}

/* How many queues the threads had, and what each queue did. */
static void count_queues(struct load *load, const struct thread *threads)
{
	load->queues = 0;
	load->queue_jobs_least = UINT64_MAX;
	load->queue_jobs_most = 0;
	for (unsigned i = 0; i < load->threads; i++) {
		uint64_t jobs = 0;
		bool first = true;

		for (unsigned j = 0; j < load->threads; j++) {
			if (threads[j].queue != threads[i].queue)
				continue;
			first &= j >= i;
			jobs += threads[j].job_count;
		}
		load->queues += first;
		if (jobs < load->queue_jobs_least)
			load->queue_jobs_least = jobs;
		if (jobs > load->queue_jobs_most)
			load->queue_jobs_most = jobs;
	}
}

int load_run(struct load *load, struct why *why)
{
	struct runner runner = {.load = load, .gate = PTHREAD_MUTEX_INITIALIZER};
	CLEANUP(free_p) struct thread *threads = calloc(load->threads, sizeof(*threads));
	uint64_t range;
	int err;

	if (!threads)
		return why_fail(why, ENOMEM, "not enough memory on the host");
	for (unsigned i = 0; i < load->threads; i++) {
		threads[i].runner = &runner;
		threads[i].number = i;
		for (unsigned j = 0; j < load->in_flight; j++)
			threads[i].slots[j].runner = &runner;
	}
	range = trace_start(load->name);
	err = run_threads(&runner, threads, &load->elapsed);
	trace_end(range);
	if (err)
		return why_fail(
			why, -err, "can't start %u threads: %s", load->threads, strerror(-err));
	if (atomic_load(&runner.failed))
		return why_fail(why, EIO, "the device failed a job: look at its driver's log");
	if (atomic_load(&runner.wrong_lines))
		return why_fail(why, EIO,
			"%" PRIu64 " lines were wrong: use 'vramfs test' to see what is",
			atomic_load(&runner.wrong_lines));
	for (unsigned kernel = 0; kernel < KERNEL_COUNT; kernel++) {
		load->jobs[kernel] = atomic_load(&runner.jobs[kernel]);
		load->bytes[kernel] = atomic_load(&runner.bytes[kernel]);
	}
	count_queues(load, threads);
	return 0;
}

uint64_t load_describe_blocks(
	const struct load *load, uint64_t number, unsigned blocks, struct store_job *job)
{
	const struct store_geometry *geometry = store_geometry(load->store);
	uint64_t places = (geometry->blocks + blocks - 1) / blocks;
	uint64_t first = number % places * blocks, count = geometry->blocks - first;

	if (count > blocks)
		count = blocks;
	job->whole_blocks = true;
	job->first_block = (uint32_t)first;
	job->segment_count = (unsigned)count;
	return count * geometry->block_payload;
}
