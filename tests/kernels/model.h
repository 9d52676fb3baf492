/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_KERNELS_MODEL_H
#define VRAMFS_TESTS_KERNELS_MODEL_H

#include "rig.h"

/*
 * What a launch must do, said as plainly as possible: line by line and byte by byte, on a region in
 * host memory. It needs no decoder, because it knows what every line ought to be: a line that
 * differs from that in up to max_correct symbols is correctable, one that differs in more is lost.
 * (True for certain while no line has more than 8 - max_correct errors, which tests keep to.)
 */
struct model {
	const struct rig *rig;
	uint8_t *image; /* the region as it must be after the launch */
	uint8_t *truth; /* what its lines ought to be */
	struct kernel_report report;
};

/* Takes over the rig's image and truth as they are now. */
struct model *model_new(const struct rig *rig);
void model_free(struct model *model);

/* Do what JOB with the rig's segments must do; PAYLOAD is read or written as rig->payload is. */
void model_run(struct model *model, const struct rig_job *job, uint8_t *payload);

#endif
