/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Making, starting and ending rings. A ring's thread carries out one task after the other, since
 * the kernel wants the ring to be made, and used, by one thread only.
 */
#include "fuse/ring-rounds.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "fuse/transport-dev.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>

#define PAGE ((size_t)4096)

static int make_uring(struct ring *ring)
{
	/* IORING_SETUP_DEFER_TASKRUN: requests arrive when the thread asks for them, not in the
	 * middle of another. */
	struct io_uring_params parameters = {
		.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
			 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_TASKRUN_FLAG,
		.cq_entries = 2 * (ring->entry_count + 1),
	};
	int err = io_uring_queue_init_params(ring->entry_count + 1, &ring->uring, &parameters);

	ring->uring_made = !err;
	if (!err)
		(void)io_uring_register_ring_fd(&ring->uring); /* faster, where the kernel can */
	return err;
}

static int carry_out(struct ring *ring, enum ring_task task)
{
	switch (task) {
	case TASK_MAKE:
		return make_uring(ring);
	case TASK_REGISTER:
	case TASK_REGISTER_LAST:
		return ring_rounds_register(ring, task == TASK_REGISTER_LAST);
	case TASK_SERVE:
		ring_rounds_serve(ring);
		return 0;
	default:
		return 0;
	}
}

static void *ring_main(void *argument)
{
	struct ring *ring = argument;
	bool goes_on = true;
	int err = 0;

	transport_dev_name_thread("vramfs-ring", ring->options.number);
	ring_place_begin(ring);
	ring_idle_begin(ring);
	ring->queue = store_queue(fs_store(ring->options.connection->fs));
	pthread_mutex_lock(&ring->lock);
	while (goes_on) {
		enum ring_task task = ring->task;

		if (task == TASK_NONE) {
			pthread_cond_wait(&ring->changed, &ring->lock);
			continue;
		}
		pthread_mutex_unlock(&ring->lock);
		goes_on = task != TASK_SERVE && task != TASK_END;
		if (!err)
			err = carry_out(ring, task);
		pthread_mutex_lock(&ring->lock);
		ring->err = err;
		ring->task = TASK_NONE;
		pthread_cond_broadcast(&ring->changed);
	}
	pthread_mutex_unlock(&ring->lock);
	ring_idle_end(ring);
	return NULL;
}

static void set_task(struct ring *ring, enum ring_task task)
{
	pthread_mutex_lock(&ring->lock);
	ring->task = task;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
}

static int wait_for_task(struct ring *ring)
{
	int err;

	pthread_mutex_lock(&ring->lock);
	while (ring->task != TASK_NONE)
		pthread_cond_wait(&ring->changed, &ring->lock);
	err = ring->err;
	pthread_mutex_unlock(&ring->lock);
	return err;
}

/* Making and ending */

static int make_entries(struct ring *ring)
{
	const struct ring_options *options = &ring->options;
	size_t header_bytes = ring->entry_count * sizeof(struct fuse_uring_req_header);
	unsigned index = 0;
	int err = store_buffer_alloc(fs_store(options->connection->fs),
		ring->entry_count * RING_PAYLOAD_BYTES, &ring->payloads);

	if (err)
		return err;
	ring->headers = aligned_alloc(PAGE, (header_bytes + PAGE - 1) / PAGE * PAGE);
	if (!ring->headers)
		return -ENOMEM;
	memset(ring->headers, 0, header_bytes);
	for (uint16_t queue = options->queue; queue < options->queue_end;
		queue = (uint16_t)(queue + options->queue_gap)) {
		for (unsigned i = 0; i < options->depth; i++, index++) {
			struct ring_entry *entry = &ring->entries[index];

			entry->ring = ring;
			entry->queue = queue;
			entry->header = &ring->headers[index];
			entry->payload_offset = index * RING_PAYLOAD_BYTES;
			entry->parts[0] = (struct iovec){entry->header, sizeof(*entry->header)};
			entry->parts[1] = (struct iovec){ring_payload(entry), RING_PAYLOAD_BYTES};
		}
	}
	return 0;
}

static int start_thread(struct ring *ring)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&ring->thread, NULL, ring_main, ring);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	ring->started = true;
	return 0;
}

DEFINE_CLEANUP(struct ring *, ring, ring_free)

err_t ring_new(const struct ring_options *options, struct ring **ret_ring)
{
	unsigned queues = (options->queue_end - options->queue + options->queue_gap - 1u) /
			  options->queue_gap;
	unsigned count = queues * options->depth;
	CLEANUP(ring_p)
	struct ring *ring = calloc(1, sizeof(*ring) + count * sizeof(ring->entries[0]));
	int err;

	if (!ring)
		return -ENOMEM;
	ring->options = *options;
	ring->entry_count = count;
	pthread_mutex_init(&ring->lock, NULL);
	pthread_cond_init(&ring->changed, NULL);
	ring->wake_fd = eventfd(0, EFD_CLOEXEC);
	err = ring->wake_fd < 0 ? -errno : make_entries(ring);
	ring->task = TASK_MAKE;
	if (!err)
		err = start_thread(ring);
	if (!err)
		err = wait_for_task(ring);
	if (err)
		return err;
	*ret_ring = steal(&ring);
	return 0;
}

err_t ring_register(struct ring *ring, int fd, bool last)
{
	ring->fd = fd;
	set_task(ring, last ? TASK_REGISTER_LAST : TASK_REGISTER);
	return wait_for_task(ring);
}

void ring_serve(struct ring *ring)
{
	set_task(ring, TASK_SERVE);
}

void ring_stop(struct ring *ring)
{
	atomic_store(&ring->stopping, true);
	ring_wake(ring);
}

void ring_join(struct ring *ring)
{
	if (!ring->started)
		return;
	pthread_mutex_lock(&ring->lock);
	/* Either it serves, and ends by itself, or it waits for something to do. */
	if (ring->task == TASK_NONE)
		ring->task = TASK_END;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
	pthread_join(ring->thread, NULL);
	ring->started = false;
}

void ring_free(struct ring *ring)
{
	if (!ring)
		return;
	ring_join(ring);
	if (ring->uring_made)
		io_uring_queue_exit(&ring->uring);
	close_p(&ring->wake_fd);
	store_buffer_free(ring->payloads);
	free(ring->headers);
	pthread_cond_destroy(&ring->changed);
	pthread_mutex_destroy(&ring->lock);
	free(ring);
}
