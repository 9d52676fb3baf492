/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Extended attributes: fs keeps them, ACLs among them. But "vramfs.*" are no attributes: they are
 * the front end's way to show counters and to take commands, on the root directory only, and are
 * never listed.
 */
#include "fuse/handlers.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

static bool has_prefix(struct fs_name name, const char *prefix)
{
	size_t length = strlen(prefix);

	return name.length >= length && !memcmp(name.bytes, prefix, length);
}

static bool is_control(const struct fuse_request *request)
{
	return has_prefix(request->names[0], FUSE_CONTROL_PREFIX);
}

static bool is_root(const struct fuse_request *request)
{
	return request->header->nodeid == FUSE_ROOT_NODE;
}

/* Write to OUT what the control attribute that the request asks for has to say. */
static int show_control(const struct fuse_request *request, FILE *out)
{
	struct fuse_connection *connection = request->connection;
	const struct fuse_control *control = &connection->control;
	const char *name = request->names[0].bytes;

	if (!is_root(request))
		return -ENODATA;
	if (!strcmp(name, FUSE_COUNTS_NAME))
		fuse_counts_show(&connection->counts, out);
	else if (!strcmp(name, FUSE_TRANSPORT_NAME))
		fputs(connection->uses_uring ? "uring\n" : "dev\n", out);
	else
		return control->show ? control->show(control->user, name, out) : -ENODATA;
	return 0;
}

/* The size of its value, which is copied to VALUE if it fits. */
static ssize_t get_control(const struct fuse_request *request, char *value, size_t size)
{
	CLEANUP(free_p) char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int err;

	if (!out)
		return -ENOMEM;
	err = show_control(request, out);
	if (fclose(out))
		return -ENOMEM;
	if (err)
		return err;
	if (length <= size)
		memcpy(value, text, length);
	return (ssize_t)length;
}

/* Of the front end's commands some sweep over all of the device. */
bool fuse_setxattr_waits(const struct fuse_request *request)
{
	return is_control(request);
}

int fuse_handle_setxattr(struct fuse_request *request)
{
	const struct fuse_setxattr_in *in = request->argument;
	const struct fuse_control *control = &request->connection->control;
	int err, flags = (int)in->flags;

	if (in->size > request->data_bytes)
		return -EIO;
	if (in->flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (in->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID)
		flags |= FS_XATTR_CLEAR_SGID;
	if (!is_control(request))
		err = fs_set_xattr(request->connection->fs, request->header->nodeid,
			request->names[0], request->data, in->size, flags);
	else if (!is_root(request))
		err = -EOPNOTSUPP;
	else if (request->header->uid != 0 || !control->set)
		err = -EPERM;
	else
		err = control->set(control->user, request->names[0].bytes, request->data, in->size);
	if (err)
		return err;
	fuse_reply(request, NULL, 0);
	return 0;
}

/* Answer with the SIZE bytes at the reply's place or, if none were asked for, with their number. */
static int reply_sized(struct fuse_request *request, uint32_t asked, ssize_t size)
{
	struct fuse_getxattr_out out = {.size = (uint32_t)size};

	if (size < 0)
		return (int)size;
	if (asked && size > asked)
		return -ERANGE;
	if (asked)
		fuse_reply(request, fuse_reply_area(request), (size_t)size);
	else
		fuse_reply(request, &out, sizeof(out));
	return 0;
}

int fuse_handle_getxattr(struct fuse_request *request)
{
	const struct fuse_getxattr_in *in = request->argument;
	char *value = (char *)fuse_reply_area(request);
	uint32_t size = in->size < request->reply_capacity ? in->size : request->reply_capacity;
	ssize_t result;

	if (is_control(request))
		result = get_control(request, value, size);
	else
		result = fs_get_xattr(request->connection->fs, request->header->nodeid,
			request->names[0], value, size);
	return reply_sized(request, size, result);
}

int fuse_handle_listxattr(struct fuse_request *request)
{
	const struct fuse_getxattr_in *in = request->argument;
	uint32_t size = in->size < request->reply_capacity ? in->size : request->reply_capacity;
	ssize_t result = fs_list_xattr(request->connection->fs, request->header->nodeid,
		request->header->uid == 0, (char *)fuse_reply_area(request), size);

	return reply_sized(request, size, result);
}

int fuse_handle_removexattr(struct fuse_request *request)
{
	int err;

	if (is_control(request))
		return is_root(request) ? -EPERM : -ENODATA;
	err = fs_remove_xattr(request->connection->fs, request->header->nodeid, request->names[0]);
	if (err)
		return err;
	fuse_reply(request, NULL, 0);
	return 0;
}
