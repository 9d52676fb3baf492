/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The fake CUDA driver of fake-cuda.h. A launch runs at once, in the calling thread. Addresses of
 * device memory and of registered host memory carry a mark in their upper bits that no host address
 * has, so a caller that mixes them up is found out.
 */
#include "fake-cuda.h"

#include "device/kernel-names.h"
#include "kernels/native.h"

#include <pthread.h>
#include <stdio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Prototypes of what this library exports, from the one list that the product binds by. */
#define FAKE_PROTOTYPE(member, symbol, parameters) cuda_result symbol parameters;
CUDA_REQUIRED_ENTRY_POINTS(FAKE_PROTOTYPE)
CUDA_OPTIONAL_ENTRY_POINTS(FAKE_PROTOTYPE)
extern struct fake_cuda fake_cuda;

#define MEMORY_MARK (1ull << 60)
#define REGISTERED_MARK (1ull << 61)

struct fake_cuda fake_cuda;

struct cuda_context_tag {
	int retained;
	bool dead;
	uint64_t allocated; /* bytes of device memory */
	int objects;        /* modules, streams, memories and registrations */
};
struct cuda_module_tag {
	struct cuda_function_tag {
		enum kernel kernel;
		bool loaded;
		int most_dynamic_bytes;
	} functions[KERNEL_COUNT];
};
struct cuda_stream_tag {
	cuda_context context;
};

struct range {
	uintptr_t begin;
	size_t size; /* 0: the entry is free */
	cuda_context context;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cuda_context_tag contexts[FAKE_CUDA_DEVICES];
static struct range memories[256], registrations[1024]; /* under lock */
static _Thread_local cuda_context current;
static bool initialized;

_Noreturn static void violation(const char *call, const char *what)
{
	fprintf(stderr, "fake CUDA: %s: %s\n", call, what);
	abort();
}

/* Whether a call that needs a context may go on. */
#define REQUIRE_CONTEXT()                                             \
	do {                                                          \
		if (!current || current->retained < 1)                \
			violation(__func__, "no context is current"); \
		if (current->dead)                                    \
			return CUDA_ERROR_ILLEGAL_ADDRESS;            \
	} while (0)

static void count_objects(int change)
{
	if (!current || current->retained < 1)
		violation(__func__, "no context is current");
	pthread_mutex_lock(&lock);
	current->objects += change;
	pthread_mutex_unlock(&lock);
}

static struct range *range_find(struct range *table, size_t count, uintptr_t begin, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		if (table[i].size && begin >= table[i].begin &&
			begin - table[i].begin <= table[i].size &&
			size <= table[i].size - (begin - table[i].begin))
			return &table[i];
	}
	return NULL;
}

static struct range *range_add(struct range *table, size_t count, uintptr_t begin, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		if (!table[i].size) {
			table[i] = (struct range){begin, size, current};
			return &table[i];
		}
	}
	abort();
}

static void ranges_drop(struct range *table, size_t count, cuda_context context)
{
	for (size_t i = 0; i < count; i++) {
		if (table[i].context == context)
			table[i] = (struct range){0};
	}
}

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

/* The host address behind SIZE bytes at ADDRESS, or NULL where they are nobody's. */
static uint8_t *resolve(cuda_address address, size_t size)
{
	struct range *found = NULL;

	pthread_mutex_lock(&lock);
	if (address & MEMORY_MARK)
		found = range_find(memories, COUNT_OF(memories), address & ~MEMORY_MARK, size);
	else if (address & REGISTERED_MARK)
		found = range_find(
			registrations, COUNT_OF(registrations), address & ~REGISTERED_MARK, size);
	pthread_mutex_unlock(&lock);
	return found ? (uint8_t *)(uintptr_t)(address & ~(MEMORY_MARK | REGISTERED_MARK)) : NULL;
}

cuda_result cuInit(unsigned flags)
{
	if (flags)
		violation(__func__, "flags");
	initialized = fake_cuda.init_result == CUDA_SUCCESS;
	return fake_cuda.init_result;
}

cuda_result cuGetErrorName(cuda_result result, const char **ret_name)
{
	if (result == CUDA_ERROR_STUB_LIBRARY)
		return CUDA_ERROR_STUB_LIBRARY; /* the real stub can't name its errors either */
	*ret_name = "CUDA_ERROR_FAKE";
	return CUDA_SUCCESS;
}

