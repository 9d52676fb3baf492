/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_SYSTEMD_H
#define VRAMFS_CLI_SYSTEMD_H

#include <stdbool.h>

/* What a service manager and its services say to each other; nothing happens where there is none.
 */

/* Tell it of a change of state, in lines of the form sd_notify(3) lists: "READY=1\nSTATUS=...". */
void systemd_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Is stderr a stream to the journal? */
bool systemd_reads_stderr(void);

#endif
