/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_RS_VECTORS_H
#define VRAMFS_TESTS_RS_VECTORS_H

#include <stddef.h>
#include <stdint.h>

/* The known answers of vectors.json, whose path is in the environment as VRAMFS_TEST_VECTORS. */
struct vector {
	uint8_t data_136[128], parity_136[8];
	uint8_t data_128[120], parity_128[8];
};

struct error_vector {
	uint8_t data[128];
	struct {
		unsigned position;
		uint8_t value;
	} errors[8];
	size_t error_count;
	uint8_t syndromes[8]; /* S1 first */
};

struct vectors {
	struct vector *items;
	size_t count;
	uint8_t generator[9];
	struct error_vector error;
};

/* Aborts when the file is not what it should be. */
struct vectors *vectors_load(void);
void vectors_free(struct vectors *vectors);

#endif
