/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/* Sizes, holes and allocation, copies within the filesystem, and what can be asked about them. */
#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void do_truncate(struct worker *worker, struct file *file)
{
	struct range range = choose_range(worker, file);
	size_t size = one_in(worker, 8) ? 0 : range.offset + range.length;

	if (one_in(worker, 2)) /* else what is wrong in the part that is cut would never be seen */
		do_check_all(worker, file);
	switch (random_below(worker, 4)) {
	case 0:
		note(worker, file, "truncate to %zu", size);
		must_succeed(worker, truncate(file->path, (off_t)size));
		break;
	case 1:
		if (size == 0) {
			note(worker, file, "open to truncate");
			int fd = open(file->path, O_WRONLY | O_TRUNC);
			if (outcome(worker, fd) < 0)
				fail(worker, "open");
			close(fd);
			break;
		}
		/* fallthrough */
	default:
		note(worker, file, "ftruncate to %zu", size);
		must_succeed(
			worker, ftruncate(file_fd(worker, file, VIEW_READ_WRITE), (off_t)size));
	}
	model_resize(file, size);
}

/* Returns true if it was done; there may be no space, or the filesystem can't do that. */
static bool allocate(struct worker *worker, struct file *file, int mode, struct range range)
{
	int fd = file_fd(worker, file, VIEW_READ_WRITE);

	note(worker, file, "fallocate mode %#x: %zu at %zu", (unsigned)mode, range.length,
		range.offset);
	int result = fallocate(fd, mode, (off_t)range.offset, (off_t)range.length);
	if (!had_space(worker, result))
		return false;
	if (result < 0 && errno == EOPNOTSUPP && (mode & FALLOC_FL_ZERO_RANGE))
		return false; /* tmpfs can't */
	must_succeed(worker, result);
	return true;
}

static void grow_model(struct file *file, int mode, struct range range)
{
	if (!(mode & FALLOC_FL_KEEP_SIZE) && range.offset + range.length > file->size)
		model_resize(file, range.offset + range.length);
}

void do_punch(struct worker *worker, struct file *file)
{
	struct range range = choose_range(worker, file);

	allocate(worker, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, range);
	model_zero(file, range);
}

static int choose_keep_size(struct worker *worker, const struct file *file)
{
	return file->sharing != SHARING_NONE || one_in(worker, 2) ? FALLOC_FL_KEEP_SIZE : 0;
}

void do_zero_range(struct worker *worker, struct file *file)
{
	struct range range = choose_range(worker, file);
	int mode = FALLOC_FL_ZERO_RANGE | choose_keep_size(worker, file);

	if (!allocate(worker, file, mode, range))
		return;
	model_zero(file, range);
	grow_model(file, mode, range);
}

void do_allocate(struct worker *worker, struct file *file)
{
	struct range range = choose_range(worker, file);
	int mode = choose_keep_size(worker, file);

	if (allocate(worker, file, mode, range))
		grow_model(file, mode, range);
}

/* One of the worker's files whose bytes it knows: its own, or its stripes of a shared one. */
static struct file *choose_source(struct worker *worker)
{
	return &worker->files[random_below(worker, worker->file_count)];
}

void do_copy(struct worker *worker, struct file *file)
{
	struct file *source = one_in(worker, 3) ? file : choose_source(worker);
	struct range to = choose_range(worker, file);
	struct range from = choose_range(worker, source);
	size_t length = to.length < from.length ? to.length : from.length;
	size_t distance =
		from.offset > to.offset ? from.offset - to.offset : to.offset - from.offset;

	if (source == file && distance < length) /* they may not overlap */
		length = distance;
	if (length == 0)
		return;
	int in = file_fd_to_read(worker, source);
	int out = file_fd(worker, file, VIEW_READ_WRITE);
	off64_t in_offset = (off64_t)from.offset, out_offset = (off64_t)to.offset;
	size_t there = within_size(source, (struct range){from.offset, length}).length;

	file_before_write(worker, file, (struct range){to.offset, length});
	note(worker, file, "copy from file %ld at %zu: %zu at %zu", source - worker->files,
		from.offset, length, to.offset);
	memcpy(worker->bytes, source->model + from.offset, there);
	ssize_t count = copy_file_range(in, &in_offset, out, &out_offset, length, 0);
	if (count == -1 && errno == ENOSPC) {
		wrote(worker, file, to.offset, there, count);
		return;
	}
	outcome(worker, count);
	if (count < 0 || (size_t)count > there || (count == 0) != (there == 0))
		fail(worker, "of %zu bytes there are %zu", length, there);
	if (in_offset != (off64_t)from.offset + count || out_offset != (off64_t)to.offset + count)
		fail(worker, "the offsets are %lld and %lld", (long long)in_offset,
			(long long)out_offset);
	/* It may always end early, but where space is scarce perhaps for the lack of it. */
	if (count > 0)
		wrote(worker, file, to.offset, worker->options->scarce ? there : (size_t)count,
			count);
}

