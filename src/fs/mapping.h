/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_MAPPING_H
#define VRAMFS_FS_MAPPING_H

#include "fs/fragments.h"
#include "fs/slab.h"

#include <stdbool.h>

/*
 * Where one stretch of a file, as long as a block, has its bytes. The stretch is cut into fragments
 * as a block is, and each of them may have a fragment of a block, any fragment of any block.
 *
 * Fragments of a file are allocated (there is one on the device that is the file's) and written (it
 * holds the file's bytes), and none is written that is not allocated. All bytes of a written
 * fragment are initialised, and those behind the end of the file are zero. What is not written
 * reads as zeros, and the device is never asked for it.
 *
 * Sets of fragments are 32 bits. A mapping is a value of 8 bytes; a zeroed one is a hole. Only
 * mapping.c looks inside. Functions that change a mapping make one of the old value, which is not
 * to be used any more. Whoever holds the lock of the file's inode may call them; none allocates or
 * waits for the device.
 */
struct mapping {
	uint32_t detail;
	uint32_t block : 26;
	int shift : 6;
};

/* What mappings take fragments from. */
struct space {
	struct fragments *fragments;
	struct fragment_geometry geometry;
	uint32_t all;         /* the set of a whole block */
	struct slab scatters; /* see mapping.c */
};

/* -ENOMEM, -EOVERFLOW (as fragments_new()). */
err_t space_init(struct space *space, struct store *store);
/* A zeroed one is allowed. */
void space_done(struct space *space);

bool mapping_is_hole(struct mapping mapping); /* nothing is allocated */
uint32_t mapping_allocated(const struct space *space, struct mapping mapping);
uint32_t mapping_written(const struct space *space, struct mapping mapping);

/* Has it all its fragments, written, but not in one block? */
bool mapping_is_full_and_scattered(const struct space *space, struct mapping mapping);

/*
 * Go through allocated fragments in stretches that lie together in the file and on the device: take
 * the lowest of *SET, which are allocated, and those behind it out of *SET. The first of them is
 * *RET_FRAGMENT of the file, and *RET_RUN is where they are. False when *SET is empty.
 */
bool mapping_next_run(const struct space *space, struct mapping mapping, uint32_t *set,
	uint32_t *ret_fragment, struct fragment_run *ret_run);

/*
 * Allocate what MAPPING lacks of SET, in ascending order until there is no space. Returns SET up to
 * the first that could not be had: SET itself if all could. With WRITE these are written from now
 * on: the caller submits a job that covers all bytes of those that were not before.
 */
uint32_t mapping_take(struct space *space, struct mapping *mapping, uint32_t set,
	enum fragment_place place, bool write);

/* A mapping, written, that has a whole block; false if no block is untouched. */
bool mapping_take_block(struct space *space, struct mapping *ret_mapping);

/* Make those of SET that were written read as zeros and stay allocated. */
void mapping_unwrite(struct space *space, struct mapping *mapping, uint32_t set);

/* Give back those of SET that were allocated; jobs on them may still be in flight. Returns how
 * many. */
unsigned mapping_release(struct space *space, struct mapping *mapping, uint32_t set);

#endif
