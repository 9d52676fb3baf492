/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Which OpenCL devices there are, what they are like and which of them can run the kernels.
 *
 * Devices are numbered over all platforms, in the order in which the loader gives them, usable or
 * not, so that a number means the same as long as no driver is installed or removed.
 */
#include "device/opencl-device.h"
#include "device/system.h"

#include "base/size.h"

#include <CL/cl_ext.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PLATFORMS 16u
#define MOST_DEVICES 64u /* of one platform */
#define DEVICE_TYPES (CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR | CL_DEVICE_TYPE_CPU)
#define LOCAL_BYTES_NEEDED 16384u /* a group's tile and its bookkeeping */

/* For tests on devices that give all in one buffer. */
#define SLAB_VARIABLE "VRAMFS_OPENCL_SLAB"

/* Vendors' own queries, for what OpenCL itself doesn't tell. */
#define NV_PCI_BUS_ID 0x4008
#define NV_PCI_SLOT_ID 0x4009
#define NV_PCI_DOMAIN_ID 0x400A
#define NV_COPY_ENGINES 0x4007
#define AMD_TOPOLOGY 0x4037
#define AMD_TOPOLOGY_IS_PCIE 1u
#define AMD_FREE_MEMORY 0x4039

struct amd_topology {
	cl_uint type;
	cl_char unused[17];
	cl_char bus;
	cl_char device;
	cl_char function;
};

struct devices {
	cl_device_id ids[MOST_PLATFORMS * MOST_DEVICES];
	cl_platform_id platforms[MOST_PLATFORMS * MOST_DEVICES]; /* of ids[i] */
	unsigned count;
	cl_int error; /* why there are none */
};

static void devices_find(const struct opencl_driver *driver, struct devices *devices)
{
	cl_platform_id platforms[MOST_PLATFORMS];
	cl_uint platform_count = 0;

	devices->count = 0;
	devices->error = driver->clGetPlatformIDs(MOST_PLATFORMS, platforms, &platform_count);
	if (devices->error != CL_SUCCESS)
		return;
	if (platform_count == 0)
		devices->error = CL_DEVICE_NOT_FOUND;
	if (platform_count > MOST_PLATFORMS)
		platform_count = MOST_PLATFORMS;
	for (cl_uint i = 0; i < platform_count; i++) {
		cl_uint count = 0;
		cl_int error = driver->clGetDeviceIDs(platforms[i], DEVICE_TYPES, MOST_DEVICES,
			devices->ids + devices->count, &count);

		if (error != CL_SUCCESS) {
			devices->error = error;
			continue;
		}
		if (count > MOST_DEVICES)
			count = MOST_DEVICES;
		while (count--)
			devices->platforms[devices->count++] = platforms[i];
	}
}

/* A number that OpenCL gives in one of several widths; 0 where it doesn't. */
static uint64_t number(const struct opencl_driver *driver, cl_device_id id, cl_device_info what)
{
	union {
		cl_uint narrow;
		cl_ulong wide;
	} value = {.wide = 0};
	size_t size = 0;

	if (driver->clGetDeviceInfo(id, what, sizeof(value), &value, &size) != CL_SUCCESS)
		return 0;
	return size == sizeof(value.wide) ? value.wide : value.narrow;
}

/* A text that OpenCL gives; "" where it doesn't, or has a longer one. */
static void text(const struct opencl_driver *driver, cl_device_id id, cl_device_info what,
	char *buffer, size_t size)
{
	if (driver->clGetDeviceInfo(id, what, size, buffer, NULL) != CL_SUCCESS)
		buffer[0] = '\0';
	buffer[size - 1] = '\0';
}

static void describe_uuid(const struct opencl_driver *driver, cl_device_id id,
	const char *extensions, struct device_info *info)
{
	cl_uchar u[CL_UUID_SIZE_KHR];

	if (!strstr(extensions, "cl_khr_device_uuid") ||
		driver->clGetDeviceInfo(id, CL_DEVICE_UUID_KHR, sizeof(u), u, NULL) != CL_SUCCESS)
		return;
	snprintf(info->uuid, sizeof(info->uuid),
		"GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0],
		u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13],
		u[14], u[15]);
}

