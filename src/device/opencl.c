/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Any OpenCL 1.2 device: opening it, which builds the kernels from their source, and its memory.
 *
 * Pinned memory takes one of two forms. Where host and device share their memory it is ordinary
 * memory of ours that an OpenCL buffer is laid over, and kernels work on it directly. Elsewhere it
 * is memory of the driver's that it can copy from and to at full speed, and every launch copies
 * what its kernel needs to a buffer of its queue and back (opencl-queue.c).
 */
#include "device/kernel-names.h"
#include "device/opencl-device.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/size.h"

#include "kernels-opencl.h" /* kernels_opencl_source[]: generated at build time */

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* Some drivers can't fill more at once than 32 bits can count. */
#define FILL_BYTES GIB
#define WARM_UP_BYTES 256u
#define ALLOC_UNIT 128u /* sizes are rounded up to it, for filling in wide pieces */

/* For tests on machines without a discrete GPU: stage even where kernels could reach pinned memory.
 */
#define FORCE_STAGING "VRAMFS_OPENCL_FORCE_STAGING"

/* Drivers call this from any thread when something goes wrong. */
static void CL_CALLBACK context_complains(
	const char *what, const void *private_data, size_t size, void *user)
{
	(void)private_data;
	(void)size;
	(void)user;
	log_debug("opencl: the driver says: %s", what);
}

/* The log of the build that failed: whole for the log, its first line for WHY. */
static int explain_build(
	const struct opencl_device *device, const char *subject, cl_int code, struct why *why)
{
	const struct opencl_driver *driver = device->driver;
	CLEANUP(free_p) char *build_log = NULL;
	size_t size = 0;

	if (driver->clGetProgramBuildInfo(device->program, device->id, CL_PROGRAM_BUILD_LOG, 0,
		    NULL, &size) == CL_SUCCESS)
		build_log = calloc(1, size + 1);
	if (!build_log ||
		driver->clGetProgramBuildInfo(device->program, device->id, CL_PROGRAM_BUILD_LOG,
			size, build_log, NULL) != CL_SUCCESS ||
		!build_log[strspn(build_log, " \n")])
		return why_fail(why, EIO,
			"%s: its driver can't compile the kernels (%s): update the driver", subject,
			opencl_error_name(code));
	log_debug("opencl: compiling the kernels: %s", build_log);
	build_log[strspn(build_log, "\n") + strcspn(build_log + strspn(build_log, "\n"), "\n")] =
		'\0';
	return why_fail(why, EIO,
		"%s: its driver can't compile the kernels: %.200s; update the driver, or report this",
		subject, build_log + strspn(build_log, "\n"));
}

static int build_kernels(struct opencl_device *device, const char *subject, struct why *why)
{
	const struct opencl_driver *driver = device->driver;
	const char *source = kernels_opencl_source;
	cl_int code;

	device->program =
		driver->clCreateProgramWithSource(device->context, 1, &source, NULL, &code);
	if (!device->program)
		return why_fail(why, EIO, "%s: its driver refuses the kernels (%s): update it",
			subject, opencl_error_name(code));
	code = driver->clBuildProgram(device->program, 1, &device->id, "-cl-std=CL1.2", NULL, NULL);
	return code == CL_SUCCESS ? 0 : explain_build(device, subject, code, why);
}

/* A launch that finds nothing to do, with all its words in BUFFER: at its front an empty segment,
 * behind it the report and the scratch. */
