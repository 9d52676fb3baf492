/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_DEVICE_RIG_H
#define VRAMFS_TESTS_DEVICE_RIG_H

#include "device/device.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/*
 * The device that VRAMFS_TEST_DEVICE names (default: host), a region of RIG_BLOCKS blocks of the
 * code rs136 on it, and what launches need. Reports lie in the front of `control`, one for each of
 * RIG_SLOTS jobs; the segments of job s begin at segments(rig, s).
 */
#define RIG_BLOCKS 8u
#define RIG_SLOTS 32u
#define RIG_SEGMENTS 16u /* a job */
#define RIG_PAYLOAD_BYTES (1u << 20)

struct rig {
	struct device *device;
	struct device_memory *region, *scratch;
	struct device_pinned *control, *payload;
	struct device_queue *queue;
};

/* For cmocka's group setup and teardown: *state is the rig. */
int rig_open(void **state);
int rig_close(void **state);

struct kernel_report *rig_report(const struct rig *rig, unsigned slot);
struct kernel_segment *rig_segments(const struct rig *rig, unsigned slot);

/* A launch of KERNEL as job SLOT over SEGMENT_COUNT segments (that the caller fills), with the
 * payload at PAYLOAD. Zeroes the report. */
struct device_launch rig_launch(const struct rig *rig, enum kernel kernel, unsigned slot,
	unsigned segment_count, size_t payload, size_t payload_bytes);

/* Launch it on QUEUE, wait, and return what `done` became. */
uint32_t rig_run(struct device_queue *queue, const struct device_launch *launch);

/* One segment: BYTES from FIRST of BLOCK, at the beginning of the job's payload. */
struct kernel_segment rig_segment(uint32_t block, uint32_t first, uint32_t bytes);

/* Move one run of bytes of one block from or to the payload's beginning; fails the test unless the
 * launch ends well. */
void rig_move(struct rig *rig, enum kernel kernel, uint32_t block, uint32_t first, uint32_t bytes);

/* Bytes that only SEED and the place determine. */
void rig_pattern(uint8_t *bytes, size_t size, uint32_t seed);

#endif
