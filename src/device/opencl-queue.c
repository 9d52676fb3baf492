/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * OpenCL queues: launches, copies, and how their ends become known.
 *
 * OpenCL promises nothing about what a kernel has written before its command has ended, so the word
 * that a caller waits for can't be the kernel's. Each queue has a small buffer that takes the place
 * of the launch's control memory: the segments are copied into it and the kernel leaves its report
 * there. When the report has been read back, the driver calls launch_ended(), which copies it to
 * where the caller looks, `done` last. The queue is in order, so one such buffer serves all its
 * launches, and the same goes for the payload where it has to be staged.
 *
 * Where kernels reach pinned memory, the payload is handed over by the same two commands, a write
 * and a read, with the pinned memory itself as the host's side: OpenCL's way to say that the bits
 * there are the latest. Such a driver copies nothing.
 *
 * Locks: `submit` keeps the commands of one launch together and is never taken by a callback, which
 * the driver may make from inside any call; `lock` guards what callbacks change, and no call to the
 * driver is made under it.
 */
#include "device/kernel-names.h"
#include "device/opencl-device.h"
#include "base/pause.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SPINS_BEFORE_SLEEP 50u
#define NAP_NS 20000000 /* how long a lost callback could go unnoticed */
#define SMALLEST_BUFFER 16384u

struct opencl_queue;

/* A launch or a copy that has not ended. */
struct pending {
	struct opencl_queue *queue;
	struct pending *next;         /* among its queue's spare ones */
	struct kernel_report *report; /* where the caller looks; NULL for a copy */
	uint32_t ticket;
	struct kernel_report outcome; /* the kernel's report, as read back */
	uint8_t *control;             /* what is written to the queue's control buffer */
	size_t control_bytes;
};

/* A buffer of a queue's that grows to what its launches need. */
struct growing_buffer {
	cl_mem buffer;
	size_t bytes;
};

struct opencl_queue {
	struct device_queue base;
	cl_command_queue commands;
	pthread_mutex_t submit;
	cl_kernel kernels[OPENCL_FORMS][KERNEL_COUNT]; /* made when first launched */
	struct growing_buffer control, payload;

	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned in_flight;
	bool failed; /* something has, since the last opencl_queue_wait() */
	struct pending *spare;
};

static struct opencl_queue *opencl_queue(struct device_queue *queue)
{
	return (struct opencl_queue *)queue;
}

static const struct opencl_driver *driver_of(const struct opencl_queue *queue)
{
	return opencl_device(queue->base.device)->driver;
}

int opencl_queue_new(struct device *base, struct device_queue **ret_queue)
{
	struct opencl_device *device = opencl_device(base);
	struct opencl_queue *queue = calloc(1, sizeof(*queue));
	pthread_condattr_t monotonic;
	cl_int code;

	if (!queue)
		return -ENOMEM;
	queue->base.device = base;
	queue->commands =
		device->driver->clCreateCommandQueue(device->context, device->id, 0, &code);
	if (!queue->commands) {
		free(queue);
		return opencl_check(code, "clCreateCommandQueue") == -ENOMEM ? -ENOMEM : -EIO;
	}
	pthread_mutex_init(&queue->submit, NULL);
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	*ret_queue = &queue->base;
	return 0;
}

void opencl_queue_free(struct device_queue *base)
{
	struct opencl_queue *queue = opencl_queue(base);
	const struct opencl_driver *driver = driver_of(queue);

	(void)!opencl_queue_wait(base);
	if (opencl_queue_check(base) == 0) {
		/* The driver is broken and may still call back: better to lose the memory. */
		log_debug("opencl: a queue could not be drained");
		return;
	}
	for (int i = 0; i < OPENCL_FORMS * KERNEL_COUNT; i++) {
		cl_kernel kernel = queue->kernels[i / KERNEL_COUNT][i % KERNEL_COUNT];

		if (kernel)
			driver->clReleaseKernel(kernel);
	}
	if (queue->control.buffer)
		driver->clReleaseMemObject(queue->control.buffer);
	if (queue->payload.buffer)
		driver->clReleaseMemObject(queue->payload.buffer);
	driver->clReleaseCommandQueue(queue->commands);
	while (queue->spare) {
		struct pending *pending = queue->spare;

		queue->spare = pending->next;
		free(pending->control);
		free(pending);
	}
	pthread_cond_destroy(&queue->ended);
	pthread_mutex_destroy(&queue->lock);
	pthread_mutex_destroy(&queue->submit);
	free(queue);
}

