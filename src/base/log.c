/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <syslog.h>

static _Atomic int shown_level = LOG_LEVEL_INFO;
static atomic_bool use_syslog, use_priorities;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&shown_level, (int)level, memory_order_relaxed);
}

void log_to_syslog(void)
{
	openlog("vramfs", LOG_PID, LOG_DAEMON);
	atomic_store(&use_syslog, true);
}

void log_with_priorities(void)
{
	atomic_store(&use_priorities, true);
}

const char *log_priority(enum log_level level)
{
	/* 3, 4, 6 and 7 are LOG_ERR, LOG_WARNING, LOG_INFO and LOG_DEBUG. */
	static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};

	return atomic_load(&use_priorities) ? priorities[level] : "";
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&shown_level, memory_order_relaxed);
}

void log_message(enum log_level level, const char *format, ...)
{
	static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	static const char *const prefixes[] = {"error: ", "warning: ", "", "debug: "};
	va_list arguments;

	if (!log_enabled(level))
		return;
	va_start(arguments, format);
	if (atomic_load(&use_syslog)) {
		vsyslog(priorities[level], format, arguments);
	} else {
		char line[1024];

		vsnprintf(line, sizeof(line), format, arguments);
		fprintf(stderr, "%svramfs: %s%s\n", log_priority(level), prefixes[level], line);
	}
	va_end(arguments);
}
