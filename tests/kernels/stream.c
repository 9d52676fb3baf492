/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The stream kernel stands for the speed of memory, which it can only do if it reads and writes all
 * that it is asked to: for every mix, the whole region and the count are compared with what abi.h
 * says, computed here.
 */
#include "rig.h"

#include "reference.h"

#include <string.h>

#define BLOCKS 3u
#define WORD_BYTES 8u
#define PIECE_BYTES 16u
#define EIGHT 8u /* lines, and so many pieces has each */

/* Word INDEX (0 or 1) of a 16-byte piece of the lines from FIRST on. */
static uint8_t *piece_word(struct rig *rig, uint32_t first, unsigned piece, unsigned index)
{
	return rig->image + (size_t)first * KERNEL_LINE_BYTES + piece * PIECE_BYTES +
	       index * WORD_BYTES;
}

static uint64_t get_word(const uint8_t *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof(word));
	return word;
}

static void put_word(uint8_t *bytes, uint64_t word)
{
	memcpy(bytes, &word, sizeof(word));
}

static uint64_t fold_of(struct rig *rig, uint32_t line, uint32_t stream)
{
	uint32_t first = line / EIGHT * EIGHT;
	uint64_t fold = 0;
	for (unsigned piece = line - first; piece < EIGHT * EIGHT; piece += EIGHT) {
		for (unsigned i = 0; i < 2; i++) {
			unsigned byte = (piece * PIECE_BYTES + i * WORD_BYTES) % KERNEL_LINE_BYTES;
			if (byte < rig->data_bytes)
				fold ^= get_word(piece_word(rig, first, piece, i));
		}
	}
	if (rig->code != RS_NONE && stream & STREAM_READ_PARITY)
		fold ^= get_word(rig_symbol(rig, rig->image, line, rig->data_bytes));
	return fold;
}

/* Random data in which every 37th line's fold is zero; how many that are. */
static uint32_t prepare(struct rig *rig, uint32_t stream, uint64_t seed)
{
	uint32_t zeros = 0;
	rig_randomize(rig, seed);
	for (uint32_t line = 5; line < rig->lines; line += 37) {
		uint32_t first = line / EIGHT * EIGHT;
		uint8_t *word = piece_word(rig, first, line - first, 0);
		put_word(word, get_word(word) ^ fold_of(rig, line, stream));
		zeros++;
	}
	rig_push(rig);
	return zeros;
}

/* What the kernel makes of the image, to truth. */
static void expect(struct rig *rig, uint32_t stream)
{
	memcpy(rig->truth, rig->image, rig->image_bytes);
	for (uint32_t line = 0; line < rig->lines; line++) {
		uint8_t *bytes = rig->truth + (size_t)line * KERNEL_LINE_BYTES;
		if (rig->code != RS_NONE && stream & STREAM_WRITE_PARITY)
			put_word(rig_symbol(rig, rig->truth, line, rig->data_bytes),
				fold_of(rig, line, stream));
		for (unsigned i = 0; stream & STREAM_WRITE_LINE && i < KERNEL_LINE_BYTES; i++)
			bytes[i] = (uint8_t)~bytes[i];
	}
}

static void test_streams_what_the_mix_says(void **state)
{
	enum rs_code code = *(enum rs_code *)*state;
	struct rig *rig = rig_new(code, BLOCKS, 1, 0);
	for (uint32_t stream = 0; stream < 8; stream++) {
		if (code == RS_128 && stream & STREAM_WRITE_LINE && stream != STREAM_WRITE_LINE)
			continue; /* both would write the parity */
		uint32_t zeros = prepare(rig, stream, stream + 1);
		expect(rig, stream);
		struct kernel_report report =
			rig_run(rig, &(struct rig_job){.kernel = KERNEL_STREAM, .stream = stream});
		assert_report(&report, &(struct kernel_report){.flagged = zeros});
		assert_region(rig, rig->truth);
	}
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_streams_what_the_mix_says),
		RIG_TEST_NONE(test_streams_what_the_mix_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
