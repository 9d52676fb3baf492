/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Each thread of a group has a stack of its own on which it runs until it has to wait for others;
 * then the next one goes on (ucontext makes the stacks; to change over, _longjmp() takes a
 * hundredth of the time of swapcontext(), which calls the kernel). What a whole warp does together
 * takes a turn of all its lanes: each leaves its value and waits, and the last one lets them go.
 */
#undef _FORTIFY_SOURCE /* would take the changing of stacks for an accident */

#include "warp-emulator.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif
#if defined(ADDRESS_SANITIZER)
#include <sanitizer/common_interface_defs.h>
#endif

#define WARP_LANES 32u
#define WARP_ALL 0xffffffffu
#define MOST_WARPS (WARP_EMULATOR_MOST_THREADS / WARP_LANES)
#define STACK_BYTES ((size_t)128 << 10)

/* Where one of the threads, or who called warp_emulator_run(), goes on. */
struct fiber {
	jmp_buf place;
	const void *stack;
	size_t stack_bytes;
	bool ended;
#if defined(ADDRESS_SANITIZER)
	void *fake_stack;
#endif
};

/* Some threads that wait for each other. What they bring is kept in two tables in turn: a thread
 * can be no further ahead than that. */
struct meeting {
	const char *what;
	unsigned arrived, ended;
	uint64_t count; /* how often they have met */
	uint32_t values[2][WARP_LANES];
};

struct emulator {
	const struct warp_emulator_launch *launch;
	uint32_t group, stride, current, left;
	unsigned turns_without_progress;
	struct fiber caller, fibers[WARP_EMULATOR_MOST_THREADS];
	struct meeting warps[MOST_WARPS], all;
};

static _Thread_local struct emulator *running;

static _Noreturn void give_up(const char *what, const char *where)
{
	fprintf(stderr, "warp-emulator: group %u, thread %u: %s%s%s\n", running->group,
		running->current, what, where ? ": " : "", where ? where : "");
	abort();
}

/* Leave FROM, for good if it has ended, and go on where TO was left. */
static void change_over(struct fiber *from, struct fiber *to)
{
	if (_setjmp(from->place) == 0) {
#if defined(ADDRESS_SANITIZER)
		__sanitizer_start_switch_fiber(
			from->ended ? NULL : &from->fake_stack, to->stack, to->stack_bytes);
#endif
		_longjmp(to->place, 1);
	}
#if defined(ADDRESS_SANITIZER)
	__sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}

/* Let the others have their turn. */
static void give_way(void)
{
	struct emulator *self = running;
	struct fiber *from = &self->fibers[self->current];

	if (self->left == 0)
		change_over(from, &self->caller);
	if (++self->turns_without_progress > 2 * self->launch->threads)
		give_up("waits, and so do all others", NULL);
	do
		self->current = (self->current + self->stride) % self->launch->threads;
	while (self->fibers[self->current].ended);
	if (&self->fibers[self->current] != from)
		change_over(from, &self->fibers[self->current]);
}

static void thread_run(void)
{
	struct emulator *self = running;
	struct fiber *own = &self->fibers[self->current];

#if defined(ADDRESS_SANITIZER)
	__sanitizer_finish_switch_fiber(NULL, &self->caller.stack, &self->caller.stack_bytes);
#endif
	change_over(own, &self->caller); /* until all have been made */
	self->launch->thread(self->launch->argument);
	own->ended = true;
	self->left--;
	self->warps[self->current / WARP_LANES].ended++;
	self->all.ended++;
	self->turns_without_progress = 0;
	give_way();
	abort(); /* nobody goes back to where a thread has ended */
}

static void thread_make(struct emulator *self, uint32_t thread, uint8_t *stack)
{
	struct fiber *fiber = &self->fibers[thread];
	ucontext_t context;

	*fiber = (struct fiber){.stack = stack, .stack_bytes = STACK_BYTES};
	self->current = thread;
	getcontext(&context);
	context.uc_stack.ss_sp = stack;
	context.uc_stack.ss_size = STACK_BYTES;
	context.uc_link = NULL;
	makecontext(&context, thread_run, 0);
	if (_setjmp(self->caller.place) == 0) {
#if defined(ADDRESS_SANITIZER)
		__sanitizer_start_switch_fiber(&self->caller.fake_stack, stack, STACK_BYTES);
#endif
		setcontext(&context);
	}
#if defined(ADDRESS_SANITIZER)
	__sanitizer_finish_switch_fiber(self->caller.fake_stack, NULL, NULL);
#endif
}

static void group_run(struct emulator *self, uint32_t group, uint8_t *stacks)
{
	/* Primes that are no factor of a number of threads. */
	static const uint32_t strides[] = {1, 251, 37, 211};
	const uint32_t threads = self->launch->threads;

	self->group = group;
	self->stride = strides[group % 4] % threads;
	self->left = threads;
	self->turns_without_progress = 0;
	self->all = (struct meeting){0};
	for (uint32_t warp = 0; warp < threads / WARP_LANES; warp++)
		self->warps[warp] = (struct meeting){0};
	for (uint32_t thread = 0; thread < threads; thread++)
		thread_make(self, thread, stacks + thread * STACK_BYTES);
	self->current = 0;
	change_over(&self->caller, &self->fibers[self->current]);
}