static void describe_pci(const struct opencl_driver *driver, cl_device_id id,
	const char *extensions, struct device_info *info)
{
	unsigned domain = 0, bus, device, function;

	if (strstr(extensions, "cl_khr_pci_bus_info")) {
		cl_device_pci_bus_info_khr pci;

		if (driver->clGetDeviceInfo(
			    id, CL_DEVICE_PCI_BUS_INFO_KHR, sizeof(pci), &pci, NULL) != CL_SUCCESS)
			return;
		domain = pci.pci_domain;
		bus = pci.pci_bus;
		device = pci.pci_device;
		function = pci.pci_function;
	} else if (strstr(extensions, "cl_nv_device_attribute_query")) {
		unsigned slot = (unsigned)number(driver, id, NV_PCI_SLOT_ID);

		domain = (unsigned)number(driver, id, NV_PCI_DOMAIN_ID);
		bus = (unsigned)number(driver, id, NV_PCI_BUS_ID);
		device = slot >> 3;
		function = slot & 7;
	} else if (strstr(extensions, "cl_amd_device_attribute_query")) {
		struct amd_topology pci;

		if (driver->clGetDeviceInfo(id, AMD_TOPOLOGY, sizeof(pci), &pci, NULL) !=
				CL_SUCCESS ||
			pci.type != AMD_TOPOLOGY_IS_PCIE)
			return;
		bus = (cl_uchar)pci.bus;
		device = (cl_uchar)pci.device;
		function = (cl_uchar)pci.function;
	} else {
		return;
	}
	snprintf(info->pci, sizeof(info->pci), "%04x:%02x:%02x.%x", domain, bus, device, function);
}

static void describe_usability(
	const struct opencl_driver *driver, cl_device_id id, struct device_info *info)
{
	size_t items[8] = {0};
	char version[128];
	unsigned major = 0, minor = 0;
	char *reason = info->unusable;
	const size_t size = sizeof(info->unusable);

	text(driver, id, CL_DEVICE_VERSION, version, sizeof(version));
	if (sscanf(version, "OpenCL %u.%u", &major, &minor) != 2)
		major = 0;
	(void)driver->clGetDeviceInfo(
		id, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof(items), items, NULL);
	if (!number(driver, id, CL_DEVICE_AVAILABLE))
		snprintf(reason, size, "its driver says that it is not available");
	else if (major * 10 + minor < 12)
		snprintf(reason, size, "it has OpenCL %u.%u and 1.2 is needed: update its driver",
			major, minor);
	else if (!number(driver, id, CL_DEVICE_COMPILER_AVAILABLE))
		snprintf(reason, size,
			"its driver has no compiler: install the driver's full package");
	else if (!number(driver, id, CL_DEVICE_ENDIAN_LITTLE))
		snprintf(reason, size, "it is big-endian: use another device");
	else if (number(driver, id, CL_DEVICE_MAX_WORK_GROUP_SIZE) < KERNEL_LANES ||
		 items[0] < KERNEL_LANES)
		snprintf(reason, size,
			"its work-groups have fewer than %u work-items: use another device",
			KERNEL_LANES);
	else if (number(driver, id, CL_DEVICE_LOCAL_MEM_SIZE) < LOCAL_BYTES_NEEDED)
		snprintf(reason, size,
			"it has less than %u KiB of local memory: use another device",
			LOCAL_BYTES_NEEDED / 1024);
	info->unusable_err = reason[0] ? -ENODEV : 0;
}

