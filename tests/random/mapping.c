/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Access through mappings. A file's shared mapping stays over other operations, which must see what
 * was written through it and be seen by it.
 */
#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Behind the end of the file, the rest of its last page is zero. */
static void check_rest_of_page(struct worker *worker, struct file *file, const uint8_t *mapping)
{
	for (size_t at = file->size; at % UNIT != 0 && at < file->capacity; at++) {
		if (mapping[at] != 0)
			fail(worker, "behind the end of the file, at %zu, the mapping has %02x", at,
				mapping[at]);
	}
}

void do_read_mapping(struct worker *worker, struct file *file)
{
	struct range range = within_size(file, choose_any_range(worker, file));
	const uint8_t *mapping = file_map(worker, file);

	note(worker, file, "read the mapping: %zu at %zu", range.length, range.offset);
	/* Others write what is not ours while it is compared, so take it first. */
	memcpy(worker->bytes, mapping + range.offset, range.length);
	compare(worker, file, range.offset, worker->bytes, range.length);
	if (range.length > 0 && range.offset + range.length == file->size)
		check_rest_of_page(worker, file, mapping);
}

/* A page that the kernel writes back later and finds no space for is lost, on any filesystem that
 * learns of it only then. Who needs to be sure allocates before. */
static bool have_space_for(struct worker *worker, struct file *file, struct range range)
{
	if (!worker->options->scarce)
		return true;
	note(worker, file, "allocate for a mapping: %zu at %zu", range.length, range.offset);
	int result = fallocate(file_fd(worker, file, VIEW_READ_WRITE), FALLOC_FL_KEEP_SIZE,
		(off_t)range.offset, (off_t)range.length);
	if (!had_space(worker, result))
		return false;
	if (result < 0)
		fail(worker, "fallocate");
	return true;
}

void do_write_mapping(struct worker *worker, struct file *file)
{
	struct range range = within_size(file, choose_range(worker, file));

	if (range.length == 0 || !have_space_for(worker, file, range))
		return;
	uint8_t *mapping = file_map(worker, file);
	make_bytes(worker, range.length);
	note(worker, file, "write the mapping: %zu at %zu", range.length, range.offset);
	memcpy(mapping + range.offset, worker->bytes, range.length);
	model_write(worker, file, range.offset, range.length);
	file->unsynced = true;

	size_t page = range.offset / UNIT * UNIT;
	if (one_in(worker, 3)) {
		note(worker, file, "msync %zu at %zu", range.length, page);
		must_succeed(worker, msync(mapping + page, range.offset + range.length - page,
					     one_in(worker, 2) ? MS_SYNC : MS_ASYNC));
	}
	if (one_in(worker, 4))
		file_unmap(worker, file);
}

void do_private_mapping(struct worker *worker, struct file *file)
{
	struct range range = within_size(file, choose_any_range(worker, file));
	int fd = file_fd_to_read(worker, file);

	if (range.length == 0)
		return;
	size_t page = range.offset / UNIT * UNIT;
	size_t length = range.offset + range.length - page;
	note(worker, file, "private mapping: %zu at %zu", range.length, range.offset);
	uint8_t *mapping = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)page);
	must_succeed(worker, mapping == MAP_FAILED ? -1 : 0);
	memcpy(worker->bytes, mapping + (range.offset - page), range.length);
	compare(worker, file, range.offset, worker->bytes, range.length);

	/* What is written into it stays in it. */
	memset(mapping + (range.offset - page), SENTINEL, range.length);
	note(worker, file, "pread %zu at %zu beside a private mapping that was written",
		range.length, range.offset);
	ssize_t count = pread(fd, worker->bytes, range.length, (off_t)range.offset);
	if (outcome(worker, count) != (int64_t)range.length)
		fail(worker, "it must return %zu", range.length);
	compare(worker, file, range.offset, worker->bytes, range.length);
	must_succeed(worker, munmap(mapping, length));
}

void do_unmap(struct worker *worker, struct file *file)
{
	file_unmap(worker, file);
}
