/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The CUDA backend on the fake driver of fake-cuda.c: what it finds, what it says when the driver
 * is broken, how it launches, and what becomes of a job whose device dies. The fake ends the
 * process when a call breaks the driver's rules or when a context is closed with objects left.
 */
#include "device/backend.h"
#include "fake-cuda.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGION_BLOCKS 4u
#define DATA_BYTES (REGION_BLOCKS * (uint64_t)KERNEL_BLOCK_BYTES)
#define REGION_BYTES (DATA_BYTES / 16 * 17)
#define CONTROL_BYTES 4096u

static struct fake_cuda *fake;

/* What most tests need of a device. */
struct rig {
	struct device *device;
	struct device_memory *region, *scratch;
	struct device_pinned *control;
	struct device_queue *queue;
};

static void rig_open(struct rig *rig, const char *selector)
{
	struct why why;

	if (device_open(selector, &rig->device, &why))
		fail_msg("%s", why.text);
	assert_int_equal(device_memory_alloc(rig->device, REGION_BYTES, &rig->region, NULL), 0);
	assert_int_equal(
		device_memory_alloc(rig->device, KERNEL_SCRATCH_WORDS * 4, &rig->scratch, NULL), 0);
	assert_int_equal(device_pinned_alloc(rig->device, CONTROL_BYTES, &rig->control), 0);
	assert_int_equal(device_queue_new(rig->device, &rig->queue), 0);
}

static void rig_close(struct rig *rig)
{
	device_queue_free(rig->queue);
	device_pinned_free(rig->control);
	device_memory_free(rig->scratch);
	device_memory_free(rig->region);
	device_close(rig->device);
}

static struct kernel_report *rig_report(struct rig *rig)
{
	return (struct kernel_report *)rig->control->bytes;
}

static int rig_launch(struct rig *rig, enum kernel kernel, uint32_t ticket)
{
	struct device_launch launch = {
		.kernel = kernel,
		.params =
			{
				.parity_base = DATA_BYTES,
				.segments = KERNEL_WHOLE_BLOCKS,
				.seed = 7,
				.parity_pitch = KERNEL_PARITY_BYTES,
				.data_per_line = KERNEL_LINE_BYTES,
				.max_correct = 4,
				.segment_count = REGION_BLOCKS,
				.tiles_per_segment = KERNEL_BLOCK_TILES,
				.ticket = ticket,
				.inject_errors = 3,
				.inject_every = 1,
			},
		.region = rig->region,
		.scratch = rig->scratch,
		.control = rig->control,
	};

	memset(rig_report(rig), 0, sizeof(struct kernel_report));
	return device_launch(rig->queue, &launch);
}

/* Launch, wait and return the report. */
static struct kernel_report *rig_run(struct rig *rig, enum kernel kernel)
{
	static _Atomic uint32_t last_ticket;
	uint32_t ticket = ++last_ticket;

	assert_int_equal(rig_launch(rig, kernel, ticket), 0);
	assert_int_equal(device_wait(rig->queue, &rig_report(rig)->done), ticket);
	return rig_report(rig);
}

/* Write random lines, damage three bytes of each, and let the device find and repair them. */
static void protect_and_repair(struct rig *rig)
{
	const uint32_t lines = REGION_BLOCKS * KERNEL_BLOCK_LINES;

	rig_run(rig, KERNEL_RANDOMIZE);
	rig_run(rig, KERNEL_ENCODE);
	assert_int_equal(rig_run(rig, KERNEL_VERIFY)->flagged, 0);
	rig_run(rig, KERNEL_INJECT);
	assert_int_equal(rig_run(rig, KERNEL_VERIFY)->flagged, lines);
	assert_int_equal(rig_run(rig, KERNEL_CORRECT)->corrected[3], lines);
	assert_int_equal(rig_run(rig, KERNEL_COMPARE)->flagged, 0);
}

static const struct device_info *find_cuda(const struct device_info *list, size_t count, unsigned n)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].kind == DEVICE_CUDA && list[i].number == n)
			return &list[i];
	}
	return NULL;
}

