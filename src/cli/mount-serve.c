/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * What a mount's process does: bring the layers up, from the device to the kernel's mount, serve,
 * and take them down again.
 *
 * Signals are blocked before the first thread starts, so that every thread inherits that and one
 * thread alone waits for them.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/control.h"
#include "cli/host-memory.h"
#include "cli/mount.h"
#include "cli/systemd.h"
#include "device/device.h"
#include "fuse/fuse.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

DEFINE_CLEANUP(struct fuse_session *, fuse_unmount, fuse_unmount)

static void fs_close_p(struct fs **fs)
{
	if (*fs)
		fs_close(*fs);
}

static void block_signals(sigset_t *ret_signals)
{
	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGTERM);
	sigaddset(ret_signals, SIGINT);
	sigaddset(ret_signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
}

/* A service manager waits for the process that it started, not for one that went away. */
static void tell_manager(const struct mount *mount, const char *state)
{
	if (mount->options.foreground)
		systemd_notify("%s", state);
}

/* The thread that turns signals into an orderly end: those that come before the filesystem can be
 * used wait until then, lest a mount be ended that has not begun. One is enough, unless something
 * else is mounted over ours at the time; then the next one tries again. */
static void *wait_for_signal(void *argument)
{
	struct mount *mount = argument;
	sigset_t signals;
	int number;

	block_signals(&signals);
	while (sem_wait(&mount->serving) && errno == EINTR)
		;
	while (!sigwait(&signals, &number)) {
		/* Never cancelled in the middle of an unmount. */
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		log_info("unmounting %s: %s", mount->directory, strsignal(number));
		tell_manager(mount, "STOPPING=1");
		fuse_stop(mount->session);
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	}
	return NULL;
}

static void describe(struct mount *mount, struct store *store, struct fs *fs)
{
	const struct store_geometry *geometry = store_geometry(store);
	const struct device_info *info = device_info(store_device(store));
	char selector[32], taken[32], usable[32], code[64];
	struct fs_stat stat;

	fs_stat(fs, &stat);
	if (geometry->code == RS_NONE)
		snprintf(code, sizeof(code), "unprotected");
	else
		snprintf(code, sizeof(code), "%s correcting %u bytes a line",
			rs_code_name(geometry->code), geometry->max_correct);
	snprintf(mount->description, sizeof(mount->description),
		"%.256s: %s for files in %s of %s (%s), %s; to unmount: vramfs umount %.256s",
		mount->directory,
		size_format(stat.blocks * stat.block_bytes, usable, sizeof(usable)),
		size_format(geometry->region_bytes, taken, sizeof(taken)),
		device_selector(info, selector, sizeof(selector)), info->name, code,
		mount->directory);
}

static err_t open_device(struct mount *mount, struct device **ret_device, struct why *why)
{
	int err;

	mount->stage = STAGE_DEVICE;
	err = device_open(mount->options.device, ret_device, why);
	if (!err && device_info(*ret_device)->kind == DEVICE_HOST)
		fprintf(stderr,
			"%svramfs mount: WARNING: device host: the bytes are in system memory, NOT "
			"on a GPU\n",
			log_priority(LOG_LEVEL_WARNING));
	return err;
}

static err_t open_store(
	struct mount *mount, struct device *device, struct store **ret_store, struct why *why)
{
	const struct store_options options = {
		.size = mount->options.size,
		.code = mount->options.code,
		.max_correct = (unsigned)mount->options.max_correct,
	};

	mount->stage = STAGE_REGION;
	return store_open(device, &options, ret_store, why);
}

static enum fs_access_times access_times(const struct mount_options *asked)
{
	unsigned long flags = mount_flags_apply(&asked->flags, 0);

	if (flags & MS_NOATIME)
		return FS_ACCESS_NEVER;
	return flags & MS_STRICTATIME ? FS_ACCESS_ALWAYS : FS_ACCESS_RELATIVE;
}

