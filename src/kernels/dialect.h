/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_DIALECT_H
#define VRAMFS_KERNELS_DIALECT_H

/*
 * The dialect that device code is written in: what OpenCL C 1.2, CUDA (as clang compiles it without
 * a toolkit) and C have in common, and one name for each thing that they spell differently.
 *
 *	KERNEL(name)        begins the definition of the entry point vramfs_<name>
 *	KERNEL_LAUNCHED     the same for groups of so many lanes, of which a multiprocessor has to
 *	                    hold so many; CUDA only
 *	GLOBAL, CONSTANT    pointers to device or pinned memory; tables at file scope
 *	TABLE               in front of a table whose entries lanes look up by index of their own;
 *	                    not in OpenCL C
 *	LOCAL               pointers to the memory that the lanes of a group share
 *	LOCAL_VARIABLE      declares such memory, at the top of an entry point (in CUDA also at file
 *	                    scope)
 *	FUNCTION            begins the definition of any other function
 *	FUNCTION_APART      the same, of one that stays a call, so that its callers need no
 *	                    registers for what they hardly ever do; not in OpenCL C
 *	REGION              the region as an argument; REGION_PARAMETER is it as a parameter, and
 *	                    REGION_AT(offset) the address of a byte of it. Only in what is written
 *	                    for OpenCL, too; elsewhere the region is a pointer called `region`
 *	GROUP               which group this is
 *	FOR_EACH_LANE       deals the numbers BEGIN..END-1 out to the lanes of the group
 *	wide_t              16 bytes that are loaded and stored at once; WIDE() makes one of two
 *	                    halves, WIDE_LOW() and WIDE_HIGH() are them
 *	BARRIER             waits for the group; what a lane wrote before it, all lanes see after it
 *
 * In C a group has a single lane, which takes all the numbers of each FOR_EACH_LANE, and BARRIER is
 * nothing. So between two such loops a value may be kept only in LOCAL memory, or in a variable
 * that is the same in every lane.
 *
 * All supported devices are little-endian, and the code relies on it.
 */

#if defined(__OPENCL_VERSION__)

#define VRAMFS_DEVICE_CODE 1
typedef uchar uint8_t;
typedef uint uint32_t;
typedef ulong uint64_t;
typedef ulong2 wide_t;

#include "kernels/abi.h"

#define UNROLL _Pragma("unroll")

#define WIDE_LOW(wide) ((wide).x)
#define WIDE_HIGH(wide) ((wide).y)
#define WIDE(low, high) ((ulong2)((low), (high)))

#define GLOBAL __global
#define LOCAL __local
#define LOCAL_VARIABLE(type, name) __local type name
#define CONSTANT __constant
#define FUNCTION static inline
#define KERNEL(name)                                                                     \
	__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void vramfs_##name(     \
		REGION_PARAMETER, __global uint32_t *scratch, __global uint8_t *control, \
		__global uint8_t *payload, const struct kernel_params params)

#if defined(REGION_IN_SLABS)
#include "kernels/slabs.h"
#endif

#define LANE ((uint32_t)get_local_id(0))
#define LANES KERNEL_LANES
#define GROUP ((uint32_t)get_group_id(0))
#define BARRIER() barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)

#define LOCAL_INCREMENT(pointer) atomic_inc((volatile __local uint32_t *)(pointer))
#define GLOBAL_ADD(pointer, value) atomic_add((volatile __global uint32_t *)(pointer), (value))
#define GLOBAL_TAKE(pointer) atomic_xchg((volatile __global uint32_t *)(pointer), 0)
#define SYSTEM_FENCE() mem_fence(CLK_GLOBAL_MEM_FENCE)
#define PUBLISH(pointer, value) (*(volatile __global uint32_t *)(pointer) = (value))

#elif defined(__CUDA__)

#define VRAMFS_DEVICE_CODE 1
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;

#include "kernels/abi.h"

#define GLOBAL
#define LOCAL
#define LOCAL_VARIABLE(type, name) static __attribute__((shared, aligned(16))) type name
#define CONSTANT static __attribute__((constant)) const
/* Neither static nor const, because those the compiler puts where only one lane at a time can look.
 */
#define TABLE __attribute__((device, aligned(128)))
#define FUNCTION static inline __attribute__((device, always_inline))
#define FUNCTION_APART static __attribute__((device, noinline))
#define KERNEL(name) KERNEL_LAUNCHED(name, 64)
#define KERNEL_LAUNCHED(name, ...)                                                         \
	extern "C" __attribute__((global, launch_bounds(__VA_ARGS__))) void vramfs_##name( \
		uint8_t *region, uint32_t *scratch, uint8_t *control, uint8_t *payload,    \
		const struct kernel_params params)

