/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A kernel over a whole range of blocks: in jobs that take a fast GPU a tenth of a millisecond,
 * large enough that launching them, claiming their blocks and filling the GPU's pipelines costs
 * little beside running them; a few in flight, so that the device has the next one when it ends
 * one; and no larger, so that another job that wants one of the lines waits for one such piece and
 * not for the whole sweep. Where that would be for too long, as the pieces before tell, they are
 * smaller.
 */
#include "base/clock.h"
#include "base/trace.h"
#include "device/kernel-names.h"
#include "store/internal.h"

#include <assert.h>
#include <sched.h>

#define BLOCKS_LEAST 256u /* 32 MiB */
#define BLOCKS_MOST 2048u
#define PIECE_NS INT64_C(4000000)
#define JOBS_IN_FLIGHT 4u

_Static_assert(BLOCKS_LEAST *KERNEL_BLOCK_TILES <= DEVICE_LAUNCH_GROUPS,
	"ordinary processors are prepared for launches as large as a sweep's there");

/* Of one sweep. Atomic, because a thread that shares the queue may call `done`. */
struct progress {
	_Atomic uint64_t flagged, corrected[5], lost;
	atomic_bool failed;
	_Atomic unsigned in_flight;
	_Atomic uint64_t blocks_done;
	int64_t began_ns;
};

static bool sweeps(enum kernel kernel)
{
	return kernel < KERNEL_READ || kernel > KERNEL_COPY;
}

static void piece_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct progress *progress = job->user;

	atomic_fetch_add(&progress->flagged, outcome->flagged);
	atomic_fetch_add(&progress->lost, outcome->lost);
	for (unsigned weight = 1; weight < 5; weight++)
		atomic_fetch_add(&progress->corrected[weight], outcome->corrected[weight]);
	if (err)
		atomic_store(&progress->failed, true);
	atomic_fetch_add(&progress->blocks_done, job->segment_count);
	/* Last: the sweep may return, and PROGRESS be gone. */
	atomic_fetch_sub(&progress->in_flight, 1);
}

static void submit_piece(struct store_job *job, enum kernel kernel, uint32_t first, uint32_t count,
	const struct store_sweep *arguments, struct progress *progress)
{
	job->kernel = kernel;
	job->whole_blocks = true;
	job->first_block = first;
	job->segment_count = count;
	if (arguments) {
		job->seed = arguments->seed;
		job->inject_errors = arguments->inject_errors;
		job->inject_every = arguments->inject_every;
		job->stream = arguments->stream;
	}
	job->done = piece_done;
	job->user = progress;
	atomic_fetch_add(&progress->in_flight, 1);
	store_submit(job);
}

/* Blocks of the next piece. Where the device is no GPU it is the least: there it takes longer than
 * a piece should, and no launch may be wider than what the device is prepared for. */
static uint32_t piece_blocks(const struct store *store, const struct progress *progress)
{
	int64_t elapsed = clock_ns() - progress->began_ns;
	uint64_t done = atomic_load(&progress->blocks_done);
	uint64_t blocks = done ? done * PIECE_NS / (uint64_t)(elapsed + 1) : BLOCKS_MOST;

	if (blocks < BLOCKS_LEAST || !device_info(store->device)->gpu)
		return BLOCKS_LEAST;
	return blocks < BLOCKS_MOST ? (uint32_t)blocks : BLOCKS_MOST;
}

int store_sweep(struct store *store, enum kernel kernel, uint32_t first, uint32_t count,
	const struct store_sweep *arguments, struct store_sweep_totals *ret_totals)
{
	static const char *const names[KERNEL_COUNT] = KERNEL_NAMES("sweep ");
	TRACE_SCOPE(names[kernel]);
	struct store_queue *queue = store_queue(store);
	struct progress progress = {.began_ns = clock_ns()};

	assert(sweeps(kernel));
	assert((uint64_t)first + count <= store->geometry.blocks);
	while (count || atomic_load(&progress.in_flight)) {
		bool room = count && atomic_load(&progress.in_flight) < JOBS_IN_FLIGHT;
		struct store_job *job = room ? store_job_take(queue) : NULL;

		if (job) {
			uint32_t piece = piece_blocks(store, &progress);

			if (piece > count)
				piece = count;
			submit_piece(job, kernel, first, piece, arguments, &progress);
			first += piece;
			count -= piece;
		} else {
			/* Full, or nothing left, or a thread that shares the queue has all jobs. */
			store_wait(queue);
		}
	}
	*ret_totals = (struct store_sweep_totals){
		.flagged = progress.flagged,
		.lost = progress.lost,
	};
	for (unsigned weight = 1; weight < 5; weight++)
		ret_totals->corrected[weight] = progress.corrected[weight];
	return progress.failed ? -EIO : 0;
}
