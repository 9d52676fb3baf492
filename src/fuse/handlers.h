/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_HANDLERS_H
#define VRAMFS_FUSE_HANDLERS_H

#include "fuse/request.h"

/*
 * One function an opcode, called by the dispatcher once the fixed argument is known to be there
 * whole and the names to be ended. Each answers its request, now or later, and returns 0; or
 * returns -errno and leaves that answer to the dispatcher. One that returns -ENOSPC may be called
 * again.
 */
typedef int fuse_handler(struct fuse_request *request);

/* init.c */
fuse_handler fuse_handle_init;

/* attributes.c */
fuse_handler fuse_handle_getattr, fuse_handle_setattr, fuse_handle_statx, fuse_handle_statfs;

/* names.c */
fuse_handler fuse_handle_lookup, fuse_handle_forget, fuse_handle_batch_forget, fuse_handle_readlink,
	fuse_handle_symlink, fuse_handle_mknod, fuse_handle_mkdir, fuse_handle_unlink,
	fuse_handle_rmdir, fuse_handle_rename, fuse_handle_rename2, fuse_handle_link,
	fuse_handle_create, fuse_handle_tmpfile;

/* directory.c */
fuse_handler fuse_handle_readdir, fuse_handle_readdirplus;

/* xattr.c */
fuse_handler fuse_handle_setxattr, fuse_handle_getxattr, fuse_handle_listxattr,
	fuse_handle_removexattr;
bool fuse_setxattr_waits(const struct fuse_request *request);

/* ioctl.c */
fuse_handler fuse_handle_ioctl;

/* data.c */
fuse_handler fuse_handle_open, fuse_handle_read, fuse_handle_write, fuse_handle_fallocate,
	fuse_handle_lseek, fuse_handle_release;

/* copy.c */
fuse_handler fuse_handle_copy_file_range, fuse_handle_copy_file_range_64;

/* What to know of an open file is told to the kernel as its handle, and comes back with each
 * request on it; the inode lives as long as the kernel knows its number. */
#define FH_APPEND_ONLY 1u /* opened for appending only, as the file's flags ask */
#define FH_CACHED 2u      /* through the page cache */

/* How the kernel is told of an inode (attributes.c). ENTRY comes with the reference that ATTR's
 * caller holds. */
void fuse_fill_entry(struct fuse_entry_out *entry, const struct fs_attr *attr);

/* How the kernel is to use the regular file of ATTR, opened with FLAGS (of open(2)). Each goes with
 * one RELEASE (data.c). */
void fuse_fill_open(struct fuse_connection *connection, const struct fs_attr *attr, uint32_t flags,
	struct fuse_open_out *ret_open);

/*
 * The kernel gives a removed file's inode back (FORGET) some time after the removal, and only then
 * its space is free. A program that removes a file to make room must not find that there is none:
 * so what fails for lack of space soon after a removal is tried again, from the beginning
 * (space.c). The dispatcher does so with handlers that return -ENOSPC.
 *
 * Note that a name, or an open file without one, is gone; set the request aside to be tried again,
 * or return false if that makes no sense (any longer).
 */
void fuse_note_removal(struct fuse_connection *connection);
bool fuse_wait_for_space(struct fuse_request *request);
/* Likewise for a request that asks how much there is, if a removal has only just been. */
bool fuse_wait_for_removals(struct fuse_request *request);

/* The names of the xattrs that stand for vramfs itself. */
#define FUSE_CONTROL_PREFIX "vramfs."
#define FUSE_COUNTS_NAME "vramfs.requests" /* this layer's own, and: */
#define FUSE_TRANSPORT_NAME "vramfs.transport"

#endif
