/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_BASE_LOG_H
#define VRAMFS_BASE_LOG_H

#include <stdbool.h>

/*
 * One line a message, to stderr or to the system log. Libraries log at debug only; the front end
 * logs an error once, in words a user can act on. Safe from any thread.
 */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Show messages up to LEVEL (LOG_LEVEL_INFO until called). */
void log_set_level(enum log_level level);

/* Send messages to syslog(3) instead of stderr: for a daemon that has no terminal. */
void log_to_syslog(void);

/* Begin each line on stderr with its priority, as "<3>": for a stderr that a journal reads. */
void log_with_priorities(void);

/* That beginning of a line of LEVEL; "" unless log_with_priorities() was called. */
const char *log_priority(enum log_level level);

bool log_enabled(enum log_level level);

void log_message(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                             \
	do {                                                       \
		if (log_enabled(LOG_LEVEL_DEBUG))                  \
			log_message(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
