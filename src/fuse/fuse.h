/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_FUSE_H
#define VRAMFS_FUSE_FUSE_H

#include "base/err.h"
#include "fs/fs.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * A mounted filesystem: the kernel's FUSE protocol over /dev/fuse on one side, src/fs on the other.
 */
struct fuse_session;

/*
 * Virtual extended attributes of the root directory, whose names begin with "vramfs.": how the
 * front end shows counters and lets tests reach the store. They are never listed, so no copying
 * tool carries them. "vramfs.requests", the number of requests of each kind, and
 * "vramfs.transport", how they come, are not among them. SHOW writes what NAME has to say to OUT,
 * -ENODATA if there is none of that name; SET is called for root only.
 */
struct fuse_control {
	int (*show)(void *user, const char *name, FILE *out);
	int (*set)(void *user, const char *name, const char *value, size_t size);
	void *user;
};

/* Which regular files go through the kernel's page cache, for reads and for writes. Mapped pages
 * are always there. */
enum fuse_cache {
	FUSE_CACHE_AUTO,   /* files that are opened without O_DIRECT, and not for writing only */
	FUSE_CACHE_NONE,   /* nothing: every read and write goes to the device */
	FUSE_CACHE_ALWAYS, /* files that are opened without O_DIRECT */
};
/* While a file is open, everyone who opens it has it as the first did (open-modes.c). */

/* How requests come from the kernel. */
enum fuse_transport_kind {
	FUSE_TRANSPORT_AUTO,  /* over io_uring where kernel, permissions and memory allow */
	FUSE_TRANSPORT_URING, /* or fail */
	FUSE_TRANSPORT_DEV,   /* by read(2) and writev(2) on /dev/fuse */
};

struct fuse_options {
	const char *directory; /* where to mount; absolute */
	const char *source;    /* what /proc/mounts shows as the device: "cuda:0" */
	enum fuse_transport_kind transport;
	unsigned threads; /* 0: chosen from the processors */
	enum fuse_cache cache;
	unsigned long flags; /* MS_... of mount(2); say MS_NOSUID | MS_NODEV */
	bool allow_other;
	struct fuse_control control;
};

/*
 * Mount, through fusermount3 where mount(2) is not permitted. -ENOENT, -ENOTDIR: no such directory;
 * -EBUSY: already a vramfs mount; -ENOTEMPTY: it holds something; -EPERM, -EACCES: not permitted;
 * -ENODEV: no /dev/fuse; -EOPNOTSUPP: no io_uring, where that was asked for. A dead mount of ours
 * on the directory is unmounted first. WHY says what to do.
 */
err_t fuse_mount(struct fs *fs, const struct fuse_options *options,
	struct fuse_session **ret_session, struct why *why);

/* The checks of fuse_mount() alone, for a front end that wants them before it takes device memory.
 * Unmounts a dead mount of ours too. */
err_t fuse_check_directory(const char *directory, struct why *why);

/* Serve until it is unmounted or fuse_stop() is called. Blocks the calling thread. READY, if not
 * NULL, is called once the kernel's INIT has been answered. -EOPNOTSUPP: io_uring was asked for,
 * and the kernel doesn't take it. */
err_t fuse_serve(struct fuse_session *session, void (*ready)(void *user), void *user);

/* Unmount, even if files are open (their users get errors), and make fuse_serve() return.
 * May be called from a signal-handling thread. While something else is mounted over it, it can't:
 * that is logged, and the call can be repeated. */
void fuse_stop(struct fuse_session *session);

/* Give the mount on DIRECTORY the flags FLAGS (MS_...) instead of those it has. */
err_t fuse_remount(const char *directory, unsigned long flags, struct why *why);

/* Unmount whatever is mounted on DIRECTORY (a path without symbolic links); LAZY: even if it is in
 * use. Through fusermount3 where umount2(2) is not permitted. -EBUSY, -EPERM or others. */
err_t fuse_unmount_directory(const char *directory, bool lazy, struct why *why);

/* Unmount if still mounted, and free. NULL is allowed. */
void fuse_unmount(struct fuse_session *session);

#endif
