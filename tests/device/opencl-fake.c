/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The OpenCL backend on the library of fake-opencl.c: what it says of devices that can't be used,
 * what becomes of launches that fail, and that nothing is left behind whatever fails.
 */
#include "rig.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static int objects(void)
{
	void *library = dlopen("libOpenCL.so.1", RTLD_NOW);
	int (*count)(void) = (int (*)(void))dlsym(library, "fake_opencl_objects");

	if (!count)
		fail_msg("LD_LIBRARY_PATH does not lead to the fake library");
	return count();
}

static const char *built_with(void)
{
	void *library = dlopen("libOpenCL.so.1", RTLD_NOW);
	const char *(*options)(void) = (const char *(*)(void))dlsym(library, "fake_opencl_options");

	assert_non_null(options);
	return options();
}

static void set_mode(const char *mode)
{
	setenv("FAKE_OPENCL", mode, 1);
}

static int end_test(void **state)
{
	(void)state;
	set_mode("");
	return objects() == 0 ? 0 : -1;
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not say '%s'", text, part);
}

/* device_list() says REASON of the first OpenCL device, and it can't be opened for that. */
static void assert_unusable(const char *mode, const char *reason)
{
	struct device_info *list;
	size_t count, first = 0;
	struct device *device = NULL;
	struct why why = {""};

	set_mode(mode);
	assert_int_equal(device_list(&list, &count), 0);
	while (list[first].kind != DEVICE_OPENCL)
		first++;
	assert_contains(list[first].unusable, reason);
	free(list);
	assert_int_equal(device_open("opencl:0", &device, &why), -ENODEV);
	assert_contains(why.text, reason);
	assert_int_equal(device_open("opencl", &device, &why), -ENODEV);
	assert_contains(why.text, reason);
	assert_contains(why.text, "--device host");
	assert_null(device);
}

static void unusable_devices_are_listed_with_the_reason(void **state)
{
	(void)state;
	assert_unusable("no-platforms", "no OpenCL driver offers a device");
	assert_unusable("no-devices", "no OpenCL driver offers a device");
	assert_unusable("too-old", "OpenCL 1.1 and 1.2 is needed");
	assert_unusable("no-compiler", "no compiler");
	assert_unusable("big-endian", "big-endian");
	assert_unusable("narrow", "fewer than 64");
}

static void assert_open_fails(const char *mode, const char *reason)
{
	struct device *device = NULL;
	struct why why = {""};

	set_mode(mode);
	assert_int_equal(device_open("opencl:1", &device, &why), -EIO);
	assert_null(device);
	assert_contains(why.text, "opencl:1");
	assert_contains(why.text, reason);
	assert_null(strchr(why.text, '\n'));
	assert_int_equal(objects(), 0);
}

static void failures_to_open_are_explained(void **state)
{
	(void)state;
	assert_open_fails("no-context", "CL_DEVICE_NOT_AVAILABLE");
	assert_open_fails("build-fails", "fake.cl:7: error: no such thing;");
	assert_open_fails("kernel-missing", "vramfs_copy");
	assert_open_fails("enqueue-fails", "vramfs_encode");
}

/* In MODE, the form of the kernels called KERNELS, or if NULL the device's own, is EXPECTED. */
static void assert_kernels(const char *mode, const char *kernels, const char *expected)
{
	struct device *device;
	struct why why = {""};

	set_mode(mode);
	if (device_open_kernels("opencl:1", kernels, &device, &why))
		fail_msg("%s: %s", mode, why.text);
	assert_contains(device_info(device)->driver, expected);
	assert_int_equal(!strcmp(expected, ", slices kernels"),
		strstr(built_with(), "-DPARITY_BY_SLICES") != NULL);
	device_close(device);
}

