/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_DEVICE_BACKEND_H
#define VRAMFS_DEVICE_BACKEND_H

#include "device/device.h"

/*
 * What a kind of device must be able to do. Each backend is one const table of these functions;
 * device.c picks the table, checks arguments and calls through it. Every object of device.h is the
 * first member of the backend's own, so a backend casts what it gets back.
 */
struct device_info_list;

struct device_backend {
	enum device_kind kind;

	/* Append what this kind has to LIST (device.c grows it). Never fails: a driver that is
	 * missing or broken is one entry with `unusable` filled. Must not keep device memory. */
	void (*enumerate)(struct device_info_list *list);

	/* Open device INFO->number. device.c has filled INFO from enumerate. Kernels ready to
	 * launch when it returns: those called KERNELS, or the best if that is NULL. */
	err_t (*open)(const struct device_info *info, const char *kernels,
		struct device **ret_device, struct why *why);
	void (*close)(struct device *device);

	err_t (*free_bytes)(struct device *device, uint64_t *ret_bytes);

	/* Zeroed. What it leaves of an empty WHY is filled by device.c, which can say as much of
	 * a lack of memory. */
	err_t (*memory_alloc)(struct device *device, uint64_t bytes,
		struct device_memory **ret_memory, struct why *why);
	void (*memory_free)(struct device_memory *memory);

	/* PINNED->size is set; fill bytes and handle. */
	err_t (*pinned_alloc)(struct device_pinned *pinned);
	void (*pinned_free)(struct device_pinned *pinned);

	err_t (*queue_new)(struct device *device, struct device_queue **ret_queue);
	void (*queue_free)(struct device_queue *queue);

	/* As device_launch(). The grid is segment_count x tiles_per_segment groups; beyond that the
	 * backend looks at the parameters only for what it must stage. */
	err_t (*launch)(struct device_queue *queue, const struct device_launch *launch);

	/* As device_hold_launches(). NULL: there is nothing to gain. */
	void (*hold_launches)(struct device *device, bool hold);

	/* Called now and then while a word that somebody polls is 0: 0 while the queue is well or
	 * can't be asked, -EIO once no launch on it will change its word any more. */
	err_t (*check)(struct device_queue *queue);

	/* As device_help(). NULL: never any. */
	bool (*help)(struct device *device);

	/* Let other threads run, or help the device, until DONE may have changed; may return early.
	 * SPINS counts the calls of this wait from 0. */
	void (*relax)(struct device_queue *queue, const uint32_t *done, unsigned spins);

	err_t (*copy_in)(struct device_queue *queue, struct device_memory *to, uint64_t to_offset,
		const struct device_pinned *from, size_t from_offset, size_t bytes);
	err_t (*copy_out)(struct device_queue *queue, struct device_pinned *to, size_t to_offset,
		const struct device_memory *from, uint64_t from_offset, size_t bytes);
	err_t (*queue_wait)(struct device_queue *queue);
};

/* First members of the backends' own structs. */
struct device {
	const struct device_backend *backend;
	struct device_info info;
	_Atomic unsigned launches_to_fail; /* device_fail_launches() */
};

struct device_memory {
	struct device *device;
	uint64_t bytes;
};

struct device_queue {
	struct device *device;
	/* For device_poll(): how often it found nothing, and when it last asked check(). Not exact
	 * where several threads poll one queue, and need not be. */
	_Atomic unsigned polls;
	_Atomic uint64_t checked_ns;
};

struct device_info_list {
	struct device_info *items;
	size_t count;
	size_t capacity;
};

/* Append a zeroed entry and return it; aborts only when host memory is exhausted. */
struct device_info *device_info_list_add(struct device_info_list *list);

/* Say behind the driver's version that the kernels have the form NAME. */
void device_info_name_kernels(struct device_info *info, const char *name);

const struct device_backend *device_backend(enum device_kind kind);

/* Where the segments of LAUNCH are in host memory; NULL if it is of whole blocks. */
const struct kernel_segment *device_launch_segments(const struct device_launch *launch);

/* The device that SELECTOR names, without opening it: see device_open(). Kinds that the selector
 * rules out are not even looked at. */
err_t device_select(const char *selector, struct device_info *ret_info, struct why *why);

extern const struct device_backend cuda_backend;
extern const struct device_backend opencl_backend;
extern const struct device_backend host_backend;

#endif
