/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_PROFILE_H
#define VRAMFS_CLI_PROFILE_H

#include "store/store.h"

#include <json-c/json.h>

/*
 * `vramfs profile`: what its parts share. A subject is one thing that a profiler is to look at; its
 * function, in a file of its own, runs that for a while on an open store that nothing else uses,
 * and says what came of it.
 */
#define PROFILE_PARTS_MAX 8u
#define PROFILE_CODES 2u

/* Something of which there is a throughput. */
struct profile_part {
	const char *name;
	enum rs_code code;
	uint64_t jobs, bytes; /* file data */
	double seconds;
};

struct profile {
	struct store *store; /* all its lines are codewords of random data, at first */
	double seconds;      /* how long to run */
	unsigned threads;    /* for stream-pool */

	/* What came of it. */
	struct profile_part parts[PROFILE_CODES * PROFILE_PARTS_MAX];
	unsigned part_count;
	char note[200];           /* more for the line at the end; "" if there is no more */
	struct json_object *json; /* members of the subject's own */
};

/* Add a part, of the store's code. */
void profile_add_part(
	struct profile *profile, const char *name, uint64_t jobs, uint64_t bytes, double seconds);

double profile_gb_per_s(const struct profile_part *part);

/* Run for profile->seconds, or once if that takes longer. -EIO if the device failed or lines were
 * wrong, -ENOMEM, -EAGAIN if there can be no more threads. */
err_t profile_stream_pool(struct profile *profile, struct why *why);
err_t profile_decoder(struct profile *profile, struct why *why);
err_t profile_encoders(struct profile *profile, struct why *why);
err_t profile_pipeline(struct profile *profile, struct why *why);
err_t profile_gpu_parallelism(struct profile *profile, struct why *why);

#endif
