/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * O_APPEND from many writers: every record must arrive whole, none over or inside another, and
 * those of one worker in their order. Where they lie is for the kernel to say, so this file has no
 * model; it is read once, at the end.
 */
#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_MAX 9000u

/* Followed by bytes that the generator makes of these. */
struct head {
	uint32_t worker;
	uint32_t number; /* of the worker's records, from 0 */
	uint32_t length; /* with this head */
};

static void fill_record(uint8_t *record, const struct head *head)
{
	uint64_t state = (uint64_t)head->worker << 32 | head->number;
	memcpy(record, head, sizeof(*head));
	for (size_t i = sizeof(*head); i < head->length; i++)
		record[i] = (uint8_t)random_next(&state);
}

void append_record(struct worker *worker, struct appender *appender)
{
	struct head head = {
		.worker = appender->worker,
		.number = appender->records,
		.length = (uint32_t)(sizeof(head) + random_below(worker, RECORD_MAX)),
	};
	/* Most records are small. */
	if (!one_in(worker, 4))
		head.length = (uint32_t)(sizeof(head) + head.length % 200);
	if (appender->bytes + head.length > appender->limit)
		return;
	fill_record(worker->bytes, &head);
	ssize_t count = write(appender->fd, worker->bytes, head.length);
	if (count != (ssize_t)head.length)
		fail(worker, "and then appending %u bytes to %s returned %zd, %s", head.length,
			appender->path, count, strerror(errno));
	appender->records++;
	appender->bytes += head.length;
}

static bool check_record(
	const uint8_t *bytes, size_t rest, struct head *head, uint32_t *next, unsigned count)
{
	uint8_t expected[sizeof(*head) + RECORD_MAX];
	if (rest < sizeof(*head))
		return false;
	memcpy(head, bytes, sizeof(*head));
	if (head->worker >= count || head->number != next[head->worker] ||
		head->length < sizeof(*head) || head->length > sizeof(expected) ||
		head->length > rest)
		return false;
	next[head->worker]++;
	fill_record(expected, head);
	return memcmp(bytes, expected, head->length) == 0;
}

static bool check_records(
	const uint8_t *bytes, size_t size, const struct appender *appenders, unsigned count)
{
	uint32_t next[count];
	struct head head = {};
	memset(next, 0, sizeof(next));
	for (size_t at = 0; at < size; at += head.length) {
		if (!check_record(bytes + at, size - at, &head, next, count)) {
			fprintf(stderr, "FAILED: no whole record in its turn at %zu of %s\n", at,
				appenders->path);
			return false;
		}
	}
	for (unsigned i = 0; i < count; i++) {
		if (next[i] != appenders[i].records) {
			fprintf(stderr, "FAILED: %s has %u of the %u records of worker %u\n",
				appenders->path, next[i], appenders[i].records, i);
			return false;
		}
	}
	return true;
}

bool check_appended(const struct appender *appenders, unsigned count)
{
	size_t size = 0, done = 0;
	struct stat stat;
	ssize_t part;
	for (unsigned i = 0; i < count; i++)
		size += appenders[i].bytes;

	int fd = open(appenders->path, O_RDONLY);
	if (fd < 0 || fstat(fd, &stat) < 0 || (size_t)stat.st_size != size) {
		fprintf(stderr, "FAILED: %s has not the %zu bytes that were appended\n",
			appenders->path, size);
		return false;
	}
	uint8_t *bytes = malloc(size + 1);
	while (bytes && done < size && (part = read(fd, bytes + done, size - done)) > 0)
		done += (size_t)part;
	close(fd);
	bool right = done == size && check_records(bytes, size, appenders, count);
	if (done != size)
		fprintf(stderr, "FAILED: %s can't be read\n", appenders->path);
	free(bytes);
	return right;
}
