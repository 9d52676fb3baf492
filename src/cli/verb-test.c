/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs test`: takes a region as a mount would, and puts everything below the filesystem through
 * its paces. The report is printed at the end, and the exit status is 0 only if all that must hold
 * did.
 */
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

DEFINE_CLEANUP(struct device *, device_close, device_close)
DEFINE_CLEANUP(struct store *, store_close, store_close)

enum { KEY_DEVICE = 0x100, KEY_SIZE, KEY_ECC, KEY_MAX_CORRECT, KEY_SEED, KEY_JSON };

struct test_options {
	struct options common;
	const char *device;
	struct size_spec size;
	enum rs_code code;
	uint64_t max_correct;
	uint64_t seed;
	bool json;
};

static const struct argp_option test_option_list[] = {
	{"device", KEY_DEVICE, "DEVICE", 0,
		"What to test: auto (the first GPU, the default), a number, cuda:N, opencl:N, a UUID, "
		"a PCI address, or host",
		0},
	{"size", KEY_SIZE, "SIZE", 0,
		"Device memory to take, parity included: bytes, 4G, max (what is free less "
		"some headroom) or a share of that such as 50% (default 1G)",
		0},
	{"ecc", KEY_ECC, "CODE", OPTION_ARG_OPTIONAL,
		"Test a code: rs136 (for a bare --ecc), rs128 or none (the default)", 0},
	{"max-correct", KEY_MAX_CORRECT, "N", 0,
		"Correct up to N wrong bytes a line, 0 to 4 (default 4)", 0},
	{"seed", KEY_SEED, "N", 0,
		"Make the same data and errors as another run with the same seed (default: random)",
		0},
	{"json", KEY_JSON, NULL, 0, "Write an object instead of tables", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct test_options *options = state->input;
	struct why *why = options->common.why;

	switch (key) {
	case KEY_DEVICE:
		options->device = argument;
		return 0;
	case KEY_SIZE:
		return -size_parse(argument, &options->size, why);
	case KEY_ECC:
		return -options_code(argument, &options->code, why);
	case KEY_MAX_CORRECT:
		return -options_number(
			"max-correct", argument, 0, RS_MAX_CORRECT, &options->max_correct, why);
	case KEY_SEED:
		return -options_number("seed", argument, 0, UINT64_MAX, &options->seed, why);
	case KEY_JSON:
		options->json = true;
		return 0;
	case ARGP_KEY_ARG:
		return -why_fail(why, EINVAL, "'%s' is one word too many; see 'vramfs test --help'",
			argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp test_argp = {
	.options = test_option_list,
	.parser = parse_option,
	.doc = "Test a device: its memory, the way to and from it, and the codes that protect it.",
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
	const struct store_options store_options = {
		.size = options->size,
		.code = options->code,
		.max_correct = (unsigned)options->max_correct,
	};
	CLEANUP(device_close_p) struct device *device = NULL;
	CLEANUP(store_close_p) struct store *store = NULL;
	struct test test = {.seed = options->seed};
	int err;

	err = device_open(options->device, &device, why);
	if (err)
		return exit_fail("test", STAGE_DEVICE, err, why);
	if (device_info(device)->kind == DEVICE_HOST)
		fprintf(stderr,
			"vramfs test: WARNING: device host: this tests system memory and the "
			"processors, NOT a GPU\n");
	err = store_open(device, &store_options, &store, why);
	if (err)
		return exit_fail("test", STAGE_REGION, err, why);
	test.device = device;
	test.store = store;
	err = run_parts(&test, options->json, why);
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
		.common.why = &why,
		.device = "auto",
		.size = {.kind = SIZE_BYTES, .bytes = GIB},
		.code = RS_NONE,
		.max_correct = RS_MAX_CORRECT,
	};
	int err;

	if (getrandom(&options.seed, sizeof(options.seed), GRND_NONBLOCK) < 0)
		options.seed = (uint64_t)getpid();
	options.seed &= 0xffffffff; /* short enough to type again */
	err = options_parse(&test_argp, argc, argv, &options.common);
	if (err)
		return exit_fail("test", STAGE_ARGUMENTS, err, &why);
	return run(&options, &why);
}
