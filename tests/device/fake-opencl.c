/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * A libOpenCL.so.1 with two discrete GPUs that move bytes but run no kernels, and that fail in the
 * way that the environment variable FAKE_OPENCL names:
 *
 *	no-platforms, no-devices, too-old, no-compiler, big-endian, narrow	what there is
 *	no-context, build-fails, kernel-missing, no-memory, fill-fails		setting up
 *	no-second	there is memory for one buffer of a MiB, but not for two
 *	enqueue-fails	launches are refused
 *	kernel-dies	launches are taken and fail on the device
 *	callback-late	as without a mode, but callbacks come from another thread
 *	processors	as without a mode, but the devices are no GPUs
 *
 * Without a mode, kernels end well and have done nothing: not even their report. Callbacks come
 * from inside clSetEventCallback(), as a driver may do.
 *
 * fake_opencl_objects() tells how many objects have been made and not released, and
 * fake_opencl_options() with which options the latest program was built.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <CL/cl_ext.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICES 2
#define MEMORY_BYTES (1ull << 30)
#define LARGEST_ALLOC_BYTES (256ull << 20)
#define LARGE_BYTES (1u << 20)

struct _cl_platform_id {
	int unused;
};
struct _cl_device_id {
	cl_uint number;
};
struct _cl_mem {
	unsigned char *bytes;
	bool is_host_memory, is_large;
};
struct _cl_event {
	cl_int status;
};

int fake_opencl_objects(void);
const char *fake_opencl_options(void);

static struct _cl_platform_id platform;
static struct _cl_device_id devices[DEVICES] = {{0}, {1}};
static _Atomic int objects, large_buffers;
static char built_with[128];

static bool mode(const char *name)
{
	const char *set = getenv("FAKE_OPENCL");

	return set && !strcmp(set, name);
}

const char *fake_opencl_options(void)
{
	return built_with;
}

int fake_opencl_objects(void)
{
	return objects;
}

static void *object_new(size_t size)
{
	objects++;
	return calloc(1, size);
}

static cl_int object_free(void *object)
{
	objects--;
	free(object);
	return CL_SUCCESS;
}

static void set_error(cl_int *error, cl_int code)
{
	if (error)
		*error = code;
}

cl_int clGetPlatformIDs(cl_uint room, cl_platform_id *ids, cl_uint *count)
{
	if (mode("no-platforms"))
		return -1001;
	if (room)
		ids[0] = &platform;
	*count = 1;
	return CL_SUCCESS;
}

cl_int clGetDeviceIDs(
	cl_platform_id of, cl_device_type type, cl_uint room, cl_device_id *ids, cl_uint *count)
{
	(void)of;
	if (!(type & CL_DEVICE_TYPE_GPU) || mode("no-devices"))
		return CL_DEVICE_NOT_FOUND;
	for (cl_uint i = 0; i < DEVICES && i < room; i++)
		ids[i] = &devices[i];
	*count = DEVICES;
	return CL_SUCCESS;
}

static cl_int answer(const void *value, size_t size, size_t room, void *to, size_t *ret_size)
{
	if (ret_size)
		*ret_size = size;
	if (!to)
		return CL_SUCCESS;
	if (room < size)
		return CL_INVALID_VALUE;
	memcpy(to, value, size);
	return CL_SUCCESS;
}

static cl_int answer_text(const char *text, size_t room, void *to, size_t *ret_size)
{
	return answer(text, strlen(text) + 1, room, to, ret_size);
}

cl_int clGetPlatformInfo(
	cl_platform_id of, cl_platform_info what, size_t room, void *to, size_t *ret_size)
{
	(void)of;
	(void)what;
	return answer_text("Fake", room, to, ret_size);
}

static cl_int answer_flag(bool flag, size_t room, void *to, size_t *ret_size)
{
	cl_bool value = flag;

	return answer(&value, sizeof(value), room, to, ret_size);
}

static cl_int answer_ulong(cl_ulong value, size_t room, void *to, size_t *ret_size)
{
	return answer(&value, sizeof(value), room, to, ret_size);
}

