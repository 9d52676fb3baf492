/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_KERNELS_RIG_H
#define VRAMFS_TESTS_KERNELS_RIG_H

#include "kernels/abi.h"
#include "rs/rs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/*
 * A small region on the device that VRAMFS_TEST_DEVICE names ("host" by default), with an image of
 * it in host memory that tests look at and damage. Lines count through the whole region.
 */
struct rig {
	enum rs_code code;
	unsigned data_bytes; /* of a line */
	unsigned symbols;    /* of a codeword: data and parity bytes */
	uint32_t blocks, lines;
	size_t image_bytes;
	uint8_t *image; /* the region as of the last rig_pull(), or for the next rig_push() */
	uint8_t *truth; /* the same region with every line as it was last written */
	struct kernel_segment *segments;
	uint32_t max_segments;
	uint8_t *payload;
	size_t payload_bytes;
	struct kernel_report reports[KERNEL_FEW]; /* see rig_run() */
	struct rig_device *device;
};

/* Opens the device; exits with status 77 where there is none. */
struct rig *rig_new(
	enum rs_code code, uint32_t blocks, uint32_t max_segments, size_t payload_bytes);
void rig_free(struct rig *rig);

/* What it runs on, for people: "host (AMD EPYC, vramfs 1.0 native kernels, avx2)". */
void rig_describe(const struct rig *rig, char *text, size_t size);

void rig_push(struct rig *rig); /* image to device */
void rig_pull(struct rig *rig); /* device to image */

/* A byte of a codeword in IMAGE (one of rig->image, rig->truth): data first, then parity. */
uint8_t *rig_symbol(const struct rig *rig, uint8_t *image, uint32_t line, unsigned position);
/* A byte of a block's payload space. */
uint8_t *rig_byte(const struct rig *rig, uint8_t *image, uint32_t block, uint32_t offset);
void rig_encode_line(const struct rig *rig, uint8_t *image, uint32_t line); /* by the reference */

/* Random codewords in every line of truth and image; pushes. */
void rig_randomize(struct rig *rig, uint64_t seed);

/* Change COUNT different symbols of LINE in the image. */
void rig_damage(struct rig *rig, uint32_t line, unsigned count, uint64_t *random);

/* How a launch learns of its segments. The others than the first are taken where there are few
 * enough of them and kernel and device can do with it. */
enum rig_form {
	RIG_IN_MEMORY,
	RIG_FEW_SEGMENTS, /* with the parameters */
	RIG_FEW_JOBS,     /* with the parameters, each as a job of its own */
};

struct rig_job {
	enum kernel kernel;
	enum rig_form form;
	uint32_t segment_count; /* 0: all blocks from first_block on, whole */
	uint32_t first_block;
	uint32_t idle_tiles; /* a segment's tiles behind its end, where the block has so many */
	unsigned max_correct;
	size_t payload; /* params.payload */
	uint64_t seed;
	uint32_t pattern, inject_errors, inject_every, stream;
};

/* Run one launch to its end. Of several jobs, the reports' sum; rig->reports has each segment's. */
struct kernel_report rig_run(struct rig *rig, const struct rig_job *job);
/* The same, of a kernel that needs no more than its name, over all blocks. */
struct kernel_report rig_run_all(struct rig *rig, enum kernel kernel, unsigned max_correct);

void assert_report(const struct kernel_report *got, const struct kernel_report *expected);
/* The line that the byte at OFFSET of an image belongs to. */
uint32_t rig_line_of(const struct rig *rig, size_t offset);
/* Pull, and fail at the first line that is not as in EXPECTED. */
void assert_region(struct rig *rig, const uint8_t *expected);

/* A test once for each of the two codes (or with none), which it finds as *state. */
extern enum rs_code rig_rs136, rig_rs128, rig_none;
#define RIG_TEST(test)                                       \
	{#test " rs136", test, NULL, NULL, &rig_rs136},      \
	{                                                    \
#test " rs128", test, NULL, NULL, &rig_rs128 \
	}
#define RIG_TEST_NONE(test)                                \
	{                                                  \
#test " none", test, NULL, NULL, &rig_none \
	}

#endif
