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

/*
 * Answer INIT, call READY (which may be NULL), then let the threads serve until the connection ends
 * or transport_dev_stop() is called. FD is /dev/fuse, opened for this connection; it stays the
 * caller's. 0 at the end; -EPROTO if the kernel is too old; -errno if /dev/fuse failed.
 */
err_t transport_dev_serve(
	struct transport_dev *transport, int fd, void (*ready)(void *user), void *user);

/* Let the threads end what they are doing, and no more: transport_dev_serve() returns. From any
 * thread. */
void transport_dev_stop(struct transport_dev *transport);

#endif
