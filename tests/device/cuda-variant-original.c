/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* A program that brings kernels of its own has them as one more variant, by name only; and those
 * of bench/original-method.c are all there. */
#include "device/cuda-variants.h"
#include "device/kernel-names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void only_its_name_chooses_it(void **state)
{
	const struct cuda_variant *variant;
	struct why why;

	(void)state;
	for (unsigned capability = 50; capability <= 130; capability += 5) {
		assert_int_equal(cuda_variant_choose(capability, NULL, &variant, &why), 0);
		for (; variant; variant = cuda_variant_next(variant, capability))
			assert_string_not_equal(variant->name, "original");
	}
	assert_int_equal(cuda_variant_choose(50, "original", &variant, &why), 0);
	assert_string_equal(variant->name, "original");
	assert_null(cuda_variant_next(variant, 50));
	assert_int_equal(cuda_variant_choose(90, "portable", &variant, &why), 0);
	assert_string_equal(variant->name, "portable");
	assert_int_equal(cuda_variant_choose(90, "orig", &variant, &why), -EINVAL);
	assert_non_null(strstr(why.text, "original"));
}

static void a_tile_is_a_group(void **state)
{
	unsigned groups, lanes;

	(void)state;
	cuda_variant_grid(&cuda_variant_brought, KERNEL_ENCODE, 4096, 132, &groups, &lanes);
	assert_int_equal(groups, 4096);
	assert_int_equal(lanes, KERNEL_LANES);
}

static void all_kernels_are_there(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KERNEL_COUNT; i++) {
		char entry[64];

		snprintf(entry, sizeof(entry), ".visible .entry %s(", kernel_names[i]);
		assert_non_null(strstr(cuda_variant_brought.ptx, entry));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_its_name_chooses_it),
		cmocka_unit_test(a_tile_is_a_group),
		cmocka_unit_test(all_kernels_are_there),
	};

	return cmocka_run_group_tests_name("cuda-variant-original", tests, NULL, NULL);
}
