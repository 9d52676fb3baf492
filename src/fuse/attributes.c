/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Attributes, and how long the kernel may believe them: for ever, because every change comes
 * through it, and it drops what it knows its own operations to have changed (size and times on a
 * write, the link count on an unlink). Of some operations it does no more than that, and would
 * believe an older answer that another process asked for and is still to get. So when a mapping is
 * written down, when space is allocated or given back, and when flags change, it is told not to
 * (fuse_outdate_attributes()). The exception is a file with setuid or setgid: a write clears those
 * bits, and the kernel doesn't count the mode among what a write changes.
 */
#include "fuse/handlers.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Seconds; the kernel cuts longer times down to the largest that it can represent. */
#define FOR_EVER INT32_MAX

/* st_blksize is how much programs read and write at once: far more than a page, as each request is
 * a round trip to the device. */
#define FILE_BLKSIZE (128u << 10)
#define OTHER_BLKSIZE 4096u

static uint64_t attr_valid(const struct fs_attr *attr)
{
	return S_ISREG(attr->mode) && (attr->mode & (S_ISUID | S_ISGID)) ? 0 : FOR_EVER;
}

static uint32_t blksize(const struct fs_attr *attr)
{
	return S_ISREG(attr->mode) ? FILE_BLKSIZE : OTHER_BLKSIZE;
}

static struct fuse_attr kernel_attr(const struct fs_attr *attr)
{
	return (struct fuse_attr){
		.ino = attr->ino,
		.size = attr->size,
		.blocks = attr->blocks_512,
		.atime = (uint64_t)attr->atime.tv_sec,
		.mtime = (uint64_t)attr->mtime.tv_sec,
		.ctime = (uint64_t)attr->ctime.tv_sec,
		.atimensec = (uint32_t)attr->atime.tv_nsec,
		.mtimensec = (uint32_t)attr->mtime.tv_nsec,
		.ctimensec = (uint32_t)attr->ctime.tv_nsec,
		.mode = attr->mode,
		.nlink = attr->nlink,
		.uid = attr->uid,
		.gid = attr->gid,
		.rdev = attr->rdev,
		.blksize = blksize(attr),
	};
}

/* Node numbers begin anew with every mount, and file handles may be kept for longer: the birth time
 * tells the node of another mount from this one's. The root has none, for the kernel. */
static uint32_t generation(const struct fs_attr *attr)
{
	uint64_t birth = (uint64_t)attr->btime.tv_sec * 1000000000 + (uint64_t)attr->btime.tv_nsec;

	return attr->ino == FUSE_ROOT_NODE ? 0 : (uint32_t)birth;
}

void fuse_fill_entry(struct fuse_entry_out *entry, const struct fs_attr *attr)
{
	*entry = (struct fuse_entry_out){
		.nodeid = attr->ino,
		.generation = generation(attr),
		.entry_valid = FOR_EVER,
		.attr_valid = attr_valid(attr),
		.attr = kernel_attr(attr),
	};
}

static int reply_attr(struct fuse_request *request, const struct fs_attr *attr)
{
	struct fuse_attr_out out = {
		.attr_valid = attr_valid(attr),
		.attr = kernel_attr(attr),
	};

	fuse_reply(request, &out, sizeof(out));
	return 0;
}

int fuse_handle_getattr(struct fuse_request *request)
{
	struct fs_attr attr;
	int err = fs_get_attr(request->connection->fs, request->header->nodeid, &attr);

	return err ? err : reply_attr(request, &attr);
}

static bool may_change(const struct fuse_request *request, const struct fs_attr *attr)
{
	return request->header->uid == 0 || request->header->uid == attr->uid;
}

static const struct {
	uint32_t from;
	unsigned to;
} setattr_map[] = {
	{FATTR_MODE, FS_SET_MODE},
	{FATTR_UID, FS_SET_UID},
	{FATTR_GID, FS_SET_GID},
	{FATTR_SIZE, FS_SET_SIZE},
	{FATTR_ATIME, FS_SET_ATIME},
	{FATTR_MTIME, FS_SET_MTIME},
	{FATTR_CTIME, FS_SET_CTIME},
	{FATTR_ATIME_NOW, FS_SET_ATIME_NOW},
	{FATTR_MTIME_NOW, FS_SET_MTIME_NOW},
	{FATTR_KILL_SUIDGID, FS_KILL_SUIDGID},
};

