/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_BASE_TRACE_H
#define VRAMFS_BASE_TRACE_H

#include "base/cleanup.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Named ranges of time for a profiler, by NVTX (NVIDIA Tools Extension, version 3): Nsight Systems
 * shows them beside what the GPU does. They are in the domain "vramfs".
 *
 * Without a profiler each call costs a load and a branch that is always predicted: of `trace_on`,
 * and for what ends a range, of what the call that began it gave. What names a range is then not
 * even evaluated.
 *
 * Names must live, unchanged, as long as the process: the profiler is told each once. All may be
 * called from any thread.
 */

/* Look for a profiler and let it attach, once a process; further calls do nothing. NVTX finds one
 * by the environment variable NVTX_INJECTION64_PATH, the path of a library. It may start threads,
 * so the process must not fork() later. Called by device_open(). */
void trace_open(void);

/* Set once, by trace_open(). Hidden, so that position-independent code needs no second load to find
 * it. */
extern atomic_bool trace_on __attribute__((visibility("hidden")));

static inline bool trace_enabled(void)
{
	return __builtin_expect(atomic_load_explicit(&trace_on, memory_order_relaxed), false);
}

bool trace_push_always(const char *name);
void trace_pop_always(void);
uint64_t trace_start_always(const char *name);
void trace_end_always(uint64_t range);
void trace_name_thread_always(const char *name);

/* Begin a range of this thread, within those that it has begun already. Gives whether a profiler
 * was told, for trace_pop(). */
#define trace_push(name) (trace_enabled() && trace_push_always(name))

/* End the range that was begun last, if TRACED. */
static inline void trace_pop(bool traced)
{
	if (__builtin_expect(traced, false))
		trace_pop_always();
}

static inline void trace_pop_p(const bool *traced)
{
	trace_pop(*traced);
}

/* A range of this thread from here to the end of the scope; at most one in a function. */
#define TRACE_SCOPE(name) \
	CLEANUP(trace_pop_p) __attribute__((unused)) bool trace_scope = trace_push(name)

/* Begin a range that may overlap others and end on another thread. Gives what to end it by; 0 if
 * there is no profiler. */
#define trace_start(name) (trace_enabled() ? trace_start_always(name) : 0)

/* End a range of trace_start(); 0 is allowed. */
static inline void trace_end(uint64_t range)
{
	if (__builtin_expect(range != 0, false))
		trace_end_always(range);
}

/* What the profiler is to call this thread; NAME need not live on. */
#define trace_name_thread(name)                         \
	do {                                            \
		if (trace_enabled())                    \
			trace_name_thread_always(name); \
	} while (0)

#endif
