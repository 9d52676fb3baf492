/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * From an opcode to the function that carries it out. The table says for each opcode how large its
 * fixed argument is and how many names follow, so that handlers find both already checked: the
 * kernel is trusted not to be hostile, but a request that lies about its size must not make vramfs
 * read beyond it.
 *
 * Opcodes that are not in the table are answered with ENOSYS. For many that is the right answer for
 * good, because the kernel remembers it and never asks again:
 *
 *	FLUSH, FSYNC, FSYNCDIR	a write is answered when its bytes are on the device: nothing is
 *left to do, and the kernel reports success
 *	OPENDIR, RELEASEDIR	directories have no state for an open one (NO_OPENDIR_SUPPORT)
 *	ACCESS			the kernel checks permissions itself (default_permissions)
 *	INTERRUPT		every operation ends soon
 *	GETLK, SETLK, SETLKW	the kernel's own locks are right for a local filesystem
 *	POLL			files are always ready
 */
#include "fuse/handlers.h"

#include "base/log.h"
#include "base/trace.h"

#include <string.h>

static int handle_success(struct fuse_request *request)
{
	fuse_reply(request, NULL, 0);
	return 0;
}

struct operation {
	fuse_handler *handle;
	size_t argument_bytes;
	unsigned names;
	bool no_reply;
	bool (*waits)(const struct fuse_request *request); /* for the device; NULL: never */
};

static bool always(const struct fuse_request *request)
{
	(void)request;
	return true;
}

#define ARGUMENT(type) .argument_bytes = sizeof(struct type)

static const struct operation operations[FUSE_OPCODES] = {
	[FUSE_LOOKUP] = {.handle = fuse_handle_lookup, .names = 1},
	[FUSE_FORGET] = {.handle = fuse_handle_forget, ARGUMENT(fuse_forget_in), .no_reply = true},
	[FUSE_BATCH_FORGET] = {.handle = fuse_handle_batch_forget,
		ARGUMENT(fuse_batch_forget_in),
		.no_reply = true},
	[FUSE_GETATTR] = {.handle = fuse_handle_getattr, ARGUMENT(fuse_getattr_in)},
	[FUSE_SETATTR] = {.handle = fuse_handle_setattr, ARGUMENT(fuse_setattr_in)},
	[FUSE_STATX] = {.handle = fuse_handle_statx, ARGUMENT(fuse_statx_in)},
	[FUSE_STATFS] = {.handle = fuse_handle_statfs},
	[FUSE_READLINK] = {.handle = fuse_handle_readlink},
	[FUSE_SYMLINK] = {.handle = fuse_handle_symlink, .names = 2},
	[FUSE_MKNOD] = {.handle = fuse_handle_mknod, ARGUMENT(fuse_mknod_in), .names = 1},
	[FUSE_MKDIR] = {.handle = fuse_handle_mkdir, ARGUMENT(fuse_mkdir_in), .names = 1},
	[FUSE_UNLINK] = {.handle = fuse_handle_unlink, .names = 1},
	[FUSE_RMDIR] = {.handle = fuse_handle_rmdir, .names = 1},
	[FUSE_RENAME] = {.handle = fuse_handle_rename, ARGUMENT(fuse_rename_in), .names = 2},
	[FUSE_RENAME2] = {.handle = fuse_handle_rename2, ARGUMENT(fuse_rename2_in), .names = 2},
	[FUSE_LINK] = {.handle = fuse_handle_link, ARGUMENT(fuse_link_in), .names = 1},
	[FUSE_CREATE] = {.handle = fuse_handle_create, ARGUMENT(fuse_create_in), .names = 1},
	[FUSE_TMPFILE] = {.handle = fuse_handle_tmpfile, ARGUMENT(fuse_create_in)},
	[FUSE_READDIR] = {.handle = fuse_handle_readdir, ARGUMENT(fuse_read_in)},
	[FUSE_READDIRPLUS] = {.handle = fuse_handle_readdirplus, ARGUMENT(fuse_read_in)},
	[FUSE_SETXATTR] = {.handle = fuse_handle_setxattr,
		ARGUMENT(fuse_setxattr_in),
		.names = 1,
		.waits = fuse_setxattr_waits},
	[FUSE_GETXATTR] = {.handle = fuse_handle_getxattr, ARGUMENT(fuse_getxattr_in), .names = 1},
	[FUSE_LISTXATTR] = {.handle = fuse_handle_listxattr, ARGUMENT(fuse_getxattr_in)},
	[FUSE_REMOVEXATTR] = {.handle = fuse_handle_removexattr, .names = 1},
	[FUSE_OPEN] = {.handle = fuse_handle_open, ARGUMENT(fuse_open_in)},
	[FUSE_READ] = {.handle = fuse_handle_read, ARGUMENT(fuse_read_in)},
	[FUSE_WRITE] = {.handle = fuse_handle_write, ARGUMENT(fuse_write_in)},
	[FUSE_FALLOCATE] = {.handle = fuse_handle_fallocate,
		ARGUMENT(fuse_fallocate_in),
		.waits = always},
	[FUSE_LSEEK] = {.handle = fuse_handle_lseek, ARGUMENT(fuse_lseek_in)},
	[FUSE_COPY_FILE_RANGE] = {.handle = fuse_handle_copy_file_range,
		ARGUMENT(fuse_copy_file_range_in),
		.waits = always},
	[FUSE_COPY_FILE_RANGE_64] = {.handle = fuse_handle_copy_file_range_64,
		ARGUMENT(fuse_copy_file_range_in),
		.waits = always},
	[FUSE_RELEASE] = {.handle = fuse_handle_release},
	[FUSE_SYNCFS] = {.handle = handle_success},
	[FUSE_DESTROY] = {.handle = handle_success},
	[FUSE_IOCTL] = {.handle = fuse_handle_ioctl, ARGUMENT(fuse_ioctl_in)},
	[FUSE_INIT] = {.handle = fuse_handle_init, ARGUMENT(fuse_init_in)},
};

