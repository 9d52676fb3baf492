/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_STORE_INTERNAL_H
#define VRAMFS_STORE_INTERNAL_H

#include "store/claims.h"
#include "store/pool.h"
#include "store/queues.h"
#include "store/store.h"

struct store {
	struct device *device;
	struct store_geometry geometry;
	uint64_t parity_base;
	uint32_t parity_pitch;
	struct device_memory *region;
	struct device_memory *scratch; /* KERNEL_SCRATCH_WORDS for each job of each queue */
	struct pool *pool;
	struct claims *claims;

	uint64_t generation; /* no two stores of a process have the same, ever */
	struct store_queue **queues;
	unsigned queue_count;
	struct store *next_open; /* the lock of queues.c */
};

#endif
