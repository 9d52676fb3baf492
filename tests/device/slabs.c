/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Memory of an OpenCL device that is more than one buffer: how many slabs sizes take, and that
 * copies don't show where one ends and the next begins. The environment says what a buffer has,
 * SLAB bytes.
 */
#include "rig.h"

#include "base/size.h"
#include "device/opencl-device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLAB ((size_t)MIB)
#define LARGEST (OPENCL_MOST_SLABS * SLAB)

struct fixture {
	struct device *device;
	struct device_queue *queue;
	struct device_pinned *pinned; /* LARGEST bytes */
};

static int open_fixture(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct why why = {""};

	if (device_open("opencl:0", &fixture->device, &why)) {
		fprintf(stderr, "skipped: %s\n", why.text);
		exit(77);
	}
	if (device_queue_new(fixture->device, &fixture->queue) ||
		device_pinned_alloc(fixture->device, LARGEST, &fixture->pinned))
		return -1;
	*state = fixture;
	return 0;
}

static int close_fixture(void **state)
{
	struct fixture *fixture = *state;

	device_pinned_free(fixture->pinned);
	device_queue_free(fixture->queue);
	device_close(fixture->device);
	free(fixture);
	return 0;
}

static struct device_memory *allocate(struct fixture *fixture, uint64_t bytes)
{
	struct device_memory *memory = NULL;
	struct why why = {""};

	if (device_memory_alloc(fixture->device, bytes, &memory, &why))
		fail_msg("%s", why.text);
	assert_int_equal(device_memory_bytes(memory), bytes);
	return memory;
}

static void copy_out(struct fixture *fixture, const struct device_memory *memory, uint64_t from,
	size_t to, size_t bytes)
{
	assert_int_equal(
		device_copy_out(fixture->queue, fixture->pinned, to, memory, from, bytes), 0);
	assert_int_equal(device_queue_wait(fixture->queue), 0);
}

static void copy_in(struct fixture *fixture, struct device_memory *memory, uint64_t to, size_t from,
	size_t bytes)
{
	assert_int_equal(
		device_copy_in(fixture->queue, memory, to, fixture->pinned, from, bytes), 0);
	assert_int_equal(device_queue_wait(fixture->queue), 0);
}

static void memory_has_as_many_slabs_as_it_needs(void **state)
{
	static const struct {
		uint64_t bytes;
		unsigned slabs;
	} cases[] = {
		{1, 1},
		{SLAB - 1, 1},
		{SLAB, 1},
		{SLAB + 1, 2},
		{SLAB + KERNEL_BLOCK_BYTES, 2},
		{2 * SLAB, 2},
		{2 * SLAB + 1, 3},
		{5 * SLAB, 5},
		{LARGEST - KERNEL_BLOCK_BYTES, 16},
		{LARGEST, 16},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct device_memory *memory = allocate(fixture, cases[i].bytes);

		assert_int_equal(opencl_memory(memory)->slab_count, cases[i].slabs);
		device_memory_free(memory);
	}
}

static void more_slabs_than_kernels_take_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct device_memory *memory = NULL;
	struct why why = {""};

	assert_int_equal(device_info(fixture->device)->largest_alloc_bytes, LARGEST);
	assert_int_equal(device_memory_alloc(fixture->device, LARGEST + 1, &memory, &why), -ENOMEM);
	assert_null(memory);
	assert_non_null(strstr(why.text, "at most 16 MiB"));
	assert_non_null(strstr(why.text, "ask for at most that"));
}

static void all_slabs_are_zeroed(void **state)
{
	struct fixture *fixture = *state;
	const size_t size = 3 * SLAB + 12345;

	for (unsigned round = 0; round < 2; round++) {
		struct device_memory *memory = allocate(fixture, size);

		memset(fixture->pinned->bytes, 0xee, LARGEST);
		copy_out(fixture, memory, 0, 0, size);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(fixture->pinned->bytes[i], 0);
		assert_int_equal(fixture->pinned->bytes[size], 0xee);
		memset(fixture->pinned->bytes, 0xdd, size);
		copy_in(fixture, memory, 0, 0, size);
		device_memory_free(memory);
	}
}

static void copies_cross_from_slab_to_slab(void **state)
{
	static const struct {
		uint64_t offset;
		size_t bytes;
	} cases[] = {
		{SLAB - 1, 1}, {SLAB, 1}, {SLAB - 1, 2}, {SLAB, SLAB}, {SLAB - 1, SLAB + 2},
		{SLAB + 333, 2 * SLAB},
		{3 * SLAB - 77, 77 + KERNEL_BLOCK_BYTES}, /* to the end of the last, a short one */
	};
	const size_t size = 3 * SLAB + KERNEL_BLOCK_BYTES;
	struct fixture *fixture = *state;
	struct device_memory *memory = allocate(fixture, size);
	uint8_t *expected = malloc(size), *bytes = fixture->pinned->bytes;

	rig_pattern(expected, size, 100);
	memcpy(bytes, expected, size);
	copy_in(fixture, memory, 0, 0, size);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint64_t offset = cases[i].offset;

		rig_pattern(bytes + i, cases[i].bytes, (uint32_t)i);
		memcpy(expected + offset, bytes + i, cases[i].bytes);
		copy_in(fixture, memory, offset, i, cases[i].bytes);
		memset(bytes, 0x77, LARGEST);
		copy_out(fixture, memory, offset, i, cases[i].bytes);
		assert_memory_equal(bytes + i, expected + offset, cases[i].bytes);
		assert_int_equal(bytes[i + cases[i].bytes], 0x77);
	}
	copy_out(fixture, memory, 0, 0, size);
	assert_memory_equal(bytes, expected, size);
	free(expected);
	device_memory_free(memory);
}

/* Kernels get one buffer of scratch: more than that would go unnoticed until its words are used. */
static void scratch_in_slabs_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct device_memory *memory = allocate(fixture, 2 * SLAB);
	const struct device_launch launch = {
		.kernel = KERNEL_VERIFY,
		.params = {.segments = KERNEL_WHOLE_BLOCKS,
			.data_per_line = KERNEL_LINE_BYTES,
			.segment_count = 1,
			.tiles_per_segment = KERNEL_BLOCK_TILES,
			.ticket = 1},
		.region = memory,
		.scratch = memory,
		.control = fixture->pinned,
	};

	assert_int_equal(device_launch(fixture->queue, &launch), -EINVAL);
	device_memory_free(memory);
}

static void buffers_that_hold_no_block_are_refused(void **state)
{
	static const char *const sizes[] = {"127K", "0", "50%", "max", "some"};
	struct device *device = NULL;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct why why = {""};

		setenv("VRAMFS_OPENCL_SLAB", sizes[i], 1);
		assert_int_equal(device_open("opencl:0", &device, &why), -EINVAL);
		assert_null(device);
		assert_non_null(strstr(why.text, sizes[i]));
		assert_non_null(strstr(why.text, "at least 128K"));
	}
	setenv("VRAMFS_OPENCL_SLAB", "1M", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_has_as_many_slabs_as_it_needs),
		cmocka_unit_test(more_slabs_than_kernels_take_are_refused),
		cmocka_unit_test(all_slabs_are_zeroed),
		cmocka_unit_test(copies_cross_from_slab_to_slab),
		cmocka_unit_test(scratch_in_slabs_is_refused),
		cmocka_unit_test(buffers_that_hold_no_block_are_refused),
	};

	setenv("VRAMFS_OPENCL_SLAB", "1M", 1);
	return cmocka_run_group_tests_name("device-slabs", tests, open_fixture, close_fixture);
}
