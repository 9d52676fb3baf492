/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_STORE_STORE_H
#define VRAMFS_STORE_STORE_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/size.h"
#include "kernels/abi.h"
#include "rs/rs.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;
struct device_pinned;

/*
 * One region of device memory, cut into blocks that a code protects line by line; a pool of free
 * blocks; queues, one for each thread that asks; and jobs that move bytes between blocks and pinned
 * host memory.
 *
 * Two jobs that touch the same line never run at once unless both only read it; jobs that conflict
 * run in the order in which they were submitted. It follows that a block may be given back while
 * jobs on it are still running: its next owner's jobs wait for them, line by line.
 */
struct store;
struct store_queue;

#define STORE_JOB_SEGMENTS \
	264u /* as many as a 1 MiB request in 4 KiB pieces, cut at both ends, needs */

struct store_options {
	struct size_spec size; /* device memory to take, parity included */
	enum rs_code code;
	unsigned max_correct; /* 0..4 */
};

/* Take the region and zero it. The device stays the caller's and must outlive the store. -EINVAL a
 * size that holds no block, -ENOMEM more than is free less the headroom that is left to others. */
err_t store_open(struct device *device, const struct store_options *options,
	struct store **ret_store, struct why *why);

/* No job may be in flight. Gives the memory back to the device. NULL is allowed. */
void store_close(struct store *store);
DEFINE_CLEANUP(struct store *, store_close, store_close)

struct store_geometry {
	enum rs_code code;
	unsigned max_correct;
	uint64_t region_bytes; /* device memory taken */
	uint64_t blocks;
	uint32_t block_payload; /* file bytes in a block: 131072 or 122880 */
	uint32_t line_payload;  /* file bytes in a line: 128 or 120 */
};
const struct store_geometry *store_geometry(const struct store *store);
struct device *store_device(struct store *store);

/* The free blocks, from any thread, lock-free. Taking is -ENOSPC when none is left. What a block
 * held before is undefined for its new owner, who must never show it. */
err_t store_block_take(struct store *store, uint32_t *ret_block);
void store_block_give(struct store *store, uint32_t block);
uint64_t store_blocks_free(const struct store *store);

/* A block that goes back to the pool with its scope: `CLEANUP(store_block_done) struct store_block
 * b =
 * {}` after store_block_init(); set b.store = NULL to keep the block. */
struct store_block {
	struct store *store;
	uint32_t block;
};
err_t store_block_init(struct store_block *handle, struct store *store);
void store_block_done(struct store_block *handle);

/* This thread's queue: the same at every call, a few nanoseconds after the first. Threads beyond
 * the number of queues that suits the device share theirs. Given back when the thread ends. */
struct store_queue *store_queue(struct store *store);

/* Pinned host memory for payloads, page-aligned, zeroed. */
err_t store_buffer_alloc(struct store *store, size_t bytes, struct device_pinned **ret_buffer);
void store_buffer_free(struct device_pinned *buffer);
uint8_t *store_buffer_bytes(const struct device_pinned *buffer);

/* What a job found out about the lines it touched. */
struct store_outcome {
	uint32_t flagged;      /* lines that were no codewords */
	uint32_t corrected[5]; /* [w] lines in which w bytes were corrected */
	uint32_t lost;         /* lines beyond repair */
};

/*
 * One piece of work. Taken from its queue with the segments' memory attached, filled by the caller,
 * submitted, and free again once `done` has returned.
 */
struct store_job {
	/* The caller's */
	enum kernel kernel;
	struct kernel_segment
		*segments;      /* [STORE_JOB_SEGMENTS], in pinned memory; the caller writes them */
	unsigned segment_count; /* 1..STORE_JOB_SEGMENTS, or whole blocks: see below */
	bool whole_blocks;      /* the segments are blocks first_block.. instead, as many as one
				 * likes; for kernels that move no payload */
	uint32_t first_block;
	struct device_pinned *payload; /* KERNEL_READ, KERNEL_WRITE */
	size_t payload_offset;         /* segments' payload offsets count from here */
	size_t payload_bytes;
	uint64_t seed; /* for the kernels that tests use */
	uint32_t pattern, inject_errors, inject_every, stream;
	/* Called once, on a thread that polls the job's queue or from store_submit() itself, with 0
	 * or -EIO (a line was lost or the device failed; OUTCOME tells which). It may submit other
	 * jobs. */
	void (*done)(struct store_job *job, int err, const struct store_outcome *outcome);
	/* NULL, or called as `done` is and right before it, while the job still keeps its lines to
	 * itself: what it records is seen by every job that waited for them. It must not submit,
	 * poll or wait. */
	void (*ending)(struct store_job *job, int err, const struct store_outcome *outcome);
	void *user;
	/* The store's: see store/job.h */
	struct store_job_state *state;
};

/* A free job of this queue, or NULL when all are in flight: poll and try again. A taken job is
 * either submitted or dropped. */
struct store_job *store_job_take(struct store_queue *queue);
void store_job_drop(struct store_job *job);

/* Start it as soon as no earlier job stands in its way. Its outcome comes through job->done,
 * failures to start included. */
void store_submit(struct store_job *job);

/* See which jobs of this queue have ended and call their `done`. Whoever submits must poll (or
 * wait) until all its jobs are done, because others may wait for their lines. Returns how many are
 * still in flight. */
unsigned store_poll(struct store_queue *queue);

/* Poll until at least one more job of this queue has ended, or none is in flight; spins, then
 * sleeps. */
void store_wait(struct store_queue *queue);

/* Between HOLD true and false small jobs that the calling thread submits may wait, to be launched
 * together. Until then it must not wait for other threads, which may be waiting for these jobs;
 * store_wait() launches them. */
void store_hold_launches(struct store *store, bool hold);

/* Do a small piece of what the device has to do and this machine's processors do, for whoever polls
 * instead of waiting. False: there is none to be done. */
bool store_help(struct store *store);

/* Run KERNEL (ENCODE, VERIFY, CORRECT, REFRESH, RANDOMIZE, COMPARE, INJECT or STREAM) over COUNT
 * blocks from FIRST in jobs of many blocks, several in flight, beside whatever else runs. Adds up
 * what was found. -EIO if the device failed; lines lost are no error here. ARGUMENTS may be NULL
 * for the first four. */
struct store_sweep {
	uint64_t seed;
	uint32_t inject_errors, inject_every, stream;
};
struct store_sweep_totals {
	uint64_t flagged, corrected[5], lost;
};
err_t store_sweep(struct store *store, enum kernel kernel, uint32_t first, uint32_t count,
	const struct store_sweep *arguments, struct store_sweep_totals *ret_totals);

/* Since the store was opened. */
struct store_counters {
	uint64_t read_bytes, written_bytes;
	uint64_t jobs, failed_jobs, delayed_jobs; /* delayed: had to wait for another job's lines */
	uint64_t corrected[5];                    /* lines, by the number of bytes corrected */
	uint64_t lost;                            /* times a line was found lost */
};
void store_counters(const struct store *store, struct store_counters *ret_counters);

/* Test hook: device_fail_launches() of the device below. */
void store_fail_launches(struct store *store, unsigned count);

#endif
