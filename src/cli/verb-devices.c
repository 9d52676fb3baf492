/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * `vramfs devices`: what there is to mount on. Devices that can't be used are listed too, with the
 * reason, because "why is my GPU not there" is what this verb is asked most.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "base/table.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/options.h"

enum { KEY_JSON = 0x100 };

struct devices_options {
	struct options common;
	bool json;
};

static const struct argp_option devices_options[] = {
	{"json", KEY_JSON, NULL, 0, "Write an array of objects instead of a table", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct devices_options *options = state->input;

	(void)argument;
	switch (key) {
	case KEY_JSON:
		options->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp devices_argp = {
	.options = devices_options,
	.parser = parse_option,
	.doc = "List the devices that can keep files, and those that can't with the reason.",
};

/* What to call INFO; a kind without a driver has no device to number. */
static const char *device_label(const struct device_info *info, char *text, size_t size)
{
	return info->name[0] ? device_selector(info, text, size) : device_kind_name(info->kind);
}

static const char *or_dash(const char *text)
{
	return text[0] ? text : "-";
}

static void add_row(struct table *table, const struct device_info *info)
{
	char selector[32], memory[32], available[32];

	table_cell(table, "%s", device_label(info, selector, sizeof(selector)));
	table_cell(table, "%s", info->name);
	table_cell(table, "%s", size_format(info->memory_bytes, memory, sizeof(memory)));
	table_cell(table, "%s", size_format(info->free_bytes, available, sizeof(available)));
	table_cell(table, "%u", info->processors);
	if (info->copy_engines)
		table_cell(table, "%u", info->copy_engines);
	else
		table_cell(table, "-");
	table_cell(table, "%s", or_dash(info->driver));
	table_cell(table, "%s", or_dash(info->pci));
	table_cell(table, "%s", or_dash(info->uuid));
}

static void print_table(const struct device_info *list, size_t count)
{
	static const char *const headings[] = {"DEVICE", "NAME", "MEMORY", "FREE", "PROCESSORS",
		"COPY ENGINES", "DRIVER", "PCI", "UUID"};
	CLEANUP(table_done) struct table table;
	char selector[32];
	size_t usable = 0;

	table_init(&table, "llrrrrlll");
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		table_cell(&table, "%s", headings[i]);
	for (size_t i = 0; i < count; i++) {
		if (!list[i].unusable[0]) {
			add_row(&table, &list[i]);
			usable++;
		}
	}
	if (usable)
		table_print(&table, stdout);
	for (size_t i = 0; i < count; i++) {
		if (list[i].unusable[0])
			printf("%s%s%s can't be used: %s\n",
				device_label(&list[i], selector, sizeof(selector)),
				list[i].name[0] ? " " : "", list[i].name, list[i].unusable);
	}
}

static struct json_object *device_json(const struct device_info *info)
{
	struct json_object *object = json_object_new_object();
	char selector[32];

	json_add_text(object, "device", device_label(info, selector, sizeof(selector)));
	json_add_text(object, "kind", device_kind_name(info->kind));
	json_add_count(object, "number", info->number);
	json_add_text(object, "name", info->name);
	json_add_text(object, "uuid", info->uuid);
	json_add_text(object, "pci", info->pci);
	json_add_text(object, "driver", info->driver);
	json_add_count(object, "memory_bytes", info->memory_bytes);
	json_add_count(object, "free_bytes", info->free_bytes);
	json_add_count(object, "processors", info->processors);
	json_add_count(object, "copy_engines", info->copy_engines);
	json_add_count(object, "compute_capability", info->capability);
	json_object_object_add(object, "unified", json_object_new_boolean(info->unified));
	json_object_object_add(object, "usable", json_object_new_boolean(!info->unusable[0]));
	json_add_text(object, "why", info->unusable);
	return object;
}

static void print_json(const struct device_info *list, size_t count)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, device_json(&list[i]));
	json_print(array);
}

enum exit_status verb_devices(int argc, char **argv)
{
	CLEANUP(free_p) struct device_info *list = NULL;
	struct why why = {""};
	struct devices_options options = {.common.why = &why};
	size_t count;
	int err;

	err = options_parse(&devices_argp, argc, argv, &options.common);
	if (err)
		return exit_fail("devices", STAGE_ARGUMENTS, err, &why);
	err = device_list(&list, &count);
	if (err)
		return exit_fail("devices", STAGE_DEVICE, err, NULL);
	if (options.json)
		print_json(list, count);
	else
		print_table(list, count);
	return exit_flush("devices", EXIT_DONE);
}
