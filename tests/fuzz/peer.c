/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * See peer.h. Requests stand where the transport reads them to, and go through its parser. What
 * surrounds a request in the buffer is poisoned for AddressSanitizer, so that reading a byte more
 * than was sent is a find.
 *
 * The references are counted here from the replies, as the kernel does it. At the end exactly these
 * are given back: if an inode is left then, a reply kept a reference to itself; if one is freed too
 * early, AddressSanitizer sees it.
 */
#include "peer.h"

#include "fuse/open-modes.h"
#include "fuse/transport-dev.h"

#include <linux/fs.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

void require_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
	abort();
}

static void note_reference(struct peer *peer, uint64_t node)
{
	unsigned i;

	if (node == FUSE_ROOT_NODE)
		return;
	for (i = 0; i < peer->node_count && peer->nodes[i].node != node; i++)
		;
	REQUIRE(i < PEER_NODES);
	if (i == peer->node_count)
		peer->nodes[peer->node_count++] = (struct peer_node){.node = node};
	peer->nodes[i].references++;
}

static void note_forgotten(struct peer *peer, uint64_t node, uint64_t count)
{
	for (unsigned i = 1; i < peer->node_count; i++) {
		struct peer_node *known = &peer->nodes[i];

		if (known->node == node)
			known->references -= count < known->references ? count : known->references;
	}
}

static void check_attr(const struct fuse_attr *attr)
{
	static const mode_t types[] = {
		S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK};
	bool known = false;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		known |= (attr->mode & S_IFMT) == types[i];
	REQUIRE(known);
	REQUIRE(attr->size <= INT64_MAX);
	REQUIRE(attr->atimensec < 1000000000 && attr->mtimensec < 1000000000 &&
		attr->ctimensec < 1000000000);
}

static void check_entry(struct peer *peer, const uint8_t *body)
{
	struct fuse_entry_out entry;

	memcpy(&entry, body, sizeof(entry));
	if (entry.nodeid == 0)
		return;
	REQUIRE(entry.nodeid == entry.attr.ino);
	check_attr(&entry.attr);
	note_reference(peer, entry.nodeid);
}

static void check_directory(struct peer *peer, bool plus)
{
	size_t at = 0, entry_bytes = plus ? sizeof(struct fuse_entry_out) : 0;

	while (at < peer->reply_bytes) {
		const uint8_t *start = peer->reply + at;
		const uint8_t *name = start + entry_bytes + sizeof(struct fuse_dirent);
		struct fuse_dirent dirent;

		REQUIRE(peer->reply_bytes - at > entry_bytes + sizeof(dirent));
		memcpy(&dirent, start + entry_bytes, sizeof(dirent));
		at += entry_bytes + (sizeof(dirent) + dirent.namelen + 7) / 8 * 8;
		REQUIRE(at <= peer->reply_bytes);
		REQUIRE(dirent.namelen > 0 && dirent.namelen <= FS_NAME_MAX);
		REQUIRE(!memchr(name, '/', dirent.namelen) && !memchr(name, '\0', dirent.namelen));
		REQUIRE(dirent.ino != 0 && dirent.off != 0 && dirent.off <= INT64_MAX);
		if (plus)
			check_entry(peer, start);
	}
}

/* The kernel takes a reply of exactly its own idea of the size, or, where that varies, of at most
 * what it asked for. */
static size_t fixed_reply_bytes(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_SYMLINK:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_LINK:
		return sizeof(struct fuse_entry_out);
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		return sizeof(struct fuse_entry_out) + sizeof(struct fuse_open_out);
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		return sizeof(struct fuse_attr_out);
	case FUSE_STATX:
		return sizeof(struct fuse_statx_out);
	case FUSE_OPEN:
		return sizeof(struct fuse_open_out);
	case FUSE_WRITE:
	case FUSE_COPY_FILE_RANGE:
		return sizeof(struct fuse_write_out);
	case FUSE_COPY_FILE_RANGE_64:
		return sizeof(struct fuse_copy_file_range_out);
	case FUSE_STATFS:
		return sizeof(struct fuse_statfs_out);
	case FUSE_LSEEK:
		return sizeof(struct fuse_lseek_out);
	case FUSE_INIT:
		return sizeof(struct fuse_init_out);
	default:
		return 0;
	}
}

static size_t most_reply_bytes(const struct fuse_request *request)
{
	const struct fuse_read_in *read = request->argument;
	const struct fuse_getxattr_in *xattr = request->argument;
	const struct fuse_ioctl_in *ioctl = request->argument;

	switch (request->header->opcode) {
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return read->size;
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		return xattr->size ? xattr->size : sizeof(struct fuse_getxattr_out);
	case FUSE_READLINK:
		return FS_TARGET_MAX;
	case FUSE_IOCTL:
		return sizeof(struct fuse_ioctl_out) + ioctl->out_size;
	default:
		return fixed_reply_bytes(request->header->opcode);
	}
}

