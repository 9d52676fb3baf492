/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Queues are made when the store is opened, because making one takes the driver long, and lent to
 * threads. A thread remembers the queue of the store that it last used in thread-local memory,
 * where finding it costs a comparison; the queues that it has of other stores are in a list of its
 * own, and given back when the thread ends. Stores are told apart by generation and not by address:
 * a store may be opened where another one was.
 *
 * There are never too few queues for correctness: threads beyond their number share the queue that
 * the fewest threads have.
 */
#include "store/queues.h"

#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

/* More would only cost pinned memory: eight threads with a queue each already launch as fast as a
 * driver can. */
#define MOST_QUEUES 32u
#define FEWEST_QUEUES 2u
#define PROCESSORS_A_QUEUE 4u
#define QUEUES_A_PROCESSOR 4u

/* What one thread has of one store. */
struct attachment {
	uint64_t generation;
	struct store_queue *queue;
	struct attachment *next;
};

/* One lock for what is rare: opening and closing stores, a thread's first use of a store, and its
 * end. */
static pthread_mutex_t queues_lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *open_stores;
static uint64_t last_generation;
static pthread_key_t attachments_key; /* a thread's list of attachments */
static pthread_once_t attachments_once = PTHREAD_ONCE_INIT;
static bool attachments_work;

static __thread uint64_t cached_generation; /* 0: of no store */
static __thread struct store_queue *cached_queue;

/*
 * On a GPU: a queue for every 4 multiprocessors, at least one for each copy engine, at least 2.
 * More jobs at once than that find no free multiprocessors, since even a small one occupies a few.
 * Where this machine's processors are the device: 4 for each, as queues cost little there, and
 * threads that share none do not wait for each other. Nowhere more than 32.
 */
unsigned queues_suitable(const struct device_info *info)
{
	unsigned count = info->processors / PROCESSORS_A_QUEUE;

	if (!info->gpu)
		count = info->processors < MOST_QUEUES ? info->processors * QUEUES_A_PROCESSOR
						       : MOST_QUEUES;
	if (count < info->copy_engines)
		count = info->copy_engines;
	if (count < FEWEST_QUEUES)
		count = FEWEST_QUEUES;
	return count < MOST_QUEUES ? count : MOST_QUEUES;
}

/*
 * A device's queue runs one launch after the other, and a small one spends most of its time waiting
 * for the bus. On an H200, one thread with 16 jobs of 128 KiB in flight read 8.4 GB/s with 1 lane,
 * 14.6 with 2, 19.7 with 4 and 28.4 with 8; 16 threads 29 and 45 GB/s with 1 and 8. Where ordinary
 * processors are the device, threads have to wait for each other anyway.
 */
unsigned lanes_suitable(const struct device_info *info)
{
	return info->gpu ? QUEUE_LANES_MOST : 2;
}

static void queue_free(struct store_queue *queue)
{
	if (!queue)
		return;
	while (queue->lane_count)
		device_queue_free(queue->lanes[--queue->lane_count]);
	if (queue->control)
		device_pinned_free(queue->control);
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->lock);
	free(queue->jobs);
	free(queue);
}

static err_t queue_new(struct store *store, unsigned number, struct store_queue **ret_queue)
{
	struct store_queue *queue = calloc(1, sizeof(*queue));
	int err;

	if (!queue)
		return -ENOMEM;
	queue->store = store;
	queue->number = number;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->changed, NULL);
	queue->jobs = calloc(QUEUE_JOBS, sizeof(*queue->jobs));
	err = queue->jobs ? 0 : -ENOMEM;
	if (!err)
		err = device_pinned_alloc(store->device,
			QUEUE_ZEROS_OFFSET + KERNEL_SCRATCH_WORDS * sizeof(uint32_t),
			&queue->control);
	if (err) {
		queue_free(queue);
		return err;
	}
	atomic_init(&queue->free_jobs, (1u << QUEUE_JOBS) - 1);
	*ret_queue = queue;
	return 0;
}

/* The first lanes of all queues, then the second ones: a job that is alone on its queue takes the
 * first, and drivers deal the few channels that the device has out to its queues in turn. */
static err_t make_lanes(struct store *store)
{
	unsigned lanes = lanes_suitable(device_info(store->device));
	int err = 0;

	for (unsigned lane = 0; lane < lanes; lane++) {
		for (unsigned i = 0; i < store->queue_count && !err; i++) {
			struct store_queue *queue = store->queues[i];

			err = device_queue_new(store->device, &queue->lanes[lane]);
			if (!err)
				queue->lane_count++;
		}
	}
	return err;
}

