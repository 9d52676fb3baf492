/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The kernel has a queue for each processor that there may ever be, and puts a request into that of
 * the processor on which the program runs; each must have an entry, or nothing is sent at all. We
 * have a ring, with a thread, for each processor that we may run on, where it usually stays
 * (ring-place.c). Queues of processors that we may not use, or that are absent, are spread over the
 * rings.
 */
#include "fuse/transport-uring.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "fuse/ring.h"
#include "fuse/waiting-room.h"

#include <fcntl.h>
#include <liburing.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#define SWITCH "/sys/module/fuse/parameters/enable_uring"

/* Before, a mount that is killed at the wrong moment corrupts a list of the kernel's
 * (CVE-2025-68805). */
#define MAJOR_GOOD 6
#define MINOR_GOOD 18
#define PATCH_GOOD 3

/* A program with more requests in flight than a queue has entries finds the others copied with the
 * replies, by several processors (ring-rounds.c). One program with 16 requests of 1 MiB, on an
 * H200: reads 16, writes 14 GB/s; with 12 entries 22 and 12, with 16 of them 28 and 6. */
#define DEPTH_MAX 8u
/* Payloads are pinned: not more of them than this, as long as each queue has one. */
#define PAYLOADS_MAX 256u

struct transport_uring {
	struct waiting_room *waiting_room;
	struct rings rings;
};

static bool kernel_is_good(void)
{
	struct utsname name;
	int major = 0, minor = 0, patch = 0;

	uname(&name);
	sscanf(name.release, "%d.%d.%d", &major, &minor, &patch);
	if (major != MAJOR_GOOD)
		return major > MAJOR_GOOD;
	return minor != MINOR_GOOD ? minor > MINOR_GOOD : patch >= PATCH_GOOD;
}

err_t transport_uring_check(bool asked, struct why *why)
{
	CLEANUP(close_p) int fd = open(SWITCH, O_RDONLY | O_CLOEXEC);
	char value = 'N';

	if (fd < 0 || read(fd, &value, 1) != 1)
		return why_fail(why, EOPNOTSUPP,
			"the kernel has no FUSE over io_uring (no " SWITCH
			"): it needs Linux 6.14 or newer with CONFIG_FUSE_IO_URING; or ask for "
			"transport=dev");
	if (!asked && !kernel_is_good())
		return why_fail(why, EOPNOTSUPP,
			"FUSE over io_uring is used from Linux %d.%d.%d on; to use it all the "
			"same, ask for transport=uring",
			MAJOR_GOOD, MINOR_GOOD, PATCH_GOOD);
	if (value == 'Y')
		return 0;
	close_p(&fd);
	fd = open(SWITCH, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "Y", 1) != 1)
		return why_fail(why, EPERM,
			"FUSE over io_uring is switched off; let root write Y to " SWITCH
			", or ask for transport=dev");
	log_debug("FUSE over io_uring switched on: " SWITCH);
	return 0;
}

/* Which ring's thread stays on which processor: one of those whose queues it serves, if we may run
 * there. -1: none. */
static int processor_of(
	unsigned ring, unsigned ring_count, unsigned queues, const cpu_set_t *allowed)
{
	for (unsigned queue = ring; queue < queues; queue += ring_count)
		if (CPU_ISSET(queue, allowed))
			return (int)queue;
	return -1;
}

