/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_WAITING_ROOM_H
#define VRAMFS_FUSE_WAITING_ROOM_H

#include "fuse/request.h"

/* Threads that go on with requests that were set aside, so that those that serve a ring never wait
 * for one request while others come. */
struct waiting_room;

err_t waiting_room_new(struct fuse_connection *connection, struct waiting_room **ret_room);

/* Take REQUEST over, until it is set aside again or replied to. From any thread. */
void waiting_room_enter(struct waiting_room *room, struct fuse_request *request);

/* Nothing may be in it. NULL is allowed. */
void waiting_room_free(struct waiting_room *room);

#endif
