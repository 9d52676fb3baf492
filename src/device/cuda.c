/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * NVIDIA GPUs, through CUDA's driver API.
 *
 * Each device uses its primary context, the one that other CUDA code in the process would share.
 * A context has to be current in the thread that calls; every thread remembers which device it made
 * current last, so on the I/O path that costs a comparison.
 *
 * Pinned memory is ordinary anonymous memory that is registered with the driver, not memory that
 * the driver allocates: it is page-aligned whatever its size, the kernel's FUSE code can read and
 * write it like any other, and it can be kept out of child processes.
 *
 * Kernels read and write pinned memory directly. A launch (cuda-launch.c) takes no event and no
 * callback: the kernel itself writes the word that its caller waits for, and the driver is asked
 * only now and then whether the stream still lives.
 */
#include "device/cuda-device.h"
#include "device/kernel-names.h"
#include "base/pause.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static const struct cuda_driver *driver_of(const struct device *device)
{
	return ((const struct cuda_device *)device)->driver;
}

/* The device whose context is current in this thread. A number and not a pointer: a device opened
 * later may get the address of one that was closed. */
static _Thread_local uint64_t current_identity;

int cuda_bind(const struct cuda_device *device)
{
	int err;

	if (current_identity == device->identity)
		return 0;
	err = cuda_check(device->driver, device->driver->context_set_current(device->context),
		"cuCtxSetCurrent");
	if (!err)
		current_identity = device->identity;
	return err;
}

static unsigned attribute(
	const struct cuda_driver *driver, cuda_device_id id, enum cuda_attribute which)
{
	int value = 0;

	if (driver->device_get_attribute(&value, which, id) != CUDA_SUCCESS || value < 0)
		return 0;
	return (unsigned)value;
}

static void format_uuid(
	const struct cuda_driver *driver, cuda_device_id id, char *text, size_t size)
{
	uint8_t u[16];
	cuda_result result = CUDA_ERROR_NOT_FOUND;

	/* The second version tells the slices of a partitioned GPU apart. */
	if (driver->device_get_uuid_v2)
		result = driver->device_get_uuid_v2(u, id);
	else if (driver->device_get_uuid)
		result = driver->device_get_uuid(u, id);
	if (result != CUDA_SUCCESS)
		return;
	snprintf(text, size,
		"GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0],
		u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13],
		u[14], u[15]);
}

static void format_driver(const struct cuda_driver *driver, char *text, size_t size)
{
	char version[80];
	int cuda = 0;

	if (!cuda_driver_version(version, sizeof(version)))
		version[0] = '\0';
	if (driver->driver_get_version(&cuda) != CUDA_SUCCESS)
		cuda = 0;
	snprintf(text, size, "NVIDIA%s%s, CUDA %d.%d", version[0] ? " " : "", version, cuda / 1000,
		cuda % 1000 / 10);
}

static void describe(const struct cuda_driver *driver, struct device_info *info)
{
	struct why why;
	cuda_device_id id;
	size_t total = 0;
	cuda_result result = driver->device_get(&id, (int)info->number);

	if (result == CUDA_SUCCESS)
		result = driver->device_get_name(info->name, sizeof(info->name), id);
	if (result == CUDA_SUCCESS)
		result = driver->device_total_memory(&total, id);
	if (result != CUDA_SUCCESS) {
		info->unusable_err = cuda_fail(driver, result, NULL, &why);
		snprintf(info->unusable, sizeof(info->unusable), "%.255s", why.text);
		return;
	}
	format_uuid(driver, id, info->uuid, sizeof(info->uuid));
	if (driver->device_get_pci_bus_id(info->pci, sizeof(info->pci), id) != CUDA_SUCCESS)
		info->pci[0] = '\0';
	format_driver(driver, info->driver, sizeof(info->driver));
	info->memory_bytes = total;
	info->free_bytes = total;
	(void)cuda_free_bytes(info->pci, &info->free_bytes);
	info->processors = attribute(driver, id, CUDA_ATTRIBUTE_MULTIPROCESSOR_COUNT);
	info->copy_engines = attribute(driver, id, CUDA_ATTRIBUTE_ASYNC_ENGINE_COUNT);
	info->capability = attribute(driver, id, CUDA_ATTRIBUTE_CAPABILITY_MAJOR) * 10 +
			   attribute(driver, id, CUDA_ATTRIBUTE_CAPABILITY_MINOR);
	info->unified = attribute(driver, id, CUDA_ATTRIBUTE_INTEGRATED) != 0;
	info->gpu = true;
	if (attribute(driver, id, CUDA_ATTRIBUTE_COMPUTE_MODE) == CUDA_COMPUTE_MODE_PROHIBITED) {
		info->unusable_err = -ENODEV;
		snprintf(info->unusable, sizeof(info->unusable),
			"its compute mode is Prohibited: run 'nvidia-smi -i %u -c DEFAULT' as root",
			info->number);
	}
}

