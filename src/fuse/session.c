/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The life of a mount: memory for the transports taken, mounted, served until the connection ends,
 * freed. All comes over io_uring, if that can be used, but what has no reply, for which one thread
 * reads /dev/fuse; or else all comes from there, to several threads. The kernel ends a connection
 * when the filesystem is unmounted and its last file closed, or when it is unmounted by force; we
 * end it by closing its descriptors.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "fuse/mount.h"
#include "fuse/read-ahead.h"
#include "fuse/request.h"
#include "fuse/transport-dev.h"
#include "fuse/transport-uring.h"

#define THREADS_MIN 4
#define THREADS_MAX 16

struct fuse_session {
	struct fuse_connection connection;
	enum fuse_transport_kind kind; /* asked for */
	unsigned threads;
	struct transport_dev *dev;
	struct transport_uring *uring; /* NULL: only /dev/fuse */
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

/* Without one, if io_uring can't be used but need not be. */
static err_t make_uring(
	struct fuse_session *session, const struct fuse_options *options, struct why *why)
{
	bool asked = options->transport == FUSE_TRANSPORT_URING;
	struct why why_not = {};
	int err;

	if (options->transport == FUSE_TRANSPORT_DEV)
		return 0;
	err = transport_uring_check(asked, &why_not);
	if (!err)
		err = transport_uring_new(
			&session->connection, options->threads, &session->uring, &why_not);
	if (err && asked)
		return why_fail(why, -err, "%s", why_not.text);
	if (err)
		log_debug("%s", why_not.text);
	session->connection.offers_uring = !err;
	return 0;
}

DEFINE_CLEANUP(struct fuse_session *, unmount, fuse_unmount)

err_t fuse_mount(struct fs *fs, const struct fuse_options *options,
	struct fuse_session **ret_session, struct why *why)
{
	CLEANUP(unmount_p) struct fuse_session *session = calloc(1, sizeof(*session));
	int err;

	if (!session)
		return -ENOMEM;
	session->point.fd = -1;
	session->kind = options->transport;
	session->threads = options->threads ? options->threads : default_threads();
	session->connection = (struct fuse_connection){.fs = fs, .control = options->control};
	err = open_modes_new(options->cache, &session->connection.open_modes);
	if (err)
		return err;
	err = make_uring(session, options, why);
	if (err)
		return err;
	err = transport_dev_new(
		&session->connection, session->uring ? 1 : session->threads, &session->dev);
	if (err)
		return why_fail(
			why, -err, "no memory for the buffers of the mount; use fewer threads");
	err = fuse_mount_attach(options, &session->point, why);
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

/* Now that INIT has been answered. Without, if io_uring can't be used but need not be. */
static err_t start_uring(struct fuse_session *session)
{
	int err = -EOPNOTSUPP;

	if (!session->uring)
		return 0;
	if (session->connection.uses_uring)
		err = transport_uring_start(session->uring, session->point.fd);
	if (!err)
		return 0;
	if (session->kind == FUSE_TRANSPORT_URING || err == -ENOTCONN)
		return err;
	log_debug("FUSE over io_uring can't be used: errno %d", -err);
	transport_uring_free(steal(&session->uring));
	session->connection.uses_uring = false;
	err = transport_dev_grow(session->dev, session->threads);
	if (err)
		log_error("no memory for the buffers of %u threads: there is only one",
			session->threads);
	return 0;
}

err_t fuse_serve(struct fuse_session *session, void (*ready)(void *user), void *user)
{
	int err = transport_dev_answer_init(session->dev, session->point.fd);

	if (!err)
		err = start_uring(session);
	if (err)
		return err;
	session->ready = ready;
	session->ready_user = user;
	return transport_dev_serve(session->dev, session->point.fd, initialised, session);
}

void fuse_stop(struct fuse_session *session)
{
	if (!fuse_mount_detach(&session->point))
		return;
	transport_dev_stop(session->dev);
	if (session->uring)
		transport_uring_stop(session->uring);
}

void fuse_unmount(struct fuse_session *session)
{
	if (!session)
		return;
	fuse_mount_detach(&session->point);
	if (session->uring)
		transport_uring_stop(session->uring);
	transport_uring_free(session->uring);
	transport_dev_free(session->dev);
	fuse_mount_point_done(&session->point);
	open_modes_free(session->connection.open_modes);
	free(session);
}
