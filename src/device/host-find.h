/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_DEVICE_HOST_FIND_H
#define VRAMFS_DEVICE_HOST_FIND_H

#include "device/backend.h"
#include "kernels/native.h"

/* What this machine is as a device. */

#define HOST_MOST_THREADS 4u

/*
 * The variant of the kernels to run: the one called KERNELS, or if that is NULL the one that the
 * environment variable VRAMFS_KERNELS_NATIVE names, both for tests and measurements, or else the
 * fastest that the processor can run. -ENODEV if the
 * processor can't run that one, -EINVAL if there is none of that name: what was to be tested or
 * measured is never quietly something else.
 */
err_t host_find_variant(
	const char *kernels, const struct kernel_native_variant **ret_variant, struct why *why);

/* The backend's slot; without a variant to run, the host can't be used. */
void host_enumerate(struct device_info_list *list);

#endif
