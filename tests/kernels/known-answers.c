/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* The known answers, computed by the device. */
#include "rig.h"

#include "vectors.h"

#include <string.h>

static void test_parity(void **state)
{
	enum rs_code code = *(enum rs_code *)*state;
	struct vectors *vectors = vectors_load();
	struct rig *rig = rig_new(code, 1, 1, 0);
	for (uint32_t line = 0; line < rig->lines; line++) {
		const struct vector *vector = &vectors->items[line % vectors->count];
		memcpy(rig_symbol(rig, rig->image, line, 0),
			code == RS_136 ? vector->data_136 : vector->data_128, rig->data_bytes);
		memset(rig_symbol(rig, rig->image, line, rig->data_bytes), 0x55, 8);
	}
	rig_push(rig);
	struct kernel_report report = rig_run_all(rig, KERNEL_ENCODE, 4);
	assert_report(&report, &(struct kernel_report){0});
	rig_pull(rig);
	for (uint32_t line = 0; line < rig->lines; line++) {
		const struct vector *vector = &vectors->items[line % vectors->count];
		assert_memory_equal(rig_symbol(rig, rig->image, line, rig->data_bytes),
			code == RS_136 ? vector->parity_136 : vector->parity_128, 8);
		assert_memory_equal(rig_symbol(rig, rig->image, line, 0),
			code == RS_136 ? vector->data_136 : vector->data_128, rig->data_bytes);
	}
	rig_free(rig);
	vectors_free(vectors);
}

static void test_error_vector_is_corrected(void **state)
{
	(void)state;
	struct vectors *vectors = vectors_load();
	const struct error_vector *error = &vectors->error;
	struct rig *rig = rig_new(RS_136, 1, 1, 0);
	for (uint32_t line = 0; line < rig->lines; line++) {
		memcpy(rig_symbol(rig, rig->truth, line, 0), error->data, 128);
		rig_encode_line(rig, rig->truth, line);
	}
	memcpy(rig->image, rig->truth, rig->image_bytes);
	for (size_t i = 0; i < error->error_count; i++)
		*rig_symbol(rig, rig->image, 77, error->errors[i].position) ^=
			error->errors[i].value;
	rig_push(rig);
	struct kernel_report report = rig_run_all(rig, KERNEL_CORRECT, 4);
	struct kernel_report expected = {.flagged = 1};
	expected.corrected[error->error_count] = 1;
	assert_report(&report, &expected);
	assert_region(rig, rig->truth);
	rig_free(rig);
	vectors_free(vectors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_parity),
		cmocka_unit_test(test_error_vector_is_corrected),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
