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
	bool offers_uring;             /* io_uring is there for the kernel to use */
	bool initialised, refused;     /* INIT was answered well; or with an error */
	bool uses_uring;               /* the kernel waits for the rings */
	bool direct_io;                /* the kernel can map files that bypass its cache */
	struct open_modes *open_modes; /* the owner of the connection makes and frees it */
	struct fuse_counts counts;
	_Atomic int64_t last_removal_ns; /* fuse_note_removal() */
};

struct fuse_request;

/* What a transport does with the requests that are its own. Each may be called on another thread
 * than that of fuse_dispatch(), and before that returns. */
struct fuse_transport {
	/* Send HEADER and the (HEADER->len - sizeof *HEADER) bytes of BODY as the reply; HEADER is
	 * NULL where the kernel expects none. From then on the request is the transport's again.
	 * What can't be delivered is dropped: it means that the connection is gone. */
	void (*reply)(struct fuse_request *request, const struct fuse_out_header *header,
		const void *body);
	/* Send, before the reply, a notification: `unique` is 0. */
	void (*notify)(struct fuse_request *request, const struct fuse_out_header *header,
		const void *body);
	/* The request can't go on now: call fuse_resume() once request->resume_at_ns has come, on a
	 * thread that serves nothing else meanwhile. False if there is none to be had. NULL: never
	 * is. */
	bool (*set_aside)(struct fuse_request *request);
	/* A thread that dispatches has several requests under way: those that keep it waiting for
	 * the device are to be set aside. */
	bool shares_threads;
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
	const struct fuse_transport *transport;
	void *transport_data;

	int64_t resume_at_ns;      /* of CLOCK_MONOTONIC: when to go on with what was set aside */
	struct fuse_request *next; /* the transport's: in a list of those */

	/* The dispatcher's */
	struct fs_name names[2];
	struct fs_io io;
	uint32_t written; /* WRITE: what earlier tries have done */
	unsigned waits;   /* fuse_wait_for_space(), and whether it is tried for the last time */
	bool last_try;
};

static inline uint8_t *fuse_reply_area(const struct fuse_request *request)
{
	return store_buffer_bytes(request->buffer) + request->reply_offset;
}

/* How many bytes OPCODE's fixed argument has (0 for an unknown one): what a transport needs to know
 * that gets argument and data in one piece. */
size_t fuse_argument_bytes(uint32_t opcode);

/*
 * Carry out a request. When this returns it has been replied to, or set aside, or, where it moves
 * data, a `done` replies (or sets it aside) that runs when request->queue is polled. Malformed
 * requests are answered with -EIO, unknown ones with -ENOSYS. For a profiler the call is a range
 * with the opcode's name (base/trace.h).
 */
void fuse_dispatch(struct fuse_request *request);

/* Go on with a request that was set aside, as fuse_dispatch() does. */
void fuse_resume(struct fuse_request *request);

/* For handlers: answer, once. ERR is negative. */
void fuse_reply(struct fuse_request *request, const void *body, size_t bytes);
void fuse_reply_error(struct fuse_request *request, int err);

/* For handlers, before the answer: attributes of the request's inode that were told so far don't
 * count, even if they are still on their way. */
void fuse_outdate_attributes(struct fuse_request *request);

#endif
