/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Files are opened anew, get other names in other directories, and are removed and made again, all
 * while they are open and mapped. All workers use the same two directories.
 */
#include "random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void do_reopen(struct worker *worker, struct file *file)
{
	if (one_in(worker, 4))
		file_leave(worker, file);
	else
		file_close(worker, file, (enum view)random_below(worker, VIEW_COUNT));
}

static void expect_absent(struct worker *worker, const char *path)
{
	struct stat found;
	if (stat(path, &found) == 0 || errno != ENOENT)
		fail(worker, "%s is still there", path);
}

void do_rename(struct worker *worker, struct file *file)
{
	char path[PATH_BYTES];

	file_new_path(worker, file, path);
	note(worker, file, "rename to %s", path);
	must_succeed(worker, rename(file->path, path));
	expect_absent(worker, file->path);
	strcpy(file->path, path);
}

/* Two files of the worker change their names, in one step. */
void do_exchange(struct worker *worker, struct file *file)
{
	struct file *other = &worker->files[random_below(worker, worker->own_count)];
	char path[PATH_BYTES];

	if (other == file)
		return;
	note(worker, file, "exchange %s and %s", strrchr(file->path, '/'),
		strrchr(other->path, '/'));
	must_succeed(
		worker, renameat2(AT_FDCWD, file->path, AT_FDCWD, other->path, RENAME_EXCHANGE));
	strcpy(path, file->path);
	strcpy(file->path, other->path);
	strcpy(other->path, path);
}

/* Another file, which is open, loses its name to this one, and is there until it is closed. */
void do_replace(struct worker *worker, struct file *file)
{
	char path[PATH_BYTES], byte = 'x', found = 0;
	struct stat stat;

	file_new_path(worker, file, path);
	note(worker, file, "replace %s", path);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (outcome(worker, fd) < 0)
		fail(worker, "can't make the file to be replaced");
	bool written = had_space(worker, pwrite(fd, &byte, 1, 0));
	must_succeed(worker, rename(file->path, path));
	expect_absent(worker, file->path);
	strcpy(file->path, path);
	must_succeed(worker, fstat(fd, &stat));
	if (stat.st_nlink != 0)
		fail(worker, "the replaced file has %u links", (unsigned)stat.st_nlink);
	if (written && (pread(fd, &found, 1, 0) != 1 || found != byte))
		fail(worker, "the replaced file has lost its byte");
	must_succeed(worker, close(fd));
}

/* Another link to the file is made, or it is looked at and one of both goes. */
void do_link(struct worker *worker, struct file *file)
{
	if (file->second_path[0] == '\0') {
		file_new_path(worker, file, file->second_path);
		note(worker, file, "link as %s", file->second_path);
		must_succeed(worker, link(file->path, file->second_path));
		return;
	}
	note(worker, file, "open %s", file->second_path);
	int fd = open(file->second_path, O_RDONLY);
	if (outcome(worker, fd) < 0)
		fail(worker, "the second name does not lead to the file");
	compare_all(worker, file, fd);
	must_succeed(worker, close(fd));
	if (one_in(worker, 2)) {
		char path[PATH_BYTES];
		strcpy(path, file->path);
		strcpy(file->path, file->second_path);
		strcpy(file->second_path, path);
	}
	note(worker, file, "unlink %s", file->second_path);
	must_succeed(worker, unlink(file->second_path));
	expect_absent(worker, file->second_path);
	file->second_path[0] = '\0';
}

/* Remove all names of a file in use, see that it lives on, leave it, and make a new one. */
void do_recreate(struct worker *worker, struct file *file)
{
	struct stat stat;

	file_fd(worker, file, VIEW_READ_WRITE);
	file_fd(worker, file, VIEW_READ_ONLY);
	note(worker, file, "unlink %s", file->path);
	must_succeed(worker, unlink(file->path));
	if (file->second_path[0] != '\0')
		must_succeed(worker, unlink(file->second_path));
	file->second_path[0] = '\0';
	must_succeed(worker, fstat(file->fds[VIEW_READ_ONLY], &stat));
	if (stat.st_nlink != 0)
		fail(worker, "it still has %u links", (unsigned)stat.st_nlink);
	do_write(worker, file);
	compare_all(worker, file, file->fds[VIEW_READ_ONLY]);
	file_leave(worker, file);
	if (one_in(worker, 2)) /* else the same name again */
		file_new_path(worker, file, file->path);
	file_create(worker, file);
}

/* How often the name of PATH is in the directory of the two that it is in. */
static unsigned count_name(struct worker *worker, const char *path)
{
	char directory[PATH_BYTES];
	strcpy(directory, path);
	char *name = strrchr(directory, '/');
	*name++ = '\0';

	DIR *stream = opendir(directory);
	if (!stream)
		fail(worker, "opendir %s", directory);
	unsigned count = 0;
	const struct dirent *entry;
	while (errno = 0, (entry = readdir(stream)))
		count += strcmp(entry->d_name, name) == 0;
	if (errno != 0)
		fail(worker, "readdir: %s", strerror(errno));
	closedir(stream);
	return count;
}

/* However many names come and go meanwhile, one that stays is listed once. */
void do_list(struct worker *worker, struct file *file)
{
	note(worker, file, "list %s", file->path);
	unsigned count = count_name(worker, file->path);
	if (count != 1)
		fail(worker, "the directory lists its name %u times", count);
}