cuda_result cuGetErrorString(cuda_result result, const char **ret_text)
{
	(void)result;
	*ret_text = "a fake error";
	return CUDA_SUCCESS;
}

cuda_result cuDriverGetVersion(int *ret_version)
{
	*ret_version = 13000;
	return CUDA_SUCCESS;
}

cuda_result cuDeviceGetCount(int *ret_count)
{
	if (!initialized)
		return CUDA_ERROR_NOT_INITIALIZED;
	if (fake_cuda.no_devices)
		return CUDA_ERROR_NO_DEVICE;
	*ret_count = FAKE_CUDA_DEVICES;
	return CUDA_SUCCESS;
}

cuda_result cuDeviceGet(cuda_device_id *ret_device, int number)
{
	if (number < 0 || number >= FAKE_CUDA_DEVICES)
		return CUDA_ERROR_INVALID_DEVICE;
	*ret_device = 100 + number; /* an id is not the number */
	return CUDA_SUCCESS;
}

cuda_result cuDeviceGetName(char *name, int size, cuda_device_id device)
{
	snprintf(name, (size_t)size, "Fake GPU %d", device - 100);
	return CUDA_SUCCESS;
}

cuda_result cuDeviceGetPCIBusId(char *text, int size, cuda_device_id device)
{
	snprintf(text, (size_t)size, "%s", device == 100 ? FAKE_CUDA_PCI_0 : FAKE_CUDA_PCI_1);
	return CUDA_SUCCESS;
}

cuda_result cuDeviceGetUuid_v2(uint8_t uuid[16], cuda_device_id device)
{
	for (int i = 0; i < 16; i++)
		uuid[i] = (uint8_t)(0x10 * (device - 100) + i);
	return CUDA_SUCCESS;
}

cuda_result cuDeviceGetUuid(uint8_t uuid[16], cuda_device_id device)
{
	(void)uuid;
	(void)device;
	violation(__func__, "the second version is there and must be taken");
}

cuda_result cuDeviceGetAttribute(int *ret_value, enum cuda_attribute which, cuda_device_id device)
{
	(void)device;
	switch (which) {
	case CUDA_ATTRIBUTE_MULTIPROCESSOR_COUNT:
		*ret_value = 132;
		break;
	case CUDA_ATTRIBUTE_INTEGRATED:
		*ret_value = 0;
		break;
	case CUDA_ATTRIBUTE_COMPUTE_MODE:
		*ret_value = fake_cuda.compute_mode;
		break;
	case CUDA_ATTRIBUTE_ASYNC_ENGINE_COUNT:
		*ret_value = 3;
		break;
	case CUDA_ATTRIBUTE_CAPABILITY_MAJOR:
		*ret_value = 9;
		break;
	case CUDA_ATTRIBUTE_CAPABILITY_MINOR:
		*ret_value = 0;
		break;
	case CUDA_ATTRIBUTE_SHARED_BYTES_PER_MULTIPROCESSOR:
		*ret_value = FAKE_CUDA_SHARED_BYTES;
		break;
	default:
		violation(__func__, "unknown attribute");
	}
	return CUDA_SUCCESS;
}

cuda_result cuDeviceTotalMem_v2(size_t *ret_bytes, cuda_device_id device)
{
	(void)device;
	*ret_bytes = FAKE_CUDA_MEMORY_BYTES;
	return CUDA_SUCCESS;
}

cuda_result cuDevicePrimaryCtxSetFlags_v2(cuda_device_id device, unsigned flags)
{
	(void)device;
	if (flags != CUDA_CONTEXT_BLOCKING_SYNC)
		violation(__func__, "flags");
	return CUDA_SUCCESS;
}

cuda_result cuDevicePrimaryCtxRetain(cuda_context *ret_context, cuda_device_id device)
{
	if (fake_cuda.retain_result != CUDA_SUCCESS)
		return fake_cuda.retain_result;
	pthread_mutex_lock(&lock);
	*ret_context = &contexts[device - 100];
	(*ret_context)->retained++;
	pthread_mutex_unlock(&lock);
	fake_cuda.contexts++;
	return CUDA_SUCCESS;
}

