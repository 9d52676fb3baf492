/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_DAEMON_H
#define VRAMFS_CLI_DAEMON_H

#include "cli/exit.h"

#include <stdbool.h>

/*
 * Going into the background without losing errors: the process forks before it does anything that
 * does not survive a fork; the child works, and its first word, "ready" or what went wrong, goes to
 * the parent, which ends with it.
 */

/* Fork. The child gets the end of the channel in *RET_CHANNEL; the parent gets -1 there, the
 * child's word in *RET_WORD, and has reaped the child if it has ended. */
struct daemon_word {
	enum exit_status status;
	char text[768]; /* without "vramfs mount: " */
};
err_t daemon_fork(int *ret_channel, struct daemon_word *ret_word, struct why *why);

/* In the child: let go of the terminal and of the directory it was started in. */
void daemon_detach(void);

/* In the child: send WORD and close the channel. -EPIPE: nobody waits for it any more. */
err_t daemon_report(int channel, const struct daemon_word *word);

#endif