/* The root directory looks as the mount point did, owner, group and permissions, or as asked for.
 */
static err_t open_fs(struct mount *mount, struct store *store, struct fs **ret_fs, struct why *why)
{
	const struct mount_options *asked = &mount->options;
	struct fs_options options = {.max_inodes = asked->max_inodes,
		.root_uid = getuid(),
		.root_gid = getgid(),
		.root_mode = 0755,
		.access_times = access_times(asked)};
	struct stat stat_buffer;
	int err;

	mount->stage = STAGE_WORK;
	if (!stat(mount->directory, &stat_buffer)) {
		options.root_uid = stat_buffer.st_uid;
		options.root_gid = stat_buffer.st_gid;
		options.root_mode = stat_buffer.st_mode & 07777;
	}
	if (asked->root_mode != MOUNT_MODE_UNSET)
		options.root_mode = asked->root_mode;
	if (asked->root_uid != MOUNT_UID_UNSET)
		options.root_uid = asked->root_uid;
	if (asked->root_gid != MOUNT_GID_UNSET)
		options.root_gid = asked->root_gid;
	err = fs_open(store, &options, ret_fs);
	if (err)
		return why_fail(why, -err, "can't make the filesystem: %s", strerror(-err));
	return 0;
}

static err_t mount_fs(struct mount *mount, struct store *store, struct fs *fs,
	struct control *control, struct why *why)
{
	const struct mount_options *asked = &mount->options;
	char selector[32];
	const struct fuse_options options = {
		.directory = mount->directory,
		.source = asked->source ? asked->source : selector,
		.transport = asked->transport,
		.threads = (unsigned)asked->threads,
		.cache = asked->cache,
		.flags = mount_flags_apply(&asked->flags, MS_NOSUID | MS_NODEV),
		.allow_other = asked->allow_other,
		.control = control_hooks(control),
	};

	device_selector(device_info(store_device(store)), selector, sizeof(selector));
	mount->stage = STAGE_MOUNT_POINT;
	return fuse_mount(fs, &options, &mount->session, why);
}

/* Said by fuse_serve() once the kernel's first request has been answered. */
static void session_ready(void *user)
{
	struct mount *mount = user;

	mount->ready(mount);
	sem_post(&mount->serving);
}

static err_t serve_session(struct mount *mount, struct why *why)
{
	pthread_t signal_thread;
	int err;

	mount->stage = STAGE_WORK;
	sem_init(&mount->serving, 0, 0);
	err = pthread_create(&signal_thread, NULL, wait_for_signal, mount);
	if (err)
		return why_fail(why, err, "can't start a thread: %s", strerror(err));
	err = fuse_serve(mount->session, session_ready, mount);
	tell_manager(mount, "STOPPING=1");
	pthread_cancel(signal_thread);
	pthread_join(signal_thread, NULL);
	if (err)
		return why_fail(
			why, -err, "serving %.256s failed: %s", mount->directory, strerror(-err));
	return 0;
}

/* What is declared first is closed last. */
int mount_serve(struct mount *mount, struct why *why)
{
	CLEANUP(device_close_p) struct device *device = NULL;
	CLEANUP(store_close_p) struct store *store = NULL;
	CLEANUP(fs_close_p) struct fs *fs = NULL;
	CLEANUP(control_done) struct control control = {};
	CLEANUP(fuse_unmount_p) struct fuse_session *session = NULL;
	sigset_t signals;
	int err;

	block_signals(&signals);
	control_init(&control, NULL, mount->options.inject, mount->options.words);
	host_memory_guard();
	err = open_device(mount, &device, why);
	if (!err)
		err = open_store(mount, device, &store, why);
	if (!err)
		err = open_fs(mount, store, &fs, why);
	if (err)
		return err;
	control.fs = fs;
	describe(mount, store, fs);
	err = mount_fs(mount, store, fs, &control, why);
	session = mount->session;
	if (err)
		return err;
	return serve_session(mount, why);
}
