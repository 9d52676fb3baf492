/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_DEVICE_FAKE_CUDA_H
#define VRAMFS_TESTS_DEVICE_FAKE_CUDA_H

#include "device/cuda-driver.h"

/*
 * A libcuda.so.1 without a GPU: the entry points that vramfs uses, over ordinary memory, with the
 * kernels compiled natively. It holds its caller to the rules of the real one (a context must be
 * current, addresses must be the device's, sizes and counts must fit, nothing may be left when a
 * context ends) and aborts the process when one is broken.
 *
 * A test finds this struct in the library as the symbol "fake_cuda".
 */
#define FAKE_CUDA_DEVICES 2
#define FAKE_CUDA_MEMORY_BYTES (1ull << 30) /* of each device */
#define FAKE_CUDA_PCI_0 "0000:3b:00.0"
#define FAKE_CUDA_PCI_1 "0000:3c:00.0"
#define FAKE_CUDA_SHARED_BYTES (100 << 10)       /* of a multiprocessor, */
#define FAKE_CUDA_GROUP_BYTES (10 << 10)         /* which a group takes so much of */
#define FAKE_CUDA_NVML_FREE_BYTES (900ull << 20) /* of device 0, as libnvidia-ml tells it */

struct fake_cuda {
	/* What the next calls do; all zero: everything works. */
	cuda_result init_result;
	bool no_devices;
	int compute_mode;
	cuda_result retain_result;
	cuda_result load_result;
	const char *load_log;
	cuda_result tensor_load_result; /* of the kernels with tensor cores alone */
	cuda_result tables_load_result; /* of those with tables */
	cuda_result launch_result;
	unsigned break_at_launch; /* 1: the next launch does nothing, and its context is dead from
				     then on; 0: never */

	_Atomic bool hold_launches; /* launches do not return before this is false */
	_Atomic unsigned held;      /* launches that don't */

	_Atomic unsigned contexts;         /* retained, and not yet released */
	_Atomic unsigned launches;         /* ever */
	_Atomic unsigned shared_bytes;     /* of the last: what each group takes beside its own */
	bool tensor_loaded, tables_loaded; /* which module was loaded last */
};

#endif
