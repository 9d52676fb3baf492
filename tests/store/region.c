/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/* How large a region is made of what a user asks for, and what is said when that can't be. */
#include "store/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const struct device_info gpu = {.gpu = true, .memory_bytes = 64 * GIB};
static const struct device_info small_gpu = {.gpu = true, .memory_bytes = 4 * GIB};
static const struct device_info host = {.memory_bytes = 16 * GIB};

static struct store_options options(enum rs_code code, struct size_spec size)
{
	return (struct store_options){.code = code, .size = size, .max_correct = 4};
}

static struct size_spec bytes(uint64_t count)
{
	return (struct size_spec){.kind = SIZE_BYTES, .bytes = count};
}

static void the_region_fits_in_what_was_asked_for(void **context)
{
	static const enum rs_code codes[] = {RS_136, RS_128, RS_NONE};

	(void)context;
	for (unsigned i = 0; i < 3; i++) {
		struct store_options wanted = options(codes[i], bytes(GIB + 12345));
		struct store_geometry geometry;

		assert_int_equal(region_plan(&gpu, 60 * GIB, &wanted, &geometry, NULL), 0);
		assert_true(geometry.region_bytes <= GIB + 12345);
		assert_true(geometry.region_bytes + 2 * 139264 > GIB + 12345);
		assert_int_equal(geometry.region_bytes, rs_region_bytes(codes[i], geometry.blocks));
		assert_int_equal(geometry.code, codes[i]);
		assert_int_equal(geometry.max_correct, 4);
		assert_int_equal(geometry.block_payload, codes[i] == RS_128 ? 122880 : 131072);
		assert_int_equal(geometry.line_payload, codes[i] == RS_128 ? 120 : 128);
	}
}

static void one_block_is_enough_and_less_is_not(void **context)
{
	struct store_options wanted = options(RS_136, bytes(139264));
	struct store_geometry geometry;
	struct why why;

	(void)context;
	assert_int_equal(region_plan(&gpu, 60 * GIB, &wanted, &geometry, &why), 0);
	assert_int_equal(geometry.blocks, 1);
	wanted.size.bytes--;
	assert_int_equal(region_plan(&gpu, 60 * GIB, &wanted, &geometry, &why), -EINVAL);
	assert_non_null(strstr(why.text, "--size 136K"));
}

static void a_percentage_is_of_what_max_takes(void **context)
{
	struct store_options wanted =
		options(RS_NONE, (struct size_spec){.kind = SIZE_PERCENT, .percent = 25});
	struct store_geometry geometry;

	(void)context;
	assert_int_equal(region_plan(&gpu, 61 * GIB, &wanted, &geometry, NULL), 0);
	assert_int_equal(geometry.region_bytes, 15 * GIB);
	/* Others have most of it: the share is of what they left. */
	assert_int_equal(region_plan(&gpu, 9 * GIB, &wanted, &geometry, NULL), 0);
	assert_int_equal(geometry.region_bytes, 2 * GIB);
	/* All of it is what max takes, and can be had. */
	wanted.size.percent = 100;
	assert_int_equal(region_plan(&gpu, 9 * GIB, &wanted, &geometry, NULL), 0);
	assert_int_equal(geometry.region_bytes, 8 * GIB);
}

static void max_leaves_headroom_to_others(void **context)
{
	struct store_options wanted =
		options(RS_NONE, (struct size_spec){.kind = SIZE_MAX_AVAILABLE});
	struct store_geometry geometry;

	(void)context;
	assert_int_equal(region_plan(&gpu, 60 * GIB, &wanted, &geometry, NULL), 0);
	assert_int_equal(geometry.region_bytes, 59 * GIB); /* 1/64 */
	assert_int_equal(region_plan(&small_gpu, 4 * GIB, &wanted, &geometry, NULL), 0);
	assert_int_equal(geometry.region_bytes, 4 * GIB - 256 * MIB);
	assert_int_equal(region_plan(&host, 10 * GIB, &wanted, &geometry, NULL), 0);
	assert_int_equal(geometry.region_bytes, 8 * GIB); /* 1/8 */
}

static void too_large_says_how_much_can_be_had(void **context)
{
	struct store_options wanted = options(RS_136, bytes(3 * GIB));
	struct store_geometry geometry = {.blocks = 42};
	struct why why;

	(void)context;
	assert_int_equal(region_plan(&small_gpu, 2 * GIB, &wanted, &geometry, &why), -ENOMEM);
	assert_int_equal(geometry.blocks, 42);
	assert_non_null(strstr(why.text, "3 GiB"));
	assert_non_null(strstr(why.text, "2 GiB free"));
	assert_non_null(strstr(why.text, "1.75 GiB can be had"));
	assert_non_null(strstr(why.text, "--size 1792M"));

	/* What it says can be had. */
	wanted.size = bytes(1792 * MIB);
	assert_int_equal(region_plan(&small_gpu, 2 * GIB, &wanted, &geometry, &why), 0);
}

static void a_driver_may_allow_less_than_is_free(void **context)
{
	struct device_info info = small_gpu;
	struct store_options wanted = options(RS_NONE, bytes(2 * GIB));
	struct store_geometry geometry;
	struct why why;

	(void)context;
	info.largest_alloc_bytes = GIB;
	assert_int_equal(region_plan(&info, 4 * GIB, &wanted, &geometry, &why), -ENOMEM);
	assert_non_null(strstr(why.text, "its driver allows no more"));
	assert_non_null(strstr(why.text, "--size 1024M"));
	wanted.size.kind = SIZE_MAX_AVAILABLE;
	assert_int_equal(region_plan(&info, 4 * GIB, &wanted, &geometry, &why), 0);
	assert_int_equal(geometry.region_bytes, GIB);
}

static void a_full_device_says_so(void **context)
{
	struct store_options wanted =
		options(RS_136, (struct size_spec){.kind = SIZE_MAX_AVAILABLE});
	struct store_geometry geometry;
	struct why why;

	(void)context;
	assert_int_equal(region_plan(&small_gpu, 100 * MIB, &wanted, &geometry, &why), -ENOMEM);
	assert_non_null(strstr(why.text, "100 MiB free"));
	wanted.size = bytes(10 * MIB);
	assert_int_equal(region_plan(&small_gpu, 0, &wanted, &geometry, &why), -ENOMEM);
	wanted.size = bytes(UINT64_MAX);
	assert_int_equal(region_plan(&gpu, 60 * GIB, &wanted, &geometry, &why), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_region_fits_in_what_was_asked_for),
		cmocka_unit_test(one_block_is_enough_and_less_is_not),
		cmocka_unit_test(a_percentage_is_of_what_max_takes),
		cmocka_unit_test(max_leaves_headroom_to_others),
		cmocka_unit_test(too_large_says_how_much_can_be_had),
		cmocka_unit_test(a_driver_may_allow_less_than_is_free),
		cmocka_unit_test(a_full_device_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
