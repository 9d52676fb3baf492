/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Phil Karn's libfec as oracle: the same parity for 100,000 random lines, and the same repairs of
 * them with 0 to 4 errors. And the reference decoder, by which the kernels are judged elsewhere,
 * does with up to 9 errors, and near other codewords, what libfec does. */
#include "rig.h"

#include "reference.h"

#include <fec.h>
#include <string.h>

#define BLOCKS 98 /* 100,352 lines */

static void test_libfec_agrees(void **state)
{
	struct rig *rig = rig_new(*(enum rs_code *)*state, BLOCKS, 1, 0);
	void *libfec = init_rs_char(8, 0x11d, 1, 1, 8, 255 - (int)rig->symbols);
	uint64_t random = 20;
	for (uint32_t line = 0; line < rig->lines; line++) {
		for (unsigned i = 0; i < rig->data_bytes; i++)
			*rig_symbol(rig, rig->image, line, i) =
				(uint8_t)(reference_random(&random) >> 56);
	}
	memcpy(rig->truth, rig->image, rig->image_bytes);
	rig_push(rig);
	rig_run_all(rig, KERNEL_ENCODE, 4);
	for (uint32_t line = 0; line < rig->lines; line++)
		encode_rs_char(libfec, rig_symbol(rig, rig->truth, line, 0),
			rig_symbol(rig, rig->truth, line, rig->data_bytes));
	assert_region(rig, rig->truth);

	struct kernel_report expected = {0};
	for (uint32_t line = 0; line < rig->lines; line++) {
		unsigned errors = line % 5;
		uint8_t codeword[136];
		rig_damage(rig, line, errors, &random);
		for (unsigned i = 0; i < rig->symbols; i++)
			codeword[i] = *rig_symbol(rig, rig->image, line, i);
		assert_int_equal(decode_rs_char(libfec, codeword, NULL, 0), errors);
		for (unsigned i = 0; i < rig->symbols; i++)
			assert_int_equal(codeword[i], *rig_symbol(rig, rig->truth, line, i));
		expected.flagged += errors > 0;
		if (errors)
			expected.corrected[errors]++;
	}
	rig_push(rig);
	struct kernel_report report = rig_run_all(rig, KERNEL_CORRECT, 4);
	assert_report(&report, &expected);
	assert_region(rig, rig->truth);
	free_rs_char(libfec);
	rig_free(rig);
}

/* As far from WORD as ERRORS of the nine bytes in which a codeword differs from the next. */
static void step_aside(uint8_t *word, unsigned symbols, unsigned errors, uint64_t *random)
{
	unsigned positions[9], count = 0;
	uint8_t values[9];
	while (count < 9) {
		unsigned position = (unsigned)(reference_random(random) >> 32) % symbols;
		bool again = false;
		for (unsigned i = 0; i < count; i++)
			again |= positions[i] == position;
		if (!again)
			positions[count++] = position;
	}
	reference_nearest_codeword(positions, symbols, values);
	for (unsigned i = 0; i < errors; i++)
		word[positions[i]] ^= values[i];
}

static void test_the_reference_agrees_with_libfec(void **state)
{
	enum rs_code code = *(enum rs_code *)*state;
	unsigned data_bytes = rs_data_per_line(code), symbols = data_bytes + 8;
	void *libfec = init_rs_char(8, 0x11d, 1, 1, 8, 255 - (int)symbols);
	uint64_t random = 30;
	unsigned corrected = 0, mistaken = 0, lost = 0;
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t sent[136], word[136], expected[136];
		unsigned errors = round % 10;
		for (unsigned i = 0; i < data_bytes; i++)
			sent[i] = (uint8_t)(reference_random(&random) >> 56);
		encode_rs_char(libfec, sent, sent + data_bytes);
		memcpy(word, sent, symbols);
		if (round / 10 % 2)
			step_aside(word, symbols, errors, &random);
		for (unsigned i = 0; i < errors && round / 10 % 2 == 0; i++)
			word[reference_random(&random) % symbols] ^= random >> 56;
		memcpy(expected, word, symbols);
		int by_libfec = decode_rs_char(libfec, expected, NULL, 0);
		/* It has several negative numbers for lost lines. */
		assert_int_equal(
			reference_decode(word, symbols, 4), by_libfec < 0 ? -1 : by_libfec);
		if (by_libfec >= 0)
			assert_memory_equal(word, expected, symbols);
		lost += by_libfec < 0;
		corrected += by_libfec > 0 && memcmp(word, sent, symbols) == 0;
		mistaken += by_libfec > 0 && memcmp(word, sent, symbols) != 0;
	}
	/* All of that did occur. */
	assert_true(corrected > 5000 && mistaken > 2000 && lost > 2000);
	free_rs_char(libfec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_libfec_agrees), RIG_TEST(test_the_reference_agrees_with_libfec)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
