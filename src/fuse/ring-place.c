/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Where a ring's thread runs. Usually it stays on the processor whose requests it serves: the
 * program that waits for its request makes room for the thread, and the other way round, and no
 * other processor has to be woken. That is best for small requests, and where all processors work.
 *
 * With large requests most of the time is the kernel's copying, which the thread does. Where a
 * thread has several of them at a time, helpers of the kernel's copy for it (see ring-rounds.c),
 * and it may run anywhere, beside the program, as long as few rings have large requests. So it may
 * with one at a time, too, where program and thread can't take turns on their processor
 * (ring-idle.c).
 */
#include "fuse/ring-rounds.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdatomic.h>

/* A request of this size is copied for longer than another processor takes to wake up. */
#define LARGE_BYTES ((size_t)128 << 10)

/* A thread may roam while at most one ring in so many has large requests, */
#define RINGS_A_ROAMER 4u
/* which it has if the last came so short a time ago. */
#define RECENT_NS INT64_C(2000000)

static void run_on(const struct ring *ring, const cpu_set_t *set)
{
	/* If that is not to be, it only takes longer. */
	if (sched_setaffinity(0, sizeof(*set), set))
		log_debug("ring %u can't run where it should", ring->options.number);
}

static void stay(struct ring *ring)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)ring->options.processor, &set);
	run_on(ring, &set);
}

void ring_place_begin(struct ring *ring)
{
	if (ring->options.processor >= 0)
		stay(ring);
}

static bool few_have_large(const struct rings *all, int64_t now)
{
	unsigned count = 0;

	for (unsigned i = 0; i < all->count; i++)
		if (now - atomic_load_explicit(&all->rings[i]->large_ns, memory_order_relaxed) <
			RECENT_NS)
			count++;
	return count <= all->count / RINGS_A_ROAMER;
}

void ring_place_see(struct ring *ring, size_t bytes)
{
	const struct rings *all = ring->options.all;
	bool would_roam = false;

	if (ring->options.processor < 0)
		return;
	if (bytes >= LARGE_BYTES) {
		int64_t now = clock_ns();

		atomic_store_explicit(&ring->large_ns, now, memory_order_relaxed);
		would_roam =
			(ring->at_work > 1 || !ring_idle_suits(ring)) && few_have_large(all, now);
	}
	if (!ring_believe(&ring->roams, would_roam, &ring->doubts))
		return;
	if (ring->roams)
		run_on(ring, &all->processors);
	else
		stay(ring);
}
