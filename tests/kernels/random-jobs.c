/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * A fuzzer of the kernels: random jobs (random-job.h) on a device, and every bit of region, payload
 * and counters compared with the model. It does the first FIXED_JOBS of seed 1, however long that
 * takes, and then others until the time is up. From the environment:
 *
 *	VRAMFS_TEST_DEVICE	see rig.h; VRAMFS_KERNELS, VRAMFS_KERNELS_OPENCL and
 *				VRAMFS_KERNELS_NATIVE choose a variant
 *	VRAMFS_TEST_SECONDS	when to end; 0 if unset: with the fixed jobs
 *	VRAMFS_TEST_SEED	of the other jobs; if unset, one that nobody had before
 *	VRAMFS_TEST_JOB		this job of the seed, and nothing else
 *
 * Of a job that goes wrong it leaves out what is not needed for that, segments and errors, before
 * it prints the rest; and the words that do the job again.
 */
#include "model.h"
#include "random-job.h"

#include "device/kernel-names.h"
#include "reference.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIXED_SEED 1u
#define FIXED_JOBS 300u
#define MOST_ATTEMPTS 2000u /* to leave something out */
#define CODES 3u

struct fuzzer {
	uint64_t seed;
	struct rig *rigs[CODES];
	uint8_t *payloads[CODES]; /* what the rigs' have before each job */
	uint64_t lines;
	unsigned attempts;
	uint32_t number; /* of the job that is under way */
	bool under_way;
};

static struct fuzzer fuzzer_in_use;

/* One job, and what of it is kept. */
struct trial {
	uint32_t number;
	struct rig *rig;
	const uint8_t *payload; /* before the job */
	uint8_t *damaged;       /* the image before the job */
	struct random_job job;
	bool *kept_lines;
	bool kept_segments[RANDOM_JOB_SEGMENTS];
};

/* The first thing that is not as it must be, in this order. */
struct difference {
	enum { NOTHING, IN_REGION, IN_PAYLOAD, IN_COUNTERS } where;
	uint32_t line;
	size_t payload_byte;
	uint8_t before[136], expected[136], got[136];
	uint8_t payload_expected, payload_got;
	struct kernel_report report_expected, report_got;
};

static void get_line(const struct rig *rig, const uint8_t *image, uint32_t line, uint8_t *ret_word)
{
	for (unsigned i = 0; i < rig->symbols; i++)
		ret_word[i] = *rig_symbol(rig, (uint8_t *)image, line, i);
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t count)
{
	size_t i = 0;
	if (memcmp(a, b, count) == 0)
		return count;
	while (a[i] == b[i])
		i++;
	return i;
}

static struct difference compare(const struct trial *trial, const struct model *model,
	const uint8_t *payload, const struct kernel_report *report)
{
	const struct rig *rig = trial->rig;
	struct difference found = {.report_expected = model->report, .report_got = *report};
	size_t byte = first_difference(rig->image, model->image, rig->image_bytes);
	if (byte < rig->image_bytes) {
		found.where = IN_REGION;
		found.line = rig_line_of(rig, byte);
		get_line(rig, trial->damaged, found.line, found.before);
		get_line(rig, model->image, found.line, found.expected);
		get_line(rig, rig->image, found.line, found.got);
		return found;
	}
	byte = first_difference(rig->payload, payload, rig->payload_bytes);
	if (byte < rig->payload_bytes) {
		found.where = IN_PAYLOAD;
		found.payload_byte = byte;
		found.payload_expected = payload[byte];
		found.payload_got = rig->payload[byte];
		return found;
	}
	bool same = report->flagged == model->report.flagged && report->lost == model->report.lost;
	for (unsigned i = 1; i < 5; i++)
		same &= report->corrected[i] == model->report.corrected[i];
	found.where = same ? NOTHING : IN_COUNTERS;
	return found;
}

