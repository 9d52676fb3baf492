/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * A libnvidia-ml.so.1 without a GPU, beside fake-cuda.c: what vramfs asks the management library.
 */
#include "fake-cuda.h"

#include <stdio.h>
#include <string.h>

struct nvml_memory {
	unsigned long long total, free, used;
};

int nvmlInit_v2(void);
int nvmlSystemGetDriverVersion(char *text, unsigned size);
int nvmlDeviceGetHandleByPciBusId_v2(const char *pci, void **ret_device);
int nvmlDeviceGetMemoryInfo(void *device, struct nvml_memory *ret_memory);

static int device_object;

int nvmlInit_v2(void)
{
	return 0;
}

int nvmlSystemGetDriverVersion(char *text, unsigned size)
{
	snprintf(text, size, "999.12.03");
	return 0;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *pci, void **ret_device)
{
	if (strcmp(pci, FAKE_CUDA_PCI_0) != 0)
		return 6; /* not found: the second device is one that NVML does not know */
	*ret_device = &device_object;
	return 0;
}

int nvmlDeviceGetMemoryInfo(void *device, struct nvml_memory *ret_memory)
{
	if (device != &device_object)
		return 2;
	ret_memory->total = FAKE_CUDA_MEMORY_BYTES;
	ret_memory->free = FAKE_CUDA_NVML_FREE_BYTES;
	ret_memory->used = ret_memory->total - ret_memory->free;
	return 0;
}
