/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_FRAGMENTS_H
#define VRAMFS_FS_FRAGMENTS_H

#include "base/err.h"
#include "store/store.h"

#include <stdint.h>

/*
 * Which parts of which blocks are free. A block is cut into fragments, as in the Berkeley Fast File
 * System: whole lines that hold at least 4 KiB, so that no two files share a line. Files own
 * fragments; a block whose fragments are all free again goes back to the store's pool. Any function
 * may be called from any thread, also with an inode's lock held; none allocates or waits for the
 * device.
 *
 *	code         lines a fragment   bytes a fragment   fragments a block
 *	rs136, none                32               4096                  32
 *	rs128                      35               4200                  29 (9 lines are left over)
 */
struct fragments;

#define FRAGMENTS_MAX 32u /* of a block, whichever the code: a set of them is 32 bits */

/* Blocks that a store may have: 8 TiB. */
#define FRAGMENTS_MAX_BLOCKS ((1u << 26) - 1)

struct fragment_geometry {
	uint32_t bytes;     /* of file in a fragment */
	uint32_t per_block; /* fragments */
};
struct fragment_geometry fragment_geometry(const struct store_geometry *geometry);

/* The set of fragments FIRST..FIRST+COUNT-1 (0..32 of them). */
static inline uint32_t fragment_set(uint32_t first, uint32_t count)
{
	return (uint32_t)(((1ull << count) - 1) << first);
}

/* Those in which some of bytes FIRST..END-1 of a block are, FIRST < END; those that have all theirs
 * there. */
static inline uint32_t fragments_touched(
	const struct fragment_geometry *geometry, uint32_t first, uint32_t end)
{
	uint32_t from = first / geometry->bytes;

	return fragment_set(from, (end - 1) / geometry->bytes - from + 1);
}

static inline uint32_t fragments_covered(
	const struct fragment_geometry *geometry, uint32_t first, uint32_t end)
{
	uint32_t from = (first + geometry->bytes - 1) / geometry->bytes;
	uint32_t to = end / geometry->bytes;

	return from < to ? fragment_set(from, to - from) : 0;
}

/* Nothing is taken at first. -EOVERFLOW: the store has more than FRAGMENTS_MAX_BLOCKS; -ENOMEM. */
err_t fragments_new(struct store *store, struct fragments **ret_fragments);
/* What was not given back stays taken from the store. NULL is allowed. */
void fragments_free(struct fragments *fragments);

/* COUNT fragments of one block, one behind the other. */
struct fragment_run {
	uint32_t block;
	uint32_t first, count;
};

enum fragment_place {
	FRAGMENTS_PACKED, /* where they fit most tightly: for what is not expected to grow */
	FRAGMENTS_ROOMY,  /* at the beginning of an untouched block if there is one */
};

/*
 * Take COUNT (1..per_block) fragments; as many as the longest free run has, if none has COUNT.
 * -ENOSPC exactly if none was free at some moment of the call.
 */
err_t fragments_take(struct fragments *fragments, uint32_t count, enum fragment_place place,
	struct fragment_run *ret_run);

/* Take what is free of the fragments FIRST, FIRST + 1 ... of BLOCK, in which the caller owns some
 * already, up to the first that is not free and at most COUNT. Returns how many. */
uint32_t fragments_extend(
	struct fragments *fragments, uint32_t block, uint32_t first, uint32_t count);

/* Give back the fragments of BLOCK whose bits are set; the caller owns them all. Jobs on them may
 * still be in flight: the next owner's wait for those. */
void fragments_give(struct fragments *fragments, uint32_t block, uint32_t set);

/* How many are free, those of untouched blocks included; exact while nobody takes or gives. */
uint64_t fragments_count_free(const struct fragments *fragments);

#endif
