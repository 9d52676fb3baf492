/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Moving bytes between payload and region: every offset in a line with many lengths and every
 * alignment of the payload, and one by one what reads, writes, fills and copies owe to damaged
 * lines. Everything is compared whole: region, payload and report.
 */
#include "model.h"

#include "reference.h"

#include <stdlib.h>
#include <string.h>

#define SLOT_LINES 4u /* what each segment of the sweep has for itself */
#define SLOTS (KERNEL_BLOCK_LINES / SLOT_LINES)

static void payload_randomize(struct rig *rig, uint64_t seed)
{
	for (size_t i = 0; i < rig->payload_bytes; i++)
		rig->payload[i] = (uint8_t)(reference_random(&seed) >> 56);
}

/* Run JOB on the device and in the model and compare all there is to compare. */
static void run_both(struct rig *rig, struct model *model, const struct rig_job *job)
{
	uint8_t *payload = malloc(rig->payload_bytes + 1);
	memcpy(payload, rig->payload, rig->payload_bytes);
	model_run(model, job, payload);
	struct kernel_report report = rig_run(rig, job);
	assert_report(&report, &model->report);
	assert_region(rig, model->image);
	assert_memory_equal(rig->payload, payload, rig->payload_bytes);
	free(payload);
}

/* Push the image as it is and run JOB once. */
static struct kernel_report run_once(struct rig *rig, const struct rig_job *job)
{
	struct model *model = model_new(rig);
	rig_push(rig);
	run_both(rig, model, job);
	struct kernel_report report = model->report;
	memcpy(rig->truth, model->truth, rig->image_bytes);
	model_free(model);
	return report;
}

/* The same, and check that the report is the EXPECTED one. */
static void run_expect(
	struct rig *rig, const struct rig_job *job, const struct kernel_report *expected)
{
	struct kernel_report report = run_once(rig, job);
	assert_report(&report, expected);
}

/* Segments of LENGTH bytes at every offset of a line, a slot each; how many. The slots are moved by
 * LINE so that tiles end in the middle of some. */
static uint32_t sweep_segments(struct rig *rig, unsigned length, uint32_t line, uint32_t align)
{
	uint32_t count = 0, payload = align;
	for (uint32_t offset = 0; offset < rig->data_bytes; offset++) {
		uint32_t slot = count % (SLOTS - 1);
		uint32_t first = (slot * SLOT_LINES + line) * rig->data_bytes + offset;
		rig->segments[count] = (struct kernel_segment){.block = count / (SLOTS - 1),
			.first = first,
			.count = length,
			.payload = payload,
			.zero_from = first,
			.zero_to = first + length};
		payload += length + (offset % 9);
		count++;
	}
	assert_true(payload <= rig->payload_bytes);
	return count;
}

static void sweep(void **state, enum kernel kernel)
{
	enum rs_code code = *(enum rs_code *)*state;
	unsigned k = rs_data_per_line(code);
	const unsigned lengths[] = {1, 2, 7, 8, 9, 15, 16, 33, k - 8, k - 1, k, k + 1, k + 9,
		2 * k - 1, 2 * k, 2 * k + 1, 3 * k - 8, 3 * k};
	struct rig *rig = rig_new(code, 1, k, k * (3 * k + 16));
	rig_randomize(rig, 5);
	struct model *model = model_new(rig);
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		payload_randomize(rig, i + 1);
		struct rig_job job = {.kernel = kernel,
			.max_correct = 4,
			.pattern = 0x40 + i,
			.payload = 8 * (i % 3)};
		job.segment_count = sweep_segments(rig, lengths[i], i % 4, i % 8);
		run_both(rig, model, &job);
	}
	model_free(model);
	struct kernel_report report = rig_run_all(rig, KERNEL_VERIFY, 4);
	assert_report(&report, &(struct kernel_report){0});
	rig_free(rig);
}

