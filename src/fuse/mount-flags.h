/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_MOUNT_FLAGS_H
#define VRAMFS_FUSE_MOUNT_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The words by which mount(8), fstab(5) and /proc/self/mountinfo call the MS_... flags of mount(2).
 * A list of words is kept as what it changes, so that it can be applied to the flags of a new mount
 * or to those that a mount has.
 */
struct mount_flags {
	unsigned long mask; /* the flags that were spoken of */
	unsigned long set;  /* those of them that are to be set */
};

/* Take WORD ("ro", "nosuid") into FLAGS, over what earlier words said; false if it is no flag's. */
bool mount_flags_add(struct mount_flags *flags, const char *word);

/* CURRENT, changed as FLAGS say. */
unsigned long mount_flags_apply(const struct mount_flags *flags, unsigned long current);

/* Write the words of all that is set in FLAGS, each with a comma before it. False if they need more
 * than SIZE bytes. */
bool mount_flags_format(unsigned long flags, char *text, size_t size);

#endif
