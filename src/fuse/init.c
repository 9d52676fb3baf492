/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * INIT: what kernel and filesystem agree on. The choices, and why:
 *
 * Files that bypass the page cache (open-modes.c) can still be mapped (DIRECT_IO_ALLOW_MMAP): the
 * kernel writes mapped pages down before such reads, and drops them for such writes. A kernel
 * before Linux 6.6 can't do that; there, all files go through the page cache.
 *
 * Writes to files in the page cache go through it, each before it is answered. With
 * WRITEBACK_CACHE they would wait there, but the kernel would then own sizes and times, would read
 * what a partial page is to be merged with, and would ask for host memory in the amount of what is
 * written, which the device is there to save.
 *
 * Permission bits, owners and the umask: the kernel checks permissions (default_permissions) and
 * ACLs (POSIX_ACL); it leaves keeping both in step, the umask, which a default ACL overrides
 * (DONT_MASK), and the clearing of setuid and setgid (HANDLE_KILLPRIV_V2, SETXATTR_EXT) to us, so
 * that creation and write are one request each. O_TRUNC too is a part of the open.
 *
 * Locks are not negotiated: the kernel's own are right for a filesystem of one machine.
 */
#include "fuse/handlers.h"

#include "base/log.h"

#include <string.h>

#define MAX_WRITE FS_IO_MAX
#define MAX_PAGES (MAX_WRITE / 4096)
#define MAX_BACKGROUND 256

static const uint64_t wanted_flags = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_EXPORT_SUPPORT |
				     FUSE_BIG_WRITES | FUSE_DONT_MASK | FUSE_DO_READDIRPLUS |
				     FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS |
				     FUSE_POSIX_ACL | FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS |
				     FUSE_NO_OPENDIR_SUPPORT | FUSE_HANDLE_KILLPRIV_V2 |
				     FUSE_SETXATTR_EXT | FUSE_INIT_EXT | FUSE_DIRECT_IO_ALLOW_MMAP;

/* Without these, requests would mean something else than what the handlers take them for. */
static const uint64_t needed_flags = FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES | FUSE_DONT_MASK |
				     FUSE_POSIX_ACL | FUSE_MAX_PAGES | FUSE_HANDLE_KILLPRIV_V2 |
				     FUSE_SETXATTR_EXT;

static uint64_t offered_flags(const struct fuse_request *request)
{
	const struct fuse_init_in *in = request->argument;
	uint32_t flags2 = 0;

	/* What comes behind fuse_init_in has grown with the protocol. */
	if ((in->flags & FUSE_INIT_EXT) && request->data_bytes >= sizeof(flags2))
		memcpy(&flags2, request->data, sizeof(flags2));
	return in->flags | (uint64_t)flags2 << 32;
}

static uint64_t wanted(const struct fuse_connection *connection)
{
	return wanted_flags | (connection->offers_uring ? FUSE_OVER_IO_URING : 0);
}

int fuse_handle_init(struct fuse_request *request)
{
	struct fuse_connection *connection = request->connection;
	const struct fuse_init_in *in = request->argument;
	uint64_t offered = offered_flags(request), flags = offered & wanted(connection);
	struct fuse_init_out out = {
		.major = FUSE_MAJOR,
		.minor = FUSE_MINOR,
		.max_readahead = in->max_readahead < MAX_WRITE ? in->max_readahead : MAX_WRITE,
		.flags = (uint32_t)flags,
		.max_background = MAX_BACKGROUND,
		.congestion_threshold = MAX_BACKGROUND * 3 / 4,
		.max_write = MAX_WRITE,
		.time_gran = 1,
		.max_pages = MAX_PAGES,
		.flags2 = (uint32_t)(flags >> 32),
	};

	if (connection->initialised)
		return -EIO; /* it is asked once */
	if (in->major > FUSE_MAJOR) {
		/* The kernel asks again with our version. */
		fuse_reply(request, &out, sizeof(out));
		return 0;
	}
	if (in->major < FUSE_MAJOR || in->minor < FUSE_MINOR_NEEDED ||
		(offered & needed_flags) != needed_flags) {
		/* Nobody else can say it: the mount has long returned. */
		log_error("the kernel's FUSE (version %u.%u, flags %#llx) is too old for vramfs; "
			  "it needs Linux 5.12 or newer",
			in->major, in->minor, (unsigned long long)offered);
		connection->refused = true;
		return -EPROTO;
	}
	connection->direct_io = flags & FUSE_DIRECT_IO_ALLOW_MMAP;
	connection->uses_uring = flags & FUSE_OVER_IO_URING;
	log_debug("FUSE %u.%u: flags %#llx of %#llx offered", in->major, in->minor,
		(unsigned long long)flags, (unsigned long long)offered);
	connection->initialised = true;
	fuse_reply(request, &out, sizeof(out));
	return 0;
}
