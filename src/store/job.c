/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Jobs: from what a caller wants done to a launch on the device, and back.
 *
 * Submitting a job turns its segments into claims of lines (claims.c). If no earlier job stands in
 * its way it is launched at once, otherwise by whichever thread sees the last obstacle end, on the
 * job's own device queue. That it ended its owner learns in either case from the word in pinned
 * memory that the kernel writes last. Everything a job needs is part of its slot; nothing here
 * allocates. What is launched never waits for another job, so the order of the device's queues
 * can't deadlock with ours.
 *
 * A job that ended calls `ending` while it still has its claims, so that what that records is seen
 * by whoever waited for them; then it gives them up and calls `done`, without any lock, so that
 * `done` may submit, poll and wait. If its launch died, the device's queue is drained before the
 * claims go: no part of it may still be writing when the next job gets its lines.
 *
 * Who reads and who writes: KERNEL_READ counts as a reader, although it puts corrected bytes back
 * into the region. Two readers that find the same line in error write the same bytes, each byte of
 * which is either already right or becomes right; every state in between is closer to the codeword
 * than the first, so all readers correct it to the same one. Making it a writer would line up all
 * readers of a popular line for the sake of errors that almost never happen.
 */
#include "store/job.h"

#include "base/log.h"
#include "store/internal.h"
#include "store/job-segments.h"
#include "store/job-trace.h"

#include <sched.h>
#include <string.h>

static struct store_job_state *state_of(struct claim_holder *holder)
{
	return (struct store_job_state *)((char *)holder -
					  offsetof(struct store_job_state, holder));
}

void job_init(struct store_job_state *state, struct store_queue *queue, unsigned slot)
{
	uint8_t *control = store_buffer_bytes(queue->control) + slot * JOB_CONTROL_BYTES;

	state->queue = queue;
	state->slot = slot;
	state->device_queue = queue->lanes[slot % queue->lane_count];
	state->report = (struct kernel_report *)(control + JOB_REPORT_OFFSET);
	state->scratch_word = (queue->number * QUEUE_JOBS + slot) * KERNEL_SCRATCH_WORDS;
	state->holder.claims = state->claims;
	state->job.state = state;
	state->job.segments = (struct kernel_segment *)control;
}

struct store_job *store_job_take(struct store_queue *queue)
{
	uint32_t jobs = atomic_load_explicit(&queue->free_jobs, memory_order_acquire);
	struct store_job_state *state;

	do {
		if (!jobs)
			return NULL;
	} while (!atomic_compare_exchange_weak_explicit(&queue->free_jobs, &jobs, jobs & (jobs - 1),
		memory_order_acquire, memory_order_acquire));
	state = &queue->jobs[__builtin_ctz(jobs)];
	state->job = (struct store_job){.segments = state->job.segments, .state = state};
	atomic_store_explicit(&state->phase, JOB_TAKEN, memory_order_relaxed);
	return &state->job;
}

void store_job_drop(struct store_job *job)
{
	struct store_job_state *state = job->state;

	atomic_store_explicit(&state->phase, JOB_FREE, memory_order_relaxed);
	atomic_fetch_or_explicit(&state->queue->free_jobs, 1u << state->slot, memory_order_release);
}

/* Any number but 0 and KERNEL_FAILED. */
static uint32_t new_ticket(struct store_queue *queue)
{
	uint32_t number = atomic_fetch_add_explicit(&queue->last_ticket, 1, memory_order_relaxed);

	return number % (KERNEL_FAILED - 1) + 1;
}

static struct kernel_params describe_params(const struct store_job_state *state)
{
	const struct store_job *job = &state->job;
	const struct store *store = state->queue->store;
	uint64_t control = (uint64_t)state->slot * JOB_CONTROL_BYTES;

	struct kernel_params params = {
		.parity_base = store->parity_base,
		.parity_pitch = store->parity_pitch,
		.data_per_line = store->geometry.line_payload,
		.max_correct = store->geometry.max_correct,
		.first_block = job->first_block,
		.segment_count = state->round_count,
		.tiles_per_segment = job_tiles_per_segment(state),
		.report = control + JOB_REPORT_OFFSET,
		.scratch = state->scratch_word,
		.ticket = state->ticket,
		.payload = job->payload_offset,
		.seed = job->seed,
		.pattern = job->pattern,
		.inject_errors = job->inject_errors,
		.inject_every = job->inject_every,
		.stream = job->stream,
	};

	if (job->whole_blocks) {
		params.segments = KERNEL_WHOLE_BLOCKS;
	} else if (state->round_count <= KERNEL_FEW) {
		params.segments = KERNEL_FEW_SEGMENTS;
		memcpy(params.few, job->segments + state->round_first,
			state->round_count * sizeof(params.few[0]));
	} else {
		params.segments = control + state->round_first * sizeof(struct kernel_segment);
	}
	return params;
}

static struct device_launch describe_launch(const struct store_job_state *state)
{
	const struct store_job *job = &state->job;
	bool payload = job_moves_payload(job);

