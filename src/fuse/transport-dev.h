/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_TRANSPORT_DEV_H
#define VRAMFS_FUSE_TRANSPORT_DEV_H

#include "fuse/request.h"

/* Requests and replies over /dev/fuse. */
struct transport_dev;

/* Take the memory for THREADS threads. */
err_t transport_dev_new(
	struct fuse_connection *connection, unsigned threads, struct transport_dev **ret_transport);
void transport_dev_free(struct transport_dev *transport);

/* Take the memory for more threads, until there are THREADS. -ENOMEM: only some more. */
err_t transport_dev_grow(struct transport_dev *transport, unsigned threads);

/* Answer INIT, the first request. FD is /dev/fuse, opened for this connection; it stays the
 * caller's. -EPROTO if the kernel is too old; -ENODEV unmounted before it began; -errno if
 * /dev/fuse failed. */
err_t transport_dev_answer_init(struct transport_dev *transport, int fd);

/*
 * Let the threads serve until the connection ends or transport_dev_stop() is called. Calls READY
 * (which may be NULL) once they do. 0 at the end; -errno if /dev/fuse failed.
 */
err_t transport_dev_serve(
	struct transport_dev *transport, int fd, void (*ready)(void *user), void *user);

/* Let the threads end what they are doing, and no more: transport_dev_serve() returns. From any
 * thread. */
void transport_dev_stop(struct transport_dev *transport);

/* Write a reply or a notification to FD, which is /dev/fuse; BODY may be NULL. What can't be
 * delivered is dropped: it means that the request or the connection is gone. */
void transport_dev_send(int fd, const struct fuse_out_header *header, const void *body);

/* Name the calling thread KIND-NUMBER for those who look at this process, with ps or with a
 * profiler. KIND has at most 11 characters. */
void transport_dev_name_thread(const char *kind, unsigned number);

/* Each thread's buffer, and where in it requests are read to: see the top of transport-dev.c. */
#define TRANSPORT_DEV_PAGE ((size_t)4096)
#define TRANSPORT_DEV_BUFFER_BYTES (TRANSPORT_DEV_PAGE + FS_IO_MAX)
#define TRANSPORT_DEV_REQUEST_OFFSET \
	(TRANSPORT_DEV_PAGE - sizeof(struct fuse_in_header) - sizeof(struct fuse_write_in))

/* Make a request of REQUEST_BYTES bytes that were read to their place in BUFFER: set what of it
 * depends on them. False if they are none: shorter than a header, or of another length than it
 * says. */
bool transport_dev_parse(
	struct fuse_request *request, struct device_pinned *buffer, size_t request_bytes);

#endif
