/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Reading and writing: an offset and a length become a list of segments, and those one job.
 *
 * All that a request decides, it decides under the inode's lock: which blocks, how far they are
 * initialised, the file's size and times. It submits its job under the same lock, so jobs on a file
 * stand in the store's order as their requests did in the lock's, and the store runs those that
 * share lines in that order. From there on a request needs no lock and no inode: a file may be
 * truncated or removed, and its blocks find new owners, while a job on them is still under way.
 *
 * Nobody waits for the device with the lock held. A job is taken from the queue, which may mean
 * waiting for another to end, before the lock is.
 *
 * A job may end before store_submit() returns, with the lock still held, and whoever gets io->done
 * may want to call back into fs. So a request has two parts, its job and its submission, and is
 * done when both are.
 */
#include "fs/data.h"

#include "base/cleanup.h"

#include <string.h>

unsigned failed_launches(struct fs *fs, uint32_t block)
{
	return atomic_load_explicit(&fs->failed_launches[block], memory_order_acquire);
}

bool failed_since(struct fs *fs, uint32_t block, unsigned failures)
{
	unsigned now = failed_launches(fs, block);
	return now != failures || now == FAILED_LAUNCHES_MAX;
}

void count_failed_launch(
	struct fs *fs, const struct store_job *job, int err, const struct store_outcome *outcome)
{
	if (!err || outcome->lost > 0) /* a launch that tells of lost lines has done its work */
		return;
	for (unsigned i = 0; i < job->segment_count; i++) {
		_Atomic uint16_t *count = &fs->failed_launches[job->segments[i].block];
		uint16_t seen = atomic_load(count);
		while (seen < FAILED_LAUNCHES_MAX &&
			!atomic_compare_exchange_weak(count, &seen, (uint16_t)(seen + 1)))
			;
	}
}

struct store_job *take_job(struct store_queue *queue)
{
	struct store_job *job;
	while (!(job = store_job_take(queue)))
		store_wait(queue);
	return job;
}

int file_map_block(struct fs *fs, struct inode *inode, uint64_t index, struct mapping **ret_mapping)
{
	struct mapping *mapping = block_map_find(&inode->map, index);
	if (!mapping) {
		CLEANUP(store_block_done) struct store_block taken = {};
		int err = store_block_init(&taken, fs->store);
		if (err)
			return err;
		err = block_map_insert(&inode->map, index,
			(struct mapping){.block = taken.block,
				.failures = failed_launches(fs, taken.block)});
		if (err)
			return err;
		taken.store = NULL; /* it is the file's now */
		mapping = block_map_find(&inode->map, index);
	}
	*ret_mapping = mapping;
	return 0;
}

/* One of a request's two parts is over; the second to end calls done. */
static void io_part_done(struct fs_io *io)
{
	if (atomic_fetch_sub(&io->parts, 1) == 1)
		io->done(io, io->err ? io->err : (ssize_t)io->moved);
}

static void io_job_done(struct fs_io *io, int err)
{
	io->err = err;
	io_part_done(io);
}

/* Hand JOB to the store. Called with the inode's lock held; the caller ends its own part of the
 * request once it has let go of it. */
static void io_submit(struct fs_io *io, struct store_job *job)
{
	io->err = 0;
	atomic_store(&io->parts, 2);
	job->payload = io->buffer;
	job->payload_offset = io->buffer_offset;
	job->payload_bytes = io->moved;
	job->user = io;
	store_submit(job);
}

/* Start a request: its inode, and a job, with the inode locked. */
static err_t io_begin(struct fs *fs, struct store_queue *queue, struct fs_io *io,
	struct inode **ret_inode, struct store_job **ret_job)
{
	io->fs = fs;
	io->moved = 0;
	if (io->length > FS_IO_MAX)
		return -EINVAL;
	if (io->offset > (uint64_t)FS_SIZE_MAX)
		return -EFBIG;
	int err = inode_get_typed(fs, io->ino, S_IFREG, -EINVAL, ret_inode);
	if (err)
		return err;
	*ret_job = take_job(queue);
	pthread_mutex_lock(&(*ret_inode)->lock);
	return 0;
}

/* The part of a request that lies in one block. */
struct piece {
	uint64_t index;        /* which block of the file */
	uint32_t first, count; /* bytes in it */
};

static struct piece piece_at(const struct fs *fs, const struct fs_io *io, uint32_t at, uint32_t end)
{
	struct piece piece = {
		.index = (io->offset + at) / fs->block_payload,
		.first = (uint32_t)((io->offset + at) % fs->block_payload),
	};
	uint32_t room = fs->block_payload - piece.first;
	piece.count = end - at < room ? end - at : room;
	return piece;
}

/* Whatever the job did not bring is a hole. Zeroed only now, because a device that stages its
 * payload may have written the whole stretch. */
static void read_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct fs_io *io = job->user;
	uint8_t *bytes = store_buffer_bytes(io->buffer) + io->buffer_offset;
	uint32_t at = 0;
	(void)outcome;
	for (unsigned i = 0; i < job->segment_count && !err; i++) {
		const struct kernel_segment *segment = &job->segments[i];
		if (failed_since(io->fs, segment->block, io->failures[i]))
			err = -EIO;
		memset(bytes + at, 0, segment->payload - at);
		at = segment->payload + segment->count;
	}
	if (!err)
		memset(bytes + at, 0, io->moved - at);
	io_job_done(io, err);
}