/* Do what is kept of the job, on the device and by the model. */
static struct difference run(struct fuzzer *fuzzer, const struct trial *trial)
{
	struct rig *rig = trial->rig;
	struct rig_job job = trial->job.job;
	uint8_t *payload = malloc(rig->payload_bytes);
	job.segment_count = 0;
	for (uint32_t i = 0; i < trial->job.job.segment_count; i++) {
		if (trial->kept_segments[i])
			rig->segments[job.segment_count++] = trial->job.segments[i];
	}
	memcpy(rig->image, trial->damaged, rig->image_bytes);
	for (uint32_t line = 0; line < rig->lines; line++) {
		if (!trial->job.hit[line] || trial->kept_lines[line])
			continue;
		for (unsigned i = 0; i < rig->symbols; i++)
			*rig_symbol(rig, rig->image, line, i) =
				*rig_symbol(rig, rig->truth, line, i);
	}
	memcpy(payload, trial->payload, rig->payload_bytes);
	memcpy(rig->payload, trial->payload, rig->payload_bytes);

	struct model *model = model_new(rig);
	rig_push(rig);
	model_run(model, &job, payload);
	struct kernel_report report = rig_run(rig, &job);
	rig_pull(rig);
	struct difference found = compare(trial, model, payload, &report);
	fuzzer->lines += model->lines;
	model_free(model);
	free(payload);
	return found;
}

/* Leave out as many of the COUNT things in KEPT as the job goes wrong without, but not all if it
 * takes SOME: half of them at a time, then a quarter, and so on. */
static void leave_out(struct fuzzer *fuzzer, const struct trial *trial, bool *kept, uint32_t count,
	bool takes_some)
{
	bool *before = malloc(count * sizeof(kept[0]));
	for (uint32_t chunk = count; chunk > 0; chunk /= 2) {
		for (uint32_t first = 0; first < count; first += chunk) {
			uint32_t size = first + chunk < count ? chunk : count - first, left = 0;
			bool changes = memchr(kept + first, true, size) != NULL;
			memcpy(before, kept, count * sizeof(kept[0]));
			memset(kept + first, false, size * sizeof(kept[0]));
			for (uint32_t i = 0; i < count; i++)
				left += kept[i];
			if (changes && (left > 0 || !takes_some) &&
				fuzzer->attempts++ < MOST_ATTEMPTS &&
				run(fuzzer, trial).where != NOTHING)
				continue;
			memcpy(kept, before, count * sizeof(kept[0]));
		}
	}
	free(before);
}

/* --- what is printed --- */

static void print_variable(const char *name)
{
	if (getenv(name))
		printf(" %s=%s", name, getenv(name));
}

static void print_bytes(const char *what, const uint8_t *bytes, unsigned count)
{
	printf("    %-9s", what);
	for (unsigned i = 0; i < count; i++)
		printf("%s%02x", i && i % 8 == 0 ? " " : "", bytes[i]);
	printf("\n");
}

static void print_job(const struct fuzzer *fuzzer, const struct trial *trial)
{
	const struct rig_job *job = &trial->job.job;
	char device[300];
	rig_describe(trial->rig, device, sizeof(device));
	printf("job %" PRIu32 " of seed %" PRIu64 " went wrong on %s\n", trial->number,
		fuzzer->seed, device);
	printf("to do it again:");
	print_variable("VRAMFS_TEST_DEVICE");
	print_variable("VRAMFS_KERNELS");
	print_variable("VRAMFS_KERNELS_OPENCL");
	print_variable("VRAMFS_KERNELS_NATIVE");
	printf(" VRAMFS_TEST_SEED=%" PRIu64 " VRAMFS_TEST_JOB=%" PRIu32 " %s\n", fuzzer->seed,
		trial->number, program_invocation_name);
	printf("%s, %s, up to %u errors a line are corrected; less would not go wrong:\n",
		kernel_names[job->kernel], rs_code_name(trial->rig->code), job->max_correct);
	if (job->segment_count == 0)
		printf("  all of the blocks from %" PRIu32 " on\n", job->first_block);
	for (uint32_t i = 0; i < job->segment_count; i++) {
		const struct kernel_segment *segment = &trial->job.segments[i];
		if (!trial->kept_segments[i])
			continue;
		printf("  block %" PRIu32 ", %" PRIu32 " bytes from %" PRIu32
		       ", zeros from %" PRIu32 " to %" PRIu32 ", payload from %zu",
			segment->block, segment->count, segment->first, segment->zero_from,
			segment->zero_to, job->payload + segment->payload);
		if (job->kernel == KERNEL_COPY)
			printf(", from block %" PRIu32 ", byte %" PRIu32, segment->source,
				segment->source_first);
		printf("\n");
	}
}

