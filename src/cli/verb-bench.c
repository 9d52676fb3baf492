/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs bench`: takes a region as a mount would, once for each code, and measures the kernels
 * that sweep over one, each beside the most that the device's memory lets it reach.
 */
#include "base/cleanup.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/options.h"

#include <stdio.h>

DEFINE_CLEANUP(struct device *, device_close, device_close)
DEFINE_CLEANUP(struct store *, store_close, store_close)

#define SIZE_ON_GPU (8 * GIB)
#define SIZE_ELSEWHERE (64 * MIB) /* where errors in every line take seconds to correct */

enum { KEY_DEVICE = 0x100, KEY_SIZE, KEY_ECC, KEY_REPEAT, KEY_JSON };

struct bench_options {
	struct options common;
	const char *device;
	struct size_spec size; /* of 0 bytes: as suits the device */
	enum rs_code codes[BENCH_CODES];
	unsigned code_count;
	uint64_t repeat;
	bool json;
};

static const struct argp_option bench_option_list[] = {
	{"device", KEY_DEVICE, "DEVICE", 0,
		"What to measure: auto (the first GPU, the default), a number, cuda:N, opencl:N, a "
		"UUID, a PCI address, or host",
		0},
	{"size", KEY_SIZE, "SIZE", 0,
		"Device memory to take, parity included: bytes, 4G, max (what is free less "
		"some headroom) or a share of that such as 50% (default 8G; 64M where the device is "
		"no GPU)",
		0},
	{"ecc", KEY_ECC, "CODE", 0, "Measure one code only: rs136 or rs128 (default both)", 0},
	{"repeat", KEY_REPEAT, "N", 0, "Measure everything N times, 1 to 100 (default 7)", 0},
	{"json", KEY_JSON, NULL, 0, "Write an object instead of a table", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static err_t parse_code(struct bench_options *options, const char *text)
{
	int err = options_code(text, &options->codes[0], options->common.why);

	if (err)
		return err;
	if (options->codes[0] == RS_NONE)
		return why_fail(options->common.why, EINVAL,
			"there is nothing to measure without a code: use rs136 or rs128");
	options->code_count = 1;
	return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct bench_options *options = state->input;
	struct why *why = options->common.why;

	switch (key) {
	case KEY_DEVICE:
		options->device = argument;
		return 0;
	case KEY_SIZE:
		return -size_parse(argument, &options->size, why);
	case KEY_ECC:
		return -parse_code(options, argument);
	case KEY_REPEAT:
		return -options_number(
			"repeat", argument, 1, BENCH_REPEAT_MAX, &options->repeat, why);
	case KEY_JSON:
		options->json = true;
		return 0;
	case ARGP_KEY_ARG:
		return -why_fail(why, EINVAL,
			"'%s' is one word too many; see 'vramfs bench --help'", argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp bench_argp = {
	.options = bench_option_list,
	.parser = parse_option,
	.doc = "Measure the kernels of a device, each beside what its memory lets it reach.",
};

static enum exit_status measure_code(
	struct bench *bench, const struct store_options *options, struct why *why)
{
	CLEANUP(store_close_p) struct store *store = NULL;
	int err = store_open(bench->device, options, &store, why);

	if (err)
		return exit_fail("bench", STAGE_REGION, err, why);
	err = bench_measure(bench, store, why);
	return err ? exit_fail("bench", STAGE_WORK, err, why) : EXIT_DONE;
}

static enum exit_status run(const struct bench_options *options, struct why *why)
{
	struct store_options store_options = {
		.size = options->size, .max_correct = BENCH_ERROR_BYTES};
	CLEANUP(device_close_p) struct device *device = NULL;
	struct bench bench = {.repeat = (unsigned)options->repeat};
	int err = device_open(options->device, &device, why);

	if (err)
		return exit_fail("bench", STAGE_DEVICE, err, why);
	if (device_info(device)->kind == DEVICE_HOST)
		fprintf(stderr,
			"vramfs bench: WARNING: device host: this measures system memory and the "
			"processors, NOT a GPU\n");
	if (store_options.size.kind == SIZE_BYTES && !store_options.size.bytes)
		store_options.size.bytes = device_info(device)->gpu ? SIZE_ON_GPU : SIZE_ELSEWHERE;
	bench.device = device;
	for (unsigned i = 0; i < options->code_count; i++) {
		enum exit_status status;

		store_options.code = options->codes[i];
		status = measure_code(&bench, &store_options, why);
		if (status != EXIT_DONE)
			return status;
	}
	if (options->json)
		bench_print_json(&bench);
	else
		bench_print_table(&bench);
	return exit_flush("bench", EXIT_DONE);
}

enum exit_status verb_bench(int argc, char **argv)
{
	struct why why = {""};
	struct bench_options options = {
		.common.why = &why,
		.device = "auto",
		.size = {.kind = SIZE_BYTES},
		.codes = {RS_136, RS_128},
		.code_count = BENCH_CODES,
		.repeat = 7,
	};
	int err = options_parse(&bench_argp, argc, argv, &options.common);

	if (err)
		return exit_fail("bench", STAGE_ARGUMENTS, err, &why);
	return run(&options, &why);
}
