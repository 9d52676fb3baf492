/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_DEVICE_CUDA_DEVICE_H
#define VRAMFS_DEVICE_CUDA_DEVICE_H

#include "device/backend.h"
#include "device/cuda-driver.h"
#include "device/cuda-variants.h"

#include <pthread.h>
#include <stdatomic.h>

/* What a CUDA device is made of, for cuda.c and for cuda-launch.c, which has the launches. */

struct cuda_queue;

/* A small job that waits to be launched together with others: what matters of its launch. */
struct cuda_small_job {
	struct cuda_queue *queue;
	enum kernel kernel;
	uint32_t tiles;
	cuda_address region, scratch, control, payload;
	uint64_t parity_base;
	uint32_t parity_pitch, data_per_line, max_correct;
	struct kernel_job job; /* offsets in the two above */
	struct kernel_segment segment;
	struct kernel_report *report;
};

/*
 * So many threads launch at a time. Random reads of 4 KiB on an H200, 16 threads with 1 and with 8
 * jobs in flight each: 568 and 764 thousand a second like this, 531 and 800 with 4, 598 and 558
 * with 12, and 595 and 510 when each job is launched by itself.
 */
#define CUDA_LAUNCHERS 8u

#define CUDA_SMALL_JOBS 64u

struct cuda_small_jobs {
	_Atomic unsigned launching; /* threads */
	pthread_mutex_t lock;       /* of the two below */
	_Atomic unsigned count;
	struct cuda_small_job jobs[CUDA_SMALL_JOBS]; /* in the order in which they came */
};

struct cuda_device {
	struct device base;
	const struct cuda_driver *driver;
	uint64_t identity; /* no two devices opened in this process have the same; never 0 */
	cuda_device_id id;
	cuda_context context;
	const struct cuda_variant *variant;
	cuda_module module;
	cuda_function kernels[KERNEL_COUNT];
	/* Of those that sweep: the groups that the GPU runs at once. */
	unsigned groups_at_once[KERNEL_COUNT];
	/* Shared memory that a group of a large job takes beyond what it needs: see cuda-turns.c.
	 */
	unsigned extra_bytes[KERNEL_COUNT];
	struct cuda_small_jobs small_jobs;
};

struct cuda_memory {
	struct device_memory base;
	cuda_address address;
};

struct cuda_queue {
	struct device_queue base;
	cuda_stream stream;
};

static inline struct cuda_device *cuda_device(struct device *device)
{
	return (struct cuda_device *)device;
}

static inline struct cuda_queue *cuda_queue(struct device_queue *queue)
{
	return (struct cuda_queue *)queue;
}

/* Make DEVICE's context current in the calling thread. */
err_t cuda_bind(const struct cuda_device *device);

/* For what serves a request: whatever the driver says, the request sees an I/O error. */
err_t cuda_io_check(const struct cuda_driver *driver, cuda_result result, const char *call);

/* cuda-turns.c */

/* Once the kernels are loaded. */
void cuda_turns_init(struct cuda_device *device);
/* The shared memory, beyond what it needs, of each group of a launch of KERNEL over TILES tiles. */
unsigned cuda_turns_bytes(const struct cuda_device *device, enum kernel kernel, unsigned tiles);

/* cuda-launch.c */

void cuda_launch_init(struct cuda_device *device);
err_t cuda_launch(struct device_queue *queue, const struct device_launch *launch);
void cuda_hold_launches(struct device *device, bool hold);
/* Launch small jobs that wait for it, if others don't. False: there are none. */
bool cuda_launch_waiting(struct device *device);

#endif
