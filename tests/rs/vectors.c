/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Reads vectors.json. The data of a vector is described in words there, so that the file stays
 * readable; make_data() knows each of them.
 */
#include "vectors.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value;
	if (!json_object_object_get_ex(object, name, &value)) {
		fprintf(stderr, "vectors.json: \"%s\" is missing\n", name);
		abort();
	}
	return value;
}

static void parse_hex(const char *text, uint8_t *bytes, size_t count)
{
	if (strlen(text) != 2 * count)
		abort();
	for (size_t i = 0; i < count; i++) {
		if (sscanf(text + 2 * i, "%2hhx", &bytes[i]) != 1)
			abort();
	}
}

static void make_data(const char *description, uint8_t *data, size_t count)
{
	unsigned value;
	memset(data, 0, count);
	if (sscanf(description, "every byte %x", &value) == 1) {
		memset(data, (int)value, count);
	} else if (strcmp(description, "00 01 02 ... k-1") == 0) {
		for (size_t i = 0; i < count; i++)
			data[i] = (uint8_t)i;
	} else if (strcmp(description, "k-1 ... 01 00") == 0) {
		for (size_t i = 0; i < count; i++)
			data[i] = (uint8_t)(count - 1 - i);
	} else if (strcmp(description, "first byte 01, the rest 00") == 0) {
		data[0] = 1;
	} else if (strcmp(description, "last byte 01, the rest 00") == 0) {
		data[count - 1] = 1;
	} else if (strncmp(description, "s=1; each byte: s=s*1664525+1013904223 mod 2^32", 47) ==
		   0) {
		uint32_t s = 1;
		for (size_t i = 0; i < count; i++) {
			s = s * 1664525 + 1013904223;
			data[i] = (uint8_t)(s >> 24);
		}
	} else {
		fprintf(stderr, "vectors.json: don't know how to make \"%s\"\n", description);
		abort();
	}
}

static void load_error_vector(struct json_object *object, struct error_vector *error)
{
	for (unsigned i = 0; i < 128; i++)
		error->data[i] = (uint8_t)i;
	json_object_object_foreach(member(object, "xor_at"), position, value)
	{
		error->errors[error->error_count].position = (unsigned)atoi(position);
		parse_hex(
			json_object_get_string(value), &error->errors[error->error_count].value, 1);
		error->error_count++;
	}
	parse_hex(json_object_get_string(member(object, "S1..S8")), error->syndromes, 8);
}

struct vectors *vectors_load(void)
{
	const char *path = getenv("VRAMFS_TEST_VECTORS");
	struct json_object *root = path ? json_object_from_file(path) : NULL;
	if (!root) {
		fprintf(stderr, "VRAMFS_TEST_VECTORS names no readable vectors.json\n");
		abort();
	}
	struct json_object *list = member(root, "vectors");
	struct vectors *vectors = calloc(1, sizeof(*vectors));
	vectors->count = json_object_array_length(list);
	vectors->items = calloc(vectors->count, sizeof(*vectors->items));
	parse_hex(json_object_get_string(member(root, "generator")), vectors->generator, 9);
	for (size_t i = 0; i < vectors->count; i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);
		const char *description = json_object_get_string(member(entry, "data"));
		struct vector *vector = &vectors->items[i];
		make_data(description, vector->data_136, sizeof(vector->data_136));
		make_data(description, vector->data_128, sizeof(vector->data_128));
		parse_hex(json_object_get_string(member(entry, "rs136")), vector->parity_136, 8);
		parse_hex(json_object_get_string(member(entry, "rs128")), vector->parity_128, 8);
	}
	load_error_vector(member(root, "syndromes"), &vectors->error);
	json_object_put(root);
	return vectors;
}

void vectors_free(struct vectors *vectors)
{
	free(vectors->items);
	free(vectors);
}
