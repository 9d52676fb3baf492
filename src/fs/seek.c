/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * SEEK_DATA and SEEK_HOLE, by fragments: what was written is data.
 */
#include "fs/data.h"

#include <unistd.h>

/* Where the first fragment of SET lies that is not wholly in front of byte WITHIN of its block
 * index, or WITHIN if that is in it; UINT32_MAX if there is none. */
static uint32_t first_from(const struct fs *fs, uint32_t set, uint32_t within)
{
	uint32_t bytes = fs->space.geometry.bytes;
	set &= UINT32_MAX << within / bytes;
	if (!set)
		return UINT32_MAX;
	uint32_t start = (uint32_t)__builtin_ctz(set) * bytes;
	return start > within ? start : within;
}

static uint64_t seek_data(const struct fs *fs, const struct inode *inode, uint64_t offset)
{
	uint64_t index = offset / fs->block_payload;
	struct mapping mapping;
	while (block_map_next(&inode->map, index, &index, &mapping)) {
		uint64_t start = index * fs->block_payload;
		uint32_t within = offset > start ? (uint32_t)(offset - start) : 0;
		uint32_t at = first_from(fs, mapping_written(&fs->space, mapping), within);
		if (at != UINT32_MAX)
			return start + at;
		index++;
	}
	return UINT64_MAX;
}

static uint64_t seek_hole(const struct fs *fs, const struct inode *inode, uint64_t offset)
{
	uint32_t payload = fs->block_payload;
	for (;; offset += payload - offset % payload) {
		struct mapping mapping = block_map_get(&inode->map, offset / payload);
		uint32_t holes = fs->space.all & ~mapping_written(&fs->space, mapping);
		uint32_t at = first_from(fs, holes, offset % payload);
		if (at != UINT32_MAX)
			return offset - offset % payload + at;
	}
}

int fs_seek(struct fs *fs, uint64_t ino, uint64_t offset, int whence, uint64_t *ret_offset)
{
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	struct inode *inode;
	int err = inode_get_typed(fs, ino, S_IFREG, -EINVAL, &inode);
	if (err)
		return err;
	pthread_mutex_lock(&inode->lock);
	uint64_t found = UINT64_MAX;
	if (offset < inode->size && whence == SEEK_DATA)
		found = seek_data(fs, inode, offset);
	else if (offset < inode->size)
		found = seek_hole(fs, inode, offset);
	uint64_t size = inode->size;
	inode_unlock_put(fs, inode);

	/* the end of the file is a hole, and there are no data behind it */
	if (whence == SEEK_HOLE && offset < size && found > size)
		found = size;
	if (found == UINT64_MAX || (whence == SEEK_DATA && found >= size))
		return -ENXIO;
	*ret_offset = found;
	return 0;
}
