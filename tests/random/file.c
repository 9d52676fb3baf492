/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A file and its model: plain memory that undergoes what the file undergoes. The model is zero
 * behind the file's size, so that a file that grows needs nothing done.
 *
 * Workers of a shared file write no byte of each other, but share lines, pages and units of
 * allocation: the stripes are as long as no border of these is far from one of theirs.
 */
#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* splitmix64: Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, 2014 */
uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t random_below(struct worker *worker, uint64_t bound)
{
	return random_next(&worker->random) % bound;
}

bool one_in(struct worker *worker, unsigned count)
{
	return random_below(worker, count) == 0;
}

/* 0..BOUND-1; every second time at, right before or right behind a border of something. */
static size_t choose_place(struct worker *worker, size_t bound)
{
	static const unsigned units[] = {120, 128, 4096, 122880, 131072};
	size_t place = random_below(worker, bound);
	if (one_in(worker, 2)) {
		size_t unit = units[random_below(worker, 5)];
		place = place / unit * unit + random_below(worker, 3) - 1;
	}
	return place < bound ? place : 0;
}

static size_t choose_length(struct worker *worker, size_t most)
{
	size_t length = 1 + choose_place(worker, most);
	switch (random_below(worker, 4)) {
	case 0:
		return 1 + length % 300;
	case 1:
	case 2:
		return 1 + length % 20000;
	default:
		return length;
	}
}

static struct range choose_within(struct worker *worker, size_t first, size_t end)
{
	size_t offset = first + choose_place(worker, end - first);
	size_t length = choose_length(worker, end - offset);
	return (struct range){offset, length < end - offset ? length : end - offset};
}

struct range choose_any_range(struct worker *worker, const struct file *file)
{
	return choose_within(worker, 0, file->capacity);
}

struct range choose_range(struct worker *worker, const struct file *file)
{
	if (file->stripe == 0)
		return choose_any_range(worker, file);
	size_t turn = file->stripe * worker->options->threads;
	size_t turns = file->capacity / turn;
	size_t first = random_below(worker, turns) * turn + worker->number * file->stripe;
	if (one_in(worker, 3)) /* up to its borders, where the neighbours are */
		return (struct range){first, file->stripe};
	return choose_within(worker, first, first + file->stripe);
}

struct range whole_units(struct range range)
{
	size_t first = (range.offset + UNIT - 1) / UNIT * UNIT;
	size_t end = (range.offset + range.length) / UNIT * UNIT;
	return (struct range){first, end > first ? end - first : 0};
}

struct range within_size(const struct file *file, struct range range)
{
	size_t rest = range.offset < file->size ? file->size - range.offset : 0;
	return (struct range){range.offset, range.length < rest ? range.length : rest};
}

void file_new_path(struct worker *worker, struct file *file, char *path)
{
	long index = file - worker->files;
	snprintf(path, PATH_BYTES, "%s/%c/worker-%u-file-%ld-%u", worker->options->directory,
		one_in(worker, 2) ? 'a' : 'b', worker->number, index, file->generation++);
}

