/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Tables for people: cells are collected first, because a column is as wide as its widest cell.
 */
#include "base/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void table_init(struct table *table, const char *alignment)
{
	*table = (struct table){.columns = strlen(alignment), .alignment = alignment};
	if (table->columns < 1 || table->columns > TABLE_COLUMNS_MAX)
		abort();
}

void table_done(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	table->cells = NULL;
	table->count = table->capacity = 0;
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list arguments;

	if (table->count == table->capacity) {
		table->capacity = table->capacity ? 2 * table->capacity : 64;
		table->cells = reallocarray(table->cells, table->capacity, sizeof(*table->cells));
		if (!table->cells)
			abort();
	}
	va_start(arguments, format);
	if (vasprintf(&table->cells[table->count], format, arguments) < 0)
		abort();
	va_end(arguments);
	table->count++;
}

void table_print(const struct table *table, FILE *stream)
{
	int widths[TABLE_COLUMNS_MAX] = {0};
	size_t complete = table->count - table->count % table->columns;

	for (size_t i = 0; i < complete; i++) {
		int width = (int)strlen(table->cells[i]);
		int *column = &widths[i % table->columns];

		if (*column < width)
			*column = width;
	}
	for (size_t i = 0; i < complete; i++) {
		size_t column = i % table->columns;
		bool last = column + 1 == table->columns;

		if (table->alignment[column] == 'r')
			fprintf(stream, "%*s", widths[column], table->cells[i]);
		else
			fprintf(stream, "%-*s", last ? 0 : widths[column], table->cells[i]);
		fputs(last ? "\n" : "  ", stream);
	}
}
