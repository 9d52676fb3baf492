/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_ABI_H
#define VRAMFS_KERNELS_ABI_H

/*
 * What host code and device code agree on: the kernels there are, the block of parameters each gets
 * and the words it reports back. Included by both, so it uses nothing but fixed-size integers,
 * whose names come from the dialect (device code) or from <stdint.h> (host code).
 *
 * Every kernel has one signature,
 *
 *	kernel(region, scratch, control, payload, parameters)
 *
 *	region   device memory: [block 0]..[block N-1][parity 0]..[parity N-1]; OpenCL may have it
 *	         in several buffers (slabs.h)
 *	scratch  device memory: KERNEL_SCRATCH_WORDS 32-bit words a job slot, zero between launches
 *	control  pinned host memory: segments and the report of the job
 *	payload  pinned host memory: the bytes that KERNEL_READ writes and KERNEL_WRITE reads
 *
 * and runs as segment_count x tiles_per_segment groups of KERNEL_LANES lanes. Group g works on tile
 * g % tiles_per_segment of segment g / tiles_per_segment; a tile is KERNEL_TILE_LINES consecutive
 * lines of one block, counted from the tile in which the segment begins (at zero_from, for the
 * kernels that look at it). A group whose tile lies behind the end of its segment (zero_to, for the
 * same kernels) does nothing but count itself as finished.
 */
#if !defined(VRAMFS_DEVICE_CODE)
#include <stdint.h>
#endif

#define KERNEL_LINE_BYTES 128u     /* a line in the region, whichever the code */
#define KERNEL_BLOCK_LINES 1024u   /* lines in a block */
#define KERNEL_BLOCK_BYTES 131072u /* bytes a block takes in the front part of the region */
#define KERNEL_PARITY_BYTES 8u     /* parity bytes of a line */
#define KERNEL_LANES 64u           /* lanes (threads, work-items) in a group on a GPU */
#define KERNEL_TILE_LINES 64u      /* lines that a group works on */
#define KERNEL_BLOCK_TILES 16u     /* tiles in a block */
#define KERNEL_SCRATCH_WORDS 16u

#if !defined(VRAMFS_DEVICE_CODE) /* where "kernel" is a keyword */
/* Which kernel. The names of the entry points are "vramfs_encode", "vramfs_verify", ... in this
 * order. Kernels above the rule serve files; those below it serve tests and measurements. READ to
 * COPY move bytes of files; all others can sweep over whole blocks. */
enum kernel {
	KERNEL_ENCODE,  /* make the parity of whole lines */
	KERNEL_VERIFY,  /* count the lines that are no codewords; changes nothing */
	KERNEL_CORRECT, /* repair data and parity of the lines that are no codewords */
	KERNEL_REFRESH, /* verify and correct, then write the parity of every line anew, in one pass
			 */
	KERNEL_READ,    /* region to payload: check, correct (also in the region), copy */
	KERNEL_WRITE,   /* payload to region: check and merge partial lines, copy, encode */
	KERNEL_FILL,    /* as KERNEL_WRITE, with params.pattern for every byte: no payload */
	KERNEL_COPY, /* whole lines from byte segment.source_first of block segment.source to byte
		      * segment.first of segment.block, check and correct, copy with the parity;
		      * the two stretches of a segment have no line in common */
	/* ------------------------------------------------------------------------------------- */
	KERNEL_RANDOMIZE, /* write data that only params.seed and the place determine; no parity */
	KERNEL_COMPARE,   /* count the lines whose data are not what KERNEL_RANDOMIZE wrote */
	KERNEL_INJECT,    /* flip bits in params.inject_errors distinct bytes of each codeword, data
			   * and    parity alike, in one line of params.inject_every on average */
	KERNEL_STREAM,    /* read and write what another kernel would, as params.stream says, and
			   * compute next to nothing; of whole blocks only */
	KERNEL_COUNT
};
#endif

/*
 * KERNEL_STREAM reads every line; what else it does, params.stream says:
 *
 *	STREAM_READ_PARITY	read the parity of every line, too
 *	STREAM_WRITE_PARITY	write it
 *	STREAM_WRITE_LINE	write every line; not together with the others where the parity is
 *				in the line
 *
 * Without a code the first two do nothing. What is written depends on all that was read, so that
 * nothing can be left out. The fold of line i of 8 is the XOR of the words of 8 data bytes in the
 * 16-byte pieces i, i + 8, i + 16, ... of the 64 that the 8 have, and of the line's parity if that
 * is read: so lanes side by side, one for each line, take pieces side by side.
 * Written are the fold as the line's parity and the complement of the line; and the lines whose
 * fold is zero are counted as flagged.
 */
