/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_RING_ROUNDS_H
#define VRAMFS_FUSE_RING_ROUNDS_H

#include "fuse/ring.h"

#include <liburing.h>
#include <pthread.h>

/* What a ring is made of, for ring.c, which makes it and starts its thread, and for ring-rounds.c,
 * which is what that thread does. */

#define RING_PAYLOAD_BYTES ((size_t)FS_IO_MAX)

struct ring_entry {
	struct fuse_request request;
	struct ring *ring;
	struct fuse_uring_req_header *header;
	size_t payload_offset; /* in ring->payloads */
	struct iovec parts[2]; /* both, for REGISTER */
	uint64_t commit_id;
	uint32_t command; /* the last one */
	uint16_t queue;
	struct ring_entry *next; /* in ring->replied */
};

/* What the scheduler takes the thread for: see ring-idle.c. */
struct ring_idle {
	int schedstat_fd, loadavg_fd; /* the former -1: it stays what it is */
	bool is_idle;                 /* SCHED_IDLE, now */
	bool crowded, together;       /* reasons not to be: others want its processor; requests come
				       * before the last has been answered */
	unsigned doubts;              /* requests in a row that were not as `together` says */
	int64_t crowded_until_ns, crowded_for_ns;
	int64_t delay_ns; /* that the thread had waited for a processor in all at the last look */
	int64_t look_ns;  /* when to look again */
	int64_t seen;     /* requests since the last look */
};

enum ring_task { TASK_NONE, TASK_MAKE, TASK_REGISTER, TASK_REGISTER_LAST, TASK_SERVE, TASK_END };

struct ring {
	struct ring_options options;
	struct io_uring uring;
	bool uring_made;
	int fd;      /* /dev/fuse */
	int wake_fd; /* eventfd */
	uint64_t wakes;
	struct store_queue *queue;
	struct device_pinned *payloads;
	struct fuse_uring_req_header *headers;

	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* of the two below; signals `changed` */
	pthread_cond_t changed;
	enum ring_task task; /* what the thread is to do; TASK_NONE when it has done that */
	int err;             /* how it went */

	/* The thread's own */
	unsigned with_kernel, at_work; /* entries */
	int64_t waits_since_ns;        /* for nothing but a job's end; 0: it does not */
	int64_t yields_after_ns;       /* of that */
	bool roams;                    /* runs on all processors: see ring-place.c */
	bool helpless;                 /* the kernel has no helpers for it */
	unsigned doubts;               /* requests in a row that would have it the other way */
	struct ring_idle idle;
	_Atomic int64_t large_ns; /* when the last large request came; others look, too */

	_Atomic(struct ring_entry *) replied; /* by other threads */
	atomic_bool asleep, stopping;

	unsigned entry_count;
	struct ring_entry entries[];
};

/* All but the last two are called by the ring's own thread. */

/* As ring_register(). */
err_t ring_rounds_register(struct ring *ring, bool last);

/* Serve until all is over. */
void ring_rounds_serve(struct ring *ring);

/* ring-idle.c: find out whether the thread may be SCHED_IDLE, and be an ordinary one at first. */
void ring_idle_begin(struct ring *ring);
void ring_idle_end(struct ring *ring);

/* A request has come: what should the thread be from now on? */
void ring_idle_see(struct ring *ring);

/* Whether it should be SCHED_IDLE as long as it stays in its place. */
bool ring_idle_suits(const struct ring *ring);

/* To move, or to become another kind of thread, takes a while: so it takes this many requests in a
 * row that have SEEN it the other way before IT is. DOUBTS counts them. Did this one change it? */
#define RING_DOUBTS 8u

static inline bool ring_believe(bool *it, bool seen, unsigned *doubts)
{
	if (*it == seen) {
		*doubts = 0;
		return false;
	}
	if (++*doubts < RING_DOUBTS)
		return false;
	*doubts = 0;
	*it = seen;
	return true;
}

/* ring-place.c: begin on the usual processor. */
void ring_place_begin(struct ring *ring);

/* A request that moves BYTES bytes has come: should the thread run elsewhere from now on? */
void ring_place_see(struct ring *ring, size_t bytes);

/* Let the thread look at what is new. */
void ring_wake(struct ring *ring);

/* Where ENTRY's RING_PAYLOAD_BYTES bytes are. */
uint8_t *ring_payload(const struct ring_entry *entry);

#endif