int opencl_find_limits(const struct opencl_driver *driver, cl_device_id id,
	struct opencl_limits *ret_limits, struct why *why)
{
	const char *wanted = getenv(SLAB_VARIABLE);
	uint64_t bytes = number(driver, id, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
	struct size_spec spec;

	if (bytes < KERNEL_BLOCK_BYTES) /* the driver doesn't tell */
		bytes = UINT64_MAX;
	if (wanted && wanted[0]) {
		if (size_parse(wanted, &spec, NULL) < 0 || spec.kind != SIZE_BYTES ||
			spec.bytes < KERNEL_BLOCK_BYTES)
			return why_fail(why, EINVAL,
				SLAB_VARIABLE " is '%s': it must be a size of at least %lluK, see "
					      "vramfs(1)",
				wanted, KERNEL_BLOCK_BYTES / KIB);
		if (spec.bytes < bytes)
			bytes = spec.bytes;
	}
	ret_limits->buffer_bytes = bytes;
	ret_limits->slab_bytes = 1ull << (63 - __builtin_clzll(bytes));
	return 0;
}

/* How much can be had at once, unless the device can't be used for another reason already. */
static void describe_limits(
	const struct opencl_driver *driver, cl_device_id id, struct device_info *info)
{
	struct opencl_limits limits;
	struct why why;

	if (info->unusable_err)
		return;
	info->unusable_err = opencl_find_limits(driver, id, &limits, &why);
	if (info->unusable_err)
		snprintf(info->unusable, sizeof(info->unusable), "%.255s", why.text);
	else if (limits.slab_bytes <= info->memory_bytes / OPENCL_MOST_SLABS)
		info->largest_alloc_bytes = limits.slab_bytes * OPENCL_MOST_SLABS;
}

uint64_t opencl_device_free_bytes(const struct opencl_driver *driver, cl_device_id id,
	const struct device_info *info, uint64_t allocated_bytes)
{
	uint64_t free_bytes =
		info->memory_bytes > allocated_bytes ? info->memory_bytes - allocated_bytes : 0;
	size_t kib[2] = {0}; /* all there is, and the largest piece */

	if (driver->clGetDeviceInfo(id, AMD_FREE_MEMORY, sizeof(kib), kib, NULL) == CL_SUCCESS &&
		kib[0] * 1024ull < free_bytes)
		free_bytes = kib[0] * 1024ull;
	if (info->unified && system_memory_available() < free_bytes)
		free_bytes = system_memory_available();
	return free_bytes;
}

static void describe(const struct opencl_driver *driver, cl_platform_id platform, cl_device_id id,
	struct device_info *info)
{
	char extensions[8192], platform_name[64] = "", version[48];
	cl_device_type type = (cl_device_type)number(driver, id, CL_DEVICE_TYPE);

	text(driver, id, CL_DEVICE_NAME, info->name, sizeof(info->name));
	if (!info->name[0])
		snprintf(info->name, sizeof(info->name), "an OpenCL device");
	(void)driver->clGetPlatformInfo(
		platform, CL_PLATFORM_NAME, sizeof(platform_name) - 1, platform_name, NULL);
	text(driver, id, CL_DRIVER_VERSION, version, sizeof(version));
	snprintf(info->driver, sizeof(info->driver), "%s %s", platform_name, version);
	info->memory_bytes = number(driver, id, CL_DEVICE_GLOBAL_MEM_SIZE);
	info->processors = (unsigned)number(driver, id, CL_DEVICE_MAX_COMPUTE_UNITS);
	info->unified = number(driver, id, CL_DEVICE_HOST_UNIFIED_MEMORY) != 0;
	info->gpu = (type & CL_DEVICE_TYPE_GPU) != 0;
	info->free_bytes = opencl_device_free_bytes(driver, id, info, 0);
	text(driver, id, CL_DEVICE_EXTENSIONS, extensions, sizeof(extensions));
	if (strstr(extensions, "cl_nv_device_attribute_query"))
		info->copy_engines = (unsigned)number(driver, id, NV_COPY_ENGINES);
	describe_uuid(driver, id, extensions, info);
	describe_pci(driver, id, extensions, info);
	describe_usability(driver, id, info);
	describe_limits(driver, id, info);
}

void opencl_enumerate(struct device_info_list *list)
{
	const struct opencl_driver *driver;
	struct devices devices;
	struct why why;
	int err = opencl_driver_get(&driver, &why);

	if (!err) {
		devices_find(driver, &devices);
		if (devices.count == 0)
			err = why_fail(&why, ENODEV,
				"no OpenCL driver offers a device (%s): install the OpenCL driver of "
				"the device, and check that you may open /dev/dri/renderD*",
				opencl_error_name(devices.error));
	}
	if (err) {
		struct device_info *info = device_info_list_add(list);

		info->kind = DEVICE_OPENCL;
		info->unusable_err = err;
		snprintf(info->unusable, sizeof(info->unusable), "%.255s", why.text);
		return;
	}
	for (unsigned i = 0; i < devices.count; i++) {
		struct device_info *info = device_info_list_add(list);

		info->kind = DEVICE_OPENCL;
		info->number = i;
		describe(driver, devices.platforms[i], devices.ids[i], info);
	}
}

int opencl_find(const struct opencl_driver *driver, unsigned wanted, cl_device_id *ret_id)
{
	struct devices devices;

	devices_find(driver, &devices);
	if (wanted >= devices.count)
		return -ENODEV;
	*ret_id = devices.ids[wanted];
	return 0;
}
