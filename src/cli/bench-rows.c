/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * What `vramfs bench` measures. Every repetition of a row makes codewords of all lines and errors
 * in some of them, which is not timed, runs the row's kernels and right behind them the stream
 * kernel with the same reads and writes. So both are on the same clock, and temperature and
 * neighbours hit both. What the stream kernel does to the parity the next repetition's encoding
 * repairs; which data the lines have in the end does not matter.
 *
 * A kernel that gets a wrong result fast must not pass: what each found is compared with the number
 * of errors that were made.
 */
#include "cli/bench.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEED 1u
#define PASSES_MAX 2u

/* A processor corrects less than a million lines a second, so that errors in every line would take
 * longer than all else together. Where the device is no GPU, a row that corrects has no more than
 * so many lines with errors, on average; of a larger region it takes a part, which is no faster for
 * being small, as it is not memory that limits it. */
#define ERROR_LINES_MAX (128u * KERNEL_BLOCK_LINES)

/* What a row runs, one after the other over the whole region. */
static const struct subject {
	const char *name;
	unsigned passes;
	enum kernel kernels[PASSES_MAX];
	bool meets_errors; /* it is measured with them, too */
	bool has_roof;
} subjects[] = {
	{"copy", 1, {KERNEL_STREAM}, false, false},
	{"encode", 1, {KERNEL_ENCODE}, false, true},
	{"verify", 1, {KERNEL_VERIFY}, true, true},
	{"correct", 1, {KERNEL_CORRECT}, true, true},
	{"refresh", 1, {KERNEL_REFRESH}, true, true},
	{"verify + encode", 2, {KERNEL_VERIFY, KERNEL_ENCODE}, false, true},
};

/* One line of so many has errors; 0: none has. */
static const uint32_t error_intervals[] = {0, 1000000, 1000, 1};

/* The parity of rs128 is in the line, so reading the line reads it. */
static struct bench_mix mix_of(enum kernel kernel, enum rs_code code)
{
	bool apart = code == RS_136;
	struct bench_mix mix = {.read_bytes = KERNEL_LINE_BYTES};

	if (kernel == KERNEL_STREAM) {
		mix.stream = STREAM_WRITE_LINE;
		mix.written_bytes = KERNEL_LINE_BYTES;
	}
	if (apart &&
		(kernel == KERNEL_VERIFY || kernel == KERNEL_CORRECT || kernel == KERNEL_REFRESH)) {
		mix.stream |= STREAM_READ_PARITY;
		mix.read_bytes += KERNEL_PARITY_BYTES;
	}
	if (kernel == KERNEL_ENCODE || kernel == KERNEL_REFRESH) {
		mix.stream |= STREAM_WRITE_PARITY;
		mix.written_bytes += KERNEL_PARITY_BYTES;
	}
	return mix;
}

static err_t sweep(struct store *store, enum kernel kernel, uint64_t blocks,
	const struct store_sweep *arguments, struct bench_sweep *ret_sweep, struct why *why)
{
	int err = bench_sweep(store, kernel, blocks, arguments, ret_sweep);

	if (err == -EAGAIN)
		return why_fail(
			why, -err, "can't start the threads that sweep: %s", strerror(-err));
	if (err)
		return why_fail(
			why, -err, "the device failed in a sweep: look at its driver's log");
	return 0;
}

static bool corrects(enum kernel kernel)
{
	return kernel == KERNEL_CORRECT || kernel == KERNEL_REFRESH;
}

/* How many of the region's blocks a row is measured on. */
static uint64_t blocks_for(const struct bench *bench, const struct store_geometry *geometry,
	const struct subject *subject, uint32_t error_interval)
{
	uint64_t most = ERROR_LINES_MAX / KERNEL_BLOCK_LINES * (uint64_t)error_interval;

	if (device_info(bench->device)->gpu || !corrects(subject->kernels[0]) || !error_interval)
		return geometry->blocks;
	return geometry->blocks < most ? geometry->blocks : most;
}

/* Codewords in all of ROW's lines, and errors in those that are to have some. */
static err_t prepare(struct store *store, struct bench_row *row, uint32_t error_interval,
	uint64_t seed, struct why *why)
{
	const struct store_sweep errors = {
		.seed = seed, .inject_errors = BENCH_ERROR_BYTES, .inject_every = error_interval};
	struct bench_sweep done;
	int err = sweep(store, KERNEL_ENCODE, row->blocks, NULL, &done, why);

	if (err)
		return err;
	row->error_lines = 0;
	if (!error_interval)
		return 0;
	err = sweep(store, KERNEL_INJECT, row->blocks, &errors, &done, why);
	if (!err)
		row->error_lines = done.totals.flagged;
	return err;
}