static void kernels_are_chosen_by_the_device_or_by_name(void **state)
{
	struct device *device = NULL;
	struct why why = {""};

	(void)state;
	assert_kernels("", NULL, ", planes kernels");
	assert_kernels("processors", NULL, ", slices kernels");
	assert_kernels("", "slices", ", slices kernels");
	assert_kernels("processors", "planes", ", planes kernels");
	setenv("VRAMFS_KERNELS_OPENCL", "planes", 1);
	assert_kernels("processors", NULL, ", planes kernels");
	assert_kernels("processors", "slices", ", slices kernels");
	setenv("VRAMFS_KERNELS_OPENCL", "", 1);
	assert_kernels("processors", NULL, ", slices kernels");
	setenv("VRAMFS_KERNELS_OPENCL", "tensor", 1);
	assert_int_equal(device_open("opencl:1", &device, &why), -EINVAL);
	assert_contains(why.text, "'tensor'");
	assert_contains(why.text, "planes and slices");
	unsetenv("VRAMFS_KERNELS_OPENCL");
	assert_null(device);
}

static void both_forms_are_built_for_slabs(void **state)
{
	struct device *device;
	struct device_memory *memory;
	struct why why = {""};

	(void)state;
	setenv("VRAMFS_OPENCL_SLAB", "1M", 1);
	for (int processors = 0; processors < 2; processors++) {
		set_mode(processors ? "processors" : "");
		assert_int_equal(device_open("opencl:0", &device, &why), 0);
		assert_null(strstr(built_with(), "-DREGION_IN_SLABS"));
		assert_int_equal(device_memory_alloc(device, 3u << 20, &memory, &why), 0);
		assert_contains(built_with(), " -DREGION_IN_SLABS");
		assert_int_equal(processors, strstr(built_with(), " -DPARITY_BY_SLICES") != NULL);
		device_memory_free(memory);
		device_close(device);
	}
	unsetenv("VRAMFS_OPENCL_SLAB");
}

static void assert_selects(const char *selector, unsigned number)
{
	struct device *device;
	struct why why = {""};

	if (device_open(selector, &device, &why))
		fail_msg("%s: %s", selector, why.text);
	assert_int_equal(device_info(device)->kind, DEVICE_OPENCL);
	assert_int_equal(device_info(device)->number, number);
	device_close(device);
}

static void identities_select(void **state)
{
	struct device_info *list;
	struct device *device;
	struct why why = {""};
	size_t count;
	bool cuda_usable;

	(void)state;
	assert_int_equal(device_list(&list, &count), 0);
	cuda_usable = !list[0].unusable[0];
	free(list);
	assert_selects("opencl", 0);
	assert_selects("opencl:1", 1);
	assert_selects("GPU-12345678-9abc-def0-0000-000000000001", 1);
	assert_selects("gpu-12345678-9ABC-def0-0000-000000000000", 0);
	assert_selects("af:00.0", 1);
	assert_selects("AF:00.0", 1);
	assert_selects("0000:3b:00.0", 0);
	assert_selects("00000000:3b:00.0", 0);
	assert_int_equal(device_open("GPU-1234", &device, &why), -EINVAL);
	assert_contains(why.text, "opencl:0 or opencl:1");
	assert_int_equal(device_open("0001:3b:00.0", &device, &why), -ENODEV);
	assert_int_equal(device_open("opencl:2", &device, &why), -ENODEV);
	assert_contains(why.text, "opencl:1");
	if (!cuda_usable) {
		assert_selects("auto", 0);
		assert_selects("gpu", 0);
	}
}

static void memory_failures_are_explained(void **state)
{
	struct device *device;
	struct device_memory *memory;
	struct device_pinned *pinned;
	struct why why = {""};

	(void)state;
	assert_int_equal(device_open("opencl:0", &device, &why), 0);
	set_mode("no-memory");
	assert_int_equal(device_memory_alloc(device, 4096, &memory, &why), -ENOMEM);
	assert_contains(why.text, "ask for less");
	assert_int_equal(device_pinned_alloc(device, 4096, &pinned), -ENOMEM);
	set_mode("fill-fails");
	assert_int_equal(device_memory_alloc(device, 4096, &memory, &why), -ENOMEM);
	device_close(device);
}

