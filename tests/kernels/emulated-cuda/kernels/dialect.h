/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_DIALECT_H
#define VRAMFS_KERNELS_DIALECT_H

/*
 * Takes the place of src/kernels/dialect.h for source that is compiled for the warp emulator: what
 * stands there for CUDA, in C. Groups have the shape and the memory that they have on a GPU.
 */
#include "kernels/abi.h" /* before VRAMFS_DEVICE_CODE, so that host code has it, too */

#include "warp-emulator.h"

#include <stdbool.h>
#include <stddef.h>

#define VRAMFS_DEVICE_CODE 1

#define GLOBAL
#define LOCAL
/* All threads of a group run in one thread of ours, groups in several. */
#define LOCAL_VARIABLE(type, name) static _Thread_local type name __attribute__((aligned(16)))
#define CONSTANT static const
#define TABLE static const __attribute__((aligned(16)))
#define FUNCTION static inline
#define FUNCTION_APART static
#define KERNEL_LAUNCHED(name, ...) KERNEL(name)
#define KERNEL(name)                                                                    \
	static void vramfs_##name(uint8_t *region, uint32_t *scratch, uint8_t *control, \
		uint8_t *payload __attribute__((unused)), const struct kernel_params params)

#define PARAMETER(value) (value)
#define UNROLL
#define LANE ((uint32_t)__nvvm_read_ptx_sreg_tid_x())
#define LANES KERNEL_LANES
#define GROUP ((uint32_t)__nvvm_read_ptx_sreg_ctaid_x())
#define BARRIER() __syncthreads()

#define LOCAL_INCREMENT(pointer) __nvvm_atom_add_gen_i((int *)(pointer), 1)
#define GLOBAL_ADD(pointer, value) ((uint32_t)__nvvm_atom_add_gen_i((int *)(pointer), (int)(value)))
#define GLOBAL_TAKE(pointer) ((uint32_t)__nvvm_atom_xchg_gen_i((int *)(pointer), 0))
#define SYSTEM_FENCE() __nvvm_membar_sys()
#define PUBLISH(pointer, value) __atomic_store_n((pointer), (value), __ATOMIC_RELEASE)
#define REGION region
#define REGION_PARAMETER uint8_t *region
#define REGION_AT(offset) (region + (offset))
#define REGION_LOAD(pointer) __atomic_load_n((pointer), __ATOMIC_RELAXED)
#define REGION_STORE(pointer, value) __atomic_store_n((pointer), (value), __ATOMIC_RELAXED)

typedef uint64_t wide_t __attribute__((vector_size(16)));
#define WIDE_LOW(wide) ((wide)[0])
#define WIDE_HIGH(wide) ((wide)[1])
#define WIDE(low, high) ((wide_t){(low), (high)})
#define PREFETCH(pointer) ((void)(pointer))

#define FOR_EACH_LANE(i, begin, end) for (uint32_t i = (begin) + LANE; i < (end); i += LANES)

#endif