static void take_reply(
	struct fuse_request *request, const struct fuse_out_header *header, const void *body)
{
	struct peer *peer = request->transport_data;
	size_t fixed = fixed_reply_bytes(request->header->opcode);

	REQUIRE(!peer->ended);
	peer->ended = true;
	if (!header)
		return;
	peer->replies++;
	peer->error = header->error;
	REQUIRE(header->unique == request->header->unique);
	REQUIRE(header->error <= 0 && header->error > -512);
	REQUIRE(header->len >= sizeof(*header));
	peer->reply_bytes = header->len - sizeof(*header);
	REQUIRE(!header->error || peer->reply_bytes == 0);
	REQUIRE(peer->reply_bytes <= sizeof(peer->reply));
	if (body == fuse_reply_area(request))
		REQUIRE(peer->reply_bytes <= request->reply_capacity);
	if (peer->reply_bytes)
		memcpy(peer->reply, body, peer->reply_bytes);
	if (header->error)
		return;
	REQUIRE(peer->reply_bytes <= most_reply_bytes(request));
	REQUIRE(fixed == 0 || peer->reply_bytes == fixed);
}

static void take_notification(
	struct fuse_request *request, const struct fuse_out_header *header, const void *body)
{
	struct peer *peer = request->transport_data;

	(void)body;
	REQUIRE(!peer->ended);
	REQUIRE(header->unique == 0 && header->error == FUSE_NOTIFY_INVAL_INODE);
	REQUIRE(header->len == sizeof(*header) + sizeof(struct fuse_notify_inval_inode_out));
}

/* Requests are not set aside: nobody is going to make room meanwhile. */
static const struct fuse_transport transport = {
	.reply = take_reply,
	.notify = take_notification,
};

static void check_success(struct peer *peer, uint32_t opcode)
{
	struct fuse_attr_out attr;

	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_SYMLINK:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_LINK:
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		check_entry(peer, peer->reply);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		memcpy(&attr, peer->reply, sizeof(attr));
		check_attr(&attr.attr);
		break;
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		check_directory(peer, opcode == FUSE_READDIRPLUS);
		break;
	}
}

/* What the request, as it was sent, gives back. */
static void count_forgotten(struct peer *peer, const struct fuse_request *request)
{
	const struct fuse_forget_in *forget = request->argument;
	const struct fuse_batch_forget_in *batch = request->argument;
	size_t extensions = (size_t)request->header->total_extlen * 8;
	size_t needed = fuse_argument_bytes(request->header->opcode);
	struct fuse_forget_one one;

	if (request->argument_bytes < needed || request->data_bytes < extensions)
		return;
	if (request->header->opcode == FUSE_FORGET)
		note_forgotten(peer, request->header->nodeid, forget->nlookup);
	if (request->header->opcode != FUSE_BATCH_FORGET ||
		batch->count > (request->data_bytes - extensions) / sizeof(one))
		return;
	for (uint32_t i = 0; i < batch->count; i++) {
		memcpy(&one, request->data + i * sizeof(one), sizeof(one));
		note_forgotten(peer, one.nodeid, one.nlookup);
	}
}

static uint64_t free_space(struct fs *fs)
{
	struct fs_stat stat;

	fs_stat(fs, &stat);
	return stat.blocks_free;
}

void peer_connect(struct peer *peer, struct store *store, struct device_pinned *buffer)
{
	static const struct fs_options options = {.root_mode = 0755, .max_inodes = 1000};
	const struct {
		struct fuse_init_in in;
		struct fuse_init_in_ext extended;
	} init = {
		{.major = FUSE_MAJOR, .minor = FUSE_MINOR, .flags = UINT32_MAX},
		{.flags2 = UINT32_MAX},
	};

	peer->buffer = buffer;
	peer->queue = store_queue(store);
	peer->free_blocks = store_blocks_free(store);
	peer->connection = (struct fuse_connection){};
	REQUIRE(open_modes_new(FUSE_CACHE_AUTO, &peer->connection.open_modes) == 0);
	REQUIRE(fs_open(store, &options, &peer->connection.fs) == 0);
	peer->free_space = free_space(peer->connection.fs);
	peer->nodes[0] = (struct peer_node){.node = FUSE_ROOT_NODE};
	peer->node_count = 1;
	REQUIRE(peer_call(peer, FUSE_INIT, 0, &init, sizeof(init), NULL) == 0);
	REQUIRE(peer->connection.initialised);
}

uint8_t *peer_request(struct peer *peer)
{
	return store_buffer_bytes(peer->buffer) + TRANSPORT_DEV_REQUEST_OFFSET;
}

size_t peer_request_max(void)
{
	return TRANSPORT_DEV_BUFFER_BYTES - TRANSPORT_DEV_REQUEST_OFFSET;
}

