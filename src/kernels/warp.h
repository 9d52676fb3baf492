/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_WARP_H
#define VRAMFS_KERNELS_WARP_H

#include "kernels/dialect.h"

/*
 * CUDA only: what the 32 threads of a warp do together. Every function here must be called by the
 * whole warp.
 */
#define WARP_LANES 32u
#define WARP_ALL 0xffffffffu

FUNCTION uint32_t warp_lane(void)
{
	return (uint32_t)__nvvm_read_ptx_sreg_tid_x() % WARP_LANES;
}

/* A bit for each lane: its CONDITION. */
FUNCTION uint32_t warp_ballot(bool condition)
{
	return __nvvm_vote_ballot_sync(WARP_ALL, condition);
}

/* What lanes wrote to memory before, all lanes of the warp see after. */
FUNCTION void warp_barrier(void)
{
	__nvvm_bar_warp_sync(WARP_ALL);
}

#endif
