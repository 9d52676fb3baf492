/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The device's side of `vramfs test`, over the whole region: random data, their parity, a check, a
 * refresh; then wrong bytes, detection, correction and comparison with what was written.
 *
 * The blocks are cut into 8 runs of equal length. In run e (from 1) every line gets e wrong bytes
 * at random places, data and parity alike, so one pass shows the code at every number of errors.
 *
 * What can be known of the outcome: with e <= max_correct every line must come back. With more, a
 * line is lost, which leaves it as it is, or corrected to a wrong codeword. Two codewords never
 * have equal data (the code is systematic), so a miscorrected line always differs; a lost line
 * differs unless all its wrong bytes are in its parity.
 */
#include "cli/test.h"

#include "cli/clock.h"
#include "cli/test-bounds.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void test_step(struct test *test, const char *name, uint64_t bytes, double begun)
{
	if (test->step_count == sizeof(test->steps) / sizeof(test->steps[0]))
		abort();
	test->steps[test->step_count++] = (struct test_step){
		.name = name, .bytes = bytes, .seconds = clock_seconds() - begun};
}

void test_must(struct test *test, bool holds, const char *format, ...)
{
	va_list arguments;

	if (holds)
		return;
	if (test->failure_count < sizeof(test->failures) / sizeof(test->failures[0])) {
		char *text = test->failures[test->failure_count];

		va_start(arguments, format);
		vsnprintf(text, sizeof(test->failures[0]), format, arguments);
		va_end(arguments);
	}
	test->failure_count++;
}

/* A kernel over the blocks FIRST..FIRST+COUNT-1. */
static err_t sweep(struct test *test, enum kernel kernel, uint32_t first, uint32_t count,
	const struct store_sweep *arguments, struct store_sweep_totals *ret_totals, struct why *why)
{
	if (store_sweep(test->store, kernel, first, count, arguments, ret_totals))
		return why_fail(
			why, EIO, "the device failed in a test step: look at its driver's log");
	return 0;
}

/* The same over everything, as a step of its own; nothing may be found. */
static err_t clean_step(struct test *test, const char *name, enum kernel kernel, struct why *why)
{
	const struct store_geometry *geometry = store_geometry(test->store);
	const struct store_sweep arguments = {.seed = test->seed};
	struct store_sweep_totals totals;
	double begun = clock_seconds();
	int err;

	err = sweep(test, kernel, 0, (uint32_t)geometry->blocks, &arguments, &totals, why);
	if (err)
		return err;
	test_step(test, name, geometry->blocks * geometry->block_payload, begun);
	test_must(test, !totals.flagged && !totals.lost,
		"%s: %" PRIu64 " lines flagged and %" PRIu64 " lost where nothing was damaged",
		name, totals.flagged, totals.lost);
	return 0;
}

static uint64_t sum_corrected(const uint64_t corrected[5])
{
	return corrected[1] + corrected[2] + corrected[3] + corrected[4];
}

/* --- the 8 runs --- */

struct run {
	uint32_t first, count; /* blocks */
};

static struct run run_of(const struct test *test, unsigned index)
{
	uint64_t blocks = store_geometry(test->store)->blocks;
	uint64_t begin = blocks * index / TEST_ERRORS_MAX;
	uint64_t end = blocks * (index + 1) / TEST_ERRORS_MAX;

	return (struct run){.first = (uint32_t)begin, .count = (uint32_t)(end - begin)};
}

static void take_inject(
	struct test *test, struct test_row *row, const struct store_sweep_totals *totals)
{
	test_must(test, totals->flagged == row->lines,
		"inject: %" PRIu64 " of %" PRIu64 " lines were hit", totals->flagged, row->lines);
}

static void take_verify(
	struct test *test, struct test_row *row, const struct store_sweep_totals *totals)
{
	(void)test;
	row->detected = totals->flagged;
}