static void test_write_at_every_offset(void **state)
{
	sweep(state, KERNEL_WRITE);
}

static void test_read_at_every_offset(void **state)
{
	sweep(state, KERNEL_READ);
}

static void test_fill_at_every_offset(void **state)
{
	sweep(state, KERNEL_FILL);
}

/* Two blocks and a few segments, for the tests below. */
static struct rig *small_rig(void **state)
{
	struct rig *rig = rig_new(*(enum rs_code *)*state, 2, 3, 2 * KERNEL_BLOCK_BYTES);
	rig_randomize(rig, 6);
	payload_randomize(rig, 7);
	return rig;
}

static void test_read_heals_data_and_parity(void **state)
{
	struct rig *rig = small_rig(state);
	uint64_t random = 8;
	for (unsigned errors = 1; errors <= 4; errors++)
		rig_damage(rig, 100 + errors, errors, &random);
	*rig_symbol(rig, rig->image, 120, 3) ^= 1;
	*rig_symbol(rig, rig->image, 120, rig->data_bytes + 5) ^= 0x80;
	/* Line 99 is read in part, and yet healed as a whole. */
	*rig_symbol(rig, rig->image, 99, 0) ^= 0x11;
	rig->segments[0] = (struct kernel_segment){
		.first = 99 * rig->data_bytes + 50, .count = 40 * rig->data_bytes, .payload = 13};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_READ, .segment_count = 1, .max_correct = 4},
		&(struct kernel_report){.flagged = 6, .corrected = {0, 2, 2, 1, 1}});
	assert_region(rig, rig->truth);
	rig_free(rig);
}

/* Three jobs of one launch, of different lengths: what each finds it reports itself. */
static void test_jobs_of_one_launch_report_for_themselves(void **state)
{
	struct rig *rig = small_rig(state);
	uint64_t random = 20;
	rig_damage(rig, 10, 2, &random);
	rig_damage(rig, 300, 5, &random);
	for (uint32_t i = 0; i < 3; i++)
		rig->segments[i] = (struct kernel_segment){.first = 290 * i * rig->data_bytes,
			.count = (10 + 200 * i) * rig->data_bytes + 64,
			.payload = i * 65536};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_READ,
			.form = RIG_FEW_JOBS,
			.segment_count = 3,
			.max_correct = 3},
		&(struct kernel_report){.flagged = 2, .corrected = {0, 0, 1}, .lost = 1});
	if (rig->reports[0].done) { /* the device can do that */
		assert_report(&rig->reports[0],
			&(struct kernel_report){.flagged = 1, .corrected = {0, 0, 1}});
		assert_report(&rig->reports[1], &(struct kernel_report){.flagged = 1, .lost = 1});
		assert_report(&rig->reports[2], &(struct kernel_report){});
	}
	rig_free(rig);
}

static void test_read_of_lost_line_leaves_it(void **state)
{
	struct rig *rig = small_rig(state);
	uint64_t random = 9;
	rig_damage(rig, 5, 5, &random);
	rig->segments[0] = (struct kernel_segment){.count = 10 * rig->data_bytes};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_READ, .segment_count = 1, .max_correct = 3},
		&(struct kernel_report){.flagged = 1, .lost = 1});
	rig_free(rig);
}

static void test_no_correction_allowed(void **state)
{
	struct rig *rig = small_rig(state);
	*rig_symbol(rig, rig->image, 5, 0) ^= 1;
	rig->segments[0] = (struct kernel_segment){.count = 10 * rig->data_bytes};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_READ, .segment_count = 1, .max_correct = 0},
		&(struct kernel_report){.flagged = 1, .lost = 1});
	run_expect(rig, &(struct rig_job){.kernel = KERNEL_CORRECT, .max_correct = 0},
		&(struct kernel_report){.flagged = 1, .lost = 1});
	rig_free(rig);
}