/* A pending operation, counted as in flight, with room for CONTROL_BYTES; or NULL. */
static struct pending *pending_take(struct opencl_queue *queue, size_t control_bytes)
{
	struct pending *pending;

	pthread_mutex_lock(&queue->lock);
	pending = queue->spare;
	if (pending)
		queue->spare = pending->next;
	pthread_mutex_unlock(&queue->lock);
	if (!pending)
		pending = calloc(1, sizeof(*pending));
	if (!pending)
		return NULL;
	if (control_bytes > pending->control_bytes) {
		uint8_t *control = realloc(pending->control, control_bytes);

		if (!control) {
			free(pending->control);
			free(pending);
			return NULL;
		}
		pending->control = control;
		pending->control_bytes = control_bytes;
	}
	pending->queue = queue;
	pending->report = NULL;
	pthread_mutex_lock(&queue->lock);
	queue->in_flight++;
	pthread_mutex_unlock(&queue->lock);
	return pending;
}

/* The operation has ended. After this nothing may be known of QUEUE. */
static void pending_give(struct opencl_queue *queue, struct pending *pending, bool good)
{
	pthread_mutex_lock(&queue->lock);
	if (pending->report) {
		uint32_t *to = &pending->report->done;
		const uint32_t *from = &pending->outcome.done;

		memcpy(to + 1, from + 1, sizeof(pending->outcome) - sizeof(*from));
		__atomic_store_n(to, good ? pending->ticket : KERNEL_FAILED, __ATOMIC_RELEASE);
	}
	queue->failed |= !good;
	pending->next = queue->spare;
	queue->spare = pending;
	queue->in_flight--;
	pthread_cond_broadcast(&queue->ended);
	pthread_mutex_unlock(&queue->lock);
}

static void CL_CALLBACK launch_ended(cl_event event, cl_int status, void *user)
{
	struct pending *pending = user;
	bool good = status == CL_COMPLETE && pending->outcome.done == pending->ticket;

	(void)event;
	if (!good)
		log_debug("opencl: a launch failed on the device: %s (%d)",
			opencl_error_name(status), status);
	pending_give(pending->queue, pending, good);
}

static void CL_CALLBACK copy_ended(cl_event event, cl_int status, void *user)
{
	struct pending *pending = user;

	(void)event;
	if (status != CL_COMPLETE)
		log_debug("opencl: a copy failed on the device: %s (%d)", opencl_error_name(status),
			status);
	pending_give(pending->queue, pending, status == CL_COMPLETE);
}

/* Commands for PENDING were queued and the next could not be. What they use must stay until they
 * have ended; then PENDING is free, and its caller's word stays as it is. */
static void pending_abandon(struct opencl_queue *queue, struct pending *pending)
{
	(void)!opencl_check(driver_of(queue)->clFinish(queue->commands), "clFinish");
	pending->report = NULL;
	pending_give(queue, pending, true);
}

/* Have CALLBACK called for PENDING when EVENT ends, and the queue get to work. Takes EVENT. */
static int expect(struct opencl_queue *queue, struct pending *pending, cl_event event,
	void(CL_CALLBACK *callback)(cl_event, cl_int, void *))
{
	const struct opencl_driver *driver = driver_of(queue);
	int err = opencl_check(driver->clSetEventCallback(event, CL_COMPLETE, callback, pending),
		"clSetEventCallback");

	driver->clReleaseEvent(event);
	if (!err) /* the callback comes in any case from here on */
		(void)!opencl_check(driver->clFlush(queue->commands), "clFlush");
	return err;
}