int fuse_handle_setattr(struct fuse_request *request)
{
	const struct fuse_setattr_in *in = request->argument;
	struct fs_changes changes = {
		.mode = in->mode & 07777,
		.uid = in->uid,
		.gid = in->gid,
		.size = in->size,
		.atime = {(time_t)in->atime, in->atimensec},
		.mtime = {(time_t)in->mtime, in->mtimensec},
		.ctime = {(time_t)in->ctime, in->ctimensec},
	};
	struct fs_attr attr;
	int err;

	if (in->atimensec > 999999999 || in->mtimensec > 999999999 || in->ctimensec > 999999999)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(setattr_map) / sizeof(setattr_map[0]); i++)
		if (in->valid & setattr_map[i].from)
			changes.valid |= setattr_map[i].to;
	/* "Now" comes together with the plain bit. */
	if (changes.valid & FS_SET_ATIME_NOW)
		changes.valid &= ~FS_SET_ATIME;
	if (changes.valid & FS_SET_MTIME_NOW)
		changes.valid &= ~FS_SET_MTIME;
	/* A new owner clears setuid and setgid, but of a directory, where they mean something else.
	 * The kernel leaves that to us without a flag. It also asks for no change at all: for
	 * chown(2) to no new owner, which does the same if the file is one's own. */
	if ((changes.valid & (FS_SET_UID | FS_SET_GID)) || !changes.valid) {
		err = fs_get_attr(request->connection->fs, request->header->nodeid, &attr);
		if (err)
			return err;
		if (!S_ISDIR(attr.mode) && (changes.valid || may_change(request, &attr)))
			changes.valid |= FS_KILL_SUIDGID;
	}
	if (in->valid & FATTR_FH)
		changes.valid |= FS_SET_THROUGH_OPEN;
	/* ftruncate(2) changes the time even where it leaves the size. */
	if ((in->valid & FATTR_SIZE) && (in->valid & FATTR_FH) && !(in->valid & FATTR_MTIME))
		changes.valid |= FS_SET_MTIME_NOW;
	err = fs_set_attr(request->connection->fs, request->header->nodeid, &changes, &attr);
	return err ? err : reply_attr(request, &attr);
}

static struct fuse_sx_time sx_time(const struct timespec *time)
{
	return (struct fuse_sx_time){.tv_sec = time->tv_sec, .tv_nsec = (uint32_t)time->tv_nsec};
}

/* NOATIME is not among what statx(2) tells. */
static uint64_t statx_attributes(uint32_t flags)
{
	return (flags & FS_APPEND_FL ? STATX_ATTR_APPEND : 0) |
	       (flags & FS_IMMUTABLE_FL ? STATX_ATTR_IMMUTABLE : 0) |
	       (flags & FS_NODUMP_FL ? STATX_ATTR_NODUMP : 0);
}

int fuse_handle_statx(struct fuse_request *request)
{
	struct fuse_statx_out out;
	struct fs_attr attr;
	int err = fs_get_attr(request->connection->fs, request->header->nodeid, &attr);

	if (err)
		return err;
	out = (struct fuse_statx_out){
		.attr_valid = attr_valid(&attr),
		.stat =
			{
				.mask = STATX_BASIC_STATS | STATX_BTIME,
				.blksize = blksize(&attr),
				.attributes = statx_attributes(attr.flags),
				.attributes_mask = statx_attributes(FS_FLAGS),
				.nlink = attr.nlink,
				.uid = attr.uid,
				.gid = attr.gid,
				.mode = (uint16_t)attr.mode,
				.ino = attr.ino,
				.size = attr.size,
				.blocks = attr.blocks_512,
				.atime = sx_time(&attr.atime),
				.btime = sx_time(&attr.btime),
				.ctime = sx_time(&attr.ctime),
				.mtime = sx_time(&attr.mtime),
				/* attr.rdev: 12 bits of the major number inside 20 of the minor */
				.rdev_major = (attr.rdev >> 8) & 0xfff,
				.rdev_minor = (attr.rdev & 0xff) | ((attr.rdev >> 12) & 0xfff00),
			},
	};
	fuse_reply(request, &out, sizeof(out));
	return 0;
}

int fuse_handle_statfs(struct fuse_request *request)
{
	struct fs_stat stat;
	struct fuse_statfs_out out;

	if (fuse_wait_for_removals(request))
		return 0;
	fs_stat(request->connection->fs, &stat);
	out = (struct fuse_statfs_out){
		.blocks = stat.blocks,
		.bfree = stat.blocks_free,
		.bavail = stat.blocks_free,
		.files = stat.inodes,
		.ffree = stat.inodes_free,
		.bsize = stat.block_bytes,
		.frsize = stat.block_bytes,
		.namelen = FS_NAME_MAX,
	};
	fuse_reply(request, &out, sizeof(out));
	return 0;
}
