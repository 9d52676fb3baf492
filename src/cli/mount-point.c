/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Paths of mount points. When the daemon behind a mount is dead, nothing at or below the mount
 * point can be looked at any more, but the directory that holds it can.
 */
#include "cli/mount-point.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The real path of the directory that holds PATH, with the last name of PATH added. */
static err_t path_by_parent(const char *path, char ret_path[PATH_MAX])
{
	CLEANUP(free_p) char *copy = strdup(path);
	CLEANUP(free_p) char *parent = NULL;
	const char *name, *directory = ".";
	char *slash;
	int length;

	if (!copy)
		return -ENOMEM;
	for (size_t end = strlen(copy); end > 1 && copy[end - 1] == '/'; end--)
		copy[end - 1] = '\0';
	slash = strrchr(copy, '/');
	name = slash ? slash + 1 : copy;
	if (slash) {
		*slash = '\0';
		directory = slash == copy ? "/" : copy;
	}
	parent = realpath(directory, NULL);
	if (!parent)
		return -errno;
	length = snprintf(ret_path, PATH_MAX, "%s/%s", strcmp(parent, "/") ? parent : "", name);
	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int mount_point_path(const char *directory, char ret_path[PATH_MAX])
{
	if (realpath(directory, ret_path))
		return 0;
	if (errno == ENOTCONN || errno == ECONNABORTED)
		return path_by_parent(directory, ret_path);
	return -errno;
}