static void cuda_enumerate(struct device_info_list *list)
{
	const struct cuda_driver *driver;
	struct device_info *info;
	struct why why;
	int count = 0;
	int err = cuda_driver_get(&driver, &why);

	if (!err) {
		cuda_result result = driver->device_get_count(&count);

		if (result == CUDA_SUCCESS && count < 1)
			result = CUDA_ERROR_NO_DEVICE;
		if (result != CUDA_SUCCESS)
			err = cuda_fail(driver, result, NULL, &why);
	}
	if (err) {
		info = device_info_list_add(list);
		info->kind = DEVICE_CUDA;
		info->unusable_err = err;
		snprintf(info->unusable, sizeof(info->unusable), "%.255s", why.text);
		return;
	}
	for (int number = 0; number < count; number++) {
		info = device_info_list_add(list);
		info->kind = DEVICE_CUDA;
		info->number = (unsigned)number;
		describe(driver, info);
	}
}

/* Have the driver compile DEVICE->variant for the very device; it keeps the result in its cache on
 * disk. The first line of what it says against it goes to LOG, "" if nothing. */
static cuda_result compile_kernels(struct cuda_device *device, char *log, size_t log_bytes)
{
	enum cuda_jit_option options[] = {
		CUDA_JIT_ERROR_LOG_BUFFER, CUDA_JIT_ERROR_LOG_BUFFER_BYTES};
	void *values[] = {log, (void *)log_bytes};
	cuda_result result;

	log[0] = '\0';
	result = device->driver->module_load(
		&device->module, device->variant->ptx, 2, options, values);
	if (result == CUDA_SUCCESS)
		return result;
	log[log_bytes - 1] = '\0';
	log_debug("cuda: compiling the kernels '%s': error %d %s", device->variant->name, result,
		log);
	log[strcspn(log, "\n")] = '\0';
	return result;
}

static int load_kernels(
	struct cuda_device *device, const char *kernels, const char *subject, struct why *why)
{
	const struct cuda_driver *driver = device->driver;
	const unsigned capability = device->base.info.capability;
	const char *wanted = kernels ? kernels : getenv(CUDA_VARIANT_VARIABLE);
	const bool is_wanted = wanted && wanted[0];
	const struct cuda_variant *next;
	char log[2048];
	cuda_result result;
	int err = cuda_variant_choose(capability, wanted, &device->variant, why);

	if (err)
		return err;
	/* A driver that is older than the form of PTX can do without it. But what is to be measured
	 * or tested must not quietly be something else. */
	while ((result = compile_kernels(device, log, sizeof(log))) ==
			CUDA_ERROR_UNSUPPORTED_PTX_VERSION &&
		!is_wanted && (next = cuda_variant_next(device->variant, capability)))
		device->variant = next;
	if (result != CUDA_SUCCESS && log[0])
		return why_fail(why, EIO,
			"%s: the driver can't compile the kernels: %.200s; update the NVIDIA "
			"driver, or report this",
			subject, log);
	if (result != CUDA_SUCCESS)
		return cuda_fail(driver, result, subject, why);
	log_debug("cuda: the kernels are '%s'", device->variant->name);
	for (int i = 0; i < KERNEL_COUNT; i++) {
		result = driver->module_get_function(
			&device->kernels[i], device->module, kernel_names[i]);
		/* Newer drivers load a kernel when it is first launched, which would fail where the
		 * region has taken all memory. */
		if (result == CUDA_SUCCESS && driver->function_load)
			result = driver->function_load(device->kernels[i]);
		if (result != CUDA_SUCCESS)
			return cuda_fail(driver, result, kernel_names[i], why);
		device->groups_at_once[i] = device->base.info.processors *
					    cuda_variant_groups(device->variant, (enum kernel)i,
						    driver, device->kernels[i]);
	}
	cuda_turns_init(device);
	device_info_name_kernels(&device->base.info, device->variant->name);
	return 0;
}

static void cuda_close(struct device *base)
{
	struct cuda_device *device = cuda_device(base);

	if (device->context) {
		if (device->module && !cuda_bind(device))
			device->driver->module_unload(device->module);
		device->driver->context_release(device->id);
		/* The released context must not stay current. */
		if (current_identity == device->identity) {
			device->driver->context_set_current(NULL);
			current_identity = 0;
		}
	}
	free(device);
}

static int cuda_open(const struct device_info *info, const char *kernels,
	struct device **ret_device, struct why *why)
{
	static _Atomic uint64_t last_identity;
	const struct cuda_driver *driver;
	struct cuda_device *device;
	char subject[32];
	cuda_result result;
	int err = cuda_driver_get(&driver, why);

