/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum rs_code code_rs136 = RS_136, code_rs128 = RS_128, code_none = RS_NONE;

void require_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: %s does not hold\n", file, line, condition);
	abort();
}

struct volume volume_open(enum rs_code code, uint64_t region_bytes)
{
	struct volume volume = {0};
	const char *selector = getenv("VRAMFS_TEST_DEVICE");
	struct why why;
	if (!selector)
		selector = "host";
	if (device_open(selector, &volume.device, &why)) {
		printf("skipped: no device %s: %s\n", selector, why.text);
		exit(77);
	}
	struct store_options store_options = {
		.size = {.kind = SIZE_BYTES, .bytes = region_bytes},
		.code = code,
		.max_correct = RS_MAX_CORRECT,
	};
	if (store_open(volume.device, &store_options, &volume.store, &why)) {
		fprintf(stderr, "%s\n", why.text);
		abort();
	}
	struct fs_options options = {.max_inodes = 100000, .root_mode = 0755};
	REQUIRE(!fs_open(volume.store, &options, &volume.fs));
	volume.blocks = store_blocks_free(volume.store);
	volume.fragment = fragment_geometry(store_geometry(volume.store));
	volume.payload = volume.fragment.bytes * volume.fragment.per_block;
	return volume;
}

void volume_close(struct volume *volume)
{
	remove_tree(volume->fs, FS_ROOT);
	REQUIRE(fs_inode_count(volume->fs) == 1);
	REQUIRE(store_blocks_free(volume->store) == volume->blocks);
	REQUIRE(free_fragments(volume) == volume->blocks * volume->fragment.per_block);
	fs_close(volume->fs);
	store_close(volume->store);
	device_close(volume->device);
}

uint64_t free_fragments(const struct volume *volume)
{
	struct fs_stat stat;
	fs_stat(volume->fs, &stat);
	return (stat.blocks_free * stat.block_bytes + volume->fragment.bytes - 1) /
	       volume->fragment.bytes;
}

uint64_t blocks_512_of(const struct volume *volume, uint64_t fragments)
{
	return (fragments * volume->fragment.bytes + 511) / 512;
}

struct fs_name name_of(const char *text)
{
	return (struct fs_name){text, strlen(text)};
}

static uint64_t make(struct fs *fs, uint64_t parent, const char *name, mode_t mode, enum keep keep)
{
	struct fs_owner owner = {.uid = 1000, .gid = 1000};
	struct fs_attr attr;
	REQUIRE(!fs_make(fs, parent, name_of(name), mode, 0, &owner, &attr));
	if (keep == FORGET)
		fs_forget(fs, attr.ino, 1);
	return attr.ino;
}

uint64_t make_file(struct fs *fs, uint64_t parent, const char *name, enum keep keep)
{
	return make(fs, parent, name, S_IFREG | 0644, keep);
}

uint64_t make_directory(struct fs *fs, uint64_t parent, const char *name, enum keep keep)
{
	return make(fs, parent, name, S_IFDIR | 0755, keep);
}

uint64_t find(struct fs *fs, uint64_t parent, const char *name)
{
	struct fs_attr attr;
	int err = fs_lookup(fs, parent, name_of(name), &attr);
	if (err == -ENOENT)
		return 0;
	REQUIRE(!err);
	fs_forget(fs, attr.ino, 1);
	return attr.ino;
}

struct fs_attr attr_of(struct fs *fs, uint64_t ino)
{
	struct fs_attr attr;
	REQUIRE(!fs_get_attr(fs, ino, &attr));
	return attr;
}

int truncate_to(struct fs *fs, uint64_t ino, uint64_t size)
{
	struct fs_changes changes = {.valid = FS_SET_SIZE, .size = size};
	struct fs_attr attr;
	return fs_set_attr(fs, ino, &changes, &attr);
}

struct first_entry {
	char name[FS_NAME_MAX];
	size_t length;
	uint64_t ino;
	mode_t type;
};

static bool take_first(void *user, const struct fs_dirent *entry)
{
	struct first_entry *first = user;
	if (entry->cookie <= 2)
		return true;
	memcpy(first->name, entry->name.bytes, entry->name.length);
	first->length = entry->name.length;
	first->ino = entry->ino;
	first->type = entry->type;
	return false;
}

