/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The bytes of files. READ and WRITE are started here and answered by the `done` of their fs_io,
 * once the device has moved the bytes: straight into the memory that the reply is sent from, and
 * straight out of that into which the request was read.
 */
#include "fuse/handlers.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

/* FOPEN_KEEP_CACHE lets cached and mapped pages outlive an open: nothing but the kernel changes a
 * file. Only where a read is to change the access time it must come to us. FOPEN_NOFLUSH would save
 * nothing (FLUSH is never sent), and closing a file that was written through a mapping must report
 * what went wrong with that. */
void fuse_fill_open(struct fuse_connection *connection, const struct fs_attr *attr, uint32_t flags,
	struct fuse_open_out *ret_open)
{
	bool reads_count = !(flags & O_NOATIME) && fs_access_time_is_due(connection->fs, attr);

	*ret_open = (struct fuse_open_out){.open_flags = reads_count ? 0 : FOPEN_KEEP_CACHE};
	if (!connection->direct_io || open_modes_enter(connection->open_modes, attr->ino, flags))
		ret_open->fh = FH_CACHED;
	else
		ret_open->open_flags |= FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;
}

int fuse_handle_open(struct fuse_request *request)
{
	const struct fuse_open_in *in = request->argument;
	struct fs *fs = request->connection->fs;
	uint64_t ino = request->header->nodeid;
	struct fs_changes changes = {};
	struct fuse_open_out out;
	struct fs_attr attr;
	bool append_only;
	int err = fs_check_open(fs, ino, (int)in->flags, &attr, &append_only);

	if (!err && (in->flags & O_TRUNC)) {
		changes.valid = FS_SET_SIZE | FS_SET_MTIME_NOW;
		if (in->open_flags & FUSE_OPEN_KILL_SUIDGID)
			changes.valid |= FS_KILL_SUIDGID;
		err = fs_set_attr(fs, ino, &changes, &attr);
	}
	if (err)
		return err;
	fuse_fill_open(request->connection, &attr, in->flags, &out);
	if (append_only)
		out.fh |= FH_APPEND_ONLY;
	fuse_reply(request, &out, sizeof(out));
	return 0;
}

static void read_done(struct fs_io *io, ssize_t result)
{
	struct fuse_request *request = io->user;

	if (result < 0)
		fuse_reply_error(request, (int)result);
	else
		fuse_reply(request, fuse_reply_area(request), (size_t)result);
}

int fuse_handle_read(struct fuse_request *request)
{
	const struct fuse_read_in *in = request->argument;

	if (in->size > FS_IO_MAX || in->size > request->reply_capacity || in->offset > FS_SIZE_MAX)
		return -EINVAL;
	request->io = (struct fs_io){
		.ino = request->header->nodeid,
		.offset = in->offset,
		.length = in->size,
		.buffer = request->buffer,
		.buffer_offset = request->reply_offset,
		.keep_atime = in->flags & O_NOATIME,
		.done = read_done,
		.user = request,
	};
	fs_read(request->connection->fs, request->queue, &request->io);
	return 0;
}

static void write_done(struct fs_io *io, ssize_t result);

/* Write what is still to be written. */
static void write_rest(struct fuse_request *request)
{
	const struct fuse_write_in *in = request->argument;
	const uint8_t *data = (const uint8_t *)request->data + request->written;

	request->io = (struct fs_io){
		.ino = request->header->nodeid,
		.offset = in->offset + request->written,
		.length = in->size - request->written,
		.buffer = request->buffer,
		.buffer_offset = (size_t)(data - store_buffer_bytes(request->buffer)),
		.kill_suidgid = in->write_flags & FUSE_WRITE_KILL_SUIDGID,
		.done = write_done,
		.user = request,
	};
	fs_write(request->connection->fs, request->queue, &request->io);
}

static void write_done(struct fs_io *io, ssize_t result)
{
	struct fuse_request *request = io->user;
	const struct fuse_write_in *in = request->argument;
	struct fuse_write_out out = {};
	bool short_of_space = result == -ENOSPC || (result >= 0 && result < io->length);

	if (result > 0)
		request->written += (uint32_t)result;
	if (short_of_space && fuse_wait_for_space(request))
		return;
	if (in->write_flags & FUSE_WRITE_CACHE)
		fuse_outdate_attributes(request);
	out.size = request->written;
	if (result < 0 && request->written == 0)
		fuse_reply_error(request, (int)result);
	else
		fuse_reply(request, &out, sizeof(out));
}

int fuse_handle_write(struct fuse_request *request)
{
	const struct fuse_write_in *in = request->argument;

	if (in->size > FS_IO_MAX || in->size > request->data_bytes)
		return -EIO;
	/* O_APPEND may be taken from an open file, and one may be mapped */
	if ((in->fh & FH_APPEND_ONLY) && !(in->flags & O_APPEND))
		return -EPERM;
	if (in->offset > FS_SIZE_MAX - in->size)
		return -EFBIG;
	/* Of O_DIRECT on a cached file the kernel takes a short answer for EIO. So there must be
	 * space for all of it before the first byte is written. */
	if ((in->flags & O_DIRECT) && (in->fh & FH_CACHED)) {
		int err = fs_allocate(request->connection->fs, request->queue,
			request->header->nodeid, FALLOC_FL_KEEP_SIZE, in->offset, in->size);

		if (err == -ENOSPC)
			return err;
	}
	write_rest(request);
	return 0;
}

int fuse_handle_fallocate(struct fuse_request *request)
{
	const struct fuse_fallocate_in *in = request->argument;
	int err;

	if (in->length == 0 || in->offset > FS_SIZE_MAX)
		return -EINVAL;
	if (in->length > FS_SIZE_MAX - in->offset)
		return -EFBIG;
	err = fs_allocate(request->connection->fs, request->queue, request->header->nodeid,
		(int)in->mode, in->offset, in->length);
	/* The kernel has a flag for it with WRITE, but not here. */
	if (!err && request->header->uid != 0) {
		struct fs_changes changes = {.valid = FS_KILL_SUIDGID};
		struct fs_attr attr;

		err = fs_set_attr(
			request->connection->fs, request->header->nodeid, &changes, &attr);
	}
	if (err)
		return err;
	fuse_outdate_attributes(request);
	fuse_reply(request, NULL, 0);
	return 0;
}

int fuse_handle_release(struct fuse_request *request)
{
	struct fs_attr attr;
	int err;

	if (request->connection->direct_io)
		open_modes_leave(request->connection->open_modes, request->header->nodeid);
	err = fs_get_attr(request->connection->fs, request->header->nodeid, &attr);
	/* A file that was open without a name goes only now. */
	if (err || attr.nlink == 0)
		fuse_note_removal(request->connection);
	fuse_reply(request, NULL, 0);
	return 0;
}

int fuse_handle_lseek(struct fuse_request *request)
{
	const struct fuse_lseek_in *in = request->argument;
	struct fuse_lseek_out out;
	int err;

	if (in->whence != SEEK_DATA && in->whence != SEEK_HOLE)
		return -EINVAL;
	if (in->offset > FS_SIZE_MAX)
		return -ENXIO;
	err = fs_seek(request->connection->fs, request->header->nodeid, in->offset, (int)in->whence,
		&out.offset);
	if (err)
		return err;
	fuse_reply(request, &out, sizeof(out));
	return 0;
}
