/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_DEVICE_CUDA_DRIVER_H
#define VRAMFS_DEVICE_CUDA_DRIVER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The part of CUDA's driver API that vramfs uses, declared here so that neither building nor
 * starting needs anything of NVIDIA's: the library is opened when a device is asked for. Values and
 * prototypes are those of the driver's stable binary interface.
 */

/* CUresult: what every call returns. Only the codes that vramfs tells apart have a name here. */
typedef int cuda_result;
enum {
	CUDA_SUCCESS = 0,
	CUDA_ERROR_INVALID_VALUE = 1,
	CUDA_ERROR_OUT_OF_MEMORY = 2,
	CUDA_ERROR_NOT_INITIALIZED = 3,
	CUDA_ERROR_STUB_LIBRARY = 34,
	CUDA_ERROR_DEVICE_UNAVAILABLE = 46,
	CUDA_ERROR_NO_DEVICE = 100,
	CUDA_ERROR_INVALID_DEVICE = 101,
	CUDA_ERROR_INVALID_CONTEXT = 201,
	CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
	CUDA_ERROR_INVALID_PTX = 218,
	CUDA_ERROR_JIT_COMPILER_NOT_FOUND = 221,
	CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
	CUDA_ERROR_OPERATING_SYSTEM = 304,
	CUDA_ERROR_NOT_FOUND = 500,
	CUDA_ERROR_NOT_READY = 600,
	CUDA_ERROR_ILLEGAL_ADDRESS = 700,
	CUDA_ERROR_NOT_PERMITTED = 800,
	CUDA_ERROR_NOT_SUPPORTED = 801,
	CUDA_ERROR_SYSTEM_NOT_READY = 802,
	CUDA_ERROR_SYSTEM_DRIVER_MISMATCH = 803,
	CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE = 804,
	CUDA_ERROR_UNKNOWN = 999,
};

/* CUdevice_attribute */
enum cuda_attribute {
	CUDA_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
	CUDA_ATTRIBUTE_INTEGRATED = 18,
	CUDA_ATTRIBUTE_COMPUTE_MODE = 20,
	CUDA_ATTRIBUTE_ASYNC_ENGINE_COUNT = 40,
	CUDA_ATTRIBUTE_CAPABILITY_MAJOR = 75,
	CUDA_ATTRIBUTE_CAPABILITY_MINOR = 76,
	CUDA_ATTRIBUTE_SHARED_BYTES_PER_MULTIPROCESSOR = 81,
};

#define CUDA_COMPUTE_MODE_PROHIBITED 2
#define CUDA_CONTEXT_BLOCKING_SYNC 4u  /* a thread that waits for a stream sleeps */
#define CUDA_STREAM_NON_BLOCKING 1u    /* no implicit order with the default stream */
#define CUDA_HOST_REGISTER_PORTABLE 1u /* pinned for every context */
#define CUDA_HOST_REGISTER_DEVICEMAP 2u

/* CUfunction_attribute, those that can be set */
enum cuda_function_attribute {
	CUDA_FUNCTION_MAX_DYNAMIC_SHARED_BYTES = 8,
	CUDA_FUNCTION_SHARED_PERCENTAGE = 9, /* of a multiprocessor's memory; the rest is cache */
};

/* CUjit_option */
enum cuda_jit_option {
	CUDA_JIT_ERROR_LOG_BUFFER = 5,
	CUDA_JIT_ERROR_LOG_BUFFER_BYTES = 6,
};

typedef int cuda_device_id;
typedef uint64_t cuda_address; /* in the device's address space */
typedef struct cuda_context_tag *cuda_context;
typedef struct cuda_module_tag *cuda_module;
typedef struct cuda_function_tag *cuda_function;
typedef struct cuda_stream_tag *cuda_stream;

/*
 * Every entry point: X(member of struct cuda_driver, symbol, parameters). A symbol with a version
 * in its name is another function than the one without, so each is named exactly as it is bound.
 */
