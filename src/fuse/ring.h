/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_RING_H
#define VRAMFS_FUSE_RING_H

#include "fuse/request.h"

#include <sched.h>

/*
 * One thread that serves some of the kernel's queues over a ring of its own, with a queue of the
 * device of its own, and DEPTH requests of each of them at a time.
 */
struct ring;

/* The requests that a ring can't go on with, and who takes care of them. */
struct waiting_room;

#define RINGS_MAX 64u

/* All rings of a transport. */
struct rings {
	unsigned count;
	cpu_set_t processors; /* that their threads may run on */
	struct ring *rings[RINGS_MAX];
};

struct ring_options {
	struct fuse_connection *connection;
	struct waiting_room *waiting_room;
	const struct rings *all;
	unsigned number;    /* of the thread, from 0 */
	int processor;      /* where the thread usually stays; -1: anywhere */
	uint16_t queue;     /* the first that it serves */
	uint16_t queue_gap; /* and every so many'th after it */
	uint16_t queue_end; /* below this */
	unsigned depth;
};

/* Take the memory, make the ring and start the thread, which then waits for ring_register().
 * -EPERM, -ENOSYS: no io_uring here; -ENOMEM; -EAGAIN: no thread. */
err_t ring_new(const struct ring_options *options, struct ring **ret_ring);

/* Let the kernel know the entries of the ring's queues, but if LAST is false not those of queue 0,
 * and if it is true only those: the kernel begins to send requests once it has an entry of each
 * queue. FD is /dev/fuse. -errno if it refused one. */
err_t ring_register(struct ring *ring, int fd, bool last);

/* From now on serve, until the connection ends or ring_stop() is called. */
void ring_serve(struct ring *ring);

/* End what is under way, and no more. From any thread. */
void ring_stop(struct ring *ring);

/* Wait for the end of the thread. Others that reply to its requests may still touch the ring. */
void ring_join(struct ring *ring);

/* Likewise, if that wasn't done, and free. NULL is allowed. */
void ring_free(struct ring *ring);

#endif
