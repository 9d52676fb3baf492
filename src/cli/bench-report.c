/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * What `vramfs bench` measured, for people and for programs. A row's figure is the median of its
 * repetitions, which one that something disturbed does not move; how far they lie apart stands
 * beside it.
 */
#include "cli/bench.h"

#include "base/cleanup.h"
#include "base/table.h"
#include "cli/cli.h"
#include "cli/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct summary {
	double least, median, most;
};

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static struct summary summary_of(const double *samples, unsigned count)
{
	double sorted[BENCH_REPEAT_MAX];

	memcpy(sorted, samples, count * sizeof(*samples));
	qsort(sorted, count, sizeof(*sorted), compare);
	return (struct summary){
		.least = sorted[0],
		.median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2,
		.most = sorted[count - 1],
	};
}

/* All in GB/s, but for the share. */
struct figures {
	struct summary data; /* file data */
	double moved;        /* read and written */
	double roof;         /* the same, by the stream kernel */
	double percent_of_roof;
};

static struct figures figures_of(const struct bench *bench, const struct bench_row *row)
{
	struct summary seconds = summary_of(row->seconds, bench->repeat);
	double data_gb = (double)row->data_bytes * 1e-9, moved_gb = (double)row->moved_bytes * 1e-9;
	struct figures figures = {
		.data = {data_gb / seconds.most, data_gb / seconds.median, data_gb / seconds.least},
		.moved = moved_gb / seconds.median,
	};

	if (row->has_roof) {
		figures.roof = moved_gb / summary_of(row->roof_seconds, bench->repeat).median;
		figures.percent_of_roof = figures.moved / figures.roof * 100;
	}
	return figures;
}

/* "encode", or "encode (portable)" of a form of the kernels that is measured beside the others. */
static const char *row_name(const struct bench_row *row, char *text, size_t size)
{
	if (!row->form)
		return row->name;
	snprintf(text, size, "%s (%s)", row->name, row->form);
	return text;
}

/* How many blocks the rows of CODE take that take the fewest: those with errors in every line. */
static uint64_t least_blocks(const struct bench *bench, enum rs_code code)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < bench->row_count; i++) {
		const struct bench_row *row = &bench->rows[i];

		if (row->code == code && row->blocks < least)
			least = row->blocks;
	}
	return least;
}

static void print_heading(const struct bench *bench)
{
	const struct device_info *info = device_info(bench->device);
	char selector[32], taken[32];

	printf("%s (%s), %s: median of %u\n", device_selector(info, selector, sizeof(selector)),
		info->name, info->driver, bench->repeat);
	for (unsigned i = 0; i < bench->region_count; i++) {
		const struct store_geometry *region = &bench->regions[i];
		uint64_t least = least_blocks(bench, region->code);

		printf("%s: %s in %" PRIu64 " blocks", rs_code_name(region->code),
			size_format(region->region_bytes, taken, sizeof(taken)), region->blocks);
		if (least < region->blocks)
			printf("; errors in every line are corrected in %" PRIu64, least);
		putchar('\n');
	}
	printf("GB/s of file data; MOVED and ROOF are GB/s read and written\n\n");
}

void bench_print_table(const struct bench *bench)
{
	static const char *const headings[] = {"KERNEL", "CODE", "LINES WITH ERRORS", "GB/s",
		"MIN..MAX", "MOVED", "ROOF", "% OF ROOF"};
	CLEANUP(table_done) struct table table;

	print_heading(bench);
	table_init(&table, "llrrrrrr");
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		table_cell(&table, "%s", headings[i]);
	for (unsigned i = 0; i < bench->row_count; i++) {
		const struct bench_row *row = &bench->rows[i];
		struct figures figures = figures_of(bench, row);
		char name[64];

		table_cell(&table, "%s", row_name(row, name, sizeof(name)));
		table_cell(&table, "%s", rs_code_name(row->code));
		table_cell(&table, "%g", row->error_share);
		table_cell(&table, "%.2f", figures.data.median);
		table_cell(&table, "%.2f..%.2f", figures.data.least, figures.data.most);
		table_cell(&table, "%.2f", figures.moved);
		if (row->has_roof) {
			table_cell(&table, "%.2f", figures.roof);
			table_cell(&table, "%.1f", figures.percent_of_roof);
		} else {
			table_cell(&table, "-");
			table_cell(&table, "-");
		}
	}
	table_print(&table, stdout);
}

/* --- JSON --- */

static struct json_object *samples_json(const double *samples, unsigned count)
{
	struct json_object *array = json_object_new_array();

	for (unsigned i = 0; i < count; i++)
		json_object_array_add(array, json_object_new_double(samples[i]));
	return array;
}

static struct json_object *row_json(const struct bench *bench, const struct bench_row *row)
{
	struct json_object *object = json_object_new_object();
	struct figures figures = figures_of(bench, row);
	char name[64];

	json_add_text(object, "kernel", row_name(row, name, sizeof(name)));
	json_add_text(object, "code", rs_code_name(row->code));
	json_add_real(object, "error_share", row->error_share);
	json_add_count(object, "error_lines", row->error_lines);
	json_add_count(object, "data_bytes", row->data_bytes);
	json_add_count(object, "moved_bytes", row->moved_bytes);
	json_add_real(object, "gb_per_s", figures.data.median);
	json_add_real(object, "gb_per_s_min", figures.data.least);
	json_add_real(object, "gb_per_s_max", figures.data.most);
	json_add_real(object, "moved_gb_per_s", figures.moved);
	json_object_object_add(object, "seconds", samples_json(row->seconds, bench->repeat));
	if (!row->has_roof)
		return object;
	json_add_real(object, "roof_gb_per_s", figures.roof);
	json_add_real(object, "percent_of_roof", figures.percent_of_roof);
	json_object_object_add(
		object, "roof_seconds", samples_json(row->roof_seconds, bench->repeat));
	return object;
}

static struct json_object *region_json(const struct store_geometry *geometry)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "code", rs_code_name(geometry->code));
	json_add_count(object, "region_bytes", geometry->region_bytes);
	json_add_count(object, "blocks", geometry->blocks);
	return object;
}

void bench_print_json(const struct bench *bench)
{
	struct json_object *object = json_object_new_object();
	struct json_object *regions = json_object_new_array();
	struct json_object *rows = json_object_new_array();

	json_add_text(object, "version", VRAMFS_VERSION);
	json_add_device(object, device_info(bench->device));
	json_add_count(object, "repeat", bench->repeat);
	json_add_count(object, "error_bytes", BENCH_ERROR_BYTES);
	for (unsigned i = 0; i < bench->region_count; i++)
		json_object_array_add(regions, region_json(&bench->regions[i]));
	json_object_object_add(object, "regions", regions);
	for (unsigned i = 0; i < bench->row_count; i++)
		json_object_array_add(rows, row_json(bench, &bench->rows[i]));
	json_object_object_add(object, "rows", rows);
	json_print(object);
}
