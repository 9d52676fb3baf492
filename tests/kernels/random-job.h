/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_KERNELS_RANDOM_JOB_H
#define VRAMFS_TESTS_KERNELS_RANDOM_JOB_H

#include "rig.h"

/*
 * Jobs as nobody would write them down, on regions with errors of all kinds. Everything about one
 * follows from its seed and its number, nothing from the jobs before it, so any job can be done
 * again alone.
 *
 * Segments begin and end anywhere, and no two of them share a line, as the store guarantees. In
 * the lines that the job touches, and a few around them, there are up to 9 errors at random places,
 * in data only, in parity only or in a row; lines that were erased; lines between their own
 * codeword and one that is as near as codewords can be; lines near, or equal to, any other
 * codeword; and lines that look as if they had errors at places which the shortened code does not
 * have.
 */
#define RANDOM_JOB_BLOCKS 4u
#define RANDOM_JOB_SEGMENTS 96u
#define RANDOM_JOB_PAYLOAD_BYTES ((RANDOM_JOB_BLOCKS + 1) * KERNEL_BLOCK_BYTES)

struct random_job {
	struct rig_job job;
	struct kernel_segment segments[RANDOM_JOB_SEGMENTS];
	bool *hit; /* the lines that have errors in the rig's image */
};

/* Fill truth and payload of a rig of RANDOM_JOB_BLOCKS blocks, with room for RANDOM_JOB_SEGMENTS
 * and RANDOM_JOB_PAYLOAD_BYTES, as all jobs of SEED expect them. */
void random_job_fill(struct rig *rig, uint64_t seed);

/* Make job NUMBER of SEED: *JOB, whose `hit` the caller provides with room for all lines, and the
 * rig's image with the errors. */
void random_job_make(struct rig *rig, uint64_t seed, uint32_t number, struct random_job *job);

/* The lines that SEGMENT of JOB reads or writes: first and end, counted through the region. */
void random_job_lines(const struct rig *rig, const struct rig_job *job,
	const struct kernel_segment *segment, uint32_t *ret_first, uint32_t *ret_end);

#endif
