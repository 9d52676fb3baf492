/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * copy_file_range(2). Where source and target lie alike in their fragments, whole fragments are
 * copied by the device from where the source has them to where the target has got them, which need
 * not lie alike in their blocks. What is left at both ends, and all of it where the offsets don't
 * fit together, is read and written as any program would do it. Holes are not copied but made in
 * the target.
 *
 * The last fragment of the source is copied whole when nothing of the target lies behind the copy:
 * what follows the end of a file in its fragment is zero, and so it is in the copy.
 *
 * A job is planned and submitted with both inodes locked, so it has its place among the jobs of
 * both files as if it had read the one and written the other at that moment. A long copy is several
 * jobs, of which some are in flight at a time; what others do to the files between them is seen, as
 * it is by a program that reads and writes.
 *
 * When a launch fails, or the source's bytes are lost or damaged, the fragments of the target that
 * were to be copied are damaged (damage.h) or have lost lines as the source has, and no others.
 */
#include "fs/data.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

/* Enough to plan one and wait for one while others run. */
#define JOBS_IN_FLIGHT 4u

struct copying {
	const struct fs_copy *copy;
	struct fs *fs;
	struct store_queue *queue;
	struct inode *from, *to;
	uint64_t length;  /* how much there is to be copied */
	uint64_t planned; /* how much of it jobs have been submitted for */
	uint64_t copied;  /* how much has been copied */
	_Atomic unsigned in_flight;
	_Atomic int err; /* of jobs */
};

/* Fragments of the source that are next to each other, in one block index, and all written or all
 * not; and of the target likewise. */
struct stretch {
	uint64_t from_index, to_index;
	uint32_t from, to; /* the first fragment */
	uint32_t count;
	bool written;
};

static uint32_t minimum(uint64_t bound, uint32_t value)
{
	return bound < value ? (uint32_t)bound : value;
}

/* The stretch that begins where planning has got to, before END of the range.
 * called with both inodes' locks held */
static struct stretch stretch_at(const struct copying *copying, uint64_t end)
{
	const struct fs *fs = copying->fs;
	uint32_t bytes = fs->space.geometry.bytes, payload = fs->block_payload;
	uint64_t from = copying->copy->from_offset + copying->planned;
	uint64_t to = copying->copy->to_offset + copying->planned;
	struct stretch stretch = {
		.from_index = from / payload,
		.to_index = to / payload,
		.from = from % payload / bytes,
		.to = to % payload / bytes,
	};
	struct mapping mapping = block_map_get(&copying->from->map, stretch.from_index);
	uint32_t written = mapping_written(&fs->space, mapping) >> stretch.from;
	uint32_t furthest = stretch.from > stretch.to ? stretch.from : stretch.to;
	uint32_t most = minimum((end - copying->planned + bytes - 1) / bytes,
		fs->space.geometry.per_block - furthest);
	stretch.written = written & 1;
	/* the first that is not as the first one is ends it */
	uint32_t other = (stretch.written ? ~written : written) & fragment_set(0, most);
	stretch.count = other ? (uint32_t)__builtin_ctz(other) : most;
	return stretch;
}

/* The segments that copy what STRETCH has, all of which is allocated in the target. */
static void add_segments(
	const struct copying *copying, struct store_job *job, const struct stretch *stretch)
{
	const struct space *space = &copying->fs->space;
	struct mapping from = block_map_get(&copying->from->map, stretch->from_index);
	struct mapping to = block_map_get(&copying->to->map, stretch->to_index);
	uint32_t bytes = space->geometry.bytes;
	uint32_t sources = fragment_set(stretch->from, stretch->count), fragment;
	struct fragment_run source, target;
	while (mapping_next_run(space, from, &sources, &fragment, &source)) {
		uint32_t first = stretch->to + (fragment - stretch->from);
		uint32_t targets = fragment_set(first, source.count);
		while (mapping_next_run(space, to, &targets, &fragment, &target)) {
			job->segments[job->segment_count++] = (struct kernel_segment){
				.block = target.block,
				.first = target.first * bytes,
				.count = target.count * bytes,
				.source = source.block,
				.source_first = (source.first + (fragment - first)) * bytes,
			};
		}
	}
}

/* Plan STRETCH, or as much of it as there is space for, which becomes its count.
 * called with both inodes' locks held */
static err_t plan_stretch(
	const struct copying *copying, struct store_job *job, struct stretch *stretch)
{
	uint32_t targets = fragment_set(stretch->to, stretch->count);
	if (!stretch->written) {
		file_release(copying->fs, copying->to, stretch->to_index, targets);
		return 0;
	}
	uint32_t got = file_take(copying->fs, copying->to, stretch->to_index, targets, true);
	if (got == 0)
		return -ENOSPC;
	stretch->count = (uint32_t)__builtin_popcount(got);
	add_segments(copying, job, stretch);
	return 0;
}

