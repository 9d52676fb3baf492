/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * For trace-cost.py, which looks at the machine code of what a range costs in a function that does
 * nothing else. Compiled as the layers are, as a library.
 */
#include "base/trace.h"

void traced_scope(void);
uint64_t traced_start(void);
void traced_thread(void);

static const char *expensive_name(void)
{
	static const char *const names[] = {"a", "b"};
	/* Must not be worked out when nobody traces. */
	static volatile unsigned count;

	return names[count++ % 2];
}

void traced_scope(void)
{
	TRACE_SCOPE(expensive_name());
}

uint64_t traced_start(void)
{
	return trace_start(expensive_name());
}

void traced_thread(void)
{
	trace_name_thread(expensive_name());
}
