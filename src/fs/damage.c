/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A launch that tells of lost lines has done its work; one that failed tells nothing. That is how
 * the two kinds of -EIO differ here.
 */
#include "fs/damage.h"

#include "fs/slab.h"

#include <stdatomic.h>

int damage_init(struct damage *damage, uint64_t blocks, const struct fragment_geometry *geometry)
{
	*damage = (struct damage){.geometry = *geometry, .blocks = blocks};
	damage->sets = table_new(blocks * sizeof(*damage->sets));
	return damage->sets ? 0 : -ENOMEM;
}

void damage_done(struct damage *damage)
{
	table_free((void *)damage->sets, damage->blocks * sizeof(*damage->sets));
}

static bool is_damaged(const struct damage *damage, uint32_t block, uint32_t set)
{
	return atomic_load(&damage->sets[block]) & set;
}

static void add(struct damage *damage, uint32_t block, uint32_t set)
{
	atomic_fetch_or(&damage->sets[block], set);
}

/* Others may change other bits meanwhile, but nobody these. */
static void clear(struct damage *damage, uint32_t block, uint32_t set)
{
	if (is_damaged(damage, block, set))
		atomic_fetch_and(&damage->sets[block], ~set);
}

/* Each fragment of the copy is as sound as the bytes it came from. */
static bool settle_copy(struct damage *damage, const struct kernel_segment *segment)
{
	uint32_t bytes = damage->geometry.bytes;
	uint32_t end = segment->first + segment->count;
	uint32_t source_end = segment->source_first + segment->count;
	bool sound = true;
	if (!is_damaged(damage, segment->source,
		    fragments_touched(&damage->geometry, segment->source_first, source_end))) {
		clear(damage, segment->block,
			fragments_covered(&damage->geometry, segment->first, end));
		return true;
	}
	for (uint32_t at = segment->first, next; at < end; at = next) {
		next = at - at % bytes + bytes;
		if (next > end)
			next = end;
		uint32_t source = segment->source_first + (at - segment->first);
		if (is_damaged(damage, segment->source,
			    fragments_touched(&damage->geometry, source, source + (next - at)))) {
			add(damage, segment->block, fragments_touched(&damage->geometry, at, next));
			sound = false;
		} else {
			clear(damage, segment->block,
				fragments_covered(&damage->geometry, at, next));
		}
	}
	return sound;
}

static bool settle_segment(struct damage *damage, enum kernel kernel,
	const struct kernel_segment *segment, bool launch_failed)
{
	uint32_t block = segment->block;
	uint32_t from = segment->first, end = segment->first + segment->count;
	if (kernel == KERNEL_READ)
		return !is_damaged(damage, block, fragments_touched(&damage->geometry, from, end));
	if (kernel != KERNEL_COPY) {
		from = segment->zero_from;
		end = segment->zero_to;
	}
	if (launch_failed)
		add(damage, block, fragments_touched(&damage->geometry, from, end));
	else if (kernel == KERNEL_COPY)
		return settle_copy(damage, segment);
	else
		clear(damage, block, fragments_covered(&damage->geometry, from, end));
	return true;
}

int damage_settle(struct damage *damage, const struct store_job *job, int err,
	const struct store_outcome *outcome)
{
	bool launch_failed = err && outcome->lost == 0;
	for (unsigned i = 0; i < job->segment_count; i++) {
		if (!settle_segment(damage, job->kernel, &job->segments[i], launch_failed))
			err = -EIO;
	}
	return err;
}
