/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_SLABS_H
#define VRAMFS_KERNELS_SLABS_H

/*
 * OpenCL only: a region that is larger than what the driver gives in one buffer is several, its
 * slabs, all but the last of 2^slab_shift bytes. Kernels for such regions are a program of their
 * own, built with REGION_IN_SLABS.
 *
 * OpenCL C 1.2 has no buffers of pointers to buffers, so each slab is an argument of its own, and
 * everything that is handed the region is handed all of them. Slabs hold whole blocks. So a line, a
 * tile, and the parity of either lie in one slab, and an address is found once for each of them.
 */
#define FOR_EACH_SLAB(each)                                                                       \
	each(0), each(1), each(2), each(3), each(4), each(5), each(6), each(7), each(8), each(9), \
		each(10), each(11), each(12), each(13), each(14), each(15)

#define SLAB_PARAMETER(i) __global uint8_t *slab##i
#define SLAB_ARGUMENT(i) slab##i
#define SLAB_CHOOSE(i) chosen = (slab == i ? slab##i : chosen)

#define REGION_PARAMETER uint32_t slab_shift, FOR_EACH_SLAB(SLAB_PARAMETER)
#define REGION slab_shift, FOR_EACH_SLAB(SLAB_ARGUMENT)
#define REGION_AT(offset) slab_byte((offset), REGION)

/* The byte at OFFSET of the region. No array of the slabs, as an index that is not known when the
 * program is built would put that into slow memory. */
FUNCTION __global uint8_t *slab_byte(uint64_t offset, REGION_PARAMETER)
{
	uint32_t slab = (uint32_t)(offset >> slab_shift);
	__global uint8_t *chosen = slab0;
	FOR_EACH_SLAB(SLAB_CHOOSE);
	return chosen + (offset & ((1ul << slab_shift) - 1));
}

#endif
