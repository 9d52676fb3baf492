/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_DEVICE_OPTIONS_H
#define VRAMFS_CLI_DEVICE_OPTIONS_H

#include "base/size.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "device/device.h"

#include <stdbool.h>

/*
 * --device, --size and --json, for the verbs that take a region of a device, work on it and report.
 * What INPUT of such a verb's parser begins with.
 */
struct device_options {
	struct options common;
	const char *device;    /* as device_open() takes it */
	struct size_spec size; /* of 0 bytes: as the verb and the device have it */
	bool json;
};

/* Nothing asked for: the first GPU, a size that suits it, text. What is wrong goes to WHY. */
#define DEVICE_OPTIONS_DEFAULT(why)                                              \
	{                                                                        \
		.common = {why}, .device = "auto", .size = {.kind = SIZE_BYTES } \
	}

/* As options_parse() does for ARGP, whose options these are added to. */
err_t device_options_parse(
	const struct argp *argp, int argc, char **argv, struct device_options *options);

/* Open the device. If that fails, say so as exit_fail() does for VERB. If it is the host's memory,
 * warn that VERB is about a GPU. */
enum exit_status device_options_open(
	const struct device_options *options, const char *verb, struct device **ret_device);

/* The size that was asked for, or else GPU_BYTES, or OTHER_BYTES where DEVICE is no GPU. */
struct size_spec device_options_size(const struct device_options *options,
	const struct device *device, uint64_t gpu_bytes, uint64_t other_bytes);

#endif
