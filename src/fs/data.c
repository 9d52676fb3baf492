/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Reading and writing: an offset and a length become a list of segments, and those one job.
 *
 * All that a request decides, it decides under the inode's lock: which fragments, what of them is
 * written, the file's size and times. It submits its job under the same lock, so jobs on a file
 * stand in the store's order as their requests did in the lock's, and the store runs those that
 * share lines in that order. From there on a request needs no lock and no inode: a file may be
 * truncated or removed, and its fragments find new owners, while a job on them is still under way.
 *
 * Nobody waits for the device with the lock held. A job is taken from the queue, which may mean
 * waiting for another to end, before the lock is.
 *
 * A job may end before store_submit() returns, with the lock still held, and whoever gets io->done
 * may want to call back into fs. So a request has several parts, its jobs and their submission, and
 * is done when all are.
 */
#include "fs/data.h"

#include "fs/gather.h"

#include <string.h>

struct store_job *take_job(struct store_queue *queue)
{
	struct store_job *job;
	while (!(job = store_job_take(queue)))
		store_wait(queue);
	return job;
}

/* One of a request's parts is over; the last to end calls done. */
static void io_part_done(struct fs_io *io)
{
	if (atomic_fetch_sub(&io->parts, 1) != 1)
		return;
	int err = atomic_load(&io->err);
	io->done(io, err ? err : (ssize_t)io->moved);
}

static void io_submit(struct fs_io *io, struct store_job *job)
{
	atomic_fetch_add(&io->parts, 1);
	job->user = io;
	store_submit(job);
}

/* Start a request: its inode, and a job, with the inode locked. */
static err_t io_begin(struct fs *fs, struct store_queue *queue, struct fs_io *io,
	struct inode **ret_inode, struct store_job **ret_job)
{
	io->fs = fs;
	io->moved = 0;
	atomic_init(&io->err, 0);
	atomic_init(&io->parts, 1); /* submitting */
	if (io->length > FS_IO_MAX)
		return -EINVAL;
	if (io->offset > (uint64_t)FS_SIZE_MAX)
		return -EFBIG;
	int err = inode_get_typed(fs, io->ino, S_IFREG, -EINVAL, ret_inode);
	if (err)
		return err;
	*ret_job = take_job(queue);
	(*ret_job)->segment_count = 0;
	pthread_mutex_lock(&(*ret_inode)->lock);
	return 0;
}

static void io_set_payload(const struct fs_io *io, struct store_job *job)
{
	job->payload = io->buffer;
	job->payload_offset = io->buffer_offset;
	job->payload_bytes = io->moved;
}

static void io_ending(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct fs_io *io = job->user;
	err = damage_settle(&io->fs->damage, job, err, outcome);
	if (err)
		atomic_store(&io->err, err);
}

/* Whatever the job did not bring is a hole. Zeroed only now, because a device that stages its
 * payload may have written the whole stretch. */
static void read_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct fs_io *io = job->user;
	uint8_t *bytes = store_buffer_bytes(io->buffer) + io->buffer_offset;
	uint32_t at = 0;
	(void)err;
	(void)outcome;
	for (unsigned i = 0; i < job->segment_count; i++) {
		const struct kernel_segment *segment = &job->segments[i];
		memset(bytes + at, 0, segment->payload - at);
		at = segment->payload + segment->count;
	}
	memset(bytes + at, 0, io->moved - at);
	io_part_done(io);
}

/* Fill the job with what there is to read of the file; the rest is holes.
 * called with inode->lock held */