	return (struct device_launch){
		.kernel = job->kernel,
		.params = describe_params(state),
		.region = state->queue->store->region,
		.scratch = state->queue->store->scratch,
		.control = state->queue->control,
		.payload = payload ? job->payload : NULL,
		.payload_bytes = payload ? job->payload_bytes : 0,
		.unordered = true, /* claims keep apart what must not overlap */
	};
}

/* Make the scratch words of a job whose launch died zero again, after all that its device queue
 * still had to do. If not even that works, it is tried again before the next launch. */
static err_t clean_scratch(struct store_job_state *state)
{
	struct device_queue *queue = state->device_queue;
	int err = device_queue_wait(queue);

	if (err)
		log_debug("something on a device queue has failed: cleaning up");
	err = device_copy_in(queue, state->queue->store->scratch,
		state->scratch_word * sizeof(uint32_t), state->queue->control, QUEUE_ZEROS_OFFSET,
		KERNEL_SCRATCH_WORDS * sizeof(uint32_t));
	if (!err)
		err = device_queue_wait(queue);
	state->scratch_dirty = err != 0;
	return err;
}

/* Called on any thread, with no lock held; the job may end, and be another's, before it returns. */
static void job_launch(struct store_job_state *state)
{
	struct store_queue *queue = state->queue;
	int err = state->scratch_dirty ? clean_scratch(state) : 0;

	job_plan_round(state);
	memset((char *)state->report + sizeof(state->report->done), 0,
		sizeof(*state->report) - sizeof(state->report->done));
	/* Threads that share the queue may look at this one still. */
	__atomic_store_n(&state->report->done, 0, __ATOMIC_RELEASE);
	state->ticket = new_ticket(queue);
	job_trace_start(state);
	if (!err) {
		struct device_launch launch = describe_launch(state);

		err = device_launch(state->device_queue, &launch);
	}
	if (err)
		__atomic_store_n(&state->report->done, KERNEL_FAILED, __ATOMIC_RELEASE);
	/* Sequentially consistent, as is the count of sleepers: a thread that goes to sleep counts
	 * itself before it looks at the phases, so one of us sees the other. */
	atomic_store(&state->phase, JOB_LAUNCHED);
	if (atomic_load(&queue->sleepers)) {
		pthread_mutex_lock(&queue->lock);
		pthread_cond_broadcast(&queue->changed);
		pthread_mutex_unlock(&queue->lock);
	}
}

/* Called with the queue's lock held. */
static void list_append(struct store_queue *queue, struct store_job_state *state)
{
	state->next = NULL;
	state->previous = queue->newest;
	if (queue->newest)
		queue->newest->next = state;
	else
		queue->oldest = state;
	queue->newest = state;
}

/* Called with the queue's lock held. */
static void list_remove(struct store_queue *queue, struct store_job_state *state)
{
	if (state->previous)
		state->previous->next = state->next;
	else
		queue->oldest = state->next;
	if (state->next)
		state->next->previous = state->previous;
	else
		queue->newest = state->previous;
}