static cl_int launch_nothing(struct opencl_device *device, cl_kernel kernel, cl_mem buffer)
{
	const struct opencl_driver *driver = device->driver;
	const struct kernel_params params = {
		.report = sizeof(struct kernel_segment),
		.data_per_line = KERNEL_LINE_BYTES,
		.parity_pitch = KERNEL_PARITY_BYTES,
		.segment_count = 1,
		.tiles_per_segment = DEVICE_LAUNCH_GROUPS,
		.scratch = (sizeof(struct kernel_segment) + sizeof(struct kernel_report)) / 4,
		.ticket = 1,
		.inject_errors = 1,
		.inject_every = 1,
	};
	const size_t lanes = KERNEL_LANES, items = lanes * DEVICE_LAUNCH_GROUPS;
	cl_int code = CL_SUCCESS;

	for (cl_uint i = 0; code == CL_SUCCESS && i < 4; i++)
		code = driver->clSetKernelArg(kernel, i, sizeof(buffer), &buffer);
	if (code == CL_SUCCESS)
		code = driver->clSetKernelArg(kernel, 4, sizeof(params), &params);
	if (code == CL_SUCCESS)
		code = driver->clEnqueueNDRangeKernel(
			device->setup, kernel, 1, NULL, &items, &lanes, 0, NULL, NULL);
	return code == CL_SUCCESS ? driver->clFinish(device->setup) : code;
}

static cl_int warm_up_kernel(struct opencl_device *device, const char *name, cl_mem buffer)
{
	static const cl_uint zeros[4];
	const struct opencl_driver *driver = device->driver;
	cl_int code;
	cl_kernel kernel = driver->clCreateKernel(device->program, name, &code);

	if (!kernel)
		return code;
	code = driver->clEnqueueFillBuffer(
		device->setup, buffer, zeros, sizeof(zeros), 0, WARM_UP_BYTES, 0, NULL, NULL);
	if (code == CL_SUCCESS)
		code = launch_nothing(device, kernel, buffer);
	driver->clReleaseKernel(kernel);
	return code;
}

/*
 * Launch every kernel once, as wide as it will ever be. Drivers put off part of compiling until
 * then, and no request is to wait for that. And PoCL (3.1) makes another form of a kernel when it
 * is launched wider than before; while both run it counts the end of one as the other's, and
 * aborts the process (its pocl_release_dlhandle_cache() looks at no width).
 */
static int warm_up(struct opencl_device *device, const char *subject, struct why *why)
{
	const struct opencl_driver *driver = device->driver;
	cl_int code;
	cl_mem buffer = driver->clCreateBuffer(
		device->context, CL_MEM_READ_WRITE, WARM_UP_BYTES, NULL, &code);
	int err = 0;

	if (!buffer)
		return why_fail(why, EIO, "%s: its driver gives it no memory (%s)", subject,
			opencl_error_name(code));
	for (int i = 0; !err && i < KERNEL_COUNT; i++) {
		code = warm_up_kernel(device, kernel_names[i], buffer);
		if (code != CL_SUCCESS)
			err = why_fail(why, EIO,
				"%s: its driver can't run the kernel %s (%s): update the driver",
				subject, kernel_names[i], opencl_error_name(code));
	}
	driver->clReleaseMemObject(buffer);
	return err;
}

static void opencl_close(struct device *base)
{
	struct opencl_device *device = opencl_device(base);
	const struct opencl_driver *driver = device->driver;

	if (device->setup)
		driver->clReleaseCommandQueue(device->setup);
	if (device->program)
		driver->clReleaseProgram(device->program);
	if (device->context)
		driver->clReleaseContext(device->context);
	free(device);
}

static int opencl_set_up(struct opencl_device *device, struct why *why)
{
	const struct opencl_driver *driver = device->driver;
	char subject[32];
	cl_int code;
	int err;

	snprintf(subject, sizeof(subject), "opencl:%u", device->base.info.number);
	if (opencl_find(driver, device->base.info.number, &device->id) < 0)
		return why_fail(
			why, ENODEV, "%s is gone: `vramfs devices` lists what there is", subject);
	device->context =
		driver->clCreateContext(NULL, 1, &device->id, context_complains, NULL, &code);
	if (!device->context)
		return why_fail(why, EIO,
			"%s: its driver can't open it (%s): see the system's log (dmesg)", subject,
			opencl_error_name(code));
	device->setup = driver->clCreateCommandQueue(device->context, device->id, 0, &code);
	if (!device->setup)
		return why_fail(why, EIO,
			"%s: its driver makes no queue (%s): see the system's log (dmesg)", subject,
			opencl_error_name(code));
	err = build_kernels(device, subject, why);
	return err ? err : warm_up(device, subject, why);
}

