/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Counters of requests, for users who want to know what the kernel asks of the filesystem and what
 * it answers from its own caches, and for the tests that hold it to that.
 */
#include "fuse/counts.h"

#include <inttypes.h>

#define NAME(opcode) [FUSE_##opcode] = #opcode

static const char *const names[FUSE_OPCODES] = {
	[0] = "OTHER",
	NAME(LOOKUP),
	NAME(FORGET),
	NAME(GETATTR),
	NAME(SETATTR),
	NAME(READLINK),
	NAME(SYMLINK),
	NAME(MKNOD),
	NAME(MKDIR),
	NAME(UNLINK),
	NAME(RMDIR),
	NAME(RENAME),
	NAME(LINK),
	NAME(OPEN),
	NAME(READ),
	NAME(WRITE),
	NAME(STATFS),
	NAME(RELEASE),
	NAME(FSYNC),
	NAME(SETXATTR),
	NAME(GETXATTR),
	NAME(LISTXATTR),
	NAME(REMOVEXATTR),
	NAME(FLUSH),
	NAME(INIT),
	NAME(OPENDIR),
	NAME(READDIR),
	NAME(RELEASEDIR),
	NAME(FSYNCDIR),
	NAME(ACCESS),
	NAME(CREATE),
	NAME(INTERRUPT),
	NAME(DESTROY),
	NAME(IOCTL),
	NAME(POLL),
	NAME(BATCH_FORGET),
	NAME(FALLOCATE),
	NAME(READDIRPLUS),
	NAME(RENAME2),
	NAME(LSEEK),
	NAME(COPY_FILE_RANGE),
	NAME(SYNCFS),
	NAME(TMPFILE),
	NAME(STATX),
	NAME(COPY_FILE_RANGE_64),
};

static uint32_t kind_of(uint32_t opcode)
{
	return opcode < FUSE_OPCODES && names[opcode] ? opcode : 0;
}

void fuse_count(struct fuse_counts *counts, unsigned thread, uint32_t opcode)
{
	atomic_fetch_add_explicit(&counts->shares[thread % FUSE_COUNT_SHARES].of[kind_of(opcode)],
		1, memory_order_relaxed);
}

const char *fuse_opcode_name(uint32_t opcode)
{
	return names[kind_of(opcode)];
}

static uint64_t sum_of(struct fuse_counts *counts, uint32_t kind)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < FUSE_COUNT_SHARES; i++)
		sum += atomic_load_explicit(&counts->shares[i].of[kind], memory_order_relaxed);
	return sum;
}

void fuse_counts_show(struct fuse_counts *counts, FILE *out)
{
	uint64_t sums[FUSE_OPCODES], total = 0;

	for (uint32_t kind = 0; kind < FUSE_OPCODES; kind++)
		total += sums[kind] = sum_of(counts, kind);
	fprintf(out, "total %" PRIu64 "\n", total);
	for (uint32_t kind = 0; kind < FUSE_OPCODES; kind++)
		if (sums[kind])
			fprintf(out, "%s %" PRIu64 "\n", names[kind], sums[kind]);
}