/* From the middle of line 70 to the middle of line 72, with damage in all three. */
static void damaged_write(void **state, unsigned max_correct, const unsigned errors[3],
	const struct kernel_report *expected)
{
	struct rig *rig = small_rig(state);
	uint64_t random = 10;
	for (unsigned i = 0; i < 3; i++)
		rig_damage(rig, 70 + i, errors[i], &random);
	uint32_t first = 70 * rig->data_bytes + 20;
	rig->segments[0] = (struct kernel_segment){.first = first,
		.count = 2 * rig->data_bytes + 30,
		.zero_from = first,
		.zero_to = first + 2 * rig->data_bytes + 30};
	struct rig_job job = {
		.kernel = KERNEL_WRITE, .segment_count = 1, .max_correct = max_correct};
	run_expect(rig, &job, expected);
	rig_free(rig);
}

static void test_partial_write_corrects_first(void **state)
{
	damaged_write(state, 4, (const unsigned[]){4, 4, 2},
		&(struct kernel_report){.flagged = 2, .corrected = {0, 0, 1, 0, 1}});
}

static void test_partial_write_leaves_lost_line_untouched(void **state)
{
	damaged_write(state, 3, (const unsigned[]){5, 5, 4},
		&(struct kernel_report){.flagged = 2, .lost = 2});
}

static void test_whole_write_does_not_look_at_old_lines(void **state)
{
	struct rig *rig = small_rig(state);
	uint64_t random = 11;
	for (uint32_t line = 0; line < 200; line++)
		rig_damage(rig, line, 5, &random);
	rig->segments[0] = (struct kernel_segment){
		.count = 200 * rig->data_bytes, .zero_to = 200 * rig->data_bytes};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_WRITE, .segment_count = 1, .max_correct = 3},
		&(struct kernel_report){0});
	rig_free(rig);
}

/* zero_from in line 60, the first byte in line 130, the last in line 132: two tile borders. */
static void zeroing_write(void **state, uint32_t zeros_behind, const struct kernel_report *expected)
{
	struct rig *rig = small_rig(state);
	uint32_t first = 130 * rig->data_bytes + 77;
	uint64_t random = 12;
	rig_damage(rig, 60, 1, &random);
	rig_damage(rig, 130, 5, &random);
	rig_damage(rig, 132, 5, &random);
	rig->segments[0] = (struct kernel_segment){.zero_from = 60 * rig->data_bytes + 9,
		.first = first,
		.count = 2 * rig->data_bytes,
		.zero_to = first + 2 * rig->data_bytes + zeros_behind,
		.payload = 3};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_WRITE, .segment_count = 1, .max_correct = 3},
		expected);
	rig_free(rig);
}

static void test_zeros_in_front_of_a_write(void **state)
{
	zeroing_write(
		state, 0, &(struct kernel_report){.flagged = 2, .corrected = {0, 1}, .lost = 1});
}

static void test_line_that_ends_with_zeros_is_not_read(void **state)
{
	unsigned k = rs_data_per_line(*(enum rs_code *)*state);
	zeroing_write(state, k - 77, &(struct kernel_report){.flagged = 1, .corrected = {0, 1}});
}

static void test_zeros_behind_a_write_end_within_its_line(void **state)
{
	zeroing_write(
		state, 9, &(struct kernel_report){.flagged = 2, .corrected = {0, 1}, .lost = 1});
}

/* One segment of WRITE or FILL in block 0 of which every line is beyond repair: those that are not
 * cut must become codewords again. CUT tells how many are cut. */
static void writing_over_lost_lines(
	void **state, const struct kernel_segment *segment, unsigned cut)
{
	static const enum kernel kernels[] = {KERNEL_WRITE, KERNEL_FILL};
	for (unsigned i = 0; i < 2; i++) {
		struct rig *rig = small_rig(state);
		uint64_t random = 17;
		for (uint32_t line = 0; line < KERNEL_BLOCK_LINES; line++)
			rig_damage(rig, line, 5, &random);
		rig->segments[0] = *segment;
		run_expect(rig,
			&(struct rig_job){.kernel = kernels[i],
				.segment_count = 1,
				.max_correct = 3,
				.pattern = 0x77},
			&(struct kernel_report){.flagged = cut, .lost = cut});
		rig_free(rig);
	}
}

