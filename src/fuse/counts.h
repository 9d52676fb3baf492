/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_COUNTS_H
#define VRAMFS_FUSE_COUNTS_H

#include "fuse/protocol.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

/* How many threads can count without getting into each other's way; must be a power of 2. */
#define FUSE_COUNT_SHARES 16

/* How many requests of each kind there were. Zeroed memory is a valid state. */
struct fuse_counts {
	struct {
		_Atomic uint64_t of[FUSE_OPCODES]; /* 0: of unknown opcodes */
		char apart[64];                    /* so that no two shares are in one cache line */
	} shares[FUSE_COUNT_SHARES];
};

/* Count one. THREAD is any number; best if each thread has its own. */
void fuse_count(struct fuse_counts *counts, unsigned thread, uint32_t opcode);

/* "READ", ...; "OTHER" for those that are not in the protocol. */
const char *fuse_opcode_name(uint32_t opcode);

/* A line "total N" and, for each opcode that came, its name and the number. */
void fuse_counts_show(struct fuse_counts *counts, FILE *out);

#endif
