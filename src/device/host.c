/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * This machine's memory and processors as a device: for machines without a GPU, for sanitizers and
 * for fuzzing. The kernels are the same source, compiled natively.
 *
 * A queue is a list of works (launches and copies), of which only the first runs. A work is cut in
 * pieces (the groups of a launch, parts of a copy). The first work of every queue stands on the
 * device's ready list until its pieces are all claimed; worker threads claim a few at a time, and
 * so does a thread that waits. Who finishes the last piece of a work takes it off its queue and
 * makes the next one ready.
 *
 * To wake a worker takes longer than a small launch does. One that finds its queue idle therefore
 * runs at once, on the thread that launches it.
 *
 * Locks: a queue's lock guards its list, the device's lock guards the ready list and what is
 * claimed. Neither is taken while the other is held.
 */
#include "device/backend.h"
#include "device/host-find.h"
#include "base/pause.h"
#include "device/system.h"

#include "base/cleanup.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define QUEUE_WORKS 32u    /* more than jobs have under way at once */
#define SMALL_BYTES 32768u /* work up to this size is done at once if the queue is idle */
#define GROUPS_A_CLAIM 4u  /* 32 KiB: at least some microseconds between two claims */
#define COPY_PIECE_BYTES 262144u
#define SPINS_BEFORE_SLEEP 50u /* a few microseconds */

struct host_queue;

struct host_work {
	struct host_queue *queue;
	struct host_work *next;       /* in its queue, or among its queue's spare ones */
	struct host_work *next_ready; /* on the ready list */
	struct device_launch launch;  /* region NULL: a copy */
	uint8_t *copy_to;
	const uint8_t *copy_from;
	size_t copy_bytes;
	uint32_t pieces;
	uint32_t pieces_a_claim;
	uint32_t claimed; /* with the device's lock held */
	_Atomic uint32_t finished;
};

struct host_device {
	struct device base;
	const struct kernel_native_variant *variant;
	pthread_mutex_t lock;
	pthread_cond_t work_is_ready;
	struct host_work *ready_first, **ready_end;
	bool closing;
	unsigned thread_count;
	pthread_t threads[HOST_MOST_THREADS];
};

struct host_queue {
	struct device_queue base;
	pthread_mutex_t lock;
	pthread_cond_t work_ended;
	struct host_work *first, **end; /* the first runs */
	bool running_small;             /* a thread runs a small launch without a work */
	struct host_work *spare;
	struct host_work works[QUEUE_WORKS];
};

struct host_memory {
	struct device_memory base;
	uint8_t *bytes;
};

static struct host_device *host_device(struct device *device)
{
	return (struct host_device *)device;
}

static uint8_t *memory_bytes(const struct device_memory *memory)
{
	return memory ? ((const struct host_memory *)memory)->bytes : NULL;
}

/* Works */

static void run_groups(const struct device_launch *launch, uint32_t first, uint32_t count)
{
	const struct host_device *device = host_device(launch->region->device);

	device->variant->run(launch->kernel, first, count, memory_bytes(launch->region),
		(uint32_t *)memory_bytes(launch->scratch), launch->control->bytes,
		launch->payload ? launch->payload->bytes : NULL, &launch->params);
}

static void run_pieces(const struct host_work *work, uint32_t first, uint32_t count)
{
	if (work->launch.region) {
		run_groups(&work->launch, first, count);
	} else {
		size_t begin = (size_t)first * COPY_PIECE_BYTES;
		size_t bytes = (size_t)count * COPY_PIECE_BYTES;

		if (bytes > work->copy_bytes - begin)
			bytes = work->copy_bytes - begin;
		memcpy(work->copy_to + begin, work->copy_from + begin, bytes);
	}
}

static void make_ready(struct host_work *work)
{
	struct host_device *device = host_device(work->queue->base.device);
	/* Once it is ready it may end, and be another work, before this function does. */
	const uint32_t claims = work->pieces / work->pieces_a_claim;

	work->next_ready = NULL;
	pthread_mutex_lock(&device->lock);
	*device->ready_end = work;
	device->ready_end = &work->next_ready;
	if (claims > 1)
		pthread_cond_broadcast(&device->work_is_ready);
	else
		pthread_cond_signal(&device->work_is_ready);
	pthread_mutex_unlock(&device->lock);
}

