/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * How fast one processor runs the native kernels, in each variant that it can run: GB/s of file
 *data by the processor time of one thread, the best of many rounds, so that other work on the
 *machine counts as little as possible. A region of 2 MiB shows the kernels, one of 256 MiB the
 *memory.
 *
 *	native-kernels [MIB [rs136|rs128]]	(default: 2 rs136)
 */
#include "kernels/native.h"
#include "rs/rs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LEAST_ROUNDS 20u
#define MEASURED_BYTES ((uint64_t)2 << 30) /* by each kernel in each variant */

struct setup {
	enum rs_code code;
	uint32_t blocks;
	uint8_t *region, *payload;
	uint32_t scratch[KERNEL_SCRATCH_WORDS];
	struct {
		struct kernel_report report;
		struct kernel_segment segments[];
	} * control;
};

static void *allocate(size_t bytes)
{
	void *memory = aligned_alloc(KERNEL_BLOCK_BYTES,
		bytes / KERNEL_BLOCK_BYTES * KERNEL_BLOCK_BYTES + KERNEL_BLOCK_BYTES);

	if (!memory) {
		fprintf(stderr, "native-kernels: out of memory\n");
		exit(1);
	}
	memset(memory, 0x5a, bytes);
	return memory;
}

static double thread_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Whole blocks, the payload of each behind that of the one before. */
static void describe_segments(struct setup *setup)
{
	const uint32_t bytes = rs_block_payload(setup->code);

	for (uint32_t i = 0; i < setup->blocks; i++)
		setup->control->segments[i] = (struct kernel_segment){
			.block = i, .count = bytes, .zero_to = bytes, .payload = i * bytes};
}

static void run(
	struct setup *setup, const struct kernel_native_variant *variant, enum kernel kernel)
{
	const struct kernel_params params = {
		.parity_base = rs_parity_base(setup->code, setup->blocks),
		.segments = sizeof(setup->control->report),
		.parity_pitch = rs_parity_pitch(setup->code),
		.data_per_line = rs_data_per_line(setup->code),
		.max_correct = RS_MAX_CORRECT,
		.segment_count = setup->blocks,
		.tiles_per_segment = KERNEL_BLOCK_TILES,
		.ticket = 1,
	};

	setup->control->report = (struct kernel_report){0};
	variant->run(kernel, 0, setup->blocks * KERNEL_BLOCK_TILES, setup->region, setup->scratch,
		(uint8_t *)setup->control, setup->payload, &params);
	if (setup->control->report.done != params.ticket || setup->control->report.flagged) {
		fprintf(stderr, "native-kernels: %s: lines that are no codewords\n", variant->name);
		exit(1);
	}
}

/* GB/s of file data. */
static double measure(
	struct setup *setup, const struct kernel_native_variant *variant, enum kernel kernel)
{
	const double bytes = (double)rs_block_payload(setup->code) * setup->blocks;
	const unsigned rounds = LEAST_ROUNDS + (unsigned)(MEASURED_BYTES / bytes);
	double best = 0;

	for (unsigned i = 0; i < rounds; i++) {
		double begin = thread_seconds(), seconds;

		run(setup, variant, kernel);
		seconds = thread_seconds() - begin;
		if (best == 0 || seconds < best)
			best = seconds;
	}
	return bytes / best * 1e-9;
}

int main(int argc, char **argv)
{
	static const enum kernel kernels[] = {
		KERNEL_ENCODE, KERNEL_VERIFY, KERNEL_REFRESH, KERNEL_READ, KERNEL_WRITE};
	const size_t count = sizeof(kernels) / sizeof(kernels[0]);
	const unsigned mib = argc > 1 ? (unsigned)atoi(argv[1]) : 2;
	struct setup setup = {.blocks = mib * 8};

	if (argc > 3 || mib < 1 || mib > 4095 ||
		!rs_code_by_name(argc > 2 ? argv[2] : "rs136", &setup.code)) {
		fprintf(stderr, "usage: native-kernels [MIB [rs136|rs128]]\n");
		return 2;
	}
	setup.region = allocate(rs_region_bytes(setup.code, setup.blocks));
	setup.payload = allocate((size_t)rs_block_payload(setup.code) * setup.blocks);
	setup.control = allocate(
		sizeof(*setup.control) + setup.blocks * sizeof(setup.control->segments[0]));
	describe_segments(&setup);
	printf("GB/s, one thread  encode  verify refresh    read   write\n");
	for (unsigned i = 0; i < kernel_native_variant_count; i++) {
		const struct kernel_native_variant *variant = &kernel_native_variants[i];

		printf("%-16s", variant->name);
		for (size_t k = 0; k < count && variant->usable(); k++)
			printf(" %7.2f", measure(&setup, variant, kernels[k]));
		printf("%s\n", variant->usable() ? "" : " not on this processor");
	}
	free(setup.region);
	free(setup.payload);
	free(setup.control);
	return 0;
}