static void expect_zeros(struct worker *worker, const struct file *file, size_t from, size_t to)
{
	for (size_t at = from; at < to; at++) {
		if (file->model[at] != 0)
			fail(worker, "at %zu is %02x, in what is said to be a hole", at,
				file->model[at]);
	}
}

void do_seek(struct worker *worker, struct file *file)
{
	int fd = file_fd_to_read(worker, file);
	size_t from = choose_any_range(worker, file).offset;

	file_sync_mapping(worker, file, fd);
	note(worker, file, "SEEK_DATA from %zu", from);
	int64_t data = outcome(worker, lseek(fd, (off_t)from, SEEK_DATA));
	if (data == -ENXIO) {
		expect_zeros(worker, file, from, file->size);
	} else {
		if (data < (int64_t)from || data >= (int64_t)file->size)
			fail(worker, "outside of the file");
		expect_zeros(worker, file, from, (size_t)data);
	}

	note(worker, file, "SEEK_HOLE from %zu", from);
	int64_t hole = outcome(worker, lseek(fd, (off_t)from, SEEK_HOLE));
	if (from >= file->size) {
		if (hole != -ENXIO)
			fail(worker, "from behind the end of the file");
		return;
	}
	if (hole < (int64_t)from || hole > (int64_t)file->size)
		fail(worker, "outside of the file");
	if (data >= 0 && hole < data && hole != (int64_t)from)
		fail(worker, "no data before %lld, but a hole begins", (long long)data);
	if (hole == (int64_t)file->size)
		return;
	note(worker, file, "SEEK_DATA from a hole at %lld", (long long)hole);
	data = outcome(worker, lseek(fd, (off_t)hole, SEEK_DATA));
	if (data < 0 && data != -ENXIO)
		fail(worker, "SEEK_DATA");
	if (data == hole)
		fail(worker, "a hole and data at the same place");
	expect_zeros(worker, file, (size_t)hole, data < 0 ? file->size : (size_t)data);
}

void do_sync(struct worker *worker, struct file *file)
{
	int fd = file_fd_to_read(worker, file);

	note(worker, file, "fsync or fdatasync");
	must_succeed(worker, one_in(worker, 2) ? fsync(fd) : fdatasync(fd));
	file->unsynced = false;
}

/* Bytes other than zero, which must be somewhere. */
static size_t bytes_in_use(const struct file *file)
{
	size_t count = 0;
	for (size_t at = 0; at < file->size; at++)
		count += file->model[at] != 0;
	return count;
}

void do_stat(struct worker *worker, struct file *file)
{
	struct stat by_fd, by_path;
	int fd = file_fd_to_read(worker, file);

	file_sync_mapping(worker, file, fd);
	note(worker, file, "stat");
	must_succeed(worker, fstat(fd, &by_fd));
	must_succeed(worker, stat(file->path, &by_path));
	if (by_fd.st_ino != by_path.st_ino)
		fail(worker, "the path leads to another file");
	if ((size_t)by_fd.st_size != file->size || (size_t)by_path.st_size != file->size)
		fail(worker, "sizes %lld and %lld", (long long)by_fd.st_size,
			(long long)by_path.st_size);
	if (by_fd.st_nlink != 1u + (file->second_path[0] != '\0'))
		fail(worker, "%u links", (unsigned)by_fd.st_nlink);

	size_t least = bytes_in_use(file), taken = (size_t)by_fd.st_blocks * 512;
	/* Some take whole blocks, and what lies behind the end may have been allocated. */
	size_t most = file->capacity + 2 * 131072;
	if (taken < least || taken > most)
		fail(worker, "%zu bytes are allocated, but must be from %zu to %zu", taken, least,
			most);
}
