/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/* Reading and writing, in all ways that there are. */
#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

/* So many bytes behind a read's are watched. */
#define BEHIND 64u

/* The beginning of the worker's buffer in three parts, some maybe empty. */
static void split(struct worker *worker, size_t length, struct iovec parts[3])
{
	size_t first = random_below(worker, length + 1);
	size_t second = random_below(worker, length - first + 1);
	parts[0] = (struct iovec){worker->bytes, first};
	parts[1] = (struct iovec){worker->bytes + first, second};
	parts[2] = (struct iovec){worker->bytes + first + second, length - first - second};
}

/* COUNT bytes were read from the beginning of RANGE into the worker's buffer. Direct I/O may touch
 * more of the buffer than it fills, but no more than it was given. */
static void have_read(
	struct worker *worker, struct file *file, struct range range, ssize_t count, bool direct)
{
	size_t expected = within_size(file, range).length;
	size_t touched = direct ? range.length : expected;
	if (outcome(worker, count) != (int64_t)expected)
		fail(worker, "it must return %zu", expected);
	for (size_t i = touched; i < touched + BEHIND; i++) {
		if (worker->bytes[i] != SENTINEL)
			fail(worker, "the buffer was written behind the bytes that were read");
	}
	compare(worker, file, range.offset, worker->bytes, expected);
}

void do_read(struct worker *worker, struct file *file)
{
	struct range range = choose_any_range(worker, file);
	int fd = file_fd_to_read(worker, file);
	off_t offset = (off_t)range.offset;
	struct iovec parts[3];
	ssize_t count;

	memset(worker->bytes, SENTINEL, range.length + BEHIND);
	switch (random_below(worker, 4)) {
	case 0:
		note(worker, file, "read %zu at %zu", range.length, range.offset);
		if (lseek(fd, offset, SEEK_SET) != offset)
			fail(worker, "lseek");
		count = read(fd, worker->bytes, range.length);
		break;
	case 1:
		split(worker, range.length, parts);
		note(worker, file, "preadv %zu+%zu+%zu at %zu", parts[0].iov_len, parts[1].iov_len,
			parts[2].iov_len, range.offset);
		count = preadv(fd, parts, 3, offset);
		break;
	default:
		note(worker, file, "pread %zu at %zu", range.length, range.offset);
		count = pread(fd, worker->bytes, range.length, offset);
	}
	have_read(worker, file, range, count, false);
}

/* Of what a write did not report as written, from byte FIRST of its LENGTH on, each byte of the
 * file is the old or the new one; the model learns which. */
static void learn_what_was_written(
	struct worker *worker, struct file *file, size_t offset, size_t first, size_t length)
{
	struct range range = {offset + first, length - first};
	uint8_t *model = file->model + range.offset, *found = malloc(range.length);
	size_t count = within_size(file, range).length;
	int fd = file_fd(worker, file, VIEW_READ_WRITE);

	file_unmap(worker, file);
	note(worker, file, "read again %zu at %zu", range.length, range.offset);
	must_succeed(worker, fsync(fd));
	ssize_t result = found ? pread(fd, found, range.length, (off_t)range.offset) : -1;
	if (outcome(worker, result) != (int64_t)count)
		fail(worker, "it must return %zu", count);
	for (size_t i = 0; i < count; i++) {
		if (found[i] != model[i] && found[i] != worker->bytes[first + i])
			fail(worker, "at %zu is %02x, neither the old byte nor the new one",
				range.offset + i, found[i]);
	}
	memcpy(model, found, count);
	file->unsynced = false;
	free(found);
}

void wrote(struct worker *worker, struct file *file, size_t offset, size_t length, int64_t result)
{
	size_t done = 0;

	if (had_space(worker, result)) {
		if (result <= 0 || result > (int64_t)length)
			fail(worker, "nothing was written");
		done = (size_t)result;
	}
	if (done == length) {
		model_write(worker, file, offset, length);
		return;
	}
	if (!worker->options->scarce)
		fail(worker, "too little was written");
	model_write(worker, file, offset, done);
	/* What did not get to the file stays in pages of the cache that are mapped, and gets there
	 * after all if they have been written otherwise: the kernel writes through, but not back.
	 */
	if (file->mapping || file->unsynced)
		learn_what_was_written(worker, file, offset, done, length);
}

void do_write(struct worker *worker, struct file *file)
{
	struct range range = choose_range(worker, file);
	int fd = file_fd(worker, file, VIEW_READ_WRITE);
	off_t offset = (off_t)range.offset;
	struct iovec parts[3];
	ssize_t count;

	file_before_write(worker, file, range);
	make_bytes(worker, range.length);
	switch (random_below(worker, 4)) {
	case 0:
		note(worker, file, "write %zu at %zu", range.length, range.offset);
		if (lseek(fd, offset, SEEK_SET) != offset)
			fail(worker, "lseek");
		count = write(fd, worker->bytes, range.length);
		break;
	case 1:
		split(worker, range.length, parts);
		note(worker, file, "pwritev %zu+%zu+%zu at %zu", parts[0].iov_len, parts[1].iov_len,
			parts[2].iov_len, range.offset);
		count = pwritev(fd, parts, 3, offset);
		break;
	case 2:
		note(worker, file, "pwritev2 dsync %zu at %zu", range.length, range.offset);
		parts[0] = (struct iovec){worker->bytes, range.length};
		count = pwritev2(fd, parts, 1, offset, RWF_DSYNC);
		break;
	default:
		note(worker, file, "pwrite %zu at %zu", range.length, range.offset);
		count = pwrite(fd, worker->bytes, range.length, offset);
	}
	wrote(worker, file, range.offset, range.length, count);
}

