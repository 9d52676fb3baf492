/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* See posix.h. The tests run in a child process, whose working directory is the filesystem's root
 * until a test begins. */
#include "posix.h"

#include <fts.h>
#include <pthread.h>
#include <time.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#define DIRECTORY "test"

static int root_fd = -1;
static struct statvfs space_before; /* the test under way */

/* With fts(3), which goes to where it works: paths may be too long to be used in one piece. */
static int remove_tree(char *path)
{
	char *const paths[] = {path, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_XDEV, NULL);
	FTSENT *entry;
	int failed = walk ? 0 : -1;

	while (walk && (entry = fts_read(walk))) {
		if (entry->fts_info == FTS_D)
			continue;
		if (remove(entry->fts_accpath)) {
			print_error("%s stays: %s\n", entry->fts_path, strerror(errno));
			failed = -1;
		}
	}
	if (walk)
		fts_close(walk);
	return failed;
}

int posix_enter_directory(void **state)
{
	(void)state;
	if (root_fd < 0)
		root_fd = must(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	must(fchdir(root_fd));
	must(fstatvfs(root_fd, &space_before));
	must(mkdir(DIRECTORY, 0777));
	must(chmod(DIRECTORY, 0777));
	must(chdir(DIRECTORY));
	return 0;
}

/* The kernel lets go of a removed file some time after its last name. Nothing of a test must be
 * counted in the next one, nor stay for ever; in a filesystem that others use, who knows. */
static int await_space_before(void)
{
	struct statvfs st;

	for (unsigned i = 0; i < 1000; i++) {
		must(fstatvfs(root_fd, &st));
		if (st.f_bfree >= space_before.f_bfree && st.f_ffree >= space_before.f_ffree)
			return 0;
		usleep(10000);
	}
	if (getenv("VRAMFS_TEST_FILESYSTEM"))
		return 0;
	print_error("all was removed, but %lu blocks and %lu inodes stay away\n",
		space_before.f_bfree - st.f_bfree, space_before.f_ffree - st.f_ffree);
	return -1;
}

int posix_leave_directory(void **state)
{
	(void)state;
	umask(022);
	must(fchdir(root_fd));
	/* What a failed test left behind, its children included, must not fail others. */
	close_range(root_fd + 1, ~0u, 0);
	return remove_tree((char[]){DIRECTORY}) ? -1 : await_space_before();
}

bool posix_on_tmpfs(void)
{
	struct statfs st;

	must(fstatfs(root_fd, &st));
	return st.f_type == TMPFS_MAGIC;
}

/* The tests in a child, whose working directory is DIRECTORY. */
static int run_in(const char *directory, const struct CMUnitTest *tests, size_t count)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child < 0)
		abort();
	if (child == 0) {
		umask(022);
		if (chdir(directory)) {
			perror(directory);
			exit(1);
		}
		exit(_cmocka_run_group_tests("posix", tests, count, NULL, NULL) ? 1 : 0);
	}
	if (waitpid(child, &status, 0) != child)
		abort();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int run_on_tmpfs(const struct CMUnitTest *tests, size_t count)
{
	char directory[] = "/tmp/vramfs-test-XXXXXX";
	int status;

	if (!mkdtemp(directory))
		abort();
	if (mount("tmpfs", directory, "tmpfs", 0, "size=90m,mode=755")) {
		perror("a tmpfs can't be mounted");
		rmdir(directory);
		return 77;
	}
	status = run_in(directory, tests, count);
	if (umount2(directory, MNT_DETACH) || rmdir(directory))
		abort();
	return status;
}

int posix_run_array(const struct CMUnitTest *tests, size_t count)
{
	const char *filesystem = getenv("VRAMFS_TEST_FILESYSTEM");

	if (getuid() != 0) {
		printf("these tests need root\n");
		return 77;
	}
	if (!filesystem)
		return mounted_run_array(tests, count);
	if (!strcmp(filesystem, "tmpfs"))
		return run_on_tmpfs(tests, count);
	return run_in(filesystem, tests, count);
}

int open_new(const char *file)
{
	return must(open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
}

int open_with(const char *file, const char *text)
{
	int fd = open_new(file);

	assert_int_equal(must(pwrite(fd, text, strlen(text), 0)), strlen(text));
	return fd;
}

void check_text(int fd, const char *text)
{
	char bytes[4096] = "";

	assert_int_equal(must(pread(fd, bytes, sizeof(bytes) - 1, 0)), strlen(text));
	assert_string_equal(bytes, text);
}

pid_t start_child(int (*function)(void *argument), void *argument)
{
	pid_t child;

	fflush(stdout);
	child = must(fork());
	if (child == 0) {
		/* cmocka's handler would go on with the tests. */
		signal(SIGBUS, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		_exit(function(argument));
	}
	return child;
}

void finish_child(pid_t child)
{
	int status;

	assert_int_equal(must(waitpid(child, &status, 0)), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static sigset_t only(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	return set;
}

void collect_signal(int number)
{
	sigset_t set = only(number);

	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

bool take_signal(int number)
{
	sigset_t set = only(number);

	return sigtimedwait(&set, NULL, &(struct timespec){}) == number;
}

struct turn turn_new(void)
{
	struct turn turn;

	must(pipe(turn.ends));
	return turn;
}

void turn_give(const struct turn *turn)
{
	if (write(turn->ends[1], "", 1) != 1)
		abort();
}

void turn_await(const struct turn *turn)
{
	char byte;

	if (read(turn->ends[0], &byte, 1) != 1)
		abort();
}

uint64_t free_bytes(void)
{
	struct statvfs st;

	must(fstatvfs(root_fd, &st));
	return st.f_bavail * st.f_frsize;
}

void await_free_bytes(uint64_t bytes)
{
	for (unsigned i = 0; i < 1000 && free_bytes() < bytes; i++)
		usleep(10000);
	assert_true(free_bytes() >= bytes);
}
