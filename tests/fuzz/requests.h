/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_FUZZ_REQUESTS_H
#define VRAMFS_TESTS_FUZZ_REQUESTS_H

#include "peer.h"

/* The bytes that a run is made of. Behind their end come zeros. */
struct bytes {
	const uint8_t *at;
	size_t left;
};

/* Make the next request of BYTES where PEER takes it; returns its length. At most *DATA_LEFT
 * bytes of file data go into it, which are subtracted there. */
size_t make_request(struct peer *peer, struct bytes *bytes, size_t *data_left);

#endif