int queues_open(struct store *store)
{
	unsigned count = queues_suitable(device_info(store->device));
	int err = device_memory_alloc(store->device,
		(uint64_t)count * QUEUE_JOBS * KERNEL_SCRATCH_WORDS * sizeof(uint32_t),
		&store->scratch, NULL);

	if (err)
		return err;
	store->queues = calloc(count, sizeof(*store->queues));
	if (!store->queues)
		return -ENOMEM;
	while (store->queue_count < count) {
		err = queue_new(store, store->queue_count, &store->queues[store->queue_count]);
		if (err)
			return err;
		store->queue_count++;
	}
	err = make_lanes(store);
	if (err)
		return err;
	for (unsigned i = 0; i < count; i++)
		for (unsigned slot = 0; slot < QUEUE_JOBS; slot++)
			job_init(&store->queues[i]->jobs[slot], store->queues[i], slot);
	pthread_mutex_lock(&queues_lock);
	store->generation = ++last_generation;
	store->next_open = open_stores;
	open_stores = store;
	pthread_mutex_unlock(&queues_lock);
	return 0;
}

void queues_close(struct store *store)
{
	pthread_mutex_lock(&queues_lock);
	for (struct store **slot = &open_stores; *slot; slot = &(*slot)->next_open)
		if (*slot == store) {
			*slot = store->next_open;
			break;
		}
	pthread_mutex_unlock(&queues_lock);

	for (unsigned i = 0; i < store->queue_count; i++)
		queue_free(store->queues[i]);
	free(store->queues);
	if (store->scratch)
		device_memory_free(store->scratch);
}

/* Called with queues_lock held. */
static bool is_open(uint64_t generation)
{
	for (const struct store *store = open_stores; store; store = store->next_open)
		if (store->generation == generation)
			return true;
	return false;
}

/* A thread ends: give back its queues of the stores that are still there. */
static void give_back(void *attachments)
{
	struct attachment *attachment = attachments;

	/* Should another destructor of this thread ask for a queue again. */
	cached_generation = 0;
	pthread_mutex_lock(&queues_lock);
	while (attachment) {
		struct attachment *next = attachment->next;

		if (is_open(attachment->generation))
			attachment->queue->threads--;
		free(attachment);
		attachment = next;
	}
	pthread_mutex_unlock(&queues_lock);
}

static void make_key(void)
{
	attachments_work = !pthread_key_create(&attachments_key, give_back);
}

/* Called with queues_lock held. */
static struct store_queue *least_used(struct store *store)
{
	struct store_queue *best = store->queues[0];

	for (unsigned i = 1; i < store->queue_count; i++)
		if (store->queues[i]->threads < best->threads)
			best = store->queues[i];
	return best;
}

/* Lend this thread a queue and remember it. Called with queues_lock held. */
static struct store_queue *attach(struct store *store)
{
	struct store_queue *queue = least_used(store);
	struct attachment *attachment = NULL, **slot, *first;

	if (!attachments_work)
		return queue;
	first = pthread_getspecific(attachments_key);
	for (slot = &first; *slot; slot = &(*slot)->next)
		if (!is_open((*slot)->generation)) {
			attachment = *slot;
			break;
		}
	if (!attachment) {
		attachment = calloc(1, sizeof(*attachment));
		if (!attachment)
			return queue;
		attachment->next = first;
		if (pthread_setspecific(attachments_key, attachment)) {
			free(attachment);
			return queue;
		}
	}
	attachment->generation = store->generation;
	attachment->queue = queue;
	queue->threads++;
	return queue;
}

static __attribute__((noinline)) struct store_queue *find_queue(struct store *store)
{
	struct store_queue *queue = NULL;

	pthread_once(&attachments_once, make_key);
	for (struct attachment *attachment = attachments_work ? pthread_getspecific(attachments_key)
							      : NULL;
		attachment; attachment = attachment->next)
		if (attachment->generation == store->generation)
			queue = attachment->queue;
	if (!queue) {
		/* Without host memory to remember it, the thread still gets a queue, and the same
		 * again as long as it uses no other store. */
		pthread_mutex_lock(&queues_lock);
		queue = attach(store);
		pthread_mutex_unlock(&queues_lock);
	}
	cached_generation = store->generation;
	cached_queue = queue;
	return queue;
}

struct store_queue *store_queue(struct store *store)
{
	if (__builtin_expect(cached_generation == store->generation, true))
		return cached_queue;
	return find_queue(store);
}
