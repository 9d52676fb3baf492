/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Where a file has blocks and where it has holes: truncate, fallocate(2), SEEK_DATA and SEEK_HOLE.
 *
 * Cutting a file touches no device memory: blocks behind the cut go back to the pool, and in the
 * block that is cut the watermark of initialised bytes falls, so what was there reads as zeros
 * should the file grow again. Only bytes in front of others that stay must really be zeroed, which
 * is a job like a write: submitted under the inode's lock, waited for without.
 */
#include "fs/data.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

/* Where data end is reported in these units, as filesystems with pages do. */
#define SEEK_UNIT 4096u

static void give_block(void *user, struct mapping mapping)
{
	struct fs *fs = user;
	store_block_give(fs->store, mapping.block);
}

static void give_range(struct fs *fs, struct inode *inode, uint64_t first, uint64_t last)
{
	block_map_remove(&inode->map, first, last, give_block, fs);
}

void file_give_blocks(struct fs *fs, struct inode *inode, uint64_t first_index)
{
	give_range(fs, inode, first_index, UINT64_MAX);
}

void file_resize(struct fs *fs, struct inode *inode, uint64_t size)
{
	if (size <= inode->size) {
		uint64_t index = size / fs->block_payload;
		uint32_t cut = size % fs->block_payload;
		if (cut > 0) {
			struct mapping *mapping = block_map_find(&inode->map, index++);
			if (mapping && mapping->initialised > cut)
				mapping->initialised = cut;
		}
		file_give_blocks(fs, inode, index);
	}
	inode->size = size;
	inode_modified(inode);
}

/* The zeroing of up to two stretches of a file: what is left of a range once whole blocks are
 * dealt with. */
struct zeroing {
	struct fs *fs;
	struct store_job *job;
	int err;
	_Atomic bool ended;
};

static void zeroing_ending(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct zeroing *zeroing = job->user;
	count_failed_launch(zeroing->fs, job, err, outcome);
}

static void zeroing_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct zeroing *zeroing = job->user;
	(void)outcome;
	zeroing->err = err;
	atomic_store(&zeroing->ended, true); /* ZEROING may be gone after this */
}

static void zeroing_submit(struct zeroing *zeroing)
{
	struct store_job *job = zeroing->job;
	job->kernel = KERNEL_FILL;
	job->pattern = 0;
	job->ending = zeroing_ending;
	job->done = zeroing_done;
	job->user = zeroing;
	store_submit(job);
}

/* Zero bytes FIRST..END-1 of the block at INDEX. What the watermark can say needs no job. */
static void zero_part(
	struct zeroing *zeroing, struct inode *inode, uint64_t index, uint32_t first, uint32_t end)
{
	struct mapping *mapping = block_map_find(&inode->map, index);
	if (!mapping || mapping->initialised <= first)
		return;
	if (mapping->initialised <= end) {
		mapping->initialised = first;
		return;
	}
	struct store_job *job = zeroing->job;
	job->segments[job->segment_count++] = (struct kernel_segment){
		.block = mapping->block,
		.first = first,
		.count = end - first,
		.zero_from = first,
	};
}

/* The blocks FIRST..LAST read as zeros from now on and stay the file's. */
static void clear_blocks(struct inode *inode, uint64_t first, uint64_t last)
{
	struct mapping *mapping;
	while (first <= last && (mapping = block_map_next(&inode->map, first, &first)) &&
		first <= last) {
		mapping->initialised = 0;
		first++;
	}
}

/* Make bytes OFFSET..END-1 read as zeros; with PUNCH whole blocks go back to the pool.
 * called with inode->lock held */
static void zero_range(
	struct zeroing *zeroing, struct inode *inode, uint64_t offset, uint64_t end, bool punch)
{
	struct fs *fs = zeroing->fs;
	uint32_t payload = fs->block_payload;
	uint64_t first = offset / payload, last = end / payload;
	uint32_t head = offset % payload, tail = end % payload;
	if (first == last) {
		zero_part(zeroing, inode, first, head, tail);
		return;
	}
	if (head > 0)
		zero_part(zeroing, inode, first++, head, payload);
	if (tail > 0)
		zero_part(zeroing, inode, last, 0, tail);
	if (first == last)
		return;
	if (punch)
		give_range(fs, inode, first, last - 1);
	else
		clear_blocks(inode, first, last - 1);
}

/* Take a block for every hole in bytes OFFSET..END-1. Whether there are enough is asked first, so
 * that a request that can't be met takes none; only when others take them meanwhile does it fail
 * with some taken. */
static err_t fill_holes(struct fs *fs, struct inode *inode, uint64_t offset, uint64_t end)
{
	uint64_t first = offset / fs->block_payload;
	uint64_t last = (end - 1) / fs->block_payload;
	uint64_t missing = last - first + 1;
	uint64_t index = first;
	while (block_map_next(&inode->map, index, &index) && index <= last) {
		missing--;
		index++;
	}
	if (missing > store_blocks_free(fs->store))
		return -ENOSPC;
	for (index = first; missing > 0 && index <= last; index++) {
		struct mapping *mapping;
		int err = file_map_block(fs, inode, index, &mapping);
		if (err)
			return err;
	}
	return 0;
}

