/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Bytes flipped on the device between write and read: what can be corrected makes no difference but
 * to the counters, and is healed; what can't be is EIO, for as long as nothing covers it whole.
 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#define BYTES 131072

static struct device *device;
static struct store *store;
static struct device_pinned *buffer;
static uint8_t *bytes; /* the buffer's */
static uint8_t expected[BYTES];
static uint32_t block, block_payload;

static void open_store(enum rs_code code)
{
	unsigned seed = 7;

	device = test_device_open();
	store = test_store_open(device, code);
	block_payload = store_geometry(store)->block_payload;
	REQUIRE(!store_buffer_alloc(store, BYTES, &buffer));
	bytes = store_buffer_bytes(buffer);
	REQUIRE(!store_block_take(store, &block));
	for (unsigned i = 0; i < BYTES; i++)
		expected[i] = (uint8_t)rand_r(&seed);
}

static void close_store(void)
{
	store_buffer_free(buffer);
	store_close(store);
	device_close(device);
}

static int move(enum kernel kernel, uint32_t first, uint32_t count, struct store_outcome *outcome)
{
	struct test_move request = {
		.kernel = kernel, .block = block, .first = first, .count = count, .buffer = buffer};

	return test_move(store, &request, outcome);
}

static void write_all(void)
{
	memcpy(bytes, expected, block_payload);
	assert_int_equal(move(KERNEL_WRITE, 0, block_payload, NULL), 0);
}

/* In every line of the block. Returns the number of lines hit. */
static uint64_t flip_bytes(unsigned errors, uint64_t seed)
{
	struct store_sweep arguments = {.seed = seed, .inject_errors = errors, .inject_every = 1};
	struct store_sweep_totals totals;

	assert_int_equal(store_sweep(store, KERNEL_INJECT, block, 1, &arguments, &totals), 0);
	return totals.flagged;
}

static void corrected_bytes_make_no_difference(enum rs_code code)
{
	open_store(code);
	write_all();
	for (unsigned errors = 1; errors <= 4; errors++) {
		struct store_counters before, after;
		struct store_outcome outcome;

		store_counters(store, &before);
		assert_int_equal(flip_bytes(errors, errors), KERNEL_BLOCK_LINES);
		memset(bytes, 0, block_payload);
		assert_int_equal(move(KERNEL_READ, 0, block_payload, &outcome), 0);
		assert_memory_equal(bytes, expected, block_payload);
		assert_int_equal(outcome.flagged, KERNEL_BLOCK_LINES);
		assert_int_equal(outcome.lost, 0);
		for (unsigned weight = 1; weight <= 4; weight++)
			assert_int_equal(outcome.corrected[weight],
				weight == errors ? KERNEL_BLOCK_LINES : 0);
		store_counters(store, &after);
		assert_int_equal(
			after.corrected[errors] - before.corrected[errors], KERNEL_BLOCK_LINES);
		assert_int_equal(after.read_bytes - before.read_bytes, block_payload);

		/* The read has healed them. */
		assert_int_equal(move(KERNEL_READ, 0, block_payload, &outcome), 0);
		assert_int_equal(outcome.flagged, 0);
	}
	close_store();
}

static void corrected_rs136(void **context)
{
	(void)context;
	corrected_bytes_make_no_difference(RS_136);
}

static void corrected_rs128(void **context)
{
	(void)context;
	corrected_bytes_make_no_difference(RS_128);
}

static void a_partial_write_corrects_what_stays(void **context)
{
	(void)context;
	open_store(RS_128);
	write_all();
	flip_bytes(4, 99);
	memset(&bytes[0], 0x55, 1000);
	memset(&expected[1111], 0x55, 1000);
	assert_int_equal(move(KERNEL_WRITE, 1111, 1000, NULL), 0);
	assert_int_equal(move(KERNEL_READ, 0, block_payload, NULL), 0);
	assert_memory_equal(bytes, expected, block_payload);
	assert_int_equal(test_sweep(store, KERNEL_VERIFY, NULL).flagged, 0);
	close_store();
}