static void take_correct(
	struct test *test, struct test_row *row, const struct store_sweep_totals *totals)
{
	memcpy(row->corrected, totals->corrected, sizeof(row->corrected));
	row->repaired = row->errors <= store_geometry(test->store)->max_correct
				? totals->corrected[row->errors]
				: 0;
	row->miscorrected = sum_corrected(totals->corrected) - row->repaired;
	row->lost = totals->lost;
	test_must(test, totals->flagged == row->lines,
		"correct: %u errors: saw %" PRIu64 " damaged lines of %" PRIu64, row->errors,
		totals->flagged, row->lines);
}

static void take_compare(
	struct test *test, struct test_row *row, const struct store_sweep_totals *totals)
{
	(void)test;
	row->differ = totals->flagged;
}

/* KERNEL over RUNS runs, one after the other, as one step; TAKE gets what each run found. */
static err_t runs_step(struct test *test, const char *name, enum kernel kernel, unsigned runs,
	void (*take)(
		struct test *test, struct test_row *row, const struct store_sweep_totals *totals),
	struct why *why)
{
	const struct store_geometry *geometry = store_geometry(test->store);
	double begun = clock_seconds();
	uint64_t blocks = 0;

	for (unsigned i = 0; i < runs; i++) {
		const struct store_sweep arguments = {
			.seed = test->seed, .inject_errors = i + 1, .inject_every = 1};
		struct store_sweep_totals totals;
		struct run run = run_of(test, i);
		int err;

		err = sweep(test, kernel, run.first, run.count, &arguments, &totals, why);
		if (err)
			return err;
		blocks += run.count;
		take(test, &test->rows[i], &totals);
	}
	test_step(test, name, blocks * geometry->block_payload, begun);
	return 0;
}

/* --- what must hold --- */

static void judge_recovered(struct test *test, const struct test_row *row)
{
	test_must(test, row->repaired == row->lines && !row->lost && !row->miscorrected,
		"%u errors: %" PRIu64 " of %" PRIu64 " lines corrected, %" PRIu64 " lost",
		row->errors, row->repaired, row->lines, row->lost);
	test_must(test, !row->differ, "%u errors: %" PRIu64 " corrected lines differ", row->errors,
		row->differ);
}

static void judge_beyond(struct test *test, const struct test_row *row)
{
	const struct store_geometry *geometry = store_geometry(test->store);
	struct test_range wrong = test_range(
		row->lines, test_miscorrection(geometry->code, geometry->max_correct, row->errors));
	struct test_range intact =
		test_range(row->lines, test_parity_only(geometry->code, row->errors));
	uint64_t ended = row->lost + row->miscorrected;
	uint64_t same = ended - row->differ; /* lost lines whose data are intact */

	test_must(test, ended == row->lines,
		"%u errors: %" PRIu64 " lost and %" PRIu64 " miscorrected are not all %" PRIu64
		" lines",
		row->errors, row->lost, row->miscorrected, row->lines);
	test_must(test, row->miscorrected >= wrong.low && row->miscorrected <= wrong.high,
		"%u errors: %" PRIu64 " lines miscorrected, where the code allows %" PRIu64
		" to %" PRIu64,
		row->errors, row->miscorrected, wrong.low, wrong.high);
	test_must(test,
		row->differ <= ended && row->differ >= row->miscorrected && same >= intact.low &&
			same <= intact.high,
		"%u errors: %" PRIu64 " of %" PRIu64 " lines differ, where chance leaves %" PRIu64
		" to %" PRIu64 " intact",
		row->errors, row->differ, ended, intact.low, intact.high);
}

