/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_GATHER_H
#define VRAMFS_FS_GATHER_H

#include "fs/data.h"

/*
 * Moving what a write has made full, but has its fragments in several blocks, into one block. A
 * gathering is a part of one write request; all is called with the inode's lock held.
 */
#define GATHER_MAX 10u /* block indices that a request of FS_IO_MAX bytes can touch */

struct gathering {
	struct store_job *job; /* NULL while there is nothing to move */
	struct mapping left[GATHER_MAX];
	unsigned left_count;
};

/* If INDEX should be gathered and an untouched block and a job of QUEUE are to be had at once, plan
 * it and change the file's map. To be called on a zeroed gathering, and then once for each index
 * that the request has written to. */
void gather(struct gathering *gathering, struct fs *fs, struct store_queue *queue,
	struct inode *inode, uint64_t index);

/* The job to be submitted, behind the job that writes, with job->kernel and segments filled; NULL
 * if there is none. */
struct store_job *gathering_job(const struct gathering *gathering);

/* Give back the fragments that were left. To be called when all jobs have been submitted. */
void gathering_release(struct gathering *gathering, struct fs *fs);

#endif