#define STREAM_READ_PARITY 1u
#define STREAM_WRITE_PARITY 2u
#define STREAM_WRITE_LINE 4u
#define STREAM_FOLDED 8u /* lines whose folds come from the same pieces */

/* A run of bytes in the payload space of one block: byte 0 is the first data byte of the block's
 * first line, and a line has params.data_per_line of them. A writer loads and checks old bytes of
 * the lines that zero_from and zero_to cut, and of no others. 32 bytes. */
struct kernel_segment {
	uint32_t block;        /* which block */
	uint32_t first;        /* first byte */
	uint32_t count;        /* bytes; first + count <= data_per_line * KERNEL_BLOCK_LINES */
	uint32_t zero_to;      /* KERNEL_WRITE, KERNEL_FILL: bytes first + count..zero_to - 1 become
				* zero; equal to first + count where nothing is to be zeroed */
	uint32_t payload;      /* where its bytes are, counted from params.payload */
	uint32_t zero_from;    /* KERNEL_WRITE, KERNEL_FILL: bytes zero_from..first - 1 become zero;
				* equal to first where nothing is to be zeroed */
	uint32_t source;       /* KERNEL_COPY: the block to copy from, */
	uint32_t source_first; /* and the first byte of it */
};

/* So many segments can be handed over with the parameters, so that no group need fetch them from
 * host memory: as many as a 1 MiB request of whole blocks, cut at both ends, has. */
#define KERNEL_FEW 10u

/* One of several jobs that are launched together, each with one of params.few: what it has in place
 * of the members of struct kernel_params of the same names. 24 bytes. */
struct kernel_job {
	uint64_t payload;
	uint64_t report;
	uint32_t scratch;
	uint32_t ticket;
};

/* 648 bytes, the same in C, OpenCL C and CUDA: 64-bit members first, no padding. */
struct kernel_params {
	uint64_t parity_base;   /* byte in the region of line 0's parity */
	uint64_t segments;      /* byte in control of the first segment, or KERNEL_WHOLE_BLOCKS,
				 * KERNEL_FEW_SEGMENTS or KERNEL_FEW_JOBS */
	uint64_t report;        /* byte in control of the report */
	uint64_t payload;       /* byte in payload of the job's payload */
	uint64_t seed;          /* KERNEL_RANDOMIZE, KERNEL_COMPARE, KERNEL_INJECT */
	uint32_t parity_pitch;  /* bytes from one line's parity to the next's; 0: no code (ecc none)
				 */
	uint32_t data_per_line; /* 128 or 120 */
	uint32_t max_correct;   /* 0..4 errors a line are corrected */
	uint32_t segment_count;
	uint32_t tiles_per_segment; /* 1..KERNEL_BLOCK_TILES */
	uint32_t first_block; /* with KERNEL_WHOLE_BLOCKS: segment i is all of block first_block + i
			       */
	uint32_t scratch;     /* first word in scratch of this launch's words */
	uint32_t ticket;      /* what report.done becomes; never 0 or KERNEL_FAILED */
	uint32_t pattern;     /* KERNEL_FILL: the byte, 0..255 */
	uint32_t inject_errors;                /* KERNEL_INJECT: 1..8 bytes a line */
	uint32_t inject_every;                 /* KERNEL_INJECT: >= 1; 1 is every line */
	uint32_t stream;                       /* KERNEL_STREAM: STREAM_... */
	struct kernel_segment few[KERNEL_FEW]; /* with KERNEL_FEW_SEGMENTS and KERNEL_FEW_JOBS */
	struct kernel_job jobs[KERNEL_FEW];    /* with KERNEL_FEW_JOBS */
};

#define KERNEL_WHOLE_BLOCKS 0xffffffffffffffffull
#define KERNEL_FEW_SEGMENTS 0xfffffffffffffffeull
/* KERNEL_READ and KERNEL_WRITE, not over OpenCL: each segment is a job of its own, which reports
 * when its own groups have finished. Its offsets may lead, modulo 2^64, to any pinned memory. */
#define KERNEL_FEW_JOBS 0xfffffffffffffffdull

/* 64 bytes. The device writes `done` last, when everything else that the launch wrote to host
 * memory can be seen there; the host zeroes the report before the launch. */
struct kernel_report {
	uint32_t done;    /* params.ticket, or KERNEL_FAILED (written by the backend) */
	uint32_t flagged; /* lines that were no codewords (KERNEL_COMPARE: that differ;
			   * KERNEL_INJECT: that were hit; KERNEL_STREAM: see above) */
	uint32_t
		corrected[5]; /* [w]: lines in which w bytes were corrected, w = 1..4; [0] unused */
	uint32_t lost;        /* lines that could not be corrected */
	uint32_t reserved[8];
};

#define KERNEL_FAILED 0xffffffffu

#endif