static void print_errors(const struct trial *trial)
{
	const struct rig *rig = trial->rig;
	unsigned printed = 0;
	for (uint32_t line = 0; line < rig->lines; line++) {
		if (!trial->job.hit[line] || !trial->kept_lines[line] || printed++ >= 8)
			continue;
		printf("  line %" PRIu32 " has errors:", line);
		for (unsigned i = 0; i < rig->symbols; i++) {
			unsigned value = *rig_symbol(rig, trial->damaged, line, i) ^
					 *rig_symbol(rig, rig->truth, line, i);
			if (value)
				printf(" %u:%02x", i, value);
		}
		printf("\n");
	}
}

static void print_counters(const char *what, const struct kernel_report *report)
{
	printf("    %-9sflagged %" PRIu32 ", corrected %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32
	       ", lost %" PRIu32 "\n",
		what, report->flagged, report->corrected[1], report->corrected[2],
		report->corrected[3], report->corrected[4], report->lost);
}

static void print_difference(const struct trial *trial, const struct difference *found)
{
	const struct rig *rig = trial->rig;
	switch (found->where) {
	case NOTHING:
		printf("  done again it went right: it depends on time or on what was before\n");
		return;
	case IN_REGION:
		printf("  line %" PRIu32 " of the region\n", found->line);
		print_bytes("before", found->before, rig->symbols);
		print_bytes("expected", found->expected, rig->symbols);
		print_bytes("got", found->got, rig->symbols);
		break;
	case IN_PAYLOAD:
		printf("  payload byte %zu: expected %02x, got %02x\n", found->payload_byte,
			found->payload_expected, found->payload_got);
		break;
	case IN_COUNTERS:
		printf("  the counters alone\n");
		break;
	}
	print_counters("expected", &found->report_expected);
	print_counters("got", &found->report_got);
}

/* What the rig can't do ends the program. */
static void print_unfinished(void)
{
	if (fuzzer_in_use.under_way)
		printf("job %" PRIu32 " of seed %" PRIu64 ": the device failed\n",
			fuzzer_in_use.number, fuzzer_in_use.seed);
}

/* --- all jobs --- */

static void open_rigs(struct fuzzer *fuzzer)
{
	static const enum rs_code codes[CODES] = {RS_136, RS_128, RS_NONE};
	for (unsigned i = 0; i < CODES; i++) {
		fuzzer->rigs[i] = rig_new(
			codes[i], RANDOM_JOB_BLOCKS, RANDOM_JOB_SEGMENTS, RANDOM_JOB_PAYLOAD_BYTES);
		fuzzer->payloads[i] = malloc(RANDOM_JOB_PAYLOAD_BYTES);
	}
}

static void set_seed(struct fuzzer *fuzzer, uint64_t seed)
{
	fuzzer->seed = seed;
	for (unsigned i = 0; i < CODES; i++) {
		random_job_fill(fuzzer->rigs[i], seed);
		memcpy(fuzzer->payloads[i], fuzzer->rigs[i]->payload, RANDOM_JOB_PAYLOAD_BYTES);
	}
}

