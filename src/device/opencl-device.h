/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_DEVICE_OPENCL_DEVICE_H
#define VRAMFS_DEVICE_OPENCL_DEVICE_H

#include "device/backend.h"
#include "device/opencl-driver.h"

/* What the files of the OpenCL backend share: finding devices (opencl-find.c), the device and its
 * memory (opencl.c), and queues (opencl-queue.c). */
struct opencl_device {
	struct device base;
	const struct opencl_driver *driver;
	cl_device_id id;
	cl_context context;
	cl_program program;
	cl_command_queue setup; /* for filling and mapping; nothing waits behind it */
	bool reaches_pinned;    /* kernels work on pinned memory itself, nothing is staged */
	_Atomic uint64_t allocated_bytes;
};

struct opencl_memory {
	struct device_memory base;
	cl_mem buffer;
};

/* What device_pinned.handle points to. */
struct opencl_pinned {
	cl_mem buffer;
	void *mapped;        /* staged: the driver's memory, mapped for as long as it lives */
	size_t mapped_bytes; /* else: the size of our own */
};

static inline struct opencl_device *opencl_device(struct device *device)
{
	return (struct opencl_device *)device;
}

static inline cl_mem opencl_buffer(const struct device_memory *memory)
{
	return ((const struct opencl_memory *)memory)->buffer;
}

/* Append all devices of all platforms to LIST, or one entry that says why there are none. */
void opencl_enumerate(struct device_info_list *list);

/* The NUMBERth device that opencl_enumerate() finds. */
err_t opencl_find(const struct opencl_driver *driver, unsigned number, cl_device_id *ret_id);

/* Memory of device ID that is free now; ALLOCATED_BYTES is what we have of it. */
uint64_t opencl_device_free_bytes(const struct opencl_driver *driver, cl_device_id id,
	const struct device_info *info, uint64_t allocated_bytes);

/* See backend.h. */
err_t opencl_queue_new(struct device *device, struct device_queue **ret_queue);
void opencl_queue_free(struct device_queue *queue);
err_t opencl_launch(struct device_queue *queue, const struct device_launch *launch);
err_t opencl_queue_check(struct device_queue *queue);
void opencl_relax(struct device_queue *queue, const uint32_t *done, unsigned spins);
err_t opencl_copy_in(struct device_queue *queue, struct device_memory *to, uint64_t to_offset,
	const struct device_pinned *from, size_t from_offset, size_t bytes);
err_t opencl_copy_out(struct device_queue *queue, struct device_pinned *to, size_t to_offset,
	const struct device_memory *from, uint64_t from_offset, size_t bytes);
err_t opencl_queue_wait(struct device_queue *queue);

#endif
