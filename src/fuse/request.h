/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_REQUEST_H
#define VRAMFS_FUSE_REQUEST_H

#include "base/err.h"
#include "fs/fs.h"
#include "fuse/counts.h"
#include "fuse/fuse.h"
#include "fuse/open-modes.h"
#include "fuse/protocol.h"

#include <stdatomic.h>
#include <stdbool.h>

/*
 * What stands between a transport, which moves requests and replies, and the dispatcher, which
 * carries them out. Neither knows how the other works.
 */

/* One kernel connection: what requests are carried out on. Filled before the first request; INIT,
 * which comes alone, sets the rest. */
struct fuse_connection {
	struct fs *fs;
	struct fuse_control control;
	bool initialised, refused;     /* INIT was answered well; or with an error */
	bool direct_io;                /* the kernel can map files that bypass its cache */
	struct open_modes *open_modes; /* the owner of the connection makes and frees it */
	struct fuse_counts counts;
	_Atomic int64_t last_removal_ns; /* fuse_note_removal() */
};

/*
 * One request, owned by a transport, which fills the first part. The memory that header, argument
 * and data point to must not change before the reply.
 */
struct fuse_request {
	struct fuse_connection *connection;
	struct store_queue *queue; /* of the thread that dispatches */
	unsigned thread;           /* its number */
	const struct fuse_in_header *header;
	const void *argument; /* the fixed argument of the opcode */
	size_t argument_bytes;
	const char *data; /* what follows it: names, or what a WRITE writes */
	size_t data_bytes;
	/* Pinned memory in which a WRITE's data is and a reply's body may be made; the part for
	 * replies overlaps nothing of the request. */
	struct device_pinned *buffer;
	size_t reply_offset, reply_capacity;
	/* Send HEADER and the (HEADER->len - sizeof *HEADER) bytes of BODY: the reply, or before it
	 * notifications (`unique` 0). What can't be delivered is dropped: it means that the
	 * connection is gone. */
	void (*send)(struct fuse_request *request, const struct fuse_out_header *header,
		const void *body);
	void *transport;

	/* Set when the request has been answered, or needs no answer: from then on it is the
	 * transport's again. May happen on another thread than that of fuse_dispatch(). */
	atomic_bool answered;

	/* The dispatcher's */
	struct fs_name names[2];
	struct fs_io io;
	uint32_t written; /* WRITE: what earlier tries have done */
	unsigned waits;   /* fuse_wait_for_space() */
};

static inline uint8_t *fuse_reply_area(const struct fuse_request *request)
{
	return store_buffer_bytes(request->buffer) + request->reply_offset;
}

/* How many bytes OPCODE's fixed argument has (0 for an unknown one): what a transport needs to know
 * that gets argument and data in one piece. */
size_t fuse_argument_bytes(uint32_t opcode);

/*
 * Carry out a request. It is answered when this returns or, for those that move data, by a `done`
 * that runs when request->queue is polled. Malformed requests are answered with -EIO, unknown ones
 * with -ENOSYS.
 */
void fuse_dispatch(struct fuse_request *request);

/* For handlers: answer, once. ERR is negative. */
void fuse_reply(struct fuse_request *request, const void *body, size_t bytes);
void fuse_reply_error(struct fuse_request *request, int err);

/* For handlers, before the answer: attributes of the request's inode that were told so far don't
 * count, even if they are still on their way. */
void fuse_outdate_attributes(struct fuse_request *request);

#endif
