/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs bench`: takes a region as a mount would, once for each code, and measures the kernels
 * that sweep over one, each beside the most that the device's memory lets it reach.
 */
#include "base/cleanup.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/device-options.h"

#define SIZE_ON_GPU (8 * GIB)
#define SIZE_ELSEWHERE (64 * MIB)

enum { KEY_ECC = 0x100, KEY_BESIDE, KEY_REPEAT };

struct bench_options {
	struct device_options device;
	enum rs_code codes[BENCH_CODES];
	unsigned code_count;
	const char *beside; /* a form of the kernels, or NULL */
	uint64_t repeat;
};

static const struct argp_option bench_option_list[] = {
	{"ecc", KEY_ECC, "CODE", 0, "Measure one code only: rs136 or rs128 (default both)", 0},
	{"beside", KEY_BESIDE, "FORM", 0,
		"Measure another form of the kernels, too, as VRAMFS_KERNELS, "
		"VRAMFS_KERNELS_OPENCL and VRAMFS_KERNELS_NATIVE name them",
		0},
	{"repeat", KEY_REPEAT, "N", 0, "Measure everything N times, 1 to 100 (default 7)", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static err_t parse_code(struct bench_options *options, const char *text)
{
	int err = options_code(text, &options->codes[0], options->device.common.why);

	if (err)
		return err;
	if (options->codes[0] == RS_NONE)
		return why_fail(options->device.common.why, EINVAL,
			"there is nothing to measure without a code: use rs136 or rs128");
	options->code_count = 1;
	return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct bench_options *options = state->input;
	struct why *why = options->device.common.why;

	switch (key) {
	case KEY_ECC:
		return -parse_code(options, argument);
	case KEY_BESIDE:
		options->beside = argument;
		return 0;
	case KEY_REPEAT:
		return -options_number(
			"repeat", argument, 1, BENCH_REPEAT_MAX, &options->repeat, why);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp bench_argp = {
	.options = bench_option_list,
	.parser = parse_option,
	.doc = "Measure the kernels of a device, each beside what its memory lets it reach.\v"
	       "Unless told otherwise it takes 8G of a GPU, 64M of another device.",
};

static enum exit_status measure_code(struct bench *bench, struct device *device, const char *form,
	const struct store_options *options, struct why *why)
{
	CLEANUP(store_close_p) struct store *store = NULL;
	int err = store_open(device, options, &store, why);

	if (err)
		return exit_fail("bench", STAGE_REGION, err, why);
	err = bench_measure(bench, store, form, why);
	return err ? exit_fail("bench", STAGE_WORK, err, why) : EXIT_DONE;
}

static enum exit_status run(const struct bench_options *options, struct why *why)
{
	struct store_options store_options = {.max_correct = BENCH_ERROR_BYTES};
	CLEANUP(device_close_p) struct device *device = NULL, *beside = NULL;
	struct bench bench = {.repeat = (unsigned)options->repeat};
	enum exit_status status = device_options_open(&options->device, "bench", &device);

	if (status != EXIT_DONE)
		return status;
	if (options->beside) {
		int err =
			device_open_kernels(options->device.device, options->beside, &beside, why);

		if (err)
			return exit_fail("bench", STAGE_DEVICE, err, why);
	}
	store_options.size =
		device_options_size(&options->device, device, SIZE_ON_GPU, SIZE_ELSEWHERE);
	bench.device = device;
	for (unsigned i = 0; i < options->code_count; i++) {
		store_options.code = options->codes[i];
		status = measure_code(&bench, device, NULL, &store_options, why);
		if (status == EXIT_DONE && beside)
			status = measure_code(&bench, beside, options->beside, &store_options, why);
		if (status != EXIT_DONE)
			return status;
	}
	if (options->device.json)
		bench_print_json(&bench);
	else
		bench_print_table(&bench);
	return exit_flush("bench", EXIT_DONE);
}

enum exit_status verb_bench(int argc, char **argv)
{
	struct why why = {""};
	struct bench_options options = {
		.device = DEVICE_OPTIONS_DEFAULT(&why),
		.codes = {RS_136, RS_128},
		.code_count = BENCH_CODES,
		.repeat = 7,
	};
	int err = device_options_parse(&bench_argp, argc, argv, &options.device);

	if (err)
		return exit_fail("bench", STAGE_ARGUMENTS, err, &why);
	return run(&options, &why);
}
