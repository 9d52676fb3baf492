/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_STORE_JOB_SEGMENTS_H
#define VRAMFS_STORE_JOB_SEGMENTS_H

#include "store/job.h"

bool job_moves_payload(const struct store_job *job);

/* Assert all that a job's caller has to see to; one that breaks it would have the device write
 * where it must not. */
void job_check(const struct store_job *job);

/* Fill in the claims of STATE->holder. */
void job_make_claims(struct store_job_state *state);

/* From the segments that are left, those of the next launch: all, or up to the first that
 * conflicts with one of them. */
void job_plan_round(struct store_job_state *state);

/* Of the launch planned. */
uint32_t job_tiles_per_segment(const struct store_job_state *state);

#endif
