/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_STORE_JOB_H
#define VRAMFS_STORE_JOB_H

#include "store/claims.h"
#include "store/store.h"

/*
 * The life of a job:
 *
 *	JOB_FREE -> store_job_take -> JOB_TAKEN -> store_submit -> JOB_WAITING -> (no earlier job
 *	in the way) -> JOB_LAUNCHED -> store_poll, `done` -> JOB_FREE
 *
 * A job whose segments touch a line twice goes through JOB_WAITING and JOB_LAUNCHED several times,
 * a run of its segments at a time: see job.c.
 */
enum job_phase {
	JOB_FREE,     /* nobody's */
	JOB_TAKEN,    /* its caller's, who fills it */
	JOB_WAITING,  /* behind other jobs, or about to be launched */
	JOB_LAUNCHED, /* report->done tells, or will tell, how it ended */
};

/* COPY claims two blocks a segment. */
#define JOB_CLAIMS (2u * STORE_JOB_SEGMENTS)

/* A job's part of its queue's control memory: the segments, then the report. */
#define JOB_REPORT_OFFSET (STORE_JOB_SEGMENTS * sizeof(struct kernel_segment))
#define JOB_CONTROL_BYTES (JOB_REPORT_OFFSET + sizeof(struct kernel_report))

struct store_job_state {
	/* Set when the store is opened */
	struct store_job job;
	struct store_queue *queue;
	unsigned slot;                     /* which of its queue's jobs */
	struct device_queue *device_queue; /* its lane */
	struct kernel_report *report;      /* in the queue's control memory */
	uint32_t scratch_word; /* the first of its words in the store's scratch memory */

	struct claim_holder holder;
	_Atomic unsigned phase; /* enum job_phase */
	uint32_t ticket;
	unsigned round_first, round_count; /* segments of the launch under way */
	bool scratch_dirty;                /* a launch died: the scratch words may not be zero */
	struct store_outcome outcome;      /* of the rounds that have ended */
	uint64_t trace;                    /* job-trace.h's */
	struct store_job_state *previous, *next; /* in flight, in the order of submission */
	struct claim claims[JOB_CLAIMS];
};

/* Set up the job of a new queue, whose other members are valid. */
void job_init(struct store_job_state *state, struct store_queue *queue, unsigned slot);

#endif
