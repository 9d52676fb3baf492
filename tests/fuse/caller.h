/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_FUSE_CALLER_H
#define VRAMFS_TESTS_FUSE_CALLER_H

#include "fixture.h"
#include "fuse/request.h"

/*
 * The kernel's side of the dispatcher, for tests: requests are made here, well-formed and broken
 * ones. Each request is a heap block of exactly its length, so that AddressSanitizer sees a read
 * beyond it.
 */
#define REPLY_OFFSET ((size_t)FS_IO_MAX)
#define BUFFER_BYTES (2 * (size_t)FS_IO_MAX)

extern struct fixture fixture;
extern struct fuse_connection connection;
extern struct device_pinned *buffer;

/* The last reply. */
struct reply {
	unsigned count;
	int error;
	uint64_t unique;
	size_t bytes;
	uint8_t body[FS_IO_MAX];
};
extern struct reply reply;

/* What a test says of a request; the rest is made up. */
struct call {
	uint32_t opcode;
	uint64_t node;
	uint32_t uid, gid;
	uint16_t extensions; /* in units of 8 bytes */
	const void *argument;
	size_t argument_bytes;
	const void *data;
	size_t data_bytes;
	bool data_in_buffer; /* a WRITE's */
};

/* Send it and return the error of the reply; 1 if there was none. */
int dispatch(const struct call *call);

/* The same with no more than an argument and a name, which may be NULL. */
int simple(uint32_t opcode, uint64_t node, const void *argument, size_t argument_bytes,
	const char *name);

/* The same for a WRITE that brings BYTES bytes of DATA, whatever IN says of them. */
int send_write(uint64_t node, const struct fuse_write_in *in, const void *data, size_t bytes);

/* Make a regular file in the root directory; returns its node. */
uint64_t create(const char *name, uint32_t mode, uint32_t umask);
struct fuse_attr attributes(uint64_t node);

/* What the last SETXATTR of a control attribute was. */
extern char control_name[64], control_value[64];

/* For cmocka: a filesystem of 16 MiB with a connection to it, and its end. */
int caller_open(void **state);
int caller_close(void **state);

#endif
