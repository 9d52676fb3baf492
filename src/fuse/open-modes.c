/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Through the page cache or past it: the first to open a file decides, by the mount option and by
 * how it opens it; who opens it meanwhile follows. If both ways were mixed, each write past the
 * cache would throw away what readers through it have cached, and a page that a reader fetches
 * while such a write is on its way would have to be thrown away after it, which kernels have
 * learned only lately.
 *
 * By default only those files bypass the cache that somebody just writes: to copy or unpack a tree
 * is as fast as it can be and takes no host memory. Who opens a file for reading and writing may
 * map it, and a mapping is always in the page cache: if a program changed a page through it while
 * another wrote to the same page past it, one of the changes could get lost.
 *
 * How an inode is open is a number: how many have it open through the cache, or minus how many past
 * it. Inodes share a number if the table's size divides their difference, and then follow each
 * other: that is always correct, it hardly ever happens, and so an open needs no lock, no memory,
 * and can't fail.
 */
#include "fuse/open-modes.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>

/* 4 MiB of address space, of which memory is taken as inodes are opened. */
#define NUMBERS (UINT64_C(1) << 20)

struct open_modes {
	enum fuse_cache cache;
	_Atomic int32_t opens[NUMBERS];
};

err_t open_modes_new(enum fuse_cache cache, struct open_modes **ret_modes)
{
	struct open_modes *modes = calloc(1, sizeof(*modes));

	if (!modes)
		return -ENOMEM;
	modes->cache = cache;
	*ret_modes = modes;
	return 0;
}

void open_modes_free(struct open_modes *modes)
{
	free(modes);
}

static bool wants_cache(enum fuse_cache cache, uint32_t flags)
{
	if (flags & O_DIRECT)
		return false;
	switch (cache) {
	case FUSE_CACHE_NONE:
		return false;
	case FUSE_CACHE_ALWAYS:
		return true;
	case FUSE_CACHE_AUTO:
		break;
	}
	return (flags & O_ACCMODE) != O_WRONLY;
}

bool open_modes_enter(struct open_modes *modes, uint64_t ino, uint32_t flags)
{
	_Atomic int32_t *opens = &modes->opens[ino % NUMBERS];
	int32_t now = atomic_load_explicit(opens, memory_order_relaxed), next;

	do {
		if (now == 0)
			next = wants_cache(modes->cache, flags) ? 1 : -1;
		else
			next = now > 0 ? now + 1 : now - 1;
	} while (!atomic_compare_exchange_weak_explicit(
		opens, &now, next, memory_order_relaxed, memory_order_relaxed));
	return next > 0;
}

void open_modes_leave(struct open_modes *modes, uint64_t ino)
{
	_Atomic int32_t *opens = &modes->opens[ino % NUMBERS];
	int32_t now = atomic_load_explicit(opens, memory_order_relaxed), next;

	do {
		if (now == 0)
			return; /* nobody has it open: the kernel would never say so */
		next = now > 0 ? now - 1 : now + 1;
	} while (!atomic_compare_exchange_weak_explicit(
		opens, &now, next, memory_order_relaxed, memory_order_relaxed));
}
