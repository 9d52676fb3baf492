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
			.zero_from = first};
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

/* One block, one segment, for the tests below. */
static struct rig *small_rig(void **state)
{
	struct rig *rig = rig_new(*(enum rs_code *)*state, 2, 1, 2 * KERNEL_BLOCK_BYTES);
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
	rig->segments[0] = (struct kernel_segment){
		.first = first, .zero_from = first, .count = 2 * rig->data_bytes + 30};
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
	rig->segments[0] = (struct kernel_segment){.count = 200 * rig->data_bytes};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_WRITE, .segment_count = 1, .max_correct = 3},
		&(struct kernel_report){0});
	rig_free(rig);
}

/* zero_from in line 60, the first byte in line 130, the last in line 132: two tile borders. */
static void zeroing_write(void **state, uint32_t flags, const struct kernel_report *expected)
{
	struct rig *rig = small_rig(state);
	uint64_t random = 12;
	rig_damage(rig, 60, 1, &random);
	rig_damage(rig, 130, 5, &random);
	rig_damage(rig, 132, 5, &random);
	rig->segments[0] = (struct kernel_segment){.zero_from = 60 * rig->data_bytes + 9,
		.first = 130 * rig->data_bytes + 77,
		.count = 2 * rig->data_bytes,
		.flags = flags,
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

static void test_fresh_tail_is_not_read(void **state)
{
	zeroing_write(state, SEGMENT_FRESH_TAIL,
		&(struct kernel_report){.flagged = 1, .corrected = {0, 1}});
}

static void test_zeros_only(void **state)
{
	struct rig *rig = small_rig(state);
	for (unsigned i = 0; i < 2; i++) {
		rig->segments[0] = (struct kernel_segment){.zero_from = 100,
			.first = 100 * rig->data_bytes + 33,
			.flags = i ? SEGMENT_FRESH_TAIL : 0};
		run_expect(rig,
			&(struct rig_job){
				.kernel = KERNEL_WRITE, .segment_count = 1, .max_correct = 4},
			&(struct kernel_report){0});
	}
	rig_free(rig);
}

static void test_fresh_tail_with_old_beginning(void **state)
{
	struct rig *rig = small_rig(state);
	uint64_t random = 13;
	rig_damage(rig, 40, 2, &random);
	rig->segments[0] = (struct kernel_segment){.first = 40 * rig->data_bytes + 10,
		.zero_from = 40 * rig->data_bytes + 10,
		.count = 20,
		.flags = SEGMENT_FRESH_TAIL};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_WRITE, .segment_count = 1, .max_correct = 4},
		&(struct kernel_report){.flagged = 1, .corrected = {0, 0, 1}});
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
		.flags = SEGMENT_FRESH_TAIL,
		.source = 1};
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
	rig->segments[0] = (struct kernel_segment){
		.block = 1, .source = 0, .first = rig->data_bytes, .count = 99 * rig->data_bytes};
	run_expect(rig,
		&(struct rig_job){.kernel = KERNEL_COPY, .segment_count = 1, .max_correct = 3},
		&(struct kernel_report){.flagged = 2, .corrected = {0, 0, 0, 1}, .lost = 1});
	/* Both the source and the copy of line 4. */
	struct kernel_report report = rig_run_all(rig, KERNEL_VERIFY, 4);
	assert_report(&report, &(struct kernel_report){.flagged = 2});
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
		rig->segments[0] = (struct kernel_segment){
			.block = 1, .count = 500 * rig->data_bytes - 3, .payload = 5};
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
		RIG_TEST(test_read_of_lost_line_leaves_it),
		RIG_TEST(test_no_correction_allowed),
		RIG_TEST(test_partial_write_corrects_first),
		RIG_TEST(test_partial_write_leaves_lost_line_untouched),
		RIG_TEST(test_whole_write_does_not_look_at_old_lines),
		RIG_TEST(test_zeros_in_front_of_a_write),
		RIG_TEST(test_fresh_tail_is_not_read),
		RIG_TEST(test_zeros_only),
		RIG_TEST(test_fresh_tail_with_old_beginning),
		RIG_TEST(test_empty_segment_does_nothing),
		RIG_TEST(test_copy_corrects_and_keeps_lost_lines_lost),
		RIG_TEST(test_refresh_repairs_parity),
		RIG_TEST_NONE(test_without_a_code_nothing_is_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
