/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_FS_FIXTURE_H
#define VRAMFS_TESTS_FS_FIXTURE_H

#include "device/device.h"
#include "fs/fragments.h"
#include "fs/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/*
 * A filesystem in a small region of the device that VRAMFS_TEST_DEVICE names ("host" if unset); no
 * such device: exit 77. What cannot fail in a working filesystem aborts here with a line, so all of
 * this can be used from any thread.
 */
struct volume {
	struct device *device;
	struct store *store;
	struct fs *fs;
	uint64_t blocks; /* all free at first */
	struct fragment_geometry fragment;
	uint32_t payload; /* of a block: its fragments' */
};

struct volume volume_open(enum rs_code code, uint64_t region_bytes);
/* Ends with a check: when every name is gone, all blocks are free and only the root lives. */
void volume_close(struct volume *volume);

/* How many fragments are free; volume.blocks * volume.fragment.per_block at first. */
uint64_t free_fragments(const struct volume *volume);

/* What fs_attr says of a file that has so many. */
uint64_t blocks_512_of(const struct volume *volume, uint64_t fragments);

/*
 * The entry of a test that runs with a code, which SET_UP finds at *state; the test's file has a
 * tear_down. And its entries with both codes that correct, or with all.
 */
extern enum rs_code code_rs136, code_rs128, code_none;
#define ON_CODE(test, code, set_up)                                    \
	{                                                              \
#test "_" #code, test, set_up, tear_down, &code_##code \
	}
#define ON_BOTH_CODES(test, set_up) ON_CODE(test, rs136, set_up), ON_CODE(test, rs128, set_up)
#define ON_ALL_CODES(test, set_up) ON_BOTH_CODES(test, set_up), ON_CODE(test, none, set_up)

/* Stop the program if CONDITION does not hold. */
#define REQUIRE(condition)                                              \
	do {                                                            \
		if (!(condition))                                       \
			require_failed(__FILE__, __LINE__, #condition); \
	} while (0)
_Noreturn void require_failed(const char *file, int line, const char *condition);

struct fs_name name_of(const char *text);

/* Make, and give the reference back unless it is KEEP: the inode number. */
enum keep { FORGET, KEEP };
uint64_t make_file(struct fs *fs, uint64_t parent, const char *name, enum keep keep);
uint64_t make_directory(struct fs *fs, uint64_t parent, const char *name, enum keep keep);

/* Look up without keeping the reference: the inode number, or 0 if there is no such name. */
uint64_t find(struct fs *fs, uint64_t parent, const char *name);

struct fs_attr attr_of(struct fs *fs, uint64_t ino);
int truncate_to(struct fs *fs, uint64_t ino, uint64_t size);

/* Remove everything below a directory. */
void remove_tree(struct fs *fs, uint64_t directory);

/* One thread's way to read and write: its queue, and a buffer of FS_IO_MAX bytes. */
struct client {
	struct fs *fs;
	struct store_queue *queue;
	struct device_pinned *buffer;
	uint8_t *bytes;
};
struct client client_open(struct volume *volume);
void client_close(struct client *client);

/* Move at most FS_IO_MAX bytes between the file and client->bytes, and wait. */
ssize_t client_write(struct client *client, uint64_t ino, uint64_t offset, size_t length);
ssize_t client_read(struct client *client, uint64_t ino, uint64_t offset, size_t length);

/* fs_copy(), with 20000 bytes of the buffer for what must pass through it. */
ssize_t client_copy(struct client *client, uint64_t from, uint64_t from_offset, uint64_t to,
	uint64_t to_offset, uint64_t length);

/* Write LENGTH times BYTE; how many bytes of the stretch are not BYTE, holes and the end included.
 */
ssize_t client_fill(
	struct client *client, uint64_t ino, uint64_t offset, size_t length, uint8_t byte);
size_t client_count_other(
	struct client *client, uint64_t ino, uint64_t offset, size_t length, uint8_t byte);

/* Fill the whole region with 0xaa in a file that is gone then: bytes of a former owner are
 * everywhere, and none of them may ever be seen. */
void leave_former_bytes(struct volume *volume, struct client *client);

/* A small generator of its own, so that a seed gives the same run everywhere. */
uint64_t random_next(uint64_t *state);
uint64_t random_below(uint64_t *state, uint64_t bound);

#endif
