/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_DEVICE_KERNEL_NAMES_H
#define VRAMFS_DEVICE_KERNEL_NAMES_H

#include "kernels/abi.h"

/* What initialises an array of KERNEL_COUNT names: each kernel's with PREFIX, a string, before it.
 */
#define KERNEL_NAMES(prefix)                                                                  \
	{                                                                                     \
		[KERNEL_ENCODE] = prefix "encode", [KERNEL_VERIFY] = prefix "verify",         \
		[KERNEL_CORRECT] = prefix "correct", [KERNEL_REFRESH] = prefix "refresh",     \
		[KERNEL_READ] = prefix "read", [KERNEL_WRITE] = prefix "write",               \
		[KERNEL_FILL] = prefix "fill", [KERNEL_COPY] = prefix "copy",                 \
		[KERNEL_RANDOMIZE] = prefix "randomize", [KERNEL_COMPARE] = prefix "compare", \
		[KERNEL_INJECT] = prefix "inject", [KERNEL_STREAM] = prefix "stream",         \
	}

/* The entry points of the device code, by which a backend finds its kernels. */
static const char *const kernel_names[KERNEL_COUNT] = KERNEL_NAMES("vramfs_");

#endif
