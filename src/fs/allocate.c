/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * How much space a file has: truncate and fallocate(2). Fragments behind a cut or in a hole go back
 * at once; in those that are cut the rest is zeroed, so what was there reads as zeros should the
 * file grow again. Growing costs nothing.
 */
#include "fs/data.h"

#include <fcntl.h>
#include <linux/falloc.h>

/* What programs map files in; a fragment has as much or somewhat more. */
#define PAGE_BYTES 4096u

void file_resize(struct zeroing *zeroing, struct inode *inode, uint64_t size)
{
	struct fs *fs = zeroing->fs;
	if (size <= inode->size) {
		uint64_t index = size / fs->block_payload;
		uint32_t cut = size % fs->block_payload;
		if (cut > 0) {
			struct piece rest = {index++, cut, fs->block_payload - cut};
			file_clear(zeroing, inode, &rest, true);
		}
		file_release_range(fs, inode, index, UINT64_MAX);
	}
	inode->size = size;
	inode_modified(inode);
}

/* The block indices FIRST..LAST read as zeros from now on and stay the file's. */
static void clear_indices(
	struct zeroing *zeroing, struct inode *inode, uint64_t first, uint64_t last)
{
	struct mapping mapping;
	while (first <= last && block_map_next(&inode->map, first, &first, &mapping) &&
		first <= last) {
		struct piece piece = {first++, 0, zeroing->fs->block_payload};
		file_clear(zeroing, inode, &piece, false);
	}
}

/* Make bytes OFFSET..END-1 read as zeros; with PUNCH whole fragments are given back. */
static void zero_range(
	struct zeroing *zeroing, struct inode *inode, uint64_t offset, uint64_t end, bool punch)
{
	struct fs *fs = zeroing->fs;
	struct piece head = piece_at(fs, offset, end);
	uint64_t first = head.index, last = end / fs->block_payload;
	uint32_t tail = end % fs->block_payload;
	if (head.count < fs->block_payload) {
		file_clear(zeroing, inode, &head, punch);
		if (first++ == last)
			return;
	}
	if (tail > 0) {
		struct piece piece = {last, 0, tail};
		file_clear(zeroing, inode, &piece, punch);
	}
	if (first == last)
		return;
	if (punch)
		file_release_range(fs, inode, first, last - 1);
	else
		clear_indices(zeroing, inode, first, last - 1);
}

/* How many fragments the file lacks in bytes OFFSET..END-1. */
static uint64_t count_lacking(struct fs *fs, struct inode *inode, uint64_t offset, uint64_t end)
{
	uint32_t payload = fs->block_payload;
	struct piece first = piece_at(fs, offset, end);
	uint64_t last_index = (end - 1) / payload, index = first.index;
	struct piece last = piece_at(fs, index < last_index ? last_index * payload : offset, end);
	uint64_t lacking = (uint64_t)__builtin_popcount(piece_touched(fs, &first));
	if (index < last_index)
		lacking += (last_index - index - 1) * fs->space.geometry.per_block +
			   (uint64_t)__builtin_popcount(piece_touched(fs, &last));
	struct mapping mapping;
	while (block_map_next(&inode->map, index, &index, &mapping) && index <= last_index) {
		uint32_t set = fs->space.all;
		if (index == first.index)
			set &= piece_touched(fs, &first);
		if (index == last_index)
			set &= piece_touched(fs, &last);
		set &= mapping_allocated(&fs->space, mapping);
		lacking -= (uint64_t)__builtin_popcount(set);
		index++;
	}
	return lacking;
}

/* Allocate what the file lacks in bytes OFFSET..END-1, and in the rest of their pages, since a page
 * that is mapped is written whole. Whether there is enough is asked first, so that a request that
 * can't be met takes nothing; only when others take it meanwhile does it fail with some taken. */
static err_t fill_holes(struct fs *fs, struct inode *inode, uint64_t offset, uint64_t end)
{
	offset -= offset % PAGE_BYTES;
	end += (PAGE_BYTES - end % PAGE_BYTES) % PAGE_BYTES;
	if (count_lacking(fs, inode, offset, end) > fragments_count_free(fs->space.fragments))
		return -ENOSPC;
	while (offset < end) {
		struct piece piece = piece_at(fs, offset, end);
		uint32_t set = piece_touched(fs, &piece);
		if (file_take(fs, inode, piece.index, set, false) != set)
			return -ENOSPC;
		offset += piece.count;
	}
	return 0;
}

/* Where the fragment ends in which byte OFFSET-1 lies. */
static uint64_t fragment_end(const struct fs *fs, uint64_t offset)
{
	uint32_t over = offset % fs->block_payload % fs->space.geometry.bytes;
	return over > 0 ? offset - over + fs->space.geometry.bytes : offset;
}

/* called with inode->lock held */
static err_t allocate_range(
	struct zeroing *zeroing, struct inode *inode, int mode, uint64_t offset, uint64_t end)
{
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		/* behind the end of the file there is nothing to keep the last fragment for */
		uint64_t to = end >= inode->size ? fragment_end(zeroing->fs, end) : end;
		zero_range(zeroing, inode, offset, to, true);
	} else {
		int err = fill_holes(zeroing->fs, inode, offset, end);
		if (err)
			return err;
		if (mode & FALLOC_FL_ZERO_RANGE)
			zero_range(zeroing, inode, offset, end, false);
		if (!(mode & FALLOC_FL_KEEP_SIZE) && end > inode->size)
			inode->size = end;
	}
	inode_modified(inode);
	return 0;
}

static bool mode_supported(int mode)
{
	switch (mode) {
	case 0:
	case FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_ZERO_RANGE:
	case FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE:
		return true;
	default:
		return false;
	}
}

int fs_allocate(struct fs *fs, struct store_queue *queue, uint64_t ino, int mode, uint64_t offset,
	uint64_t length)
{
	if (!mode_supported(mode))
		return -EOPNOTSUPP;
	if (length == 0)
		return -EINVAL;
	if (offset > (uint64_t)FS_SIZE_MAX || length > (uint64_t)FS_SIZE_MAX - offset)
		return -EFBIG;
	struct inode *inode;
	int err = inode_get_typed(fs, ino, S_IFREG, -ENODEV, &inode);
	if (err)
		return err;
	struct zeroing zeroing;
	zeroing_open(&zeroing, fs, queue);
	pthread_mutex_lock(&inode->lock);
	/* as Linux has it: what is append-only may get space, but lose none of its bytes */
	if (inode_immutable(inode) || (inode_protected(inode) && (mode & ~FALLOC_FL_KEEP_SIZE)))
		err = -EPERM;
	else
		err = allocate_range(&zeroing, inode, mode, offset, offset + length);
	zeroing_submit(&zeroing);
	inode_unlock_put(fs, inode);
	int zeroing_err = zeroing_close(&zeroing);
	return err ? err : zeroing_err;
}
