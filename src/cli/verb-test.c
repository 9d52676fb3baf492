/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs test`: takes a region as a mount would, and puts everything below the filesystem through
 * its paces. The report is printed at the end, and the exit status is 0 only if all that must hold
 * did.
 */
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/device-options.h"
#include "cli/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define SIZE_DEFAULT GIB

enum { KEY_ECC = 0x100, KEY_MAX_CORRECT, KEY_SEED };

struct test_options {
	struct device_options device;
	enum rs_code code;
	uint64_t max_correct;
	uint64_t seed;
};

static const struct argp_option test_option_list[] = {
	{"ecc", KEY_ECC, "CODE", OPTION_ARG_OPTIONAL,
		"Test a code: rs136 (for a bare --ecc), rs128 or none (the default)", 0},
	{"max-correct", KEY_MAX_CORRECT, "N", 0,
		"Correct up to N wrong bytes a line, 0 to 4 (default 4)", 0},
	{"seed", KEY_SEED, "N", 0,
		"Make the same data and errors as another run with the same seed (default: random)",
		0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct test_options *options = state->input;
	struct why *why = options->device.common.why;

	switch (key) {
	case KEY_ECC:
		return -options_code(argument, &options->code, why);
	case KEY_MAX_CORRECT:
		return -options_number(
			"max-correct", argument, 0, RS_MAX_CORRECT, &options->max_correct, why);
	case KEY_SEED:
		return -options_number("seed", argument, 0, UINT64_MAX, &options->seed, why);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp test_argp = {
	.options = test_option_list,
	.parser = parse_option,
	.doc = "Test a device: its memory, the way to and from it, and the codes that protect it.\v"
	       "Unless told otherwise it takes 1G.",
};

/* Run everything on an open store and print the report. */
static err_t run_parts(struct test *test, bool json, struct why *why)
{
	int err = test_run_pool(test, why);

	if (!err)
		err = test_run_transfer(test, why);
	if (!err)
		err = test_run_steps(test, why);
	if (err)
		return err;
	if (json)
		test_print_json(test);
	else
		test_print_table(test);
	return 0;
}

static enum exit_status run(const struct test_options *options, struct why *why)
{
	struct store_options store_options = {
		.code = options->code,
		.max_correct = (unsigned)options->max_correct,
	};
	CLEANUP(device_close_p) struct device *device = NULL;
	CLEANUP(store_close_p) struct store *store = NULL;
	struct test test = {.seed = options->seed};
	enum exit_status status = device_options_open(&options->device, "test", &device);
	int err;

	if (status != EXIT_DONE)
		return status;
	store_options.size =
		device_options_size(&options->device, device, SIZE_DEFAULT, SIZE_DEFAULT);
	err = store_open(device, &store_options, &store, why);
	if (err)
		return exit_fail("test", STAGE_REGION, err, why);
	test.device = device;
	test.store = store;
	err = run_parts(&test, options->device.json, why);
	if (err)
		return exit_fail("test", STAGE_WORK, err, why);
	if (!test.failure_count)
		return exit_flush("test", EXIT_DONE);
	exit_flush("test", EXIT_FAILED);
	fprintf(stderr, "vramfs test: %u things that must hold did not; the first: %s\n",
		test.failure_count, test.failures[0]);
	return EXIT_FAILED;
}

enum exit_status verb_test(int argc, char **argv)
{
	struct why why = {""};
	struct test_options options = {
		.device = DEVICE_OPTIONS_DEFAULT(&why),
		.code = RS_NONE,
		.max_correct = RS_MAX_CORRECT,
	};
	int err;

	if (getrandom(&options.seed, sizeof(options.seed), GRND_NONBLOCK) < 0)
		options.seed = (uint64_t)getpid();
	options.seed &= 0xffffffff; /* short enough to type again */
	err = device_options_parse(&test_argp, argc, argv, &options.device);
	if (err)
		return exit_fail("test", STAGE_ARGUMENTS, err, &why);
	return run(&options, &why);
}