/* Three slabs in MODE, on a device that has just been opened: they can't be had for REASON. */
static void assert_slabs_fail(const char *mode, int expected, const char *reason)
{
	struct device *device;
	struct device_memory *memory = NULL;
	struct why why = {""};
	int before;

	assert_int_equal(device_open("opencl:0", &device, &why), 0);
	before = objects();
	set_mode(mode);
	assert_int_equal(device_memory_alloc(device, 3u << 20, &memory, &why), expected);
	assert_contains(why.text, reason);
	assert_null(memory);
	assert_int_equal(objects(), before);
	set_mode("");
	assert_int_equal(device_memory_alloc(device, 3u << 20, &memory, &why), 0);
	device_memory_free(memory);
	device_close(device);
}

static void slabs_that_fail_leave_nothing_behind(void **state)
{
	(void)state;
	setenv("VRAMFS_OPENCL_SLAB", "1M", 1);
	assert_slabs_fail("no-second", -ENOMEM, "ask for less");
	assert_slabs_fail("fill-fails", -ENOMEM, "ask for less");
	assert_slabs_fail("build-fails", -EIO, "fake.cl:7: error: no such thing;");
	assert_slabs_fail("kernel-missing", -EIO, "vramfs_copy");
	assert_slabs_fail("enqueue-fails", -EIO, "vramfs_encode");
	unsetenv("VRAMFS_OPENCL_SLAB");
}

/* A driver that gives 256 MiB in one buffer gives all of its GiB. */
static void a_driver_limit_is_no_limit(void **state)
{
	struct device *device;
	struct device_memory *memory;
	struct why why = {""};

	(void)state;
	assert_int_equal(device_open("opencl:0", &device, &why), 0);
	assert_int_equal(device_info(device)->largest_alloc_bytes, 0);
	assert_int_equal(device_memory_alloc(device, (256u << 20) + 1, &memory, &why), 0);
	device_memory_free(memory);
	device_close(device);
}

/* What LAUNCH ends with in MODE: 0 if it is refused. */
static uint32_t outcome(struct rig *rig, const char *mode)
{
	struct device_launch launch = rig_launch(rig, KERNEL_WRITE, 2, 1, 0, 4096);
	uint32_t done = 0;
	int err;

	set_mode(mode);
	rig_segments(rig, 2)[0] = rig_segment(0, 0, 4096);
	err = device_launch(rig->queue, &launch);
	if (!err)
		done = device_wait(rig->queue, &rig_report(rig, 2)->done);
	else
		assert_int_equal(err, -EIO);
	assert_int_equal(rig_report(rig, 2)->done, done);
	return done;
}

static void launches_that_fail_are_known_to(void **state)
{
	struct rig *rig;

	(void)state;
	setenv("VRAMFS_TEST_DEVICE", "opencl:0", 1);
	assert_int_equal(rig_open((void **)&rig), 0);
	assert_int_equal(outcome(rig, "enqueue-fails"), 0);
	assert_int_equal(outcome(rig, "kernel-dies"), KERNEL_FAILED);
	assert_int_equal(device_queue_wait(rig->queue), -EIO);
	assert_int_equal(device_queue_wait(rig->queue), 0); /* told once */
	/* Kernels that have not run don't pass for ones that have. */
	assert_int_equal(outcome(rig, ""), KERNEL_FAILED);
	assert_int_equal(outcome(rig, "callback-late"), KERNEL_FAILED);
	assert_int_equal(device_queue_wait(rig->queue), -EIO);

	set_mode("kernel-dies");
	assert_int_equal(device_copy_in(rig->queue, rig->region, 0, rig->payload, 0, 4096), 0);
	assert_int_equal(device_queue_wait(rig->queue), -EIO);
	set_mode("");
	assert_int_equal(device_copy_in(rig->queue, rig->region, 0, rig->payload, 0, 4096), 0);
	assert_int_equal(device_queue_wait(rig->queue), 0);
	rig_close((void **)&rig);
}

