/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A file that grew beside others has its fragments here and there, and a mapping for it that costs
 * more than 8 bytes. Once such a mapping is full it will grow no more, so it is moved to a block of
 * its own, if there is one: by a copy from device to device that the store runs when the write has
 * ended, since they share lines. A byte is moved at most once this way.
 *
 * When the copy's launch fails, what it was to move is damaged: the fragments it came from have
 * been given back. A lost line stays a lost line.
 */
#include "fs/gather.h"

/* A job with room for a whole block in single fragments. */
static struct store_job *job_with_room(struct gathering *gathering, struct store_queue *queue)
{
	if (!gathering->job) {
		gathering->job = store_job_take(queue);
		if (gathering->job) {
			gathering->job->kernel = KERNEL_COPY;
			gathering->job->segment_count = 0;
		}
	}
	struct store_job *job = gathering->job;
	return job && job->segment_count + FRAGMENTS_MAX <= STORE_JOB_SEGMENTS ? job : NULL;
}

static void plan_copy(struct fs *fs, struct store_job *job, struct mapping from, struct mapping to)
{
	struct space *space = &fs->space;
	uint32_t bytes = space->geometry.bytes;
	uint32_t left = space->all, fragment;
	struct fragment_run source, target;
	while (mapping_next_run(space, from, &left, &fragment, &source)) {
		uint32_t set = fragment_set(fragment, source.count);
		mapping_next_run(space, to, &set, &fragment, &target);
		job->segments[job->segment_count++] = (struct kernel_segment){
			.block = target.block,
			.first = target.first * bytes,
			.count = source.count * bytes,
			.source = source.block,
			.source_first = source.first * bytes,
		};
	}
}

void gather(struct gathering *gathering, struct fs *fs, struct store_queue *queue,
	struct inode *inode, uint64_t index)
{
	struct mapping scattered = block_map_get(&inode->map, index), whole;
	if (!mapping_is_full_and_scattered(&fs->space, scattered))
		return;
	struct store_job *job = job_with_room(gathering, queue);
	if (!job || !mapping_take_block(&fs->space, &whole))
		return;
	plan_copy(fs, job, scattered, whole);
	block_map_change(&inode->map, &fs->map_nodes, index, whole);
	gathering->left[gathering->left_count++] = scattered;
}

struct store_job *gathering_job(const struct gathering *gathering)
{
	return gathering->left_count > 0 ? gathering->job : NULL;
}

void gathering_release(struct gathering *gathering, struct fs *fs)
{
	for (unsigned i = 0; i < gathering->left_count; i++)
		mapping_release(&fs->space, &gathering->left[i], fs->space.all);
	if (gathering->job && gathering->left_count == 0)
		store_job_drop(gathering->job);
}
