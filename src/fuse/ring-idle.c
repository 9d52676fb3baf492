/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * What the scheduler takes a ring's thread for.
 *
 * A program that waits for its request is woken by the thread, mostly on the processor where the
 * program had run. There the thread is still running, so Linux would have the program go on
 * elsewhere, on a processor that is idle: one has to be woken, which in a virtual machine takes as
 * long as a job does, and what the program has in its caches has to follow. But a processor that
 * runs nothing but SCHED_IDLE is as good as an idle one. So that is what the thread is. It makes
 * room for the program, and goes on when that waits again.
 *
 * Whatever else wants the processor then comes first, too. So the thread is SCHED_IDLE only while
 * there are fewer threads to run than processors: else none is idle and nothing would be gained.
 * And if it has to wait for its processor all the same, by the kernel's own count, for longer than
 * programs take from one request to the next, it is an ordinary thread for a while, and the next
 * time for longer. So it is where a program does not wait for one request before it makes another:
 * then both have something to do at a time.
 */
#include "fuse/ring-rounds.h"

#include "base/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* The kernel is asked so often, */
#define LOOK_GAP_NS INT64_C(2000000)
/* and the thread may have waited so long for each request since. */
#define MOST_DELAY_NS INT64_C(200000)

/* For so long it is ordinary the first time, and at most. */
#define CROWDED_LEAST_NS INT64_C(100000000)
#define CROWDED_MOST_NS INT64_C(10000000000)

/* Another look at a file of /proc, or -1. */
static ssize_t look_at(int fd, char *text, size_t bytes)
{
	const ssize_t length = pread(fd, text, bytes - 1, 0);

	text[length < 0 ? 0 : length] = '\0';
	return length;
}

/* Are there as many threads to run, this one included, as processors that rings may run on? */
static bool is_busy(const struct ring *ring)
{
	char text[80];
	unsigned running;

	return look_at(ring->idle.loadavg_fd, text, sizeof(text)) > 0 &&
	       sscanf(text, "%*s %*s %*s %u/", &running) == 1 &&
	       running >= (unsigned)CPU_COUNT(&ring->options.all->processors);
}

static bool run_as(int policy)
{
	const struct sched_param parameters = {0};

	return !sched_setscheduler(0, policy, &parameters);
}

/* There and back: without CAP_SYS_NICE, or RLIMIT_NICE, there is no way back. */
static void *try_both(void *argument)
{
	bool *possible = argument;

	*possible = run_as(SCHED_IDLE) && run_as(SCHED_OTHER);
	return NULL;
}

static bool is_possible(void)
{
	bool possible = false;
	pthread_t thread;

	if (sched_getscheduler(0) != SCHED_OTHER ||
		pthread_create(&thread, NULL, try_both, &possible))
		return false;
	pthread_join(thread, NULL);
	return possible;
}

/* How long the thread has waited for a processor in all, or -1. */
static int64_t find_delay(const struct ring *ring)
{
	char text[80];
	uint64_t ran, waited;

	/* Kernels that don't count say 0. */
	if (look_at(ring->idle.schedstat_fd, text, sizeof(text)) <= 0 ||
		sscanf(text, "%" SCNu64 " %" SCNu64, &ran, &waited) != 2 || !ran)
		return -1;
	return (int64_t)waited;
}

void ring_idle_begin(struct ring *ring)
{
	ring->idle.schedstat_fd =
		is_possible() ? open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC) : -1;
	if (ring->idle.schedstat_fd < 0)
		return;
	ring->idle.loadavg_fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	ring->idle.crowded_for_ns = CROWDED_LEAST_NS;
	ring->idle.delay_ns = find_delay(ring);
	if (ring->idle.delay_ns < 0)
		ring_idle_end(ring);
}

void ring_idle_end(struct ring *ring)
{
	if (ring->idle.schedstat_fd >= 0) {
		close(ring->idle.schedstat_fd);
		if (ring->idle.loadavg_fd >= 0)
			close(ring->idle.loadavg_fd);
	}
	ring->idle.schedstat_fd = -1;
}

bool ring_idle_suits(const struct ring *ring)
{
	return ring->idle.schedstat_fd >= 0 && !ring->idle.crowded;
}

/* The thread has waited for too long. If it was SCHED_IDLE then, that does not suit for a while. */
static void have_waited(struct ring *ring, int64_t now)
{
	if (ring->idle.is_idle) {
		/* After it suited for long, this is the first time again. */
		if (now - ring->idle.crowded_until_ns > 8 * ring->idle.crowded_for_ns)
			ring->idle.crowded_for_ns = CROWDED_LEAST_NS;
		else if (ring->idle.crowded_for_ns < CROWDED_MOST_NS)
			ring->idle.crowded_for_ns *= 2;
	}
	ring->idle.crowded = true;
	ring->idle.crowded_until_ns = now + ring->idle.crowded_for_ns;
}

static void look(struct ring *ring, int64_t now)
{
	const int64_t delay = find_delay(ring);

	if (delay - ring->idle.delay_ns > MOST_DELAY_NS * ring->idle.seen) {
		have_waited(ring, now);
	} else if (is_busy(ring)) {
		ring->idle.crowded = true;
		if (ring->idle.crowded_until_ns < now + CROWDED_LEAST_NS)
			ring->idle.crowded_until_ns = now + CROWDED_LEAST_NS;
	} else if (now >= ring->idle.crowded_until_ns) {
		ring->idle.crowded = false;
	}
	ring->idle.delay_ns = delay;
	ring->idle.seen = 0;
	ring->idle.look_ns = now + LOOK_GAP_NS;
}

void ring_idle_see(struct ring *ring)
{
	const int64_t now = clock_ns();
	bool idle;

	if (ring->idle.schedstat_fd < 0)
		return;
	ring->idle.seen++;
	(void)ring_believe(&ring->idle.together, ring->at_work > 1, &ring->idle.doubts);
	if (now >= ring->idle.look_ns)
		look(ring, now);
	idle = !ring->idle.crowded && !ring->idle.together && !ring->roams;
	if (idle != ring->idle.is_idle && run_as(idle ? SCHED_IDLE : SCHED_OTHER))
		ring->idle.is_idle = idle;
}
