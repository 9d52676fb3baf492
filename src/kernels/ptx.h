/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_PTX_H
#define VRAMFS_KERNELS_PTX_H

#include "kernels/dialect.h"

/*
 * CUDA only: the instructions that the compiler has no builtin for, as the PTX ISA describes them.
 * Apart from the code that uses them, so that tests can emulate them.
 */
typedef uint32_t word2 __attribute__((vector_size(8)));
typedef uint32_t word4 __attribute__((vector_size(16)));

/* By the whole warp: COUNTS += the population counts of MATRIX AND the lines' words. For which
 * places see tensor.h. */
FUNCTION void ptx_multiply_add(
	uint32_t counts[4], word4 matrix, uint32_t first_word, uint32_t second_word)
{
	asm("mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc "
	    "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
		: "+r"(counts[0]), "+r"(counts[1]), "+r"(counts[2]), "+r"(counts[3])
		: "r"(matrix[0]), "r"(matrix[1]), "r"(matrix[2]), "r"(matrix[3]), "r"(first_word),
		"r"(second_word));
}

/* A place in the memory that the group shares, as the instructions for that have it. */
FUNCTION uint32_t ptx_shared_address(const void *place)
{
	uint32_t address;
	asm("{ .reg .u64 shared; cvta.to.shared.u64 shared, %1; cvt.u32.u64 %0, shared; }"
		: "=r"(address)
		: "l"(place));
	return address;
}

#if __CUDA_ARCH__ >= 800
/* Begin to copy 16 or 8 bytes of device memory to such an address, past the registers. */
FUNCTION void ptx_copy_16(uint32_t to, const uint8_t *from)
{
	asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" : : "r"(to), "l"(from) : "memory");
}

FUNCTION void ptx_copy_8(uint32_t to, const uint8_t *from)
{
	asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" : : "r"(to), "l"(from) : "memory");
}

/* As ptx_copy_16, and the other bytes of their 128 come as far as the second level's cache: an H200
 * verifies 11 % faster with that said. */
FUNCTION void ptx_copy_16_of_128(uint32_t to, const uint8_t *from)
{
	asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;"
		     :
		     : "r"(to), "l"(from)
		     : "memory");
}

/* The lane's copies since the last call are a lot, be it an empty one. */
FUNCTION void ptx_copies_commit(void)
{
	asm volatile("cp.async.commit_group;" : : : "memory");
}

/* Wait until all of the lane's lots but the last LEFT have been copied, which only the lane itself
 * then sees. LEFT is a constant. */
FUNCTION void ptx_copies_wait(const uint32_t left)
{
	asm volatile("cp.async.wait_group %0;" : : "n"(left) : "memory");
}
#else
/* GPUs before Ampere can't copy past the registers, and the lane that copies waits for the bytes
 * itself: other warps have to keep memory busy. */
FUNCTION void ptx_copy_16(uint32_t to, const uint8_t *from)
{
	asm volatile("{ .reg .u32 x, y, z, w; ld.global.cs.v4.u32 {x, y, z, w}, [%1]; "
		     "st.shared.v4.u32 [%0], {x, y, z, w}; }"
		     :
		     : "r"(to), "l"(from)
		     : "memory");
}

FUNCTION void ptx_copy_8(uint32_t to, const uint8_t *from)
{
	asm volatile("{ .reg .u32 x, y; ld.global.cs.v2.u32 {x, y}, [%1]; "
		     "st.shared.v2.u32 [%0], {x, y}; }"
		     :
		     : "r"(to), "l"(from)
		     : "memory");
}

FUNCTION void ptx_copies_commit(void)
{
}

FUNCTION void ptx_copies_wait(const uint32_t left)
{
	(void)left;
}
#endif

/* The 8 bytes that are OFFSET, a constant, behind such an address, and that do not change any more
 * once their address is known. */
FUNCTION word2 ptx_load_shared(uint32_t address, const uint32_t offset)
{
	uint32_t x, y;
	asm("ld.shared.v2.u32 {%0, %1}, [%2 + %3];" : "=r"(x), "=r"(y) : "r"(address), "n"(offset));
	word2 loaded = {x, y};
	return loaded;
}

/* Word ^= VALUE in device memory, without waiting for it. */
FUNCTION void ptx_flip(uint32_t *word, uint32_t value)
{
	asm volatile("red.global.xor.b32 [%0], %1;" : : "l"(word), "r"(value) : "memory");
}

#endif
