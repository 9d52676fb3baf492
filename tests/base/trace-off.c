/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Whatever NVTX_INJECTION64_PATH may name that can't trace: the program runs on, untraced. */
#include "base/trace.h"

#include <stdio.h>

int main(void)
{
	bool traced;

	trace_open();
	traced = trace_push("a range");
	trace_pop(traced);
	trace_name_thread("a thread");
	if (trace_enabled() || traced || trace_start("another") != 0) {
		printf("traced, although nothing can\n");
		return 1;
	}
	return 0;
}