/* Called with device->lock held. Pieces of the work that has been ready longest, or NULL. */
static struct host_work *claim(struct host_device *device, uint32_t *ret_first, uint32_t *ret_count)
{
	struct host_work *work = device->ready_first;

	if (!work)
		return NULL;
	*ret_first = work->claimed;
	*ret_count = work->pieces - work->claimed;
	if (*ret_count > work->pieces_a_claim)
		*ret_count = work->pieces_a_claim;
	work->claimed += *ret_count;
	if (work->claimed == work->pieces) {
		device->ready_first = work->next_ready;
		if (!device->ready_first)
			device->ready_end = &device->ready_first;
	}
	return work;
}

/* The first work of its queue has ended. Nobody else has a use for it any more. */
static void end_work(struct host_work *work)
{
	struct host_queue *queue = work->queue;
	struct host_work *next;

	pthread_mutex_lock(&queue->lock);
	next = queue->first = work->next;
	if (!next)
		queue->end = &queue->first;
	work->next = queue->spare;
	queue->spare = work;
	pthread_cond_broadcast(&queue->work_ended);
	pthread_mutex_unlock(
		&queue->lock); /* without a next work, QUEUE may be gone from here on */
	if (next)
		make_ready(next);
}

static void run_claim(struct host_work *work, uint32_t first, uint32_t count)
{
	/* As soon as these count as finished, another thread may end the work. */
	const uint32_t pieces = work->pieces;

	run_pieces(work, first, count);
	if (atomic_fetch_add(&work->finished, count) + count == pieces)
		end_work(work);
}

/* Do some of whatever is ready; false if nothing is. */
static bool host_help(struct device *base)
{
	struct host_device *device = host_device(base);
	struct host_work *work;
	uint32_t first, count;

	pthread_mutex_lock(&device->lock);
	work = claim(device, &first, &count);
	pthread_mutex_unlock(&device->lock);
	if (work)
		run_claim(work, first, count);
	return work != NULL;
}

static void *worker_main(void *user)
{
	struct host_device *device = user;

	pthread_mutex_lock(&device->lock);
	while (!device->closing) {
		uint32_t first, count;
		struct host_work *work = claim(device, &first, &count);

		if (!work) {
			pthread_cond_wait(&device->work_is_ready, &device->lock);
			continue;
		}
		pthread_mutex_unlock(&device->lock);
		run_claim(work, first, count);
		pthread_mutex_lock(&device->lock);
	}
	pthread_mutex_unlock(&device->lock);
	return NULL;
}

/* The device */

static void host_close(struct device *base)
{
	struct host_device *device = host_device(base);

	pthread_mutex_lock(&device->lock);
	device->closing = true;
	pthread_cond_broadcast(&device->work_is_ready);
	pthread_mutex_unlock(&device->lock);
	for (unsigned i = 0; i < device->thread_count; i++)
		pthread_join(device->threads[i], NULL);
	pthread_cond_destroy(&device->work_is_ready);
	pthread_mutex_destroy(&device->lock);
	free(device);
}

