/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Loading OpenCL's library, and what its error codes mean. */
#include "device/opencl-driver.h"

#include "base/log.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define LIBRARY "libOpenCL.so.1"

static const struct {
	const char *name;
	size_t offset;
} entries[] = {
#define ENTRY(name) {#name, offsetof(struct opencl_driver, name)},
	OPENCL_FUNCTIONS(ENTRY)
#undef ENTRY
};

static const struct {
	cl_int code;
	int err;
	const char *name;
} errors[] = {
	{CL_DEVICE_NOT_FOUND, ENODEV, "CL_DEVICE_NOT_FOUND"},
	{CL_DEVICE_NOT_AVAILABLE, ENODEV, "CL_DEVICE_NOT_AVAILABLE"},
	{CL_COMPILER_NOT_AVAILABLE, ENODEV, "CL_COMPILER_NOT_AVAILABLE"},
	{CL_MEM_OBJECT_ALLOCATION_FAILURE, ENOMEM, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
	{CL_OUT_OF_RESOURCES, EIO, "CL_OUT_OF_RESOURCES"},
	{CL_OUT_OF_HOST_MEMORY, ENOMEM, "CL_OUT_OF_HOST_MEMORY"},
	{CL_BUILD_PROGRAM_FAILURE, EIO, "CL_BUILD_PROGRAM_FAILURE"},
	{CL_MAP_FAILURE, ENOMEM, "CL_MAP_FAILURE"},
	{CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, EIO,
		"CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"},
	{CL_INVALID_VALUE, EIO, "CL_INVALID_VALUE"},
	{CL_INVALID_PLATFORM, ENODEV, "CL_INVALID_PLATFORM"},
	{CL_INVALID_DEVICE, ENODEV, "CL_INVALID_DEVICE"},
	{CL_INVALID_CONTEXT, EIO, "CL_INVALID_CONTEXT"},
	{CL_INVALID_COMMAND_QUEUE, EIO, "CL_INVALID_COMMAND_QUEUE"},
	{CL_INVALID_MEM_OBJECT, EIO, "CL_INVALID_MEM_OBJECT"},
	{CL_INVALID_BUILD_OPTIONS, EIO, "CL_INVALID_BUILD_OPTIONS"},
	{CL_INVALID_PROGRAM_EXECUTABLE, EIO, "CL_INVALID_PROGRAM_EXECUTABLE"},
	{CL_INVALID_KERNEL_NAME, EIO, "CL_INVALID_KERNEL_NAME"},
	{CL_INVALID_KERNEL_ARGS, EIO, "CL_INVALID_KERNEL_ARGS"},
	{CL_INVALID_ARG_SIZE, EIO, "CL_INVALID_ARG_SIZE"},
	{CL_INVALID_WORK_GROUP_SIZE, EIO, "CL_INVALID_WORK_GROUP_SIZE"},
	{CL_INVALID_OPERATION, EIO, "CL_INVALID_OPERATION"},
	{CL_INVALID_BUFFER_SIZE, ENOMEM, "CL_INVALID_BUFFER_SIZE"},
	{CL_INVALID_GLOBAL_WORK_SIZE, EIO, "CL_INVALID_GLOBAL_WORK_SIZE"},
	{-1001, ENODEV, "CL_PLATFORM_NOT_FOUND_KHR"},
};

static int load(struct opencl_driver *driver, struct why *why)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		log_debug("opencl: %s", dlerror());
		return why_fail(why, ENODEV,
			LIBRARY " is not there or can't be loaded: install an OpenCL loader "
				"(ocl-icd-libopencl1) and the driver of the device");
	}
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		void *symbol = dlsym(library, entries[i].name);

		if (!symbol) {
			dlclose(library);
			return why_fail(why, ENODEV,
				LIBRARY " has no %s: it is older than OpenCL 1.2, update it",
				entries[i].name);
		}
		memcpy((char *)driver + entries[i].offset, &symbol, sizeof(symbol));
	}
	return 0;
}

/* Never unloaded: drivers leave threads behind. */
int opencl_driver_get(const struct opencl_driver **ret_driver, struct why *why)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct opencl_driver driver;
	static bool loaded;
	int err = 0;

	pthread_mutex_lock(&lock);
	if (!loaded)
		err = load(&driver, why);
	if (!err) {
		loaded = true;
		*ret_driver = &driver;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

const char *opencl_error_name(cl_int code)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].code == code)
			return errors[i].name;
	}
	return "an unknown error";
}

int opencl_check(cl_int code, const char *function)
{
	if (code == CL_SUCCESS)
		return 0;
	log_debug("opencl: %s: %s (%d)", function, opencl_error_name(code), code);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].code == code)
			return -errors[i].err;
	}
	return -EIO;
}
