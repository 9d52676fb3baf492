/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_TRANSPORT_DEV_H
#define VRAMFS_FUSE_TRANSPORT_DEV_H

#include "fuse/request.h"

/* Requests and replies over /dev/fuse. */
struct transport_dev;

/* Take the memory for THREADS threads. FD is /dev/fuse, opened for this connection; it stays the
 * caller's. */
err_t transport_dev_new(struct fuse_connection *connection, int fd, unsigned threads,
	struct transport_dev **ret_transport);
void transport_dev_free(struct transport_dev *transport);

/*
 * Answer INIT, call READY (which may be NULL), then serve with the calling thread and others until
 * the connection ends. 0 then; -EPROTO if the kernel is too old; -errno if /dev/fuse failed.
 */
err_t transport_dev_serve(struct transport_dev *transport, void (*ready)(void *user), void *user);

#endif
