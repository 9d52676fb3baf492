/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_SLAB_H
#define VRAMFS_FS_SLAB_H

#include "base/err.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Objects of one size, numbered from 0, for what is needed while data are written: taking one
 * never allocates. Address space for all there may ever be is reserved when the slab is made, and
 * memory for the first of them is there from then on; behind those the kernel provides pages when
 * they are touched. Objects given back are the first to be taken again, so only as many pages are
 * touched as there were objects in use at once. Any function may be called from any thread, also
 * with an inode's lock held.
 */
struct slab {
	uint8_t *memory;
	size_t object_bytes;
	uint32_t capacity;
	pthread_mutex_t lock; /* for what follows */
	uint32_t touched;     /* objects 0..touched-1 have been taken at some time */
	uint32_t last_given;  /* a list through the free ones' first words, which ends in capacity
			       */
};

/* A multiple of 4 bytes an object; READY of the CAPACITY (1..2^32-1) have their memory from the
 * beginning. -ENOMEM. */
err_t slab_init(struct slab *slab, size_t object_bytes, uint32_t capacity, uint32_t ready);
/* Objects need not have been given back. A zeroed slab is allowed. */
void slab_done(struct slab *slab);

/* An object with undefined content, or NULL when CAPACITY are taken. */
void *slab_take(struct slab *slab);
void slab_give(struct slab *slab, void *object);

uint32_t slab_number(const struct slab *slab, const void *object);
void *slab_object(const struct slab *slab, uint32_t number);

/* COUNT bytes of zeros with memory behind all of them, for tables that are touched while data are
 * written; NULL without. */
void *table_new(size_t count);
void table_free(void *table, size_t count);

#endif