static void devices_are_listed_without_a_context(void **state)
{
	struct device_info *list;
	const struct device_info *info;
	size_t count;

	(void)state;
	fake->retain_result = CUDA_ERROR_UNKNOWN; /* a listing that makes a context would show it */
	assert_int_equal(device_list(&list, &count), 0);
	info = find_cuda(list, count, 0);
	assert_non_null(info);
	assert_string_equal(info->name, "Fake GPU 0");
	assert_string_equal(info->uuid, "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f");
	assert_string_equal(info->pci, FAKE_CUDA_PCI_0);
	assert_string_equal(info->driver, "NVIDIA 999.12.03, CUDA 13.0");
	assert_string_equal(info->unusable, "");
	assert_int_equal(info->memory_bytes, FAKE_CUDA_MEMORY_BYTES);
	assert_int_equal(info->free_bytes, FAKE_CUDA_NVML_FREE_BYTES);
	assert_int_equal(info->processors, 132);
	assert_int_equal(info->copy_engines, 3);
	assert_int_equal(info->capability, 90);
	assert_false(info->unified);
	info = find_cuda(list, count, 1);
	assert_non_null(info);
	assert_string_equal(info->uuid, "GPU-10111213-1415-1617-1819-1a1b1c1d1e1f");
	assert_int_equal(info->free_bytes, FAKE_CUDA_MEMORY_BYTES); /* NVML does not know it */
	assert_null(find_cuda(list, count, 2));
	free(list);
}

/* The listing and opening must both fail with one line that has ADVICE in it, opening with ERR (0:
 * only device_open() can tell). The backend is asked to open by itself too: a driver can break
 * between the two. */
static void expect_unusable(int err, const char *advice)
{
	struct device *device;
	struct device_info *list;
	const struct device_info *info;
	struct why why;
	size_t count;

	assert_int_equal(device_list(&list, &count), 0);
	info = find_cuda(list, count, 0);
	assert_non_null(info);
	if (!strstr(info->unusable, advice))
		fail_msg("listed as '%s', which lacks '%s'", info->unusable, advice);
	if (err)
		assert_int_equal(cuda_backend.open(info, NULL, &device, &why), -err);
	assert_int_not_equal(device_open("cuda:0", &device, &why), 0);
	if (!strstr(why.text, advice))
		fail_msg("opening says '%s', which lacks '%s'", why.text, advice);
	assert_null(strchr(why.text, '\n'));
	free(list);
}

static void a_broken_driver_says_what_to_do(void **state)
{
	static const struct {
		cuda_result result;
		int err;
		const char *advice;
	} cases[] = {
		{CUDA_ERROR_STUB_LIBRARY, ENODEV, "toolkit's stub"},
		{CUDA_ERROR_NO_DEVICE, ENODEV, "finds no GPU"},
		{CUDA_ERROR_SYSTEM_NOT_READY, EIO, "nvidia-fabricmanager"},
		{CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, EIO, "different driver versions"},
		{CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE, EIO, "compatibility library"},
		{CUDA_ERROR_UNKNOWN, EIO, "modprobe nvidia_uvm"},
		{CUDA_ERROR_OUT_OF_MEMORY, ENOMEM, "not enough free device memory"},
		{CUDA_ERROR_NOT_INITIALIZED, EIO, "must not fork"},
		{12345, EIO, "error 12345"},
	};

	(void)state;
	unsetenv("CUDA_VISIBLE_DEVICES");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fake->init_result = cases[i].result;
		expect_unusable(cases[i].err, cases[i].advice);
	}
}

static void hidden_gpus_are_told_from_absent_ones(void **state)
{
	(void)state;
	fake->init_result = CUDA_ERROR_NO_DEVICE;
	setenv("CUDA_VISIBLE_DEVICES", "-1", 1);
	expect_unusable(ENODEV, "CUDA_VISIBLE_DEVICES is '-1'");
	unsetenv("CUDA_VISIBLE_DEVICES");
}

static void a_driver_that_counts_no_device_says_so(void **state)
{
	(void)state;
	fake->no_devices = true;
	expect_unusable(0, "finds no GPU");
}

static void a_prohibited_device_says_how_to_allow_it(void **state)
{
	(void)state;
	fake->compute_mode = CUDA_COMPUTE_MODE_PROHIBITED;
	expect_unusable(0, "nvidia-smi -i 0 -c DEFAULT");
}

/* Opening must fail with ERR and ADVICE, and leave no context behind. */
static void expect_open_fails(int err, const char *advice)
{
	struct device *device;
	struct why why;

	assert_int_equal(device_open("cuda:0", &device, &why), -err);
	if (!strstr(why.text, advice))
		fail_msg("opening says '%s', which lacks '%s'", why.text, advice);
	assert_int_equal(fake->contexts, 0);
}

static void a_device_in_exclusive_use_is_busy(void **state)
{
	(void)state;
	fake->retain_result = CUDA_ERROR_DEVICE_UNAVAILABLE;
	expect_open_fails(EBUSY, "in use by another process");
}

static void a_full_device_can_not_be_opened(void **state)
{
	(void)state;
	fake->retain_result = CUDA_ERROR_OUT_OF_MEMORY;
	expect_open_fails(ENOMEM, "nvidia-smi lists them");
}