/* Make BUFFER hold BYTES. Commands in flight keep the old one alive. */
static int buffer_grow(struct opencl_queue *queue, struct growing_buffer *buffer, size_t bytes)
{
	struct opencl_device *device = opencl_device(queue->base.device);
	size_t wanted = SMALLEST_BUFFER;
	cl_int code;
	cl_mem grown;

	if (bytes <= buffer->bytes)
		return 0;
	while (wanted < bytes)
		wanted *= 2;
	grown = device->driver->clCreateBuffer(
		device->context, CL_MEM_READ_WRITE, wanted, NULL, &code);
	if (!grown)
		return opencl_check(code, "clCreateBuffer");
	if (buffer->buffer)
		device->driver->clReleaseMemObject(buffer->buffer);
	buffer->buffer = grown;
	buffer->bytes = wanted;
	return 0;
}

/* What of a launch lies where. */
struct staging {
	struct kernel_params params; /* with offsets into BUFFERS, not the caller's memories */
	const struct kernel_segment *segments; /* the launch's, or NULL: whole blocks */
	cl_mem payload;
	size_t payload_offset; /* of the launch's first byte in that */
};

/* Empty report and segments, to the front of the queue's control buffer. */
static int enqueue_control(struct opencl_queue *queue, const struct staging *staging,
	struct pending *pending, size_t bytes)
{
	memset(pending->control, 0, sizeof(struct kernel_report));
	memset(&pending->outcome, 0, sizeof(pending->outcome));
	if (staging->segments)
		memcpy(pending->control + sizeof(struct kernel_report), staging->segments,
			bytes - sizeof(struct kernel_report));
	return opencl_check(
		driver_of(queue)->clEnqueueWriteBuffer(queue->commands, queue->control.buffer,
			CL_FALSE, 0, bytes, pending->control, 0, NULL, NULL),
		"clEnqueueWriteBuffer");
}

static int enqueue_payload_in(struct opencl_queue *queue, const struct staging *staging,
	const uint8_t *bytes, size_t size)
{
	if (size == 0)
		return 0;
	return opencl_check(
		driver_of(queue)->clEnqueueWriteBuffer(queue->commands, staging->payload, CL_FALSE,
			staging->payload_offset, size, bytes, 0, NULL, NULL),
		"clEnqueueWriteBuffer");
}

/*
 * Only the bytes that the segments name: what lies between them is not the launch's to change. (A
 * launch that fails leaves other launches' bytes there; its caller shows them to nobody.)
 * Segments that follow each other in the payload, as most do, are one command.
 */
static int enqueue_payload_out(
	struct opencl_queue *queue, const struct staging *staging, uint8_t *bytes)
{
	const struct opencl_driver *driver = driver_of(queue);
	const uint32_t count = staging->params.segment_count;
	int err = 0;

	for (uint32_t i = 0; !err && i < count;) {
		const size_t begin = staging->segments[i].payload;
		size_t end = begin;

		while (i < count && staging->segments[i].payload == end)
			end += staging->segments[i++].count;
		if (end > begin)
			err = opencl_check(
				driver->clEnqueueReadBuffer(queue->commands, staging->payload,
					CL_FALSE, staging->payload_offset + begin, end - begin,
					bytes + begin, 0, NULL, NULL),
				"clEnqueueReadBuffer");
	}
	return err;
}

static int enqueue_kernel(struct opencl_queue *queue, const struct device_launch *launch,
	const struct staging *staging)
{
	struct opencl_device *device = opencl_device(queue->base.device);
	const struct opencl_driver *driver = device->driver;
	const size_t lanes = KERNEL_LANES;
	const size_t items =
		lanes * staging->params.segment_count * staging->params.tiles_per_segment;
	const struct opencl_memory *region = opencl_memory(launch->region);
	const enum opencl_form form = opencl_form(region);
	const struct {
		size_t size;
		const void *value;
	} arguments[] = {
		{sizeof(cl_mem), &opencl_memory(launch->scratch)->slabs[0]},
		{sizeof(queue->control.buffer), &queue->control.buffer},
		/* Kernels that move no payload don't look at it. */
		{sizeof(staging->payload), staging->payload ? &staging->payload : NULL},
		{sizeof(staging->params), &staging->params},
	};
	cl_kernel *kernel = &queue->kernels[form][launch->kernel];
	cl_uint first;
	cl_int code;

	if (!*kernel)
		*kernel = driver->clCreateKernel(
			device->programs[form], kernel_names[launch->kernel], &code);
	if (!*kernel)
		return opencl_check(code, "clCreateKernel");
	code = opencl_set_region(driver, *kernel, region, &first);
	for (cl_uint i = 0; code == CL_SUCCESS && i < 4; i++)
		code = driver->clSetKernelArg(
			*kernel, first + i, arguments[i].size, arguments[i].value);
	if (code != CL_SUCCESS)
		return opencl_check(code, "clSetKernelArg");
	return opencl_check(driver->clEnqueueNDRangeKernel(queue->commands, *kernel, 1, NULL,
				    &items, &lanes, 0, NULL, NULL),
		"clEnqueueNDRangeKernel");
}

