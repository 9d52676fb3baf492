/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_FUSE_FIXTURE_H
#define VRAMFS_TESTS_FUSE_FIXTURE_H

#include "device/device.h"
#include "fs/fs.h"

/* A filesystem on the device that VRAMFS_TEST_DEVICE names (the host's memory without it). */
struct fixture {
	struct device *device;
	struct store *store;
	struct fs *fs;
};

/* A region of BYTES. Ends the program with 77 where the device is missing, with 1 on an error. */
struct fixture fixture_open(uint64_t bytes);
void fixture_close(struct fixture *fixture);

#endif
