/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Any OpenCL 1.2 device: opening it, and building the kernels from their source. That for regions
 * in one buffer is built when the device is opened. One for regions in several is built when the
 * first such region is allocated: most devices never have one.
 */
#include "device/kernel-names.h"
#include "device/opencl-device.h"

#include "base/cleanup.h"
#include "base/log.h"

#include "kernels-opencl.h" /* kernels_opencl_source[]: generated at build time */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARM_UP_BYTES 256u

/* Of these the first is for GPUs and the second for processors, unless a variable names the other:
 * for tests and measurements. */
#define VARIANT_VARIABLE "VRAMFS_KERNELS_OPENCL"
enum { FOR_GPUS, FOR_PROCESSORS, VARIANTS };
static const struct opencl_variant variants[VARIANTS] = {
	[FOR_GPUS] = {"planes", ""},
	[FOR_PROCESSORS] = {"slices", " -DPARITY_BY_SLICES"},
};

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
static int explain_build(const struct opencl_device *device, cl_program program,
	const char *subject, cl_int code, struct why *why)
{
	const struct opencl_driver *driver = device->driver;
	CLEANUP(free_p) char *build_log = NULL;
	size_t size = 0;

	if (driver->clGetProgramBuildInfo(
		    program, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size) == CL_SUCCESS)
		build_log = calloc(1, size + 1);
	if (!build_log ||
		driver->clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, size,
			build_log, NULL) != CL_SUCCESS ||
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

/* The kernels in FORM; the caller owns what it gets. */
static int build_kernels(struct opencl_device *device, enum opencl_form form, const char *subject,
	cl_program *ret_program, struct why *why)
{
	const struct opencl_driver *driver = device->driver;
	const char *source = kernels_opencl_source;
	char options[128];
	cl_program program;
	cl_int code;
	int err = 0;

	snprintf(options, sizeof(options), "-cl-std=CL1.2%s%s", device->variant->options,
		form == OPENCL_SLABS ? " -DREGION_IN_SLABS" : "");
	program = driver->clCreateProgramWithSource(device->context, 1, &source, NULL, &code);
	if (!program)
		return why_fail(why, EIO, "%s: its driver refuses the kernels (%s): update it",
			subject, opencl_error_name(code));
	code = driver->clBuildProgram(program, 1, &device->id, options, NULL, NULL);
	if (code != CL_SUCCESS)
		err = explain_build(device, program, subject, code, why);
	if (err)
		driver->clReleaseProgram(program);
	else
		*ret_program = program;
	return err;
}

/* A launch that finds nothing to do, with all its words in the buffer that is all of REGION: at its
 * front an empty segment, behind it the report and the scratch. */
static cl_int launch_nothing(
	struct opencl_device *device, cl_kernel kernel, const struct opencl_memory *region)
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
	cl_uint count;
	cl_int code = opencl_set_region(driver, kernel, region, &count);

	for (cl_uint i = 0; code == CL_SUCCESS && i < 3; i++)
		code = driver->clSetKernelArg(kernel, count++, sizeof(cl_mem), &region->slabs[0]);
	if (code == CL_SUCCESS)
		code = driver->clSetKernelArg(kernel, count, sizeof(params), &params);
	if (code == CL_SUCCESS)
		code = driver->clEnqueueNDRangeKernel(
			device->setup, kernel, 1, NULL, &items, &lanes, 0, NULL, NULL);
	return code == CL_SUCCESS ? driver->clFinish(device->setup) : code;
}

static cl_int warm_up_kernel(struct opencl_device *device, cl_program program, const char *name,
	const struct opencl_memory *region)
{
	static const cl_uint zeros[4];
	const struct opencl_driver *driver = device->driver;
	cl_int code;
	cl_kernel kernel = driver->clCreateKernel(program, name, &code);

	if (!kernel)
		return code;
	code = driver->clEnqueueFillBuffer(device->setup, region->slabs[0], zeros, sizeof(zeros), 0,
		WARM_UP_BYTES, 0, NULL, NULL);
	if (code == CL_SUCCESS)
		code = launch_nothing(device, kernel, region);
	driver->clReleaseKernel(kernel);
	return code;
}

/*
 * Launch every kernel once, as wide as it will ever be. Drivers put off part of compiling until
 * then, and no request is to wait for that. And PoCL (3.1) makes another form of a kernel when it
 * is launched wider than before; while both run it counts the end of one as the other's, and
 * aborts the process (its pocl_release_dlhandle_cache() looks at no width).
 */