cuda_result cuDevicePrimaryCtxRelease_v2(cuda_device_id device)
{
	cuda_context context = &contexts[device - 100];

	pthread_mutex_lock(&lock);
	if (--context->retained == 0) {
		if (context->objects && !context->dead)
			violation(__func__, "the context ends and has objects left");
		ranges_drop(memories, COUNT_OF(memories), context);
		ranges_drop(registrations, COUNT_OF(registrations), context);
		*context = (struct cuda_context_tag){0};
	}
	pthread_mutex_unlock(&lock);
	fake_cuda.contexts--;
	return CUDA_SUCCESS;
}

cuda_result cuCtxSetCurrent(cuda_context context)
{
	if (context && context->retained < 1)
		violation(__func__, "the context was released");
	current = context;
	return CUDA_SUCCESS;
}

static bool is_tables(const char *image)
{
	return strstr(image, "cp.async") && !strstr(image, "mma.sync");
}

cuda_result cuModuleLoadDataEx(cuda_module *ret_module, const void *image, unsigned option_count,
	enum cuda_jit_option *options, void **option_values)
{
	REQUIRE_CONTEXT();
	if (option_count != 2 || options[0] != CUDA_JIT_ERROR_LOG_BUFFER ||
		options[1] != CUDA_JIT_ERROR_LOG_BUFFER_BYTES)
		violation(__func__, "options");
	if (fake_cuda.load_result != CUDA_SUCCESS) {
		if (fake_cuda.load_log)
			snprintf(option_values[0], (size_t)option_values[1], "%s",
				fake_cuda.load_log);
		return fake_cuda.load_result;
	}
	if (strstr(image, "mma.sync") && fake_cuda.tensor_load_result != CUDA_SUCCESS)
		return fake_cuda.tensor_load_result;
	if (is_tables(image) && fake_cuda.tables_load_result != CUDA_SUCCESS)
		return fake_cuda.tables_load_result;
	if (!strstr(image, ".visible .entry"))
		violation(__func__, "the image is no PTX");
	for (int i = 0; i < KERNEL_COUNT; i++) {
		if (!strstr(image, kernel_names[i]))
			violation(__func__, kernel_names[i]);
	}
	fake_cuda.tensor_loaded = strstr(image, "mma.sync") != NULL;
	fake_cuda.tables_loaded = is_tables(image);
	*ret_module = calloc(1, sizeof(**ret_module));
	count_objects(1);
	return CUDA_SUCCESS;
}

cuda_result cuModuleUnload(cuda_module module)
{
	count_objects(-1);
	free(module);
	REQUIRE_CONTEXT();
	return CUDA_SUCCESS;
}

cuda_result cuModuleGetFunction(cuda_function *ret_function, cuda_module module, const char *name)
{
	REQUIRE_CONTEXT();
	for (int i = 0; i < KERNEL_COUNT; i++) {
		if (strcmp(name, kernel_names[i]) == 0) {
			*ret_function = &module->functions[i];
			(*ret_function)->kernel = (enum kernel)i;
			return CUDA_SUCCESS;
		}
	}
	return CUDA_ERROR_NOT_FOUND;
}

cuda_result cuFuncLoad(cuda_function function)
{
	REQUIRE_CONTEXT();
	function->loaded = true;
	return CUDA_SUCCESS;
}

cuda_result cuFuncSetAttribute(
	cuda_function function, enum cuda_function_attribute which, int value)
{
	REQUIRE_CONTEXT();
	if (!function->loaded || value < 0)
		violation(__func__, "function or value");
	switch (which) {
	case CUDA_FUNCTION_MAX_DYNAMIC_SHARED_BYTES:
		if (value > FAKE_CUDA_SHARED_BYTES - FAKE_CUDA_GROUP_BYTES)
			return CUDA_ERROR_INVALID_VALUE;
		function->most_dynamic_bytes = value;
		return CUDA_SUCCESS;
	case CUDA_FUNCTION_SHARED_PERCENTAGE:
		return value <= 100 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
	}
	violation(__func__, "unknown attribute");
}

/* A small GPU, which has room for two groups of the sweeps with tables. */
cuda_result cuOccupancyMaxActiveBlocksPerMultiprocessor(
	int *ret_groups, cuda_function function, int lanes, size_t shared_bytes)
{
	REQUIRE_CONTEXT();
	if (!function->loaded)
		violation(__func__, "shape");
	if (lanes == KERNEL_LANES) {
		if (shared_bytes > (size_t)function->most_dynamic_bytes)
			return CUDA_ERROR_INVALID_VALUE;
		*ret_groups = FAKE_CUDA_SHARED_BYTES / (FAKE_CUDA_GROUP_BYTES + (int)shared_bytes);
		return CUDA_SUCCESS;
	}
	if (lanes != 128 || shared_bytes)
		violation(__func__, "shape");
	*ret_groups = fake_cuda.tables_loaded ? 2 : 6;
	return CUDA_SUCCESS;
}

