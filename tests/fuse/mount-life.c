/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * How a mount begins and ends: refused directories, unmounting with and without files open, a
 * server that was killed. Each server is a process of its own, so that this one can use the mount,
 * kill the server, and see whether it ended.
 */
#include "fixture.h"
#include "fuse/fuse.h"
#include "mounted.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/vramfs-life-XXXXXX";

struct server {
	pid_t pid;
	int ended_fd; /* at its end when the process has ended */
};

static void tell_ready(void *user)
{
	if (write(*(int *)user, "", 1) != 1)
		abort();
}

static void *stop_on_signal(void *session)
{
	sigset_t signals;
	int signal;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	for (;;) {
		sigwait(&signals, &signal);
		fuse_stop(session);
	}
	return NULL;
}

/* In the server's process: serve until the end and leave nothing behind. */
static int serve(const struct fuse_options *options, int ready_fd)
{
	struct fixture fixture;
	struct fuse_session *session;
	struct why why = {};
	sigset_t signals;
	pthread_t thread;
	int err;

	/* Before the device is opened, as its driver may start threads. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	fixture = fixture_open(16 * MIB);
	if (fuse_mount(fixture.fs, options, &session, &why)) {
		printf("%s\n", why.text);
		return 2;
	}
	if (pthread_create(&thread, NULL, stop_on_signal, session))
		return 3;
	err = fuse_serve(session, tell_ready, &ready_fd);
	if (err) {
		printf("fuse_serve: %s\n", strerror(-err));
		return 4;
	}
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	fuse_unmount(session);
	fixture_close(&fixture);
	return 0;
}

static struct server start_with(struct fuse_options options)
{
	struct server server;
	int ready[2];
	char byte;

	options.directory = directory;
	options.source = "test";
	options.transport = mounted_transport();
	must(pipe2(ready, O_CLOEXEC));
	fflush(stdout);
	server.pid = must(fork());
	if (server.pid == 0) {
		close(ready[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(serve(&options, ready[1]));
	}
	close(ready[1]);
	assert_int_equal(must(read(ready[0], &byte, 1)), 1);
	server.ended_fd = ready[0];
	return server;
}

static struct server start(void)
{
	return start_with((struct fuse_options){});
}

static bool has_ended(struct server *server, int timeout_ms)
{
	struct pollfd fd = {.fd = server->ended_fd, .events = POLLIN};

	return poll(&fd, 1, timeout_ms) == 1;
}

static bool is_mounted(void)
{
	struct stat here, above;

	return !stat(directory, &here) && !stat("/tmp", &above) && here.st_dev != above.st_dev;
}

/* The server must end by itself, well, and leave the directory as it was. */
static void check_end(struct server *server)
{
	int status;

	assert_true(has_ended(server, 20000));
	must(waitpid(server->pid, &status, 0));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(server->ended_fd);
	assert_false(is_mounted());
}

static int open_inside(const char *name, int flags)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return must(open(path, flags | O_CLOEXEC, 0644));
}

static void a_stopped_server_unmounts(void **state)
{
	struct server server = start();

	(void)state;
	assert_true(is_mounted());
	close(open_inside("file", O_CREAT | O_WRONLY));
	must(kill(server.pid, SIGTERM));
	check_end(&server);
}

static void an_unmount_ends_the_server(void **state)
{
	struct server server = start();

	(void)state;
	must(umount2(directory, 0));
	check_end(&server);
}

static void a_stopped_server_takes_open_files_along(void **state)
{
	struct server server = start();
	int fd = open_inside("file", O_CREAT | O_RDWR);

	(void)state;
	must_fail(umount2(directory, 0), EBUSY);
	must(kill(server.pid, SIGTERM));
	check_end(&server);
	/* (What was read before could still come from the page cache.) */
	assert_int_equal(write(fd, "x", 1), -1);
	close(fd);
}

static void a_lazy_unmount_serves_open_files_to_their_end(void **state)
{
	struct server server = start();
	int fd = open_inside("file", O_CREAT | O_RDWR);
	char word[4];

	(void)state;
	must(umount2(directory, MNT_DETACH));
	assert_false(is_mounted());
	assert_int_equal(must(pwrite(fd, "word", 4, 0)), 4);
	assert_int_equal(must(pread(fd, word, 4, 0)), 4);
	assert_memory_equal(word, "word", 4);
	assert_false(has_ended(&server, 100));
	close(fd);
	check_end(&server);
}

