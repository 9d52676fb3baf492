/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Memory of OpenCL devices, and pinned memory.
 *
 * A driver gives only so much in one buffer, often a quarter of all. Memory that is larger is
 * several buffers, slabs, and only copies (opencl-queue.c) and kernels (kernels/slabs.h) know of
 * them. All but the last have the same size, a power of two, so that finding a byte's slab takes a
 * kernel a shift.
 *
 * Pinned memory takes one of two forms. Where host and device share their memory it is ordinary
 * memory of ours that an OpenCL buffer is laid over, and kernels work on it directly. Elsewhere it
 * is memory of the driver's that it can copy from and to at full speed, and every launch copies
 * what its kernel needs to a buffer of its queue and back (opencl-queue.c).
 */
#include "device/opencl-device.h"

#include "base/cleanup.h"
#include "base/size.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

/* Some drivers can't fill more at once than 32 bits can count. */
#define FILL_BYTES GIB
#define ALLOC_UNIT 128u /* sizes are rounded up to it, for filling in wide pieces */

/* Drivers report a lack of device memory in more than one way. */
static int check_memory(cl_int code, const char *function)
{
	int err = opencl_check(code, function);

	return code == CL_OUT_OF_RESOURCES ? -ENOMEM : err;
}

/* Many drivers take memory only when it is first used: so this is where a lack of it shows. */
static int fill_zeros(struct opencl_device *device, cl_mem buffer, uint64_t bytes)
{
	static const cl_uint zeros[4];
	const struct opencl_driver *driver = device->driver;
	int err = 0;

	for (uint64_t offset = 0; !err && offset < bytes; offset += FILL_BYTES) {
		uint64_t piece = bytes - offset < FILL_BYTES ? bytes - offset : FILL_BYTES;

		err = check_memory(driver->clEnqueueFillBuffer(device->setup, buffer, zeros,
					   sizeof(zeros), offset, piece, 0, NULL, NULL),
			"clEnqueueFillBuffer");
	}
	if (!err)
		err = check_memory(driver->clFinish(device->setup), "clFinish");
	return err;
}

/* One more slab of BYTES for MEMORY, zeroed. */
static int slab_alloc(struct opencl_device *device, struct opencl_memory *memory, uint64_t bytes)
{
	cl_int code;
	cl_mem buffer = device->driver->clCreateBuffer(
		device->context, CL_MEM_READ_WRITE, bytes, NULL, &code);

	if (!buffer)
		return check_memory(code, "clCreateBuffer") ? -ENOMEM : -EIO;
	memory->slabs[memory->slab_count++] = buffer;
	return fill_zeros(device, buffer, bytes);
}

static void slabs_free(struct opencl_device *device, struct opencl_memory *memory)
{
	while (memory->slab_count)
		device->driver->clReleaseMemObject(memory->slabs[--memory->slab_count]);
}

/* All slabs of MEMORY, and a program for so many. */
static int slabs_alloc(
	struct opencl_device *device, struct opencl_memory *memory, uint64_t bytes, struct why *why)
{
	uint64_t slab_bytes =
		bytes > device->limits.buffer_bytes ? device->limits.slab_bytes : bytes;
	int err = 0;

	memory->slab_bytes = slab_bytes;
	for (uint64_t left = bytes; !err && left; left -= slab_bytes) {
		if (memory->slab_count == OPENCL_MOST_SLABS)
			return -ENOMEM;
		if (slab_bytes > left)
			slab_bytes = left;
		err = slab_alloc(device, memory, slab_bytes);
	}
	return err ? err : opencl_need_program(device, opencl_form(memory), why);
}

int opencl_memory_alloc(
	struct device *base, uint64_t bytes, struct device_memory **ret_memory, struct why *why)
{
	struct opencl_device *device = opencl_device(base);
	CLEANUP(free_p) struct opencl_memory *memory = calloc(1, sizeof(*memory));
	uint64_t free_bytes, rounded = (bytes + ALLOC_UNIT - 1) / ALLOC_UNIT * ALLOC_UNIT;
	int err = base->backend->free_bytes(base, &free_bytes);

	if (err)
		return err;
	if (!memory || rounded < bytes || rounded > SIZE_MAX || bytes > free_bytes)
		return -ENOMEM;
	memory->base.device = base;
	memory->base.bytes = bytes;
	err = slabs_alloc(device, memory, rounded, why);
	if (err) {
		slabs_free(device, memory);
		return err;
	}
	atomic_fetch_add(&device->allocated_bytes, bytes);
	*ret_memory = &steal(&memory)->base;
	return 0;
}