/* Find a line that is lost: eight errors now and then look like a correctable line. */
static uint32_t find_lost_line(void)
{
	struct store_outcome outcome;

	for (uint32_t line = 3;; line++) {
		int err = move(KERNEL_READ, line * 128, 128, &outcome);

		assert_int_equal(err, outcome.lost ? -EIO : 0);
		if (err)
			return line;
	}
}

static void a_lost_line_is_eio_until_it_is_overwritten(void **context)
{
	struct store_counters counters;
	struct store_outcome outcome;
	uint32_t first;

	(void)context;
	open_store(RS_136);
	write_all();
	flip_bytes(8, 1234);
	assert_int_equal(move(KERNEL_READ, 0, block_payload, &outcome), -EIO);
	assert_true(outcome.lost > KERNEL_BLOCK_LINES * 9 / 10);
	store_counters(store, &counters);
	assert_int_equal(counters.lost, outcome.lost);
	assert_int_equal(counters.failed_jobs, 1);

	first = find_lost_line() * 128;
	assert_int_equal(move(KERNEL_WRITE, first + 5, 100, &outcome), -EIO);
	assert_int_equal(outcome.lost, 1);
	assert_int_equal(move(KERNEL_READ, first, 128, NULL), -EIO);
	memcpy(bytes, &expected[first], 128);
	assert_int_equal(move(KERNEL_WRITE, first, 128, &outcome), 0);
	assert_int_equal(outcome.lost, 0);
	memset(bytes, 0, 128);
	assert_int_equal(move(KERNEL_READ, first, 128, NULL), 0);
	assert_memory_equal(bytes, &expected[first], 128);

	/* A sweep tells of lost lines and is no failure itself. */
	assert_true(test_sweep(store, KERNEL_CORRECT, NULL).lost > 0);
	write_all();
	assert_int_equal(move(KERNEL_READ, 0, block_payload, NULL), 0);
	assert_memory_equal(bytes, expected, block_payload);
	close_store();
}

static void sweeps_add_up_over_all_blocks(void **context)
{
	struct store_sweep arguments = {.seed = 5, .inject_errors = 3, .inject_every = 1};
	struct store_sweep_totals totals;
	uint64_t lines;

	(void)context;
	open_store(RS_136);
	lines = store_geometry(store)->blocks * KERNEL_BLOCK_LINES;
	assert_true(store_geometry(store)->blocks > 256); /* more than one job */
	test_sweep(store, KERNEL_RANDOMIZE, &arguments);
	assert_int_equal(test_sweep(store, KERNEL_COMPARE, &arguments).flagged, 0);
	test_sweep(store, KERNEL_ENCODE, NULL);
	assert_int_equal(test_sweep(store, KERNEL_VERIFY, NULL).flagged, 0);
	assert_int_equal(test_sweep(store, KERNEL_INJECT, &arguments).flagged, lines);
	assert_int_equal(test_sweep(store, KERNEL_VERIFY, NULL).flagged, lines);
	totals = test_sweep(store, KERNEL_REFRESH, NULL);
	assert_int_equal(totals.flagged, lines);
	assert_int_equal(totals.corrected[3], lines);
	assert_int_equal(totals.lost, 0);
	assert_int_equal(test_sweep(store, KERNEL_VERIFY, NULL).flagged, 0);
	assert_int_equal(test_sweep(store, KERNEL_COMPARE, &arguments).flagged, 0);
	/* Random data have folds that are no parity. */
	arguments.stream = STREAM_WRITE_PARITY;
	assert_int_equal(test_sweep(store, KERNEL_STREAM, &arguments).flagged, 0);
	assert_int_equal(test_sweep(store, KERNEL_VERIFY, NULL).flagged, lines);
	test_sweep(store, KERNEL_ENCODE, NULL);
	assert_int_equal(test_sweep(store, KERNEL_VERIFY, NULL).flagged, 0);
	close_store();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(corrected_rs136),
		cmocka_unit_test(corrected_rs128),
		cmocka_unit_test(a_partial_write_corrects_what_stays),
		cmocka_unit_test(a_lost_line_is_eio_until_it_is_overwritten),
		cmocka_unit_test(sweeps_add_up_over_all_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
