/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A process that is asked to write out dirty pages because memory is short must not need memory for
 * it. So everything whose number depends on the data in the filesystem stands in tables and slabs
 * that are made when it is opened.
 */
#include "fs/slab.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

static void *reserve(size_t bytes, int flags)
{
	void *memory = mmap(
		NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void *table_new(size_t count)
{
	return reserve(count, MAP_POPULATE);
}

void table_free(void *table, size_t count)
{
	if (table)
		munmap(table, count);
}

static void touch(uint8_t *memory, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	for (size_t at = 0; at < bytes; at += page)
		*(volatile uint8_t *)(memory + at) = 0;
}

int slab_init(struct slab *slab, size_t object_bytes, uint32_t capacity, uint32_t ready)
{
	*slab = (struct slab){
		.object_bytes = object_bytes,
		.capacity = capacity,
		.last_given = capacity,
	};
	slab->memory = reserve(object_bytes * capacity, MAP_NORESERVE);
	if (!slab->memory)
		return -ENOMEM;
	touch(slab->memory, object_bytes * (ready < capacity ? ready : capacity));
	pthread_mutex_init(&slab->lock, NULL);
	return 0;
}

void slab_done(struct slab *slab)
{
	if (!slab->memory)
		return;
	munmap(slab->memory, slab->object_bytes * slab->capacity);
	pthread_mutex_destroy(&slab->lock);
}

uint32_t slab_number(const struct slab *slab, const void *object)
{
	return (uint32_t)((size_t)((const uint8_t *)object - slab->memory) / slab->object_bytes);
}

void *slab_object(const struct slab *slab, uint32_t number)
{
	return slab->memory + number * slab->object_bytes;
}

void *slab_take(struct slab *slab)
{
	void *object = NULL;
	pthread_mutex_lock(&slab->lock);
	if (slab->last_given != slab->capacity) {
		object = slab_object(slab, slab->last_given);
		slab->last_given = *(uint32_t *)object;
	} else if (slab->touched < slab->capacity) {
		object = slab_object(slab, slab->touched++);
	}
	pthread_mutex_unlock(&slab->lock);
	return object;
}

void slab_give(struct slab *slab, void *object)
{
	pthread_mutex_lock(&slab->lock);
	*(uint32_t *)object = slab->last_given;
	slab->last_given = slab_number(slab, object);
	pthread_mutex_unlock(&slab->lock);
}