void do_append(struct worker *worker, struct file *file)
{
	struct range range = choose_range(worker, file);
	size_t room = file->capacity - file->size;
	size_t length = range.length < room ? range.length : room;

	if (length == 0)
		return;
	file_before_write(worker, file, (struct range){file->size, length});
	make_bytes(worker, length);
	note(worker, file, "append %zu to %zu", length, file->size);
	int fd = open(file->path, O_WRONLY | O_APPEND);
	if (fd < 0)
		fail(worker, "open for appending");
	wrote(worker, file, file->size, length, write(fd, worker->bytes, length));
	if (close(fd) < 0)
		fail(worker, "close");
}

void do_read_direct(struct worker *worker, struct file *file)
{
	struct range range = whole_units(choose_any_range(worker, file));
	int fd = range.length > 0 ? file_fd(worker, file, VIEW_DIRECT) : -1;

	if (fd < 0)
		return;
	memset(worker->bytes, SENTINEL, range.length + BEHIND);
	note(worker, file, "pread direct %zu at %zu", range.length, range.offset);
	have_read(worker, file, range, pread(fd, worker->bytes, range.length, (off_t)range.offset),
		true);
}

void do_write_direct(struct worker *worker, struct file *file)
{
	struct range range = whole_units(choose_range(worker, file));
	int fd = range.length > 0 ? file_fd(worker, file, VIEW_DIRECT) : -1;

	if (fd < 0)
		return;
	make_bytes(worker, range.length);
	note(worker, file, "pwrite direct %zu at %zu", range.length, range.offset);
	wrote(worker, file, range.offset, range.length,
		pwrite(fd, worker->bytes, range.length, (off_t)range.offset));
}

/*
 * sendfile into the worker's memfd. Where another worker's write to a cached file of a FUSE server
 * finds no space, Linux takes the pages that it had copied the bytes to for invalid. A sendfile
 * that has one of them in its pipe by then returns EIO, of which the server knows nothing; the next
 * one reads the page anew.
 */
static ssize_t send_out(
	struct worker *worker, const struct file *file, int fd, off_t *offset, size_t length)
{
	const struct options *options = worker->options;
	bool others_fail = options->cached && options->scarce && file->sharing == SHARING_WRITTEN;

	for (unsigned patience = others_fail ? 100 : 0;; patience--) {
		ssize_t count = sendfile(worker->memory, fd, offset, length);
		if (outcome(worker, count) != -EIO || patience == 0)
			return count;
		worker->resent++;
	}
}

void do_send_out(struct worker *worker, struct file *file)
{
	struct range range = choose_any_range(worker, file);
	struct range expected = within_size(file, range);
	int fd = file_fd_to_read(worker, file);
	off_t offset = (off_t)range.offset;
	size_t done = 0;
	ssize_t count;

	note(worker, file, "sendfile from it: %zu at %zu", range.length, range.offset);
	if (ftruncate(worker->memory, 0) < 0 || lseek(worker->memory, 0, SEEK_SET) < 0)
		fail(worker, "the memfd");
	do {
		count = send_out(worker, file, fd, &offset, range.length - done);
		if (count < 0)
			fail(worker, "after %zu bytes", done);
		done += (size_t)count;
	} while (count > 0 && done < range.length);
	if (done != expected.length)
		fail(worker, "%zu bytes were sent, not %zu", done, expected.length);
	if (pread(worker->memory, worker->bytes, done, 0) != (ssize_t)done)
		fail(worker, "the memfd");
	compare(worker, file, range.offset, worker->bytes, done);
}

void do_send_in(struct worker *worker, struct file *file)
{
	struct range range = choose_range(worker, file);
	int fd = file_fd(worker, file, VIEW_READ_WRITE);
	off_t from = 0;

	file_before_write(worker, file, range);
	make_bytes(worker, range.length);
	note(worker, file, "sendfile to it: %zu at %zu", range.length, range.offset);
	if (ftruncate(worker->memory, 0) < 0 ||
		pwrite(worker->memory, worker->bytes, range.length, 0) != (ssize_t)range.length)
		fail(worker, "the memfd");
	if (lseek(fd, (off_t)range.offset, SEEK_SET) < 0)
		fail(worker, "lseek");
	wrote(worker, file, range.offset, range.length,
		sendfile(fd, worker->memory, &from, range.length));
}

void do_check_all(struct worker *worker, struct file *file)
{
	compare_all(worker, file, file_fd_to_read(worker, file));
}
