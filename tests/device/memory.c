/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Memory on the device and pinned memory: what is given, what is refused, and copies. */
#include "rig.h"

#include "base/size.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void too_much_memory_is_refused_with_a_reason(void **state)
{
	struct rig *rig = *state;
	const uint64_t sizes[] = {
		UINT64_MAX, UINT64_MAX / 2, device_info(rig->device)->memory_bytes + 1024 * MIB};

	for (size_t i = 0; i < 3; i++) {
		struct device_memory *memory = (void *)1;
		struct why why = {""};

		assert_int_equal(
			device_memory_alloc(rig->device, sizes[i], &memory, &why), -ENOMEM);
		assert_ptr_equal(memory, (void *)1);
		assert_non_null(strstr(why.text, "ask for"));
	}
	if (device_info(rig->device)->largest_alloc_bytes) {
		struct device_memory *memory;
		struct why why = {""};
		char limit[32];

		size_format(device_info(rig->device)->largest_alloc_bytes, limit, sizeof(limit));
		assert_int_equal(
			device_memory_alloc(rig->device,
				device_info(rig->device)->largest_alloc_bytes + 1, &memory, &why),
			-ENOMEM);
		assert_non_null(strstr(why.text, limit));
	}
}

static void nothing_is_refused(void **state)
{
	struct rig *rig = *state;
	struct device_memory *memory;
	struct device_pinned *pinned;
	struct why why = {""};

	assert_int_equal(device_memory_alloc(rig->device, 0, &memory, &why), -EINVAL);
	assert_true(why.text[0]);
	assert_int_equal(device_pinned_alloc(rig->device, 0, &pinned), -EINVAL);
}

