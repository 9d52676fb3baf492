/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Sizes as users write them, and as they are written for users.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/size.h"

static void parses_numbers_with_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{"1", 1},
		{"4096", 4096},
		{"4096B", 4096},
		{"4k", 4 * KIB},
		{"4K", 4 * KIB},
		{"4KB", 4 * KIB},
		{"4KiB", 4 * KIB},
		{"4kib", 4 * KIB},
		{"512M", 512 * MIB},
		{"1.5G", 3 * GIB / 2},
		{"0.5K", 512},
		{"64GiB", 64 * GIB},
		{"2T", 2048 * GIB},
		{"0100", 100},
		{"18446744073709551615", UINT64_MAX},
		{"16777215T", 16777215ull * 1024 * GIB},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct size_spec spec;

		if (size_parse(cases[i].text, &spec, NULL))
			fail_msg("'%s' is refused", cases[i].text);
		assert_int_equal(spec.kind, SIZE_BYTES);
		assert_int_equal(spec.bytes, cases[i].bytes);
	}
}

static void parses_shares_and_max(void **state)
{
	struct size_spec spec;

	(void)state;
	assert_int_equal(size_parse("50%", &spec, NULL), 0);
	assert_int_equal(spec.kind, SIZE_PERCENT);
	assert_int_equal(spec.percent, 50);
	assert_int_equal(size_parse("1%", &spec, NULL), 0);
	assert_int_equal(spec.percent, 1);
	assert_int_equal(size_parse("100%", &spec, NULL), 0);
	assert_int_equal(spec.percent, 100);
	assert_int_equal(size_parse("max", &spec, NULL), 0);
	assert_int_equal(spec.kind, SIZE_MAX_AVAILABLE);
}

static void refuses_nonsense_and_leaves_the_result_alone(void **state)
{
	static const char *const cases[] = {"", " ", "-1", "+1", " 1", "1 ", "1x", "x1", "0x10",
		"1e3", "1E3", "1p3", "inf", "nan", "NaN", "max ", "MAX", "1.2.3", ".5G", "G", "1Gi",
		"1GiBB", "1GG", "1 G", "1,5G", "0", "0G", "0.1", "0%", "101%", "1.5%", "-5%", "%",
		"50%%", "50 %", "1\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct size_spec spec = {.kind = SIZE_BYTES, .bytes = 77};
		struct why why = {""};

		if (size_parse(cases[i], &spec, &why) != -EINVAL)
			fail_msg("'%s' is not refused as it should be", cases[i]);
		assert_int_equal(spec.bytes, 77);
		assert_true(strlen(why.text) > 0);
	}
}

static void refuses_more_than_64_bits_as_out_of_range(void **state)
{
	static const char *const cases[] = {
		"18446744073709551616", "16777216T", "99999999999999999999999999999999999999G"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct size_spec spec;
		struct why why = {""};

		assert_int_equal(size_parse(cases[i], &spec, &why), -ERANGE);
		assert_true(strlen(why.text) > 0);
	}
}

static void formats_for_people(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1 KiB"},
		{128 * KIB, "128 KiB"},
		{3 * GIB / 2, "1.50 GiB"},
		{UINT64_MAX, "16 EiB"},
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(size_format(cases[i].bytes, text, sizeof(text)), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_numbers_with_units),
		cmocka_unit_test(parses_shares_and_max),
		cmocka_unit_test(refuses_nonsense_and_leaves_the_result_alone),
		cmocka_unit_test(refuses_more_than_64_bits_as_out_of_range),
		cmocka_unit_test(formats_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
