/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Selectors, on whatever this machine has: what they must do follows from the list of devices. */
#include "device/device.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct device_info *list;
static size_t list_count;

static int list_open(void **state)
{
	(void)state;
	return device_list(&list, &list_count);
}

static int list_close(void **state)
{
	(void)state;
	free(list);
	return 0;
}

static const struct device_info *first_usable(enum device_kind kind, bool gpu_only)
{
	for (size_t i = 0; i < list_count; i++) {
		if (list[i].kind == kind && !list[i].unusable[0] && (list[i].gpu || !gpu_only))
			return &list[i];
	}
	return NULL;
}

/* SELECTOR opens EXPECTED, or, where that is NULL, nothing, and says what to do. */
static void expect(const char *selector, const struct device_info *expected)
{
	struct device *device = NULL;
	struct why why = {""};
	int err = device_open(selector, &device, &why);

	if (expected) {
		if (err)
			fail_msg("%s: %s", selector, why.text);
		assert_int_equal(device_info(device)->kind, expected->kind);
		assert_int_equal(device_info(device)->number, expected->number);
		assert_string_equal(device_info(device)->name, expected->name);
		device_close(device);
		return;
	}
	assert_int_equal(err, -ENODEV);
	assert_null(device);
	assert_true(strlen(why.text) > 20);
	assert_null(strchr(why.text, '\n'));
}

static void every_kind_is_listed_in_order(void **state)
{
	bool seen[3] = {false};

	(void)state;
	for (size_t i = 0; i < list_count; i++) {
		const struct device_info *info = &list[i];

		assert_true((unsigned)info->kind < 3);
		seen[info->kind] = true;
		if (i)
			assert_true(list[i - 1].kind <= info->kind);
		if (info->unusable[0]) {
			assert_null(strchr(info->unusable, '\n'));
			continue;
		}
		assert_true(info->name[0]);
		assert_true(info->driver[0]);
		assert_true(info->processors > 0);
		assert_true(info->memory_bytes > 0);
		assert_true(info->free_bytes <= info->memory_bytes);
	}
	assert_true(seen[DEVICE_CUDA] && seen[DEVICE_OPENCL] && seen[DEVICE_HOST]);
}

static void the_host_is_a_device_only_when_named(void **state)
{
	const struct device_info *host = first_usable(DEVICE_HOST, false);
	const struct device_info *gpu = first_usable(DEVICE_CUDA, true);
	struct device *device;
	struct why why = {""};

	(void)state;
	assert_non_null(host);
	assert_false(host->gpu);
	assert_true(host->unified);
	expect("host", host);
	expect("host:0", host);
	expect("host:1", NULL);
	if (!gpu)
		gpu = first_usable(DEVICE_OPENCL, true);
	expect("auto", gpu);
	expect("gpu", gpu);
	if (!gpu) {
		assert_int_equal(device_open("auto", &device, &why), -ENODEV);
		assert_non_null(strstr(why.text, "--device host"));
		assert_non_null(strstr(why.text, "CUDA"));
		assert_non_null(strstr(why.text, "OpenCL"));
	}
}

static void kinds_and_numbers_select(void **state)
{
	const struct device_info *cuda = first_usable(DEVICE_CUDA, false);
	const struct device_info *opencl = first_usable(DEVICE_OPENCL, false);

	(void)state;
	expect("cuda", cuda);
	expect("opencl", opencl);
	if (!list[0].unusable[0])
		expect("0", &list[0]);
	else if (!cuda && opencl && opencl->number == 0)
		expect("0", opencl);
	expect("cuda:999", NULL);
	expect("opencl:999", NULL);
	expect("999", NULL);
	if (opencl && opencl->number == 0)
		expect("opencl:0", opencl);
}

static void identities_select(void **state)
{
	(void)state;
	for (size_t i = 0; i < list_count; i++) {
		/* A GPU that OpenCL offers, too, is CUDA's. */
		if (list[i].unusable[0] || list[i].kind != DEVICE_CUDA)
			continue;
		expect(list[i].uuid, &list[i]);
		expect(list[i].pci, &list[i]);
	}
	expect("GPU-ffffffff-ffff-ffff-ffff-fffffffffff0", NULL);
	expect("ff:1f.7", NULL);
	expect("0000:ff:1f.7", NULL);
}

static void malformed_selectors_are_refused_with_the_right_ones(void **state)
{
	static const char *const wrong[] = {"", " ", "cuda:", "cuda:x", "cuda:-1", "cuda0",
		"CUDA:0", "host:", "opencl:1:2", "vulkan", "12345678901", "-1", "0x1", "GPU-",
		"3b:00", "3b:00.0 ", "3b:00.00", "g0:00.0", "::.", "0000:3b:00.0.1",
		"a name that is so long that no device could ever have it, whatever its vendor"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct device *device = NULL;
		struct why why = {""};
		int err = device_open(wrong[i], &device, &why);

		if (err != -EINVAL)
			fail_msg("'%s' gives %d", wrong[i], err);
		assert_null(device);
		assert_non_null(strstr(why.text, "opencl:N"));
	}
}

static void closing_nothing_is_allowed(void **state)
{
	(void)state;
	device_close(NULL);
	device_memory_free(NULL);
	device_pinned_free(NULL);
	device_queue_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_listed_in_order),
		cmocka_unit_test(the_host_is_a_device_only_when_named),
		cmocka_unit_test(kinds_and_numbers_select),
		cmocka_unit_test(identities_select),
		cmocka_unit_test(malformed_selectors_are_refused_with_the_right_ones),
		cmocka_unit_test(closing_nothing_is_allowed),
	};

	return cmocka_run_group_tests_name("device-select", tests, list_open, list_close);
}
