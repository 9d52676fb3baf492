/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Launches. The driver lets one thread after the other in, so with many small jobs threads would
 * wait for each other there. Therefore small jobs that are there together go together, up to
 * KERNEL_FEW in one launch; and none ever waits for company.
 *
 * One thread with several jobs at hand holds its launches until it has made them all. Threads with
 * one each launch it themselves, as long as not too many do; one thread too many leaves its job in
 * a list to those, and goes on.
 *
 * Jobs that go together keep reports of their own, so each ends and fails by itself, unless the
 * driver refuses the launch, which then all of them hear of by KERNEL_FAILED.
 */
#include "device/cuda-device.h"

/* Jobs with more tiles than this, 8 KiB each, are worth a launch of their own. */
#define SMALL_TILES 4u

/* A thread launches so often for others before it sees to its own affairs again. */
#define LAUNCHES_FOR_OTHERS 4u

/* What the thread holds: jobs of DEVICE; NULL: none is to be held. */
static _Thread_local struct {
	struct cuda_device *device;
	unsigned count;
	struct cuda_small_job jobs[KERNEL_FEW];
} held;

void cuda_launch_init(struct cuda_device *device)
{
	struct cuda_small_jobs *small = &device->small_jobs;
	pthread_mutexattr_t attributes;

	/* Held for less time than sleeping and waking up takes. */
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(&small->lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

static cuda_address device_address(const struct device_pinned *pinned)
{
	return pinned ? (uintptr_t)pinned->handle : 0;
}

/* The four addresses and the parameters, as the kernels take them. */
static err_t launch_kernel(struct cuda_device *device, cuda_stream stream, enum kernel kernel,
	const cuda_address addresses[4], const struct kernel_params *params)
{
	void *arguments[] = {(void *)&addresses[0], (void *)&addresses[1], (void *)&addresses[2],
		(void *)&addresses[3], (void *)params};
	const uint64_t tiles = (uint64_t)params->segment_count * params->tiles_per_segment;
	unsigned groups, lanes;

	if (tiles < 1 || tiles > INT32_MAX)
		return -EINVAL;
	if (cuda_bind(device))
		return -EIO;
	cuda_variant_grid(device->variant, kernel, (unsigned)tiles, device->groups_at_once[kernel],
		&groups, &lanes);
	return cuda_io_check(device->driver,
		device->driver->launch(device->kernels[kernel], groups, 1, 1, lanes, 1, 1,
			cuda_turns_bytes(device, kernel, (unsigned)tiles), stream, arguments, NULL),
		"cuLaunchKernel");
}

static bool is_small(const struct device_launch *launch)
{
	return launch->unordered &&
	       (launch->kernel == KERNEL_READ || launch->kernel == KERNEL_WRITE) &&
	       launch->params.segments == KERNEL_FEW_SEGMENTS &&
	       launch->params.segment_count == 1 && launch->params.tiles_per_segment <= SMALL_TILES;
}

static struct cuda_small_job describe(struct cuda_queue *queue, const struct device_launch *launch)
{
	const struct kernel_params *params = &launch->params;

	return (struct cuda_small_job){
		.queue = queue,
		.kernel = launch->kernel,
		.tiles = params->tiles_per_segment,
		.region = ((struct cuda_memory *)launch->region)->address,
		.scratch = ((struct cuda_memory *)launch->scratch)->address,
		.control = device_address(launch->control),
		.payload = device_address(launch->payload),
		.parity_base = params->parity_base,
		.parity_pitch = params->parity_pitch,
		.data_per_line = params->data_per_line,
		.max_correct = params->max_correct,
		.job = {.payload = params->payload,
			.report = params->report,
			.scratch = params->scratch,
			.ticket = params->ticket},
		.segment = params->few[0],
		.report = (void *)(launch->control->bytes + params->report),
	};
}

/* Put it into the list. False: there is no room. */
static bool enter(struct cuda_small_jobs *small, const struct cuda_small_job *job)
{
	unsigned count;

	pthread_mutex_lock(&small->lock);
	count = atomic_load_explicit(&small->count, memory_order_relaxed);
	if (count < CUDA_SMALL_JOBS) {
		small->jobs[count] = *job;
		atomic_store(&small->count, count + 1);
	}
	pthread_mutex_unlock(&small->lock);
	return count < CUDA_SMALL_JOBS;
}

static bool go_together(const struct cuda_small_job *a, const struct cuda_small_job *b)
{
	return a->kernel == b->kernel && a->region == b->region && a->scratch == b->scratch &&
	       a->parity_base == b->parity_base && a->parity_pitch == b->parity_pitch &&
	       a->data_per_line == b->data_per_line && a->max_correct == b->max_correct;
}

/* From the *COUNT jobs in FROM take the first, and those behind it that go together with it. */
static unsigned take(
	struct cuda_small_job *from, unsigned *count, struct cuda_small_job jobs[KERNEL_FEW])
{
	unsigned taken = 0, left = 0;

	for (unsigned i = 0; i < *count; i++) {
		if (taken < KERNEL_FEW && (!taken || go_together(&jobs[0], &from[i])))
			jobs[taken++] = from[i];
		else if (left++ != i)
			from[left - 1] = from[i];
	}
	*count = left;
	return taken;
}

static unsigned take_waiting(struct cuda_small_jobs *small, struct cuda_small_job jobs[KERNEL_FEW])
{
	unsigned taken, count;

	pthread_mutex_lock(&small->lock);
	count = atomic_load_explicit(&small->count, memory_order_relaxed);
	taken = take(small->jobs, &count, jobs);
	atomic_store(&small->count, count);
	pthread_mutex_unlock(&small->lock);
	return taken;
}

/* Launch COUNT jobs that go together. A single one is a launch like any other. */
static void launch_jobs(
	struct cuda_device *device, const struct cuda_small_job *jobs, unsigned count)
{
	const struct cuda_small_job *first = &jobs[0];
	const cuda_address addresses[] = {
		first->region, first->scratch, first->control, first->payload};
	struct kernel_params params = {
		.parity_base = first->parity_base,
		.segments = count == 1 ? KERNEL_FEW_SEGMENTS : KERNEL_FEW_JOBS,
		.report = first->job.report,
		.payload = first->job.payload,
		.parity_pitch = first->parity_pitch,
		.data_per_line = first->data_per_line,
		.max_correct = first->max_correct,
		.segment_count = count,
		.scratch = first->job.scratch,
		.ticket = first->job.ticket,
	};

	for (unsigned i = 0; i < count; i++) {
		const struct cuda_small_job *job = &jobs[i];

		params.few[i] = job->segment;
		params.jobs[i] = job->job;
		params.jobs[i].report += job->control - first->control;
		params.jobs[i].payload += job->payload - first->payload;
		if (job->tiles > params.tiles_per_segment)
			params.tiles_per_segment = job->tiles;
	}
	if (!launch_kernel(device, first->queue->stream, first->kernel, addresses, &params))
		return;
	for (unsigned i = 0; i < count; i++)
		__atomic_store_n(&jobs[i].report->done, KERNEL_FAILED, __ATOMIC_RELEASE);
}

/* Become one of those that launch. */
static bool begin_launching(struct cuda_small_jobs *small)
{
	unsigned launching = atomic_load(&small->launching);

	do {
		if (launching >= CUDA_LAUNCHERS)
			return false;
	} while (!atomic_compare_exchange_weak(&small->launching, &launching, launching + 1));
	return true;
}

/* Launch what is in the list, if others don't. False: nothing. */
static bool launch_entered(struct cuda_device *device)
{
	struct cuda_small_jobs *small = &device->small_jobs;
	struct cuda_small_job jobs[KERNEL_FEW];
	unsigned launches = 0, count;

	/* Who adds a job while enough others launch leaves it to them, so these look again when
	 * others can launch. */
	while (atomic_load(&small->count) && launches < LAUNCHES_FOR_OTHERS &&
		begin_launching(small)) {
		while (launches < LAUNCHES_FOR_OTHERS && (count = take_waiting(small, jobs))) {
			launch_jobs(device, jobs, count);
			launches++;
		}
		atomic_fetch_sub(&small->launching, 1);
	}
	return launches > 0;
}

/* Launch COUNT jobs that go together, or leave that to the threads that do. */
static void launch_or_leave(
	struct cuda_device *device, const struct cuda_small_job *jobs, unsigned count)
{
	struct cuda_small_jobs *small = &device->small_jobs;
	unsigned left = 0;

	if (begin_launching(small)) {
		launch_jobs(device, jobs, count);
		atomic_fetch_sub(&small->launching, 1);
	} else {
		while (left < count && enter(small, &jobs[left]))
			left++;
		if (left < count)
			launch_jobs(device, jobs + left, count - left);
	}
	(void)launch_entered(device);
}

static bool launch_held(void)
{
	struct cuda_small_job jobs[KERNEL_FEW];
	unsigned count;
	bool any = false;

	while ((count = take(held.jobs, &held.count, jobs))) {
		launch_or_leave(cuda_device(jobs[0].queue->base.device), jobs, count);
		any = true;
	}
	return any;
}

static void hold(const struct cuda_small_job *job)
{
	if (held.count == KERNEL_FEW)
		launch_held();
	held.jobs[held.count++] = *job;
}

bool cuda_launch_waiting(struct device *base)
{
	const bool held_any = launch_held();

	return launch_entered(cuda_device(base)) || held_any;
}

void cuda_hold_launches(struct device *device, bool hold)
{
	held.device = hold ? cuda_device(device) : NULL;
	if (!hold)
		(void)cuda_launch_waiting(device);
}

int cuda_launch(struct device_queue *base, const struct device_launch *launch)
{
	struct cuda_device *device = cuda_device(base->device);
	struct cuda_queue *queue = cuda_queue(base);

	if (is_small(launch)) {
		const struct cuda_small_job job = describe(queue, launch);

		if (held.device == device)
			hold(&job);
		else
			launch_or_leave(device, &job, 1);
		return 0;
	}
	const cuda_address addresses[] = {
		((struct cuda_memory *)launch->region)->address,
		((struct cuda_memory *)launch->scratch)->address,
		device_address(launch->control),
		device_address(launch->payload),
	};
	return launch_kernel(device, queue->stream, launch->kernel, addresses, &launch->params);
}
