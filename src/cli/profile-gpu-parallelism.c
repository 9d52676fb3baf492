/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs profile gpu-parallelism`: sweeps with one job at a time, then with two, four and so on at
 * once. The jobs are those of large requests, 1 MiB, of which one does not fill a GPU; so it shows
 * how many launches it takes to.
 */
#include "cli/json.h"
#include "cli/profile-load.h"
#include "cli/profile.h"

#define BLOCKS_A_JOB 8u
#define JOBS_A_THREAD 8u /* a queue has as many lanes on a GPU */

static const struct {
	const char *name, *range;
	unsigned jobs;
} levels[] = {
	{"1 job", "profile 1 job", 1},
	{"2 jobs", "profile 2 jobs", 2},
	{"4 jobs", "profile 4 jobs", 4},
	{"8 jobs", "profile 8 jobs", 8},
	{"16 jobs", "profile 16 jobs", 16},
	{"32 jobs", "profile 32 jobs", 32},
};

#define LEVELS (sizeof(levels) / sizeof(levels[0]))

_Static_assert(LEVELS <= PROFILE_PARTS_MAX, "a part each");

static uint64_t describe(
	const struct load *load, const struct load_position *position, struct store_job *job)
{
	job->kernel = KERNEL_VERIFY;
	return load_describe_blocks(load, position->number, BLOCKS_A_JOB, job);
}

int profile_gpu_parallelism(struct profile *profile, struct why *why)
{
	unsigned best = 0;
	double speed_up;

	for (unsigned i = 0; i < LEVELS; i++) {
		unsigned threads = (levels[i].jobs + JOBS_A_THREAD - 1) / JOBS_A_THREAD;
		struct load load = {
			.store = profile->store,
			.name = levels[i].range,
			.threads = threads,
			.in_flight = levels[i].jobs / threads,
			.seconds = profile->seconds / LEVELS,
			.describe = describe,
		};
		int err = load_run(&load, why);

		if (err)
			return err;
		profile_add_part(profile, levels[i].name, load.jobs[KERNEL_VERIFY],
			load.bytes[KERNEL_VERIFY], load.elapsed);
		if (profile_gb_per_s(&profile->parts[i]) > profile_gb_per_s(&profile->parts[best]))
			best = i;
	}
	speed_up = profile_gb_per_s(&profile->parts[best]) / profile_gb_per_s(&profile->parts[0]);
	json_add_count(profile->json, "best_jobs", levels[best].jobs);
	json_add_real(profile->json, "best_speed_up", speed_up);
	snprintf(profile->note, sizeof(profile->note), "%s at once: %.1f times as fast as one",
		levels[best].name, speed_up);
	return 0;
}