/* A copy in several pieces, each of which fails, has failed once. */
static void copies_to_slabs_that_fail_are_known_to(void **state)
{
	struct rig *rig;

	(void)state;
	setenv("VRAMFS_TEST_DEVICE", "opencl:0", 1);
	setenv("VRAMFS_OPENCL_SLAB", "256K", 1);
	assert_int_equal(rig_open((void **)&rig), 0);
	set_mode("kernel-dies");
	assert_int_equal(
		device_copy_in(rig->queue, rig->region, 1, rig->payload, 0, RIG_PAYLOAD_BYTES), 0);
	assert_int_equal(device_queue_wait(rig->queue), -EIO);
	assert_int_equal(device_queue_wait(rig->queue), 0);
	set_mode("");
	assert_int_equal(
		device_copy_in(rig->queue, rig->region, 1, rig->payload, 0, RIG_PAYLOAD_BYTES), 0);
	assert_int_equal(device_queue_wait(rig->queue), 0);
	rig_close((void **)&rig);
	unsetenv("VRAMFS_OPENCL_SLAB");
}

/* A queue is freed while its last callback is still to come. */
static void late_callbacks_find_their_queue(void **state)
{
	struct rig *rig;
	struct device_launch launch;

	(void)state;
	setenv("VRAMFS_TEST_DEVICE", "opencl:0", 1);
	assert_int_equal(rig_open((void **)&rig), 0);
	set_mode("callback-late");
	launch = rig_launch(rig, KERNEL_VERIFY, 0, 1, 0, 0);
	assert_int_equal(device_launch(rig->queue, &launch), 0);
	device_queue_free(rig->queue);
	assert_int_equal(rig_report(rig, 0)->done, KERNEL_FAILED);
	rig->queue = NULL;
	rig_close((void **)&rig);
}

/* Segments that name bytes behind the payload would have staging write behind it. */
static void segments_beyond_the_payload_are_refused(void **state)
{
	struct rig *rig;
	struct device_launch launch;

	(void)state;
	setenv("VRAMFS_TEST_DEVICE", "opencl:0", 1);
	assert_int_equal(rig_open((void **)&rig), 0);
	launch = rig_launch(rig, KERNEL_READ, 0, 1, 0, 4096);
	rig_segments(rig, 0)[0] = rig_segment(0, 0, 4096);
	rig_segments(rig, 0)[0].payload = 1;
	assert_int_equal(device_launch(rig->queue, &launch), -EINVAL);
	rig_segments(rig, 0)[0].payload = UINT32_MAX;
	assert_int_equal(device_launch(rig->queue, &launch), -EINVAL);
	rig_close((void **)&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(unusable_devices_are_listed_with_the_reason, end_test),
		cmocka_unit_test_teardown(failures_to_open_are_explained, end_test),
		cmocka_unit_test_teardown(kernels_are_chosen_by_the_device_or_by_name, end_test),
		cmocka_unit_test_teardown(both_forms_are_built_for_slabs, end_test),
		cmocka_unit_test_teardown(identities_select, end_test),
		cmocka_unit_test_teardown(memory_failures_are_explained, end_test),
		cmocka_unit_test_teardown(slabs_that_fail_leave_nothing_behind, end_test),
		cmocka_unit_test_teardown(a_driver_limit_is_no_limit, end_test),
		cmocka_unit_test_teardown(launches_that_fail_are_known_to, end_test),
		cmocka_unit_test_teardown(copies_to_slabs_that_fail_are_known_to, end_test),
		cmocka_unit_test_teardown(late_callbacks_find_their_queue, end_test),
		cmocka_unit_test_teardown(segments_beyond_the_payload_are_refused, end_test),
	};

	return cmocka_run_group_tests_name("device-opencl-fake", tests, NULL, NULL);
}