static void a_forced_unmount_ends_the_server(void **state)
{
	struct server server = start();
	int fd = open_inside("file", O_CREAT | O_RDWR);

	(void)state;
	umount2(directory, MNT_FORCE);
	check_end(&server);
	close(fd);
}

/* Write and read until the mount ends. A request that was on its way to a ring that ended is
 * cancelled. */
static int work(void)
{
	static const int gone[] = {ENOTCONN, ECONNABORTED, EIO, ECANCELED};
	static char bytes[100000];
	int fd = open_inside("file", O_CREAT | O_RDWR);

	for (off_t at = 0;; at = (at + 50000) % 2000000)
		if (pwrite(fd, bytes, sizeof(bytes), at) < 0 ||
			pread(fd, bytes, sizeof(bytes), at / 2) < 0)
			break;
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		if (errno == gone[i])
			return 0;
	return errno;
}

static void a_server_under_load_can_be_stopped(void **state)
{
	struct server server = start();
	pid_t workers[3];
	int status;

	(void)state;
	for (int i = 0; i < 3; i++) {
		workers[i] = must(fork());
		if (workers[i] == 0)
			_exit(work());
	}
	usleep(200000);
	must(kill(server.pid, SIGTERM));
	check_end(&server);
	for (int i = 0; i < 3; i++) {
		must(waitpid(workers[i], &status, 0));
		assert_int_equal(status, 0);
	}
}

static void one_thread_is_enough(void **state)
{
	struct server server = start_with((struct fuse_options){.threads = 1});
	int fd = open_inside("file", O_CREAT | O_RDWR);

	(void)state;
	assert_int_equal(must(pwrite(fd, "word", 4, 0)), 4);
	must(fsync(fd));
	close(fd);
	must(kill(server.pid, SIGTERM));
	check_end(&server);
}

static void a_dead_mount_is_replaced(void **state)
{
	struct server server = start();
	struct stat st;

	(void)state;
	must(kill(server.pid, SIGKILL));
	must(waitpid(server.pid, NULL, 0));
	close(server.ended_fd);
	/* The kernel lets go of a ring some time after its process has gone. */
	for (int i = 0; i < 1000 && !(stat(directory, &st) && errno == ENOTCONN); i++)
		usleep(1000);
	must_fail(stat(directory, &st), ENOTCONN);
	server = start();
	assert_true(is_mounted());
	must(kill(server.pid, SIGTERM));
	check_end(&server);
}

static void a_mount_over_ours_is_not_unmounted(void **state)
{
	struct server server = start();
	struct statvfs st;

	(void)state;
	must(mount("test", directory, "tmpfs", 0, NULL));
	must(statvfs(directory, &st));
	must(kill(server.pid, SIGTERM));
	assert_false(has_ended(&server, 200));
	must(umount2(directory, 0)); /* the tmpfs */
	assert_true(is_mounted());
	must(kill(server.pid, SIGTERM));
	check_end(&server);
}

static void options_become_mount_flags(void **state)
{
	struct server server = start_with(
		(struct fuse_options){.flags = MS_RDONLY | MS_NOEXEC | MS_NOSUID | MS_NODEV});
	struct statvfs st;
	char path[200];

	(void)state;
	must(statvfs(directory, &st));
	assert_int_equal(st.f_flag & (ST_RDONLY | ST_NOEXEC | ST_NOSUID | ST_NODEV),
		ST_RDONLY | ST_NOEXEC | ST_NOSUID | ST_NODEV);
	snprintf(path, sizeof(path), "%s/file", directory);
	must_fail(open(path, O_CREAT | O_WRONLY, 0644), EROFS);
	must(kill(server.pid, SIGTERM));
	check_end(&server);
	server = start_with((struct fuse_options){.flags = MS_NOATIME});
	must(statvfs(directory, &st));
	assert_int_equal(st.f_flag & (ST_RDONLY | ST_NOEXEC | ST_NOSUID | ST_NODEV | ST_NOATIME),
		ST_NOATIME);
	must(kill(server.pid, SIGTERM));
	check_end(&server);
}