/* How far whole fragments reach in the range. The source may have become shorter.
 * called with both inodes' locks held */
static uint64_t fragments_end(struct copying *copying)
{
	const struct fs_copy *copy = copying->copy;
	uint64_t size = copying->from->size, end;
	if (size < copy->from_offset + copying->length)
		copying->length = size > copy->from_offset + copying->planned
					  ? size - copy->from_offset
					  : copying->planned;
	end = copying->length;
	uint32_t rest = (copy->from_offset + end) % copying->fs->space.geometry.bytes;
	bool is_all = copy->from_offset + end == size && copy->to_offset + end >= copying->to->size;
	if (rest > 0 && !is_all)
		end = end - copying->planned > rest ? end - rest : copying->planned;
	return end;
}

/* Plan as much as goes into one job; RET_MORE says whether something is left for the next.
 * called with both inodes' locks held */
static err_t plan(struct copying *copying, struct store_job *job, bool *ret_more)
{
	uint64_t before = copying->planned, end = fragments_end(copying);
	int err = 0;
	while (copying->planned < end && !err &&
		job->segment_count + FRAGMENTS_MAX <= STORE_JOB_SEGMENTS) {
		struct stretch stretch = stretch_at(copying, end);
		err = plan_stretch(copying, job, &stretch);
		if (!err)
			copying->planned +=
				(uint64_t)stretch.count * copying->fs->space.geometry.bytes;
		if (copying->planned > end)
			copying->planned = end;
	}
	if (copying->planned > before)
		file_was_written(copying->to, copying->copy->to_offset + copying->planned,
			copying->copy->kill_suidgid);
	*ret_more = !err && copying->planned < end;
	return err;
}

static void job_ending(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct copying *copying = job->user;
	err = damage_settle(&copying->fs->damage, job, err, outcome);
	if (err)
		atomic_store(&copying->err, err);
}

static void job_done(struct store_job *job, int err, const struct store_outcome *outcome)
{
	struct copying *copying = job->user;
	(void)err;
	(void)outcome;
	atomic_fetch_sub(&copying->in_flight, 1); /* COPYING may be gone after this */
}

static void submit(struct copying *copying, struct store_job *job)
{
	if (job->segment_count == 0) {
		store_job_drop(job);
		return;
	}
	job->kernel = KERNEL_COPY;
	job->ending = job_ending;
	job->done = job_done;
	job->user = copying;
	atomic_fetch_add(&copying->in_flight, 1);
	store_submit(job);
}

static void wait_until_in_flight(struct copying *copying, unsigned count)
{
	while (atomic_load(&copying->in_flight) > count)
		store_wait(copying->queue);
}

/* Copy whole fragments, from the beginning of one. */
static err_t copy_fragments(struct copying *copying)
{
	struct inode *const inodes[] = {copying->from, copying->to};
	bool more = true;
	int err = 0;
	copying->planned = copying->copied;
	while (more && !atomic_load(&copying->err)) {
		wait_until_in_flight(copying, JOBS_IN_FLIGHT - 1);
		struct store_job *job = take_job(copying->queue);
		job->segment_count = 0;
		inode_lock_all(inodes, 2);
		err = plan(copying, job, &more);
		submit(copying, job);
		inode_unlock_all(inodes, 2);
	}
	wait_until_in_flight(copying, 0);
	if (atomic_load(&copying->err))
		return atomic_load(&copying->err);
	copying->copied = copying->planned;
	return err;
}

struct move {
	ssize_t result;
	_Atomic bool ended;
};

static void move_done(struct fs_io *io, ssize_t result)
{
	struct move *move = io->user;
	move->result = result;
	atomic_store(&move->ended, true); /* IO may be gone after this */
}

/* Read or write between a file and the buffer, and wait. */
static ssize_t move_bytes(struct copying *copying,
	void (*start)(struct fs *fs, struct store_queue *queue, struct fs_io *io), uint64_t ino,
	uint64_t offset, uint32_t length)
{
	struct move move = {.result = 0};
	struct fs_io io = {
		.ino = ino,
		.offset = offset,
		.length = length,
		.buffer = copying->copy->buffer,
		.buffer_offset = copying->copy->buffer_offset,
		.kill_suidgid = copying->copy->kill_suidgid,
		.done = move_done,
		.user = &move,
	};
	atomic_init(&move.ended, false);
	start(copying->fs, copying->queue, &io);
	while (!atomic_load(&move.ended))
		store_wait(copying->queue);
	return move.result;
}

/* Make the next LENGTH bytes of the target a hole. */
static err_t copy_hole(struct copying *copying, uint64_t length)
{
	const struct fs_copy *copy = copying->copy;
	uint64_t to = copy->to_offset + copying->copied;
	int err = fs_allocate(copying->fs, copying->queue, copy->to,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, to, length);
	if (err)
		return err;
	pthread_mutex_lock(&copying->to->lock);
	file_was_written(copying->to, to + length, copy->kill_suidgid);
	pthread_mutex_unlock(&copying->to->lock);
	copying->copied += length;
	return 0;
}

