/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The channel is a pipe. A word is shorter than PIPE_BUF, so it arrives whole or not at all; a
 * child that dies closes the pipe, which the parent sees as the end of it and never waits in vain.
 */
#include "cli/daemon.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

/* Wait for the child's word; a child that dies without one closes the channel. */
static void await_word(int channel, pid_t child, struct daemon_word *ret_word)
{
	ssize_t got;
	int status;

	do {
		got = read(channel, ret_word, sizeof(*ret_word));
	} while (got < 0 && errno == EINTR);
	if (got == (ssize_t)sizeof(*ret_word)) {
		if (ret_word->status != EXIT_DONE)
			waitpid(child, &status, 0);
		return;
	}
	ret_word->status = EXIT_IO;
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		snprintf(ret_word->text, sizeof(ret_word->text),
			"the daemon was killed by signal %d before it was ready: try --foreground",
			WTERMSIG(status));
	else
		snprintf(ret_word->text, sizeof(ret_word->text),
			"the daemon ended with status %d before it was ready: try --foreground",
			WEXITSTATUS(status));
}

int daemon_fork(int *ret_channel, struct daemon_word *ret_word, struct why *why)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return why_fail(why, errno, "can't make a pipe: %m");
	child = fork();
	if (child < 0) {
		int err = why_fail(why, errno, "can't start the daemon: %m");

		close(ends[0]);
		close(ends[1]);
		return err;
	}
	if (!child) {
		close(ends[0]);
		setsid();
		/* The parent may be gone when the word is sent. */
		signal(SIGPIPE, SIG_IGN);
		*ret_channel = ends[1];
		return 0;
	}
	close(ends[1]);
	await_word(ends[0], child, ret_word);
	close(ends[0]);
	*ret_channel = -1;
	return 0;
}

void daemon_detach(void)
{
	CLEANUP(close_p) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	/* Else the directory's filesystem could not be unmounted. */
	if (chdir("/"))
		return;
}

int daemon_report(int channel, const struct daemon_word *word)
{
	ssize_t sent;

	do {
		sent = write(channel, word, sizeof(*word)); /* below PIPE_BUF: all or nothing */
	} while (sent < 0 && errno == EINTR);
	close(channel);
	return sent == (ssize_t)sizeof(*word) ? 0 : -EPIPE;
}