/* Signals are for the threads of the program, not for ours. */
static int start_threads(struct host_device *device)
{
	sigset_t all, before;
	int err = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (!err && device->thread_count < device->base.info.processors) {
		err = pthread_create(
			&device->threads[device->thread_count], NULL, worker_main, device);
		if (!err)
			device->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static int host_open(const struct device_info *info, const char *kernels,
	struct device **ret_device, struct why *why)
{
	const struct kernel_native_variant *variant;
	struct host_device *device;
	int err = host_find_variant(kernels, &variant, why);

	if (err)
		return err;
	device = calloc(1, sizeof(*device));
	if (!device)
		return why_fail(why, ENOMEM, "out of memory: end other programs");
	device->variant = variant;
	device->base.backend = &host_backend;
	device->base.info = *info;
	device->ready_end = &device->ready_first;
	pthread_mutex_init(&device->lock, NULL);
	pthread_cond_init(&device->work_is_ready, NULL);
	err = start_threads(device);
	if (err) {
		host_close(&device->base);
		return why_fail(why, -err,
			"can't start a thread (%s): raise the limit of processes (ulimit -u)",
			strerror(-err));
	}
	*ret_device = &device->base;
	return 0;
}

static int host_free_bytes(struct device *base, uint64_t *ret_bytes)
{
	(void)base;
	*ret_bytes = system_memory_available();
	return 0;
}

/* Memory */

static uint8_t *map_zeroed(size_t bytes)
{
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return map == MAP_FAILED ? NULL : map;
}

/* Have the kernel give the pages now, so that what is granted is really there. */
static int populate(uint8_t *bytes, size_t size)
{
	const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

	(void)!madvise(bytes, size, MADV_HUGEPAGE); /* only faster */
#ifdef MADV_POPULATE_WRITE
	if (madvise(bytes, size, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return -ENOMEM;
#endif
	for (size_t i = 0; i < size; i += page_bytes) /* Linux before 5.14 */
		*(volatile uint8_t *)(bytes + i) = 0;
	return 0;
}

static int host_memory_alloc(
	struct device *device, uint64_t bytes, struct device_memory **ret_memory, struct why *why)
{
	CLEANUP(free_p) struct host_memory *memory = calloc(1, sizeof(*memory));
	int err;

	(void)why;
	if (!memory || bytes > SIZE_MAX || bytes > system_memory_available())
		return -ENOMEM;
	memory->base.device = device;
	memory->base.bytes = bytes;
	memory->bytes = map_zeroed(bytes);
	if (!memory->bytes)
		return -ENOMEM;
	err = populate(memory->bytes, bytes);
	if (err) {
		munmap(memory->bytes, bytes);
		return err;
	}
	*ret_memory = &steal(&memory)->base;
	return 0;
}

static void host_memory_free(struct device_memory *base)
{
	munmap(memory_bytes(base), base->bytes);
	free(base);
}

static int host_pinned_alloc(struct device_pinned *pinned)
{
	int err;

	if (pinned->size > system_memory_available())
		return -ENOMEM;
	pinned->bytes = map_zeroed(pinned->size);
	if (!pinned->bytes)
		return -ENOMEM;
	err = populate(pinned->bytes, pinned->size);
	if (err)
		munmap(pinned->bytes, pinned->size);
	return err;
}

static void host_pinned_free(struct device_pinned *pinned)
{
	munmap(pinned->bytes, pinned->size);
}

/* Queues */

static int host_queue_new(struct device *device, struct device_queue **ret_queue)
{
	struct host_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	queue->base.device = device;
	queue->end = &queue->first;
	for (unsigned i = 0; i < QUEUE_WORKS; i++) {
		queue->works[i].next = queue->spare;
		queue->spare = &queue->works[i];
	}
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->work_ended, NULL);
	*ret_queue = &queue->base;
	return 0;
}

/* Called with queue->lock held. */
static bool is_busy(const struct host_queue *queue)
{
	return queue->first || queue->running_small;
}

/* Until a work of QUEUE has ended, or at once if none runs or *DONE (NULL: none) is set. A work
 * sets its word before it ends, so the end that is waited for can't have been missed. */
static void sleep_until_end(struct host_queue *queue, const uint32_t *done)
{
	pthread_mutex_lock(&queue->lock);
	if (is_busy(queue) && !(done && __atomic_load_n(done, __ATOMIC_ACQUIRE)))
		pthread_cond_wait(&queue->work_ended, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
}

static int host_check(struct device_queue *base)
{
	struct host_queue *queue = (struct host_queue *)base;
	bool busy;

	pthread_mutex_lock(&queue->lock);
	busy = is_busy(queue);
	pthread_mutex_unlock(&queue->lock);
	return busy ? 0 : -EIO;
}

static int host_queue_wait(struct device_queue *base)
{
	while (host_check(base) == 0) {
		if (!host_help(base->device))
			sleep_until_end((struct host_queue *)base, NULL);
	}
	return 0;
}

static void host_queue_free(struct device_queue *base)
{
	struct host_queue *queue = (struct host_queue *)base;

	(void)!host_queue_wait(base);
	pthread_cond_destroy(&queue->work_ended);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

static void host_relax(struct device_queue *base, const uint32_t *done, unsigned spins)
{
	if (host_help(base->device))
		return;
	if (spins >= SPINS_BEFORE_SLEEP) {
		sleep_until_end((struct host_queue *)base, done);
		return;
	}
	processor_pause();
}

/* May the caller do something small itself, now? Followed by end_small() if so. */
static bool begin_small(struct host_queue *queue)
{
	bool idle;

	pthread_mutex_lock(&queue->lock);
	idle = !is_busy(queue);
	queue->running_small |= idle;
	pthread_mutex_unlock(&queue->lock);
	return idle;
}

static void end_small(struct host_queue *queue)
{
	struct host_work *next;

	pthread_mutex_lock(&queue->lock);
	queue->running_small = false;
	next = queue->first;
	pthread_cond_broadcast(&queue->work_ended);
	pthread_mutex_unlock(&queue->lock);
	if (next)
		make_ready(next);
}

/* A work for the caller to fill; waits for one where too many are under way. */
static struct host_work *take_work(struct host_queue *queue)
{
	struct host_work *work;

	for (;;) {
		pthread_mutex_lock(&queue->lock);
		work = queue->spare;
		if (work)
			queue->spare = work->next;
		pthread_mutex_unlock(&queue->lock);
		if (work)
			break;
		if (!host_help(queue->base.device))
			sleep_until_end(queue, NULL);
	}
	*work = (struct host_work){.queue = queue};
	return work;
}

static void submit(struct host_work *work)
{
	struct host_queue *queue = work->queue;
	bool is_next;

	pthread_mutex_lock(&queue->lock);
	is_next = !is_busy(queue);
	*queue->end = work;
	queue->end = &work->next;
	pthread_mutex_unlock(&queue->lock);
	if (is_next)
		make_ready(work);
}

/* Is there little to do in this launch? Most groups of a launch of many short segments are empty.
 */
static bool is_small(const struct device_launch *launch, uint32_t groups)
{
	const uint32_t tile_bytes = KERNEL_TILE_LINES * KERNEL_LINE_BYTES;
	const struct kernel_segment *segments = device_launch_segments(launch);
	uint64_t bytes = 0;

	if (groups <= SMALL_BYTES / tile_bytes)
		return true;
	if (!segments)
		return false;
	for (uint32_t i = 0; i < launch->params.segment_count && bytes <= SMALL_BYTES; i++) {
		bytes += segments[i].count;
		if (launch->kernel == KERNEL_WRITE || launch->kernel == KERNEL_FILL)
			bytes += segments[i].zero_to - segments[i].zero_from - segments[i].count;
	}
	return bytes <= SMALL_BYTES;
}

static int host_launch(struct device_queue *base, const struct device_launch *launch)
{
	struct host_queue *queue = (struct host_queue *)base;
	const uint32_t groups = launch->params.segment_count * launch->params.tiles_per_segment;
	struct host_work *work;

	if (is_small(launch, groups) && begin_small(queue)) {
		run_groups(launch, 0, groups);
		end_small(queue);
		return 0;
	}
	work = take_work(queue);
	work->launch = *launch;
	work->pieces = groups;
	work->pieces_a_claim = GROUPS_A_CLAIM;
	submit(work);
	return 0;
}

static int copy(struct host_queue *queue, uint8_t *to, const uint8_t *from, size_t bytes)
{
	struct host_work *work;

	if (bytes <= SMALL_BYTES && begin_small(queue)) {
		memcpy(to, from, bytes);
		end_small(queue);
		return 0;
	}
	work = take_work(queue);
	work->copy_to = to;
	work->copy_from = from;
	work->copy_bytes = bytes;
	work->pieces = (uint32_t)((bytes - 1) / COPY_PIECE_BYTES + 1);
	work->pieces_a_claim = 1;
	submit(work);
	return 0;
}

static int host_copy_in(struct device_queue *base, struct device_memory *to, uint64_t to_offset,
	const struct device_pinned *from, size_t from_offset, size_t bytes)
{
	return copy((struct host_queue *)base, memory_bytes(to) + to_offset,
		from->bytes + from_offset, bytes);
}

static int host_copy_out(struct device_queue *base, struct device_pinned *to, size_t to_offset,
	const struct device_memory *from, uint64_t from_offset, size_t bytes)
{
	return copy((struct host_queue *)base, to->bytes + to_offset,
		memory_bytes(from) + from_offset, bytes);
}

const struct device_backend host_backend = {
	.kind = DEVICE_HOST,
	.enumerate = host_enumerate,
	.open = host_open,
	.close = host_close,
	.free_bytes = host_free_bytes,
	.memory_alloc = host_memory_alloc,
	.memory_free = host_memory_free,
	.pinned_alloc = host_pinned_alloc,
	.pinned_free = host_pinned_free,
	.queue_new = host_queue_new,
	.queue_free = host_queue_free,
	.launch = host_launch,
	.check = host_check,
	.help = host_help,
	.relax = host_relax,
	.copy_in = host_copy_in,
	.copy_out = host_copy_out,
	.queue_wait = host_queue_wait,
};
