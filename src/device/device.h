/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_DEVICE_DEVICE_H
#define VRAMFS_DEVICE_DEVICE_H

#include "base/cleanup.h"
#include "base/err.h"
#include "kernels/abi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Devices that keep the bytes and run the kernels: a GPU through CUDA's driver API or OpenCL, or
 * this machine's own memory and processors ("host", for machines without a GPU, sanitizers and
 * fuzzing).
 *
 * Threads: a device, its memories and its queues may be used from any thread. Launches and copies
 * on one queue run in the order in which they were submitted, but for launches that say that they
 * need none; those on different queues run in any order and at the same time.
 *
 * A process must not fork() after opening a device. Opening the first one also lets a profiler
 * attach (base/trace.h), so whatever uses a device is traced; each launch is a range "launch
 * KERNEL".
 */
struct device;        /* an open device */
struct device_memory; /* memory on the device */
struct device_queue;  /* an in-order queue of work (a CUDA stream, an OpenCL command queue) */

enum device_kind { DEVICE_CUDA, DEVICE_OPENCL, DEVICE_HOST };

struct device_info {
	enum device_kind kind;
	unsigned number;              /* from 0 within its kind: "cuda:1" */
	char name[128];               /* as the driver gives it */
	char uuid[64];                /* "GPU-xxxxxxxx-xxxx-...", or "" */
	char pci[32];                 /* "0000:3b:00.0", or "" */
	char driver[128];             /* driver and its version; of an open device or the host
				       * also which form of the kernels */
	uint64_t memory_bytes;        /* all of it */
	uint64_t free_bytes;          /* now; equal to memory_bytes where the driver can't tell */
	unsigned processors;          /* multiprocessors, compute units or threads */
	unsigned copy_engines;        /* 0 where the driver can't tell */
	unsigned capability;          /* CUDA compute capability, major * 10 + minor; 0 elsewhere */
	uint64_t largest_alloc_bytes; /* the most that device_memory_alloc() gives; 0: all of it */
	bool unified;                 /* host and device share their memory */
	bool gpu;                     /* false: ordinary processors, the host's own among them */
	char unusable[256];           /* why it can't be used and what to do; "" if it can */
	int unusable_err; /* what opening it fails with, a negative errno; 0 if it can */
};

/* Pinned host memory: the device reads and writes it directly where it can. `bytes` is
 * page-aligned. */
struct device_pinned {
	uint8_t *bytes;
	size_t size;
	struct device *device;
	void *handle; /* the backend's */
};

const char *device_kind_name(enum device_kind kind); /* "cuda", "opencl", "host" */

/*
 * All devices of all kinds, usable or not, in the order of enum device_kind. A kind whose driver is
 * missing or broken gives one entry that says so in `unusable` (number 0, name ""). The caller
 * frees *ret_list.
 */
err_t device_list(struct device_info **ret_list, size_t *ret_count);

/*
 * Open the device that SELECTOR names:
 *
 *	auto, gpu		the first usable GPU: CUDA before OpenCL GPUs; never the host
 *	N			cuda:N, or, where there is no CUDA device, opencl:N
 *	cuda, opencl, host	the first usable device of the kind
 *	cuda:N, opencl:N, host:0
 *	GPU-xxxxxxxx...		a UUID or an unambiguous beginning of one
 *	[0000:]3b:00.0		a PCI address
 *
 * Kernels are loaded (and built, on OpenCL) here. -ENODEV no such device or driver, -EINVAL a
 * malformed or ambiguous selector, -EACCES no permission, -EBUSY another process has it for
 * itself, -EIO the driver or the kernel build failed; WHY says what to do.
 */
err_t device_open(const char *selector, struct device **ret_device, struct why *why);

/* The same with the form of the kernels that is called KERNELS in place of the best one, for
 * measuring; NULL: the best. -EINVAL if there is none of that name, -ENODEV if it does not run on
 * this device. */
err_t device_open_kernels(
	const char *selector, const char *kernels, struct device **ret_device, struct why *why);

/* Everything allocated from it must have been freed. NULL is allowed. */
void device_close(struct device *device);
DEFINE_CLEANUP(struct device *, device_close, device_close)