/* called with inode->lock held */
static err_t allocate_range(
	struct zeroing *zeroing, struct inode *inode, int mode, uint64_t offset, uint64_t end)
{
	struct fs *fs = zeroing->fs;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		/* behind the end of the file there is nothing to keep the last block for */
		uint64_t over = end % fs->block_payload;
		uint64_t to = end >= inode->size && over > 0 ? end + fs->block_payload - over : end;
		zero_range(zeroing, inode, offset, to, true);
	} else {
		int err = fill_holes(fs, inode, offset, end);
		if (err)
			return err;
		if (mode & FALLOC_FL_ZERO_RANGE)
			zero_range(zeroing, inode, offset, end, false);
		if (!(mode & FALLOC_FL_KEEP_SIZE) && end > inode->size)
			inode->size = end;
	}
	inode_modified(inode);
	return 0;
}

static bool mode_supported(int mode)
{
	switch (mode) {
	case 0:
	case FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_ZERO_RANGE:
	case FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE:
		return true;
	default:
		return false;
	}
}

int fs_allocate(struct fs *fs, struct store_queue *queue, uint64_t ino, int mode, uint64_t offset,
	uint64_t length)
{
	if (!mode_supported(mode))
		return -EOPNOTSUPP;
	if (length == 0)
		return -EINVAL;
	if (offset > (uint64_t)FS_SIZE_MAX || length > (uint64_t)FS_SIZE_MAX - offset)
		return -EFBIG;
	struct inode *inode;
	int err = inode_get_typed(fs, ino, S_IFREG, -ENODEV, &inode);
	if (err)
		return err;
	struct zeroing zeroing = {.fs = fs, .job = take_job(queue)};
	zeroing.job->segment_count = 0;

	pthread_mutex_lock(&inode->lock);
	/* as Linux has it: what is append-only may get space, but lose none of its bytes */
	if (inode_immutable(inode) || (inode_protected(inode) && (mode & ~FALLOC_FL_KEEP_SIZE)))
		err = -EPERM;
	else
		err = allocate_range(&zeroing, inode, mode, offset, offset + length);
	bool submitted = !err && zeroing.job->segment_count > 0;
	if (submitted)
		zeroing_submit(&zeroing);
	else
		store_job_drop(zeroing.job);
	inode_unlock_put(fs, inode);

	while (submitted && !atomic_load(&zeroing.ended))
		store_wait(queue);
	return submitted ? zeroing.err : err;
}

/* How far the data at the beginning of a block reach, for SEEK_DATA and SEEK_HOLE. */
static uint32_t data_end(const struct fs *fs, const struct mapping *mapping)
{
	uint32_t end = (mapping->initialised + SEEK_UNIT - 1) / SEEK_UNIT * SEEK_UNIT;
	return end < fs->block_payload ? end : fs->block_payload;
}

static uint64_t seek_data(struct fs *fs, struct inode *inode, uint64_t offset)
{
	uint32_t payload = fs->block_payload;
	uint64_t index = offset / payload;
	struct mapping *mapping;
	while ((mapping = block_map_next(&inode->map, index, &index))) {
		uint64_t start = index * payload;
		uint64_t from = offset > start ? offset : start;
		if (from < start + data_end(fs, mapping))
			return from;
		index++;
	}
	return UINT64_MAX;
}

static uint64_t seek_hole(struct fs *fs, struct inode *inode, uint64_t offset)
{
	uint32_t payload = fs->block_payload;
	for (;; offset += payload - offset % payload) {
		struct mapping *mapping = block_map_find(&inode->map, offset / payload);
		uint32_t end = mapping ? data_end(fs, mapping) : 0;
		if (offset % payload >= end)
			return offset;
		if (end < payload)
			return offset - offset % payload + end;
	}
}

int fs_seek(struct fs *fs, uint64_t ino, uint64_t offset, int whence, uint64_t *ret_offset)
{
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	struct inode *inode;
	int err = inode_get_typed(fs, ino, S_IFREG, -EINVAL, &inode);
	if (err)
		return err;
	pthread_mutex_lock(&inode->lock);
	uint64_t found = UINT64_MAX;
	if (offset < inode->size && whence == SEEK_DATA)
		found = seek_data(fs, inode, offset);
	else if (offset < inode->size)
		found = seek_hole(fs, inode, offset);
	uint64_t size = inode->size;
	inode_unlock_put(fs, inode);

	/* the end of the file is a hole, and there are no data behind it */
	if (whence == SEEK_HOLE && offset < size && found > size)
		found = size;
	if (found == UINT64_MAX || (whence == SEEK_DATA && found >= size))
		return -ENXIO;
	*ret_offset = found;
	return 0;
}
