/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Mounting and unmounting: mount(2) is called directly, with the type "fuse.vramfs", by which a
 * mount of ours is known in the mount table. Where that is root's privilege, fusermount3 does it
 * instead, and also the unmounting. A process that was killed leaves its mount behind, a
 * directory on which everything fails; such a one is unmounted before a new one takes its place.
 */
#include "fuse/mount.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "fuse/fusermount.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define MOUNT_TYPE "fuse.vramfs"

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U /* Linux 6.8 */
#endif

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
		if (fuse_unmount_directory(path, true, NULL))
			return why_fail(why, EPERM,
				"%s is a dead vramfs mount that can't be unmounted; try: sudo "
				"umount -l %s",
				path, path);
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

static err_t open_device(int *ret_fd, struct why *why)
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
		return why_fail(why, EPERM,
			"no permission to open /dev/fuse; run with sudo (in a container, pass the "
			"device in)");
	default:
		return why_fail(why, errno, "/dev/fuse can't be opened: %s", strerror(errno));
	}
}

/* By mount(2). -EPERM: that, or opening /dev/fuse, is not permitted. */
static err_t mount_directly(
	const struct fuse_options *options, const char *directory, int *ret_fd, struct why *why)
{
	CLEANUP(close_p) int fd = -1;
	char data[256];
	int err = open_device(&fd, why);

	if (err)
		return err;
	/* The kernel takes the type of the root directory, in octal, and who may enter without
	 * allow_other. */
	snprintf(data, sizeof(data),
		"fd=%d,rootmode=%o,user_id=%u,group_id=%u,default_permissions%s,max_read=%u", fd,
		S_IFDIR, getuid(), getgid(), options->allow_other ? ",allow_other" : "", FS_IO_MAX);
	if (mount(options->source, directory, MOUNT_TYPE, options->flags, data) < 0) {
		if (errno == EPERM)
			return why_fail(why, EPERM,
				"mounting is not permitted; run with sudo (in a container, grant "
				"CAP_SYS_ADMIN)");
		if (errno == ENODEV)
			return why_fail(why, ENODEV,
				"the kernel has no FUSE; load the module: modprobe fuse");
		return why_fail(
			why, errno, "mounting on %s failed: %s", directory, strerror(errno));
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Of what is mounted on DIRECTORY. Sends no request. */
static uint64_t unique_id(const char *directory)
{
	struct statx st;

	if (statx(AT_FDCWD, directory, AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW,
		    STATX_MNT_ID_UNIQUE, &st) < 0 ||
		!(st.stx_mask & STATX_MNT_ID_UNIQUE))
		return 0;
	return st.stx_mnt_id;
}

err_t fuse_mount_attach(
	const struct fuse_options *options, struct fuse_mount_point *ret_point, struct why *why)
{
	struct fuse_mount_point point = {.fd = -1};
	int err = fuse_check_directory(options->directory, why);

	if (err)
		return err;
	point.directory = canonical(options->directory);
	if (!point.directory)
		return -ENOMEM;
	err = mount_directly(options, point.directory, &point.fd, why);
	if (err == -EPERM && getuid() != 0)
		err = fusermount_mount(options, point.directory, &point.fd, why);
	if (err) {
		fuse_mount_point_done(&point);
		return err;
	}
	err = mount_table_find(point.directory, &point.entry);
	if (err) {
		if (fuse_unmount_directory(point.directory, true, NULL))
			log_debug("%s stays mounted", point.directory);
		fuse_mount_point_done(&point);
		return why_fail(why, -err,
			"/proc/self/mountinfo can't be read: %s; is /proc mounted?",
			strerror(-err));
	}
	point.id = unique_id(point.directory);
	*ret_point = point;
	return 0;
}

err_t fuse_remount(const char *directory, unsigned long flags, struct why *why)
{
	/* The kernel keeps what it was told when it was mounted, whatever data is given here. */
	if (mount(NULL, directory, NULL, MS_REMOUNT | flags, NULL) == 0)
		return 0;
	if (errno == EPERM)
		return why_fail(why, EPERM, "remounting %s needs root; run with sudo", directory);
	if (errno == EBUSY)
		return why_fail(why, EBUSY,
			"%s has files open for writing: 'fuser -vm %s' shows who uses it",
			directory, directory);
	return why_fail(why, errno, "remounting %s failed: %s", directory, strerror(errno));
}

err_t fuse_unmount_directory(const char *directory, bool lazy, struct why *why)
{
	int err;

	if (umount2(directory, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	err = -errno;
	if (err == -EPERM && getuid() != 0)
		err = fusermount_unmount(directory, lazy, why);
	else
		err = why_fail(why, -err, "can't unmount %s: %s", directory, strerror(-err));
	if (err == -EBUSY)
		return why_fail(why, EBUSY,
			"%s is in use: end what 'fuser -vm %s' shows, or use --lazy", directory,
			directory);
	return err;
}

/* Once our filesystem is gone its device number may be that of another, on the same directory too.
 * It isn't as long as the connection lives. One that was ended by force can still be mounted. */
static bool is_ours(const struct fuse_mount_point *point)
{
	struct pollfd connection = {.fd = point->fd};

	poll(&connection, 1, 0);
	if (!(connection.revents & POLLERR))
		return true;
	return point->id && unique_id(point->directory) == point->id;
}

bool fuse_mount_detach(const struct fuse_mount_point *point)
{
	struct mount_entry topmost;
	struct why why = {""};
	int err;

	if (!point->directory || !mount_table_holds(point->directory, &point->entry) ||
		!is_ours(point))
		return true;
	if (mount_table_find(point->directory, &topmost) ||
		!mount_entry_equal(&topmost, &point->entry)) {
		log_error("%s can't be unmounted, as something else is mounted over it; unmount "
			  "that first: umount %s",
			point->directory, point->directory);
		return false;
	}
	err = fuse_unmount_directory(point->directory, false, &why);
	if (err == -EBUSY) {
		log_warning("%s is in use: programs that have files open there will get errors",
			point->directory);
		err = fuse_unmount_directory(point->directory, true, &why);
	}
	/* Another process may have unmounted it meanwhile. */
	if (!err || !mount_table_holds(point->directory, &point->entry))
		return true;
	log_error("%s; try: umount -l %s", why.text, point->directory);
	return false;
}

void fuse_mount_point_done(struct fuse_mount_point *point)
{
	free(steal(&point->directory));
	close_p(&point->fd);
}