/* What device_list says of it; free_bytes is of the time of opening. */
const struct device_info *device_info(const struct device *device);

/* Memory on the device that is free now. */
err_t device_free_bytes(struct device *device, uint64_t *ret_bytes);

/* BYTES of device memory, zeroed. -ENOMEM if the device does not give so much. */
err_t device_memory_alloc(
	struct device *device, uint64_t bytes, struct device_memory **ret_memory, struct why *why);
void device_memory_free(struct device_memory *memory);
uint64_t device_memory_bytes(const struct device_memory *memory);

/* SIZE bytes of pinned host memory, zeroed, page-aligned. */
err_t device_pinned_alloc(struct device *device, size_t size, struct device_pinned **ret_pinned);
void device_pinned_free(struct device_pinned *pinned);

err_t device_queue_new(struct device *device, struct device_queue **ret_queue);
void device_queue_free(struct device_queue *queue);

/*
 * One launch. CONTROL and PAYLOAD are pinned memories of the same device (PAYLOAD may be NULL for
 * kernels that move none). payload_bytes is how many bytes from params.payload on the kernel may
 * touch; a device that can't reach host memory stages exactly those.
 */
struct device_launch {
	enum kernel kernel;
	struct kernel_params params;
	struct device_memory *region;
	struct device_memory *scratch; /* less than a block: that is in one piece everywhere */
	struct device_pinned *control;
	struct device_pinned *payload;
	size_t payload_bytes;
	/* It needs no order with others on its queue, so it may go to the device together with
	 * launches on other queues, and device_queue_wait() need not wait for it. */
	bool unordered;
};

/* The groups (segment_count x tiles_per_segment) of the largest launch in everyday use, but for
 * sweeps on GPUs: what a backend prepares for when it opens a device. Tests may launch more. */
#define DEVICE_LAUNCH_GROUPS 4224u

/*
 * Queue one launch and return at once. The report at params.report in CONTROL tells how it ended:
 * `done` becomes params.ticket when all that the kernel wrote can be read, or KERNEL_FAILED when
 * the launch failed on the device or was refused. An error returned here (-EINVAL wrong arguments,
 * -ENOMEM, -EIO) means that nothing was queued, or that it can't be known; `done` will not change
 * then. After KERNEL_FAILED the launch's scratch words are undefined: zero them before they are
 * used again.
 */
err_t device_launch(struct device_queue *queue, const struct device_launch *launch);

/*
 * Look once whether DONE, the word that a launch on QUEUE ends with, has changed from 0. Returns
 * its value: 0 not yet, else the ticket or KERNEL_FAILED. Costs a load; now and then it also asks
 * the driver whether the queue is still well, so a launch that died never keeps its caller waiting.
 */
uint32_t device_poll(struct device_queue *queue, const uint32_t *done);

/* As device_poll, but returns only when the word has changed. Spins briefly, then sleeps. */
uint32_t device_wait(struct device_queue *queue, const uint32_t *done);

/* Between HOLD true and false small launches of the calling thread may wait, to go to the device
 * together: for who has several to make before it waits for any. */
void device_hold_launches(struct device *device, bool hold);

/* Do a small piece of the work that DEVICE has under way and that this machine's processors do,
 * such as launching what waits. False: there is none to be done. */
bool device_help(struct device *device);

/* Queue a copy between pinned host memory and device memory by the copy engines. Complete after
 * device_queue_wait(). */
err_t device_copy_in(struct device_queue *queue, struct device_memory *to, uint64_t to_offset,
	const struct device_pinned *from, size_t from_offset, size_t bytes);
err_t device_copy_out(struct device_queue *queue, struct device_pinned *to, size_t to_offset,
	const struct device_memory *from, uint64_t from_offset, size_t bytes);

/* Sleep until everything queued has ended. -EIO if any of it failed. */
err_t device_queue_wait(struct device_queue *queue);

/* Test hook: the next COUNT launches on this device do only the first part of their work and end
 * with KERNEL_FAILED. (Their segment_count or tiles_per_segment is halved and their ticket is
 * KERNEL_FAILED.) */
void device_fail_launches(struct device *device, unsigned count);

#endif