cl_int clGetDeviceInfo(
	cl_device_id device, cl_device_info what, size_t room, void *to, size_t *ret_size)
{
	const size_t lanes = mode("narrow") ? 32 : 1024;
	const size_t items[3] = {lanes, lanes, lanes};
	const cl_uint units = 4;
	cl_uchar uuid[CL_UUID_SIZE_KHR] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0};
	cl_device_pci_bus_info_khr pci = {.pci_bus = device->number ? 0xaf : 0x3b};

	switch (what) {
	case CL_DEVICE_TYPE:
		return answer_ulong(mode("processors") ? CL_DEVICE_TYPE_CPU : CL_DEVICE_TYPE_GPU,
			room, to, ret_size);
	case CL_DEVICE_NAME:
		return answer_text(
			device->number ? "Fake GPU one" : "Fake GPU zero", room, to, ret_size);
	case CL_DEVICE_VERSION:
		return answer_text(mode("too-old") ? "OpenCL 1.1 Fake" : "OpenCL 3.0 Fake", room,
			to, ret_size);
	case CL_DRIVER_VERSION:
		return answer_text("1.0", room, to, ret_size);
	case CL_DEVICE_EXTENSIONS:
		return answer_text("cl_khr_device_uuid cl_khr_pci_bus_info", room, to, ret_size);
	case CL_DEVICE_UUID_KHR:
		uuid[15] = (cl_uchar)device->number;
		return answer(uuid, sizeof(uuid), room, to, ret_size);
	case CL_DEVICE_PCI_BUS_INFO_KHR:
		return answer(&pci, sizeof(pci), room, to, ret_size);
	case CL_DEVICE_AVAILABLE:
		return answer_flag(true, room, to, ret_size);
	case CL_DEVICE_COMPILER_AVAILABLE:
		return answer_flag(!mode("no-compiler"), room, to, ret_size);
	case CL_DEVICE_ENDIAN_LITTLE:
		return answer_flag(!mode("big-endian"), room, to, ret_size);
	case CL_DEVICE_HOST_UNIFIED_MEMORY:
		return answer_flag(false, room, to, ret_size);
	case CL_DEVICE_MAX_WORK_GROUP_SIZE:
		return answer(&lanes, sizeof(lanes), room, to, ret_size);
	case CL_DEVICE_MAX_WORK_ITEM_SIZES:
		return answer(items, sizeof(items), room, to, ret_size);
	case CL_DEVICE_MAX_COMPUTE_UNITS:
		return answer(&units, sizeof(units), room, to, ret_size);
	case CL_DEVICE_LOCAL_MEM_SIZE:
		return answer_ulong(49152, room, to, ret_size);
	case CL_DEVICE_GLOBAL_MEM_SIZE:
		return answer_ulong(MEMORY_BYTES, room, to, ret_size);
	case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
		return answer_ulong(LARGEST_ALLOC_BYTES, room, to, ret_size);
	default:
		return CL_INVALID_VALUE;
	}
}

cl_context clCreateContext(const cl_context_properties *properties, cl_uint count,
	const cl_device_id *ids, void (*complain)(const char *, const void *, size_t, void *),
	void *user, cl_int *error)
{
	(void)properties;
	(void)count;
	(void)ids;
	(void)complain;
	(void)user;
	set_error(error, mode("no-context") ? CL_DEVICE_NOT_AVAILABLE : CL_SUCCESS);
	return mode("no-context") ? NULL : object_new(1);
}

cl_int clReleaseContext(cl_context context)
{
	return object_free(context);
}

cl_command_queue clCreateCommandQueue(cl_context context, cl_device_id device,
	cl_command_queue_properties properties, cl_int *error)
{
	(void)context;
	(void)device;
	(void)properties;
	set_error(error, CL_SUCCESS);
	return object_new(1);
}

cl_int clReleaseCommandQueue(cl_command_queue queue)
{
	return object_free(queue);
}

cl_program clCreateProgramWithSource(
	cl_context context, cl_uint count, const char **sources, const size_t *sizes, cl_int *error)
{
	(void)context;
	(void)count;
	(void)sizes;
	set_error(error, CL_SUCCESS);
	return strstr(sources[0], "vramfs_") ? object_new(1) : NULL;
}

cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id *ids,
	const char *options, void (*built)(cl_program, void *), void *user)
{
	(void)program;
	(void)count;
	(void)ids;
	(void)built;
	(void)user;
	strncpy(built_with, options, sizeof(built_with) - 1);
	return mode("build-fails") ? CL_BUILD_PROGRAM_FAILURE : CL_SUCCESS;
}

cl_int clGetProgramBuildInfo(cl_program program, cl_device_id device, cl_program_build_info what,
	size_t room, void *to, size_t *ret_size)
{
	static const char build_log[] = "\nfake.cl:7: error: no such thing\nand more";

	(void)program;
	(void)device;
	(void)what;
	return answer(build_log, sizeof(build_log), room, to, ret_size);
}

cl_int clReleaseProgram(cl_program program)
{
	return object_free(program);
}

cl_kernel clCreateKernel(cl_program program, const char *name, cl_int *error)
{
	bool missing = mode("kernel-missing") && !strcmp(name, "vramfs_copy");

	(void)program;
	set_error(error, missing ? CL_INVALID_KERNEL_NAME : CL_SUCCESS);
	return missing ? NULL : object_new(1);
}

cl_int clReleaseKernel(cl_kernel kernel)
{
	return object_free(kernel);
}

cl_int clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value)
{
	(void)kernel;
	(void)value;
	return index < 21 && size ? CL_SUCCESS : CL_INVALID_ARG_SIZE;
}

