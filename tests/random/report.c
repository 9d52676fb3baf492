/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Each file carries its latest operations. When one goes wrong, they are printed with what was
 * expected, and with the command that does them once more; the files stay as they are.
 */
#include "random.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SHOWN_BYTES 16u

static _Thread_local struct worker *this_worker;
/* Taken by the first to fail and never given back: one report is enough. */
static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;

void note(struct worker *worker, struct file *file, const char *format, ...)
{
	struct record *record = &file->recent[file->recorded++ % RECENT_COUNT];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(record->text, sizeof(record->text), format, arguments);
	va_end(arguments);
	record->number = worker->operation;
	record->result = 0;
	worker->current = record;
	worker->current_file = file;
	if (worker->options->log)
		fprintf(worker->options->log, "%u:%llu file %ld: %s\n", worker->number,
			(unsigned long long)worker->operation, file - worker->files, record->text);
}

int64_t outcome(struct worker *worker, int64_t result)
{
	worker->current->result = result < 0 ? -errno : result;
	return worker->current->result;
}

void must_succeed(struct worker *worker, int64_t result)
{
	if (outcome(worker, result) != 0)
		fail(worker, "it must succeed");
}

bool had_space(struct worker *worker, int64_t result)
{
	int64_t got = outcome(worker, result);
	if (got != -ENOSPC || !worker->options->scarce)
		return true;
	worker->no_space++;
	return false;
}

static void print_recent(const struct file *file)
{
	uint64_t first = file->recorded > RECENT_COUNT ? file->recorded - RECENT_COUNT : 0;
	fprintf(stderr, "the latest that was done with this file (operation: what: result):\n");
	for (uint64_t i = first; i < file->recorded; i++) {
		const struct record *record = &file->recent[i % RECENT_COUNT];
		fprintf(stderr, "%10llu: %s: %lld%s%s\n", (unsigned long long)record->number,
			record->text, (long long)record->result, record->result < 0 ? " " : "",
			record->result < 0 ? strerrorname_np((int)-record->result) : "");
	}
}

/* What all reports begin with. */
static void report_head(const struct worker *worker)
{
	const struct file *file = worker->current_file;
	pthread_mutex_lock(&report_lock);
	fflush(stdout);
	fprintf(stderr, "FAILED: operation %llu of worker %u on %s (%zu bytes): %s\n",
		(unsigned long long)worker->operation, worker->number, file->path, file->size,
		worker->current->text);
	struct statvfs space;
	if (statvfs(worker->options->directory, &space) == 0)
		fprintf(stderr, "the filesystem has %llu KiB free\n",
			(unsigned long long)(space.f_bavail * space.f_frsize) >> 10);
	if (worker->current->result < 0)
		fprintf(stderr, "it ended with %s\n", strerror((int)-worker->current->result));
}

static _Noreturn void report_tail(const struct worker *worker)
{
	const struct options *options = worker->options;
	print_recent(worker->current_file);
	fprintf(stderr,
		"the same operations again: %s DIR --seed %llu --threads %u --files %u --size %zu "
		"--ops %llu%s%s\n",
		options->program, (unsigned long long)options->seed, options->threads,
		options->files, options->size, (unsigned long long)worker->operation,
		options->scarce ? " --scarce" : "", options->cached ? " --cached" : "");
	if (options->log)
		fflush(options->log);
	_exit(1);
}

void fail(struct worker *worker, const char *format, ...)
{
	va_list arguments;
	report_head(worker);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	report_tail(worker);
}

static void print_bytes(const char *name, const uint8_t *bytes, size_t count)
{
	fprintf(stderr, "%s", name);
	for (size_t i = 0; i < count && i < SHOWN_BYTES; i++)
		fprintf(stderr, " %02x", bytes[i]);
	fputc('\n', stderr);
}

/* Is it the file that is wrong, or only what was read? */
static void print_second_opinion(const struct worker *worker, const struct file *file,
	size_t offset, const uint8_t *expected, const uint8_t *actual, size_t length)
{
	uint8_t bytes[SHOWN_BYTES];
	size_t count = length < SHOWN_BYTES ? length : SHOWN_BYTES;
	ssize_t result = pread(file->fds[VIEW_READ_WRITE], bytes, count, (off_t)offset);
	if (result != (ssize_t)count)
		return;
	const char *verdict = "yet other bytes";
	if (memcmp(bytes, expected, count) == 0)
		verdict = "what was expected";
	else if (memcmp(bytes, actual, count) == 0)
		verdict = "the same wrong bytes";
	fprintf(stderr, "read again, there are %s\n", verdict);
	(void)worker;
}

void fail_bytes(struct worker *worker, struct file *file, size_t offset, const uint8_t *actual,
	size_t length)
{
	const uint8_t *expected = file->model + offset;
	size_t first = 0, last = 0, wrong = 0, zero = 0;
	while (expected[first] == actual[first])
		first++;
	for (size_t i = first; i < length; i++) {
		if (expected[i] == actual[i])
			continue;
		last = i;
		wrong++;
		zero += actual[i] == 0;
	}
	report_head(worker);
	fprintf(stderr,
		"%zu bytes are wrong, at %zu to %zu (line %zu, page %zu and block %zu); %zu "
		"of them are zero\n",
		wrong, offset + first, offset + last, (offset + first) / 128,
		(offset + first) / UNIT, (offset + first) / 131072, zero);
	print_bytes("expected", expected + first, length - first);
	print_bytes("actual  ", actual + first, length - first);
	print_second_opinion(
		worker, file, offset + first, expected + first, actual + first, length - first);
	report_tail(worker);
}

/* No function that is not safe in a signal's handler would be, at any other time; here the signal
 * comes from an access to a mapping, and never while a lock of libc is held. */
static void bus_error(int number)
{
	(void)number;
	fail(this_worker, "SIGBUS: the kernel could not bring or make the page");
}

void report_bus_errors(struct worker *worker)
{
	this_worker = worker;
	struct sigaction action = {.sa_handler = bus_error};
	sigaction(SIGBUS, &action, NULL);
}

void report_progress(const struct worker *workers, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		fprintf(stderr, "worker %u is at operation %llu: %s on %s\n", i,
			(unsigned long long)workers[i].operation, workers[i].current->text,
			workers[i].current_file->path);
}
