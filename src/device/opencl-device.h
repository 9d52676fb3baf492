/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_DEVICE_OPENCL_DEVICE_H
#define VRAMFS_DEVICE_OPENCL_DEVICE_H

#include "device/backend.h"
#include "device/opencl-driver.h"

#include <pthread.h>

/* What the files of the OpenCL backend share: finding devices (opencl-find.c), the device and its
 * programs (opencl.c), memory (opencl-memory.c), and queues (opencl-queue.c). */

/* The most buffers that memory may be in: so many kernels/slabs.h has. OpenCL 1.2 has drivers give
 * a quarter of a device's memory in one buffer, which makes 8 at most. */
#define OPENCL_MOST_SLABS 16u

/* What a program is for: regions in one buffer, or in slabs. */
enum opencl_form { OPENCL_WHOLE, OPENCL_SLABS, OPENCL_FORMS };

/* How the kernels find a line's parity: see kernels/code.h. */
struct opencl_variant {
	const char *name;
	const char *options; /* that the kernels are built with, too */
};

struct opencl_limits {
	uint64_t buffer_bytes; /* the most that one buffer may have */
	uint64_t slab_bytes;   /* of memory that needs several: a power of two, whole blocks */
};

struct opencl_device {
	struct device base;
	const struct opencl_driver *driver;
	cl_device_id id;
	cl_context context;
	struct opencl_limits limits;
	const struct opencl_variant *variant;
	pthread_mutex_t building;          /* while `programs` changes */
	cl_program programs[OPENCL_FORMS]; /* made when first needed, and then kept */
	cl_command_queue setup;            /* for filling and mapping; nothing waits behind it */
	bool reaches_pinned; /* kernels work on pinned memory itself, nothing is staged */
	_Atomic uint64_t allocated_bytes;
};

struct opencl_memory {
	struct device_memory base;
	uint64_t slab_bytes; /* of each slab but the last, which may have less */
	unsigned slab_count;
	cl_mem slabs[OPENCL_MOST_SLABS];
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

static inline struct opencl_memory *opencl_memory(const struct device_memory *memory)
{
	return (struct opencl_memory *)memory;
}

/* Append all devices of all platforms to LIST, or one entry that says why there are none. */
void opencl_enumerate(struct device_info_list *list);

/* The NUMBERth device that opencl_enumerate() finds. */
err_t opencl_find(const struct opencl_driver *driver, unsigned number, cl_device_id *ret_id);

/* What device ID's driver allows, or less if the environment says so. -EINVAL if that makes no
 * sense. */
err_t opencl_find_limits(const struct opencl_driver *driver, cl_device_id id,
	struct opencl_limits *ret_limits, struct why *why);

static inline enum opencl_form opencl_form(const struct opencl_memory *memory)
{
	return memory->slab_count > 1 ? OPENCL_SLABS : OPENCL_WHOLE;
}

/* See to it that DEVICE has the program of a form. -EIO if that can't be built or run. */
err_t opencl_need_program(struct opencl_device *device, enum opencl_form form, struct why *why);

/* Set the first arguments of KERNEL, a program's of REGION's form: where REGION is. *RET_COUNT is
 * how many these are. */
cl_int opencl_set_region(const struct opencl_driver *driver, cl_kernel kernel,
	const struct opencl_memory *region, cl_uint *ret_count);

/* Memory of device ID that is free now; ALLOCATED_BYTES is what we have of it. */
uint64_t opencl_device_free_bytes(const struct opencl_driver *driver, cl_device_id id,
	const struct device_info *info, uint64_t allocated_bytes);

/* See backend.h. */
err_t opencl_memory_alloc(
	struct device *device, uint64_t bytes, struct device_memory **ret_memory, struct why *why);
void opencl_memory_free(struct device_memory *memory);
err_t opencl_pinned_alloc(struct device_pinned *pinned);
void opencl_pinned_free(struct device_pinned *pinned);
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