static int enter(const char *path)
{
	struct stat st;

	return stat(path, &st) != -1 || errno != EACCES;
}

static void other_users_need_to_be_allowed(void **state)
{
	struct server server = start();

	(void)state;
	must(chmod(directory, 0755));
	as_user(enter, directory);
	must(kill(server.pid, SIGTERM));
	check_end(&server);
}

static void check_refused(const char *path, int err, const char *advice)
{
	struct why why = {};

	assert_int_equal(fuse_check_directory(path, &why), -err);
	if (!strstr(why.text, path) || !strstr(why.text, advice))
		fail_msg("\"%s\" lacks \"%s\" or \"%s\"", why.text, path, advice);
}

static void unfit_directories_are_refused(void **state)
{
	struct server server;
	char path[200], link[200];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/thing", directory);
	snprintf(link, sizeof(link), "%s/link", directory);
	check_refused(path, ENOENT, "mkdir -p");
	fd = open_inside("thing", O_CREAT | O_WRONLY);
	close(fd);
	check_refused(path, ENOTDIR, "choose an empty directory");
	check_refused(directory, ENOTEMPTY, "choose an empty directory");
	must(unlink(path));
	assert_int_equal(fuse_check_directory(directory, NULL), 0);
	server = start();
	check_refused(directory, EBUSY, "vramfs umount");
	must(kill(server.pid, SIGTERM));
	check_end(&server);
}

static void a_link_to_a_directory_is_followed(void **state)
{
	char path[] = "/tmp/vramfs-life-link";
	struct server server;
	struct why why = {};

	(void)state;
	unlink(path);
	must(symlink(directory, path));
	assert_int_equal(fuse_check_directory(path, &why), 0);
	server = start();
	assert_int_equal(fuse_check_directory(path, &why), -EBUSY);
	must(kill(server.pid, SIGTERM));
	check_end(&server);
	must(unlink(path));
}

/* In a process of its own: a device may not be opened before a fork. */
static int mount_without_root(void)
{
	struct fixture fixture = fixture_open(16 * MIB);
	struct fuse_options options = {
		.directory = directory, .source = "test", .flags = MS_NOSUID | MS_NODEV};
	struct fuse_session *session;
	struct why why = {};
	int err;

	if (setgroups(0, NULL) || setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
		return 1;
	setenv("PATH", "/nonexistent", 1);
	err = fuse_mount(fixture.fs, &options, &session, &why);
	fixture_close(&fixture);
	return err == -EPERM && strstr(why.text, "install the package fuse3") ? 0 : 1;
}

static void mounting_needs_root_or_fusermount(void **state)
{
	pid_t child;
	int status;

	(void)state;
	must(chmod(directory, 0777));
	child = must(fork());
	if (child == 0)
		_exit(mount_without_root());
	must(waitpid(child, &status, 0));
	assert_int_equal(status, 0);
	assert_false(is_mounted());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stopped_server_unmounts),
		cmocka_unit_test(an_unmount_ends_the_server),
		cmocka_unit_test(a_stopped_server_takes_open_files_along),
		cmocka_unit_test(a_lazy_unmount_serves_open_files_to_their_end),
		cmocka_unit_test(a_forced_unmount_ends_the_server),
		cmocka_unit_test(a_server_under_load_can_be_stopped),
		cmocka_unit_test(one_thread_is_enough),
		cmocka_unit_test(a_dead_mount_is_replaced),
		cmocka_unit_test(a_mount_over_ours_is_not_unmounted),
		cmocka_unit_test(options_become_mount_flags),
		cmocka_unit_test(other_users_need_to_be_allowed),
		cmocka_unit_test(unfit_directories_are_refused),
		cmocka_unit_test(a_link_to_a_directory_is_followed),
		cmocka_unit_test(mounting_needs_root_or_fusermount),
	};
	int failed;

	if (getuid() != 0 || access("/dev/fuse", R_OK | W_OK)) {
		printf("mounting needs root and /dev/fuse\n");
		return 77;
	}
	if (!mkdtemp(directory))
		abort();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	umount2(directory, MNT_DETACH);
	rmdir(directory);
	return failed ? 1 : 0;
}
