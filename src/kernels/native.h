/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_NATIVE_H
#define VRAMFS_KERNELS_NATIVE_H

#include "kernels/abi.h"

/*
 * The kernels compiled for this machine's processors. Runs groups FIRST_GROUP..FIRST_GROUP+COUNT-1
 * of one launch on the calling thread; several threads may run different groups of one launch at
 * once. The thread that finishes the launch's last group writes the report, with release semantics
 * on `done`. PAYLOAD may be NULL for kernels that move none.
 */
void kernel_native_run(enum kernel kernel, uint32_t first_group, uint32_t count, uint8_t *region,
	uint32_t *scratch, uint8_t *control, uint8_t *payload, const struct kernel_params *params);

#endif
