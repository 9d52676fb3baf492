/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * What all kinds of device have in common: the table of backends, the checks of what callers ask,
 * and waiting for a launch. Everything else is the backend's, one call away.
 */
#include "device/backend.h"

#include "base/cleanup.h"
#include "base/size.h"
#include "base/trace.h"
#include "device/kernel-names.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* While a word stays 0, look at the clock every so many polls, and ask the driver every so often.
 */
#define POLLS_A_LOOK 64u
#define CHECK_INTERVAL_NS 20000000u

static const struct device_backend *const backends[] = {
	[DEVICE_CUDA] = &cuda_backend,
	[DEVICE_OPENCL] = &opencl_backend,
	[DEVICE_HOST] = &host_backend,
};

#define KINDS (sizeof(backends) / sizeof(backends[0]))

const struct device_backend *device_backend(enum device_kind kind)
{
	return backends[kind];
}

const char *device_kind_name(enum device_kind kind)
{
	static const char *const names[KINDS] = {
		[DEVICE_CUDA] = "cuda", [DEVICE_OPENCL] = "opencl", [DEVICE_HOST] = "host"};

	return names[kind];
}

struct device_info *device_info_list_add(struct device_info_list *list)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity ? list->capacity * 2 : 8;
		list->items = realloc(list->items, list->capacity * sizeof(*list->items));
		if (!list->items)
			abort();
	}
	list->items[list->count] = (struct device_info){0};
	return &list->items[list->count++];
}

void device_info_name_kernels(struct device_info *info, const char *name)
{
	const size_t length = strlen(info->driver);

	snprintf(info->driver + length, sizeof(info->driver) - length, ", %s kernels", name);
}

int device_list(struct device_info **ret_list, size_t *ret_count)
{
	struct device_info_list list = {0};

	for (size_t kind = 0; kind < KINDS; kind++)
		backends[kind]->enumerate(&list);
	*ret_list = list.items;
	*ret_count = list.count;
	return 0;
}

int device_open_kernels(
	const char *selector, const char *kernels, struct device **ret_device, struct why *why)
{
	struct device_info info;
	int err = device_select(selector, &info, why);

	trace_open();
	return err ? err : backends[info.kind]->open(&info, kernels, ret_device, why);
}

int device_open(const char *selector, struct device **ret_device, struct why *why)
{
	return device_open_kernels(selector, NULL, ret_device, why);
}

void device_close(struct device *device)
{
	if (device)
		device->backend->close(device);
}

const struct device_info *device_info(const struct device *device)
{
	return &device->info;
}

int device_free_bytes(struct device *device, uint64_t *ret_bytes)
{
	return device->backend->free_bytes(device, ret_bytes);
}

/* Why an allocation of BYTES failed, as far as the device can tell. */
static int explain_memory(struct device *device, uint64_t bytes, int err, struct why *why)
{
	const char *kind = device_kind_name(device->info.kind);
	unsigned number = device->info.number;
	char wanted[32], free_text[32];
	uint64_t free_bytes = 0;

	size_format(bytes, wanted, sizeof(wanted));
	if (err != -ENOMEM)
		return why_fail(why, -err, "%s:%u failed to allocate %s: see `vramfs devices`",
			kind, number, wanted);
	if (device_free_bytes(device, &free_bytes) < 0)
		return why_fail(
			why, ENOMEM, "%s:%u has no %s to give: ask for less", kind, number, wanted);
	size_format(free_bytes, free_text, sizeof(free_text));
	return why_fail(why, ENOMEM,
		"%s:%u can't give %s, it has %s free: ask for less, or end what else uses its "
		"memory",
		kind, number, wanted, free_text);
}

int device_memory_alloc(
	struct device *device, uint64_t bytes, struct device_memory **ret_memory, struct why *why)
{
	const struct device_info *info = &device->info;
	struct why reason = {""};
	int err;

	if (bytes == 0)
		return why_fail(why, EINVAL, "0 bytes of device memory asked for: ask for more");
	if (info->largest_alloc_bytes && bytes > info->largest_alloc_bytes) {
		char wanted[32], limit[32];

		return why_fail(why, ENOMEM,
			"%s:%u gives at most %s to one program (its driver's limit), not %s: ask for "
			"at most that",
			device_kind_name(info->kind), info->number,
			size_format(info->largest_alloc_bytes, limit, sizeof(limit)),
			size_format(bytes, wanted, sizeof(wanted)));
	}
	err = device->backend->memory_alloc(device, bytes, ret_memory, &reason);
	if (err && reason.text[0])
		return why_fail(why, -err, "%s", reason.text);
	return err ? explain_memory(device, bytes, err, why) : 0;
}

