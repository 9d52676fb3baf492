/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * This machine's memory and processors. How much system memory there is to take, from /proc/meminfo
 * and, in a container, from the limits of its control group (version 2) and those above it. The
 * kernel would hand out more than there is and later kill somebody; a region that doesn't fit must
 * be refused when it is asked for.
 */
#include "device/system.h"

#include "base/cleanup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define CGROUPS "/sys/fs/cgroup"

static void file_close(FILE **file)
{
	if (*file)
		fclose(*file);
}

static uint64_t meminfo_bytes(const char *key)
{
	CLEANUP(file_close) FILE *file = fopen("/proc/meminfo", "re");
	size_t length = strlen(key);
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		unsigned long long kib;

		if (!strncmp(line, key, length) && sscanf(line + length, ": %llu kB", &kib) == 1)
			return kib * 1024;
	}
	return 0;
}

/* The number in DIRECTORY/NAME or, if KEY is not NULL, behind KEY in it. "max" is no number. */
static bool cgroup_number(
	const char *directory, const char *name, const char *key, uint64_t *ret_number)
{
	char path[PATH_MAX], line[256];
	size_t length = key ? strlen(key) : 0;
	unsigned long long number;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return false;
	CLEANUP(file_close) FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (key && (strncmp(line, key, length) || line[length] != ' '))
			continue;
		if (sscanf(line + length, "%llu", &number) != 1)
			return false;
		*ret_number = number;
		return true;
	}
	return false;
}

/* The directory of this process's control group, without a '/' at the end. */
static bool cgroup_directory(char *path, size_t size)
{
	CLEANUP(file_close) FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "0::/", 4))
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (snprintf(path, size, CGROUPS "%s", line + 3) >= (int)size)
			return false;
		if (path[strlen(path) - 1] == '/')
			path[strlen(path) - 1] = '\0';
		return true;
	}
	return false;
}

/* Lower *TOTAL and *AVAILABLE to what the control groups allow. What a group has in the cache of
 * files it no longer uses counts as its own but will be given up. */
static void apply_cgroups(uint64_t *total, uint64_t *available)
{
	char path[PATH_MAX];

	if (!cgroup_directory(path, sizeof(path)))
		return;
	while (strlen(path) >= strlen(CGROUPS)) {
		uint64_t limit, used, cache = 0;

		if (cgroup_number(path, "memory.max", NULL, &limit) &&
			cgroup_number(path, "memory.current", NULL, &used)) {
			uint64_t left;

			if (!cgroup_number(path, "memory.stat", "inactive_file", &cache) ||
				cache > used)
				cache = 0;
			left = limit > used - cache ? limit - (used - cache) : 0;
			*total = limit < *total ? limit : *total;
			*available = left < *available ? left : *available;
		}
		*strrchr(path, '/') = '\0';
	}
}

uint64_t system_memory_total(void)
{
	uint64_t total = meminfo_bytes("MemTotal"), available = 0;

	apply_cgroups(&total, &available);
	return total;
}

uint64_t system_memory_available(void)
{
	uint64_t total = 0, available = meminfo_bytes("MemAvailable");

	apply_cgroups(&total, &available);
	return available;
}

void system_processor_name(char *name, size_t size)
{
	CLEANUP(file_close) FILE *file = fopen("/proc/cpuinfo", "re");
	struct utsname system;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		char *value = strstr(line, ": ");

		if (!strncmp(line, "model name", 10) && value) {
			value[strcspn(value, "\n")] = '\0';
			snprintf(name, size, "%s", value + 2);
			return;
		}
	}
	/* Not every architecture tells. */
	snprintf(name, size, "%s processor", uname(&system) == 0 ? system.machine : "unknown");
}
