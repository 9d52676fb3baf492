/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A running filesystem is asked and told things through extended attributes of its root: that
 * needs no socket, no file in /run and no second protocol, and works through whatever way the
 * mount point is reached.
 */
#include "cli/control.h"

#include "cli/cli.h"
#include "cli/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void control_init(struct control *control, struct fs *fs, bool allow_set, const char *options)
{
	*control = (struct control){.fs = fs, .allow_set = allow_set, .options = options};
	pthread_mutex_init(&control->lock, NULL);
}

void control_done(struct control *control)
{
	pthread_mutex_destroy(&control->lock);
}

static void write_stats(struct control *control, FILE *out)
{
	struct store *store = fs_store(control->fs);
	const struct store_geometry *geometry = store_geometry(store);
	const struct device_info *info = device_info(store_device(store));
	struct store_counters counters;
	char selector[32];

	store_counters(store, &counters);
	fprintf(out, "version %s\n", VRAMFS_VERSION);
	fprintf(out, "pid %d\n", (int)getpid());
	fprintf(out, "device %s\n", device_selector(info, selector, sizeof(selector)));
	fprintf(out, "device_name %s\n", info->name);
	fprintf(out, "code %s\n", rs_code_name(geometry->code));
	fprintf(out, "max_correct %u\n", geometry->max_correct);
	fprintf(out, "region_bytes %" PRIu64 "\n", geometry->region_bytes);
	fprintf(out, "blocks %" PRIu64 "\n", geometry->blocks);
	fprintf(out, "blocks_free %" PRIu64 "\n", store_blocks_free(store));
	fprintf(out, "read_bytes %" PRIu64 "\n", counters.read_bytes);
	fprintf(out, "written_bytes %" PRIu64 "\n", counters.written_bytes);
	fprintf(out, "jobs %" PRIu64 "\n", counters.jobs);
	fprintf(out, "failed_jobs %" PRIu64 "\n", counters.failed_jobs);
	fprintf(out, "delayed_jobs %" PRIu64 "\n", counters.delayed_jobs);
	for (unsigned weight = 1; weight <= RS_MAX_CORRECT; weight++)
		fprintf(out, "corrected_%u %" PRIu64 "\n", weight, counters.corrected[weight]);
	fprintf(out, "lost %" PRIu64 "\n", counters.lost);
	fprintf(out, "inodes %" PRIu64 "\n", fs_inode_count(control->fs));
}

static void write_options(struct control *control, FILE *out)
{
	fputs(control->options, out);
}

static void write_sweep(struct control *control, FILE *out)
{
	struct store_sweep_totals sweep;

	pthread_mutex_lock(&control->lock);
	sweep = control->sweep;
	pthread_mutex_unlock(&control->lock);
	fprintf(out, "flagged %" PRIu64 "\n", sweep.flagged);
	for (unsigned weight = 1; weight <= RS_MAX_CORRECT; weight++)
		fprintf(out, "corrected_%u %" PRIu64 "\n", weight, sweep.corrected[weight]);
	fprintf(out, "lost %" PRIu64 "\n", sweep.lost);
}

static int control_show(void *user, const char *name, FILE *out)
{
	if (!strcmp(name, "vramfs.stats"))
		write_stats(user, out);
	else if (!strcmp(name, "vramfs.options"))
		write_options(user, out);
	else if (!strcmp(name, "vramfs.sweep"))
		write_sweep(user, out);
	else
		return -ENODATA;
	return 0;
}

/* Run KERNEL over everything and keep what it found for "get vramfs.sweep". */
static err_t sweep_all(
	struct control *control, enum kernel kernel, const struct store_sweep *arguments)
{
	struct store *store = fs_store(control->fs);
	struct store_sweep_totals totals;
	int err;

	err = store_sweep(
		store, kernel, 0, (uint32_t)store_geometry(store)->blocks, arguments, &totals);
	if (err)
		return err;
	pthread_mutex_lock(&control->lock);
	control->sweep = totals;
	pthread_mutex_unlock(&control->lock);
	return 0;
}

/* TEXT is "errors=4,every=1,seed=7"; what is left out keeps its default. */
static err_t set_inject(struct control *control, char *text)
{
	uint64_t errors = 1, every = 1, seed = 1;
	struct store_sweep arguments;
	char *word;

	while ((word = strsep(&text, ","))) {
		char *value = strchr(word, '=');
		int err = -EINVAL;

		if (!value)
			return -EINVAL;
		*value++ = '\0';
		if (!strcmp(word, "errors"))
			err = options_number(word, value, 1, 8, &errors, NULL);
		else if (!strcmp(word, "every"))
			err = options_number(word, value, 1, UINT32_MAX, &every, NULL);
		else if (!strcmp(word, "seed"))
			err = options_number(word, value, 0, UINT64_MAX, &seed, NULL);
		if (err)
			return err;
	}
	arguments = (struct store_sweep){
		.seed = seed, .inject_errors = (uint32_t)errors, .inject_every = (uint32_t)every};
	return sweep_all(control, KERNEL_INJECT, &arguments);
}

static err_t set_sweep(struct control *control, const char *text)
{
	if (!strcmp(text, "verify"))
		return sweep_all(control, KERNEL_VERIFY, NULL);
	if (!strcmp(text, "correct"))
		return sweep_all(control, KERNEL_CORRECT, NULL);
	if (!strcmp(text, "refresh"))
		return sweep_all(control, KERNEL_REFRESH, NULL);
	return -EINVAL;
}

static err_t set_fail(struct control *control, const char *text)
{
	uint64_t count;
	int err = options_number("fail", text, 0, 1000000, &count, NULL);

	if (!err)
		store_fail_launches(fs_store(control->fs), (unsigned)count);
	return err;
}

static int control_set(void *user, const char *name, const char *value, size_t size)
{
	struct control *control = user;
	char text[128];

	if (!control->allow_set)
		return -EPERM;
	if (size >= sizeof(text))
		return -EINVAL;
	memcpy(text, value, size);
	text[size] = '\0';
	if (!strcmp(name, "vramfs.inject"))
		return set_inject(control, text);
	if (!strcmp(name, "vramfs.sweep"))
		return set_sweep(control, text);
	if (!strcmp(name, "vramfs.fail"))
		return set_fail(control, text);
	return -EOPNOTSUPP;
}

struct fuse_control control_hooks(struct control *control)
{
	return (struct fuse_control){.show = control_show, .set = control_set, .user = control};
}