static void test_zeros_behind_a_write_over_lines_and_tiles(void **state)
{
	uint32_t k = rs_data_per_line(*(enum rs_code *)*state);
	uint32_t tile = k * KERNEL_TILE_LINES, block = k * KERNEL_BLOCK_LINES;
	const struct {
		uint32_t first, count, zero_to;
		unsigned cut;
	} cases[] = {
		{0, 10, k, 0}, {0, 10, k + 1, 1}, {0, 10, 9 * k, 0}, {5 * k, 1, 30 * k - 1, 1},
		{5 * k + 1, 1, 30 * k - 1, 2}, {3 * k, k, 3 * tile, 0}, /* whole tiles of zeros */
		{3 * k, k, 3 * tile + 1, 1},  /* and one byte in the next */
		{tile - 1, 1, tile + k, 1},   /* nothing but zeros in the next tile */
		{tile - 1, 2, tile + 2, 2},   /* the line on both sides is cut */
		{0, 10, block, 0},            /* to the end of the block */
		{block - tile, 1, block, 0},  /* the last tile */
		{block - k - 1, k, block, 1}, /* the last lines */
		{block - 1, 1, block, 1},     /* and its last byte */
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		writing_over_lost_lines(state,
			&(struct kernel_segment){.first = cases[i].first,
				.zero_from = cases[i].first,
				.count = cases[i].count,
				.zero_to = cases[i].zero_to,
				.payload = i},
			cases[i].cut);
}

static void test_zeros_on_both_sides(void **state)
{
	uint32_t k = rs_data_per_line(*(enum rs_code *)*state);
	uint32_t tile = k * KERNEL_TILE_LINES;
	const struct {
		uint32_t zero_from, first, count, zero_to;
		unsigned cut;
	} cases[] = {
		{0, 17, 1, k, 0},
		{1, 17, 1, k - 1, 1}, /* one line, cut twice */
		{2 * k, 2 * tile + 5, 2 * tile, 6 * tile, 0},
		{2 * k + 1, 2 * tile + 5, 1, 6 * tile - 1, 2},
		{0, 2 * tile, tile, 4 * tile, 0},
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		writing_over_lost_lines(state,
			&(struct kernel_segment){.zero_from = cases[i].zero_from,
				.first = cases[i].first,
				.count = cases[i].count,
				.zero_to = cases[i].zero_to},
			cases[i].cut);
}

static void test_zeros_only(void **state)
{
	uint32_t k = rs_data_per_line(*(enum rs_code *)*state);
	writing_over_lost_lines(state,
		&(struct kernel_segment){
			.zero_from = 100, .first = 100 * k + 33, .zero_to = 100 * k + 33},
		2);
	writing_over_lost_lines(state,
		&(struct kernel_segment){
			.zero_from = 100, .first = 100 * k + 33, .zero_to = 101 * k},
		1);
	writing_over_lost_lines(
		state, &(struct kernel_segment){.first = k, .zero_from = k, .zero_to = 90 * k}, 0);
}

static void test_zeros_behind_with_old_beginning(void **state)
{
	struct rig *rig = small_rig(state);
	uint64_t random = 13;
	rig_damage(rig, 40, 2, &random);
	rig->segments[0] = (struct kernel_segment){.first = 40 * rig->data_bytes + 10,
		.zero_from = 40 * rig->data_bytes + 10,
		.count = 20,
		.zero_to = 41 * rig->data_bytes};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_WRITE, .segment_count = 1, .max_correct = 4},
		&(struct kernel_report){.flagged = 1, .corrected = {0, 0, 1}});
	rig_free(rig);
}