void device_memory_free(struct device_memory *memory)
{
	if (memory)
		memory->device->backend->memory_free(memory);
}

uint64_t device_memory_bytes(const struct device_memory *memory)
{
	return memory->bytes;
}

int device_pinned_alloc(struct device *device, size_t size, struct device_pinned **ret_pinned)
{
	CLEANUP(free_p) struct device_pinned *pinned = calloc(1, sizeof(*pinned));
	int err;

	if (size == 0)
		return -EINVAL;
	if (!pinned)
		return -ENOMEM;
	pinned->device = device;
	pinned->size = size;
	err = device->backend->pinned_alloc(pinned);
	if (err)
		return err;
	*ret_pinned = steal(&pinned);
	return 0;
}

void device_pinned_free(struct device_pinned *pinned)
{
	if (!pinned)
		return;
	pinned->device->backend->pinned_free(pinned);
	free(pinned);
}

int device_queue_new(struct device *device, struct device_queue **ret_queue)
{
	return device->backend->queue_new(device, ret_queue);
}

void device_queue_free(struct device_queue *queue)
{
	if (queue)
		queue->device->backend->queue_free(queue);
}

/* Do BYTES from OFFSET on lie within SIZE? */
static bool within(uint64_t offset, uint64_t bytes, uint64_t size)
{
	return offset <= size && bytes <= size - offset;
}

static bool segments_are_within(const struct device_launch *launch)
{
	const struct kernel_params *params = &launch->params;

	return params->segments % 8 == 0 &&
	       within(params->segments,
		       (uint64_t)params->segment_count * sizeof(struct kernel_segment),
		       launch->control->size);
}

/* Only backends launch jobs together that have other memory than the launch's. */
static bool jobs_are_within(const struct device_launch *launch)
{
	const struct kernel_params *params = &launch->params;

	if (params->segment_count > KERNEL_FEW ||
		launch->region->device->info.kind == DEVICE_OPENCL)
		return false;
	for (uint32_t i = 0; i < params->segment_count; i++) {
		const struct kernel_job *job = &params->jobs[i];

		if (job->report % 4 ||
			!within(job->report, sizeof(struct kernel_report), launch->control->size) ||
			!within(job->payload, launch->payload_bytes, launch->payload->size) ||
			!within(job->scratch, KERNEL_SCRATCH_WORDS,
				launch->scratch->bytes / sizeof(uint32_t)) ||
			!job->ticket || job->ticket == KERNEL_FAILED)
			return false;
	}
	return true;
}

static bool control_is_right(const struct device_launch *launch)
{
	const struct kernel_params *params = &launch->params;
	const bool moves_payload = launch->kernel == KERNEL_READ || launch->kernel == KERNEL_WRITE;

	if (params->report % 4 ||
		!within(params->report, sizeof(struct kernel_report), launch->control->size))
		return false;
	if (params->segments == KERNEL_WHOLE_BLOCKS)
		return !moves_payload && within(params->first_block, params->segment_count,
						 launch->region->bytes / KERNEL_BLOCK_BYTES);
	if (params->segments == KERNEL_FEW_JOBS)
		return moves_payload && launch->payload && jobs_are_within(launch);
	if (params->segments == KERNEL_FEW_SEGMENTS ? params->segment_count > KERNEL_FEW
						    : !segments_are_within(launch))
		return false;
	return !moves_payload || (launch->payload && within(params->payload, launch->payload_bytes,
							     launch->payload->size));
}

static bool launch_is_right(const struct device *device, const struct device_launch *launch)
{
	const struct kernel_params *params = &launch->params;

	return (unsigned)launch->kernel < KERNEL_COUNT && launch->region &&
	       launch->region->device == device && launch->scratch &&
	       launch->scratch->device == device && launch->control &&
	       launch->control->device == device &&
	       (!launch->payload || launch->payload->device == device) && params->segment_count &&
	       params->segment_count <= INT_MAX / KERNEL_BLOCK_TILES && params->tiles_per_segment &&
	       params->tiles_per_segment <= KERNEL_BLOCK_TILES && params->ticket &&
	       params->ticket != KERNEL_FAILED &&
	       within(params->scratch, KERNEL_SCRATCH_WORDS,
		       launch->scratch->bytes / sizeof(uint32_t)) &&
	       control_is_right(launch);
}

