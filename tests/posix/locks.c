/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Locks of all four kinds: who is kept out, and what lets go of them. */
#include "posix.h"

#include <sys/file.h>

static struct flock range(short type, off_t start, off_t length)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

static int lock(int fd, int command, short type, off_t start, off_t length)
{
	struct flock lock = range(type, start, length);

	return fcntl(fd, command, &lock);
}

/* In another process: 'x' if a write lock on the range is to be had, 'r' if only a read lock, '-'
 * if none. */
struct probe {
	off_t start, length;
	char expected;
};

static int probe_range(void *argument)
{
	const struct probe *probe = argument;
	int fd = open("file", O_RDWR);
	char found = '-';

	CHECK(fd >= 0);
	if (lock(fd, F_SETLK, F_RDLCK, probe->start, probe->length) == 0)
		found = 'r';
	else
		CHECK(errno == EAGAIN || errno == EACCES);
	if (lock(fd, F_SETLK, F_WRLCK, probe->start, probe->length) == 0)
		found = 'x';
	CHECK(found == probe->expected);
	return 0;
}

static void others_find(off_t start, off_t length, char expected)
{
	struct probe probe = {start, length, expected};

	in_child(probe_range, &probe);
}

static void posix_locks_keep_other_processes_out(void **state)
{
	int fd = open_new("file");

	(void)state;
	must(lock(fd, F_SETLK, F_WRLCK, 100, 50));
	must(lock(fd, F_SETLK, F_RDLCK, 200, 50));
	others_find(0, 100, 'x');
	others_find(100, 1, '-');
	others_find(149, 1, '-');
	others_find(150, 50, 'x');
	others_find(240, 20, 'r');
	others_find(0, 0, '-');
	/* Unlocking the middle leaves both ends. */
	must(lock(fd, F_SETLK, F_UNLCK, 110, 30));
	others_find(110, 30, 'x');
	others_find(109, 1, '-');
	others_find(140, 1, '-');
	/* A process's own locks are no obstacle. */
	must(lock(fd, F_SETLK, F_RDLCK, 100, 50));
	others_find(100, 50, 'r');
}

static void closing_any_descriptor_drops_posix_locks(void **state)
{
	int fd = open_new("file");

	(void)state;
	must(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	others_find(0, 1, '-');
	close_opened(open("file", O_RDONLY));
	others_find(0, 1, 'x');
}

static int lock_and_end(void *unused)
{
	int fd = open("file", O_RDWR);

	(void)unused;
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0);
	CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
	return 0;
}