/* Fill the job with what there is to read of the file; the rest is holes.
 * called with inode->lock held */
static void read_plan(struct fs *fs, struct inode *inode, struct fs_io *io, struct store_job *job)
{
	job->segment_count = 0;
	for (uint32_t at = 0; at < io->moved;) {
		struct piece piece = piece_at(fs, io, at, io->moved);
		struct mapping *mapping = block_map_find(&inode->map, piece.index);
		if (mapping && mapping->initialised > piece.first) {
			uint32_t there = mapping->initialised - piece.first;
			io->failures[job->segment_count] = mapping->failures;
			job->segments[job->segment_count++] = (struct kernel_segment){
				.block = mapping->block,
				.first = piece.first,
				.count = there < piece.count ? there : piece.count,
				.payload = at,
				.zero_from = piece.first,
			};
		}
		at += piece.count;
	}
}

void fs_read(struct fs *fs, struct store_queue *queue, struct fs_io *io)
{
	struct inode *inode;
	struct store_job *job;
	int err = io_begin(fs, queue, io, &inode, &job);
	if (err) {
		io->done(io, err);
		return;
	}
	if (io->offset < inode->size) {
		uint64_t rest = inode->size - io->offset;
		io->moved = rest < io->length ? (uint32_t)rest : io->length;
	}
	if (io->length > 0)
		inode_touch_atime(inode);
	read_plan(fs, inode, io, job);
	if (job->segment_count > 0) {
		job->kernel = KERNEL_READ;
		job->done = read_done;
		io_submit(io, job);
		inode_unlock_put(fs, inode);
		io_part_done(io);
	} else {
		store_job_drop(job);
		inode_unlock_put(fs, inode);
		memset(store_buffer_bytes(io->buffer) + io->buffer_offset, 0, io->moved);
		io->done(io, io->moved);
	}
}

static void write_ending(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct fs_io *io = job->user;
	count_failed_launch(io->fs, job, err, outcome);
}

static void write_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	(void)outcome;
	io_job_done(job->user, err);
}

/* One block's share of a write, and what it makes of the block's mapping. */
static struct kernel_segment write_segment(
	struct fs *fs, struct mapping *mapping, struct piece piece, uint32_t payload)
{
	uint32_t end = piece.first + piece.count;
	uint32_t old = mapping->initialised;
	uint32_t line_payload = store_geometry(fs->store)->line_payload;
	struct kernel_segment segment = {
		.block = mapping->block,
		.first = piece.first,
		.count = piece.count,
		.payload = payload,
		/* between the old watermark and the first byte is a hole to be filled */
		.zero_from = old < piece.first ? old : piece.first,
		/* what follows in the line is nobody's if the watermark does not pass us */
		.zero_to = end < old ? end : (end + line_payload - 1) / line_payload * line_payload,
	};
	if (end >= old) {
		mapping->initialised = end;
		if (segment.zero_from == 0)
			mapping->failures = failed_launches(fs, mapping->block);
	}
	return segment;
}

/* Map and plan as much of the request as there is space for; io->moved says how much. An error only
 * when that is nothing. Once planned it will be submitted: initialised already counts on it.
 * called with inode->lock held */
static err_t write_plan(struct fs *fs, struct inode *inode, struct fs_io *io, struct store_job *job)
{
	uint64_t room = (uint64_t)FS_SIZE_MAX - io->offset;
	uint32_t length = io->length < room ? io->length : (uint32_t)room;
	if (length == 0)
		return -EFBIG;
	job->segment_count = 0;
	while (io->moved < length) {
		struct piece piece = piece_at(fs, io, io->moved, length);
		struct mapping *mapping;
		int err = file_map_block(fs, inode, piece.index, &mapping);
		if (err)
			return io->moved > 0 ? 0 : err;
		job->segments[job->segment_count++] = write_segment(fs, mapping, piece, io->moved);
		io->moved += piece.count;
	}
	return 0;
}

void fs_write(struct fs *fs, struct store_queue *queue, struct fs_io *io)
{
	struct inode *inode;
	struct store_job *job;
	int err = io_begin(fs, queue, io, &inode, &job);
	if (err) {
		io->done(io, err);
		return;
	}
	if (io->length > 0)
		err = write_plan(fs, inode, io, job);
	if (err || io->length == 0) {
		store_job_drop(job);
		inode_unlock_put(fs, inode);
		io->done(io, err);
		return;
	}
	if (io->offset + io->moved > inode->size)
		inode->size = io->offset + io->moved;
	inode_modified(inode);
	if (io->kill_suidgid)
		inode_kill_suidgid(inode);
	xattr_drop_capability(inode);
	job->kernel = KERNEL_WRITE;
	job->ending = write_ending;
	job->done = write_done;
	io_submit(io, job);
	inode_unlock_put(fs, inode);
	io_part_done(io);
}
