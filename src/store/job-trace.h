/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_STORE_JOB_TRACE_H
#define VRAMFS_STORE_JOB_TRACE_H

#include "base/trace.h"
#include "device/kernel-names.h"
#include "store/job.h"

/* A job in a profiler's eyes: a range "job KERNEL" from before its first launch until its end is
 * seen, which may be on another thread. */

static inline void job_trace_start(struct store_job_state *state)
{
	static const char *const names[KERNEL_COUNT] = KERNEL_NAMES("job ");

	if (trace_enabled() && !state->round_first)
		state->trace = trace_start(names[state->job.kernel]);
}

static inline void job_trace_end(struct store_job_state *state)
{
	trace_end(state->trace);
}

#endif
