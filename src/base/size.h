/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_BASE_SIZE_H
#define VRAMFS_BASE_SIZE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define KIB 1024ull
#define MIB (1024ull * KIB)
#define GIB (1024ull * MIB)

/* What a user asked for: a number of bytes, a share of what is there, or all that can be had. */
struct size_spec {
	enum { SIZE_BYTES, SIZE_PERCENT, SIZE_MAX_AVAILABLE } kind;
	uint64_t bytes;   /* SIZE_BYTES: > 0 */
	unsigned percent; /* SIZE_PERCENT: 1..100 */
};

/*
 * Parse "4096", "512M", "1.5G", "64GiB", "50%" or "max". K, M, G and T are powers of 1024, in
 * either case, with an optional "iB" or "B". Zero, negative and malformed sizes are -EINVAL, sizes
 * too large for 64 bits -ERANGE, with WHY saying what a size looks like.
 */
err_t size_parse(const char *text, struct size_spec *ret_spec, struct why *why);

/* Write BYTES for a person, as "512 B", "1.50 GiB", "128 KiB"; returns TEXT. SIZE is that of TEXT;
 * 32 is always enough. */
char *size_format(uint64_t bytes, char *text, size_t size);

#endif
