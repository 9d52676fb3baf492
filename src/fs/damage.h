/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_DAMAGE_H
#define VRAMFS_FS_DAMAGE_H

#include "fs/fragments.h"

/*
 * Which fragments hold bytes that nobody may be shown, because a launch that was to change them
 * failed: some of its bytes may have arrived, others not, and a line may be half of two codewords.
 * A bit a fragment.
 *
 * All changes and all looks are made in jobs' `ending`, while the job still has its lines to
 * itself. So they have the order of the jobs: whoever reads a fragment finds the bit as the last
 * job that changed the fragment left it, and no lock is needed. A launch that fails sets the bits
 * of all fragments it was to change; one that succeeds clears those of the fragments it wrote
 * whole, every byte of them. This is exact also when a fragment changes hands, since a new owner's
 * first write covers it whole.
 *
 * Lines whose old bytes were lost when a write was to merge with them need none of this: the launch
 * wrote all others, and a lost line fails whoever reads it.
 */
struct damage {
	struct fragment_geometry geometry;
	uint64_t blocks;
	_Atomic uint32_t *sets; /* [blocks] of fragments */
};

/* -ENOMEM. */
err_t damage_init(struct damage *damage, uint64_t blocks, const struct fragment_geometry *geometry);
/* A zeroed one is allowed. */
void damage_done(struct damage *damage);

/*
 * To be called in the `ending` of every job on files' bytes, with what that got. Records what the
 * job did to the fragments it changed, and passes damage on from a copy's source to its copy.
 * Returns ERR, or -EIO when the job read bytes that are damaged. A job must not touch a line twice.
 */
err_t damage_settle(struct damage *damage, const struct store_job *job, int err,
	const struct store_outcome *outcome);

#endif