/* Segments that share no line, though the tiles of one reach into the lines of the next. */
static void test_zeros_end_where_the_next_segment_begins(void **state)
{
	struct rig *rig = rig_new(*(enum rs_code *)*state, 1, 20, KERNEL_BLOCK_BYTES);
	uint32_t step = 33 * rig->data_bytes;
	rig_randomize(rig, 18);
	payload_randomize(rig, 19);
	for (uint32_t i = 0; i < 20; i++)
		rig->segments[i] = (struct kernel_segment){.zero_from = i * step,
			.first = i * step + i * 41,
			.count = 100 + i,
			.zero_to = (i + 1) * step,
			.payload = i * 130};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_WRITE, .segment_count = 20, .max_correct = 4},
		&(struct kernel_report){0});
	rig_free(rig);
}

static void test_empty_segment_does_nothing(void **state)
{
	static const enum kernel kernels[] = {
		KERNEL_READ, KERNEL_WRITE, KERNEL_FILL, KERNEL_COPY, KERNEL_ENCODE, KERNEL_CORRECT};
	struct rig *rig = small_rig(state);
	uint64_t random = 14;
	rig_damage(rig, 40, 2, &random);
	rig->segments[0] = (struct kernel_segment){.first = 40 * rig->data_bytes + 10,
		.zero_from = 40 * rig->data_bytes + 10,
		.zero_to = 40 * rig->data_bytes + 10,
		.source = 1,
		.source_first = 7 * rig->data_bytes};
	for (unsigned i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		run_expect(rig,
			&(struct rig_job){
				.kernel = kernels[i], .segment_count = 1, .max_correct = 4},
			&(struct kernel_report){0});
	rig_free(rig);
}

static void test_copy_corrects_and_keeps_lost_lines_lost(void **state)
{
	struct rig *rig = small_rig(state);
	uint64_t random = 15;
	rig_damage(rig, 3, 3, &random);
	rig_damage(rig, 4, 5, &random);
	rig->segments[0] = (struct kernel_segment){.block = 1,
		.first = rig->data_bytes,
		.count = 99 * rig->data_bytes,
		.source_first = rig->data_bytes};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_COPY, .segment_count = 1, .max_correct = 3},
		&(struct kernel_report){.flagged = 2, .corrected = {0, 0, 0, 1}, .lost = 1});
	/* Both the source and the copy of line 4. */
	struct kernel_report report = rig_run_all(rig, KERNEL_VERIFY, 4);
	assert_report(&report, &(struct kernel_report){.flagged = 2});
	rig_free(rig);
}

/* Source and target lie differently in their tiles, and cross their borders at different lines. */
static void test_copy_to_another_place(void **state)
{
	static const struct {
		uint32_t first, source_first, lines;
	} cases[] = {{0, 1, 1}, {1, 0, 1}, {0, 63, 2}, {63, 0, 2}, {10, 40, 200}, {900, 3, 124},
		{3, 900, 124}, {64, 0, 128}, {1, 0, KERNEL_BLOCK_LINES - 1},
		{0, 1, KERNEL_BLOCK_LINES - 1}};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig *rig = small_rig(state);
		uint64_t random = 20;
		unsigned k = rig->data_bytes;
		/* The first line is corrected, the last one lost. */
		rig_damage(rig, cases[i].source_first, 2, &random);
		if (cases[i].lines > 1)
			rig_damage(rig, cases[i].source_first + cases[i].lines - 1, 5, &random);
		rig->segments[0] = (struct kernel_segment){.block = 1,
			.first = cases[i].first * k,
			.count = cases[i].lines * k,
			.source_first = cases[i].source_first * k};
		unsigned lost = cases[i].lines > 1;
		run_expect(rig,
			&(struct rig_job){
				.kernel = KERNEL_COPY, .segment_count = 1, .max_correct = 3},
			&(struct kernel_report){
				.flagged = 1 + lost, .corrected = {0, 0, 1}, .lost = lost});
		struct kernel_report report = rig_run_all(rig, KERNEL_VERIFY, 4);
		assert_report(&report, &(struct kernel_report){.flagged = 2 * lost});
		rig_free(rig);
	}
}

