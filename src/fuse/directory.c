/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * READDIR and READDIRPLUS: entries are packed straight into the reply until it is full. The plus
 * variant gives each entry's attributes too, and with them a reference, which saves the kernel a
 * LOOKUP of each; it chooses between the two by whether programs look at the attributes.
 */
#include "fuse/handlers.h"

#include <fcntl.h>
#include <string.h>

struct listing {
	uint8_t *bytes;
	size_t used, size;
	bool too_small; /* not even the first entry fits */
};

static bool emit(void *user, const struct fs_dirent *entry, bool plus)
{
	struct listing *listing = user;
	struct fuse_direntplus out = {
		.dirent =
			{
				.ino = entry->ino,
				.off = entry->cookie,
				.namelen = (uint32_t)entry->name.length,
				.type = entry->type >> 12,
			},
	};
	const void *head = plus ? (const void *)&out : &out.dirent;
	size_t head_bytes = plus ? sizeof(out) : sizeof(out.dirent);
	size_t bytes = head_bytes + entry->name.length, padded = (bytes + 7) & ~(size_t)7;
	uint8_t *at = listing->bytes + listing->used;

	if (padded > listing->size - listing->used) {
		listing->too_small = listing->used == 0;
		return false;
	}
	/* "." and ".." come without; node 0 says so. */
	if (entry->attr)
		fuse_fill_entry(&out.entry, entry->attr);
	memcpy(at, head, head_bytes);
	memcpy(at + head_bytes, entry->name.bytes, entry->name.length);
	memset(at + bytes, 0, padded - bytes);
	listing->used += padded;
	return true;
}

static bool emit_plain(void *user, const struct fs_dirent *entry)
{
	return emit(user, entry, false);
}

static bool emit_plus(void *user, const struct fs_dirent *entry)
{
	return emit(user, entry, true);
}

static int read_directory(struct fuse_request *request, bool plus)
{
	const struct fuse_read_in *in = request->argument;
	struct listing listing = {
		.bytes = fuse_reply_area(request),
		.size = in->size < request->reply_capacity ? in->size : request->reply_capacity,
	};
	unsigned flags =
		(plus ? FS_LIST_ATTR : 0) | (in->flags & O_NOATIME ? FS_LIST_KEEP_ATIME : 0);
	int err = fs_read_directory(request->connection->fs, request->header->nodeid, in->offset,
		flags, plus ? emit_plus : emit_plain, &listing);

	if (err)
		return err;
	if (listing.too_small)
		return -EINVAL; /* an empty reply would mean the end */
	fuse_reply(request, listing.bytes, listing.used);
	return 0;
}

int fuse_handle_readdir(struct fuse_request *request)
{
	return read_directory(request, false);
}

int fuse_handle_readdirplus(struct fuse_request *request)
{
	return read_directory(request, true);
}