static int enqueue_report(struct opencl_queue *queue, struct pending *pending)
{
	cl_event event;
	int err = opencl_check(
		driver_of(queue)->clEnqueueReadBuffer(queue->commands, queue->control.buffer,
			CL_FALSE, 0, sizeof(pending->outcome), &pending->outcome, 0, NULL, &event),
		"clEnqueueReadBuffer");

	return err ? err : expect(queue, pending, event, launch_ended);
}

/* Called with queue->submit held. */
static int enqueue_launch(struct opencl_queue *queue, const struct device_launch *launch,
	struct staging *staging, struct pending *pending, size_t control_bytes)
{
	uint8_t *payload = launch->payload ? launch->payload->bytes + launch->params.payload : NULL;
	int err = buffer_grow(queue, &queue->control, control_bytes);

	if (!err && payload && !staging->payload) {
		err = buffer_grow(queue, &queue->payload, launch->payload_bytes);
		staging->payload = queue->payload.buffer;
	}
	if (!err)
		err = enqueue_control(queue, staging, pending, control_bytes);
	if (!err && launch->kernel == KERNEL_WRITE)
		err = enqueue_payload_in(queue, staging, payload, launch->payload_bytes);
	if (!err)
		err = enqueue_kernel(queue, launch, staging);
	if (!err && launch->kernel == KERNEL_READ)
		err = enqueue_payload_out(queue, staging, payload);
	return err ? err : enqueue_report(queue, pending);
}

/* Are all segments' bytes among the payload's? Else staging would go beyond the caller's. */
static bool payload_fits(const struct device_launch *launch, const struct kernel_segment *segments)
{
	for (uint32_t i = 0; i < launch->params.segment_count; i++) {
		if ((uint64_t)segments[i].payload + segments[i].count > launch->payload_bytes)
			return false;
	}
	return true;
}

int opencl_launch(struct device_queue *base, const struct device_launch *launch)
{
	struct opencl_queue *queue = opencl_queue(base);
	const struct kernel_segment *segments = device_launch_segments(launch);
	struct staging staging = {.params = launch->params};
	size_t control_bytes = sizeof(struct kernel_report);
	struct pending *pending;
	int err;

	if (opencl_memory(launch->scratch)->slab_count > 1)
		return -EINVAL;
	staging.params.report = 0;
	if (segments) {
		staging.segments = segments;
		staging.params.segments = sizeof(struct kernel_report);
		control_bytes += launch->params.segment_count * sizeof(struct kernel_segment);
	}
	if (launch->kernel == KERNEL_READ || launch->kernel == KERNEL_WRITE) {
		if (!payload_fits(launch, staging.segments))
			return -EINVAL;
	}
	if (launch->payload && opencl_device(base->device)->reaches_pinned) {
		staging.payload = ((struct opencl_pinned *)launch->payload->handle)->buffer;
		staging.payload_offset = launch->params.payload;
	} else {
		staging.params.payload = 0;
	}
	pending = pending_take(queue, control_bytes);
	if (!pending)
		return -ENOMEM;
	pending->ticket = launch->params.ticket;
	pending->report = (void *)(launch->control->bytes + launch->params.report);

	pthread_mutex_lock(&queue->submit);
	err = enqueue_launch(queue, launch, &staging, pending, control_bytes);
	if (err)
		pending_abandon(queue, pending);
	pthread_mutex_unlock(&queue->submit);
	return err ? -EIO : 0;
}

