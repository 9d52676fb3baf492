/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_KERNELS_MODEL_H
#define VRAMFS_TESTS_KERNELS_MODEL_H

#include "rig.h"

/*
 * What a launch must do, said as plainly as possible: line by line and byte by byte, on a region in
 * host memory, with the decoder of reference.h. While it is known what a line ought to be, no
 * decoder is needed, and the reference is held to what is known: a line that differs from it in up
 * to max_correct symbols becomes it, and one that differs in more, but not in more than 8 -
 * max_correct, is lost.
 */
struct model {
	const struct rig *rig;
	uint8_t *image; /* the region as it must be after the launch */
	uint8_t *truth; /* what its lines ought to be: codewords */
	uint64_t lines; /* how many it has worked on */
	struct kernel_report report;
};

/* Takes over the rig's image and truth as they are now. */
struct model *model_new(const struct rig *rig);
void model_free(struct model *model);

/* Do what JOB with the rig's segments must do; PAYLOAD is read or written as rig->payload is. */
void model_run(struct model *model, const struct rig_job *job, uint8_t *payload);

#endif
