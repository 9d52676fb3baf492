/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_DEVICE_KERNEL_NAMES_H
#define VRAMFS_DEVICE_KERNEL_NAMES_H

#include "kernels/abi.h"

/* The entry points of the device code, by which a backend finds its kernels. */
static const char *const kernel_names[KERNEL_COUNT] = {
	[KERNEL_ENCODE] = "vramfs_encode",
	[KERNEL_VERIFY] = "vramfs_verify",
	[KERNEL_CORRECT] = "vramfs_correct",
	[KERNEL_REFRESH] = "vramfs_refresh",
	[KERNEL_READ] = "vramfs_read",
	[KERNEL_WRITE] = "vramfs_write",
	[KERNEL_FILL] = "vramfs_fill",
	[KERNEL_COPY] = "vramfs_copy",
	[KERNEL_RANDOMIZE] = "vramfs_randomize",
	[KERNEL_COMPARE] = "vramfs_compare",
	[KERNEL_INJECT] = "vramfs_inject",
	[KERNEL_STREAM] = "vramfs_stream",
};

#endif