static int opencl_open(const struct device_info *info, const char *kernels,
	struct device **ret_device, struct why *why)
{
	const char *force_staging = getenv(FORCE_STAGING);
	const struct opencl_driver *driver;
	struct opencl_device *device;
	int err = opencl_driver_get(&driver, why);

	if (err)
		return err;
	if (kernels)
		return why_fail(
			why, EINVAL, "'%s': OpenCL has one form of the kernels only", kernels);
	device = calloc(1, sizeof(*device));
	if (!device)
		return why_fail(why, ENOMEM, "out of memory: end other programs");
	device->base.backend = &opencl_backend;
	device->base.info = *info;
	device->driver = driver;
	device->reaches_pinned = info->unified && !(force_staging && !strcmp(force_staging, "1"));
	err = opencl_set_up(device, why);
	if (err) {
		opencl_close(&device->base);
		return err;
	}
	*ret_device = &device->base;
	return 0;
}

static int opencl_free_bytes(struct device *base, uint64_t *ret_bytes)
{
	struct opencl_device *device = opencl_device(base);

	*ret_bytes = opencl_device_free_bytes(
		device->driver, device->id, &base->info, atomic_load(&device->allocated_bytes));
	return 0;
}

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

static int opencl_memory_alloc(
	struct device *base, uint64_t bytes, struct device_memory **ret_memory)
{
	struct opencl_device *device = opencl_device(base);
	CLEANUP(free_p) struct opencl_memory *memory = calloc(1, sizeof(*memory));
	uint64_t free_bytes, rounded = (bytes + ALLOC_UNIT - 1) / ALLOC_UNIT * ALLOC_UNIT;
	cl_int code;
	int err = opencl_free_bytes(base, &free_bytes);

	if (err)
		return err;
	if (!memory || rounded < bytes || rounded > SIZE_MAX || bytes > free_bytes)
		return -ENOMEM;
	memory->base.device = base;
	memory->base.bytes = bytes;
	memory->buffer = device->driver->clCreateBuffer(
		device->context, CL_MEM_READ_WRITE, rounded, NULL, &code);
	if (!memory->buffer)
		return check_memory(code, "clCreateBuffer") ? -ENOMEM : -EIO;
	err = fill_zeros(device, memory->buffer, rounded);
	if (err) {
		device->driver->clReleaseMemObject(memory->buffer);
		return err;
	}
	atomic_fetch_add(&device->allocated_bytes, bytes);
	*ret_memory = &steal(&memory)->base;
	return 0;
}

static void opencl_memory_free(struct device_memory *memory)
{
	struct opencl_device *device = opencl_device(memory->device);

	device->driver->clReleaseMemObject(opencl_buffer(memory));
	atomic_fetch_sub(&device->allocated_bytes, memory->bytes);
	free(memory);
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

static int opencl_pinned_alloc(struct device_pinned *pinned)
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

static void opencl_pinned_free(struct device_pinned *pinned)
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

const struct device_backend opencl_backend = {
	.kind = DEVICE_OPENCL,
	.enumerate = opencl_enumerate,
	.open = opencl_open,
	.close = opencl_close,
	.free_bytes = opencl_free_bytes,
	.memory_alloc = opencl_memory_alloc,
	.memory_free = opencl_memory_free,
	.pinned_alloc = opencl_pinned_alloc,
	.pinned_free = opencl_pinned_free,
	.queue_new = opencl_queue_new,
	.queue_free = opencl_queue_free,
	.launch = opencl_launch,
	.check = opencl_queue_check,
	.relax = opencl_relax,
	.copy_in = opencl_copy_in,
	.copy_out = opencl_copy_out,
	.queue_wait = opencl_queue_wait,
};
