/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_STORE_QUEUES_H
#define VRAMFS_STORE_QUEUES_H

#include "device/device.h"
#include "store/job.h"

#include <pthread.h>

#define QUEUE_JOBS 16u
#define QUEUE_LANES_MOST 8u

/* What the jobs of one queue have done; relaxed atomics, summed by store_counters(). */
struct queue_counters {
	_Atomic uint64_t read_bytes, written_bytes;
	_Atomic uint64_t jobs, failed_jobs, delayed_jobs;
	_Atomic uint64_t corrected[5];
	_Atomic uint64_t lost;
};

/*
 * A thread's jobs, with the pinned memory that they control the device with and the device's queues
 * that they go to. Jobs need no order among them beyond what claims.c sees to, so each goes to a
 * lane of its own as far as there are lanes: what moves over the bus for one job overlaps with what
 * is computed for another. Usually of one thread, which then takes the lock uncontended.
 */
struct store_queue {
	struct store *store;
	unsigned number;
	struct device_queue *lanes[QUEUE_LANES_MOST]; /* job I goes to lane I % lane_count */
	unsigned lane_count;
	struct device_pinned *control; /* QUEUE_JOBS x JOB_CONTROL_BYTES, then zeros for scratch */

	pthread_mutex_t lock;                    /* of the list, and of sleeping on `changed` */
	struct store_job_state *oldest, *newest; /* in flight, not yet seen to have ended */
	_Atomic unsigned in_flight;              /* submitted, `done` not yet called */
	uint64_t ended;                          /* jobs whose `done` has returned, ever */
	pthread_cond_t changed; /* while `sleepers`: a waiting job was launched or one ended */
	_Atomic unsigned sleepers;

	_Atomic uint32_t free_jobs; /* a bit each */
	_Atomic uint32_t last_ticket;
	struct queue_counters counters;
	struct store_job_state *jobs; /* [QUEUE_JOBS] */

	unsigned threads; /* that have it; the lock of queues.c */
};

/* Where in a queue's control memory there are KERNEL_SCRATCH_WORDS zeros. */
#define QUEUE_ZEROS_OFFSET (QUEUE_JOBS * JOB_CONTROL_BYTES)

/* How many queues suit a device, and how many of the device's queues each should have: see
 * queues.c. */
unsigned queues_suitable(const struct device_info *info);
unsigned lanes_suitable(const struct device_info *info);

/* Make the queues of a store whose device and scratch are there, and let threads find them.
 * Undone by queues_close(), also half-way. */
err_t queues_open(struct store *store);
void queues_close(struct store *store);

#endif