static int make_rings(struct transport_uring *transport, struct fuse_connection *connection,
	unsigned threads, unsigned queues)
{
	unsigned depth = PAYLOADS_MAX / queues;
	unsigned count;
	cpu_set_t *allowed = &transport->rings.processors;

	if (sched_getaffinity(0, sizeof(*allowed), allowed))
		return -errno;
	count = (unsigned)CPU_COUNT(allowed);
	if (threads && threads < count)
		count = threads;
	if (count > RINGS_MAX)
		count = RINGS_MAX;
	if (count > queues)
		count = queues;
	for (unsigned i = 0; i < count; i++) {
		const struct ring_options options = {
			.connection = connection,
			.waiting_room = transport->waiting_room,
			.all = &transport->rings,
			.number = i,
			.processor = count < (unsigned)CPU_COUNT(allowed)
					     ? -1
					     : processor_of(i, count, queues, allowed),
			.queue = (uint16_t)i,
			.queue_gap = (uint16_t)count,
			.queue_end = (uint16_t)queues,
			.depth = depth > DEPTH_MAX ? DEPTH_MAX
				 : depth           ? depth
						   : 1,
		};
		int err = ring_new(&options, &transport->rings.rings[i]);

		if (err)
			return err;
		transport->rings.count++;
	}
	return 0;
}

DEFINE_CLEANUP(struct transport_uring *, transport_uring, transport_uring_free)

err_t transport_uring_new(struct fuse_connection *connection, unsigned threads,
	struct transport_uring **ret_transport, struct why *why)
{
	CLEANUP(transport_uring_p)
	struct transport_uring *transport = calloc(1, sizeof(*transport));
	long queues = sysconf(_SC_NPROCESSORS_CONF);
	int err;

	if (!transport)
		return -ENOMEM;
	if (queues < 1 || queues > CPU_SETSIZE)
		return why_fail(
			why, EOPNOTSUPP, "FUSE over io_uring: %ld processors are too many", queues);
	err = waiting_room_new(connection, &transport->waiting_room);
	if (!err)
		err = make_rings(transport, connection, threads, (unsigned)queues);
	if (err)
		return why_fail(why, -err,
			"FUSE over io_uring can't be used: %s%s; ask for transport=dev",
			strerror(-err),
			err == -ENOMEM ? " (each processor needs 1 MiB of pinned memory)"
				       : " (see sysctl kernel.io_uring_disabled)");
	*ret_transport = steal(&transport);
	return 0;
}

/* Make the kernel do without: it does once it has refused an entry. */
static err_t refuse(int fd)
{
	struct io_uring_params parameters = {.flags = IORING_SETUP_SQE128};
	struct iovec too_short[2] = {};
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *completion;
	struct io_uring uring;
	int err = io_uring_queue_init_params(1, &uring, &parameters);

	if (err)
		return -ENOTCONN;
	sqe = io_uring_get_sqe(&uring);
	if (!sqe)
		abort();
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->cmd_op = FUSE_IO_URING_CMD_REGISTER;
	sqe->addr = (uintptr_t)too_short;
	sqe->len = 2;
	io_uring_submit(&uring);
	err = io_uring_wait_cqe(&uring, &completion) || completion->res >= 0 ? -ENOTCONN : 0;
	io_uring_queue_exit(&uring);
	return err;
}

err_t transport_uring_start(struct transport_uring *transport, int fd)
{
	int err = 0, refused;

	for (unsigned i = 0; i < transport->rings.count && !err; i++)
		err = ring_register(transport->rings.rings[i], fd, false);
	if (!err)
		err = ring_register(transport->rings.rings[0], fd, true);
	if (err) {
		log_debug("the kernel takes no entries: errno %d", -err);
		refused = refuse(fd);
		return refused ? refused : err;
	}
	for (unsigned i = 0; i < transport->rings.count; i++)
		ring_serve(transport->rings.rings[i]);
	return 0;
}

void transport_uring_stop(struct transport_uring *transport)
{
	for (unsigned i = 0; i < transport->rings.count; i++)
		ring_stop(transport->rings.rings[i]);
}

void transport_uring_free(struct transport_uring *transport)
{
	if (!transport)
		return;
	/* Each may still wake another that it has replied for. */
	for (unsigned i = 0; i < transport->rings.count; i++)
		ring_join(transport->rings.rings[i]);
	waiting_room_free(transport->waiting_room);
	for (unsigned i = 0; i < transport->rings.count; i++)
		ring_free(transport->rings.rings[i]);
	free(transport);
}
