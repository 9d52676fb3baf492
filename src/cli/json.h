/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_JSON_H
#define VRAMFS_CLI_JSON_H

#include "cli/cli.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>

/* Members of the objects that verbs write with --json. */
static inline void json_add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static inline void json_add_count(struct json_object *object, const char *key, uint64_t count)
{
	json_object_object_add(object, key, json_object_new_uint64(count));
}

static inline void json_add_real(struct json_object *object, const char *key, double value)
{
	json_object_object_add(object, key, json_object_new_double(value));
}

/* Which device a report is about. */
static inline void json_add_device(struct json_object *object, const struct device_info *info)
{
	char selector[32];

	json_add_text(object, "device", device_selector(info, selector, sizeof(selector)));
	json_add_text(object, "device_name", info->name);
	json_add_text(object, "driver", info->driver);
}

/* Write OBJECT, or an array, to standard output and free it. */
static inline void json_print(struct json_object *object)
{
	puts(json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

#endif
