/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* What else programs do with files: run them, watch them, meet at them. */
#include "posix.h"

#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static void copy_program(const char *from, const char *to)
{
	int source = must(open(from, O_RDONLY)), target = must(open(to, O_WRONLY | O_CREAT, 0755));
	char bytes[65536];
	ssize_t got;

	while ((got = must(read(source, bytes, sizeof(bytes)))) > 0)
		assert_int_equal(must(write(target, bytes, (size_t)got)), got);
	must(close(source));
	must(close(target));
}

static int execute(void *argument)
{
	execl(argument, argument, "0.2", NULL);
	return errno;
}

static void a_program_runs(void **state)
{
	int fd, status;
	pid_t child;

	(void)state;
	copy_program("/bin/true", "program");
	in_child(execute, "./program");
	must(chmod("program", 0644));
	child = start_child(execute, "./program");
	must(waitpid(child, &status, 0));
	assert_int_equal(WEXITSTATUS(status), EACCES);
	/* A script, and a program that is only open. */
	fd = must(open("script", O_WRONLY | O_CREAT, 0755));
	assert_int_equal(must(write(fd, "#!/bin/sh\nexit 0\n", 17)), 17);
	must(close(fd));
	in_child(execute, "./script");
}

static void a_running_program_is_not_written(void **state)
{
	struct stat st;
	pid_t child;
	int fd, status;

	(void)state;
	copy_program("/bin/sleep", "program");
	child = start_child(execute, "./program");
	usleep(100000);
	must_fail(open("program", O_WRONLY), ETXTBSY);
	must_fail(truncate("program", 0), ETXTBSY);
	must(stat("program", &st));
	must(unlink("program")); /* that is allowed */
	finish_child(child);
	copy_program("/bin/true", "program");
	fd = must(open("program", O_WRONLY));
	child = start_child(execute, "./program");
	must(waitpid(child, &status, 0));
	/* Since Linux 6.11, for some releases, a file open for writing could be run. */
	assert_true(WEXITSTATUS(status) == ETXTBSY || WEXITSTATUS(status) == 0);
	must(close(fd));
}

/* The next event: its mask and, if it has one, its name. */
static uint32_t next_event(int fd, char *name)
{
	union {
		struct inotify_event event;
		char bytes[sizeof(struct inotify_event) + 256];
	} buffer;
	static union {
		struct inotify_event event;
		char bytes[8192];
	} all;
	static ssize_t at, size;

	if (at == size) {
		size = must(read(fd, all.bytes, sizeof(all.bytes)));
		at = 0;
	}
	memcpy(&buffer.event, all.bytes + at, sizeof(buffer.event));
	snprintf(name, 256, "%s",
		buffer.event.len ? all.bytes + at + sizeof(struct inotify_event) : "");
	at += (ssize_t)(sizeof(struct inotify_event) + buffer.event.len);
	return buffer.event.mask;
}

static void changes_are_announced(void **state)
{
	static const struct {
		uint32_t mask;
		const char *name;
	} expected[] = {
		{IN_CREATE, "file"},
		{IN_OPEN, "file"},
		{IN_MODIFY, "file"},
		{IN_CLOSE_WRITE, "file"},
		{IN_ATTRIB, "file"},
		{IN_MOVED_FROM, "file"},
		{IN_MOVED_TO, "moved"},
		{IN_OPEN, "moved"},
		{IN_ACCESS, "moved"},
		{IN_CLOSE_NOWRITE, "moved"},
		{IN_MODIFY, "moved"},
		{IN_CREATE | IN_ISDIR, "directory"},
		{IN_DELETE, "moved"},
		{IN_DELETE | IN_ISDIR, "directory"},
		{IN_DELETE_SELF, ""},
	};
	int fd = must(inotify_init1(IN_CLOEXEC)), file;
	char byte, name[256];

	(void)state;
	must(mkdir("watched", 0700));

	must(inotify_add_watch(fd, "watched", IN_ALL_EVENTS));
	file = must(open("watched/file", O_WRONLY | O_CREAT, 0600));
	assert_int_equal(must(write(file, "x", 1)), 1);
	must(close(file));
	must(chmod("watched/file", 0640));
	must(rename("watched/file", "watched/moved"));
	file = must(open("watched/moved", O_RDONLY));
	assert_int_equal(must(read(file, &byte, 1)), 1);
	must(close(file));
	must(truncate("watched/moved", 0));
	must(mkdir("watched/directory", 0700));
	must(unlink("watched/moved"));
	must(rmdir("watched/directory"));
	must(rmdir("watched"));
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		uint32_t mask = next_event(fd, name);

		if (mask != expected[i].mask || strcmp(name, expected[i].name))
			fail_msg("event %zu is %#x of '%s', not %#x of '%s'", i, mask, name,
				expected[i].mask, expected[i].name);
	}
	must(close(fd));
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

static int connect_and_send(void *unused)
{
	struct sockaddr_un address = address_of("socket");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)unused;
	CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(write(fd, "hello", 5) == 5);
	return 0;
}

