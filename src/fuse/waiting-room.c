/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Requests in the order of the times at which they are to go on; each thread takes the first whose
 * time has come, and has it alone until the device has done all that it asks for.
 */
#include "fuse/waiting-room.h"

#include "base/clock.h"
#include "base/cleanup.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

/* What waits for space sleeps here without a thread; a long copy has one to itself. */
#define THREADS 2u

struct waiting_room {
	struct fuse_connection *connection;
	pthread_mutex_t lock; /* of the two below; signals `changed` */
	pthread_cond_t changed;
	struct fuse_request *first;
	bool closing;
	pthread_t threads[THREADS];
	unsigned started;
};

void waiting_room_enter(struct waiting_room *room, struct fuse_request *request)
{
	struct fuse_request **link = &room->first;

	pthread_mutex_lock(&room->lock);
	while (*link && (*link)->resume_at_ns <= request->resume_at_ns)
		link = &(*link)->next;
	request->next = *link;
	*link = request;
	pthread_cond_signal(&room->changed);
	pthread_mutex_unlock(&room->lock);
}

/* The first whose time has come; NULL when the room is closed. Called with the lock held. */
static struct fuse_request *next_request(struct waiting_room *room)
{
	while (!room->closing) {
		struct fuse_request *first = room->first;
		struct timespec until;

		if (!first) {
			pthread_cond_wait(&room->changed, &room->lock);
			continue;
		}
		if (first->resume_at_ns <= clock_ns()) {
			room->first = first->next;
			return first;
		}
		until.tv_sec = first->resume_at_ns / 1000000000;
		until.tv_nsec = first->resume_at_ns % 1000000000;
		pthread_cond_timedwait(&room->changed, &room->lock, &until);
	}
	return NULL;
}

static void *attend(void *argument)
{
	struct waiting_room *room = argument;
	struct store_queue *queue = store_queue(fs_store(room->connection->fs));
	struct fuse_request *request;

	pthread_mutex_lock(&room->lock);
	while ((request = next_request(room))) {
		pthread_mutex_unlock(&room->lock);
		request->queue = queue;
		fuse_resume(request);
		while (store_poll(queue))
			store_wait(queue);
		pthread_mutex_lock(&room->lock);
	}
	pthread_mutex_unlock(&room->lock);
	return NULL;
}

static int start_threads(struct waiting_room *room)
{
	sigset_t all, before;
	int err = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (!err && room->started < THREADS) {
		err = pthread_create(&room->threads[room->started], NULL, attend, room);
		if (!err)
			pthread_setname_np(room->threads[room->started++], "vramfs-waiting");
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return room->started ? 0 : -err;
}

DEFINE_CLEANUP(struct waiting_room *, waiting_room, waiting_room_free)

err_t waiting_room_new(struct fuse_connection *connection, struct waiting_room **ret_room)
{
	CLEANUP(waiting_room_p) struct waiting_room *room = calloc(1, sizeof(*room));
	pthread_condattr_t monotonic;
	int err;

	if (!room)
		return -ENOMEM;
	room->connection = connection;
	pthread_mutex_init(&room->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&room->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	err = start_threads(room);
	if (err)
		return err;
	*ret_room = steal(&room);
	return 0;
}

void waiting_room_free(struct waiting_room *room)
{
	if (!room)
		return;
	pthread_mutex_lock(&room->lock);
	room->closing = true;
	pthread_cond_broadcast(&room->changed);
	pthread_mutex_unlock(&room->lock);
	for (unsigned i = 0; i < room->started; i++)
		pthread_join(room->threads[i], NULL);
	pthread_cond_destroy(&room->changed);
	pthread_mutex_destroy(&room->lock);
	free(room);
}
