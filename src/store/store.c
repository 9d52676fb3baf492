/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Opening and closing a store, and what is too small for a file of its own: block handles, buffers,
 * counters. The work is in region.c (how much memory), pool.c (which blocks are free), queues.c (a
 * queue for each thread), claims.c (which jobs must wait) and job.c (running them).
 */
#include "store/internal.h"
#include "store/region.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static err_t open_parts(struct store *store, const struct store_options *options, struct why *why)
{
	struct store_geometry *geometry = &store->geometry;
	int err = region_alloc(store->device, options, geometry, &store->region, why);

	if (err)
		return err;
	store->parity_base = rs_parity_base(geometry->code, geometry->blocks);
	store->parity_pitch = rs_parity_pitch(geometry->code);
	err = pool_new((uint32_t)geometry->blocks, &store->pool);
	if (!err)
		err = claims_new(&store->claims);
	if (err)
		return why_fail(why, -err, "out of host memory: free some");
	err = queues_open(store);
	if (err)
		return why_fail(why, -err,
			"could not make the device's queues and their pinned memory (%s): leave the "
			"device more memory with a smaller --size, or raise the limit of locked "
			"memory (ulimit -l)",
			strerror(-err));
	return 0;
}

int store_open(struct device *device, const struct store_options *options, struct store **ret_store,
	struct why *why)
{
	struct store *store;
	int err;

	if (options->max_correct > RS_MAX_CORRECT)
		return why_fail(why, EINVAL, "at most %d errors a line can be corrected, not %u",
			RS_MAX_CORRECT, options->max_correct);
	store = calloc(1, sizeof(*store));
	if (!store)
		return why_fail(why, ENOMEM, "out of host memory: free some");
	store->device = device;
	err = open_parts(store, options, why);
	if (err) {
		store_close(store);
		return err;
	}
	*ret_store = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (unsigned i = 0; i < store->queue_count; i++)
		assert(!store->queues[i]->in_flight);
	queues_close(store);
	claims_free(store->claims);
	pool_free(store->pool);
	if (store->region)
		device_memory_free(store->region);
	free(store);
}

const struct store_geometry *store_geometry(const struct store *store)
{
	return &store->geometry;
}

struct device *store_device(struct store *store)
{
	return store->device;
}

int store_block_take(struct store *store, uint32_t *ret_block)
{
	return pool_take(store->pool, ret_block);
}

void store_block_give(struct store *store, uint32_t block)
{
	pool_give(store->pool, block);
}

uint64_t store_blocks_free(const struct store *store)
{
	return pool_count_free(store->pool);
}

int store_block_init(struct store_block *handle, struct store *store)
{
	uint32_t block;
	int err = pool_take(store->pool, &block);

	if (!err)
		*handle = (struct store_block){.store = store, .block = block};
	return err;
}

void store_block_done(struct store_block *handle)
{
	if (handle->store)
		pool_give(handle->store->pool, handle->block);
	handle->store = NULL;
}

int store_buffer_alloc(struct store *store, size_t bytes, struct device_pinned **ret_buffer)
{
	return device_pinned_alloc(store->device, bytes, ret_buffer);
}

void store_buffer_free(struct device_pinned *buffer)
{
	if (buffer)
		device_pinned_free(buffer);
}

uint8_t *store_buffer_bytes(const struct device_pinned *buffer)
{
	return buffer->bytes;
}

void store_counters(const struct store *store, struct store_counters *ret_counters)
{
	struct store_counters sum = {0};

	for (unsigned i = 0; i < store->queue_count; i++) {
		struct queue_counters *counters = &store->queues[i]->counters;

		sum.read_bytes += atomic_load_explicit(&counters->read_bytes, memory_order_relaxed);
		sum.written_bytes +=
			atomic_load_explicit(&counters->written_bytes, memory_order_relaxed);
		sum.jobs += atomic_load_explicit(&counters->jobs, memory_order_relaxed);
		sum.failed_jobs +=
			atomic_load_explicit(&counters->failed_jobs, memory_order_relaxed);
		sum.delayed_jobs +=
			atomic_load_explicit(&counters->delayed_jobs, memory_order_relaxed);
		for (unsigned weight = 1; weight < 5; weight++)
			sum.corrected[weight] += atomic_load_explicit(
				&counters->corrected[weight], memory_order_relaxed);
		sum.lost += atomic_load_explicit(&counters->lost, memory_order_relaxed);
	}
	*ret_counters = sum;
}

void store_fail_launches(struct store *store, unsigned count)
{
	device_fail_launches(store->device, count);
}

void store_hold_launches(struct store *store, bool hold)
{
	device_hold_launches(store->device, hold);
}

bool store_help(struct store *store)
{
	return device_help(store->device);
}
