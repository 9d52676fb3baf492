/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs test` must fail a device that is wrong. Its steps run here on a store that only pretends:
 * it answers each sweep with the counts of a sound device, less one fault.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "cli/test-bounds.h"
#include "cli/test.h"

enum fault {
	SOUND,
	ENCODE_IS_WRONG,      /* a line is no codeword after encoding */
	LINE_NOT_HIT,         /* inject leaves one out */
	LINE_NOT_DETECTED,    /* verify misses one with 8 errors */
	LINE_NOT_CORRECTED,   /* one with 4 errors is given up */
	LINE_CORRECTED_OTHER, /* one with 3 errors has 4 bytes changed */
	CORRECTED_DIFFERS,    /* one with 1 error is not what it was */
	TOO_MANY_WRONG,       /* 2 % of those with 5 errors are miscorrected */
	TOO_FEW_WRONG,        /* none of those with 8 errors is */
	LINE_FORGOTTEN,       /* one with 6 errors is neither lost nor miscorrected */
	LOST_IS_INTACT,       /* two lost lines with 7 errors have their data */
	WRONG_IS_INTACT,      /* all miscorrected lines with 5 errors have theirs */
	REFRESH_INCOMPLETE,   /* a line is left after the refresh */
	REFRESH_WRONG,        /* a refreshed line is not what it was */
	DEVICE_FAILS,
};

struct store {
	struct store_geometry geometry;
	enum fault fault;
	bool refreshed; /* the second damage has been repaired, at least in part */
};

const struct store_geometry *store_geometry(const struct store *store)
{
	return &store->geometry;
}

/* What a sound device gives back for the run with ERRORS, while it is damaged. */
static void sound_outcome(const struct store *store, enum kernel kernel, unsigned errors,
	uint64_t lines, struct store_sweep_totals *totals)
{
	double chance =
		test_miscorrection(store->geometry.code, store->geometry.max_correct, errors);
	uint64_t wrong = (uint64_t)((double)lines * chance + 0.5);
	uint64_t intact =
		(uint64_t)((double)lines * test_parity_only(store->geometry.code, errors) + 0.5);
	bool repairable = errors <= store->geometry.max_correct;

	if (kernel == KERNEL_INJECT || kernel == KERNEL_VERIFY || kernel == KERNEL_CORRECT ||
		kernel == KERNEL_REFRESH)
		totals->flagged = lines;
	if (kernel == KERNEL_COMPARE && !repairable)
		totals->flagged = lines - intact;
	if (kernel == KERNEL_CORRECT || kernel == KERNEL_REFRESH) {
		if (repairable) {
			totals->corrected[errors] = lines;
		} else {
			totals->corrected[store->geometry.max_correct] = wrong;
			totals->lost = lines - wrong;
		}
	}
}

static void apply_fault(enum fault fault, enum kernel kernel, unsigned errors, bool refreshed,
	uint64_t lines, struct store_sweep_totals *totals)
{
	bool correct = kernel == KERNEL_CORRECT;
	bool compare = kernel == KERNEL_COMPARE;

	if (fault == LINE_NOT_HIT && kernel == KERNEL_INJECT && errors == 2)
		totals->flagged--;
	if (fault == LINE_NOT_DETECTED && kernel == KERNEL_VERIFY && errors == 8)
		totals->flagged--;
	if (fault == LINE_NOT_CORRECTED && correct && errors == 4) {
		totals->corrected[4]--;
		totals->lost++;
	}
	if (fault == LINE_CORRECTED_OTHER && correct && errors == 3) {
		totals->corrected[3]--;
		totals->corrected[4]++;
	}
	if (fault == CORRECTED_DIFFERS && compare && errors == 1 && !refreshed)
		totals->flagged++;
	if (fault == TOO_MANY_WRONG && correct && errors == 5) {
		totals->corrected[4] = lines / 50;
		totals->lost = lines - lines / 50;
	}
	if (fault == TOO_FEW_WRONG && correct && errors == 8) {
		totals->corrected[4] = 0;
		totals->lost = lines;
	}
	if (fault == LINE_FORGOTTEN && correct && errors == 6)
		totals->lost--;
	if (fault == LOST_IS_INTACT && compare && errors == 7)
		totals->flagged -= 2;
	if (fault == WRONG_IS_INTACT && compare && errors == 5)
		totals->flagged -= lines / 400;
	if (fault == REFRESH_INCOMPLETE && kernel == KERNEL_VERIFY && refreshed && errors == 2)
		totals->flagged++;
	if (fault == REFRESH_WRONG && compare && refreshed && errors == 4)
		totals->flagged++;
}

int store_sweep(struct store *store, enum kernel kernel, uint32_t first, uint32_t count,
	const struct store_sweep *arguments, struct store_sweep_totals *ret_totals)
{
	uint64_t lines = (uint64_t)count * KERNEL_BLOCK_LINES;
	struct store_sweep_totals totals = {0};
	bool refreshed = store->refreshed;

	(void)first;
	if (store->fault == DEVICE_FAILS && kernel == KERNEL_CORRECT)
		return -EIO;
	if (count == store->geometry.blocks) {
		if (store->fault == ENCODE_IS_WRONG && kernel == KERNEL_VERIFY)
			totals.flagged = 1;
	} else {
		store->refreshed |= kernel == KERNEL_REFRESH;
		if (!refreshed || kernel == KERNEL_REFRESH)
			sound_outcome(store, kernel, arguments->inject_errors, lines, &totals);
		apply_fault(
			store->fault, kernel, arguments->inject_errors, refreshed, lines, &totals);
	}
	*ret_totals = totals;
	return 0;
}

static struct test *run_with(
	enum rs_code code, unsigned max_correct, enum fault fault, int *ret_err)
{
	static struct test test;
	static struct store store;
	struct why why = {""};

	store = (struct store){
		.geometry = {.code = code,
			.max_correct = max_correct,
			.blocks = 4096,
			.block_payload = rs_block_payload(code),
			.line_payload = rs_data_per_line(code)},
		.fault = fault,
	};
	test = (struct test){.store = &store, .seed = 1};
	*ret_err = test_run_steps(&test, &why);
	assert_int_equal(*ret_err == 0, why.text[0] == '\0');
	return &test;
}

static void a_sound_device_passes_at_every_setting(void **state)
{
	(void)state;
	for (unsigned code = RS_136; code <= RS_128; code++) {
		for (unsigned t = 0; t <= RS_MAX_CORRECT; t++) {
			int err;
			struct test *test = run_with(code, t, SOUND, &err);

			assert_int_equal(err, 0);
			if (test->failure_count)
				fail_msg("max_correct %u: %s", t, test->failures[0]);
		}
	}
}

static void every_fault_is_found(void **state)
{
	(void)state;
	for (unsigned fault = SOUND + 1; fault < DEVICE_FAILS; fault++) {
		int err;
		struct test *test = run_with(RS_136, 4, fault, &err);

		assert_int_equal(err, 0);
		if (!test->failure_count)
			fail_msg("fault %u is not found", fault);
		assert_true(strlen(test->failures[0]) > 0);
	}
}

static void a_device_that_fails_is_an_error_and_no_result(void **state)
{
	int err;

	(void)state;
	run_with(RS_136, 4, DEVICE_FAILS, &err);
	assert_int_equal(err, -EIO);
}

static void more_failures_than_are_kept_are_counted(void **state)
{
	static struct test test;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		test_must(&test, i % 2 == 0, "failure %u", i);
	assert_int_equal(test.failure_count, 50);
	assert_string_equal(test.failures[0], "failure 1");
	assert_string_equal(test.failures[31], "failure 63");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_device_passes_at_every_setting),
		cmocka_unit_test(every_fault_is_found),
		cmocka_unit_test(a_device_that_fails_is_an_error_and_no_result),
		cmocka_unit_test(more_failures_than_are_kept_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