/* Copy up to LENGTH bytes that are no hole through the buffer, as many as it holds. */
static err_t copy_through_buffer(struct copying *copying, uint64_t length)
{
	const struct fs_copy *copy = copying->copy;
	uint32_t most = minimum(copy->capacity, FS_IO_MAX);
	ssize_t got = move_bytes(copying, fs_read, copy->from, copy->from_offset + copying->copied,
		minimum(length, most));
	if (got <= 0) {
		copying->length = copying->copied; /* the source has become shorter */
		return (int)got;
	}
	got = move_bytes(
		copying, fs_write, copy->to, copy->to_offset + copying->copied, (uint32_t)got);
	if (got < 0)
		return (int)got;
	copying->copied += (uint64_t)got;
	return 0;
}

/* Copy what is left before END of the range without the device's help. */
static err_t copy_bytes(struct copying *copying, uint64_t end)
{
	const struct fs_copy *copy = copying->copy;
	int err = 0;
	while (!err && copying->copied < end && copying->copied < copying->length) {
		uint64_t at = copy->from_offset + copying->copied, last = copy->from_offset + end;
		uint64_t next;
		err = fs_seek(copying->fs, copy->from, at, SEEK_HOLE, &next);
		if (err == -ENXIO) {
			copying->length = copying->copied; /* the source has become shorter */
			return 0;
		}
		if (!err && next > at) {
			err = copy_through_buffer(copying, (next < last ? next : last) - at);
			continue;
		}
		if (!err)
			err = fs_seek(copying->fs, copy->from, at, SEEK_DATA, &next);
		if (err == -ENXIO) {
			next = last;
			err = 0;
		}
		if (!err)
			err = copy_hole(copying, (next < last ? next : last) - at);
	}
	return err;
}

/* Whole fragments where they lie alike, and the rest before and behind them. */
static err_t copy_all(struct copying *copying)
{
	const struct fs_copy *copy = copying->copy;
	uint32_t bytes = copying->fs->space.geometry.bytes;
	uint32_t within = copy->from_offset % bytes;
	if (within != copy->to_offset % bytes)
		return copy_bytes(copying, copying->length);
	int err = copy_bytes(copying, minimum(copying->length, (bytes - within) % bytes));
	if (!err)
		err = copy_fragments(copying);
	if (!err)
		err = copy_bytes(copying, copying->length);
	return err;
}

/* Whether copying is allowed, and how much there is to be copied at most, as copy_file_range(2) has
 * it. called with both inodes' locks held */
static err_t find_length(struct copying *copying)
{
	const struct fs_copy *copy = copying->copy;
	uint64_t size = copying->from->size, length = copy->length;
	if (inode_immutable(copying->to))
		return -EPERM;
	if (copy->from_offset >= size || length == 0)
		return 0;
	if (length > size - copy->from_offset)
		length = size - copy->from_offset;
	if (copy->to_offset >= (uint64_t)FS_SIZE_MAX)
		return -EFBIG;
	if (length > (uint64_t)FS_SIZE_MAX - copy->to_offset)
		length = (uint64_t)FS_SIZE_MAX - copy->to_offset;
	if (copying->from == copying->to && copy->from_offset < copy->to_offset + length &&
		copy->to_offset < copy->from_offset + length)
		return -EINVAL;
	if (length > FS_COPY_MAX) {
		/* to where a fragment ends, so that the next call begins with one */
		length = FS_COPY_MAX;
		length -= (copy->from_offset + length) % copying->fs->space.geometry.bytes;
	}
	copying->length = length;
	return 0;
}

static err_t copy_inodes(struct copying *copying)
{
	struct inode *const inodes[] = {copying->from, copying->to};
	inode_lock_all(inodes, 2);
	int err = find_length(copying);
	if (!err && copying->length > 0)
		inode_touch_atime(copying->fs, copying->from);
	inode_unlock_all(inodes, 2);
	if (!err && copying->length > 0)
		err = copy_all(copying);
	return err;
}

ssize_t fs_copy(struct fs *fs, struct store_queue *queue, const struct fs_copy *copy)
{
	struct copying copying = {.copy = copy, .fs = fs, .queue = queue};
	atomic_init(&copying.in_flight, 0);
	atomic_init(&copying.err, 0);
	int err = inode_get_typed(fs, copy->from, S_IFREG, -EINVAL, &copying.from);
	if (err)
		return err;
	err = inode_get_typed(fs, copy->to, S_IFREG, -EINVAL, &copying.to);
	if (!err) {
		err = copy_inodes(&copying);
		inode_put(fs, copying.to, 1);
	}
	inode_put(fs, copying.from, 1);
	return copying.copied > 0 ? (ssize_t)copying.copied : err;
}
