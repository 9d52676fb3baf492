/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_BASE_TABLE_H
#define VRAMFS_BASE_TABLE_H

#include <stddef.h>
#include <stdio.h>

/*
 * A table for a terminal: every column as wide as its widest cell, two blanks between columns, no
 * blanks at the end of a line. Running out of host memory aborts.
 */
#define TABLE_COLUMNS_MAX 12

struct table {
	size_t columns;
	const char *alignment; /* 'l' or 'r' for each column */
	char **cells;          /* row after row; the first row is the heading */
	size_t count, capacity;
};

/* `CLEANUP(table_done) struct table table; table_init(&table, "lrr");` ALIGNMENT must outlive the
 * table and have 1..TABLE_COLUMNS_MAX letters. */
void table_init(struct table *table, const char *alignment);
void table_done(struct table *table);

/* Add one cell, as printf does; rows fill from the left. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Write all complete rows. */
void table_print(const struct table *table, FILE *stream);

#endif