size_t fuse_argument_bytes(uint32_t opcode)
{
	return opcode < FUSE_OPCODES ? operations[opcode].argument_bytes : 0;
}

static void reply(struct fuse_request *request, int err, const void *body, size_t bytes)
{
	struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + bytes),
		.error = err,
		.unique = request->header->unique,
	};
	const struct operation *operation = request->header->opcode < FUSE_OPCODES
						    ? &operations[request->header->opcode]
						    : NULL;

	request->transport->reply(request, operation && operation->no_reply ? NULL : &header, body);
}

void fuse_reply(struct fuse_request *request, const void *body, size_t bytes)
{
	reply(request, 0, body, bytes);
}

void fuse_reply_error(struct fuse_request *request, int err)
{
	/* The kernel refuses a reply with an error that programs must never see. */
	reply(request, err < 0 && err > -512 ? err : -EIO, NULL, 0);
}

void fuse_outdate_attributes(struct fuse_request *request)
{
	const struct fuse_notify_inval_inode_out body = {.ino = request->header->nodeid, .off = -1};
	const struct fuse_out_header header = {
		.len = sizeof(header) + sizeof(body),
		.error = FUSE_NOTIFY_INVAL_INODE,
	};

	request->transport->notify(request, &header, &body);
}

/* Take the next name, which a NUL ends, from the request's data. */
static err_t take_name(struct fuse_request *request, struct fs_name *ret_name)
{
	const char *end =
		request->data_bytes ? memchr(request->data, '\0', request->data_bytes) : NULL;
	size_t length;

	if (!end)
		return -EIO;
	length = (size_t)(end - request->data);
	*ret_name = (struct fs_name){request->data, length};
	request->data += length + 1;
	request->data_bytes -= length + 1;
	return 0;
}

static err_t check(struct fuse_request *request, const struct operation *operation)
{
	size_t extensions = (size_t)request->header->total_extlen * 8;
	int err = 0;

	if (request->argument_bytes < operation->argument_bytes || request->data_bytes < extensions)
		return -EIO;
	request->data_bytes -= extensions;
	for (unsigned i = 0; i < operation->names && !err; i++)
		err = take_name(request, &request->names[i]);
	return err;
}

/* The request may be gone when this returns. */
static void carry_out(struct fuse_request *request)
{
	int err = operations[request->header->opcode].handle(request);

	if (err && !(err == -ENOSPC && fuse_wait_for_space(request)))
		fuse_reply_error(request, err);
}

void fuse_resume(struct fuse_request *request)
{
	TRACE_SCOPE(fuse_opcode_name(request->header->opcode));

	carry_out(request);
}

void fuse_dispatch(struct fuse_request *request)
{
	uint32_t opcode = request->header->opcode;
	const struct operation *operation = opcode < FUSE_OPCODES ? &operations[opcode] : NULL;
	const struct fuse_transport *transport = request->transport;
	TRACE_SCOPE(fuse_opcode_name(opcode));
	int err;

	request->written = 0;
	request->waits = 0;
	request->last_try = false;
	request->resume_at_ns = 0;
	fuse_count(&request->connection->counts, request->thread, opcode);
	if (!operation || !operation->handle) {
		fuse_reply_error(request, -ENOSYS);
		return;
	}
	err = check(request, operation);
	if (err) {
		log_debug("malformed request from the kernel: opcode %u, %u bytes", opcode,
			request->header->len);
		fuse_reply_error(request, err);
		return;
	}
	if (operation->waits && transport->shares_threads && operation->waits(request) &&
		transport->set_aside(request))
		return;
	carry_out(request);
}
