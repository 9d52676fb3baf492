/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Phil Karn's libfec as oracle: the same parity for 100,000 random lines, and the same repairs of
 * them with 0 to 4 errors. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {RIG_TEST(test_libfec_agrees)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
