/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Takes the place of src/kernels/native.c: variants of the kernels each of which has one mistake,
 * that few lines meet. A fuzzer that does not find them is no use.
 */
#define PARITY_BY_SLICES
#define code_parity right_parity
#define code_find_errors right_find_errors
#include "kernels/code.h"
#undef code_parity
#undef code_find_errors

/* Several threads run one variant. */
static _Thread_local enum {
	WRONG_PARITY,
	WRONG_DATA,
	WRONG_PLACE,
	WRONG_VALUE,
	WRONG_COUNT
} mistake;

/* One line of 256 gets another parity than it should have, or another byte once that is known. */
FUNCTION uint64_t code_parity(LOCAL const uint32_t *row, uint32_t data_bytes)
{
	uint64_t parity = right_parity(row, data_bytes);

	if ((row[0] * 0x9e3779b1u) >> 24 != 0x35)
		return parity;
	if (mistake == WRONG_DATA)
		((LOCAL uint32_t *)row)[17] ^= 1u << 20;
	return mistake == WRONG_PARITY ? parity ^ (1ull << 40) : parity;
}

FUNCTION struct code_errors code_find_errors(
	uint64_t remainder, uint32_t data_bytes, uint32_t max_correct)
{
	struct code_errors errors = right_find_errors(remainder, data_bytes, max_correct);
	const uint32_t last = errors.positions & 0xff;

	if (errors.count == 4 && mistake == WRONG_PLACE && last == data_bytes + 7)
		errors.positions--;
	if (errors.count == 3 && mistake == WRONG_VALUE && (errors.values & 0x3f) == 0x3f)
		errors.values ^= 0x80;
	/* Takes a line that has one error for one that has too many. */
	if (errors.count == 1 && mistake == WRONG_COUNT && last == 0)
		errors.count = 0;
	return errors;
}

#define NATIVE_RUN run_scalar
static void run_scalar(enum kernel kernel, uint32_t first_group, uint32_t count, uint8_t *region,
	uint32_t *scratch, uint8_t *control, uint8_t *payload, const struct kernel_params *params);
#include "kernels/native-run.h"

#define VARIANT_RUN(name, which)                                                                   \
	static void name(enum kernel kernel, uint32_t first_group, uint32_t count,                 \
		uint8_t *region, uint32_t *scratch, uint8_t *control, uint8_t *payload,            \
		const struct kernel_params *params)                                                \
	{                                                                                          \
		mistake = which;                                                                   \
		run_scalar(kernel, first_group, count, region, scratch, control, payload, params); \
	}

VARIANT_RUN(run_wrong_parity, WRONG_PARITY)
VARIANT_RUN(run_wrong_data, WRONG_DATA)
VARIANT_RUN(run_wrong_place, WRONG_PLACE)
VARIANT_RUN(run_wrong_value, WRONG_VALUE)
VARIANT_RUN(run_wrong_count, WRONG_COUNT)

static bool always(void)
{
	return true;
}

const struct kernel_native_variant kernel_native_variants[] = {
	{"wrong-parity", always, run_wrong_parity},
	{"wrong-data", always, run_wrong_data},
	{"wrong-place", always, run_wrong_place},
	{"wrong-value", always, run_wrong_value},
	{"wrong-count", always, run_wrong_count},
};

const unsigned kernel_native_variant_count =
	sizeof(kernel_native_variants) / sizeof(kernel_native_variants[0]);
