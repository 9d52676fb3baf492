/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs mount`: brings the layers up, from the device to the kernel's mount, serves, and takes
 * them down again.
 *
 * Order matters. Everything that can be checked without the device is checked first, so that a
 * mistyped mount point costs nothing. The fork comes before the device is opened, because a CUDA
 * context does not survive one. Signals are blocked before the first thread starts, so that every
 * thread inherits that and one thread alone waits for them.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/control.h"
#include "cli/daemon.h"
#include "cli/mount-options.h"
#include "cli/mount-point.h"
#include "device/device.h"
#include "fuse/fuse.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

DEFINE_CLEANUP(struct device *, device_close, device_close)
DEFINE_CLEANUP(struct store *, store_close, store_close)
DEFINE_CLEANUP(struct fuse_session *, fuse_unmount, fuse_unmount)

static void fs_close_p(struct fs **fs)
{
	if (*fs)
		fs_close(*fs);
}

/* One mount, from the command line to its end. */
struct mount {
	struct mount_options options;
	char directory[PATH_MAX];
	int channel;      /* to the parent that waits for readiness, or -1 */
	enum stage stage; /* what is being done, for the exit status */
	char description[768];
	struct fuse_session *session;
};

static void block_signals(sigset_t *ret_signals)
{
	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGTERM);
	sigaddset(ret_signals, SIGINT);
	sigaddset(ret_signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
}

/* The thread that turns signals into an orderly end. One is enough, unless something else is
 * mounted over ours at the time; then the next one tries again. */
static void *wait_for_signal(void *argument)
{
	struct mount *mount = argument;
	sigset_t signals;
	int number;

	block_signals(&signals);
	while (!sigwait(&signals, &number)) {
		/* Never cancelled in the middle of an unmount. */
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		log_info("unmounting %s: %s", mount->directory, strsignal(number));
		fuse_stop(mount->session);
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	}
	return NULL;
}

/* If host memory runs out, killing this process would free little and lose every file. */
static void ask_to_be_spared(void)
{
	CLEANUP(close_p) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "-1000", 5) < 0)
		log_debug("oom_score_adj: %s", strerror(errno));
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

/* Said by fuse_serve() once the kernel's first request has been answered. */
static void tell_ready(void *user)
{
	struct mount *mount = user;
	struct daemon_word word = {.status = EXIT_DONE};

	if (mount->channel < 0) {
		puts(mount->description);
		fflush(stdout);
		return;
	}
	snprintf(word.text, sizeof(word.text), "%s", mount->description);
	daemon_detach();
	log_to_syslog();
	log_info("mounted %s", mount->description);
	if (daemon_report(mount->channel, &word)) {
		log_warning("unmounting %s: who asked for it was gone", mount->directory);
		fuse_stop(mount->session);
	}
	mount->channel = -1;
}

static err_t open_device(struct mount *mount, struct device **ret_device, struct why *why)
{
	int err;

	mount->stage = STAGE_DEVICE;
	err = device_open(mount->options.device, ret_device, why);
	if (!err && device_info(*ret_device)->kind == DEVICE_HOST)
		fprintf(stderr,
			"vramfs mount: WARNING: device host: the bytes are in system memory, NOT on a "
			"GPU\n");
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

/* The root directory looks as the mount point did: owner, group and permissions. */
static err_t open_fs(struct mount *mount, struct store *store, struct fs **ret_fs, struct why *why)
{
	struct fs_options options = {.root_uid = getuid(), .root_gid = getgid(), .root_mode = 0755};
	struct stat stat_buffer;
	int err;

	mount->stage = STAGE_WORK;
	if (!stat(mount->directory, &stat_buffer)) {
		options.root_uid = stat_buffer.st_uid;
		options.root_gid = stat_buffer.st_gid;
		options.root_mode = stat_buffer.st_mode & 07777;
	}
	err = fs_open(store, &options, ret_fs);
	if (err)
		return why_fail(why, -err, "can't make the filesystem: %s", strerror(-err));
	return 0;
}

static err_t mount_fs(struct mount *mount, struct store *store, struct fs *fs,
	struct control *control, struct why *why)
{
	const struct mount_options *asked = &mount->options;
	char source[32];
	const struct fuse_options options = {
		.directory = mount->directory,
		.source = device_selector(device_info(store_device(store)), source, sizeof(source)),
		.threads = (unsigned)asked->threads,
		.cache = asked->cache,
		.read_only = asked->read_only,
		.allow_other = asked->allow_other,
		.dev = asked->dev,
		.suid = asked->suid,
		.noexec = asked->noexec,
		.noatime = asked->noatime,
		.control = control_hooks(control),
	};

	mount->stage = STAGE_MOUNT_POINT;
	return fuse_mount(fs, &options, &mount->session, why);
}

static err_t serve_session(struct mount *mount, struct why *why)
{
	pthread_t signal_thread;
	int err;

	mount->stage = STAGE_WORK;
	err = pthread_create(&signal_thread, NULL, wait_for_signal, mount);
	if (err)
		return why_fail(why, err, "can't start a thread: %s", strerror(err));
	err = fuse_serve(mount->session, tell_ready, mount);
	pthread_cancel(signal_thread);
	pthread_join(signal_thread, NULL);
	if (err)
		return why_fail(
			why, -err, "serving %.256s failed: %s", mount->directory, strerror(-err));
	return 0;
}

/* Bring up, serve, take down: what is declared first is closed last. */
static err_t serve(struct mount *mount, struct why *why)
{
	CLEANUP(device_close_p) struct device *device = NULL;
	CLEANUP(store_close_p) struct store *store = NULL;
	CLEANUP(fs_close_p) struct fs *fs = NULL;
	CLEANUP(control_done) struct control control = {};
	CLEANUP(fuse_unmount_p) struct fuse_session *session = NULL;
	int err;

	control_init(&control, NULL, mount->options.inject);
	ask_to_be_spared();
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

/* Serve, and tell whoever waits how it went. Returns the exit status of the process. */
static enum exit_status run(struct mount *mount)
{
	struct why why = {""};
	sigset_t signals;
	struct daemon_word word = {.status = EXIT_DONE};
	int err;

	block_signals(&signals);
	err = serve(mount, &why);
	if (!err)
		return EXIT_DONE;
	word.status = exit_status_of(mount->stage, err);
	if (mount->channel >= 0) {
		snprintf(word.text, sizeof(word.text), "%s", why.text);
		if (daemon_report(mount->channel, &word))
			log_error("%s", why.text);
		return word.status;
	}
	if (mount->options.foreground)
		return exit_fail("mount", mount->stage, err, &why);
	log_error("%s", why.text);
	return word.status;
}

static enum exit_status run_in_background(struct mount *mount)
{
	struct daemon_word word = {.status = EXIT_IO};
	struct why why = {""};
	int err;

	err = daemon_fork(&mount->channel, &word, &why);
	if (err)
		return exit_fail("mount", STAGE_WORK, err, &why);
	if (mount->channel >= 0)
		return run(mount);
	if (word.status == EXIT_DONE) {
		puts(word.text);
		return exit_flush("mount", EXIT_DONE);
	}
	snprintf(why.text, sizeof(why.text), "%.500s", word.text);
	exit_fail("mount", STAGE_WORK, -EIO, &why);
	return word.status;
}

enum exit_status verb_mount(int argc, char **argv)
{
	struct mount mount = {.channel = -1};
	struct why why = {""};
	int err;

	err = mount_options_parse(argc, argv, &mount.options, &why);
	if (err)
		return exit_fail("mount", STAGE_ARGUMENTS, err, &why);
	if (mount.options.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	/* What has no such path is no directory, which the check says in better words. */
	if (mount_point_path(mount.options.directory, mount.directory))
		snprintf(mount.directory, sizeof(mount.directory), "%s", mount.options.directory);
	err = fuse_check_directory(mount.directory, &why);
	if (err)
		return exit_fail("mount", STAGE_MOUNT_POINT, err, &why);
	return mount.options.foreground ? run(&mount) : run_in_background(&mount);
}