static int warm_up(struct opencl_device *device, cl_program program, enum opencl_form form,
	const char *subject, struct why *why)
{
	const struct opencl_driver *driver = device->driver;
	struct opencl_memory region = {
		.slab_bytes = device->limits.slab_bytes,
		.slab_count = form == OPENCL_SLABS ? OPENCL_MOST_SLABS : 1,
	};
	cl_int code;
	cl_mem buffer = driver->clCreateBuffer(
		device->context, CL_MEM_READ_WRITE, WARM_UP_BYTES, NULL, &code);
	int err = 0;

	if (!buffer)
		return why_fail(why, EIO, "%s: its driver gives it no memory (%s)", subject,
			opencl_error_name(code));
	for (unsigned i = 0; i < region.slab_count; i++)
		region.slabs[i] = buffer;
	for (int i = 0; !err && i < KERNEL_COUNT; i++) {
		code = warm_up_kernel(device, program, kernel_names[i], &region);
		if (code != CL_SUCCESS)
			err = why_fail(why, EIO,
				"%s: its driver can't run the kernel %s (%s): update the driver",
				subject, kernel_names[i], opencl_error_name(code));
	}
	driver->clReleaseMemObject(buffer);
	return err;
}

/* Called with device->building held. */
static int add_program(struct opencl_device *device, enum opencl_form form, struct why *why)
{
	cl_program program = NULL;
	char subject[32];
	int err;

	snprintf(subject, sizeof(subject), "opencl:%u", device->base.info.number);
	err = build_kernels(device, form, subject, &program, why);
	if (err)
		return err;
	err = warm_up(device, program, form, subject, why);
	if (err)
		device->driver->clReleaseProgram(program);
	else
		device->programs[form] = program;
	return err;
}

int opencl_need_program(struct opencl_device *device, enum opencl_form form, struct why *why)
{
	int err = 0;

	pthread_mutex_lock(&device->building);
	if (!device->programs[form])
		err = add_program(device, form, why);
	pthread_mutex_unlock(&device->building);
	return err;
}

static void opencl_close(struct device *base)
{
	struct opencl_device *device = opencl_device(base);
	const struct opencl_driver *driver = device->driver;

	if (device->setup)
		driver->clReleaseCommandQueue(device->setup);
	for (unsigned i = 0; i < OPENCL_FORMS; i++) {
		if (device->programs[i])
			driver->clReleaseProgram(device->programs[i]);
	}
	if (device->context)
		driver->clReleaseContext(device->context);
	pthread_mutex_destroy(&device->building);
	free(device);
}

/* The variant called KERNELS, or, if that is NULL, the one that the environment names or that suits
 * the device. -EINVAL if there is none of that name. */
static err_t choose_variant(const struct device_info *info, const char *kernels,
	const struct opencl_variant **ret_variant, struct why *why)
{
	const char *wanted = kernels ? kernels : getenv(VARIANT_VARIABLE);

	if (!wanted || !wanted[0]) {
		*ret_variant = &variants[info->gpu ? FOR_GPUS : FOR_PROCESSORS];
		return 0;
	}
	for (unsigned i = 0; i < VARIANTS; i++) {
		if (strcmp(variants[i].name, wanted) == 0) {
			*ret_variant = &variants[i];
			return 0;
		}
	}
	return why_fail(why, EINVAL,
		"kernels '%s': there are none of that name; there are %s and %s (" VARIANT_VARIABLE
		", see vramfs(1))",
		wanted, variants[FOR_GPUS].name, variants[FOR_PROCESSORS].name);
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
	err = opencl_find_limits(driver, device->id, &device->limits, why);
	if (err)
		return err;
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
	return opencl_need_program(device, OPENCL_WHOLE, why);
}

static int opencl_open(const struct device_info *info, const char *kernels,
	struct device **ret_device, struct why *why)
{
	const char *force_staging = getenv(FORCE_STAGING);
	const struct opencl_variant *variant = NULL;
	const struct opencl_driver *driver;
	struct opencl_device *device;
	int err = opencl_driver_get(&driver, why);

	if (!err)
		err = choose_variant(info, kernels, &variant, why);
	if (err)
		return err;
	device = calloc(1, sizeof(*device));
	if (!device)
		return why_fail(why, ENOMEM, "out of memory: end other programs");
	device->base.backend = &opencl_backend;
	device->base.info = *info;
	device->driver = driver;
	device->variant = variant;
	device_info_name_kernels(&device->base.info, variant->name);
	pthread_mutex_init(&device->building, NULL);
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
