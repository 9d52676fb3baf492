/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_SLABS_H
#define VRAMFS_KERNELS_SLABS_H

/*
 * OpenCL only: a region that is larger than what the driver gives in one buffer is several, its
 * slabs. The program is then built with
 *
 *	REGION_SLABS		how many buffers a kernel gets for it: 2, 4, 8 or 16
 *	REGION_SLAB_SHIFT	the logarithm of the bytes in each but the last
 *
 * OpenCL C 1.2 has no buffers of pointers to buffers, so each slab is an argument of its own, and
 * everything that is handed the region is handed all of them. Slabs hold whole blocks. So a line, a
 * tile, and the parity of either lie in one slab, and an address is found once for each of them.
 */
#define SLABS_2(each) each(0), each(1)
#define SLABS_4(each) SLABS_2(each), each(2), each(3)
#define SLABS_8(each) SLABS_4(each), each(4), each(5), each(6), each(7)
#define SLABS_16(each) \
	SLABS_8(each), each(8), each(9), each(10), each(11), each(12), each(13), each(14), each(15)

/* As many of these as there are slabs, with commas between them. */
#define SLABS_COUNTED(count, each) SLABS_##count(each)
#define SLABS_EXPANDED(count, each) SLABS_COUNTED(count, each)
#define FOR_EACH_SLAB(each) SLABS_EXPANDED(REGION_SLABS, each)

#define SLAB_PARAMETER(i) __global uint8_t *slab##i
#define SLAB_ARGUMENT(i) slab##i
#define SLAB_CHOOSE(i) chosen = (slab == i ? slab##i : chosen)

#define REGION_PARAMETER FOR_EACH_SLAB(SLAB_PARAMETER)
#define REGION FOR_EACH_SLAB(SLAB_ARGUMENT)
#define REGION_AT(offset) slab_byte((offset), REGION)

/* The byte at OFFSET of the region. No array of the slabs, as an index that is not known when the
 * program is built would put that into slow memory. */
FUNCTION __global uint8_t *slab_byte(uint64_t offset, REGION_PARAMETER)
{
	uint32_t slab = (uint32_t)(offset >> REGION_SLAB_SHIFT);
	__global uint8_t *chosen = slab0;
	FOR_EACH_SLAB(SLAB_CHOOSE);
	return chosen + (offset & ((1ul << REGION_SLAB_SHIFT) - 1));
}

#endif
