/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs profile encoders`: the kernels that work through all of the region and find nothing to
 * correct, one after the other. What they compute is the parity of every line, so this is encoding,
 * whether it is then written or compared.
 *
 * The jobs take 32 MiB each, and come from as many threads as those of `vramfs bench`, for the same
 * reason (bench-sweep.c); but the threads stay, because hundreds that come and go would fill a
 * profiler's view.
 */
#include "cli/profile-load.h"
#include "cli/profile.h"

#define THREADS 4u
#define IN_FLIGHT 4u
#define BLOCKS_A_JOB 256u

static uint64_t describe(
	const struct load *load, const struct load_position *position, struct store_job *job)
{
	job->kernel = load->kernel;
	return load_describe_blocks(load, position->number, BLOCKS_A_JOB, job);
}

int profile_encoders(struct profile *profile, struct why *why)
{
	static const struct {
		const char *name, *range;
		enum kernel kernel;
	} steps[] = {
		{"encode", "profile encode", KERNEL_ENCODE},
		{"verify", "profile verify", KERNEL_VERIFY},
		{"refresh", "profile refresh", KERNEL_REFRESH},
	};
	const unsigned count = sizeof(steps) / sizeof(steps[0]);

	for (unsigned i = 0; i < count; i++) {
		struct load load = {
			.store = profile->store,
			.name = steps[i].range,
			.threads = THREADS,
			.in_flight = IN_FLIGHT,
			.seconds = profile->seconds / count,
			.describe = describe,
			.kernel = steps[i].kernel,
		};
		int err = load_run(&load, why);

		if (err)
			return err;
		profile_add_part(profile, steps[i].name, load.jobs[load.kernel],
			load.bytes[load.kernel], load.elapsed);
	}
	return 0;
}