void warp_emulator_run(
	const struct warp_emulator_launch *launch, uint32_t first_group, uint32_t count)
{
	struct emulator *self = calloc(1, sizeof(*self));
	uint8_t *stacks = mmap(NULL, launch->threads * STACK_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!self || stacks == MAP_FAILED || launch->threads == 0 ||
		launch->threads % WARP_LANES != 0 || launch->threads > WARP_EMULATOR_MOST_THREADS)
		abort();
	self->launch = launch;
	running = self;
	for (uint32_t i = 0; i < count; i++)
		group_run(self, first_group + i, stacks);
	running = NULL;
	munmap(stacks, launch->threads * STACK_BYTES);
	free(self);
}

/* Bring VALUE and wait for the other MEMBERS of a meeting. Returns what all have brought. */
static const uint32_t *meet(struct meeting *meeting, unsigned members, unsigned member,
	const char *what, uint32_t value)
{
	const uint64_t count = meeting->count;
	uint32_t *values = meeting->values[count % 2];

	if (meeting->arrived == 0)
		meeting->what = what;
	else if (meeting->what != what)
		give_up(what, "other lanes of its warp do something else");
	values[member] = value;
	running->turns_without_progress = 0;
	if (++meeting->arrived == members) {
		meeting->arrived = 0;
		meeting->count++;
		return values;
	}
	while (meeting->count == count) {
		if (meeting->ended)
			give_up(what, "waits for threads that have ended");
		give_way();
	}
	return values;
}

static const uint32_t *warp_meet(const char *what, unsigned mask, uint32_t value)
{
	if (mask != WARP_ALL)
		give_up(what, "the mask does not name the whole warp");
	return meet(&running->warps[running->current / WARP_LANES], WARP_LANES,
		running->current % WARP_LANES, what, value);
}

int __nvvm_read_ptx_sreg_tid_x(void)
{
	return (int)running->current;
}

int __nvvm_read_ptx_sreg_ntid_x(void)
{
	return (int)running->launch->threads;
}

int __nvvm_read_ptx_sreg_ctaid_x(void)
{
	return (int)running->group;
}

int __nvvm_read_ptx_sreg_nctaid_x(void)
{
	return (int)running->launch->groups;
}

void __syncthreads(void)
{
	meet(&running->all, running->launch->threads, 0, __func__, 0);
}

void __nvvm_bar_warp_sync(unsigned mask)
{
	warp_meet(__func__, mask, 0);
}

void __nvvm_membar_sys(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static unsigned ballot(const uint32_t *conditions)
{
	unsigned votes = 0;

	for (unsigned lane = 0; lane < WARP_LANES; lane++)
		votes |= conditions[lane] << lane;
	return votes;
}

unsigned __nvvm_vote_ballot_sync(unsigned mask, _Bool condition)
{
	return ballot(warp_meet(__func__, mask, condition));
}

_Bool __nvvm_vote_any_sync(unsigned mask, _Bool condition)
{
	return ballot(warp_meet(__func__, mask, condition)) != 0;
}

_Bool __nvvm_vote_all_sync(unsigned mask, _Bool condition)
{
	return ballot(warp_meet(__func__, mask, condition)) == WARP_ALL;
}

/* The part of the warp that this lane exchanges values with, as the PTX ISA describes "shfl". */
struct part {
	int lane, lowest, last, inside;
};

static struct part part_of(int clamp)
{
	const int lane = (int)(running->current % WARP_LANES), outside = (clamp >> 8) & 31;

	return (struct part){.lane = lane,
		.lowest = lane & outside,
		.last = (lane & outside) | (clamp & 31 & ~outside),
		.inside = ~outside & 31};
}

int __nvvm_shfl_sync_idx_i32(unsigned mask, int value, int lane, int clamp)
{
	const struct part part = part_of(clamp);
	const int from = part.lowest | (lane & part.inside);

	return (int)warp_meet(
		__func__, mask, (uint32_t)value)[from <= part.last ? from : part.lane];
}

int __nvvm_shfl_sync_bfly_i32(unsigned mask, int value, int lane_mask, int clamp)
{
	const struct part part = part_of(clamp);
	const int from = part.lane ^ (lane_mask & 31);

	return (int)warp_meet(
		__func__, mask, (uint32_t)value)[from <= part.last ? from : part.lane];
}

int __nvvm_shfl_sync_down_i32(unsigned mask, int value, int delta, int clamp)
{
	const struct part part = part_of(clamp);
	const int from = part.lane + (delta & 31);

	return (int)warp_meet(
		__func__, mask, (uint32_t)value)[from <= part.last ? from : part.lane];
}

int __nvvm_shfl_sync_up_i32(unsigned mask, int value, int delta, int clamp)
{
	const struct part part = part_of(clamp);
	const int from = part.lane - (delta & 31);

	return (int)warp_meet(
		__func__, mask, (uint32_t)value)[from >= part.last ? from : part.lane];
}

int __nvvm_atom_add_gen_i(int *address, int value)
{
	return __atomic_fetch_add(address, value, __ATOMIC_ACQ_REL);
}

int __nvvm_atom_xchg_gen_i(int *address, int value)
{
	return __atomic_exchange_n(address, value, __ATOMIC_ACQ_REL);
}
