/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* See caller.h. */
#include "caller.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

struct fixture fixture;
struct fuse_connection connection;
struct device_pinned *buffer;
struct reply reply;
char control_name[64], control_value[64];

static void take_notification(
	struct fuse_request *request, const struct fuse_out_header *header, const void *body)
{
	(void)request;
	(void)body;
	assert_int_equal(header->unique, 0);
	assert_int_equal(header->len, sizeof(*header) + sizeof(struct fuse_notify_inval_inode_out));
	assert_int_equal(header->error, FUSE_NOTIFY_INVAL_INODE);
}

static void take_reply(
	struct fuse_request *request, const struct fuse_out_header *header, const void *body)
{
	bool *replied = request->transport_data;

	*replied = true;
	if (!header)
		return;
	assert_true(header->len >= sizeof(*header));
	reply.count++;
	reply.error = header->error;
	reply.unique = header->unique;
	reply.bytes = header->len - sizeof(*header);
	assert_true(reply.bytes <= sizeof(reply.body));
	if (reply.bytes)
		memcpy(reply.body, body, reply.bytes);
	if (reply.error)
		assert_int_equal(reply.bytes, 0);
}

static const struct fuse_transport transport = {
	.reply = take_reply,
	.notify = take_notification,
};

int dispatch(const struct call *call)
{
	bool replied = false;
	static uint64_t unique;
	struct fuse_in_header *header = malloc(sizeof(*header));
	uint8_t *argument = malloc(call->argument_bytes + 1), *data = malloc(call->data_bytes + 1);
	/* Exactly as long, where there is anything. */
	struct fuse_request request = {
		.connection = &connection,
		.queue = store_queue(fixture.store),
		.header = header,
		.argument_bytes = call->argument_bytes,
		.data_bytes = call->data_bytes,
		.buffer = buffer,
		.reply_offset = REPLY_OFFSET,
		.reply_capacity = BUFFER_BYTES - REPLY_OFFSET,
		.transport = &transport,
		.transport_data = &replied,
	};
	unsigned before = reply.count;

	argument = realloc(argument, call->argument_bytes ? call->argument_bytes : 1);
	data = realloc(data, call->data_bytes ? call->data_bytes : 1);
	if (call->argument_bytes)
		memcpy(argument, call->argument, call->argument_bytes);
	if (call->data_bytes)
		memcpy(data, call->data, call->data_bytes);
	*header = (struct fuse_in_header){
		.len = (uint32_t)(sizeof(*header) + call->argument_bytes + call->data_bytes),
		.opcode = call->opcode,
		.unique = ++unique,
		.nodeid = call->node,
		.uid = call->uid,
		.gid = call->gid,
		.total_extlen = call->extensions,
	};
	request.argument = argument;
	request.data = (const char *)data;
	if (call->data_in_buffer) {
		memcpy(store_buffer_bytes(buffer), data, call->data_bytes);
		request.data = (const char *)store_buffer_bytes(buffer);
	}
	fuse_dispatch(&request);
	while (!replied)
		store_wait(request.queue);
	free(header);
	free(argument);
	free(data);
	if (reply.count == before)
		return 1;
	assert_int_equal(reply.count, before + 1);
	assert_int_equal(reply.unique, unique);
	return reply.error;
}

int simple(uint32_t opcode, uint64_t node, const void *argument, size_t argument_bytes,
	const char *name)
{
	struct call call = {
		.opcode = opcode,
		.node = node,
		.argument = argument,
		.argument_bytes = argument_bytes,
		.data = name,
		.data_bytes = name ? strlen(name) + 1 : 0,
	};

	return dispatch(&call);
}

int send_write(uint64_t node, const struct fuse_write_in *in, const void *data, size_t bytes)
{
	struct call call = {
		.opcode = FUSE_WRITE,
		.node = node,
		.argument = in,
		.argument_bytes = sizeof(*in),
		.data = data,
		.data_bytes = bytes,
		.data_in_buffer = true,
	};

	return dispatch(&call);
}

uint64_t create(const char *name, uint32_t mode, uint32_t umask)
{
	struct fuse_create_in in = {.flags = O_RDWR, .mode = S_IFREG | mode, .umask = umask};
	struct fuse_entry_out entry;

	assert_int_equal(simple(FUSE_CREATE, FUSE_ROOT_NODE, &in, sizeof(in), name), 0);
	assert_int_equal(reply.bytes, sizeof(entry) + sizeof(struct fuse_open_out));
	memcpy(&entry, reply.body, sizeof(entry));
	return entry.nodeid;
}

struct fuse_attr attributes(uint64_t node)
{
	struct fuse_getattr_in in = {};
	struct fuse_attr_out out;

	assert_int_equal(simple(FUSE_GETATTR, node, &in, sizeof(in), NULL), 0);
	assert_int_equal(reply.bytes, sizeof(out));
	memcpy(&out, reply.body, sizeof(out));
	return out.attr;
}

static int control_show(void *user, const char *name, FILE *out)
{
	assert_ptr_equal(user, &fixture);
	if (strcmp(name, "vramfs.answer"))
		return -ENODATA;
	fputs("42", out);
	return 0;
}

static int control_set(void *user, const char *name, const char *value, size_t size)
{
	assert_ptr_equal(user, &fixture);
	snprintf(control_name, sizeof(control_name), "%s", name);
	snprintf(control_value, sizeof(control_value), "%.*s", (int)size, value);
	return 0;
}

int caller_open(void **state)
{
	(void)state;
	fixture = fixture_open(16 * MIB);
	connection = (struct fuse_connection){
		.fs = fixture.fs,
		.control = {.show = control_show, .set = control_set, .user = &fixture},
	};
	if (open_modes_new(FUSE_CACHE_NONE, &connection.open_modes))
		return -1;
	return store_buffer_alloc(fixture.store, BUFFER_BYTES, &buffer);
}

int caller_close(void **state)
{
	(void)state;
	open_modes_free(connection.open_modes);
	store_buffer_free(buffer);
	fixture_close(&fixture);
	return 0;
}