	if (err)
		return err;
	device = calloc(1, sizeof(*device));
	if (!device)
		return why_fail(why, ENOMEM, "out of host memory");
	device->base.backend = &cuda_backend;
	device->base.info = *info;
	device->driver = driver;
	device->identity = atomic_fetch_add(&last_identity, 1) + 1;
	cuda_launch_init(device);
	snprintf(subject, sizeof(subject), "cuda:%u", info->number);

	result = driver->device_get(&device->id, (int)info->number);
	if (result == CUDA_SUCCESS) {
		/* Refused where other code in the process made the context first: so be it. */
		(void)!cuda_check(driver,
			driver->context_set_flags(device->id, CUDA_CONTEXT_BLOCKING_SYNC),
			"cuDevicePrimaryCtxSetFlags");
		result = driver->context_retain(&device->context, device->id);
		if (result != CUDA_SUCCESS)
			device->context = NULL;
	}
	if (result == CUDA_SUCCESS)
		result = driver->context_set_current(device->context);
	if (result == CUDA_SUCCESS) {
		current_identity = device->identity;
		err = load_kernels(device, kernels, subject, why);
	} else {
		err = cuda_fail(driver, result, subject, why);
	}
	if (err) {
		cuda_close(&device->base);
		return err;
	}
	*ret_device = &device->base;
	return 0;
}

static int cuda_free_memory(struct device *base, uint64_t *ret_bytes)
{
	const struct cuda_driver *driver = driver_of(base);
	size_t free_bytes, total;
	int err = cuda_bind(cuda_device(base));

	if (!err)
		err = cuda_check(
			driver, driver->memory_get_info(&free_bytes, &total), "cuMemGetInfo");
	if (!err)
		*ret_bytes = free_bytes;
	return err;
}

static int cuda_memory_alloc(
	struct device *base, uint64_t bytes, struct device_memory **ret_memory, struct why *why)
{
	const struct cuda_driver *driver = driver_of(base);
	const uint64_t words = bytes / 4 + (bytes % 4 != 0);
	CLEANUP(free_p) struct cuda_memory *memory = calloc(1, sizeof(*memory));
	int err;

	(void)why;
	if (!memory || words > SIZE_MAX / 4)
		return -ENOMEM;
	err = cuda_bind(cuda_device(base));
	if (err)
		return err;
	err = cuda_check(driver, driver->memory_alloc(&memory->address, words * 4), "cuMemAlloc");
	if (err)
		return err;
	err = cuda_check(
		driver, driver->fill_words(memory->address, 0, words, NULL), "cuMemsetD32Async");
	if (!err)
		err = cuda_check(driver, driver->stream_synchronize(NULL), "cuStreamSynchronize");
	if (err) {
		driver->memory_free(memory->address);
		return err;
	}
	memory->base.device = base;
	memory->base.bytes = bytes;
	*ret_memory = &steal(&memory)->base;
	return 0;
}

static void cuda_memory_free(struct device_memory *base)
{
	struct cuda_memory *memory = (struct cuda_memory *)base;
	const struct cuda_driver *driver = driver_of(base->device);

	if (!cuda_bind(cuda_device(base->device)))
		(void)!cuda_check(driver, driver->memory_free(memory->address), "cuMemFree");
	free(memory);
}

