/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#include "cli/device-options.h"

#include <stdio.h>

enum { KEY_DEVICE = 0x200, KEY_SIZE, KEY_JSON };

static const struct argp_option device_option_list[] = {
	{"device", KEY_DEVICE, "DEVICE", 0,
		"The device: auto (the first GPU, the default), a number, cuda:N, opencl:N, a UUID, a "
		"PCI address, or host",
		0},
	{"size", KEY_SIZE, "SIZE", 0,
		"Device memory to take, parity included: bytes, 4G, max (what is free less some "
		"headroom) or a share of that such as 50%",
		0},
	{"json", KEY_JSON, NULL, 0, "Write an object instead of text", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct device_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->input;
		return 0;
	case KEY_DEVICE:
		options->device = argument;
		return 0;
	case KEY_SIZE:
		return -size_parse(argument, &options->size, options->common.why);
	case KEY_JSON:
		options->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int device_options_parse(
	const struct argp *argp, int argc, char **argv, struct device_options *options)
{
	const struct argp_child children[] = {{argp, 0, NULL, 0}, {NULL, 0, NULL, 0}};
	const struct argp around = {
		.options = device_option_list, .parser = parse_option, .children = children};

	return options_parse(&around, argc, argv, &options->common);
}

enum exit_status device_options_open(
	const struct device_options *options, const char *verb, struct device **ret_device)
{
	int err = device_open(options->device, ret_device, options->common.why);

	if (err)
		return exit_fail(verb, STAGE_DEVICE, err, options->common.why);
	if (device_info(*ret_device)->kind == DEVICE_HOST)
		fprintf(stderr,
			"vramfs %s: WARNING: device host: this is system memory and the processors, "
			"NOT a GPU\n",
			verb);
	return EXIT_DONE;
}

struct size_spec device_options_size(const struct device_options *options,
	const struct device *device, uint64_t gpu_bytes, uint64_t other_bytes)
{
	struct size_spec size = options->size;

	if (size.kind == SIZE_BYTES && !size.bytes)
		size.bytes = device_info(device)->gpu ? gpu_bytes : other_bytes;
	return size;
}
