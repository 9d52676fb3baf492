/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * A mounted filesystem for tests. The process that serves must not wait for its own filesystem, so
 * the tests run in a child. It is forked first, before there is a device or a thread, and waits for
 * a byte that says that the mount is there.
 */
#include "mounted.h"

#include "fixture.h"

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define REGION_BYTES (96 * MIB)

struct served {
	struct fuse_session *session;
	int ready_fd;
};

static void tell_ready(void *user)
{
	struct served *served = user;

	if (write(served->ready_fd, "", 1) != 1)
		abort();
}

static void *serve(void *argument)
{
	struct served *served = argument;
	int err = fuse_serve(served->session, tell_ready, served);

	return (void *)(intptr_t)err;
}

static int run_child(
	const char *directory, int ready_fd, const struct CMUnitTest *tests, size_t count)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(ready_fd, &byte, 1) != 1)
		return 1; /* The parent says why. */
	close(ready_fd);
	umask(022);
	if (chdir(directory)) {
		perror(directory);
		return 1;
	}
	return _cmocka_run_group_tests("mounted", tests, count, NULL, NULL) ? 1 : 0;
}

static int control_show(void *user, const char *name, FILE *out)
{
	(void)user;
	if (strcmp(name, "vramfs.test"))
		return -ENODATA;
	fputs("shown", out);
	return 0;
}

static int control_set(void *user, const char *name, const char *value, size_t size)
{
	(void)user;
	return !strcmp(name, "vramfs.test") && size == 2 && !memcmp(value, "do", 2) ? 0 : -EINVAL;
}

/* Which of the COUNT NAMES the environment variable has; the first, which is the default, if none.
 */
static unsigned choice(const char *variable, const char *const *names, unsigned count)
{
	const char *name = getenv(variable);

	for (unsigned i = 0; name && i < count; i++)
		if (!strcmp(name, names[i]))
			return i;
	if (name) {
		printf("%s is not %s\n", variable, name);
		abort();
	}
	return 0;
}

enum fuse_cache mounted_cache(void)
{
	static const char *const names[] = {
		[FUSE_CACHE_AUTO] = "auto",
		[FUSE_CACHE_NONE] = "none",
		[FUSE_CACHE_ALWAYS] = "always",
	};

	return choice("VRAMFS_TEST_CACHE", names, 3);
}

enum fuse_transport_kind mounted_transport(void)
{
	static const char *const names[] = {
		[FUSE_TRANSPORT_AUTO] = "auto",
		[FUSE_TRANSPORT_URING] = "uring",
		[FUSE_TRANSPORT_DEV] = "dev",
	};

	return choice("VRAMFS_TEST_TRANSPORT", names, 3);
}

/* Mount, let the child do its work, unmount. */
static int serve_child(const char *directory, pid_t child, int ready_fd)
{
	struct fixture fixture = fixture_open(REGION_BYTES);
	struct fuse_options options = {
		.directory = directory,
		.source = "test",
		.cache = mounted_cache(),
		.transport = mounted_transport(),
		.allow_other = true,
		.control = {.show = control_show, .set = control_set},
	};
	struct served served = {.ready_fd = ready_fd};
	struct why why = {};
	pthread_t thread;
	void *result;
	int status, err = fuse_mount(fixture.fs, &options, &served.session, &why);

	if (err) {
		printf("%s\n", why.text);
		return err == -ENODEV || err == -EPERM || err == -EACCES ? 77 : 1;
	}
	if (pthread_create(&thread, NULL, serve, &served))
		abort();
	if (waitpid(child, &status, 0) != child)
		abort();
	fuse_stop(served.session);
	pthread_join(thread, &result);
	if (result)
		printf("fuse_serve: %s\n", strerror(-(int)(intptr_t)result));
	fuse_unmount(served.session);
	fixture_close(&fixture);
	return result || !WIFEXITED(status) || WEXITSTATUS(status) ? 1 : 0;
}

int mounted_run_array(const struct CMUnitTest *tests, size_t count)
{
	char directory[] = "/tmp/vramfs-test-XXXXXX";
	int ready[2], status;
	pid_t child;

	if (getuid() != 0) {
		printf("mounting needs root\n");
		return 77;
	}
	if (access("/dev/fuse", R_OK | W_OK)) {
		printf("there is no /dev/fuse\n");
		return 77;
	}
	if (!mkdtemp(directory) || pipe(ready))
		abort();
	fflush(stdout);
	child = fork();
	if (child < 0)
		abort();
	if (child == 0) {
		close(ready[1]);
		exit(run_child(directory, ready[0], tests, count));
	}
	close(ready[0]);
	status = serve_child(directory, child, ready[1]);
	close(ready[1]);
	rmdir(directory);
	return status;
}

uint64_t mounted_requests(const char *kind)
{
	char text[4096], *line = text, *end;
	ssize_t length = must(getxattr(".", "vramfs.requests", text, sizeof(text) - 1));

	text[length] = '\0';
	for (; (end = strchr(line, '\n')); line = end + 1) {
		size_t name = strlen(kind);

		if (!strncmp(line, kind, name) && line[name] == ' ')
			return strtoull(line + name, NULL, 10);
	}
	return 0;
}

void mounted_settle(void)
{
	for (int i = 0; i < 5000; i++) {
		if (mounted_requests("RELEASE") == mounted_requests("OPEN") +
							   mounted_requests("CREATE") +
							   mounted_requests("TMPFILE"))
			return;
		usleep(1000);
	}
	fail_msg("files that were closed are not released");
}

void close_opened(int fd)
{
	must(fd);
	must(close(fd));
}

void fill_pattern(uint8_t *bytes, size_t size, size_t offset, unsigned seed)
{
	for (size_t i = 0; i < size; i++) {
		uint64_t place = offset + i;

		bytes[i] = (uint8_t)((place * 2654435761u + seed * 40503u) >> 13 ^ place >> 9);
	}
}

void make_file(const char *file, size_t size, unsigned seed)
{
	int fd = must(open(file, O_WRONLY | O_CREAT | O_TRUNC, 0644));
	uint8_t *bytes = malloc(size + 1);

	fill_pattern(bytes, size, 0, seed);
	assert_int_equal(must(write(fd, bytes, size)), size);
	must(close(fd));
	free(bytes);
}

void check_file(const char *file, size_t size, unsigned seed)
{
	int fd = must(open(file, O_RDONLY));
	uint8_t *expected = malloc(size + 1), *bytes = malloc(size + 1);

	fill_pattern(expected, size, 0, seed);
	assert_int_equal(must(read(fd, bytes, size + 1)), size);
	assert_memory_equal(bytes, expected, size);
	must(close(fd));
	free(expected);
	free(bytes);
}

struct stat stat_of(const char *file)
{
	struct stat st;

	must(lstat(file, &st));
	return st;
}

void as_user(int (*function)(const char *argument), const char *argument)
{
	pid_t child = must(fork());
	int status;

	if (child == 0) {
		if (setgroups(0, NULL) || setresgid(1000, 1000, 1000) ||
			setresuid(1000, 1000, 1000))
			_exit(99);
		_exit(function(argument));
	}
	must(waitpid(child, &status, 0));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}