static void kernels_that_do_not_compile_say_why(void **state)
{
	(void)state;
	fake->load_result = CUDA_ERROR_INVALID_PTX;
	fake->load_log = "ptxas fatal: line 3 is wrong\nptxas: and more";
	expect_open_fails(EIO, "line 3 is wrong; update the NVIDIA driver");
	fake->load_log = NULL;
	expect_open_fails(EIO, "the driver rejects the kernels");
	fake->load_result = CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
	expect_open_fails(EIO, "too old for the kernels");
	fake->load_result = CUDA_ERROR_JIT_COMPILER_NOT_FOUND;
	expect_open_fails(EIO, "libnvidia-ptxjitcompiler");
}

static void an_older_driver_gets_the_next_best_kernels(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "cuda:0");
	assert_true(fake->tensor_loaded);
	rig_close(&rig);
	fake->tensor_load_result = CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
	rig_open(&rig, "cuda:0");
	assert_false(fake->tensor_loaded);
	assert_non_null(strstr(device_info(rig.device)->driver, ", tables kernels"));
	rig_close(&rig);
	fake->tables_load_result = CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
	rig_open(&rig, "cuda:0");
	assert_false(fake->tables_loaded);
	assert_non_null(strstr(device_info(rig.device)->driver, ", portable kernels"));
	rig_close(&rig);
	/* Not in place of those that were asked for. */
	setenv("VRAMFS_KERNELS", "tensor", 1);
	expect_open_fails(EIO, "too old for the kernels");
	unsetenv("VRAMFS_KERNELS");
	/* Whatever else is wrong with them is to be mended, not hidden. */
	fake->tensor_load_result = CUDA_ERROR_INVALID_PTX;
	expect_open_fails(EIO, "the driver rejects the kernels");
}

static void kernels_are_chosen_by_name(void **state)
{
	struct rig rig;

	(void)state;
	setenv("VRAMFS_KERNELS", "portable", 1);
	rig_open(&rig, "cuda:0");
	assert_false(fake->tensor_loaded);
	rig_close(&rig);
	setenv("VRAMFS_KERNELS", "magic", 1);
	expect_open_fails(EINVAL, "kernels 'magic'");
	unsetenv("VRAMFS_KERNELS");
}

static void kernels_of_two_names_stand_side_by_side(void **state)
{
	struct device *own, *beside;
	struct why why;

	(void)state;
	assert_int_equal(device_open("cuda:0", &own, &why), 0);
	assert_int_equal(device_open_kernels("cuda:0", "portable", &beside, &why), 0);
	assert_string_equal(
		device_info(own)->driver, "NVIDIA 999.12.03, CUDA 13.0, tensor kernels");
	assert_string_equal(
		device_info(beside)->driver, "NVIDIA 999.12.03, CUDA 13.0, portable kernels");
	device_close(beside);
	device_close(own);
	assert_int_equal(device_open_kernels("cuda:0", "magic", &own, &why), -EINVAL);
	assert_non_null(strstr(why.text, "'magic'"));
}

static void lines_are_protected_and_repaired(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "cuda:1");
	assert_string_equal(device_info(rig.device)->name, "Fake GPU 1");
	protect_and_repair(&rig);
	rig_close(&rig);
	assert_int_equal(fake->contexts, 0);
}

static void *repair_in_thread(void *argument)
{
	struct rig *rig = argument;

	protect_and_repair(rig);
	return NULL;
}

static void threads_share_devices(void **state)
{
	struct rig rigs[4];
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		rig_open(&rigs[i], i % 2 ? "cuda:1" : "cuda:0");
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, repair_in_thread, &rigs[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++)
		rig_close(&rigs[i]);
	assert_int_equal(fake->contexts, 0);
}

/* A thread that used a device which was closed must not think that the next one is current. */
static void a_device_can_be_opened_again(void **state)
{
	struct rig rig;

	(void)state;
	for (int i = 0; i < 3; i++) {
		rig_open(&rig, "cuda:0");
		rig_run(&rig, KERNEL_ENCODE);
		rig_close(&rig);
	}
}

static void memory_is_zeroed_and_copied(void **state)
{
	struct rig rig;
	struct device_pinned *bytes;

	(void)state;
	rig_open(&rig, "cuda:0");
	assert_int_equal(device_pinned_alloc(rig.device, 5000, &bytes), 0);
	assert_int_equal((uintptr_t)bytes->bytes % 4096, 0);
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(bytes->bytes[i], 0);

	memset(bytes->bytes, 0xee, 5000);
	assert_int_equal(device_copy_out(rig.queue, bytes, 1000, rig.region, 3, 4000), 0);
	assert_int_equal(device_queue_wait(rig.queue), 0);
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(bytes->bytes[i], i < 1000 ? 0xee : 0);

	for (size_t i = 0; i < 5000; i++)
		bytes->bytes[i] = (uint8_t)(i * 7);
	assert_int_equal(
		device_copy_in(rig.queue, rig.region, REGION_BYTES - 100, bytes, 50, 100), 0);
	assert_int_equal(
		device_copy_out(rig.queue, bytes, 0, rig.region, REGION_BYTES - 100, 100), 0);
	assert_int_equal(device_queue_wait(rig.queue), 0);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(bytes->bytes[i], (uint8_t)((i + 50) * 7));
	device_pinned_free(bytes);
	rig_close(&rig);
}

