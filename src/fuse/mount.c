/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Mounting and unmounting: mount(2) is called directly, with the type "fuse.vramfs", by which a
 * mount of ours is known in the mount table. A process that was killed leaves its mount behind, a
 * directory on which everything fails; such a one is unmounted before a new one takes its place.
 */
#include "fuse/mount.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#define MOUNT_TYPE "fuse.vramfs"

static void closedir_p(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* DIRECTORY without symbolic links. It may be dead as a mount; then it is taken as it is. */
static char *canonical(const char *directory)
{
	char *path = realpath(directory, NULL);

	return path ? path : strdup(directory);
}

static bool is_dead(int err)
{
	return err == ENOTCONN || err == ECONNABORTED;
}

static err_t check_no_mount(const char *path, struct why *why)
{
	struct mount_entry entry;
	struct statfs answer;

	while (mount_table_find(path, &entry) == 0 && !strcmp(entry.type, MOUNT_TYPE)) {
		/* Not stat(): the kernel would answer that for a dead daemon, from its cache. */
		if (statfs(path, &answer) == 0 || !is_dead(errno))
			return why_fail(why, EBUSY,
				"%s already is a vramfs mount; unmount it first: vramfs umount %s",
				path, path);
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return why_fail(why, errno,
				"%s is a dead vramfs mount that can't be unmounted (%s); try: sudo "
				"umount -l %s",
				path, strerror(errno), path);
		log_debug("unmounted the dead mount on %s", path);
	}
	return 0;
}

static err_t check_empty(const char *path, struct why *why)
{
	CLEANUP(closedir_p) DIR *directory = opendir(path);
	struct dirent *entry;

	if (!directory)
		return why_fail(why, errno, "%s can't be read: %s", path, strerror(errno));
	while ((entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			return why_fail(why, ENOTEMPTY,
				"%s is not empty, and a mount would hide what it holds; choose an "
				"empty directory",
				path);
	return 0;
}

err_t fuse_check_directory(const char *directory, struct why *why)
{
	CLEANUP(free_p) char *path = canonical(directory);
	struct stat st;
	int err;

	if (!path)
		return -ENOMEM;
	err = check_no_mount(path, why);
	if (err)
		return err;
	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return why_fail(why, ENOENT,
				"%s does not exist; make it first: mkdir -p %s", path, path);
		if (is_dead(errno))
			return why_fail(why, errno,
				"%s is a dead mount of another program; unmount it first: umount -l "
				"%s",
				path, path);
		return why_fail(why, errno, "%s can't be used: %s", path, strerror(errno));
	}
	if (!S_ISDIR(st.st_mode))
		return why_fail(
			why, ENOTDIR, "%s is not a directory; choose an empty directory", path);
	return check_empty(path, why);
}

err_t fuse_device_open(int *ret_fd, struct why *why)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return why_fail(why, ENODEV,
			"there is no /dev/fuse; load the module: modprobe fuse (in a container, pass "
			"the device in)");
	case EACCES:
	case EPERM:
		return why_fail(why, errno, "no permission to open /dev/fuse; run with sudo");
	default:
		return why_fail(why, errno, "/dev/fuse can't be opened: %s", strerror(errno));
	}
}

static unsigned long mount_flags(const struct fuse_options *options)
{
	return (options->read_only ? MS_RDONLY : 0) | (options->dev ? 0 : MS_NODEV) |
	       (options->suid ? 0 : MS_NOSUID) | (options->noexec ? MS_NOEXEC : 0) |
	       (options->noatime ? MS_NOATIME : 0);
}

err_t fuse_mount_attach(const struct fuse_options *options, int fd,
	struct fuse_mount_point *ret_point, struct why *why)
{
	struct fuse_mount_point point = {};
	char data[256];
	int err = fuse_check_directory(options->directory, why);

	if (err)
		return err;
	point.directory = canonical(options->directory);
	if (!point.directory)
		return -ENOMEM;
	/* The kernel takes the type of the root directory, in octal, and who may enter without
	 * allow_other. */
	snprintf(data, sizeof(data),
		"fd=%d,rootmode=%o,user_id=%u,group_id=%u,default_permissions%s,max_read=%u", fd,
		S_IFDIR, getuid(), getgid(), options->allow_other ? ",allow_other" : "", FS_IO_MAX);
	if (mount(options->source, point.directory, MOUNT_TYPE, mount_flags(options), data) < 0) {
		err = errno;
		fuse_mount_point_done(&point);
		if (err == EPERM)
			return why_fail(why, EPERM, "mounting needs root; run with sudo");
		if (err == ENODEV)
			return why_fail(why, ENODEV,
				"the kernel has no FUSE; load the module: modprobe fuse");
		return why_fail(
			why, err, "mounting on %s failed: %s", options->directory, strerror(err));
	}
	err = mount_table_find(point.directory, &point.entry);
	if (err) {
		umount2(point.directory, MNT_DETACH | UMOUNT_NOFOLLOW);
		fuse_mount_point_done(&point);
		return why_fail(why, -err,
			"/proc/self/mountinfo can't be read: %s; is /proc mounted?",
			strerror(-err));
	}
	*ret_point = point;
	return 0;
}

void fuse_mount_detach(const struct fuse_mount_point *point)
{
	struct mount_entry topmost;

	if (!point->directory || !mount_table_holds(point->directory, &point->entry))
		return;
	if (mount_table_find(point->directory, &topmost) ||
		!mount_entry_equal(&topmost, &point->entry)) {
		log_error("%s can't be unmounted, as something else is mounted over it; unmount "
			  "that first: umount %s",
			point->directory, point->directory);
		return;
	}
	if (umount2(point->directory, UMOUNT_NOFOLLOW) == 0)
		return;
	log_warning("%s is in use (%s): programs that have files open there will get errors",
		point->directory, strerror(errno));
	/* MNT_FORCE ends the connection, and fails with EBUSY nevertheless. */
	umount2(point->directory, MNT_FORCE | UMOUNT_NOFOLLOW);
	if (umount2(point->directory, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 &&
		mount_table_holds(point->directory, &point->entry))
		log_error("%s can't be unmounted: %s; try: umount -l %s", point->directory,
			strerror(errno), point->directory);
}

void fuse_mount_point_done(struct fuse_mount_point *point)
{
	free(steal(&point->directory));
}
