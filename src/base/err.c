/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

int why_fail(struct why *why, int err, const char *format, ...)
{
	if (why) {
		va_list arguments;

		va_start(arguments, format);
		vsnprintf(why->text, sizeof(why->text), format, arguments);
		va_end(arguments);
	}
	return -err;
}
