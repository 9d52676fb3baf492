/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The fragments of a file, by block index: its map together with the count that st_blocks shows.
 * What is to be done with their bytes is for data.c and allocate.c.
 */
#include "fs/data.h"

struct piece piece_at(const struct fs *fs, uint64_t offset, uint64_t end)
{
	struct piece piece = {
		.index = offset / fs->block_payload,
		.first = (uint32_t)(offset % fs->block_payload),
	};
	uint32_t room = fs->block_payload - piece.first;
	piece.count = end - offset < room ? (uint32_t)(end - offset) : room;
	return piece;
}

uint32_t piece_touched(const struct fs *fs, const struct piece *piece)
{
	return fragments_touched(&fs->space.geometry, piece->first, piece->first + piece->count);
}

uint32_t piece_covered(const struct fs *fs, const struct piece *piece)
{
	return fragments_covered(&fs->space.geometry, piece->first, piece->first + piece->count);
}

struct kernel_segment piece_segment(const struct fs *fs, const struct piece *piece,
	uint32_t fragment, const struct fragment_run *run)
{
	uint32_t bytes = fs->space.geometry.bytes;
	uint32_t start = fragment * bytes, end = start + run->count * bytes;
	uint32_t piece_end = piece->first + piece->count;
	uint32_t from = start > piece->first ? start : piece->first;
	uint32_t to = end < piece_end ? end : piece_end;
	uint32_t first = run->first * bytes + (from - start);
	return (struct kernel_segment){
		.block = run->block,
		.first = first,
		.count = to - from,
		.payload = from - piece->first,
		.zero_from = first,
		.zero_to = first + (to - from),
	};
}

/* A file that is written from its beginning, and goes on behind its first block, is likely to go on
 * for long: it gets room to grow where it is. */
static enum fragment_place place_for(const struct inode *inode, uint64_t index, uint32_t set)
{
	bool goes_on =
		index > 0 && (set & 1) && !mapping_is_hole(block_map_get(&inode->map, index - 1));
	return goes_on ? FRAGMENTS_ROOMY : FRAGMENTS_PACKED;
}

uint32_t file_take(struct fs *fs, struct inode *inode, uint64_t index, uint32_t set, bool write)
{
	struct mapping mapping = block_map_get(&inode->map, index);
	uint32_t had = mapping_allocated(&fs->space, mapping);
	uint32_t got =
		mapping_take(&fs->space, &mapping, set, place_for(inode, index, set & ~had), write);
	uint32_t has = mapping_allocated(&fs->space, mapping);
	if (had || !has) {
		block_map_change(&inode->map, &fs->map_nodes, index, mapping);
	} else if (block_map_insert(&inode->map, &fs->map_nodes, index, mapping)) {
		mapping_release(&fs->space, &mapping, has);
		return 0;
	}
	inode->fragments += (uint32_t)__builtin_popcount(has & ~had);
	return got;
}

int file_prepare_write(
	struct fs *fs, struct inode *inode, struct piece *piece, struct target *ret_target)
{
	uint32_t set = piece_touched(fs, piece);
	uint32_t written = mapping_written(&fs->space, block_map_get(&inode->map, piece->index));
	uint32_t got = file_take(fs, inode, piece->index, set, true);
	if (got == 0)
		return -ENOSPC;
	if (got != set) {
		uint32_t fragments = 32 - (uint32_t)__builtin_clz(got);
		piece->count = fragments * fs->space.geometry.bytes - piece->first;
	}
	uint64_t end = piece->index * fs->block_payload + piece->first + piece->count;
	uint32_t last = (piece->first + piece->count - 1) / fs->space.geometry.bytes;
	*ret_target = (struct target){
		.mapping = block_map_get(&inode->map, piece->index),
		.zero_before = got & ~written,
		.zero_behind = got & ~written,
	};
	/* They are zero already, but so the last line need not be read, nor have been sound. */
	if (end >= inode->size)
		ret_target->zero_behind |= fragment_set(last, 1);
	return 0;
}

void file_was_written(struct inode *inode, uint64_t end, bool kill_suidgid)
{
	if (end > inode->size)
		inode->size = end;
	inode_modified(inode);
	if (kill_suidgid)
		inode_kill_suidgid(inode);
	xattr_drop_capability(inode);
}

void file_release(struct fs *fs, struct inode *inode, uint64_t index, uint32_t set)
{
	struct mapping mapping = block_map_get(&inode->map, index);
	inode->fragments -= mapping_release(&fs->space, &mapping, set);
	block_map_change(&inode->map, &fs->map_nodes, index, mapping);
}

struct release {
	struct fs *fs;
	struct inode *inode;
};

static void release_mapping(void *user, struct mapping mapping)
{
	struct release *release = user;
	struct space *space = &release->fs->space;
	release->inode->fragments -= mapping_release(space, &mapping, space->all);
}

void file_release_range(struct fs *fs, struct inode *inode, uint64_t first, uint64_t last)
{
	struct release release = {fs, inode};
	block_map_remove(&inode->map, &fs->map_nodes, first, last, release_mapping, &release);
}
