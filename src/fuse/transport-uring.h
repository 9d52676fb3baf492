/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_TRANSPORT_URING_H
#define VRAMFS_FUSE_TRANSPORT_URING_H

#include "fuse/request.h"

/*
 * Requests and replies over io_uring (Linux 6.14). What has no reply (FORGET, INTERRUPT) comes over
 * /dev/fuse all the same, so a transport_dev serves beside it.
 */
struct transport_uring;

/*
 * May it be used here? ASKED: somebody asked for it. Where the kernel has it but it is switched
 * off, and we may, it is switched on. -EOPNOTSUPP the kernel has none or, unless ASKED, one with
 * known flaws; -EPERM it is switched off. WHY says what to do.
 */
err_t transport_uring_check(bool asked, struct why *why);

/* Make everything that it needs; on THREADS threads, 0: one a processor. To be done before INIT is
 * answered, after which the kernel sends nothing until transport_uring_start(). */
err_t transport_uring_new(struct fuse_connection *connection, unsigned threads,
	struct transport_uring **ret_transport, struct why *why);

/* Begin to serve. FD is /dev/fuse, opened for this connection; it stays the caller's. If this fails
 * the kernel sends its requests over /dev/fuse instead; -ENOTCONN if it can't even be told so. */
err_t transport_uring_start(struct transport_uring *transport, int fd);

/* End what is under way, and no more. From any thread. */
void transport_uring_stop(struct transport_uring *transport);

/* Wait until the connection has ended or, after transport_uring_stop(), what is under way; then
 * free. NULL is allowed. */
void transport_uring_free(struct transport_uring *transport);

#endif