enum direction { COPY_IN, COPY_OUT };

/* A copy between HOST and one slab. */
static int copy_piece(struct opencl_queue *queue, enum direction direction, cl_mem slab,
	uint64_t offset, uint8_t *host, size_t bytes)
{
	const struct opencl_driver *driver = driver_of(queue);
	struct pending *pending = pending_take(queue, 0);
	cl_event event;
	int err;

	if (!pending)
		return -ENOMEM;
	err = opencl_check(direction == COPY_IN
				   ? driver->clEnqueueWriteBuffer(queue->commands, slab, CL_FALSE,
					     offset, bytes, host, 0, NULL, &event)
				   : driver->clEnqueueReadBuffer(queue->commands, slab, CL_FALSE,
					     offset, bytes, host, 0, NULL, &event),
		"a copy");
	if (!err)
		err = expect(queue, pending, event, copy_ended);
	if (err)
		pending_abandon(queue, pending);
	return err ? -EIO : 0;
}

/* Each piece is a copy of its own, so that one that fails on the device is not overlooked. */
static int copy(struct opencl_queue *queue, enum direction direction,
	const struct opencl_memory *memory, uint64_t offset, uint8_t *host, size_t bytes)
{
	int err = 0;

	while (!err && bytes) {
		const uint64_t within = offset % memory->slab_bytes;
		const uint64_t room = memory->slab_bytes - within;
		const size_t piece = bytes < room ? bytes : (size_t)room;

		err = copy_piece(queue, direction, memory->slabs[offset / memory->slab_bytes],
			within, host, piece);
		offset += piece;
		host += piece;
		bytes -= piece;
	}
	return err;
}

int opencl_copy_in(struct device_queue *queue, struct device_memory *to, uint64_t to_offset,
	const struct device_pinned *from, size_t from_offset, size_t bytes)
{
	return copy(opencl_queue(queue), COPY_IN, opencl_memory(to), to_offset,
		from->bytes + from_offset, bytes);
}

int opencl_copy_out(struct device_queue *queue, struct device_pinned *to, size_t to_offset,
	const struct device_memory *from, uint64_t from_offset, size_t bytes)
{
	return copy(opencl_queue(queue), COPY_OUT, opencl_memory(from), from_offset,
		to->bytes + to_offset, bytes);
}

/* Every operation ends with a callback, also when it fails: so what none is pending for has been
 * decided. */
int opencl_queue_check(struct device_queue *base)
{
	struct opencl_queue *queue = opencl_queue(base);
	bool idle;

	pthread_mutex_lock(&queue->lock);
	idle = queue->in_flight == 0;
	pthread_mutex_unlock(&queue->lock);
	return idle ? -EIO : 0;
}

/* Called with queue->lock held. */
static void nap(struct opencl_queue *queue)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += NAP_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)!pthread_cond_timedwait(&queue->ended, &queue->lock, &until);
}

void opencl_relax(struct device_queue *base, const uint32_t *done, unsigned spins)
{
	struct opencl_queue *queue = opencl_queue(base);

	if (spins < SPINS_BEFORE_SLEEP) {
		processor_pause();
		return;
	}
	pthread_mutex_lock(&queue->lock);
	if (queue->in_flight && !__atomic_load_n(done, __ATOMIC_ACQUIRE))
		nap(queue);
	pthread_mutex_unlock(&queue->lock);
}

int opencl_queue_wait(struct device_queue *base)
{
	struct opencl_queue *queue = opencl_queue(base);
	int err = opencl_check(driver_of(queue)->clFinish(queue->commands), "clFinish");

	pthread_mutex_lock(&queue->lock);
	while (!err && queue->in_flight) /* callbacks may come a little after the end */
		pthread_cond_wait(&queue->ended, &queue->lock);
	if (queue->failed)
		err = -EIO;
	queue->failed = false;
	pthread_mutex_unlock(&queue->lock);
	return err ? -EIO : 0;
}
