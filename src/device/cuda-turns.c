/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Large jobs take turns at the bus. A few of them keep it busy. If all that are there shared it,
 * each would take as long as all together, all would end late and at one time, and while the host
 * then sees to what they brought, the bus would be idle. In turns the first ends early, its thread
 * goes on while the others move, and soon they come one after the other.
 *
 * The GPU itself sees to that: it starts groups in the order of their launches as long as there is
 * room for them, so a group of a large job takes more of a multiprocessor's shared memory than it
 * needs. Of small jobs, which are a matter of latency, as many run at a time as find room.
 */
#include "device/cuda-device.h"

/*
 * Groups of large jobs that run at a time: those of three jobs of 1 MiB. Measured on an H200 with
 * 16 threads that read (write) 1 MiB each and then work on it for 170 us, in GB/s: without a limit
 * 37 (32), with 6 jobs at a time 39 (33), with 3 41 (37), with 2 41 (35), with one 36 (31).
 */
#define GROUPS_AT_ONCE (3 * 8 * KERNEL_BLOCK_TILES)

#define STEP_BYTES 1024u

/* How many groups of KERNEL a multiprocessor holds if each takes BYTES more than it needs; 0 where
 * that can't be. */
static unsigned groups_with(const struct cuda_device *device, enum kernel kernel, unsigned bytes)
{
	const struct cuda_driver *driver = device->driver;
	int groups = 0;

	if (driver->function_set_attribute(device->kernels[kernel],
		    CUDA_FUNCTION_MAX_DYNAMIC_SHARED_BYTES, (int)bytes) != CUDA_SUCCESS ||
		driver->function_groups_at_once(
			&groups, device->kernels[kernel], KERNEL_LANES, bytes) != CUDA_SUCCESS ||
		groups < 0)
		return 0;
	return (unsigned)groups;
}

/* What a group has to take so that a multiprocessor with ROOM bytes holds GROUPS of them. */
static unsigned find_extra(
	const struct cuda_device *device, enum kernel kernel, unsigned room, unsigned groups)
{
	if (groups_with(device, kernel, 0) <= groups)
		return 0;
	for (unsigned bytes = room / groups / STEP_BYTES * STEP_BYTES; bytes; bytes -= STEP_BYTES)
		if (groups_with(device, kernel, bytes) >= groups)
			return bytes;
	return 0;
}

void cuda_turns_init(struct cuda_device *device)
{
	const struct cuda_driver *driver = device->driver;
	const unsigned processors = device->base.info.processors;
	int room = 0;

	if (!driver->function_set_attribute || !driver->function_groups_at_once || !processors ||
		driver->device_get_attribute(&room, CUDA_ATTRIBUTE_SHARED_BYTES_PER_MULTIPROCESSOR,
			device->id) != CUDA_SUCCESS)
		return;
	/* A multiprocessor divides its memory anew between this use and its cache only when nothing
	 * runs on it; so the same for all. Where it refuses, it takes longer. */
	for (int i = 0; i < KERNEL_COUNT; i++)
		(void)driver->function_set_attribute(
			device->kernels[i], CUDA_FUNCTION_SHARED_PERCENTAGE, 100);
	for (int i = 0; i < KERNEL_COUNT; i++)
		if (i == KERNEL_READ || i == KERNEL_WRITE)
			device->extra_bytes[i] = find_extra(device, (enum kernel)i, (unsigned)room,
				(GROUPS_AT_ONCE + processors - 1) / processors);
}

unsigned cuda_turns_bytes(const struct cuda_device *device, enum kernel kernel, unsigned tiles)
{
	return tiles > KERNEL_BLOCK_TILES ? device->extra_bytes[kernel] : 0;
}
