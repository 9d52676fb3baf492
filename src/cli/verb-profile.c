/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs profile`: takes a region as a mount would, and runs one thing on it, long and steadily,
 * for a profiler to look at: docs/profiling.md says how. Nothing else is to be seen meanwhile; what
 * must be done first (random data, their codewords) comes before, once.
 */
#include "base/cleanup.h"
#include "base/trace.h"
#include "cli/cli.h"
#include "cli/device-options.h"
#include "cli/json.h"
#include "cli/profile-load.h"
#include "cli/profile.h"

#include <string.h>

#define SIZE_ON_GPU (8 * GIB)
#define SIZE_ELSEWHERE (64 * MIB)
#define SECONDS_MAX 86400u

static const struct subject {
	const char *name;
	const char *summary; /* what runs */
	err_t (*run)(struct profile *profile, struct why *why);
	bool each_code;   /* with one code after the other, unless told otherwise */
	bool needs_code;  /* makes no sense without */
	bool has_threads; /* can be told how many */
} subjects[] = {
	{"stream-pool", "threads with a queue each, that write and read 4 KiB at a time",
		profile_stream_pool, false, false, true},
	{"decoder", "4 wrong bytes in every line, made and corrected in turn", profile_decoder,
		false, true, false},
	{"encoders", "encode, verify and refresh, each for its share of the time", profile_encoders,
		true, true, false},
	{"pipeline", "writes and reads of 1 MiB between pinned memory and blocks", profile_pipeline,
		false, false, false},
	{"gpu-parallelism", "verify in jobs of 1 MiB, 1, 2, 4 and so on at once",
		profile_gpu_parallelism, false, true, false},
};

#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))
#define SUBJECT_NAMES "stream-pool, decoder, encoders, pipeline or gpu-parallelism"

enum { KEY_ECC = 0x100, KEY_SECONDS, KEY_THREADS };

struct profile_options {
	struct device_options device;
	const struct subject *subject; /* NULL: none yet */
	enum rs_code codes[PROFILE_CODES];
	unsigned code_count; /* 0: as the subject has it */
	uint64_t seconds;
	uint64_t threads; /* 0: not said */
};

static const struct argp_option profile_option_list[] = {
	{"ecc", KEY_ECC, "CODE", 0,
		"The code: rs136, rs128 or none (default rs136; encoders: rs136, then rs128)", 0},
	{"seconds", KEY_SECONDS, "N", 0, "Run for N seconds (default 10)", 0},
	{"threads", KEY_THREADS, "N", 0, "The threads of stream-pool, 1 to 256 (default 16)", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static err_t take_subject(struct profile_options *options, const char *name)
{
	for (size_t i = 0; i < SUBJECTS; i++) {
		if (!strcmp(name, subjects[i].name))
			options->subject = &subjects[i];
	}
	if (!options->subject)
		return why_fail(options->device.common.why, EINVAL,
			"there is no '%s' to profile: use " SUBJECT_NAMES, name);
	return 0;
}

/* The options are all there: do they go together? */
static err_t check_options(struct profile_options *options)
{
	const struct subject *subject = options->subject;
	struct why *why = options->device.common.why;

	if (!subject)
		return why_fail(why, EINVAL,
			"say what to profile: " SUBJECT_NAMES "; see 'vramfs profile --help'");
	if (!options->code_count)
		options->code_count = subject->each_code ? PROFILE_CODES : 1;
	if (subject->needs_code && options->codes[0] == RS_NONE)
		return why_fail(why, EINVAL, "%s needs a code: use rs136 or rs128", subject->name);
	if (options->threads && !subject->has_threads)
		return why_fail(why, EINVAL, "%s can't be told --threads: only stream-pool can",
			subject->name);
	if (!options->threads)
		options->threads = 16;
	return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct profile_options *options = state->input;
	struct why *why = options->device.common.why;

	switch (key) {
	case KEY_ECC:
		options->code_count = 1;
		return -options_code(argument, &options->codes[0], why);
	case KEY_SECONDS:
		return -options_number("seconds", argument, 1, SECONDS_MAX, &options->seconds, why);
	case KEY_THREADS:
		return -options_number(
			"threads", argument, 1, LOAD_THREADS_MAX, &options->threads, why);
	case ARGP_KEY_ARG:
		return options->subject ? ARGP_ERR_UNKNOWN : -take_subject(options, argument);
	case ARGP_KEY_END:
		return -check_options(options);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp profile_argp = {
	.options = profile_option_list,
	.parser = parse_option,
	.args_doc = "SUBJECT",
	.doc = "Run one thing steadily on a device, for a profiler: stream-pool, decoder, encoders, "
	       "pipeline or gpu-parallelism.\v"
	       "Unless told otherwise it takes 8G of a GPU, 64M of another device.",
};

/* --- the report --- */

void profile_add_part(
	struct profile *profile, const char *name, uint64_t jobs, uint64_t bytes, double seconds)
{
	if (profile->part_count == sizeof(profile->parts) / sizeof(profile->parts[0]))
		abort();
	profile->parts[profile->part_count++] = (struct profile_part){
		.name = name,
		.code = store_geometry(profile->store)->code,
		.jobs = jobs,
		.bytes = bytes,
		.seconds = seconds,
	};
}

double profile_gb_per_s(const struct profile_part *part)
{
	return (double)part->bytes / part->seconds * 1e-9;
}

static void print_heading(const struct profile_options *options, const struct device *device)
{
	const struct device_info *info = device_info(device);
	char selector[32];

	printf("%s: %s; for %u s\n", options->subject->name, options->subject->summary,
		(unsigned)options->seconds);
	printf("%s (%s), %s\n", device_selector(info, selector, sizeof(selector)), info->name,
		info->driver);
}

static void print_region(const struct store_geometry *geometry)
{
	char taken[32];

	printf("%s: %s in %llu blocks\n", rs_code_name(geometry->code),
		size_format(geometry->region_bytes, taken, sizeof(taken)),
		(unsigned long long)geometry->blocks);
	/* Now, so that it is seen while the work runs. */
	fflush(stdout);
}

/* "encoders: rs136 encode 1.00 GB/s, verify 2.00 GB/s, rs128 encode ..." */
static void print_line(const struct subject *subject, const struct profile *profile)
{
	printf("%s:", subject->name);
	for (unsigned i = 0; i < profile->part_count; i++) {
		const struct profile_part *part = &profile->parts[i];
		bool other_code = !i || part->code != profile->parts[i - 1].code;

		printf("%s %s%s%s %.2f GB/s", i ? "," : "",
			other_code ? rs_code_name(part->code) : "", other_code ? " " : "",
			part->name, profile_gb_per_s(part));
	}
	printf("%s%s\n", profile->note[0] ? "; " : "", profile->note);
}

static struct json_object *part_json(const struct profile_part *part)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "part", part->name);
	json_add_text(object, "code", rs_code_name(part->code));
	json_add_count(object, "jobs", part->jobs);
	json_add_count(object, "bytes", part->bytes);
	json_add_real(object, "seconds", part->seconds);
	json_add_real(object, "gb_per_s", profile_gb_per_s(part));
	return object;
}

/* Fill in what all subjects have, write the object and free it. */
static void print_json(
	const struct profile_options *options, const struct device *device, struct profile *profile)
{
	struct json_object *object = profile->json, *parts = json_object_new_array();

	profile->json = NULL;
	json_add_text(object, "version", VRAMFS_VERSION);
	json_add_text(object, "subject", options->subject->name);
	json_add_device(object, device_info(device));
	json_add_count(object, "seconds", options->seconds);
	for (unsigned i = 0; i < profile->part_count; i++)
		json_object_array_add(parts, part_json(&profile->parts[i]));
	json_object_object_add(object, "parts", parts);
	json_print(object);
}

/* --- running --- */

/* Random data in all lines, and codewords of them. */
static err_t prepare(struct store *store, struct why *why)
{
	static const enum kernel kernels[] = {KERNEL_RANDOMIZE, KERNEL_ENCODE};
	const struct store_sweep arguments = {.seed = 1};
	uint64_t range = trace_start("profile prepare");
	int err = 0;

	for (unsigned i = 0; i < 2 && !err; i++) {
		struct store_sweep_totals totals;

		if (store_geometry(store)->code == RS_NONE && kernels[i] == KERNEL_ENCODE)
			continue;
		err = store_sweep(store, kernels[i], 0, (uint32_t)store_geometry(store)->blocks,
			&arguments, &totals);
	}
	trace_end(range);
	return err ? why_fail(why, EIO,
			     "the device failed to prepare the region: look at its driver's log")
		   : 0;
}

static enum exit_status run_code(const struct profile_options *options, struct device *device,
	enum rs_code code, struct profile *profile)
{
	const struct store_options store_options = {
		.size = device_options_size(&options->device, device, SIZE_ON_GPU, SIZE_ELSEWHERE),
		.code = code,
		.max_correct = RS_MAX_CORRECT,
	};
	struct why *why = options->device.common.why;
	CLEANUP(store_close_p) struct store *store = NULL;
	int err = store_open(device, &store_options, &store, why);

	if (err)
		return exit_fail("profile", STAGE_REGION, err, why);
	if (!options->device.json) {
		if (code == options->codes[0])
			print_heading(options, device);
		print_region(store_geometry(store));
	}
	profile->store = store;
	err = prepare(store, why);
	if (!err)
		err = options->subject->run(profile, why);
	return err ? exit_fail("profile", STAGE_WORK, err, why) : EXIT_DONE;
}

static void json_free(struct profile *profile)
{
	json_object_put(profile->json);
}

static enum exit_status run(const struct profile_options *options)
{
	CLEANUP(device_close_p) struct device *device = NULL;
	CLEANUP(json_free)
	struct profile profile = {
		.seconds = (double)options->seconds / options->code_count,
		.threads = (unsigned)options->threads,
		.json = json_object_new_object(),
	};
	enum exit_status status = device_options_open(&options->device, "profile", &device);

	for (unsigned i = 0; i < options->code_count && status == EXIT_DONE; i++)
		status = run_code(options, device, options->codes[i], &profile);
	if (status != EXIT_DONE)
		return status;
	if (options->device.json)
		print_json(options, device, &profile);
	else
		print_line(options->subject, &profile);
	return exit_flush("profile", EXIT_DONE);
}

enum exit_status verb_profile(int argc, char **argv)
{
	struct why why = {""};
	struct profile_options options = {
		.device = DEVICE_OPTIONS_DEFAULT(&why),
		.codes = {RS_136, RS_128},
		.seconds = 10,
	};
	int err = device_options_parse(&profile_argp, argc, argv, &options.device);

	if (err)
		return exit_fail("profile", STAGE_ARGUMENTS, err, &why);
	return run(&options);
}
