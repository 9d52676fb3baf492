/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Which form of the kernels a GPU gets, by its compute capability, and the grids of their launches.
 */
#include "device/cuda-variants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const char *chosen(unsigned capability, const char *wanted)
{
	const struct cuda_variant *variant;
	struct why why;

	return cuda_variant_choose(capability, wanted, &variant, &why) ? "none" : variant->name;
}

static void capability_decides(void **state)
{
	static const struct {
		unsigned capability;
		const char *name;
	} table[] = {
		{50, "portable"}, /* Maxwell */
		{61, "portable"}, /* Pascal */
		{70, "tables"},   /* Volta: tensor cores, but not for bits */
		{75, "tables"},   /* Turing: for bits, in another shape */
		{80, "tensor"},   /* Ampere */
		{86, "tensor"},   /* Ampere */
		{89, "tensor"},   /* Ada Lovelace */
		{90, "tensor"},   /* Hopper */
		{100, "tables"},  /* Blackwell: by other instructions, and many */
		{103, "tables"},  /* Blackwell */
		{120, "tables"},  /* Blackwell */
		{130, "tables"},  /* unknown yet */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_string_equal(chosen(table[i].capability, NULL), table[i].name);
		assert_string_equal(chosen(table[i].capability, ""), table[i].name);
	}
}

static void a_name_decides(void **state)
{
	const struct cuda_variant *variant;
	struct why why;

	(void)state;
	assert_string_equal(chosen(90, "portable"), "portable");
	assert_string_equal(chosen(120, "tensor"), "tensor"); /* slow, but it runs */
	assert_int_equal(cuda_variant_choose(75, "tensor", &variant, &why), -ENODEV);
	assert_non_null(strstr(why.text, "8.0"));
	assert_non_null(strstr(why.text, "7.5"));
	/* Of one name the best that runs. */
	assert_int_equal(cuda_variant_choose(90, "tables", &variant, &why), 0);
	assert_int_equal(variant->lowest, 80);
	assert_int_equal(cuda_variant_choose(75, "tables", &variant, &why), 0);
	assert_int_equal(variant->lowest, 70);
	assert_int_equal(cuda_variant_choose(61, "tables", &variant, &why), -ENODEV);
	assert_non_null(strstr(why.text, "7.0"));
	assert_int_equal(cuda_variant_choose(90, "tens", &variant, &why), -EINVAL);
	assert_non_null(strstr(why.text, "tensor, tables and portable"));
}

static void the_last_resort_is_portable(void **state)
{
	const struct cuda_variant *variant;
	struct why why;

	(void)state;
	assert_int_equal(cuda_variant_choose(90, NULL, &variant, &why), 0);
	variant = cuda_variant_next(variant, 90);
	assert_string_equal(variant->name, "tables");
	variant = cuda_variant_next(variant, 90);
	assert_string_equal(variant->name, "portable");
	assert_null(cuda_variant_next(variant, 90));
}

static void assert_grid(const char *name, enum kernel kernel, unsigned tiles, unsigned expected,
	unsigned expected_lanes)
{
	const struct cuda_variant *variant;
	unsigned groups, lanes;
	struct why why;

	assert_int_equal(cuda_variant_choose(90, name, &variant, &why), 0);
	cuda_variant_grid(variant, kernel, tiles, 132 * variant->sweep_groups, &groups, &lanes);
	assert_int_equal(groups, expected);
	assert_int_equal(lanes, expected_lanes);
}

static void a_sweep_takes_half_of_the_gpu(void **state)
{
	(void)state;
	assert_grid("tensor", KERNEL_ENCODE, 1, 1, 128);
	assert_grid("tensor", KERNEL_VERIFY, 16, 16, 128);
	assert_grid("tensor", KERNEL_CORRECT, 18, 18, 128);
	assert_grid("tensor", KERNEL_REFRESH, 1u << 20, 264, 128);
	assert_grid("tensor", KERNEL_STREAM, 1u << 20, 264, 128);
	assert_grid("tensor", KERNEL_READ, 4096, 4096, KERNEL_LANES);
	assert_grid("tensor", KERNEL_INJECT, 4096, 4096, KERNEL_LANES);
	assert_grid("tables", KERNEL_ENCODE, 18, 18, 128);
	assert_grid("tables", KERNEL_VERIFY, 1u << 20, 330, 128);
	assert_grid("tables", KERNEL_WRITE, 4096, 4096, KERNEL_LANES);
	assert_grid("portable", KERNEL_ENCODE, 4096, 4096, KERNEL_LANES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capability_decides),
		cmocka_unit_test(a_name_decides),
		cmocka_unit_test(the_last_resort_is_portable),
		cmocka_unit_test(a_sweep_takes_half_of_the_gpu),
	};

	return cmocka_run_group_tests_name("cuda-variants", tests, NULL, NULL);
}
