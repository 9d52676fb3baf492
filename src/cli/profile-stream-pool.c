/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs profile stream-pool`: many threads, each of which takes a queue and keeps small jobs in
 * flight, as threads do that serve requests. What it shows is what launching costs, and how the
 * launches spread over the queues and over their streams on the device.
 */
#include "cli/json.h"
#include "cli/profile-load.h"
#include "cli/profile.h"

#include <inttypes.h>
#include <string.h>

#define IN_FLIGHT 4u
#define JOB_LINES 32u /* 4 KiB */
#define JOB_BYTES ((size_t)JOB_LINES * KERNEL_LINE_BYTES)
#define PLACES_A_BLOCK (KERNEL_BLOCK_LINES / JOB_LINES)

/* Each slot has a place of its own, so that no job waits for another's lines, as long as there are
 * places. */
static uint64_t describe(
	const struct load *load, const struct load_position *position, struct store_job *job)
{
	const struct store_geometry *geometry = store_geometry(load->store);
	uint32_t bytes = JOB_LINES * geometry->line_payload;
	uint32_t first = (uint32_t)(position->slot / geometry->blocks % PLACES_A_BLOCK * bytes);

	job->kernel = position->round % 2 ? KERNEL_READ : KERNEL_WRITE;
	job->segments[0] = (struct kernel_segment){
		.block = (uint32_t)(position->slot % geometry->blocks),
		.first = first,
		.count = bytes,
		.zero_from = first,
		.zero_to = first + bytes,
	};
	job->segment_count = 1;
	job->payload = load->payload;
	job->payload_offset = position->slot * JOB_BYTES;
	job->payload_bytes = bytes;
	return bytes;
}

static void report(struct profile *profile, const struct load *load)
{
	uint64_t jobs = load->jobs[KERNEL_WRITE] + load->jobs[KERNEL_READ];
	double jobs_per_s = (double)jobs / load->elapsed;

	profile_add_part(profile, "write", load->jobs[KERNEL_WRITE], load->bytes[KERNEL_WRITE],
		load->elapsed);
	profile_add_part(
		profile, "read", load->jobs[KERNEL_READ], load->bytes[KERNEL_READ], load->elapsed);
	json_add_count(profile->json, "threads", load->threads);
	json_add_real(profile->json, "jobs_per_s", jobs_per_s);
	json_add_count(profile->json, "queues", load->queues);
	json_add_count(profile->json, "queue_jobs_min", load->queue_jobs_least);
	json_add_count(profile->json, "queue_jobs_max", load->queue_jobs_most);
	snprintf(profile->note, sizeof(profile->note),
		"%.0f jobs a second, %u threads on %u queues of %" PRIu64 " to %" PRIu64 " jobs",
		jobs_per_s, load->threads, load->queues, load->queue_jobs_least,
		load->queue_jobs_most);
}

int profile_stream_pool(struct profile *profile, struct why *why)
{
	struct load load = {
		.store = profile->store,
		.name = "profile stream-pool",
		.threads = profile->threads,
		.in_flight = IN_FLIGHT,
		.seconds = profile->seconds,
		.describe = describe,
	};
	int err = store_buffer_alloc(
		profile->store, profile->threads * IN_FLIGHT * JOB_BYTES, &load.payload);

	if (err)
		return why_fail(why, -err, "can't pin host memory: %s", strerror(-err));
	err = load_run(&load, why);
	store_buffer_free(load.payload);
	if (!err)
		report(profile, &load);
	return err;
}