static void count(_Atomic uint64_t *counter, uint64_t value)
{
	if (value)
		atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

void store_submit(struct store_job *job)
{
	struct store_job_state *state = job->state;
	struct store_queue *queue = state->queue;

	job_check(job);
	job_make_claims(state);
	state->round_first = 0;
	state->outcome = (struct store_outcome){0};
	atomic_store_explicit(&state->phase, JOB_WAITING, memory_order_relaxed);

	/* In the list before it can be launched by somebody else. */
	pthread_mutex_lock(&queue->lock);
	list_append(queue, state);
	pthread_mutex_unlock(&queue->lock);
	atomic_fetch_add(&queue->in_flight, 1);

	if (claims_enter(queue->store->claims, &state->holder))
		job_launch(state);
	else
		count(&queue->counters.delayed_jobs, 1);
}

/* Add what the launch that ended reports to the job's outcome. -EIO if it died. */
static err_t take_report(struct store_job_state *state)
{
	const struct kernel_report *report = state->report;

	if (__atomic_load_n(&report->done, __ATOMIC_ACQUIRE) != state->ticket) {
		if (clean_scratch(state))
			log_debug("could not clean up after a launch that failed");
		return -EIO;
	}
	state->outcome.flagged += report->flagged;
	state->outcome.lost += report->lost;
	for (unsigned weight = 1; weight < 5; weight++)
		state->outcome.corrected[weight] += report->corrected[weight];
	return 0;
}

static void count_job(const struct store_job_state *state, int err)
{
	struct queue_counters *counters = &state->queue->counters;
	const struct store_job *job = &state->job;

	count(&counters->jobs, 1);
	count(&counters->failed_jobs, err != 0);
	count(&counters->lost, state->outcome.lost);
	for (unsigned weight = 1; weight < 5; weight++)
		count(&counters->corrected[weight], state->outcome.corrected[weight]);
	if (!err && job_moves_payload(job)) {
		uint64_t bytes = 0;

		for (unsigned i = 0; i < job->segment_count; i++)
			bytes += job->segments[i].count;
		count(job->kernel == KERNEL_READ ? &counters->read_bytes : &counters->written_bytes,
			bytes);
	}
}

/* Losing a line is the failure of a job that moves file bytes; a sweep only tells of it. */
static bool lost_lines_fail(const struct store_job *job)
{
	return job_moves_payload(job) || job->kernel == KERNEL_FILL || job->kernel == KERNEL_COPY;
}

/* The claims go, and whoever waited for nothing else is launched. */
static void leave_claims(struct store_job_state *state)
{
	struct claim_holder *freed = claims_leave(state->queue->store->claims, &state->holder);

	while (freed) {
		struct claim_holder *next = freed->next_free;

		job_launch(state_of(freed));
		freed = next;
	}
}

/* A launch has ended, STATE is in no list. Called with no lock held. True if its job has ended with
 * it. */
static bool finish_launch(struct store_job_state *state)
{
	struct store_queue *queue = state->queue;
	struct store_job *job = &state->job;
	struct store_outcome outcome;
	int err = take_report(state);

	state->round_first += state->round_count;
	if (!err && state->round_first < job->segment_count) {
		atomic_store(&state->phase, JOB_WAITING);
		pthread_mutex_lock(&queue->lock);
		list_append(queue, state);
		pthread_mutex_unlock(&queue->lock);
		job_launch(state);
		return false;
	}

	if (err || (state->outcome.lost && lost_lines_fail(job)))
		err = -EIO;
	outcome = state->outcome;
	job_trace_end(state);
	if (job->ending)
		job->ending(job, err, &outcome);
	leave_claims(state);
	count_job(state, err);
	/* Before `done`, which may wait for the others. */
	atomic_fetch_sub(&queue->in_flight, 1);
	job->done(job, err, &outcome);
	store_job_drop(job);
	return true;
}

/* The first in the list whose launch has ended. Called with the queue's lock held. */
static struct store_job_state *first_ended(const struct store_queue *queue)
{
	for (struct store_job_state *state = queue->oldest; state; state = state->next)
		if (atomic_load(&state->phase) == JOB_LAUNCHED &&
			device_poll(state->device_queue, &state->report->done))
			return state;
	return NULL;
}

unsigned store_poll(struct store_queue *queue)
{
	struct store_job_state *state;

	pthread_mutex_lock(&queue->lock);
	/* One at a time, so that a `done` that waits for others finds them in the list; and no more
	 * than there are now, or a `done` that submits the next job could keep us here for ever. */
	for (unsigned left = atomic_load(&queue->in_flight); left; left--) {
		state = first_ended(queue);
		if (!state)
			break;
		list_remove(queue, state);
		pthread_mutex_unlock(&queue->lock);
		bool ended = finish_launch(state);
		pthread_mutex_lock(&queue->lock);
		if (ended) {
			queue->ended++;
			if (atomic_load(&queue->sleepers))
				pthread_cond_broadcast(&queue->changed);
		}
	}
	pthread_mutex_unlock(&queue->lock);
	return atomic_load(&queue->in_flight);
}

/* Called with the queue's lock held. */
static struct store_job_state *oldest_launched(const struct store_queue *queue)
{
	for (struct store_job_state *state = queue->oldest; state; state = state->next)
		if (atomic_load(&state->phase) == JOB_LAUNCHED)
			return state;
	return NULL;
}

/*
 * Sleep until a launch of this queue may have ended. If all its jobs still wait for other threads'
 * jobs, no word of ours will change: then sleep until one has been launched, or, where the queue is
 * shared, until another thread has taken care of one.
 */
static void wait_for_change(struct store_queue *queue)
{
	struct device_queue *device_queue;
	const uint32_t *done;
	struct store_job_state *state;

	pthread_mutex_lock(&queue->lock);
	atomic_fetch_add(&queue->sleepers, 1);
	state = oldest_launched(queue);
	if (!state && atomic_load(&queue->in_flight))
		pthread_cond_wait(&queue->changed, &queue->lock);
	atomic_fetch_sub(&queue->sleepers, 1);
	if (!state) {
		pthread_mutex_unlock(&queue->lock);
		return;
	}
	device_queue = state->device_queue;
	done = &state->report->done;
	pthread_mutex_unlock(&queue->lock);
	/* A thread that shares the queue may see it first and reuse the job; then this wakes up
	 * for the next job's sake, and nothing worse. */
	device_wait(device_queue, done);
}

void store_wait(struct store_queue *queue)
{
	uint64_t ended_before, ended;
	unsigned in_flight;

	pthread_mutex_lock(&queue->lock);
	ended_before = queue->ended;
	pthread_mutex_unlock(&queue->lock);
	for (;;) {
		in_flight = store_poll(queue);
		pthread_mutex_lock(&queue->lock);
		ended = queue->ended;
		pthread_mutex_unlock(&queue->lock);
		if (ended != ended_before)
			return;
		if (!in_flight) {
			/* Another thread that shares the queue may be in a `done` of ours. */
			sched_yield();
			return;
		}
		wait_for_change(queue);
	}
}