static void judge(struct test *test)
{
	const struct store_geometry *geometry = store_geometry(test->store);

	for (unsigned i = 0; i < test->row_count; i++) {
		const struct test_row *row = &test->rows[i];

		if (geometry->code == RS_NONE) {
			/* Shows that the comparison sees a single wrong byte. */
			test_must(test, row->differ == row->lines,
				"%u errors: %" PRIu64 " of %" PRIu64 " damaged lines differ",
				row->errors, row->differ, row->lines);
			continue;
		}
		test_must(test, row->detected == row->lines,
			"%u errors: %" PRIu64 " of %" PRIu64 " lines detected", row->errors,
			row->detected, row->lines);
		if (row->errors <= geometry->max_correct)
			judge_recovered(test, row);
		else
			judge_beyond(test, row);
	}
}

/* --- the whole of it --- */

static err_t damage(struct test *test, struct why *why)
{
	const struct store_geometry *geometry = store_geometry(test->store);
	int err;

	test->row_count = TEST_ERRORS_MAX;
	for (unsigned i = 0; i < TEST_ERRORS_MAX; i++)
		test->rows[i] = (struct test_row){.errors = i + 1,
			.lines = (uint64_t)run_of(test, i).count * KERNEL_BLOCK_LINES};
	err = runs_step(test, "inject", KERNEL_INJECT, TEST_ERRORS_MAX, take_inject, why);
	if (!err && geometry->code != RS_NONE)
		err = runs_step(
			test, "verify damaged", KERNEL_VERIFY, TEST_ERRORS_MAX, take_verify, why);
	if (!err && geometry->code != RS_NONE)
		err = runs_step(
			test, "correct", KERNEL_CORRECT, TEST_ERRORS_MAX, take_correct, why);
	if (!err)
		err = runs_step(
			test, "compare", KERNEL_COMPARE, TEST_ERRORS_MAX, take_compare, why);
	if (!err)
		judge(test);
	return err;
}

static void take_refresh(
	struct test *test, struct test_row *row, const struct store_sweep_totals *totals)
{
	test_must(test,
		totals->flagged == row->lines && totals->corrected[row->errors] == row->lines &&
			!totals->lost,
		"refresh: %u errors: %" PRIu64 " of %" PRIu64 " lines corrected, %" PRIu64 " lost",
		row->errors, totals->corrected[row->errors], row->lines, totals->lost);
}

static void take_clean(
	struct test *test, struct test_row *row, const struct store_sweep_totals *totals)
{
	test_must(test, !totals->flagged,
		"after the refresh: %u errors: %" PRIu64 " of %" PRIu64 " lines are wrong",
		row->errors, totals->flagged, row->lines);
}

/* The runs that can be repaired are damaged once more and repaired in one pass by REFRESH. */
static err_t refresh(struct test *test, struct why *why)
{
	unsigned runs = store_geometry(test->store)->max_correct;
	int err;

	err = runs_step(test, "inject again", KERNEL_INJECT, runs, take_inject, why);
	if (!err)
		err = runs_step(test, "refresh damaged", KERNEL_REFRESH, runs, take_refresh, why);
	if (!err)
		err = runs_step(test, "verify repaired", KERNEL_VERIFY, runs, take_clean, why);
	if (!err)
		err = runs_step(test, "compare repaired", KERNEL_COMPARE, runs, take_clean, why);
	return err;
}

int test_run_steps(struct test *test, struct why *why)
{
	const struct store_geometry *geometry = store_geometry(test->store);
	bool coded = geometry->code != RS_NONE;
	int err;

	if (geometry->blocks < TEST_ERRORS_MAX)
		return why_fail(why, EINVAL, "the test needs %u blocks: use --size 2M or more",
			TEST_ERRORS_MAX);
	err = clean_step(test, "randomize", KERNEL_RANDOMIZE, why);
	if (!err && coded)
		err = clean_step(test, "encode", KERNEL_ENCODE, why);
	if (!err && coded)
		err = clean_step(test, "verify", KERNEL_VERIFY, why);
	if (!err && coded)
		err = clean_step(test, "refresh", KERNEL_REFRESH, why);
	if (!err)
		err = damage(test, why);
	if (!err && coded && geometry->max_correct)
		err = refresh(test, why);
	return err;
}