void file_create(struct worker *worker, struct file *file)
{
	note(worker, file, "create %s", file->path);
	int fd = open(file->path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (outcome(worker, fd) < 0)
		fail(worker, "a new file can't be made");
	file->fds[VIEW_READ_WRITE] = fd;
	model_resize(file, 0);
	file->unsynced = false;
}

int file_fd(struct worker *worker, struct file *file, enum view view)
{
	static const int flags[] = {O_RDWR, O_RDONLY, O_RDWR | O_DIRECT};
	static const char *const names[] = {"read-write", "read-only", "direct"};
	if (file->fds[view] >= 0)
		return file->fds[view];
	note(worker, file, "open %s", names[view]);
	int fd = open(file->path, flags[view]);
	if (outcome(worker, fd) < 0) {
		if (view == VIEW_DIRECT && errno == EINVAL)
			return -1;
		fail(worker, "open %s", file->path);
	}
	return file->fds[view] = fd;
}

int file_fd_to_read(struct worker *worker, struct file *file)
{
	return file_fd(worker, file, one_in(worker, 2) ? VIEW_READ_ONLY : VIEW_READ_WRITE);
}

void file_close(struct worker *worker, struct file *file, enum view view)
{
	if (file->fds[view] < 0)
		return;
	note(worker, file, "close descriptor %d", view);
	must_succeed(worker, close(file->fds[view]));
	file->fds[view] = -1;
}

void file_leave(struct worker *worker, struct file *file)
{
	file_unmap(worker, file);
	for (enum view view = 0; view < VIEW_COUNT; view++)
		file_close(worker, file, view);
}

uint8_t *file_map(struct worker *worker, struct file *file)
{
	if (file->mapping)
		return file->mapping;
	int fd = file_fd(worker, file, VIEW_READ_WRITE);
	note(worker, file, "map");
	void *mapping = mmap(NULL, file->capacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must_succeed(worker, mapping == MAP_FAILED ? -1 : 0);
	return file->mapping = mapping;
}

void file_unmap(struct worker *worker, struct file *file)
{
	if (!file->mapping)
		return;
	note(worker, file, "unmap");
	must_succeed(worker, munmap(file->mapping, file->capacity));
	file->mapping = NULL;
}

void file_sync_mapping(struct worker *worker, struct file *file, int fd)
{
	if (!file->unsynced)
		return;
	note(worker, file, "fsync");
	must_succeed(worker, fsync(fd));
	file->unsynced = false;
}

void file_before_write(struct worker *worker, struct file *file, struct range range)
{
	if (worker->options->cached && range.offset + range.length > file->size)
		file_sync_mapping(worker, file, file_fd(worker, file, VIEW_READ_WRITE));
}

void make_bytes(struct worker *worker, size_t length)
{
	uint64_t state = random_next(&worker->random);
	for (size_t i = 0; i < length; i += sizeof(state)) {
		uint64_t word = random_next(&state);
		memcpy(worker->bytes + i, &word, sizeof(word));
	}
	/* Zeros are what a filesystem may treat otherwise, so let there be some: none, a part, all.
	 */
	switch (random_below(worker, 12)) {
	case 0:
		memset(worker->bytes, 0, length);
		break;
	case 1:
		memset(worker->bytes, 0, random_below(worker, length));
		break;
	case 2: {
		size_t from = random_below(worker, length);
		memset(worker->bytes + from, 0, length - from);
		break;
	}
	}
}

void model_write(struct worker *worker, struct file *file, size_t offset, size_t length)
{
	memcpy(file->model + offset, worker->bytes, length);
	if (length > 0 && offset + length > file->size)
		file->size = offset + length;
	worker->moved += length;
}

void model_zero(struct file *file, struct range range)
{
	memset(file->model + range.offset, 0, range.length);
}

void model_resize(struct file *file, size_t size)
{
	if (size < file->size)
		memset(file->model + size, 0, file->size - size);
	file->size = size;
}

/* Where, from OFFSET on, the worker's own bytes begin; and where they end again. */
static size_t own_from(const struct worker *worker, const struct file *file, size_t offset)
{
	size_t turn = file->stripe * worker->options->threads;
	size_t first = offset / turn * turn + worker->number * file->stripe;
	if (offset < first)
		return first;
	return offset < first + file->stripe ? offset : first + turn;
}

void compare(struct worker *worker, struct file *file, size_t offset, const uint8_t *bytes,
	size_t length)
{
	size_t end = offset + length, at = offset;
	worker->moved += length;
	while (at < end) {
		size_t to = end;
		if (file->stripe > 0) {
			at = own_from(worker, file, at);
			to = at + file->stripe - at % file->stripe;
		}
		if (at >= end)
			return;
		to = to < end ? to : end;
		if (memcmp(file->model + at, bytes + (at - offset), to - at) != 0)
			fail_bytes(worker, file, at, bytes + (at - offset), to - at);
		at = to;
	}
}

void compare_all(struct worker *worker, struct file *file, int fd)
{
	struct stat stat;
	note(worker, file, "read and compare all of %zu bytes", file->size);
	must_succeed(worker, fstat(fd, &stat));
	if ((size_t)stat.st_size != file->size)
		fail(worker, "the size is %lld", (long long)stat.st_size);
	size_t done = 0;
	while (done < file->size) {
		ssize_t count = pread(fd, worker->bytes + done, file->size - done, (off_t)done);
		if (outcome(worker, count) <= 0)
			fail(worker, "reading at %zu", done);
		done += (size_t)count;
	}
	compare(worker, file, 0, worker->bytes, file->size);
}
