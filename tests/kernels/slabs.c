/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Regions that OpenCL has in several buffers of 1 MiB, eight blocks: where the last block ends with
 * a buffer, where there is one more, where the parity begins with a buffer or lies across the
 * border of two, and in as many buffers as kernels take.
 */
#include "rig.h"

#include "reference.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	enum rs_code code;
	uint32_t blocks;
} regions[] = {
	{RS_128, 8},   /* one buffer, full */
	{RS_128, 9},   /* and a block */
	{RS_136, 7},   /* one buffer */
	{RS_136, 8},   /* data in one, parity in another */
	{RS_136, 9},   /* more data there, in front of it */
	{RS_136, 23},  /* parity across the border of two */
	{RS_128, 33},  /* five buffers */
	{RS_136, 120}, /* sixteen */
};

#define REGIONS (sizeof(regions) / sizeof(regions[0]))

/* The first and last lines of every block, which are those at borders. */
static bool is_at_end(uint32_t line)
{
	return (line + 2) % KERNEL_BLOCK_LINES < 4;
}

static void parity_is_made_and_checked(struct rig *rig)
{
	struct kernel_report report;

	rig_randomize(rig, rig->blocks);
	assert_int_equal(rig_run_all(rig, KERNEL_VERIFY, 4).flagged, 0);
	for (uint32_t line = 0; line < rig->lines; line++)
		memset(rig_symbol(rig, rig->image, line, rig->data_bytes), 0x5a, 8);
	rig_push(rig);
	report = rig_run_all(rig, KERNEL_VERIFY, 4);
	assert_int_equal(report.flagged, rig->lines);
	rig_run_all(rig, KERNEL_ENCODE, 4);
	assert_region(rig, rig->truth);
}

/* Damage of 4 symbols to the lines at borders and some others, repaired by KERNEL. */
static void damage_is_repaired(struct rig *rig, enum kernel kernel)
{
	struct kernel_report expected = {0};
	uint64_t random = kernel;

	for (uint32_t line = 0; line < rig->lines; line++) {
		if (!is_at_end(line) && line % 97)
			continue;
		rig_damage(rig, line, 4, &random);
		expected.corrected[4]++;
	}
	expected.flagged = expected.corrected[4];
	rig_push(rig);
	const struct kernel_report report = rig_run_all(rig, kernel, 4);
	assert_report(&report, &expected);
	assert_region(rig, rig->truth);
}

/* Blocks from all over the region in one launch, last ones first: written, with bytes that the
 * model is told, and read back. */
static void blocks_move(struct rig *rig)
{
	const uint32_t block_bytes = rig->data_bytes * KERNEL_BLOCK_LINES;
	const uint32_t count = rig->max_segments;
	uint8_t *sent = malloc((size_t)count * block_bytes);
	uint64_t random = 5;

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t block = rig->blocks - 1 - i * (rig->blocks - 1) / (count - 1);

		rig->segments[i] = (struct kernel_segment){.block = block,
			.count = block_bytes,
			.zero_to = block_bytes,
			.payload = i * block_bytes};
		for (uint32_t j = 0; j < block_bytes; j++) {
			sent[i * block_bytes + j] = (uint8_t)(reference_random(&random) >> 56);
			*rig_byte(rig, rig->truth, block, j) = sent[i * block_bytes + j];
		}
		for (uint32_t line = 0; line < KERNEL_BLOCK_LINES; line++)
			rig_encode_line(rig, rig->truth, block * KERNEL_BLOCK_LINES + line);
	}
	memcpy(rig->payload, sent, rig->payload_bytes);
	rig_run(rig, &(struct rig_job){
			     .kernel = KERNEL_WRITE, .segment_count = count, .max_correct = 4});
	assert_region(rig, rig->truth);
	memset(rig->payload, 0, rig->payload_bytes);
	rig_run(rig,
		&(struct rig_job){.kernel = KERNEL_READ, .segment_count = count, .max_correct = 4});
	assert_memory_equal(rig->payload, sent, rig->payload_bytes);
	free(sent);
}

/* The front of the first block to the end of the last, and the last line of the one to the first
 * of the other. */
static void lines_are_copied(struct rig *rig)
{
	const uint32_t last = rig->blocks - 1, lines = KERNEL_BLOCK_LINES / 2 - 3;
	const uint32_t symbols = rig->data_bytes;
	const uint32_t from[2] = {3, KERNEL_BLOCK_LINES - 1};
	const uint32_t to[2] = {KERNEL_BLOCK_LINES - lines, 0};
	const uint32_t counts[2] = {lines, 1};

	for (unsigned i = 0; i < 2; i++) {
		const uint32_t first = to[i] * symbols;

		rig->segments[i] = (struct kernel_segment){.block = last,
			.first = first,
			.zero_from = first,
			.count = counts[i] * symbols,
			.zero_to = first + counts[i] * symbols,
			.source = 0,
			.source_first = from[i] * symbols};
		for (uint32_t line = 0; line < counts[i]; line++) {
			const uint32_t target = last * KERNEL_BLOCK_LINES + to[i] + line;

			for (unsigned j = 0; j < rig->symbols; j++)
				*rig_symbol(rig, rig->truth, target, j) =
					*rig_symbol(rig, rig->truth, from[i] + line, j);
		}
	}
	rig_run(rig,
		&(struct rig_job){.kernel = KERNEL_COPY, .segment_count = 2, .max_correct = 4});
	assert_region(rig, rig->truth);
}

static void a_region_in_slabs_is_one_region(void **state)
{
	(void)state;
	for (size_t i = 0; i < REGIONS; i++) {
		const uint32_t moved = 5;
		struct rig *rig = rig_new(regions[i].code, regions[i].blocks, moved,
			moved * rs_block_payload(regions[i].code));

		print_message("%u blocks of %s\n", regions[i].blocks,
			regions[i].code == RS_136 ? "rs136" : "rs128");
		parity_is_made_and_checked(rig);
		damage_is_repaired(rig, KERNEL_CORRECT);
		damage_is_repaired(rig, KERNEL_REFRESH);
		blocks_move(rig);
		lines_are_copied(rig);
		rig_free(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_region_in_slabs_is_one_region),
	};

	return cmocka_run_group_tests_name("kernels-slabs", tests, NULL, NULL);
}
