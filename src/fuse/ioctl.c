/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * IOCTL: inode flags, as chattr(1) and lsattr(1) set and show them, in their old form (a word) and
 * the newer (struct fsxattr). It is the kernel that asks, on behalf of who may do it: the owner,
 * and for the flags that protect a file only who has CAP_LINUX_IMMUTABLE. Other ioctls are not for
 * us.
 */
#include "fuse/handlers.h"

#include <string.h>

static const struct {
	uint32_t flag, xflag;
} xflags[] = {
	{FS_APPEND_FL, FS_XFLAG_APPEND},
	{FS_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE},
	{FS_NODUMP_FL, FS_XFLAG_NODUMP},
	{FS_NOATIME_FL, FS_XFLAG_NOATIME},
};
#define XFLAGS (sizeof(xflags) / sizeof(xflags[0]))

static int reply_with(struct fuse_request *request, const void *value, size_t bytes)
{
	const struct fuse_ioctl_in *in = request->argument;
	struct fuse_ioctl_out out = {};
	uint8_t *body = fuse_reply_area(request);

	if (in->out_size < bytes)
		return -EINVAL;
	memcpy(body, &out, sizeof(out));
	if (bytes)
		memcpy(body + sizeof(out), value, bytes);
	fuse_reply(request, body, sizeof(out) + bytes);
	return 0;
}

static int get_flags(struct fuse_request *request, bool extended)
{
	struct fsxattr value = {};
	struct fs_attr attr;
	int err = fs_get_attr(request->connection->fs, request->header->nodeid, &attr);

	if (err)
		return err;
	if (!extended)
		return reply_with(request, &attr.flags, sizeof(attr.flags));
	for (size_t i = 0; i < XFLAGS; i++)
		if (attr.flags & xflags[i].flag)
			value.fsx_xflags |= xflags[i].xflag;
	return reply_with(request, &value, sizeof(value));
}

/* What of struct fsxattr goes beyond flags (sizes of extents, projects) does not exist here. */
static err_t take_extended(const struct fuse_request *request, uint32_t *ret_flags)
{
	struct fsxattr value;
	uint32_t flags = 0;

	if (request->data_bytes < sizeof(value))
		return -EINVAL;
	memcpy(&value, request->data, sizeof(value));
	for (size_t i = 0; i < XFLAGS; i++) {
		if (value.fsx_xflags & xflags[i].xflag)
			flags |= xflags[i].flag;
		value.fsx_xflags &= ~xflags[i].xflag;
	}
	if (value.fsx_xflags || value.fsx_extsize || value.fsx_projid || value.fsx_cowextsize)
		return -EOPNOTSUPP;
	*ret_flags = flags;
	return 0;
}

static err_t take_word(const struct fuse_request *request, uint32_t *ret_flags)
{
	if (request->data_bytes < sizeof(*ret_flags))
		return -EINVAL;
	memcpy(ret_flags, request->data, sizeof(*ret_flags));
	return 0;
}

static int set_flags(struct fuse_request *request, bool extended)
{
	uint32_t flags;
	int err = extended ? take_extended(request, &flags) : take_word(request, &flags);

	if (!err)
		err = fs_set_flags(request->connection->fs, request->header->nodeid, flags);
	if (err)
		return err;
	/* To the kernel no ioctl changes an inode's times. */
	fuse_outdate_attributes(request);
	return reply_with(request, NULL, 0);
}

int fuse_handle_ioctl(struct fuse_request *request)
{
	const struct fuse_ioctl_in *in = request->argument;

	switch (in->cmd) {
	case FS_IOC_GETFLAGS:
		return get_flags(request, false);
	case FS_IOC_SETFLAGS:
		return set_flags(request, false);
	case FS_IOC_FSGETXATTR:
		return get_flags(request, true);
	case FS_IOC_FSSETXATTR:
		return set_flags(request, true);
	default:
		return -ENOTTY;
	}
}