static void locks_end_with_their_process(void **state)
{
	int fd = open_new("file");

	(void)state;
	in_child(lock_and_end, NULL);
	must(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	must(flock(fd, LOCK_EX | LOCK_NB));
}

static void the_holder_of_a_lock_is_named(void **state)
{
	int fd = open_new("file"), status;
	struct turn turn = turn_new();
	struct flock found;
	pid_t child;

	(void)state;
	must(lock(fd, F_SETLK, F_WRLCK, 10, 20));
	fflush(stdout);
	child = must(fork());
	if (child == 0) {
		found = range(F_RDLCK, 0, 0);
		CHECK(fcntl(fd, F_GETLK, &found) == 0);
		CHECK(found.l_type == F_WRLCK && found.l_pid == getppid());
		CHECK(found.l_start == 10 && found.l_len == 20);
		turn_give(&turn);
		_exit(0);
	}
	turn_await(&turn);
	must(waitpid(child, &status, 0));
	assert_int_equal(status, 0);
}

static int wait_for_lock(void *argument)
{
	const struct turn *turns = argument;
	int fd = open("file", O_RDWR);

	turn_give(&turns[0]);
	CHECK(lock(fd, F_SETLKW, F_WRLCK, 0, 0) == 0);
	turn_give(&turns[1]);
	return 0;
}

static void a_waiter_gets_the_lock_when_it_is_free(void **state)
{
	struct turn turns[2] = {turn_new(), turn_new()};
	int fd = open_new("file");
	pid_t child;

	(void)state;
	must(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	child = start_child(wait_for_lock, turns);
	turn_await(&turns[0]);
	usleep(50000);
	assert_int_equal(must(waitpid(child, NULL, WNOHANG)), 0);
	must(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	turn_await(&turns[1]);
	finish_child(child);
}

static int close_the_circle(void *argument)
{
	const struct turn *turns = argument;
	int fd = open("file", O_RDWR);

	CHECK(lock(fd, F_SETLK, F_WRLCK, 1, 1) == 0);
	turn_give(&turns[0]);
	CHECK(lock(fd, F_SETLKW, F_WRLCK, 0, 1) == 0); /* waits for the parent */
	return 0;
}

static void a_deadlock_is_refused(void **state)
{
	struct turn turns[1] = {turn_new()};
	int fd = open_new("file");
	pid_t child;

	(void)state;
	must(lock(fd, F_SETLK, F_WRLCK, 0, 1));
	child = start_child(close_the_circle, turns);
	turn_await(&turns[0]);
	usleep(50000);
	must_fail(lock(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
	must(lock(fd, F_SETLK, F_UNLCK, 0, 1));
	finish_child(child);
}

static void open_file_locks_are_of_the_open_file(void **state)
{
	int one = open_new("file"), two = must(open("file", O_RDWR)), copy;

	(void)state;
	must(lock(one, F_OFD_SETLK, F_WRLCK, 0, 100));
	must_fail(lock(two, F_OFD_SETLK, F_RDLCK, 50, 1), EAGAIN);
	must_fail(lock(two, F_SETLK, F_RDLCK, 50, 1), EAGAIN);
	must(lock(two, F_OFD_SETLK, F_WRLCK, 100, 0));
	/* A third open file's end is none of theirs; a copy keeps the lock. */
	close_opened(open("file", O_RDONLY));
	must_fail(lock(two, F_OFD_SETLK, F_RDLCK, 50, 1), EAGAIN);
	copy = must(dup(one));
	must(close(one));
	must_fail(lock(two, F_OFD_SETLK, F_RDLCK, 50, 1), EAGAIN);
	must(close(copy));
	must(lock(two, F_OFD_SETLK, F_WRLCK, 0, 0));
}

static void flock_is_of_the_open_file(void **state)
{
	int one = open_new("file"), two = must(open("file", O_RDONLY)), copy;

	(void)state;
	must(flock(one, LOCK_SH));
	must(flock(two, LOCK_SH));
	must_fail(flock(two, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	must(flock(one, LOCK_UN));
	must(flock(two, LOCK_EX | LOCK_NB));
	must_fail(flock(one, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	copy = must(dup(two));
	must(close(two));
	must_fail(flock(one, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	must(close(copy));
	must(flock(one, LOCK_EX | LOCK_NB));
	/* The two kinds know nothing of each other. */
	others_find(0, 0, 'x');
	must(flock(must(open(".", O_RDONLY)), LOCK_EX | LOCK_NB));
}

static void locks_need_the_right_access(void **state)
{
	int reader, writer;

	(void)state;
	close_opened(open_new("file"));
	reader = must(open("file", O_RDONLY));
	writer = must(open("file", O_WRONLY));
	must_fail(lock(reader, F_SETLK, F_WRLCK, 0, 0), EBADF);
	must_fail(lock(writer, F_SETLK, F_RDLCK, 0, 0), EBADF);
	must_fail(lock(writer, F_SETLK, F_WRLCK, -1, 1), EINVAL);
	must_fail(lock(writer, F_SETLK, 77, 0, 1), EINVAL);
}

static int open_the_leased(void *unused)
{
	(void)unused;
	CHECK(open("file", O_WRONLY | O_NONBLOCK) == -1 && errno == EWOULDBLOCK);
	return 0;
}

static void a_lease_is_broken_by_an_open(void **state)
{
	int fd = open_new("file"), reader;

	(void)state;
	must(close(fd));
	reader = must(open("file", O_RDONLY));
	collect_signal(SIGIO);
	must(fcntl(reader, F_SETLEASE, F_RDLCK));
	assert_int_equal(must(fcntl(reader, F_GETLEASE)), F_RDLCK);
	in_child(open_the_leased, NULL);
	assert_true(take_signal(SIGIO));
	must(fcntl(reader, F_SETLEASE, F_UNLCK));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		posix_test(posix_locks_keep_other_processes_out),
		posix_test(closing_any_descriptor_drops_posix_locks),
		posix_test(locks_end_with_their_process),
		posix_test(the_holder_of_a_lock_is_named),
		posix_test(a_waiter_gets_the_lock_when_it_is_free),
		posix_test(a_deadlock_is_refused),
		posix_test(open_file_locks_are_of_the_open_file),
		posix_test(flock_is_of_the_open_file),
		posix_test(locks_need_the_right_access),
		posix_test(a_lease_is_broken_by_an_open),
	};

	return posix_run(tests);
}