const struct kernel_segment *device_launch_segments(const struct device_launch *launch)
{
	switch (launch->params.segments) {
	case KERNEL_WHOLE_BLOCKS:
		return NULL;
	case KERNEL_FEW_SEGMENTS:
	case KERNEL_FEW_JOBS:
		return launch->params.few;
	default:
		return (const void *)(launch->control->bytes + launch->params.segments);
	}
}

/* Whether this launch is one of those that device_fail_launches() asked for. */
static bool take_failure(struct device *device)
{
	unsigned left = atomic_load_explicit(&device->launches_to_fail, memory_order_relaxed);

	while (left) {
		if (atomic_compare_exchange_weak(&device->launches_to_fail, &left, left - 1))
			return true;
	}
	return false;
}

int device_launch(struct device_queue *queue, const struct device_launch *launch)
{
	static const char *const names[KERNEL_COUNT] = KERNEL_NAMES("launch ");
	struct device *device = queue->device;

	if (!launch_is_right(device, launch))
		return -EINVAL;
	TRACE_SCOPE(names[launch->kernel]);

	if (take_failure(device)) {
		struct device_launch crippled = *launch;

		if (crippled.params.segment_count > 1)
			crippled.params.segment_count /= 2;
		else
			crippled.params.tiles_per_segment =
				(crippled.params.tiles_per_segment + 1) / 2;
		crippled.params.ticket = KERNEL_FAILED;
		return device->backend->launch(queue, &crippled);
	}
	return device->backend->launch(queue, launch);
}

static uint64_t coarse_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Is it time to ask the driver about this queue, and does it say that the queue is broken? */
static bool found_broken(struct device_queue *queue)
{
	unsigned polls = atomic_load_explicit(&queue->polls, memory_order_relaxed) + 1;
	uint64_t now_ns;

	atomic_store_explicit(&queue->polls, polls, memory_order_relaxed);
	if (polls % POLLS_A_LOOK)
		return false;
	now_ns = coarse_now_ns();
	if (now_ns - atomic_load_explicit(&queue->checked_ns, memory_order_relaxed) <
		CHECK_INTERVAL_NS)
		return false;
	atomic_store_explicit(&queue->checked_ns, now_ns, memory_order_relaxed);
	return queue->device->backend->check(queue) != 0;
}

uint32_t device_poll(struct device_queue *queue, const uint32_t *done)
{
	uint32_t value = __atomic_load_n(done, __ATOMIC_ACQUIRE);

	if (value || !found_broken(queue))
		return value;
	/* It may have ended well between the look at the word and the question. */
	value = __atomic_load_n(done, __ATOMIC_ACQUIRE);
	return value ? value : KERNEL_FAILED;
}

uint32_t device_wait(struct device_queue *queue, const uint32_t *done)
{
	uint32_t value;

	for (unsigned spins = 0; !(value = device_poll(queue, done)); spins++)
		queue->device->backend->relax(queue, done, spins);
	return value;
}

void device_hold_launches(struct device *device, bool hold)
{
	if (device->backend->hold_launches)
		device->backend->hold_launches(device, hold);
}

bool device_help(struct device *device)
{
	return device->backend->help && device->backend->help(device);
}

int device_copy_in(struct device_queue *queue, struct device_memory *to, uint64_t to_offset,
	const struct device_pinned *from, size_t from_offset, size_t bytes)
{
	if (to->device != queue->device || from->device != queue->device ||
		!within(to_offset, bytes, to->bytes) || !within(from_offset, bytes, from->size))
		return -EINVAL;
	if (bytes == 0)
		return 0;
	return queue->device->backend->copy_in(queue, to, to_offset, from, from_offset, bytes);
}

int device_copy_out(struct device_queue *queue, struct device_pinned *to, size_t to_offset,
	const struct device_memory *from, uint64_t from_offset, size_t bytes)
{
	if (to->device != queue->device || from->device != queue->device ||
		!within(from_offset, bytes, from->bytes) || !within(to_offset, bytes, to->size))
		return -EINVAL;
	if (bytes == 0)
		return 0;
	return queue->device->backend->copy_out(queue, to, to_offset, from, from_offset, bytes);
}

int device_queue_wait(struct device_queue *queue)
{
	return queue->device->backend->queue_wait(queue);
}

void device_fail_launches(struct device *device, unsigned count)
{
	atomic_store(&device->launches_to_fail, count);
}
