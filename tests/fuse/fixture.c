/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Device, store and filesystem for the tests of the layer above. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

struct fixture fixture_open(uint64_t bytes)
{
	const char *selector = getenv("VRAMFS_TEST_DEVICE");
	struct store_options options = {
		.size = {.kind = SIZE_BYTES, .bytes = bytes}, .code = RS_136, .max_correct = 4};
	struct fs_options fs_options = {.root_mode = 0755};
	struct fixture fixture = {};
	struct why why = {};

	if (device_open(selector ? selector : "host", &fixture.device, &why)) {
		printf("no device for the test: %s\n", why.text);
		exit(77);
	}
	if (store_open(fixture.device, &options, &fixture.store, &why)) {
		printf("no store for the test: %s\n", why.text);
		exit(1);
	}
	if (fs_open(fixture.store, &fs_options, &fixture.fs)) {
		printf("no filesystem for the test\n");
		exit(1);
	}
	return fixture;
}

void fixture_close(struct fixture *fixture)
{
	fs_close(fixture->fs);
	store_close(fixture->store);
	device_close(fixture->device);
}
