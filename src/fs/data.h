/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_DATA_H
#define VRAMFS_FS_DATA_H

#include "fs/inode.h"

/*
 * What data.c (read, write) and allocate.c (truncate, fallocate) share: how a file's blocks are
 * reached, and how a launch that failed is remembered.
 *
 * A write raises mapping.initialised when it is submitted, not when it has ended. Should its launch
 * fail, bytes below the watermark would be a former owner's, or half of a codeword. So
 * fs->failed_launches counts for every block the failed launches that were to change it, and a
 * mapping keeps the count at which its bytes were last sound: since it got the block, or since a
 * write covered all its initialised bytes. Bytes behind a mapping whose count is not the block's
 * any more are not shown: -EIO, until a write covers them all, or the block is given up.
 *
 * The count is raised without locks, by the job's `ending`: before any later job on the same lines
 * begins. It never falls, so a reader compares it when its own job has ended and misses nothing
 * that happened before. An error the wrong way is possible and harmless: a launch that fails when a
 * later write of the whole block was already submitted, or for a former owner after the block has
 * changed hands, makes sound bytes unreadable.
 *
 * Lines that a write could not merge, because their old bytes are lost, need none of this: the
 * launch wrote all other lines, and a lost line fails whoever reads it.
 */
#define FAILED_LAUNCHES_MAX 16383u /* as much as mapping.failures holds; there the count stays */

unsigned failed_launches(struct fs *fs, uint32_t block);

/* Are bytes that were sound at a count of FAILURES not to be trusted any more? */
bool failed_since(struct fs *fs, uint32_t block, unsigned failures);

/* The `ending` of a job that changes blocks: if its launch failed, count that against each of them.
 */
void count_failed_launch(
	struct fs *fs, const struct store_job *job, int err, const struct store_outcome *outcome);

/* A free job of the queue, waiting for one if need be: to be called without any lock. */
struct store_job *take_job(struct store_queue *queue);

/* Find the block at INDEX, and where there is a hole take one from the pool; -ENOSPC, -ENOMEM.
 * called with inode->lock held */
err_t file_map_block(
	struct fs *fs, struct inode *inode, uint64_t index, struct mapping **ret_mapping);

#endif
