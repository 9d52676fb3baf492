/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs profile decoder`: as many wrong bytes as can be corrected are made in every line of the
 * region, and corrected; again and again. The two take turns and never overlap, so a profiler sees
 * the decoder alone while it runs. One thread is enough, because decoding a job takes a GPU many
 * times as long as launching it takes a processor.
 */
#include "base/trace.h"
#include "cli/clock.h"
#include "cli/json.h"
#include "cli/profile.h"

#include <inttypes.h>

static err_t sweep(struct profile *profile, const char *range, enum kernel kernel, uint64_t seed,
	struct store_sweep_totals *ret_totals, double *seconds, struct why *why)
{
	const struct store_sweep arguments = {
		.seed = seed, .inject_errors = RS_MAX_CORRECT, .inject_every = 1};
	double begun = clock_seconds();
	uint64_t traced = trace_start(range);
	int err = store_sweep(profile->store, kernel, 0,
		(uint32_t)store_geometry(profile->store)->blocks, &arguments, ret_totals);

	trace_end(traced);
	*seconds += clock_seconds() - begun;
	return err ? why_fail(why, EIO, "the device failed in a sweep: look at its driver's log")
		   : 0;
}

int profile_decoder(struct profile *profile, struct why *why)
{
	const struct store_geometry *geometry = store_geometry(profile->store);
	const uint64_t lines = geometry->blocks * KERNEL_BLOCK_LINES;
	const double until = clock_seconds() + profile->seconds;
	double injecting = 0, correcting = 0, share;
	uint64_t rounds = 0;

	do {
		struct store_sweep_totals totals;
		int err = sweep(
			profile, "profile inject", KERNEL_INJECT, rounds, &totals, &injecting, why);

		if (!err)
			err = sweep(profile, "profile correct", KERNEL_CORRECT, rounds, &totals,
				&correcting, why);
		if (err)
			return err;
		rounds++;
		if (totals.corrected[RS_MAX_CORRECT] != lines)
			return why_fail(why, EIO,
				"of %" PRIu64 " lines with %u wrong bytes each %" PRIu64
				" were corrected: use 'vramfs test' to see what is wrong",
				lines, RS_MAX_CORRECT, totals.corrected[RS_MAX_CORRECT]);
	} while (clock_seconds() < until);
	profile_add_part(profile, "correct", rounds,
		rounds * geometry->blocks * geometry->block_payload, correcting);
	share = injecting / (injecting + correcting);
	json_add_count(profile->json, "error_bytes", RS_MAX_CORRECT);
	json_add_real(profile->json, "injecting_share", share);
	snprintf(profile->note, sizeof(profile->note),
		"to make the errors took %.1f %% of the time, which is not in that", share * 100);
	return 0;
}
