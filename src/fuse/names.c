/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Names: finding, making, moving and removing them. Every reply that carries an entry passes the
 * reference that fs took on to the kernel, which gives it back with FORGET.
 */
#include "fuse/handlers.h"

#include <string.h>

/* As for all that is known of a name; also that there is none. */
#define FOR_EVER INT32_MAX

static struct fs_owner owner(const struct fuse_request *request, uint32_t umask)
{
	return (struct fs_owner){
		.uid = request->header->uid, .gid = request->header->gid, .umask = umask & 0777};
}

static err_t make(struct fuse_request *request, mode_t mode, uint32_t umask, uint32_t rdev,
	struct fs_attr *ret_attr)
{
	struct fs_owner who = owner(request, umask);

	return fs_make(request->connection->fs, request->header->nodeid, request->names[0], mode,
		rdev, &who, ret_attr);
}

static int reply_entry(struct fuse_request *request, const struct fs_attr *attr)
{
	struct fuse_entry_out entry;

	fuse_fill_entry(&entry, attr);
	fuse_reply(request, &entry, sizeof(entry));
	return 0;
}

/* FLAGS are those of open(2). */
static int reply_opened(struct fuse_request *request, const struct fs_attr *attr, uint32_t flags)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = {};

	fuse_fill_open(request->connection, attr, flags, &out.open);
	fuse_fill_entry(&out.entry, attr);
	fuse_reply(request, &out, sizeof(out));
	return 0;
}

static int reply_success(struct fuse_request *request)
{
	fuse_reply(request, NULL, 0);
	return 0;
}

/* "." and ".." come for a file handle (open_by_handle_at(2), an NFS server) whose inode the kernel
 * has let go of, and mean its node itself and the directory that holds it. */
static err_t lookup(const struct fuse_request *request, struct fs_attr *ret_attr)
{
	struct fs *fs = request->connection->fs;
	const char *name = request->names[0].bytes;
	bool parent = !strcmp(name, "..");

	if (parent || !strcmp(name, "."))
		return fs_lookup_number(fs, request->header->nodeid, parent, ret_attr);
	return fs_lookup(fs, request->header->nodeid, request->names[0], ret_attr);
}

int fuse_handle_lookup(struct fuse_request *request)
{
	struct fs_attr attr;
	int err = lookup(request, &attr);

	if (err == -ENOENT) {
		struct fuse_entry_out none = {.entry_valid = FOR_EVER};

		fuse_reply(request, &none, sizeof(none));
		return 0;
	}
	return err ? err : reply_entry(request, &attr);
}

int fuse_handle_forget(struct fuse_request *request)
{
	const struct fuse_forget_in *in = request->argument;

	fs_forget(request->connection->fs, request->header->nodeid, in->nlookup);
	return reply_success(request);
}

int fuse_handle_batch_forget(struct fuse_request *request)
{
	const struct fuse_batch_forget_in *in = request->argument;

	if (in->count > request->data_bytes / sizeof(struct fuse_forget_one))
		return -EIO;
	for (uint32_t i = 0; i < in->count; i++) {
		struct fuse_forget_one one;

		memcpy(&one, request->data + i * sizeof(one), sizeof(one));
		fs_forget(request->connection->fs, one.nodeid, one.nlookup);
	}
	return reply_success(request);
}

int fuse_handle_readlink(struct fuse_request *request)
{
	char target[FS_TARGET_MAX];
	ssize_t length = fs_read_symlink(
		request->connection->fs, request->header->nodeid, target, sizeof(target));

	if (length < 0)
		return (int)length;
	fuse_reply(request, target, (size_t)length);
	return 0;
}

int fuse_handle_symlink(struct fuse_request *request)
{
	struct fs_owner who = owner(request, 0);
	struct fs_attr attr;
	int err = fs_make_symlink(request->connection->fs, request->header->nodeid,
		request->names[0], request->names[1], &who, &attr);
	return err ? err : reply_entry(request, &attr);
}

int fuse_handle_mknod(struct fuse_request *request)
{
	const struct fuse_mknod_in *in = request->argument;
	struct fs_attr attr;
	int err;

	if (S_ISDIR(in->mode))
		return -EINVAL;
	err = make(request, in->mode, in->umask, in->rdev, &attr);
	return err ? err : reply_entry(request, &attr);
}

int fuse_handle_mkdir(struct fuse_request *request)
{
	const struct fuse_mkdir_in *in = request->argument;
	struct fs_attr attr;
	int err = make(request, S_IFDIR | (in->mode & 07777), in->umask, 0, &attr);

	return err ? err : reply_entry(request, &attr);
}

int fuse_handle_create(struct fuse_request *request)
{
	const struct fuse_create_in *in = request->argument;
	struct fs_attr attr;
	int err = make(request, S_IFREG | (in->mode & 07777), in->umask, 0, &attr);

	return err ? err : reply_opened(request, &attr, in->flags);
}

/* O_TMPFILE. The kernel sends some name, which means nothing. */
int fuse_handle_tmpfile(struct fuse_request *request)
{
	const struct fuse_create_in *in = request->argument;
	struct fs_owner who = owner(request, in->umask);
	struct fs_attr attr;
	int err = fs_make_unnamed(request->connection->fs, request->header->nodeid,
		S_IFREG | (in->mode & 07777), &who, &attr);
	return err ? err : reply_opened(request, &attr, in->flags);
}

int fuse_handle_unlink(struct fuse_request *request)
{
	int err = fs_unlink(request->connection->fs, request->header->nodeid, request->names[0]);

	if (!err)
		fuse_note_removal(request->connection);
	return err ? err : reply_success(request);
}

int fuse_handle_rmdir(struct fuse_request *request)
{
	int err = fs_rmdir(request->connection->fs, request->header->nodeid, request->names[0]);

	if (!err)
		fuse_note_removal(request->connection);
	return err ? err : reply_success(request);
}

static int rename_to(struct fuse_request *request, uint64_t new_parent, unsigned flags)
{
	struct fs_owner who = owner(request, 0);
	int err = fs_rename(request->connection->fs, request->header->nodeid, request->names[0],
		new_parent, request->names[1], flags, &who);
	if (!err)
		fuse_note_removal(request->connection);
	return err ? err : reply_success(request);
}

int fuse_handle_rename(struct fuse_request *request)
{
	const struct fuse_rename_in *in = request->argument;

	return rename_to(request, in->newdir, 0);
}

/* The flags are those of renameat2(2); fs has the same numbers and knows which it can do. */
int fuse_handle_rename2(struct fuse_request *request)
{
	const struct fuse_rename2_in *in = request->argument;

	return rename_to(request, in->newdir, in->flags);
}

int fuse_handle_link(struct fuse_request *request)
{
	const struct fuse_link_in *in = request->argument;
	struct fs_attr attr;
	int err = fs_link(request->connection->fs, in->oldnodeid, request->header->nodeid,
		request->names[0], &attr);

	return err ? err : reply_entry(request, &attr);
}
