/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * copy_file_range(2), which cp(1) uses too: the one request that names two files. What has to pass
 * through host memory passes through the part of the request's buffer in which replies are made.
 *
 * The kernel has written back what is dirty of the source, and forgets what it has cached of the
 * target afterwards. It leaves the clearing of setuid and setgid to us without saying whether the
 * caller may keep them; root may.
 */
#include "fuse/handlers.h"

static ssize_t copy_file_range_of(struct fuse_request *request)
{
	const struct fuse_copy_file_range_in *in = request->argument;
	struct fs_copy copy = {
		.from = request->header->nodeid,
		.from_offset = in->off_in,
		.to = in->nodeid_out,
		.to_offset = in->off_out,
		.length = in->len,
		.buffer = request->buffer,
		.buffer_offset = request->reply_offset,
		.capacity = request->reply_capacity,
		.kill_suidgid = request->header->uid != 0,
	};

	if (in->flags != 0)
		return -EINVAL;
	if (in->fh_out & FH_APPEND_ONLY)
		return -EPERM;
	return fs_copy(request->connection->fs, request->queue, &copy);
}

/* The reply has 32 bits for the count, which is at most FS_COPY_MAX. */
int fuse_handle_copy_file_range(struct fuse_request *request)
{
	ssize_t copied = copy_file_range_of(request);
	struct fuse_write_out out = {.size = (uint32_t)copied};

	if (copied < 0)
		return (int)copied;
	fuse_reply(request, &out, sizeof(out));
	return 0;
}

int fuse_handle_copy_file_range_64(struct fuse_request *request)
{
	ssize_t copied = copy_file_range_of(request);
	struct fuse_copy_file_range_out out = {.bytes_copied = (uint64_t)copied};

	if (copied < 0)
		return (int)copied;
	fuse_reply(request, &out, sizeof(out));
	return 0;
}
