/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs profile pipeline`: requests of 1 MiB, as large as FUSE makes them, between pinned memory
 * and blocks. Writes and reads take turns, and several of each are in flight, so the bus carries
 * bytes both ways while other jobs' codewords are computed.
 *
 * Writes go through the region from its beginning, reads from its middle: neither waits for the
 * other's lines.
 */
#include "cli/json.h"
#include "cli/profile-load.h"
#include "cli/profile.h"

#include <string.h>

#define THREADS 2u
#define IN_FLIGHT 8u
#define BLOCKS_A_JOB 8u
#define JOB_BYTES ((size_t)BLOCKS_A_JOB * KERNEL_BLOCK_BYTES)

static uint64_t describe(
	const struct load *load, const struct load_position *position, struct store_job *job)
{
	const struct store_geometry *geometry = store_geometry(load->store);
	uint64_t blocks = geometry->blocks < BLOCKS_A_JOB ? geometry->blocks : BLOCKS_A_JOB;
	uint64_t places = geometry->blocks / blocks, place = position->number;
	bool write = position->round % 2 == 0;

	if (!write)
		place += places / 2;
	for (uint32_t i = 0; i < blocks; i++)
		job->segments[i] = (struct kernel_segment){
			.block = (uint32_t)(place % places * blocks + i),
			.count = geometry->block_payload,
			.zero_to = geometry->block_payload,
			.payload = i * geometry->block_payload,
		};
	job->kernel = write ? KERNEL_WRITE : KERNEL_READ;
	job->segment_count = (unsigned)blocks;
	job->payload = load->payload;
	job->payload_offset = position->slot * JOB_BYTES;
	job->payload_bytes = blocks * geometry->block_payload;
	return job->payload_bytes;
}

int profile_pipeline(struct profile *profile, struct why *why)
{
	struct load load = {
		.store = profile->store,
		.name = "profile pipeline",
		.threads = THREADS,
		.in_flight = IN_FLIGHT,
		.seconds = profile->seconds,
		.describe = describe,
	};
	int err =
		store_buffer_alloc(profile->store, THREADS * IN_FLIGHT * JOB_BYTES, &load.payload);
	double both;

	if (err)
		return why_fail(why, -err, "can't pin host memory: %s", strerror(-err));
	err = load_run(&load, why);
	store_buffer_free(load.payload);
	if (err)
		return err;
	profile_add_part(
		profile, "write", load.jobs[KERNEL_WRITE], load.bytes[KERNEL_WRITE], load.elapsed);
	profile_add_part(
		profile, "read", load.jobs[KERNEL_READ], load.bytes[KERNEL_READ], load.elapsed);
	both = (double)(load.bytes[KERNEL_WRITE] + load.bytes[KERNEL_READ]) / load.elapsed * 1e-9;
	json_add_real(profile->json, "both_gb_per_s", both);
	snprintf(profile->note, sizeof(profile->note), "%.2f GB/s both ways", both);
	return 0;
}
