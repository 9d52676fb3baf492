/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_STORE_POOL_H
#define VRAMFS_STORE_POOL_H

#include "base/err.h"

#include <stdint.h>

/*
 * The numbers of the free blocks, 0..capacity-1. All of them are free at first. Lock-free, from any
 * number of threads; a bit of host memory a block, touched only when a block near it is taken, so
 * that making a pool takes no time however large the region is.
 */
struct pool;

/* CAPACITY is 1..2^32-1. -ENOMEM. */
err_t pool_new(uint32_t capacity, struct pool **ret_pool);
void pool_free(struct pool *pool);

/*
 * Take a free block; -ENOSPC exactly if there was a moment during the call at which none was free.
 * A give that has not returned yet may count as not having happened.
 */
err_t pool_take(struct pool *pool, uint32_t *ret_block);

/* Give back a block that was taken. Giving one twice aborts: it would get two owners. */
void pool_give(struct pool *pool, uint32_t block);

/* How many are free; exact while nobody takes or gives. */
uint64_t pool_count_free(const struct pool *pool);

#endif
