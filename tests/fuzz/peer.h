/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_FUZZ_PEER_H
#define VRAMFS_TESTS_FUZZ_PEER_H

#include "fuse/request.h"

/*
 * The kernel's side of one connection, for the fuzzer: sends requests the way /dev/fuse does, holds
 * every reply to what the kernel would accept, and keeps count of the references it was given.
 * What must not be stops the program.
 */
#define PEER_NODES 4096u

struct peer {
	struct fuse_connection connection;
	struct device_pinned *buffer;
	struct store_queue *queue;
	uint64_t free_blocks, free_space; /* of the store and of the filesystem, at first */

	/* Every node it was ever told of, and how many references to it it holds. The root is the
	 * first, and is not counted. */
	struct peer_node {
		uint64_t node, references;
	} nodes[PEER_NODES];
	unsigned node_count;

	/* The request in hand, and the reply to it */
	bool ended;
	unsigned replies;
	int error;
	size_t reply_bytes;
	uint8_t reply[FS_IO_MAX];
};

/* Begin a connection to a fresh filesystem in STORE. */
void peer_connect(struct peer *peer, struct store *store, struct device_pinned *buffer);

/* Where a request is to be made, and how long it may be. */
uint8_t *peer_request(struct peer *peer);
size_t peer_request_max(void);

/* Send the BYTES bytes made there. They are wiped out. */
void peer_send(struct peer *peer, size_t bytes);

/* Send a well-formed request; returns the error of the reply. NAME may be NULL. */
int peer_call(struct peer *peer, uint32_t opcode, uint64_t node, const void *argument,
	size_t argument_bytes, const char *name);

/* Remove every file, give every reference back, and hold the filesystem to be as it was at first.
 * Ends the connection. */
void peer_disconnect(struct peer *peer);

/* Stop the program if CONDITION does not hold. */
#define REQUIRE(condition)                                              \
	do {                                                            \
		if (!(condition))                                       \
			require_failed(__FILE__, __LINE__, #condition); \
	} while (0)
_Noreturn void require_failed(const char *file, int line, const char *condition);

#endif