cuda_result cuMemGetInfo_v2(size_t *ret_free, size_t *ret_total)
{
	REQUIRE_CONTEXT();
	*ret_free = FAKE_CUDA_MEMORY_BYTES - current->allocated;
	*ret_total = FAKE_CUDA_MEMORY_BYTES;
	return CUDA_SUCCESS;
}

cuda_result cuMemAlloc_v2(cuda_address *ret_address, size_t bytes)
{
	void *memory;

	REQUIRE_CONTEXT();
	if (bytes == 0)
		return CUDA_ERROR_INVALID_VALUE;
	if (bytes > FAKE_CUDA_MEMORY_BYTES - current->allocated)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memset(memory, 0xa5, bytes < 65536 ? bytes : 65536); /* what another program left there */
	pthread_mutex_lock(&lock);
	range_add(memories, COUNT_OF(memories), (uintptr_t)memory, bytes);
	current->allocated += bytes;
	pthread_mutex_unlock(&lock);
	*ret_address = (uintptr_t)memory | MEMORY_MARK;
	count_objects(1);
	return CUDA_SUCCESS;
}

cuda_result cuMemFree_v2(cuda_address address)
{
	struct range *range, freed = {0};

	REQUIRE_CONTEXT();
	pthread_mutex_lock(&lock);
	range = range_find(memories, COUNT_OF(memories), address & ~MEMORY_MARK, 1);
	if (range && range->begin == (address & ~MEMORY_MARK)) {
		freed = *range;
		*range = (struct range){0};
		freed.context->allocated -= freed.size;
	}
	pthread_mutex_unlock(&lock);
	if (!freed.size || freed.context != current)
		violation(__func__, "no allocation of this context");
	munmap((void *)freed.begin, freed.size);
	count_objects(-1);
	return CUDA_SUCCESS;
}

cuda_result cuMemHostRegister_v2(void *bytes, size_t size, unsigned flags)
{
	REQUIRE_CONTEXT();
	if ((uintptr_t)bytes % 4096 || size == 0 ||
		flags != (CUDA_HOST_REGISTER_PORTABLE | CUDA_HOST_REGISTER_DEVICEMAP))
		violation(__func__, "alignment, size or flags");
	pthread_mutex_lock(&lock);
	range_add(registrations, COUNT_OF(registrations), (uintptr_t)bytes, size);
	pthread_mutex_unlock(&lock);
	count_objects(1);
	return CUDA_SUCCESS;
}

cuda_result cuMemHostUnregister(void *bytes)
{
	struct range *range;

	REQUIRE_CONTEXT();
	pthread_mutex_lock(&lock);
	range = range_find(registrations, COUNT_OF(registrations), (uintptr_t)bytes, 1);
	if (range)
		*range = (struct range){0};
	pthread_mutex_unlock(&lock);
	if (!range)
		violation(__func__, "not registered");
	count_objects(-1);
	return CUDA_SUCCESS;
}

cuda_result cuMemHostGetDevicePointer_v2(cuda_address *ret_address, void *bytes, unsigned flags)
{
	REQUIRE_CONTEXT();
	*ret_address = (uintptr_t)bytes | REGISTERED_MARK;
	if (flags || !resolve(*ret_address, 1))
		violation(__func__, "not registered");
	return CUDA_SUCCESS;
}

cuda_result cuMemcpyHtoDAsync_v2(
	cuda_address to, const void *from, size_t bytes, cuda_stream stream)
{
	uint8_t *target = resolve(to, bytes);

	REQUIRE_CONTEXT();
	if (!stream || stream->context != current || !(to & MEMORY_MARK) || !target ||
		!resolve((uintptr_t)from | REGISTERED_MARK, bytes))
		violation(__func__, "stream, address or size");
	memcpy(target, from, bytes);
	return CUDA_SUCCESS;
}