static int cuda_pinned_alloc(struct device_pinned *pinned)
{
	const struct cuda_driver *driver = driver_of(pinned->device);
	cuda_address address;
	void *bytes;
	int err = cuda_bind(cuda_device(pinned->device));

	if (err)
		return err;
	bytes = mmap(
		NULL, pinned->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		return -ENOMEM;
	/* A child that shared these pages would make the kernel copy them, one by one, away from
	 * under the device. */
	madvise(bytes, pinned->size, MADV_DONTFORK);
	err = cuda_check(driver,
		driver->host_register(bytes, pinned->size,
			CUDA_HOST_REGISTER_PORTABLE | CUDA_HOST_REGISTER_DEVICEMAP),
		"cuMemHostRegister");
	if (err)
		goto unmap;
	err = cuda_check(driver, driver->host_get_device_address(&address, bytes, 0),
		"cuMemHostGetDevicePointer");
	if (err)
		goto unregister;
	pinned->bytes = bytes;
	pinned->handle = (void *)(uintptr_t)address;
	return 0;

unregister:
	driver->host_unregister(bytes);
unmap:
	munmap(bytes, pinned->size);
	return err;
}

static void cuda_pinned_free(struct device_pinned *pinned)
{
	const struct cuda_driver *driver = driver_of(pinned->device);

	if (!cuda_bind(cuda_device(pinned->device)))
		(void)!cuda_check(
			driver, driver->host_unregister(pinned->bytes), "cuMemHostUnregister");
	munmap(pinned->bytes, pinned->size);
}

static int cuda_queue_new(struct device *base, struct device_queue **ret_queue)
{
	const struct cuda_driver *driver = driver_of(base);
	CLEANUP(free_p) struct cuda_queue *queue = calloc(1, sizeof(*queue));
	int err;

	if (!queue)
		return -ENOMEM;
	err = cuda_bind(cuda_device(base));
	if (err)
		return err;
	err = cuda_check(driver, driver->stream_create(&queue->stream, CUDA_STREAM_NON_BLOCKING),
		"cuStreamCreate");
	if (err)
		return err;
	queue->base.device = base;
	*ret_queue = &steal(&queue)->base;
	return 0;
}

static void cuda_queue_free(struct device_queue *base)
{
	struct cuda_queue *queue = cuda_queue(base);
	const struct cuda_driver *driver = driver_of(base->device);

	if (!cuda_bind(cuda_device(base->device))) {
		/* Destroying a stream does not wait for it, and its kernels write to memory that
		 * the caller may free next. */
		(void)!cuda_check(
			driver, driver->stream_synchronize(queue->stream), "cuStreamSynchronize");
		(void)!cuda_check(driver, driver->stream_destroy(queue->stream), "cuStreamDestroy");
	}
	free(queue);
}

int cuda_io_check(const struct cuda_driver *driver, cuda_result result, const char *call)
{
	return cuda_check(driver, result, call) ? -EIO : 0;
}

static int cuda_queue_check(struct device_queue *base)
{
	const struct cuda_driver *driver = driver_of(base->device);
	cuda_result result;

	if (cuda_bind(cuda_device(base->device)))
		return -EIO;
	result = driver->stream_query(cuda_queue(base)->stream);
	if (result == CUDA_SUCCESS || result == CUDA_ERROR_NOT_READY)
		return 0;
	return cuda_io_check(driver, result, "cuStreamQuery");
}

/* A small job takes about 8 us, so a waiter spins for a few of those before it gives way. */
static void cuda_relax(struct device_queue *base, const uint32_t *done, unsigned spins)
{
	static const struct timespec nap = {.tv_nsec = 20000};

	(void)done;
	if (cuda_launch_waiting(base->device))
		return;
	if (spins < 2000)
		processor_pause();
	else if (spins < 2200)
		sched_yield();
	else
		nanosleep(&nap, NULL);
}

static int cuda_copy_in(struct device_queue *base, struct device_memory *to, uint64_t to_offset,
	const struct device_pinned *from, size_t from_offset, size_t bytes)
{
	const struct cuda_driver *driver = driver_of(base->device);
	const cuda_address target = ((struct cuda_memory *)to)->address + to_offset;

	if (cuda_bind(cuda_device(base->device)))
		return -EIO;
	return cuda_io_check(driver,
		driver->copy_in(target, from->bytes + from_offset, bytes, cuda_queue(base)->stream),
		"cuMemcpyHtoDAsync");
}

static int cuda_copy_out(struct device_queue *base, struct device_pinned *to, size_t to_offset,
	const struct device_memory *from, uint64_t from_offset, size_t bytes)
{
	const struct cuda_driver *driver = driver_of(base->device);
	const cuda_address source = ((const struct cuda_memory *)from)->address + from_offset;

	if (cuda_bind(cuda_device(base->device)))
		return -EIO;
	return cuda_io_check(driver,
		driver->copy_out(to->bytes + to_offset, source, bytes, cuda_queue(base)->stream),
		"cuMemcpyDtoHAsync");
}

static int cuda_queue_wait(struct device_queue *base)
{
	const struct cuda_driver *driver = driver_of(base->device);

	if (cuda_bind(cuda_device(base->device)))
		return -EIO;
	return cuda_io_check(driver, driver->stream_synchronize(cuda_queue(base)->stream),
		"cuStreamSynchronize");
}

const struct device_backend cuda_backend = {
	.kind = DEVICE_CUDA,
	.enumerate = cuda_enumerate,
	.open = cuda_open,
	.close = cuda_close,
	.free_bytes = cuda_free_memory,
	.memory_alloc = cuda_memory_alloc,
	.memory_free = cuda_memory_free,
	.pinned_alloc = cuda_pinned_alloc,
	.pinned_free = cuda_pinned_free,
	.queue_new = cuda_queue_new,
	.queue_free = cuda_queue_free,
	.launch = cuda_launch,
	.hold_launches = cuda_hold_launches,
	.help = cuda_launch_waiting,
	.check = cuda_queue_check,
	.relax = cuda_relax,
	.copy_in = cuda_copy_in,
	.copy_out = cuda_copy_out,
	.queue_wait = cuda_queue_wait,
};
