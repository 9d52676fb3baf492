/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The life of a mount: memory for the transport taken, mounted, served until the connection ends,
 * freed. The kernel ends a connection when the filesystem is unmounted and its last file closed, or
 * when it is unmounted by force; we end it by closing its descriptors.
 */
#include "base/cleanup.h"
#include "fuse/mount.h"
#include "fuse/read-ahead.h"
#include "fuse/request.h"
#include "fuse/transport-dev.h"

#define THREADS_MIN 4
#define THREADS_MAX 16

struct fuse_session {
	struct fuse_connection connection;
	int fd;
	struct transport_dev *transport;
	struct fuse_mount_point point;
	void (*ready)(void *user);
	void *ready_user;
};

/* Threads mostly wait, for requests or for the device: two a processor keep both busy. */
static unsigned default_threads(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	long threads = processors > 0 ? 2 * processors : THREADS_MIN;

	if (threads < THREADS_MIN)
		return THREADS_MIN;
	return threads > THREADS_MAX ? THREADS_MAX : (unsigned)threads;
}

DEFINE_CLEANUP(struct fuse_session *, unmount, fuse_unmount)

err_t fuse_mount(struct fs *fs, const struct fuse_options *options,
	struct fuse_session **ret_session, struct why *why)
{
	CLEANUP(unmount_p) struct fuse_session *session = calloc(1, sizeof(*session));
	int err;

	if (!session)
		return -ENOMEM;
	session->fd = -1;
	session->connection = (struct fuse_connection){.fs = fs, .control = options->control};
	err = open_modes_new(options->cache, &session->connection.open_modes);
	if (err)
		return err;
	err = transport_dev_new(&session->connection,
		options->threads ? options->threads : default_threads(), &session->transport);
	if (err)
		return why_fail(
			why, -err, "no memory for the buffers of the mount; use fewer threads");
	err = fuse_mount_attach(options, &session->fd, &session->point, why);
	if (err)
		return err;
	*ret_session = steal(&session);
	return 0;
}

/* INIT has been answered. */
static void initialised(void *user)
{
	struct fuse_session *session = user;

	read_ahead_raise(&session->point.entry);
	if (session->ready)
		session->ready(session->ready_user);
}

err_t fuse_serve(struct fuse_session *session, void (*ready)(void *user), void *user)
{
	session->ready = ready;
	session->ready_user = user;
	return transport_dev_serve(session->transport, session->fd, initialised, session);
}

void fuse_stop(struct fuse_session *session)
{
	if (fuse_mount_detach(&session->point))
		transport_dev_stop(session->transport);
}

void fuse_unmount(struct fuse_session *session)
{
	if (!session)
		return;
	fuse_mount_detach(&session->point);
	fuse_mount_point_done(&session->point);
	transport_dev_free(session->transport);
	open_modes_free(session->connection.open_modes);
	close_p(&session->fd);
	free(session);
}
