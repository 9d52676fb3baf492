/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_DATA_H
#define VRAMFS_FS_DATA_H

#include "fs/inode.h"

/*
 * What everything that moves, zeroes or copies a file's bytes shares. All of it is called with the
 * inode's lock held unless it says otherwise. The rules that keep bytes apart:
 *
 * A fragment that is written has all its bytes initialised, and those behind the end of the file
 * are zero (mapping.h). So the first write into a fragment zeroes the rest of it in the same
 * launch, and whatever cuts a file zeroes the rest of the fragment that it cuts.
 *
 * A job on fragments is submitted before they are given back, and in the hold of the inode's lock
 * in which they were found or taken. So the jobs of a fragment's next owner stand behind it.
 *
 * Every job on files' bytes calls damage_settle() when it ends (damage.h).
 */

/* A stretch of a file that lies within one block index. */
struct piece {
	uint64_t index;        /* which */
	uint32_t first, count; /* bytes of it */
};

/* As much of bytes OFFSET..END-1 of a file as lies in the block index where they begin. */
struct piece piece_at(const struct fs *fs, uint64_t offset, uint64_t end);

/* The sets of fragments that have some, and that have all of their bytes in the piece. */
uint32_t piece_touched(const struct fs *fs, const struct piece *piece);
uint32_t piece_covered(const struct fs *fs, const struct piece *piece);

/* What lies of the piece in RUN, which has FRAGMENT and those behind it: the segment of its bytes,
 * with a payload that counts from the beginning of the piece. It zeroes nothing beside them. */
struct kernel_segment piece_segment(const struct fs *fs, const struct piece *piece,
	uint32_t fragment, const struct fragment_run *run);

/* Allocate what the file lacks of SET at INDEX, as mapping_take() does; 0 if there was nothing. */
uint32_t file_take(struct fs *fs, struct inode *inode, uint64_t index, uint32_t set, bool write);

/* What is to be written of a file, and where. */
struct target {
	struct mapping mapping; /* all of the piece is written in it */
	/* Fragments whose bytes in front of the piece are to become zero, and those whose bytes
	 * behind it are: where nothing was written before, and behind the end of the file. */
	uint32_t zero_before, zero_behind;
};

/* Prepare for a write of all of PIECE: allocate what it lacks. Cuts the piece to what there is
 * space for; -ENOSPC if there is none. From now on the piece counts as written, so the caller
 * submits jobs that write or zero each of its bytes. */
err_t file_prepare_write(
	struct fs *fs, struct inode *inode, struct piece *piece, struct target *ret_target);

/* What every write does to the inode: END is where the bytes that were written end. */
void file_was_written(struct inode *inode, uint64_t end, bool kill_suidgid);

/* Give back what is allocated of SET at INDEX; of all indices FIRST..LAST. */
void file_release(struct fs *fs, struct inode *inode, uint64_t index, uint32_t set);
void file_release_range(struct fs *fs, struct inode *inode, uint64_t first, uint64_t last);

/* A free job of the queue, waiting for one if need be: to be called without any lock. */
struct store_job *take_job(struct store_queue *queue);

/*
 * The zeroing of what is left at the edges of a range of a file, where whole fragments need no job.
 * zeroing_open() and zeroing_close() are called without any lock, the others with the inode's in
 * between: add, any number of times, at most two written fragments that a piece has only a part of
 * in all; then submit. Close waits: 0 or -EIO.
 */
struct zeroing {
	struct fs *fs;
	struct store_queue *queue;
	struct store_job *job; /* NULL once it is submitted or dropped */
	int err;
	_Atomic bool ended;
};
void zeroing_open(struct zeroing *zeroing, struct fs *fs, struct store_queue *queue);
void zeroing_submit(struct zeroing *zeroing);
err_t zeroing_close(struct zeroing *zeroing);

/* Make PIECE read as zeros: its whole fragments are given back with PUNCH and stay allocated
 * without; ZEROING has what is left at its edges. */
void file_clear(
	struct zeroing *zeroing, struct inode *inode, const struct piece *piece, bool punch);

#endif
