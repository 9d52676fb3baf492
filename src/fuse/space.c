/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Waiting for the space of removed files: see handlers.h. */
#include "fuse/handlers.h"

#include <time.h>

#define NS_A_MS INT64_C(1000000)
#define WAITS_MAX 10 /* 1, 2, 4 ... 512 ms: a second in all */
#define RECENT_NS (2000 * NS_A_MS)

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void fuse_note_removal(struct fuse_connection *connection)
{
	atomic_store_explicit(&connection->last_removal_ns, now_ns(), memory_order_relaxed);
}

bool fuse_wait_for_space(struct fuse_request *request)
{
	int64_t removal =
		atomic_load_explicit(&request->connection->last_removal_ns, memory_order_relaxed);
	int64_t now = now_ns();

	if (!request->transport->set_aside || request->waits == WAITS_MAX || removal == 0 ||
		now - removal > RECENT_NS)
		return false;
	/* Nothing to wait for, but it may have come since this request last looked for space. */
	if (fs_nameless_count(request->connection->fs) == 0) {
		if (request->waits++)
			return false;
		request->resume_at_ns = now;
	} else {
		request->resume_at_ns = now + (NS_A_MS << request->waits++);
	}
	return request->transport->set_aside(request);
}
