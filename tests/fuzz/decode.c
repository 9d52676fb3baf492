/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * A fuzzer of decoding: any bytes make a tile of lines with errors, which every native variant of
 * the kernels that this processor can run checks, corrects or makes anew. Each does with all of
 *them what the reference decoder does. The bytes are
 *
 *	code and max_correct, kernel, and then for each line
 *	a byte of which its data follow, how many errors, and for each a position and what is added
 *
 * but after the byte RAW there follows the whole line, data and parity.
 *(tests/kernels/random-jobs.c tries more kinds of jobs, and at random; here libFuzzer looks for the
 *paths of the decoder.)
 */
#include "kernels/native.h"
#include "reference.h"
#include "rs/rs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAW 0xffu
#define MOST_SYMBOLS (KERNEL_LINE_BYTES + KERNEL_PARITY_BYTES)

struct bytes {
	const uint8_t *next;
	size_t left;
};

/* What is run, and the lines before it or after it. */
struct lines {
	enum rs_code code;
	enum kernel kernel;
	unsigned symbols, data_bytes, max_correct;
	uint32_t count;
	uint8_t words[KERNEL_TILE_LINES][MOST_SYMBOLS];
};

static uint8_t take(struct bytes *bytes)
{
	if (bytes->left == 0)
		return 0;
	bytes->left--;
	return *bytes->next++;
}

static void make_line(struct bytes *bytes, const struct lines *lines, uint8_t *word)
{
	const uint8_t kind = take(bytes);
	unsigned errors;

	if (kind == RAW) {
		for (unsigned i = 0; i < lines->symbols; i++)
			word[i] = take(bytes);
		return;
	}
	for (unsigned i = 0; i < lines->data_bytes; i++)
		word[i] = (uint8_t)(kind * (1 + i * 37));
	reference_encode(word, lines->data_bytes, word + lines->data_bytes);
	errors = take(bytes) % 10;
	for (unsigned i = 0; i < errors; i++) {
		unsigned position = take(bytes) % lines->symbols;

		word[position] ^= take(bytes);
	}
}

static void make_lines(struct bytes *bytes, struct lines *lines)
{
	static const enum kernel kernels[] = {
		KERNEL_CORRECT, KERNEL_REFRESH, KERNEL_VERIFY, KERNEL_READ};
	const uint8_t first = take(bytes);

	lines->code = first % 2 ? RS_128 : RS_136;
	lines->max_correct = first / 2 % 5;
	lines->kernel = kernels[take(bytes) % 4];
	lines->data_bytes = rs_data_per_line(lines->code);
	lines->symbols = lines->data_bytes + KERNEL_PARITY_BYTES;
	lines->count = 0;
	while (bytes->left && lines->count < KERNEL_TILE_LINES)
		make_line(bytes, lines, lines->words[lines->count++]);
}

/* What must come of LINES, by the reference. */
static void decode(struct lines *lines, struct kernel_report *report)
{
	for (uint32_t i = 0; i < lines->count; i++) {
		int errors;

		errors = reference_decode(lines->words[i], lines->symbols,
			lines->kernel == KERNEL_VERIFY ? 0 : lines->max_correct);
		report->flagged += errors != 0;
		if (lines->kernel == KERNEL_VERIFY)
			continue;
		report->lost += errors < 0;
		if (errors > 0)
			report->corrected[errors]++;
	}
}

/* Between LINES and a region of one block. */
static uint8_t *symbol(const struct lines *lines, uint8_t *region, uint32_t line, unsigned position)
{
	if (position < lines->data_bytes)
		return region + line * KERNEL_LINE_BYTES + position;
	return region + rs_parity_base(lines->code, 1) + line * rs_parity_pitch(lines->code) +
	       (position - lines->data_bytes);
}

static void run(const struct kernel_native_variant *variant, struct lines *lines,
	struct kernel_report *report, uint8_t *payload)
{
	static _Alignas(64) uint8_t region[KERNEL_BLOCK_BYTES + KERNEL_BLOCK_LINES * 8];
	static uint32_t scratch[KERNEL_SCRATCH_WORDS];
	static struct {
		struct kernel_report report;
		struct kernel_segment segment;
	} control;
	const struct kernel_params params = {
		.parity_base = rs_parity_base(lines->code, 1),
		.segments = sizeof(control.report),
		.parity_pitch = rs_parity_pitch(lines->code),
		.data_per_line = lines->data_bytes,
		.max_correct = lines->max_correct,
		.segment_count = 1,
		.tiles_per_segment = 1,
		.ticket = 1,
	};

	memset(&control, 0, sizeof(control));
	control.segment.count = control.segment.zero_to = lines->count * lines->data_bytes;
	for (uint32_t i = 0; i < lines->count; i++) {
		for (unsigned j = 0; j < lines->symbols; j++)
			*symbol(lines, region, i, j) = lines->words[i][j];
	}
	variant->run(lines->kernel, 0, 1, region, scratch, (uint8_t *)&control, payload, &params);
	for (uint32_t i = 0; i < lines->count; i++) {
		for (unsigned j = 0; j < lines->symbols; j++)
			lines->words[i][j] = *symbol(lines, region, i, j);
	}
	*report = control.report;
}

static _Noreturn void fail(const struct kernel_native_variant *variant, const char *what,
	uint32_t line, const uint8_t *expected, const uint8_t *got, size_t bytes)
{
	fprintf(stderr, "%s: %s %u is not as expected\n", variant->name, what, line);
	for (size_t i = 0; i < bytes; i++) {
		if (expected[i] != got[i])
			fprintf(stderr, "byte %zu: expected %02x, got %02x\n", i, expected[i],
				got[i]);
	}
	abort();
}

static void compare(const struct kernel_native_variant *variant, const struct lines *before,
	const struct lines *expected, const struct kernel_report *expected_report)
{
	static uint8_t payload[KERNEL_TILE_LINES * KERNEL_LINE_BYTES];
	struct lines got = *before;
	struct kernel_report report;

	run(variant, &got, &report, payload);
	report.done = 0;
	if (memcmp(&report, expected_report, sizeof(report)) != 0)
		fail(variant, "the report of lines", got.count, (const uint8_t *)expected_report,
			(const uint8_t *)&report, sizeof(report));
	for (uint32_t i = 0; i < got.count; i++) {
		if (memcmp(got.words[i], expected->words[i], got.symbols) != 0)
			fail(variant, "line", i, expected->words[i], got.words[i], got.symbols);
		if (got.kernel == KERNEL_READ && memcmp(payload + i * got.data_bytes,
							 expected->words[i], got.data_bytes) != 0)
			fail(variant, "the payload of line", i, expected->words[i],
				payload + i * got.data_bytes, got.data_bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = {data, size};
	struct kernel_report report = {0};
	static struct lines before, expected;

	make_lines(&bytes, &before);
	if (before.count == 0)
		return 0;
	expected = before;
	decode(&expected, &report);
	for (unsigned i = 0; i < kernel_native_variant_count; i++) {
		if (kernel_native_variants[i].usable())
			compare(&kernel_native_variants[i], &before, &expected, &report);
	}
	return 0;
}