static void too_much_memory_is_refused(void **state)
{
	struct rig rig;
	struct device_memory *memory;
	uint64_t free_before, free_after;

	(void)state;
	rig_open(&rig, "cuda:0");
	assert_int_equal(device_free_bytes(rig.device, &free_before), 0);
	assert_true(free_before <= FAKE_CUDA_MEMORY_BYTES - REGION_BYTES);
	assert_int_equal(
		device_memory_alloc(rig.device, FAKE_CUDA_MEMORY_BYTES, &memory, NULL), -ENOMEM);
	assert_int_equal(device_memory_alloc(rig.device, UINT64_MAX, &memory, NULL), -ENOMEM);
	assert_int_equal(device_free_bytes(rig.device, &free_after), 0);
	assert_int_equal(free_after, free_before);
	rig_close(&rig);
}

static void a_refused_launch_is_an_error(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "cuda:0");
	fake->launch_result = CUDA_ERROR_NOT_SUPPORTED;
	assert_int_equal(rig_launch(&rig, KERNEL_ENCODE, 5), -EIO);
	assert_int_equal(rig_report(&rig)->done, 0);
	fake->launch_result = CUDA_SUCCESS;
	rig_run(&rig, KERNEL_ENCODE);
	rig_close(&rig);
}

/* The device dies under a launch: its caller hears of it, and so does everybody after it. */
static void a_dead_device_fails_its_jobs(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "cuda:0");
	rig_run(&rig, KERNEL_ENCODE);
	fake->break_at_launch = 1;
	assert_int_equal(rig_launch(&rig, KERNEL_VERIFY, 77), 0);
	assert_int_equal(device_wait(rig.queue, &rig_report(&rig)->done), KERNEL_FAILED);
	assert_int_equal(rig_launch(&rig, KERNEL_VERIFY, 78), -EIO);
	assert_int_equal(device_queue_wait(rig.queue), -EIO);
	assert_int_equal(device_copy_in(rig.queue, rig.region, 0, rig.control, 0, 16), -EIO);
	rig_close(&rig);
	assert_int_equal(fake->contexts, 0);

	rig_open(&rig, "cuda:0");
	protect_and_repair(&rig);
	rig_close(&rig);
}

/* Every test begins with a driver in order. */
static int mend_driver(void **state)
{
	(void)state;
	memset(fake, 0, sizeof(*fake));
	return 0;
}

int main(void)
{
	void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(devices_are_listed_without_a_context, mend_driver),
		cmocka_unit_test_setup(a_broken_driver_says_what_to_do, mend_driver),
		cmocka_unit_test_setup(hidden_gpus_are_told_from_absent_ones, mend_driver),
		cmocka_unit_test_setup(a_driver_that_counts_no_device_says_so, mend_driver),
		cmocka_unit_test_setup(a_prohibited_device_says_how_to_allow_it, mend_driver),
		cmocka_unit_test_setup(a_device_in_exclusive_use_is_busy, mend_driver),
		cmocka_unit_test_setup(a_full_device_can_not_be_opened, mend_driver),
		cmocka_unit_test_setup(kernels_that_do_not_compile_say_why, mend_driver),
		cmocka_unit_test_setup(lines_are_protected_and_repaired, mend_driver),
		cmocka_unit_test_setup(threads_share_devices, mend_driver),
		cmocka_unit_test_setup(a_device_can_be_opened_again, mend_driver),
		cmocka_unit_test_setup(memory_is_zeroed_and_copied, mend_driver),
		cmocka_unit_test_setup(too_much_memory_is_refused, mend_driver),
		cmocka_unit_test_setup(an_older_driver_gets_the_next_best_kernels, mend_driver),
		cmocka_unit_test_setup(kernels_are_chosen_by_name, mend_driver),
		cmocka_unit_test_setup(kernels_of_two_names_stand_side_by_side, mend_driver),
		cmocka_unit_test_setup(a_refused_launch_is_an_error, mend_driver),
		cmocka_unit_test_setup(a_dead_device_fails_its_jobs, mend_driver),
	};

	fake = library ? dlsym(library, "fake_cuda") : NULL;
	if (!fake) {
		printf("skipped: libcuda.so.1 is not the fake; run this through 'meson test'\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