static void processes_meet_at_a_socket(void **state)
{
	struct sockaddr_un address = address_of("socket");
	int listener = must(socket(AF_UNIX, SOCK_STREAM, 0)), fd;
	char bytes[6] = "";
	pid_t child;

	(void)state;
	must(bind(listener, (struct sockaddr *)&address, sizeof(address)));
	assert_true(S_ISSOCK(stat_of("socket").st_mode));
	must_fail(bind(must(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&address,
			  sizeof(address)),
		EADDRINUSE);
	must_fail(open("socket", O_RDWR), ENXIO);
	must(listen(listener, 1));
	child = start_child(connect_and_send, NULL);
	fd = must(accept(listener, NULL, NULL));
	assert_int_equal(must(recv(fd, bytes, 5, MSG_WAITALL)), 5);
	assert_string_equal(bytes, "hello");
	finish_child(child);
	must(close(listener));
	fd = must(socket(AF_UNIX, SOCK_STREAM, 0));
	must_fail(connect(fd, (struct sockaddr *)&address, sizeof(address)), ECONNREFUSED);
	must(unlink("socket"));
	must_fail(connect(fd, (struct sockaddr *)&address, sizeof(address)), ENOENT);
}

static int write_to_fifo(void *unused)
{
	int fd = open("fifo", O_WRONLY);

	(void)unused;
	CHECK(write(fd, "through", 7) == 7);
	return 0;
}

static void processes_meet_at_a_fifo(void **state)
{
	char bytes[8] = "";
	pid_t child;
	int fd;

	(void)state;
	must(mkfifo("fifo", 0600));
	must_fail(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	child = start_child(write_to_fifo, NULL);
	fd = must(open("fifo", O_RDONLY));
	assert_int_equal(must(read(fd, bytes, 7)), 7);
	assert_string_equal(bytes, "through");
	finish_child(child);
	assert_int_equal(must(read(fd, bytes, 7)), 0);
	must_fail(lseek(fd, 0, SEEK_SET), ESPIPE);
	must(ftruncate(open_new("file"), 0));
	assert_int_equal(stat_of("fifo").st_size, 0);
}

static void device_files_lead_to_devices(void **state)
{
	char byte = 1;
	int fd;

	(void)state;
	must(mknod("zero", S_IFCHR | 0600, makedev(1, 5)));
	fd = open("zero", O_RDONLY);
	if (fd < 0 && errno == EACCES)
		skip(); /* mounted nodev */
	assert_int_equal(must(read(must(fd), &byte, 1)), 1);
	assert_int_equal(byte, 0);
}

static void swapping_to_a_file_is_refused(void **state)
{
	int fd = open_new("swap");

	(void)state;
	must(fallocate(fd, 0, 0, 1 << 20));
	must(close(fd));
	must_fail(swapon("swap", 0), EINVAL);
}

static void unknown_ioctls_are_refused(void **state)
{
	int fd = open_new("file"), directory = must(open(".", O_RDONLY)), number;

	(void)state;
	must_fail(ioctl(fd, 0x12345678, &number), ENOTTY);
	must_fail(ioctl(directory, 0x12345678, &number), ENOTTY);
	must_fail(ioctl(fd, TCGETS, &number), ENOTTY);
	assert_int_equal(isatty(fd), 0);
}

static void the_file_system_tells_its_limits(void **state)
{
	struct statvfs st;
	int fd = open_new("file");

	(void)state;
	must(statvfs(".", &st));
	assert_true(st.f_bsize >= 4096 && st.f_frsize >= 512);
	assert_int_equal(st.f_namemax, 255);
	assert_false(st.f_flag & ST_RDONLY);
	assert_int_equal(must(fpathconf(fd, _PC_NAME_MAX)), 255);
	assert_true(must(fpathconf(fd, _PC_LINK_MAX)) >= 127);
	assert_int_equal(must(fpathconf(fd, _PC_NO_TRUNC)), 1);
	assert_int_equal(must(fpathconf(fd, _PC_CHOWN_RESTRICTED)), 1);
}

static void descriptors_without_access_only_name(void **state)
{
	struct stat st;
	char byte;
	int fd;

	(void)state;
	close_opened(open_with("file", "bytes"));
	fd = must(open("file", O_PATH));
	must(fstat(fd, &st));
	assert_int_equal(st.st_size, 5);
	must_fail(read(fd, &byte, 1), EBADF);
	must_fail(fchmod(fd, 0600), EBADF);
	must(symlink("file", "link"));
	fd = must(open("link", O_PATH | O_NOFOLLOW));
	must(fstat(fd, &st));
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(must(readlinkat(fd, "", (char[10]){}, 10)), 4);
}

static void a_read_only_descriptor_only_reads(void **state)
{
	int reader, writer;
	char byte;

	(void)state;
	close_opened(open_with("file", "bytes"));
	reader = must(open("file", O_RDONLY));
	writer = must(open("file", O_WRONLY));
	must_fail(write(reader, "x", 1), EBADF);
	must_fail(read(writer, &byte, 1), EBADF);
	must_fail((intptr_t)mmap(NULL, 4096, PROT_READ, MAP_SHARED, writer, 0), EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		posix_test(a_program_runs),
		posix_test(a_running_program_is_not_written),
		posix_test(changes_are_announced),
		posix_test(processes_meet_at_a_socket),
		posix_test(processes_meet_at_a_fifo),
		posix_test(device_files_lead_to_devices),
		posix_test(swapping_to_a_file_is_refused),
		posix_test(unknown_ioctls_are_refused),
		posix_test(the_file_system_tells_its_limits),
		posix_test(descriptors_without_access_only_name),
		posix_test(a_read_only_descriptor_only_reads),
	};

	return posix_run(tests);
}