static void test_copy_within_a_block(void **state)
{
	struct rig *rig = small_rig(state);
	unsigned k = rig->data_bytes;
	rig->segments[0] =
		(struct kernel_segment){.first = 100 * k, .count = 99 * k, .source_first = k};
	rig->segments[1] = (struct kernel_segment){
		.first = 200 * k, .count = 500 * k, .source = 1, .source_first = 524 * k};
	rig->segments[2] = (struct kernel_segment){
		.block = 1, .first = 0, .count = 44 * k, .source = 0, .source_first = 980 * k};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_COPY, .segment_count = 3, .max_correct = 4},
		&(struct kernel_report){0});
	rig_free(rig);
}

static void test_refresh_repairs_parity(void **state)
{
	struct rig *rig = small_rig(state);
	uint64_t random = 16;
	for (uint32_t line = 0; line < rig->lines; line++)
		rig_damage(rig, line, line % 5, &random);
	run_once(rig, &(struct rig_job){.kernel = KERNEL_REFRESH, .max_correct = 4});
	assert_region(rig, rig->truth);
	rig_free(rig);
}

static void test_without_a_code_nothing_is_checked(void **state)
{
	static const enum kernel kernels[] = {KERNEL_ENCODE, KERNEL_VERIFY, KERNEL_CORRECT,
		KERNEL_REFRESH, KERNEL_READ, KERNEL_COPY, KERNEL_WRITE};
	struct rig *rig = small_rig(state);
	for (unsigned i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		rig->segments[0] = (struct kernel_segment){.block = 1,
			.count = 500 * rig->data_bytes - 3,
			.zero_to = 510 * rig->data_bytes,
			.payload = 5,
			.source_first = 3 * rig->data_bytes};
		if (kernels[i] == KERNEL_COPY)
			rig->segments[0].count += 3;
		run_expect(rig,
			&(struct rig_job){
				.kernel = kernels[i], .segment_count = 1, .max_correct = 4},
			&(struct kernel_report){0});
	}
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_write_at_every_offset),
		RIG_TEST(test_read_at_every_offset),
		RIG_TEST(test_fill_at_every_offset),
		RIG_TEST_NONE(test_write_at_every_offset),
		RIG_TEST_NONE(test_read_at_every_offset),
		RIG_TEST(test_read_heals_data_and_parity),
		RIG_TEST(test_jobs_of_one_launch_report_for_themselves),
		RIG_TEST(test_read_of_lost_line_leaves_it),
		RIG_TEST(test_no_correction_allowed),
		RIG_TEST(test_partial_write_corrects_first),
		RIG_TEST(test_partial_write_leaves_lost_line_untouched),
		RIG_TEST(test_whole_write_does_not_look_at_old_lines),
		RIG_TEST(test_zeros_in_front_of_a_write),
		RIG_TEST(test_line_that_ends_with_zeros_is_not_read),
		RIG_TEST(test_zeros_behind_a_write_end_within_its_line),
		RIG_TEST(test_zeros_behind_a_write_over_lines_and_tiles),
		RIG_TEST(test_zeros_on_both_sides),
		RIG_TEST(test_zeros_only),
		RIG_TEST(test_zeros_behind_with_old_beginning),
		RIG_TEST(test_zeros_end_where_the_next_segment_begins),
		RIG_TEST(test_empty_segment_does_nothing),
		RIG_TEST(test_copy_corrects_and_keeps_lost_lines_lost),
		RIG_TEST(test_copy_to_another_place),
		RIG_TEST(test_copy_within_a_block),
		RIG_TEST(test_refresh_repairs_parity),
		RIG_TEST_NONE(test_without_a_code_nothing_is_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