void opencl_memory_free(struct device_memory *base)
{
	struct opencl_device *device = opencl_device(base->device);
	struct opencl_memory *memory = opencl_memory(base);

	slabs_free(device, memory);
	atomic_fetch_sub(&device->allocated_bytes, base->bytes);
	free(memory);
}

cl_int opencl_set_region(const struct opencl_driver *driver, cl_kernel kernel,
	const struct opencl_memory *region, cl_uint *ret_count)
{
	const cl_uint shift = (cl_uint)__builtin_ctzll(region->slab_bytes);
	const unsigned last = region->slab_count - 1;
	cl_int code;

	if (opencl_form(region) == OPENCL_WHOLE) {
		*ret_count = 1;
		return driver->clSetKernelArg(kernel, 0, sizeof(cl_mem), &region->slabs[0]);
	}
	code = driver->clSetKernelArg(kernel, 0, sizeof(shift), &shift);
	/* In the place of slabs that there are not, the last: some buffer has to be there. */
	for (cl_uint i = 0; code == CL_SUCCESS && i < OPENCL_MOST_SLABS; i++)
		code = driver->clSetKernelArg(
			kernel, i + 1, sizeof(cl_mem), &region->slabs[i < last ? i : last]);
	*ret_count = OPENCL_MOST_SLABS + 1;
	return code;
}

/* Memory of ours under a buffer. */
static int pinned_lay_over(
	struct opencl_device *device, struct device_pinned *pinned, struct opencl_pinned *form)
{
	const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	cl_int code;
	void *bytes;

	form->mapped_bytes = (pinned->size + page_bytes - 1) / page_bytes * page_bytes;
	bytes = mmap(NULL, form->mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	if (bytes == MAP_FAILED)
		return -ENOMEM;
	/* A child that shared these pages would make the kernel copy them, one by one, away from
	 * under the device. */
	(void)!madvise(bytes, form->mapped_bytes, MADV_DONTFORK);
	form->buffer = device->driver->clCreateBuffer(device->context,
		CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, form->mapped_bytes, bytes, &code);
	if (!form->buffer) {
		munmap(bytes, form->mapped_bytes);
		return check_memory(code, "clCreateBuffer") ? -ENOMEM : -EIO;
	}
	pinned->bytes = bytes;
	return 0;
}

/* Memory of the driver's, mapped for good and used as nothing but host memory. A page more than
 * asked for, because the driver promises no alignment. */
static int pinned_borrow(
	struct opencl_device *device, struct device_pinned *pinned, struct opencl_pinned *form)
{
	const struct opencl_driver *driver = device->driver;
	const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	cl_int code;

	if (pinned->size > SIZE_MAX - page_bytes)
		return -ENOMEM;
	form->buffer = driver->clCreateBuffer(device->context,
		CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, pinned->size + page_bytes, NULL, &code);
	if (!form->buffer)
		return check_memory(code, "clCreateBuffer") ? -ENOMEM : -EIO;
	form->mapped = driver->clEnqueueMapBuffer(device->setup, form->buffer, CL_TRUE,
		CL_MAP_READ | CL_MAP_WRITE, 0, pinned->size + page_bytes, 0, NULL, NULL, &code);
	if (!form->mapped) {
		driver->clReleaseMemObject(form->buffer);
		return check_memory(code, "clEnqueueMapBuffer") ? -ENOMEM : -EIO;
	}
	pinned->bytes = (uint8_t *)(((uintptr_t)form->mapped + page_bytes - 1) & ~(page_bytes - 1));
	memset(pinned->bytes, 0, pinned->size);
	return 0;
}

int opencl_pinned_alloc(struct device_pinned *pinned)
{
	struct opencl_device *device = opencl_device(pinned->device);
	CLEANUP(free_p) struct opencl_pinned *form = calloc(1, sizeof(*form));
	int err;

	if (!form)
		return -ENOMEM;
	err = device->reaches_pinned ? pinned_lay_over(device, pinned, form)
				     : pinned_borrow(device, pinned, form);
	if (err)
		return err;
	pinned->handle = steal(&form);
	return 0;
}

void opencl_pinned_free(struct device_pinned *pinned)
{
	struct opencl_device *device = opencl_device(pinned->device);
	const struct opencl_driver *driver = device->driver;
	CLEANUP(free_p) struct opencl_pinned *form = pinned->handle;

	if (form->mapped) {
		(void)!opencl_check(driver->clEnqueueUnmapMemObject(device->setup, form->buffer,
					    form->mapped, 0, NULL, NULL),
			"clEnqueueUnmapMemObject");
		(void)!opencl_check(driver->clFinish(device->setup), "clFinish");
	}
	driver->clReleaseMemObject(form->buffer);
	if (!form->mapped)
		munmap(pinned->bytes, form->mapped_bytes);
}