cl_mem clCreateBuffer(
	cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *error)
{
	cl_mem mem;

	(void)context;
	if (mode("no-memory") || (mode("no-second") && size >= LARGE_BYTES && large_buffers)) {
		set_error(error, CL_MEM_OBJECT_ALLOCATION_FAILURE);
		return NULL;
	}
	mem = object_new(sizeof(*mem));
	mem->is_host_memory = flags & CL_MEM_USE_HOST_PTR;
	mem->is_large = size >= LARGE_BYTES;
	large_buffers += mem->is_large;
	mem->bytes = mem->is_host_memory ? host : malloc(size);
	set_error(error, CL_SUCCESS);
	return mem;
}

cl_int clReleaseMemObject(cl_mem mem)
{
	large_buffers -= mem->is_large;
	if (!mem->is_host_memory)
		free(mem->bytes);
	return object_free(mem);
}

static cl_int make_event(cl_event *event, cl_int status)
{
	if (event) {
		*event = object_new(sizeof(**event));
		(*event)->status = status;
	}
	return CL_SUCCESS;
}

static cl_int status_of_commands(void)
{
	return mode("kernel-dies") ? CL_OUT_OF_RESOURCES : CL_COMPLETE;
}

cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset,
	size_t size, const void *from, cl_uint waits, const cl_event *wait_list, cl_event *event)
{
	(void)queue;
	(void)blocking;
	(void)waits;
	(void)wait_list;
	memcpy(mem->bytes + offset, from, size);
	return make_event(event, status_of_commands());
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset,
	size_t size, void *to, cl_uint waits, const cl_event *wait_list, cl_event *event)
{
	(void)queue;
	(void)blocking;
	(void)waits;
	(void)wait_list;
	memcpy(to, mem->bytes + offset, size);
	return make_event(event, status_of_commands());
}

cl_int clEnqueueFillBuffer(cl_command_queue queue, cl_mem mem, const void *pattern,
	size_t pattern_size, size_t offset, size_t size, cl_uint waits, const cl_event *wait_list,
	cl_event *event)
{
	(void)queue;
	(void)waits;
	(void)wait_list;
	if (mode("fill-fails"))
		return CL_OUT_OF_RESOURCES;
	for (size_t i = 0; i < size; i += pattern_size)
		memcpy(mem->bytes + offset + i, pattern, pattern_size);
	return make_event(event, CL_COMPLETE);
}

void *clEnqueueMapBuffer(cl_command_queue queue, cl_mem mem, cl_bool blocking, cl_map_flags flags,
	size_t offset, size_t size, cl_uint waits, const cl_event *wait_list, cl_event *event,
	cl_int *error)
{
	(void)queue;
	(void)blocking;
	(void)flags;
	(void)size;
	(void)waits;
	(void)wait_list;
	(void)event;
	set_error(error, CL_SUCCESS);
	return mem->bytes + offset;
}

cl_int clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem mem, void *mapped, cl_uint waits,
	const cl_event *wait_list, cl_event *event)
{
	(void)queue;
	(void)mem;
	(void)mapped;
	(void)waits;
	(void)wait_list;
	return make_event(event, CL_COMPLETE);
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
	const size_t *offset, const size_t *items, const size_t *lanes, cl_uint waits,
	const cl_event *wait_list, cl_event *event)
{
	(void)queue;
	(void)kernel;
	(void)dimensions;
	(void)offset;
	(void)items;
	(void)lanes;
	(void)waits;
	(void)wait_list;
	return mode("enqueue-fails") ? CL_OUT_OF_RESOURCES : make_event(event, CL_COMPLETE);
}

struct late_call {
	void (*callback)(cl_event, cl_int, void *);
	cl_int status;
	void *user;
};

static void *call_late(void *user)
{
	struct late_call *call = user;

	usleep(20000);
	call->callback(NULL, call->status, call->user);
	free(call);
	return NULL;
}

cl_int clSetEventCallback(
	cl_event event, cl_int when, void (*callback)(cl_event, cl_int, void *), void *user)
{
	struct late_call *call;
	pthread_t thread;

	(void)when;
	if (!mode("callback-late")) {
		callback(event, event->status, user);
		return CL_SUCCESS;
	}
	call = malloc(sizeof(*call));
	*call = (struct late_call){callback, event->status, user};
	if (pthread_create(&thread, NULL, call_late, call))
		abort();
	pthread_detach(thread);
	return CL_SUCCESS;
}

cl_int clReleaseEvent(cl_event event)
{
	return object_free(event);
}

cl_int clFlush(cl_command_queue queue)
{
	(void)queue;
	return CL_SUCCESS;
}

cl_int clFinish(cl_command_queue queue)
{
	(void)queue;
	return CL_SUCCESS;
}