void peer_send(struct peer *peer, size_t bytes)
{
	uint8_t *start = peer_request(peer);
	struct fuse_request request = {
		.connection = &peer->connection,
		.queue = peer->queue,
		.transport = &transport,
		.transport_data = peer,
	};
	size_t gap;
	bool silent;
	uint32_t opcode;

	REQUIRE(bytes <= peer_request_max());
	peer->ended = false;
	peer->replies = 0;
	peer->error = 0;
	if (!transport_dev_parse(&request, peer->buffer, bytes))
		return;
	opcode = request.header->opcode;
	silent = opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET;
	count_forgotten(peer, &request);
	gap = request.reply_offset - TRANSPORT_DEV_REQUEST_OFFSET - bytes;
	ASAN_POISON_MEMORY_REGION(store_buffer_bytes(peer->buffer), TRANSPORT_DEV_REQUEST_OFFSET);
	ASAN_POISON_MEMORY_REGION(start + bytes, gap);
	fuse_dispatch(&request);
	while (!peer->ended)
		store_wait(peer->queue);
	ASAN_UNPOISON_MEMORY_REGION(store_buffer_bytes(peer->buffer), TRANSPORT_DEV_REQUEST_OFFSET);
	ASAN_UNPOISON_MEMORY_REGION(start + bytes, gap);
	REQUIRE(peer->replies == (silent ? 0 : 1));
	if (!silent && !peer->error)
		check_success(peer, opcode);
}

int peer_call(struct peer *peer, uint32_t opcode, uint64_t node, const void *argument,
	size_t argument_bytes, const char *name)
{
	size_t name_bytes = name ? strlen(name) + 1 : 0;
	struct fuse_in_header header = {
		.len = (uint32_t)(sizeof(header) + argument_bytes + name_bytes),
		.opcode = opcode,
		.unique = UINT64_MAX,
		.nodeid = node,
	};
	uint8_t *start = peer_request(peer);

	memcpy(start, &header, sizeof(header));
	if (argument_bytes)
		memcpy(start + sizeof(header), argument, argument_bytes);
	if (name_bytes)
		memcpy(start + sizeof(header) + argument_bytes, name, name_bytes);
	peer_send(peer, header.len);
	return peer->error;
}

/* The first entry of DIRECTORY that is neither "." nor "..". */
static bool first_entry(
	struct peer *peer, uint64_t directory, uint64_t *ret_node, mode_t *ret_mode, char *name)
{
	struct fuse_read_in in = {.size = 4096};
	struct fuse_direntplus found;

	REQUIRE(peer_call(peer, FUSE_READDIRPLUS, directory, &in, sizeof(in), NULL) == 0);
	for (size_t at = 0; at < peer->reply_bytes;) {
		memcpy(&found, peer->reply + at, sizeof(found));
		memcpy(name, peer->reply + at + sizeof(found), found.dirent.namelen);
		name[found.dirent.namelen] = '\0';
		if (strcmp(name, ".") && strcmp(name, "..")) {
			/* Of a file with several names there are no attributes. */
			*ret_node = found.dirent.ino;
			*ret_mode = found.dirent.type << 12;
			return true;
		}
		at += (sizeof(found) + found.dirent.namelen + 7) / 8 * 8;
	}
	return false;
}

/* So that it can be changed and removed. Only files and directories have flags. */
static void clear_flags(struct peer *peer, uint64_t node)
{
	struct {
		struct fuse_ioctl_in in;
		uint32_t flags;
	} argument = {.in = {.cmd = FS_IOC_SETFLAGS, .in_size = sizeof(argument.flags)}};

	REQUIRE(peer_call(peer, FUSE_IOCTL, node, &argument,
			sizeof(argument.in) + sizeof(argument.flags), NULL) == 0);
}

static void empty_directory(struct peer *peer, uint64_t directory)
{
	char name[FS_NAME_MAX + 1];
	uint64_t node;
	mode_t mode;

	clear_flags(peer, directory);
	while (first_entry(peer, directory, &node, &mode, name)) {
		if (S_ISDIR(mode))
			empty_directory(peer, node);
		else if (S_ISREG(mode))
			clear_flags(peer, node);
		REQUIRE(peer_call(peer, S_ISDIR(mode) ? FUSE_RMDIR : FUSE_UNLINK, directory, NULL,
				0, name) == 0);
	}
}

void peer_disconnect(struct peer *peer)
{
	struct fs *fs = peer->connection.fs;
	struct store *store = fs_store(fs);

	empty_directory(peer, FUSE_ROOT_NODE);
	for (unsigned i = 1; i < peer->node_count; i++) {
		struct fuse_forget_in in = {.nlookup = peer->nodes[i].references};

		if (in.nlookup)
			REQUIRE(peer_call(peer, FUSE_FORGET, peer->nodes[i].node, &in, sizeof(in),
					NULL) == 0);
	}
	REQUIRE(fs_inode_count(fs) == 1);
	REQUIRE(free_space(fs) == peer->free_space);
	while (store_poll(peer->queue))
		store_wait(peer->queue);
	fs_close(fs);
	open_modes_free(peer->connection.open_modes);
	REQUIRE(store_blocks_free(store) == peer->free_blocks);
}
