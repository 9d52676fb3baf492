/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* What rs.h says of the codes, against the constants that device code has. */
#include "kernels/abi.h"
#include "rs/rs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_names(void **state)
{
	(void)state;
	enum rs_code code;
	static const enum rs_code all[] = {RS_136, RS_128, RS_NONE};
	for (unsigned i = 0; i < 3; i++) {
		assert_true(rs_code_by_name(rs_code_name(all[i]), &code));
		assert_int_equal(code, all[i]);
	}
	assert_string_equal(rs_code_name(RS_136), "rs136");
	code = RS_128;
	assert_false(rs_code_by_name("rs255", &code));
	assert_false(rs_code_by_name("", &code));
	assert_int_equal(code, RS_128);
}

static void test_payload_of_a_block(void **state)
{
	(void)state;
	assert_int_equal(rs_block_payload(RS_136), 131072);
	assert_int_equal(rs_block_payload(RS_128), 122880);
	assert_int_equal(rs_block_payload(RS_NONE), 131072);
	assert_int_equal(rs_data_per_line(RS_128) + KERNEL_PARITY_BYTES, KERNEL_LINE_BYTES);
	assert_int_equal(rs_data_per_line(RS_136), KERNEL_LINE_BYTES);
}

static void test_parity_lies_behind_the_data(void **state)
{
	(void)state;
	assert_int_equal(rs_parity_base(RS_136, 10), 10 * KERNEL_BLOCK_BYTES);
	assert_int_equal(rs_parity_pitch(RS_136), KERNEL_PARITY_BYTES);
	assert_int_equal(rs_parity_base(RS_128, 10), 120);
	assert_int_equal(rs_parity_pitch(RS_128), KERNEL_LINE_BYTES);
	assert_int_equal(rs_parity_pitch(RS_NONE), 0);
}

static void test_blocks_in_a_region(void **state)
{
	(void)state;
	static const enum rs_code all[] = {RS_136, RS_128, RS_NONE};
	assert_int_equal(rs_region_bytes(RS_136, 1), KERNEL_BLOCK_BYTES + 8192);
	assert_int_equal(rs_region_bytes(RS_128, 1), KERNEL_BLOCK_BYTES);
	for (unsigned i = 0; i < 3; i++) {
		for (uint64_t blocks = 1; blocks < (1ull << 24); blocks = blocks * 3 + 1) {
			uint64_t bytes = rs_region_bytes(all[i], blocks);
			assert_int_equal(rs_blocks_in(all[i], bytes), blocks);
			assert_int_equal(rs_blocks_in(all[i], bytes - 1), blocks - 1);
			/* The last line's parity ends with the region or inside it. */
			if (rs_parity_pitch(all[i]))
				assert_int_equal(rs_parity_base(all[i], blocks) +
							 (blocks * KERNEL_BLOCK_LINES - 1) *
								 rs_parity_pitch(all[i]) +
							 KERNEL_PARITY_BYTES,
					bytes);
		}
	}
	assert_int_equal(rs_blocks_in(RS_136, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_payload_of_a_block),
		cmocka_unit_test(test_parity_lies_behind_the_data),
		cmocka_unit_test(test_blocks_in_a_region),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
