/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_TESTS_RANDOM_RANDOM_H
#define VRAMFS_TESTS_RANDOM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * The random-operations tester: workers, one a thread, do random operations on files of a mounted
 * directory and hold every byte that they read to a model in memory. See main.c for the whole.
 */

struct options {
	const char *program, *directory;
	uint64_t seed;
	unsigned threads;
	unsigned seconds;    /* 0: until OPERATIONS are done */
	uint64_t operations; /* a thread; 0: until SECONDS are over */
	unsigned files;      /* that a thread has for itself */
	size_t size;         /* the most that a file may have */
	bool scarce;         /* the filesystem may be full at any time */
	bool cached;         /* by the kernel, over FUSE: see file_before_write(), do_send_out() */
	uint64_t corrupt_at; /* the operation at which worker 0 damages a file of its own; 0: never
			      */
	FILE *log;
};

/* Who may do what with a file. Values are bits, so that sets can be made of them. */
enum sharing {
	SHARING_NONE = 1,    /* one worker has it for itself: anything goes */
	SHARING_WRITTEN = 2, /* all workers read and write it, each has its own stripes */
	SHARING_MAPPED = 4,  /* the same, but whoever writes does it through a mapping */
};

/* How a file is open; each is opened and closed at its own times. */
enum view {
	VIEW_READ_WRITE,
	VIEW_READ_ONLY,
	VIEW_DIRECT, /* O_RDWR | O_DIRECT */
	VIEW_COUNT,
};

#define PATH_BYTES 1024
#define RECENT_COUNT 48
#define RECORD_BYTES 120

struct record {
	uint64_t number;
	char text[RECORD_BYTES];
	int64_t result; /* what the call returned, or -errno */
};

/* A worker's own sight of a file; of a shared file each worker has another. */
struct file {
	enum sharing sharing;
	char path[PATH_BYTES];
	char second_path[PATH_BYTES]; /* another link to it; "": none */
	unsigned generation;          /* makes its next name a new one */
	int fds[VIEW_COUNT];          /* -1: closed */
	uint8_t *mapping;             /* shared, of CAPACITY bytes; NULL: none */
	bool unsynced;                /* written through the mapping since it was last synced */

	/* CAPACITY bytes, zero from SIZE on. All workers have the same one of a shared file. */
	uint8_t *model;
	size_t size, capacity;
	/* Of a shared file each worker has every THREADS-th stripe of so many bytes; 0: no stripes,
	 * the worker has it whole. */
	size_t stripe;

	struct record recent[RECENT_COUNT];
	uint64_t recorded;
};

struct appender;

struct worker {
	const struct options *options;
	unsigned number;
	uint64_t random;    /* the generator's state */
	uint64_t operation; /* the number of the current one */
	struct file *files; /* its own, then the shared ones */
	unsigned own_count, file_count;
	/* Room for the greatest file and a unit more, aligned for direct I/O. */
	uint8_t *bytes;
	int memory; /* a memfd, to send from and to */
	struct record *current;
	struct file *current_file;
	struct appender *appender;
	uint64_t no_space; /* how often there was none */
	uint64_t resent;   /* how often sendfile had to be called again */
	uint64_t moved;    /* bytes written and read */
};

/* What offsets of direct I/O are a multiple of, and the ends of what SEEK_DATA finds. */
#define UNIT 4096u
/* What a read must not touch is filled with this. */
#define SENTINEL 0xee

/* file.c: the generator, descriptors, the model. */

uint64_t random_next(uint64_t *state);
uint64_t random_below(struct worker *worker, uint64_t bound); /* 0..BOUND-1 */
bool one_in(struct worker *worker, unsigned count);

struct range {
	size_t offset, length;
};
/* Bytes that the worker may write, within the capacity and never none; often at or near the borders
 * of lines, pages and blocks. */
struct range choose_range(struct worker *worker, const struct file *file);
/* The same, for reading: may hold what other workers write. */
struct range choose_any_range(struct worker *worker, const struct file *file);
/* The whole units in RANGE; maybe none. */
struct range whole_units(struct range range);
/* What of RANGE lies in the file; maybe nothing. */
struct range within_size(const struct file *file, struct range range);

