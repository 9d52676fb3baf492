/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_PROFILE_LOAD_H
#define VRAMFS_CLI_PROFILE_LOAD_H

#include "store/store.h"

/*
 * A load: threads that each keep a number of jobs in flight, for a while. When one ends, the next
 * one takes its slot.
 */
#define LOAD_THREADS_MAX 256u
#define LOAD_IN_FLIGHT_MAX 16u /* as many as a queue has */

/* Which of a load's jobs. */
struct load_position {
	unsigned slot;   /* of all threads' slots: 0..threads * in_flight - 1 */
	uint64_t round;  /* how many jobs the slot has had before */
	uint64_t number; /* of the thread's jobs that were before it, times threads, plus the
			  * thread: no two of a load's jobs have the same */
};

struct load {
	/* The caller's */
	struct store *store;
	const char *name; /* for a profiler */
	unsigned threads, in_flight;
	double seconds;
	/* Fill in a job (kernel, segments, payload) and return the bytes of file data it is about.
	 * Called by several threads at once. */
	uint64_t (*describe)(const struct load *load, const struct load_position *position,
		struct store_job *job);
	struct device_pinned *payload; /* for DESCRIBE */
	enum kernel kernel;            /* likewise */

	/* What load_run() found out */
	double elapsed; /* from the start to the last job's end */
	uint64_t jobs[KERNEL_COUNT], bytes[KERNEL_COUNT];
	unsigned queues;                            /* that the threads had */
	uint64_t queue_jobs_least, queue_jobs_most; /* of one of them */
};

/* Run it. No line may turn out to be wrong. Errors as of the subjects in profile.h. */
err_t load_run(struct load *load, struct why *why);

/* For DESCRIBE: the job is about up to BLOCKS whole blocks, those of the place with this NUMBER
 * when the region is cut into places of so many and they are counted round and round. */
uint64_t load_describe_blocks(
	const struct load *load, uint64_t number, unsigned blocks, struct store_job *job);

#endif