#define UNROLL _Pragma("unroll")
#define LANE ((uint32_t)__nvvm_read_ptx_sreg_tid_x())
#define LANES KERNEL_LANES
#define GROUP ((uint32_t)__nvvm_read_ptx_sreg_ctaid_x())
#define BARRIER() __syncthreads()

#define LOCAL_INCREMENT(pointer) __nvvm_atom_add_gen_i((int *)(pointer), 1)
#define GLOBAL_ADD(pointer, value) ((uint32_t)__nvvm_atom_add_gen_i((int *)(pointer), (int)(value)))
#define GLOBAL_TAKE(pointer) ((uint32_t)__nvvm_atom_xchg_gen_i((int *)(pointer), 0))
#define SYSTEM_FENCE() __nvvm_membar_sys()
#define PUBLISH(pointer, value) (*(volatile uint32_t *)(pointer) = (value))
#define PREFETCH(pointer) asm volatile("prefetch.global.L1 [%0];" : : "l"(pointer))

FUNCTION uint32_t settled(uint32_t value)
{
	asm("" : "+r"(value));
	return value;
}

FUNCTION uint64_t settled(uint64_t value)
{
	asm("" : "+l"(value));
	return value;
}

#define PARAMETER(value) settled(value)

#else /* C, for this machine's processors */

#include "kernels/abi.h"

#include <stdbool.h>
#include <stddef.h>

#define GLOBAL
#define LOCAL
#define LOCAL_VARIABLE(type, name) type name __attribute__((aligned(64))) /* as cache lines are */
#define CONSTANT static const
#define TABLE static const
#define FUNCTION static inline __attribute__((always_inline))
#define FUNCTION_APART static __attribute__((noinline))
#define KERNEL(name)                                                                         \
	static void vramfs_##name(uint8_t *region, uint32_t *scratch, uint8_t *control,      \
		uint8_t *payload __attribute__((unused)), const struct kernel_params params, \
		uint32_t group)

#define LANE 0u
#define LANES 1u
#define GROUP group
#define BARRIER() ((void)0)

/* Groups of one launch, and launches that read the same lines, run on several threads. */
#define LOCAL_INCREMENT(pointer) (++*(pointer))
#define GLOBAL_ADD(pointer, value) __atomic_fetch_add((pointer), (value), __ATOMIC_ACQ_REL)
#define GLOBAL_TAKE(pointer) __atomic_exchange_n((pointer), 0, __ATOMIC_ACQ_REL)
#define SYSTEM_FENCE() ((void)0)
#define PUBLISH(pointer, value) __atomic_store_n((pointer), (value), __ATOMIC_RELEASE)
#define REGION_LOAD(pointer) __atomic_load_n((pointer), __ATOMIC_RELAXED)
#define REGION_STORE(pointer, value) __atomic_store_n((pointer), (value), __ATOMIC_RELAXED)

#endif

#if !defined(__OPENCL_VERSION__)
typedef uint64_t wide_t __attribute__((vector_size(16)));
#define WIDE_LOW(wide) ((wide)[0])
#define WIDE_HIGH(wide) ((wide)[1])
#define WIDE(low, high) ((wide_t){(low), (high)})
#endif

#if !defined(REGION)
#define REGION region
#define REGION_PARAMETER GLOBAL uint8_t *region
#define REGION_AT(offset) (region + (offset))
#endif

/* Bytes of the region. Launches that only read a line may run at the same time, and each may find
 * and repair the same error, so these are atomic where the language asks for that. */
#if !defined(REGION_LOAD)
#define REGION_LOAD(pointer) (*(pointer))
#define REGION_STORE(pointer, value) (*(pointer) = (value))
#endif

/* A value of a kernel's parameters at an index that is not a constant. Where it may as well come
 * from elsewhere, the compiler for CUDA would take the address of one or the other first, and for
 * that give each lane a copy of all parameters in memory. */
#if !defined(PARAMETER)
#define PARAMETER(value) (value)
#endif

/* What will be loaded from there can begin to come. */
#if !defined(PREFETCH)
#define PREFETCH(pointer) ((void)(pointer))
#endif

/* In front of a loop that indexes a private array, which only unrolled loops can keep in registers.
 * Only one of the compilers has to be told. */
#if !defined(UNROLL)
#define UNROLL
#endif

#define FOR_EACH_LANE(i, begin, end) for (uint32_t i = (begin) + LANE; i < (end); i += LANES)

#endif