static void read_plan(struct fs *fs, struct inode *inode, struct fs_io *io, struct store_job *job)
{
	struct piece piece;
	for (uint32_t at = 0; at < io->moved; at += piece.count) {
		piece = piece_at(fs, io->offset + at, io->offset + io->moved);
		struct mapping mapping = block_map_get(&inode->map, piece.index);
		uint32_t set = piece_touched(fs, &piece) & mapping_written(&fs->space, mapping);
		uint32_t fragment;
		struct fragment_run run;
		while (mapping_next_run(&fs->space, mapping, &set, &fragment, &run)) {
			struct kernel_segment *segment = &job->segments[job->segment_count++];
			*segment = piece_segment(fs, &piece, fragment, &run);
			segment->payload += at;
		}
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
	if (io->length > 0 && !io->keep_atime)
		inode_touch_atime(fs, inode);
	read_plan(fs, inode, io, job);
	if (job->segment_count > 0) {
		job->kernel = KERNEL_READ;
		job->ending = io_ending;
		job->done = read_done;
		io_set_payload(io, job);
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

static void write_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	(void)err;
	(void)outcome;
	io_part_done(job->user);
}

/* What the copy found wrong with bytes that were there before is not the request's fault, but if it
 * did not even start, the request's own bytes are gone. */
static void gathering_ending(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct fs_io *io = job->user;
	int settled = damage_settle(&io->fs->damage, job, err, outcome);
	if (err && outcome->lost == 0)
		atomic_store(&io->err, settled);
}

/* Add the segments of a write to PIECE, whose bytes are at PAYLOAD. */
static void write_segments(struct fs *fs, struct store_job *job, const struct piece *piece,
	const struct target *target, uint32_t payload)
{
	uint32_t bytes = fs->space.geometry.bytes;
	uint32_t set = piece_touched(fs, piece), fragment;
	struct fragment_run run;
	while (mapping_next_run(&fs->space, target->mapping, &set, &fragment, &run)) {
		struct kernel_segment *segment = &job->segments[job->segment_count++];
		*segment = piece_segment(fs, piece, fragment, &run);
		segment->payload += payload;
		if (target->zero_before & fragment_set(fragment, 1))
			segment->zero_from = run.first * bytes;
		if (target->zero_behind & fragment_set(fragment + run.count - 1, 1))
			segment->zero_to = (run.first + run.count) * bytes;
	}
}

/* Allocate and plan as much of the request as there is space for; io->moved says how much. An error
 * only when that is nothing. What is planned will be submitted: the file's map already says that it
 * is written.
 * called with inode->lock held */
static err_t write_plan(struct fs *fs, struct store_queue *queue, struct inode *inode,
	struct fs_io *io, struct store_job *job, struct gathering *gathering)
{
	uint64_t room = (uint64_t)FS_SIZE_MAX - io->offset;
	uint32_t length = io->length < room ? io->length : (uint32_t)room;
	if (length == 0)
		return -EFBIG;
	while (io->moved < length) {
		struct piece piece = piece_at(fs, io->offset + io->moved, io->offset + length);
		uint32_t wanted = piece.count;
		struct target target;
		int err = file_prepare_write(fs, inode, &piece, &target);
		if (err)
			return io->moved > 0 ? 0 : err;
		write_segments(fs, job, &piece, &target, io->moved);
		gather(gathering, fs, queue, inode, piece.index);
		io->moved += piece.count;
		if (piece.count < wanted)
			return 0;
	}
	return 0;
}

/* called with inode->lock held */
static void write_submit(struct fs_io *io, struct store_job *job, struct gathering *gathering)
{
	job->kernel = KERNEL_WRITE;
	job->ending = io_ending;
	job->done = write_done;
	io_set_payload(io, job);
	io_submit(io, job);
	job = gathering_job(gathering);
	if (job) {
		job->ending = gathering_ending;
		job->done = write_done;
		io_submit(io, job);
	}
	gathering_release(gathering, io->fs);
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
	struct gathering gathering = {.job = NULL};
	if (io->length > 0)
		err = write_plan(fs, queue, inode, io, job, &gathering);
	if (err || io->length == 0) {
		store_job_drop(job);
		inode_unlock_put(fs, inode);
		io->done(io, err);
		return;
	}
	file_was_written(inode, io->offset + io->moved, io->kill_suidgid);
	write_submit(io, job, &gathering);
	inode_unlock_put(fs, inode);
	io_part_done(io);
}
