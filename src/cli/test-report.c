/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * What `vramfs test` found, for people and for programs.
 */
#include "cli/test.h"

#include "base/cleanup.h"
#include "base/table.h"
#include "cli/cli.h"
#include "cli/json.h"

#include <inttypes.h>
#include <stdio.h>

static double gigabytes_a_second(const struct test_step *step)
{
	return step->seconds > 0 ? (double)step->bytes / step->seconds * 1e-9 : 0;
}

static unsigned failures_kept(const struct test *test)
{
	unsigned room = sizeof(test->failures) / sizeof(test->failures[0]);

	return test->failure_count < room ? test->failure_count : room;
}

static void print_heading(const struct test *test)
{
	const struct store_geometry *geometry = store_geometry(test->store);
	const struct device_info *info = device_info(test->device);
	char selector[32], taken[32];

	printf("%s (%s): %s in %" PRIu64 " blocks, code %s",
		device_selector(info, selector, sizeof(selector)), info->name,
		size_format(geometry->region_bytes, taken, sizeof(taken)), geometry->blocks,
		rs_code_name(geometry->code));
	if (geometry->code != RS_NONE)
		printf(" correcting %u", geometry->max_correct);
	printf(", seed %" PRIu64 "\n", test->seed);
	printf("pool take and give: %.0f ns, on %d threads %.0f ns; queue look-up: %.1f ns, %.1f ns\n",
		test->pool.take_give_ns[0], TEST_POOL_THREADS, test->pool.take_give_ns[1],
		test->pool.queue_ns[0], test->pool.queue_ns[1]);
}

static void print_steps(const struct test *test)
{
	CLEANUP(table_done) struct table table;
	char bytes[32];

	table_init(&table, "lrrr");
	table_cell(&table, "STEP");
	table_cell(&table, "DATA");
	table_cell(&table, "SECONDS");
	table_cell(&table, "GB/s");
	for (unsigned i = 0; i < test->step_count; i++) {
		const struct test_step *step = &test->steps[i];

		table_cell(&table, "%s", step->name);
		table_cell(&table, "%s", size_format(step->bytes, bytes, sizeof(bytes)));
		table_cell(&table, "%.4f", step->seconds);
		table_cell(&table, "%.2f", gigabytes_a_second(step));
	}
	putchar('\n');
	table_print(&table, stdout);
}

static void print_rows(const struct test *test)
{
	static const char *const headings[] = {"ERRORS A LINE", "LINES", "DETECTED", "CORRECTED",
		"LOST", "MISCORRECTED", "DIFFER"};
	bool coded = store_geometry(test->store)->code != RS_NONE;
	CLEANUP(table_done) struct table table;

	table_init(&table, "rrrrrrr");
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		table_cell(&table, "%s", headings[i]);
	for (unsigned i = 0; i < test->row_count; i++) {
		const struct test_row *row = &test->rows[i];
		const uint64_t counts[] = {
			row->detected, row->repaired, row->lost, row->miscorrected};

		table_cell(&table, "%u", row->errors);
		table_cell(&table, "%" PRIu64, row->lines);
		for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); j++) {
			if (coded)
				table_cell(&table, "%" PRIu64, counts[j]);
			else
				table_cell(&table, "-");
		}
		table_cell(&table, "%" PRIu64, row->differ);
	}
	putchar('\n');
	table_print(&table, stdout);
}

void test_print_table(const struct test *test)
{
	print_heading(test);
	print_steps(test);
	print_rows(test);
	putchar('\n');
	for (unsigned i = 0; i < failures_kept(test); i++)
		printf("FAILED: %s\n", test->failures[i]);
	if (!test->failure_count)
		printf("passed\n");
}

/* --- JSON --- */

static struct json_object *pool_json(const struct test_pool *pool)
{
	struct json_object *object = json_object_new_object();

	json_add_real(object, "take_give_ns", pool->take_give_ns[0]);
	json_add_real(object, "queue_ns", pool->queue_ns[0]);
	json_add_count(object, "threads", TEST_POOL_THREADS);
	json_add_real(object, "threads_take_give_ns", pool->take_give_ns[1]);
	json_add_real(object, "threads_queue_ns", pool->queue_ns[1]);
	return object;
}

static struct json_object *steps_json(const struct test *test)
{
	struct json_object *array = json_object_new_array();

	for (unsigned i = 0; i < test->step_count; i++) {
		struct json_object *object = json_object_new_object();

		json_add_text(object, "step", test->steps[i].name);
		json_add_count(object, "bytes", test->steps[i].bytes);
		json_add_real(object, "seconds", test->steps[i].seconds);
		json_add_real(object, "gb_per_s", gigabytes_a_second(&test->steps[i]));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *row_json(const struct test_row *row, bool coded)
{
	struct json_object *object = json_object_new_object();
	struct json_object *weights = json_object_new_array();

	json_add_count(object, "errors", row->errors);
	json_add_count(object, "lines", row->lines);
	json_add_count(object, "differ", row->differ);
	for (unsigned weight = 1; weight <= RS_MAX_CORRECT; weight++)
		json_object_array_add(weights, json_object_new_uint64(row->corrected[weight]));
	if (!coded) {
		json_object_put(weights);
		return object;
	}
	json_add_count(object, "detected", row->detected);
	json_add_count(object, "corrected", row->repaired);
	json_object_object_add(object, "changed_bytes", weights);
	json_add_count(object, "lost", row->lost);
	json_add_count(object, "miscorrected", row->miscorrected);
	return object;
}

void test_print_json(const struct test *test)
{
	const struct store_geometry *geometry = store_geometry(test->store);
	struct json_object *object = json_object_new_object();
	struct json_object *rows = json_object_new_array();
	struct json_object *failures = json_object_new_array();

	json_add_text(object, "version", VRAMFS_VERSION);
	json_add_device(object, device_info(test->device));
	json_add_text(object, "code", rs_code_name(geometry->code));
	json_add_count(object, "max_correct", geometry->max_correct);
	json_add_count(object, "region_bytes", geometry->region_bytes);
	json_add_count(object, "blocks", geometry->blocks);
	json_add_count(object, "seed", test->seed);
	json_object_object_add(object, "pool", pool_json(&test->pool));
	json_object_object_add(object, "steps", steps_json(test));
	for (unsigned i = 0; i < test->row_count; i++)
		json_object_array_add(rows, row_json(&test->rows[i], geometry->code != RS_NONE));
	json_object_object_add(object, "errors", rows);
	for (unsigned i = 0; i < failures_kept(test); i++)
		json_object_array_add(failures, json_object_new_string(test->failures[i]));
	json_object_object_add(object, "failures", failures);
	json_object_object_add(object, "passed", json_object_new_boolean(!test->failure_count));
	json_print(object);
}