cuda_result cuMemcpyDtoHAsync_v2(void *to, cuda_address from, size_t bytes, cuda_stream stream)
{
	const uint8_t *source = resolve(from, bytes);

	REQUIRE_CONTEXT();
	if (!stream || stream->context != current || !(from & MEMORY_MARK) || !source ||
		!resolve((uintptr_t)to | REGISTERED_MARK, bytes))
		violation(__func__, "stream, address or size");
	memcpy(to, source, bytes);
	return CUDA_SUCCESS;
}

cuda_result cuMemsetD32Async(cuda_address to, unsigned word, size_t count, cuda_stream stream)
{
	uint8_t *target = resolve(to, count * 4);

	REQUIRE_CONTEXT();
	if (stream || word || to % 4 || !target)
		violation(__func__, "stream, word, address or size");
	/* All that is not zero already; a real memset would touch every page of a large region. */
	memset(target, 0, count * 4 < 65536 ? count * 4 : 65536);
	return CUDA_SUCCESS;
}

cuda_result cuStreamCreate(cuda_stream *ret_stream, unsigned flags)
{
	REQUIRE_CONTEXT();
	if (flags != CUDA_STREAM_NON_BLOCKING)
		violation(__func__, "flags");
	*ret_stream = calloc(1, sizeof(**ret_stream));
	(*ret_stream)->context = current;
	count_objects(1);
	return CUDA_SUCCESS;
}

cuda_result cuStreamDestroy_v2(cuda_stream stream)
{
	count_objects(-1);
	free(stream);
	REQUIRE_CONTEXT();
	return CUDA_SUCCESS;
}

cuda_result cuStreamQuery(cuda_stream stream)
{
	REQUIRE_CONTEXT();
	if (stream->context != current)
		violation(__func__, "another context's stream");
	return CUDA_SUCCESS;
}

cuda_result cuStreamSynchronize(cuda_stream stream)
{
	REQUIRE_CONTEXT();
	if (stream && stream->context != current)
		violation(__func__, "another context's stream");
	return CUDA_SUCCESS;
}

cuda_result cuLaunchKernel(cuda_function function, unsigned grid_x, unsigned grid_y,
	unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,
	unsigned shared_bytes, cuda_stream stream, void **arguments, void **extra)
{
	const struct kernel_params *params = arguments[4];
	const unsigned tiles = params->segment_count * params->tiles_per_segment;
	const unsigned sweep_groups = fake_cuda.tensor_loaded ? 4 : fake_cuda.tables_loaded ? 2 : 0;
	const bool sweeps = function->kernel <= KERNEL_REFRESH && sweep_groups;
	const cuda_address addresses[] = {*(cuda_address *)arguments[0],
		*(cuda_address *)arguments[1], *(cuda_address *)arguments[2],
		*(cuda_address *)arguments[3]};
	uint8_t *bytes[4];

	REQUIRE_CONTEXT();
	if (stream->context != current)
		violation(__func__, "another context's stream");
	/* Sweeps with tensor cores or tables deal the tiles out among the groups, of four warps,
	 * that run at once: four or two on each of the 16 multiprocessors. */
	if (sweeps ? grid_x < 1 || grid_x > 16 * sweep_groups || block_x != 128
		   : grid_x != tiles || block_x != KERNEL_LANES)
		violation(__func__, "shape");
	if (grid_y != 1 || grid_z != 1 || block_y != 1 || block_z != 1 || extra ||
		!function->loaded || shared_bytes > (unsigned)function->most_dynamic_bytes)
		violation(__func__, "shape");
	for (int i = 0; i < 4; i++) {
		bytes[i] = resolve(addresses[i], 1);
		if ((!bytes[i] && !(i == 3 && !addresses[i])) ||
			(addresses[i] && (addresses[i] & MEMORY_MARK) == 0 && i < 2) ||
			(addresses[i] & MEMORY_MARK && i >= 2))
			violation(__func__, "address");
	}
	fake_cuda.held++;
	while (fake_cuda.hold_launches)
		sched_yield();
	fake_cuda.held--;
	if (fake_cuda.launch_result != CUDA_SUCCESS)
		return fake_cuda.launch_result;
	fake_cuda.launches++;
	fake_cuda.shared_bytes = shared_bytes;
	if (fake_cuda.break_at_launch && --fake_cuda.break_at_launch == 0) {
		current->dead = true;
		return CUDA_SUCCESS;
	}
	kernel_native_run_scalar(function->kernel, 0, tiles, bytes[0], (uint32_t *)bytes[1],
		bytes[2], bytes[3], params);
	return CUDA_SUCCESS;
}
