/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_KERNELS_WARP_EMULATOR_H
#define VRAMFS_TESTS_KERNELS_WARP_EMULATOR_H

#include <stdint.h>

/*
 * Runs code that was written for CUDA's threads on this machine's processors, so that what warps do
 * together can be tested, and watched by the address sanitizer, where there is no GPU.
 *
 * Source that includes kernels/dialect.h is compiled for it by having emulated-cuda/ in front of
 * src/ on the include path: the dialect there takes the place of the real one and declares the
 * builtins below.
 *
 * A program that a GPU would run with undefined results is ended by abort(), after a line on stderr
 * that says what it did: some lanes of a warp call one builtin and some another, or have ended,
 * while the rest waits; a mask names other lanes than all 32; or threads wait for each other.
 *
 * The threads of a group take turns, in another order from group to group: what depends on the
 * order, because a barrier is missing, gives different results in some.
 */
#define WARP_EMULATOR_MOST_THREADS 256u

struct warp_emulator_launch {
	void (*thread)(void *argument); /* what each thread runs */
	void *argument;
	uint32_t threads; /* of a group: a multiple of 32, at most WARP_EMULATOR_MOST_THREADS */
	uint32_t groups;  /* of the launch */
};

/*
 * Run groups FIRST_GROUP..FIRST_GROUP+COUNT-1 of LAUNCH, one after the other, to their end. May be
 * called from several threads at once. Memory that the threads of a group share must be
 * _Thread_local: they all run in the calling thread.
 */
void warp_emulator_run(
	const struct warp_emulator_launch *launch, uint32_t first_group, uint32_t count);

/* The builtins, under the names that clang has for them when it compiles CUDA. */
int __nvvm_read_ptx_sreg_tid_x(void);
int __nvvm_read_ptx_sreg_ntid_x(void);
int __nvvm_read_ptx_sreg_ctaid_x(void);
int __nvvm_read_ptx_sreg_nctaid_x(void);

void __syncthreads(void);
void __nvvm_bar_warp_sync(unsigned mask);
void __nvvm_membar_sys(void);

unsigned __nvvm_vote_ballot_sync(unsigned mask, _Bool condition);
_Bool __nvvm_vote_any_sync(unsigned mask, _Bool condition);
_Bool __nvvm_vote_all_sync(unsigned mask, _Bool condition);

/* CLAMP as the PTX instruction has it: 31 for idx, bfly and down, 0 for up, and in its upper half
 * the bits of a lane that name its part of the warp where that is dealt out in parts. */
int __nvvm_shfl_sync_idx_i32(unsigned mask, int value, int lane, int clamp);
int __nvvm_shfl_sync_bfly_i32(unsigned mask, int value, int lane_mask, int clamp);
int __nvvm_shfl_sync_down_i32(unsigned mask, int value, int delta, int clamp);
int __nvvm_shfl_sync_up_i32(unsigned mask, int value, int delta, int clamp);

int __nvvm_atom_add_gen_i(int *address, int value);
int __nvvm_atom_xchg_gen_i(int *address, int value);

#endif