void remove_tree(struct fs *fs, uint64_t directory)
{
	for (;;) {
		struct first_entry first = {.length = 0};
		REQUIRE(!fs_read_directory(fs, directory, 0, 0, take_first, &first));
		struct fs_name name = {first.name, first.length};
		if (first.length == 0)
			return;
		if (S_ISDIR(first.type)) {
			remove_tree(fs, first.ino);
			REQUIRE(!fs_rmdir(fs, directory, name));
		} else {
			REQUIRE(!fs_unlink(fs, directory, name));
		}
	}
}

struct client client_open(struct volume *volume)
{
	struct client client = {.fs = volume->fs, .queue = store_queue(volume->store)};
	REQUIRE(!store_buffer_alloc(volume->store, FS_IO_MAX, &client.buffer));
	client.bytes = store_buffer_bytes(client.buffer);
	return client;
}

void client_close(struct client *client)
{
	store_buffer_free(client->buffer);
}

struct waiting {
	_Atomic bool ended;
	ssize_t result;
};

static void io_ended(struct fs_io *io, ssize_t result)
{
	struct waiting *waiting = io->user;
	waiting->result = result;
	atomic_store(&waiting->ended, true);
}

static ssize_t move(struct client *client, uint64_t ino, uint64_t offset, size_t length,
	void (*start)(struct fs *fs, struct store_queue *queue, struct fs_io *io))
{
	struct waiting waiting = {.ended = false};
	struct fs_io io = {
		.ino = ino,
		.offset = offset,
		.length = (uint32_t)length,
		.buffer = client->buffer,
		.done = io_ended,
		.user = &waiting,
	};
	start(client->fs, client->queue, &io);
	while (!atomic_load(&waiting.ended))
		store_wait(client->queue);
	return waiting.result;
}

ssize_t client_write(struct client *client, uint64_t ino, uint64_t offset, size_t length)
{
	return move(client, ino, offset, length, fs_write);
}

ssize_t client_read(struct client *client, uint64_t ino, uint64_t offset, size_t length)
{
	return move(client, ino, offset, length, fs_read);
}

ssize_t client_copy(struct client *client, uint64_t from, uint64_t from_offset, uint64_t to,
	uint64_t to_offset, uint64_t length)
{
	struct fs_copy copy = {
		.from = from,
		.from_offset = from_offset,
		.to = to,
		.to_offset = to_offset,
		.length = length,
		.buffer = client->buffer,
		.capacity = 20000,
	};
	return fs_copy(client->fs, client->queue, &copy);
}

ssize_t client_fill(
	struct client *client, uint64_t ino, uint64_t offset, size_t length, uint8_t byte)
{
	size_t written = 0;
	memset(client->bytes, byte, FS_IO_MAX);
	while (written < length) {
		size_t step = length - written < FS_IO_MAX ? length - written : FS_IO_MAX;
		ssize_t moved = client_write(client, ino, offset + written, step);
		if (moved < 0)
			return written > 0 ? (ssize_t)written : moved;
		written += (size_t)moved;
	}
	return (ssize_t)written;
}

void leave_former_bytes(struct volume *volume, struct client *client)
{
	uint64_t former = make_file(volume->fs, FS_ROOT, "former", FORGET);
	client_fill(client, former, 0, volume->blocks * volume->payload, 0xaa);
	REQUIRE(free_fragments(volume) == 0);
	REQUIRE(!fs_unlink(volume->fs, FS_ROOT, name_of("former")));
}

size_t client_count_other(
	struct client *client, uint64_t ino, uint64_t offset, size_t length, uint8_t byte)
{
	size_t other = 0;
	for (size_t at = 0; at < length; at += FS_IO_MAX) {
		size_t step = length - at < FS_IO_MAX ? length - at : FS_IO_MAX;
		memset(client->bytes, (uint8_t)~byte, FS_IO_MAX);
		REQUIRE(client_read(client, ino, offset + at, step) >= 0);
		for (size_t i = 0; i < step; i++)
			other += client->bytes[i] != byte;
	}
	return other;
}

uint64_t random_next(uint64_t *state)
{
	uint64_t mixed = *state += 0x9e3779b97f4a7c15ull; /* splitmix64 */
	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ull;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebull;
	return mixed ^ mixed >> 31;
}

uint64_t random_below(uint64_t *state, uint64_t bound)
{
	return random_next(state) % bound;
}
