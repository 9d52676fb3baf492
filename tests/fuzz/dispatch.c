/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * A fuzzer of the dispatcher and all that is below it: any bytes make a sequence of requests, valid
 * and broken (requests.c), which are sent to a fresh filesystem in a small region of the host's
 * memory. Whatever they are, each is answered as the kernel expects, no byte beyond a request is
 * read, and when everything has been removed and forgotten no inode and no block is left
 * (peer.c).
 *
 * Built with libFuzzer it searches; with replay.c it runs the inputs it is given.
 */
#include "peer.h"
#include "requests.h"

#include "device/device.h"
#include "fuse/transport-dev.h"

#include <stdlib.h>

#define REGION_BYTES (3u << 20) /* 22 blocks: full soon */
#define REQUESTS_MAX 200u
#define DATA_MAX (2u << 20) /* file data in one run: encoding takes the time */

static struct store *open_store(void)
{
	struct store_options options = {
		.size = {.kind = SIZE_BYTES, .bytes = REGION_BYTES},
		.code = RS_136,
		.max_correct = 4,
	};
	struct device *device;
	struct store *store;

	REQUIRE(device_open("host", &device, NULL) == 0);
	REQUIRE(store_open(device, &options, &store, NULL) == 0);
	return store;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store *store;
	static struct device_pinned *buffer;
	static struct peer peer;
	struct bytes bytes = {data, size};
	size_t data_left = DATA_MAX;

	if (!store) {
		store = open_store();
		REQUIRE(store_buffer_alloc(store, TRANSPORT_DEV_BUFFER_BYTES, &buffer) == 0);
	}
	peer_connect(&peer, store, buffer);
	for (unsigned i = 0; i < REQUESTS_MAX && bytes.left; i++)
		peer_send(&peer, make_request(&peer, &bytes, &data_left));
	peer_disconnect(&peer);
	return 0;
}
