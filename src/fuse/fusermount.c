/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * fusermount3 opens /dev/fuse, mounts, and hands the descriptor back over a socket, whose number it
 * is told in the environment. Its exit status says no more than that it failed, so what it writes
 * to stderr is read and becomes the reason.
 */
#include "fuse/fusermount.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "fuse/mount-flags.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PROGRAM "fusermount3"
#define OPTION_BYTES 1024

/* Start the program with stderr on ERRORS and, if it is not -1, SOCKET open. 0 or an errno. */
static int start(const char *const arguments[], int errors, int socket, pid_t *ret_child)
{
	char variable[32], *environment[] = {NULL, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	int err;

	/* Our threads block signals and ignore some: the program must not inherit that. */
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attributes, &signals);
	sigaddset(&signals, SIGPIPE);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
	if (socket >= 0) {
		/* To itself: that clears close-on-exec. */
		posix_spawn_file_actions_adddup2(&actions, socket, socket);
		snprintf(variable, sizeof(variable), "_FUSE_COMMFD=%d", socket);
		environment[0] = variable;
	}
	err = posix_spawnp(
		ret_child, PROGRAM, &actions, &attributes, (char *const *)arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return err;
}

/* Read to the end of FD; SAID gets the last line of it, without the program's name. */
static void read_last_line(int fd, char *said, size_t size)
{
	char text[2048], *line;
	size_t length = 0;
	ssize_t got;

	while ((got = read(fd, text + length, sizeof(text) - 1 - length)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		if (got > 0)
			length += (size_t)got;
		if (length == sizeof(text) - 1)
			break;
	}
	while (length && text[length - 1] == '\n')
		length--;
	text[length] = '\0';
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	if (!strncmp(line, PROGRAM ": ", strlen(PROGRAM ": ")))
		line += strlen(PROGRAM ": ");
	snprintf(said, size, "%.*s", (int)size - 1, line);
}

/* Run the program to its end. -EPERM if it could not be started or failed; SAID then tells why, and
 * is empty if it could not be started. */
static err_t run(
	const char *const arguments[], int socket, char *said, size_t size, struct why *why)
{
	int errors[2], status, err;
	pid_t child;

	*said = '\0';
	if (pipe2(errors, O_CLOEXEC))
		return why_fail(why, errno, "can't make a pipe: %m");
	err = start(arguments, errors[1], socket, &child);
	close(errors[1]);
	if (err) {
		close(errors[0]);
		return why_fail(why, EPERM,
			"only root may mount without %s (%s); install the package fuse3, or run "
			"with sudo",
			PROGRAM, strerror(err));
	}
	read_last_line(errors[0], said, size);
	close(errors[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return why_fail(why, EPERM, "%s: %s", PROGRAM, *said ? said : "failed");
}

/* A descriptor that has been sent over SOCKET; -1 if none was. */
static int receive_fd(int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
		header->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* The options as the program takes them, commas in the source escaped. */
static err_t format_options(const struct fuse_options *options, char *text, struct why *why)
{
	char flags[256], source[256];
	size_t length = 0;
	int needed;

	if (!(options->flags & MS_NOSUID) || !(options->flags & MS_NODEV))
		return why_fail(why, EPERM, "only root may mount with suid or dev; leave them out");
	for (const char *c = options->source; *c && length < sizeof(source) - 2; c++) {
		if (*c == ',' || *c == '\\')
			source[length++] = '\\';
		source[length++] = *c;
	}
	source[length] = '\0';
	/* That the kernel does without being asked; and the program has no word for it. */
	if (!mount_flags_format(options->flags & ~MS_RELATIME, flags, sizeof(flags)))
		return why_fail(why, EINVAL, "too many mount options");
	needed = snprintf(text, OPTION_BYTES,
		"fsname=%s,subtype=vramfs,default_permissions,max_read=%u%s%s", source, FS_IO_MAX,
		options->allow_other ? ",allow_other" : "", flags);
	return needed < OPTION_BYTES ? 0 : why_fail(why, EINVAL, "too many mount options");
}

err_t fusermount_mount(
	const struct fuse_options *options, const char *directory, int *ret_fd, struct why *why)
{
	char text[OPTION_BYTES], said[256];
	const char *const arguments[] = {PROGRAM, "-o", text, "--", directory, NULL};
	CLEANUP(close_p) int ours = -1;
	CLEANUP(close_p) int theirs = -1;
	int ends[2], fd, err = format_options(options, text, why);

	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return why_fail(why, errno, "can't make a socket: %m");
	ours = ends[0];
	theirs = ends[1];
	err = run(arguments, theirs, said, sizeof(said), why);
	if (err)
		return err;
	fd = receive_fd(ours);
	if (fd < 0) {
		if (fusermount_unmount(directory, true, NULL))
			log_debug("%s stays mounted", directory);
		return why_fail(why, EPROTO, "%s mounted %s but did not say how to serve it",
			PROGRAM, directory);
	}
	*ret_fd = fd;
	return 0;
}

err_t fusermount_unmount(const char *directory, bool lazy, struct why *why)
{
	const char *const arguments[] = {PROGRAM, lazy ? "-uz" : "-u", "--", directory, NULL};
	char said[256];
	int err = run(arguments, -1, said, sizeof(said), why);

	/* It speaks English, whatever the locale. */
	return err && strstr(said, "Device or resource busy") ? -EBUSY : err;
}