static void too_much_pinned_memory_is_refused(void **state)
{
	struct rig *rig = *state;
	struct device_pinned *pinned = (void *)1;

	assert_int_not_equal(device_pinned_alloc(rig->device, SIZE_MAX / 4, &pinned), 0);
	assert_ptr_equal(pinned, (void *)1);
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Memory that comes back after it was used holds nothing of what it held. */
static void memory_is_zeroed_also_when_used_before(void **state)
{
	struct rig *rig = *state;
	const size_t size = RIG_PAYLOAD_BYTES - 12345; /* no round number */

	for (int round = 0; round < 3; round++) {
		struct device_memory *memory;

		assert_int_equal(device_memory_alloc(rig->device, size, &memory, NULL), 0);
		assert_int_equal(device_memory_bytes(memory), size);
		memset(rig->payload->bytes, 0xee, RIG_PAYLOAD_BYTES);
		assert_int_equal(device_copy_out(rig->queue, rig->payload, 0, memory, 0, size), 0);
		assert_int_equal(device_queue_wait(rig->queue), 0);
		assert_true(all_zero(rig->payload->bytes, size));
		assert_int_equal(rig->payload->bytes[size], 0xee);
		memset(rig->payload->bytes, 0xdd, RIG_PAYLOAD_BYTES);
		assert_int_equal(device_copy_in(rig->queue, memory, 0, rig->payload, 0, size), 0);
		assert_int_equal(device_queue_wait(rig->queue), 0);
		device_memory_free(memory);
	}
}

static void pinned_memory_is_zeroed_and_page_aligned(void **state)
{
	static const size_t sizes[] = {1, 4096, 5000, 3u << 20};
	struct rig *rig = *state;

	for (size_t i = 0; i < 4; i++) {
		struct device_pinned *pinned;

		assert_int_equal(device_pinned_alloc(rig->device, sizes[i], &pinned), 0);
		assert_int_equal(pinned->size, sizes[i]);
		assert_ptr_equal(pinned->device, rig->device);
		assert_int_equal((uintptr_t)pinned->bytes % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
		assert_true(all_zero(pinned->bytes, sizes[i]));
		memset(pinned->bytes, 0xcc, sizes[i]);
		device_pinned_free(pinned);
	}
}

/* Copies of odd sizes between odd places, small and large, change exactly what they should. */
static void copies_go_where_they_should(void **state)
{
	static const struct {
		uint64_t device_offset;
		size_t host_offset, bytes;
	} cases[] = {
		{0, 0, 1}, {1, 3, 4093}, {127, 4096, 129}, {65536, 1, 40000}, {333, 12345, 700001}};
	struct rig *rig = *state;
	uint8_t *expected = malloc(RIG_PAYLOAD_BYTES);

	memset(expected, 0, RIG_PAYLOAD_BYTES);
	memset(rig->payload->bytes, 0, RIG_PAYLOAD_BYTES);
	assert_int_equal(
		device_copy_in(rig->queue, rig->region, 0, rig->payload, 0, RIG_PAYLOAD_BYTES), 0);
	assert_int_equal(device_queue_wait(rig->queue), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_pattern(rig->payload->bytes, RIG_PAYLOAD_BYTES, (uint32_t)i);
		memcpy(expected + cases[i].device_offset,
			rig->payload->bytes + cases[i].host_offset, cases[i].bytes);
		assert_int_equal(device_copy_in(rig->queue, rig->region, cases[i].device_offset,
					 rig->payload, cases[i].host_offset, cases[i].bytes),
			0);
		assert_int_equal(device_queue_wait(rig->queue), 0);

		memset(rig->payload->bytes, 0x77, RIG_PAYLOAD_BYTES);
		assert_int_equal(device_copy_out(rig->queue, rig->payload, cases[i].host_offset,
					 rig->region, cases[i].device_offset, cases[i].bytes),
			0);
		assert_int_equal(device_queue_wait(rig->queue), 0);
		assert_memory_equal(rig->payload->bytes + cases[i].host_offset,
			expected + cases[i].device_offset, cases[i].bytes);
		for (size_t j = 0; j < cases[i].host_offset; j++)
			assert_int_equal(rig->payload->bytes[j], 0x77);
		assert_int_equal(rig->payload->bytes[cases[i].host_offset + cases[i].bytes], 0x77);
	}
	assert_int_equal(
		device_copy_out(rig->queue, rig->payload, 0, rig->region, 0, RIG_PAYLOAD_BYTES), 0);
	assert_int_equal(device_queue_wait(rig->queue), 0);
	assert_memory_equal(rig->payload->bytes, expected, RIG_PAYLOAD_BYTES);
	free(expected);
}

static void copies_out_of_bounds_are_refused(void **state)
{
	struct rig *rig = *state;
	const uint64_t region = device_memory_bytes(rig->region);

	assert_int_equal(
		device_copy_in(rig->queue, rig->region, region, rig->payload, 0, 1), -EINVAL);
	assert_int_equal(
		device_copy_in(rig->queue, rig->region, 0, rig->payload, 1, RIG_PAYLOAD_BYTES),
		-EINVAL);
	assert_int_equal(
		device_copy_in(rig->queue, rig->region, UINT64_MAX, rig->payload, 0, 2), -EINVAL);
	assert_int_equal(
		device_copy_out(rig->queue, rig->payload, SIZE_MAX, rig->region, 0, 2), -EINVAL);
	assert_int_equal(
		device_copy_out(rig->queue, rig->payload, 0, rig->region, region - 1, 2), -EINVAL);
	assert_int_equal(device_copy_out(rig->queue, rig->payload, 0, rig->region, region, 0), 0);
}

static void free_bytes_are_no_more_than_there_are(void **state)
{
	struct rig *rig = *state;
	uint64_t free_bytes = 0;

	assert_int_equal(device_free_bytes(rig->device, &free_bytes), 0);
	assert_true(free_bytes > 0);
	assert_true(free_bytes <= device_info(rig->device)->memory_bytes);
}

/* How much less is free while 512 MiB are taken. */
static int64_t taken_by_512_mib(struct rig *rig)
{
	struct device_memory *memory;
	uint64_t before, after;

	assert_int_equal(device_free_bytes(rig->device, &before), 0);
	if (before < 1024 * MIB)
		skip();
	assert_int_equal(device_memory_alloc(rig->device, 512 * MIB, &memory, NULL), 0);
	assert_int_equal(device_free_bytes(rig->device, &after), 0);
	device_memory_free(memory);
	return (int64_t)(before - after);
}

/* Others may give system memory back in the same moment, but hardly every time. */
static void memory_that_is_taken_is_no_longer_free(void **state)
{
	int64_t most = 0;

	for (unsigned i = 0; i < 10 && most < (int64_t)(256 * MIB); i++) {
		int64_t taken = taken_by_512_mib(*state);

		most = taken > most ? taken : most;
	}
	assert_true(most >= (int64_t)(256 * MIB));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_much_memory_is_refused_with_a_reason),
		cmocka_unit_test(nothing_is_refused),
		cmocka_unit_test(too_much_pinned_memory_is_refused),
		cmocka_unit_test(memory_is_zeroed_also_when_used_before),
		cmocka_unit_test(pinned_memory_is_zeroed_and_page_aligned),
		cmocka_unit_test(copies_go_where_they_should),
		cmocka_unit_test(copies_out_of_bounds_are_refused),
		cmocka_unit_test(free_bytes_are_no_more_than_there_are),
		cmocka_unit_test(memory_that_is_taken_is_no_longer_free),
	};

	return cmocka_run_group_tests_name("device-memory", tests, rig_open, rig_close);
}