/* Make it under its path, which must be free. */
void file_create(struct worker *worker, struct file *file);
/* A path that no file has, in one of the directories. */
void file_new_path(struct worker *worker, struct file *file, char *path);
/* A descriptor for this way of access, opened if it was closed; -1: there is no direct I/O here. */
int file_fd(struct worker *worker, struct file *file, enum view view);
/* Any descriptor that byte ranges of any alignment can be read from. */
int file_fd_to_read(struct worker *worker, struct file *file);
void file_close(struct worker *worker, struct file *file, enum view view);
/* Close and unmap all. */
void file_leave(struct worker *worker, struct file *file);
/* Its shared mapping, made if there was none. */
uint8_t *file_map(struct worker *worker, struct file *file);
void file_unmap(struct worker *worker, struct file *file);

/* Let the filesystem know what was written through the mapping. */
void file_sync_mapping(struct worker *worker, struct file *file, int fd);
/* The same, before a write to RANGE that makes the file longer, if the kernel caches it: Linux 6.17
 * and later can lose bytes where a write makes a cached file longer while its last page, written
 * through a mapping, is on its way to the filesystem. */
void file_before_write(struct worker *worker, struct file *file, struct range range);

/* Fill the beginning of the worker's buffer with what is worth writing. */
void make_bytes(struct worker *worker, size_t length);
/* Move the beginning of the worker's buffer into the model, as a write to OFFSET does. */
void model_write(struct worker *worker, struct file *file, size_t offset, size_t length);
void model_zero(struct file *file, struct range range);
void model_resize(struct file *file, size_t size);
/* Hold BYTES that were read from OFFSET to the model; of shared files, those that are the worker's.
 */
void compare(struct worker *worker, struct file *file, size_t offset, const uint8_t *bytes,
	size_t length);
/* Read everything from FD and compare; the size as well. */
void compare_all(struct worker *worker, struct file *file, int fd);

/* report.c: what was done, and the end of a run that found something wrong. */

/* Note what is about to be done with the file. */
void note(struct worker *worker, struct file *file, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* ... and what came of it: RESULT as a system call returns it. Returns it, or -errno. */
int64_t outcome(struct worker *worker, int64_t result);
/* The same, for a call that must return 0. */
void must_succeed(struct worker *worker, int64_t result);
/* The same, for one that wants space: true if it got it, false if there was none and may be none.
 */
bool had_space(struct worker *worker, int64_t result);
/* The current operation went wrong: print what led to it and end the process. */
_Noreturn void fail(struct worker *worker, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* ... with bytes other than the model's; ACTUAL are those at OFFSET. */
_Noreturn void fail_bytes(struct worker *worker, struct file *file, size_t offset,
	const uint8_t *actual, size_t length);
/* Report accesses to mappings that the kernel answers with SIGBUS as what this thread's worker did.
 */
void report_bus_errors(struct worker *worker);
/* Print the numbers of all workers' operations in progress: for a run that hangs. */
void report_progress(const struct worker *workers, unsigned count);

/* An operation does something to the file, and to the model the same. */
typedef void operation_function(struct worker *worker, struct file *file);

/* read-write.c */
operation_function do_read, do_write, do_append, do_read_direct, do_write_direct, do_send_out,
	do_send_in, do_check_all;
/* For what gets its bytes otherwise: of LENGTH bytes, those at the beginning of the worker's
 * buffer, RESULT have been written to OFFSET. */
void wrote(struct worker *worker, struct file *file, size_t offset, size_t length, int64_t result);

/* mapping.c */
operation_function do_read_mapping, do_write_mapping, do_private_mapping, do_unmap;

/* space.c */
operation_function do_truncate, do_punch, do_zero_range, do_allocate, do_copy, do_seek, do_sync,
	do_stat;

/* names.c */
operation_function do_reopen, do_rename, do_exchange, do_replace, do_link, do_recreate, do_list;

/* append.c: a file to which all workers append whole records, and do nothing else. */

struct appender {
	const char *path;
	int fd; /* open for appending */
	unsigned worker;
	uint32_t records;
	size_t bytes, limit; /* appended so far, and at most */
};
void append_record(struct worker *worker, struct appender *appender);
/* All records are there, whole, each worker's in their order. Returns false, and says why, if not.
 */
bool check_appended(const struct appender *appenders, unsigned count);

#endif
