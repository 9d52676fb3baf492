/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_STORE_CLAIMS_H
#define VRAMFS_STORE_CLAIMS_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Which lines of which blocks the jobs that are under way read and write, so that jobs that must
 * not run at once wait for each other in the order in which they came. Two claims conflict if they
 * have a line of a block in common, and at least one of them writes.
 */
struct claims;
struct claim_holder;

/* A claim can be of one block, or of every CLAIMS_STRIDE-th; so many claims are enough for any
 * range of blocks. */
#define CLAIMS_STRIDE 512u

struct claim {
	/* The caller's */
	uint32_t block, last_block; /* block, block + CLAIMS_STRIDE, ..., last_block */
	uint16_t first_line, last_line;
	bool write;
	/* claims.c's, while entered */
	struct claim_holder *holder;
	struct claim *next, *previous;
};

/* A job as this table sees it. */
struct claim_holder {
	/* The caller's */
	struct claim *claims;
	unsigned claim_count;
	/* claims.c's */
	bool conflicts_with_itself;     /* two of its own claims conflict; set by claims_enter() */
	_Atomic unsigned blockers;      /* claims of earlier holders that stand in the way */
	struct claim_holder *next_free; /* list that claims_leave() returns */
};

bool claims_conflict(const struct claim *a, const struct claim *b);

err_t claims_new(struct claims **ret_claims);
void claims_free(struct claims *claims);

/*
 * Enter all claims of HOLDER at one moment, behind all that were entered earlier. True if nothing
 * stands in its way; otherwise the claims_leave() that takes away the last obstacle returns HOLDER,
 * which may happen on another thread before this returns.
 */
bool claims_enter(struct claims *claims, struct claim_holder *holder);

/* Take the claims of HOLDER out. Returns the holders that nothing stands in the way of any more,
 * linked by next_free; each holder is returned once, to one thread. */
struct claim_holder *claims_leave(struct claims *claims, struct claim_holder *holder);

#endif