#define CUDA_REQUIRED_ENTRY_POINTS(X)                                                            \
	X(init, cuInit, (unsigned flags))                                                        \
	X(get_error_name, cuGetErrorName, (cuda_result result, const char **ret_name))           \
	X(get_error_string, cuGetErrorString, (cuda_result result, const char **ret_text))       \
	X(driver_get_version, cuDriverGetVersion, (int *ret_version))                            \
	X(device_get_count, cuDeviceGetCount, (int *ret_count))                                  \
	X(device_get, cuDeviceGet, (cuda_device_id * ret_device, int number))                    \
	X(device_get_name, cuDeviceGetName, (char *name, int size, cuda_device_id device))       \
	X(device_get_pci_bus_id, cuDeviceGetPCIBusId,                                            \
		(char *text, int size, cuda_device_id device))                                   \
	X(device_get_attribute, cuDeviceGetAttribute,                                            \
		(int *ret_value, enum cuda_attribute attribute, cuda_device_id device))          \
	X(device_total_memory, cuDeviceTotalMem_v2, (size_t * ret_bytes, cuda_device_id device)) \
	X(context_set_flags, cuDevicePrimaryCtxSetFlags_v2,                                      \
		(cuda_device_id device, unsigned flags))                                         \
	X(context_retain, cuDevicePrimaryCtxRetain,                                              \
		(cuda_context * ret_context, cuda_device_id device))                             \
	X(context_release, cuDevicePrimaryCtxRelease_v2, (cuda_device_id device))                \
	X(context_set_current, cuCtxSetCurrent, (cuda_context context))                          \
	X(module_load, cuModuleLoadDataEx,                                                       \
		(cuda_module * ret_module, const void *image, unsigned option_count,             \
			enum cuda_jit_option *options, void **option_values))                    \
	X(module_unload, cuModuleUnload, (cuda_module module))                                   \
	X(module_get_function, cuModuleGetFunction,                                              \
		(cuda_function * ret_function, cuda_module module, const char *name))            \
	X(memory_get_info, cuMemGetInfo_v2, (size_t * ret_free, size_t * ret_total))             \
	X(memory_alloc, cuMemAlloc_v2, (cuda_address * ret_address, size_t bytes))               \
	X(memory_free, cuMemFree_v2, (cuda_address address))                                     \
	X(host_register, cuMemHostRegister_v2, (void *bytes, size_t size, unsigned flags))       \
	X(host_unregister, cuMemHostUnregister, (void *bytes))                                   \
	X(host_get_device_address, cuMemHostGetDevicePointer_v2,                                 \
		(cuda_address * ret_address, void *bytes, unsigned flags))                       \
	X(copy_in, cuMemcpyHtoDAsync_v2,                                                         \
		(cuda_address to, const void *from, size_t bytes, cuda_stream stream))           \
	X(copy_out, cuMemcpyDtoHAsync_v2,                                                        \
		(void *to, cuda_address from, size_t bytes, cuda_stream stream))                 \
	X(fill_words, cuMemsetD32Async,                                                          \
		(cuda_address to, unsigned word, size_t count, cuda_stream stream))              \
	X(stream_create, cuStreamCreate, (cuda_stream * ret_stream, unsigned flags))             \
	X(stream_destroy, cuStreamDestroy_v2, (cuda_stream stream))                              \
	X(stream_query, cuStreamQuery, (cuda_stream stream))                                     \
	X(stream_synchronize, cuStreamSynchronize, (cuda_stream stream))                         \
	X(launch, cuLaunchKernel,                                                                \
		(cuda_function function, unsigned grid_x, unsigned grid_y, unsigned grid_z,      \
			unsigned block_x, unsigned block_y, unsigned block_z,                    \
			unsigned shared_bytes, cuda_stream stream, void **arguments,             \
			void **extra))

/* Those that some drivers lack; the member is NULL then. */
#define CUDA_OPTIONAL_ENTRY_POINTS(X)                                                        \
	X(device_get_uuid_v2, cuDeviceGetUuid_v2, (uint8_t uuid[16], cuda_device_id device)) \
	X(device_get_uuid, cuDeviceGetUuid, (uint8_t uuid[16], cuda_device_id device))       \
	X(function_load, cuFuncLoad, (cuda_function function))                               \
	X(function_set_attribute, cuFuncSetAttribute,                                        \
		(cuda_function function, enum cuda_function_attribute which, int value))     \
	X(function_groups_at_once, cuOccupancyMaxActiveBlocksPerMultiprocessor,              \
		(int *ret_groups, cuda_function function, int lanes, size_t shared_bytes))

struct cuda_driver {
#define CUDA_DECLARE(member, symbol, parameters) cuda_result(*member) parameters;
	CUDA_REQUIRED_ENTRY_POINTS(CUDA_DECLARE)
	CUDA_OPTIONAL_ENTRY_POINTS(CUDA_DECLARE)
#undef CUDA_DECLARE
};

/*
 * The driver, opened and initialised. It stays open for the life of the process. Never call this
 * before a fork() whose child shall use CUDA: an initialised driver does not work in the child.
 * -ENODEV no driver or no device, -EACCES no permission, -EIO a broken driver; WHY says what to do.
 */
err_t cuda_driver_get(const struct cuda_driver **ret_driver, struct why *why);

/* Map RESULT of CALL to 0 or -errno; a failure goes to the debug log with its code and name. */
err_t cuda_check(const struct cuda_driver *driver, cuda_result result, const char *call);

/* As cuda_check() for a RESULT that is an error; WHY gets "SUBJECT: what RESULT means and what to
 * do", or without a subject where that is NULL. */
err_t cuda_fail(
	const struct cuda_driver *driver, cuda_result result, const char *subject, struct why *why);

/*
 * What only NVIDIA's management library tells without making a context on the device. Where it is
 * missing or refuses: false, and the out-parameters are untouched.
 */
bool cuda_driver_version(char *text, size_t size); /* "580.159.04" */
bool cuda_free_bytes(const char *pci, uint64_t *ret_bytes);

#endif