static void close_rigs(struct fuzzer *fuzzer)
{
	for (unsigned i = 0; i < CODES; i++) {
		rig_free(fuzzer->rigs[i]);
		free(fuzzer->payloads[i]);
	}
}

/* Do job NUMBER; false, and all is said about it, if it goes wrong. */
static bool do_job(struct fuzzer *fuzzer, uint32_t number)
{
	unsigned which = number % 16 == 15 ? 2 : number % 2; /* no code: seldom */
	struct rig *rig = fuzzer->rigs[which];
	struct trial trial = {.number = number,
		.rig = rig,
		.payload = fuzzer->payloads[which],
		.damaged = malloc(rig->image_bytes),
		.job.hit = calloc(rig->lines, sizeof(bool)),
		.kept_lines = malloc(rig->lines * sizeof(bool))};
	fuzzer->number = number;
	fuzzer->under_way = true;
	random_job_make(rig, fuzzer->seed, number, &trial.job);
	memcpy(trial.damaged, rig->image, rig->image_bytes);
	memcpy(trial.kept_lines, trial.job.hit, rig->lines * sizeof(bool));
	memset(trial.kept_segments, true, trial.job.job.segment_count * sizeof(bool));

	struct difference found = run(fuzzer, &trial);
	const bool right = found.where == NOTHING;
	if (!right) {
		struct difference again = run(fuzzer, &trial);
		if (again.where != NOTHING) {
			leave_out(fuzzer, &trial, trial.kept_segments, trial.job.job.segment_count,
				true);
			leave_out(fuzzer, &trial, trial.kept_lines, rig->lines, false);
			again = run(fuzzer, &trial);
		}
		print_job(fuzzer, &trial);
		print_errors(&trial);
		if (again.where == NOTHING)
			print_difference(&trial, &again);
		print_difference(&trial, again.where == NOTHING ? &found : &again);
	}
	free(trial.damaged);
	free(trial.job.hit);
	free(trial.kept_lines);
	fuzzer->under_way = false;
	return right;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	char *end;
	if (!text || !text[0])
		return otherwise;
	uint64_t number = strtoull(text, &end, 10);
	if (*end) {
		printf("%s=%s is no number\n", name, text);
		exit(2);
	}
	return number;
}

static double now_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bool do_jobs(struct fuzzer *fuzzer, double until, uint64_t seed)
{
	uint32_t number = 0;
	set_seed(fuzzer, FIXED_SEED);
	for (; number < FIXED_JOBS; number++) {
		if (!do_job(fuzzer, number))
			return false;
	}
	if (now_seconds() < until) {
		printf("seed %" PRIu64 "\n", seed); /* known even if the program is ended */
		fflush(stdout);
		set_seed(fuzzer, seed);
		for (; now_seconds() < until; number++) {
			if (!do_job(fuzzer, number))
				return false;
		}
	}
	char device[300];
	rig_describe(fuzzer->rigs[0], device, sizeof(device));
	printf("%" PRIu32 " jobs (%u of seed %u), %" PRIu64 " lines compared on %s\n", number,
		FIXED_JOBS, FIXED_SEED, fuzzer->lines, device);
	return true;
}

int main(void)
{
	struct fuzzer *fuzzer = &fuzzer_in_use;
	const double until = now_seconds() + (double)number_of("VRAMFS_TEST_SECONDS", 0);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	const uint64_t seed =
		number_of("VRAMFS_TEST_SEED", (uint64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	const uint64_t job = number_of("VRAMFS_TEST_JOB", UINT64_MAX);
	bool right;

	atexit(print_unfinished);
	open_rigs(fuzzer);
	if (job == UINT64_MAX) {
		right = do_jobs(fuzzer, until, seed);
	} else {
		set_seed(fuzzer, seed);
		right = do_job(fuzzer, (uint32_t)job);
		if (right)
			printf("job %" PRIu64 " of seed %" PRIu64 " went right\n", job, seed);
	}
	close_rigs(fuzzer);
	return right ? 0 : 1;
}
