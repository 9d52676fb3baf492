/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A sweep for measuring. To claim the lines of a job of 256 blocks and give them back takes a
 * thread 7 us or more, and to launch it another 3; a GPU that moves 4 TB/s is through with the job
 * in 9. With one thread the host would be measured. So several sweep, a part of the region each.
 * They start at one moment, with their queues in hand, so that making threads is not in the time.
 */
#include "cli/bench.h"

#include "cli/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define SWEEPERS 4u

enum signal { SIGNAL_WAIT, SIGNAL_GO, SIGNAL_GIVE_UP };

/* Where the sweepers wait for each other: spinning, because to wake a sleeper takes as long as a
 * job. */
struct start {
	_Atomic unsigned ready;
	_Atomic enum signal signal;
};

struct sweeper {
	pthread_t thread;
	struct start *start;
	struct store *store;
	enum kernel kernel;
	const struct store_sweep *arguments;
	uint32_t first, count; /* blocks */
	double begun, ended;
	struct store_sweep_totals totals;
	int err;
};

static void *run_sweeper(void *argument)
{
	struct sweeper *self = argument;
	enum signal signal;

	store_queue(self->store);
	atomic_fetch_add(&self->start->ready, 1);
	while ((signal = atomic_load(&self->start->signal)) == SIGNAL_WAIT)
		sched_yield();
	if (signal == SIGNAL_GIVE_UP)
		return NULL;
	self->begun = clock_seconds();
	self->err = store_sweep(self->store, self->kernel, self->first, self->count,
		self->arguments, &self->totals);
	self->ended = clock_seconds();
	return NULL;
}

/* Run them to their end; -EAGAIN if there can't be so many. */
static err_t run_all(struct sweeper *sweepers, struct start *start)
{
	unsigned count = 0;

	while (count < SWEEPERS &&
		!pthread_create(&sweepers[count].thread, NULL, run_sweeper, &sweepers[count]))
		count++;
	while (atomic_load(&start->ready) < count)
		sched_yield();
	atomic_store(&start->signal, count == SWEEPERS ? SIGNAL_GO : SIGNAL_GIVE_UP);
	for (unsigned i = 0; i < count; i++)
		pthread_join(sweepers[i].thread, NULL);
	return count == SWEEPERS ? 0 : -EAGAIN;
}

static void add_totals(struct store_sweep_totals *sum, const struct store_sweep_totals *totals)
{
	sum->flagged += totals->flagged;
	sum->lost += totals->lost;
	for (unsigned weight = 1; weight <= RS_MAX_CORRECT; weight++)
		sum->corrected[weight] += totals->corrected[weight];
}

int bench_sweep(struct store *store, enum kernel kernel, uint64_t blocks,
	const struct store_sweep *arguments, struct bench_sweep *ret_sweep)
{
	struct start start = {0};
	struct sweeper sweepers[SWEEPERS];
	struct bench_sweep sum = {0};
	double begun, ended;
	int err;

	for (unsigned i = 0; i < SWEEPERS; i++) {
		uint32_t first = (uint32_t)(blocks * i / SWEEPERS);

		sweepers[i] = (struct sweeper){
			.start = &start,
			.store = store,
			.kernel = kernel,
			.arguments = arguments,
			.first = first,
			.count = (uint32_t)(blocks * (i + 1) / SWEEPERS) - first,
		};
	}
	err = run_all(sweepers, &start);
	if (err)
		return err;
	begun = sweepers[0].begun;
	ended = sweepers[0].ended;
	for (unsigned i = 0; i < SWEEPERS; i++) {
		if (sweepers[i].err)
			return sweepers[i].err;
		begun = sweepers[i].begun < begun ? sweepers[i].begun : begun;
		ended = sweepers[i].ended > ended ? sweepers[i].ended : ended;
		add_totals(&sum.totals, &sweepers[i].totals);
	}
	sum.seconds = ended - begun;
	*ret_sweep = sum;
	return 0;
}
