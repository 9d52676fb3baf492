/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Waiting for the space of removed files: see handlers.h. */
#include "fuse/handlers.h"

#include "base/clock.h"

#define NS_A_MS INT64_C(1000000)
#define WAITS_MAX 10 /* 1, 2, 4 ... 512 ms: a second in all */
#define RECENT_NS (2000 * NS_A_MS)
/* Whoever asks what a removal has brought: 1, 2, 4, 8 ms */
#define REMOVAL_WAITS_MAX 4
#define JUST_NOW_NS (100 * NS_A_MS)

void fuse_note_removal(struct fuse_connection *connection)
{
	atomic_store_explicit(&connection->last_removal_ns, clock_ns(), memory_order_relaxed);
}

/* How long ago the last removal was; INT64_MAX: none has been. */
static int64_t since_removal(const struct fuse_request *request, int64_t now)
{
	int64_t removal =
		atomic_load_explicit(&request->connection->last_removal_ns, memory_order_relaxed);

	return removal ? now - removal : INT64_MAX;
}

bool fuse_wait_for_space(struct fuse_request *request)
{
	int64_t now = clock_ns();

	if (!request->transport->set_aside || request->last_try || request->waits == WAITS_MAX ||
		since_removal(request, now) > RECENT_NS)
		return false;
	/* Nothing to wait for, but it may have come since this request last looked for space. */
	request->last_try = fs_nameless_count(request->connection->fs) == 0;
	request->resume_at_ns = request->last_try ? now : now + (NS_A_MS << request->waits++);
	return request->transport->set_aside(request);
}

bool fuse_wait_for_removals(struct fuse_request *request)
{
	int64_t now = clock_ns();

	if (!request->transport->set_aside || request->waits == REMOVAL_WAITS_MAX ||
		since_removal(request, now) > JUST_NOW_NS ||
		fs_nameless_count(request->connection->fs) == 0)
		return false;
	request->resume_at_ns = now + (NS_A_MS << request->waits++);
	return request->transport->set_aside(request);
}
