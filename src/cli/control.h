/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_CONTROL_H
#define VRAMFS_CLI_CONTROL_H

#include "fuse/fuse.h"

#include <pthread.h>
#include <stdbool.h>

/*
 * The control attributes of a mounted filesystem's root directory.
 *
 *	vramfs.stats	get: lines "key value": version, pid, device, device_name, code,
 *			max_correct, region_bytes, blocks, blocks_free, read_bytes, written_bytes,
 *			jobs, failed_jobs, delayed_jobs, corrected_1..4, lost, inodes
 *	vramfs.options	get: the options that the mount was asked for: "size=1G,inject"
 *
 * and, only if allowed (mount -o inject), for tests:
 *
 *	vramfs.inject	set: "errors=4,every=1,seed=7": wrong bytes into every line of the device
 *	vramfs.sweep	set: "verify", "correct" or "refresh": over all blocks;
 *			get: lines flagged, corrected_1..4, lost of the last such sweep
 *	vramfs.fail	set: "3": the next 3 launches fail
 */
struct control {
	struct fs *fs;
	bool allow_set;
	const char *options;
	pthread_mutex_t lock; /* sweep */
	struct store_sweep_totals sweep;
};

/* OPTIONS stays the caller's. */
void control_init(struct control *control, struct fs *fs, bool allow_set, const char *options);
void control_done(struct control *control);

/* What fuse_options.control is to be. CONTROL must live as long as the mount. */
struct fuse_control control_hooks(struct control *control);

#endif
