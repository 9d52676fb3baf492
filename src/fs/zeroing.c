/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Making a part of a file read as zeros. Whole fragments are given back or become unwritten, which
 * is a matter of the map alone. Only where a fragment is cut must bytes be zeroed on the device,
 * which is a job like a write: submitted under the inode's lock, waited for without.
 */
#include "fs/data.h"

void zeroing_open(struct zeroing *zeroing, struct fs *fs, struct store_queue *queue)
{
	*zeroing = (struct zeroing){.fs = fs, .queue = queue, .job = take_job(queue)};
	zeroing->job->segment_count = 0;
	atomic_init(&zeroing->ended, true);
}

static void zeroing_ending(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct zeroing *zeroing = job->user;
	zeroing->err = damage_settle(&zeroing->fs->damage, job, err, outcome);
}

static void zeroing_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct zeroing *zeroing = job->user;
	(void)err;
	(void)outcome;
	atomic_store(&zeroing->ended, true); /* ZEROING may be gone after this */
}

void zeroing_submit(struct zeroing *zeroing)
{
	struct store_job *job = zeroing->job;
	if (job->segment_count == 0)
		return;
	zeroing->job = NULL;
	atomic_store(&zeroing->ended, false);
	job->kernel = KERNEL_FILL;
	job->pattern = 0;
	job->ending = zeroing_ending;
	job->done = zeroing_done;
	job->user = zeroing;
	store_submit(job);
}

int zeroing_close(struct zeroing *zeroing)
{
	if (zeroing->job)
		store_job_drop(zeroing->job);
	while (!atomic_load(&zeroing->ended))
		store_wait(zeroing->queue);
	return zeroing->err;
}

static void unwrite(struct fs *fs, struct inode *inode, uint64_t index, uint32_t set)
{
	struct mapping mapping = block_map_get(&inode->map, index);
	mapping_unwrite(&fs->space, &mapping, set);
	block_map_change(&inode->map, &fs->map_nodes, index, mapping);
}

void file_clear(struct zeroing *zeroing, struct inode *inode, const struct piece *piece, bool punch)
{
	struct fs *fs = zeroing->fs;
	struct store_job *job = zeroing->job;
	struct mapping mapping = block_map_get(&inode->map, piece->index);
	uint32_t covered = piece_covered(fs, piece);
	uint32_t edges = piece_touched(fs, piece) & ~covered & mapping_written(&fs->space, mapping);
	uint32_t fragment;
	struct fragment_run run;
	while (mapping_next_run(&fs->space, mapping, &edges, &fragment, &run))
		job->segments[job->segment_count++] = piece_segment(fs, piece, fragment, &run);
	if (punch)
		file_release(fs, inode, piece->index, covered);
	else
		unwrite(fs, inode, piece->index, covered);
}