/* Whether KERNEL found what there was to be found. */
static err_t judge(enum kernel kernel, uint64_t error_lines,
	const struct store_sweep_totals *totals, struct why *why)
{
	if (kernel == KERNEL_STREAM ||
		(totals->flagged == error_lines && totals->corrected[BENCH_ERROR_BYTES] ==
							   (corrects(kernel) ? error_lines : 0)))
		return 0;
	return why_fail(why, EIO,
		"of %" PRIu64 " lines with errors %" PRIu64 " were found and %" PRIu64
		" corrected: use 'vramfs test' to see what is wrong",
		error_lines, totals->flagged, totals->corrected[BENCH_ERROR_BYTES]);
}

/* ROW's kernels, which are SUBJECT's, or the stream kernel in place of each. */
static err_t run_passes(struct store *store, const struct subject *subject,
	const struct bench_row *row, bool as_stream, double *ret_seconds, struct why *why)
{
	double seconds = 0;

	for (unsigned pass = 0; pass < subject->passes; pass++) {
		enum kernel kernel = subject->kernels[pass];
		const struct store_sweep arguments = {.stream = mix_of(kernel, row->code).stream};
		struct bench_sweep done;
		int err;

		if (as_stream)
			kernel = KERNEL_STREAM;
		err = sweep(store, kernel, row->blocks, &arguments, &done, why);
		if (!err)
			err = judge(kernel, row->error_lines, &done.totals, why);
		if (err)
			return err;
		seconds += done.seconds;
	}
	*ret_seconds = seconds;
	return 0;
}

static err_t measure_row(struct bench *bench, struct store *store, const char *form,
	const struct subject *subject, uint32_t error_interval, struct why *why)
{
	const struct store_geometry *geometry = store_geometry(store);
	struct bench_row *row = &bench->rows[bench->row_count];
	double warm_up[2];

	if (bench->row_count == sizeof(bench->rows) / sizeof(bench->rows[0]))
		abort();
	*row = (struct bench_row){
		.name = subject->name,
		.form = form,
		.code = geometry->code,
		.error_share = error_interval ? 1.0 / error_interval : 0,
		.blocks = blocks_for(bench, geometry, subject, error_interval),
		.has_roof = subject->has_roof,
	};
	row->data_bytes = row->blocks * geometry->block_payload;
	for (unsigned pass = 0; pass < subject->passes; pass++) {
		struct bench_mix mix = mix_of(subject->kernels[pass], geometry->code);

		row->moved_bytes +=
			row->blocks * KERNEL_BLOCK_LINES * (mix.read_bytes + mix.written_bytes);
	}
	for (unsigned i = 0; i <= bench->repeat; i++) {
		double *seconds = i ? &row->seconds[i - 1] : &warm_up[0];
		double *roof_seconds = i ? &row->roof_seconds[i - 1] : &warm_up[1];
		int err = prepare(store, row, error_interval, SEED + i, why);

		if (!err)
			err = run_passes(store, subject, row, false, seconds, why);
		if (!err && subject->has_roof)
			err = run_passes(store, subject, row, true, roof_seconds, why);
		if (err)
			return err;
	}
	bench->row_count++;
	return 0;
}

int bench_measure(struct bench *bench, struct store *store, const char *form, struct why *why)
{
	const struct store_sweep random = {.seed = SEED};
	struct bench_sweep done;
	const struct store_geometry *geometry = store_geometry(store);
	int err = sweep(store, KERNEL_RANDOMIZE, geometry->blocks, &random, &done, why);

	if (!form)
		bench->regions[bench->region_count++] = *geometry;
	for (unsigned i = 0; i < sizeof(subjects) / sizeof(subjects[0]) && !err; i++) {
		unsigned shares = subjects[i].meets_errors
					  ? sizeof(error_intervals) / sizeof(error_intervals[0])
					  : 1;

		for (unsigned j = 0; j < shares && !err; j++)
			err = measure_row(
				bench, store, form, &subjects[i], error_intervals[j], why);
	}
	return err;
}
