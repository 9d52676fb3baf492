/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The kernel's page cache over a mounted filesystem: nobody can tell that it is there, however a
 * file is opened, and by however many. In each cache mode.
 */
#include "mounted.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE ((size_t)4096)

/* Every way to have a file open. */
struct views {
	int read_only, read_write, write_only, direct;
	uint8_t *map;
	size_t map_bytes;
};

static int open_way(const char *file, unsigned way)
{
	static const int flags[] = {O_RDONLY, O_RDWR, O_WRONLY, O_RDWR | O_DIRECT};

	return must(open(file, flags[way]));
}

/* Opened in one of 24 orders, since the first to open decides. */
static struct views open_views(const char *file, size_t map_bytes, unsigned order)
{
	int fds[4] = {-1, -1, -1, -1};
	struct views views;

	mounted_settle();
	for (unsigned left = 4; left > 0; order /= left, left--) {
		unsigned skip = order % left, way = 0;

		while (fds[way] >= 0 || skip-- > 0)
			way++;
		fds[way] = open_way(file, way);
	}
	views = (struct views){fds[0], fds[1], fds[2], fds[3],
		mmap(NULL, map_bytes, PROT_READ, MAP_SHARED, fds[0], 0), map_bytes};
	assert_ptr_not_equal(views.map, MAP_FAILED);
	return views;
}

static void close_views(struct views *views)
{
	must(munmap(views->map, views->map_bytes));
	must(close(views->read_only));
	must(close(views->read_write));
	must(close(views->write_only));
	must(close(views->direct));
}

/* Every view shows the SIZE bytes of EXPECTED, and then the file's end. */
static void check_views(const struct views *views, const uint8_t *expected, size_t size)
{
	const int fds[] = {views->read_only, views->read_write, views->direct};
	uint8_t *bytes = malloc(size + 1);

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		assert_int_equal(must(pread(fds[i], bytes, size + 1, 0)), size);
		assert_memory_equal(bytes, expected, size);
	}
	assert_memory_equal(views->map, expected, size);
	free(bytes);
}

#define VIEW_BYTES (6 * PAGE)

static void every_change_shows_in_every_view_at_once(void **state)
{
	uint8_t *expected = malloc(VIEW_BYTES), word[] = "changed";

	(void)state;
	make_file("from", VIEW_BYTES, 7);
	for (unsigned order = 0; order < 24; order++) {
		loff_t at = 5000;
		struct views views;
		int from;

		make_file("viewed", VIEW_BYTES, order);
		fill_pattern(expected, VIEW_BYTES, 0, order);
		views = open_views("viewed", VIEW_BYTES, order);
		check_views(&views, expected, VIEW_BYTES);

		const int writers[] = {views.read_write, views.write_only, views.direct};
		for (size_t i = 0; i < 3; i++) {
			size_t place = 4090 + i * 6000;

			word[0] = (uint8_t)('0' + i);
			assert_int_equal(must(pwrite(writers[i], word, sizeof(word), (off_t)place)),
				sizeof(word));
			memcpy(expected + place, word, sizeof(word));
			check_views(&views, expected, VIEW_BYTES);
		}
		must(fallocate(
			views.write_only, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 8000));
		memset(expected + 100, 0, 8000);
		check_views(&views, expected, VIEW_BYTES);
		must(fallocate(views.read_write, FALLOC_FL_ZERO_RANGE, 16000, 999));
		memset(expected + 16000, 0, 999);
		check_views(&views, expected, VIEW_BYTES);
		from = must(open("from", O_RDONLY));
		assert_int_equal(
			must(copy_file_range(from, NULL, views.write_only, &at, 9000, 0)), 9000);
		must(close(from));
		fill_pattern(expected + 5000, 9000, 0, 7);
		check_views(&views, expected, VIEW_BYTES);
		must(ftruncate(views.write_only, 6001));
		check_views(&views, expected, 6001);
		must(ftruncate(views.read_write, VIEW_BYTES));
		memset(expected + 6001, 0, VIEW_BYTES - 6001);
		check_views(&views, expected, VIEW_BYTES);
		close_opened(open("viewed", O_WRONLY | O_TRUNC));
		check_views(&views, expected, 0);
		must(ftruncate(views.direct, VIEW_BYTES));
		memset(expected, 0, VIEW_BYTES);
		check_views(&views, expected, VIEW_BYTES);
		close_views(&views);
		must(unlink("viewed"));
	}
	must(unlink("from"));
	free(expected);
}

static void a_private_mapping_shows_what_was_written_before_it(void **state)
{
	uint8_t *map, byte = 'n';

	(void)state;
	for (unsigned order = 0; order < 24; order++) {
		struct views views;

		make_file("private", VIEW_BYTES, order);
		views = open_views("private", VIEW_BYTES, order);
		assert_int_equal(views.map[PAGE], views.map[PAGE]);
		assert_int_equal(must(pwrite(views.write_only, &byte, 1, PAGE)), 1);
		map = mmap(
			NULL, VIEW_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, views.read_only, 0);
		assert_ptr_not_equal(map, MAP_FAILED);
		assert_int_equal(map[PAGE], byte);
		map[PAGE] = 'p';
		assert_int_equal(must(pwrite(views.direct, "d", 1, PAGE)), 1);
		assert_int_equal(map[PAGE], 'p');
		assert_int_equal(views.map[PAGE], 'd');
		must(munmap(map, VIEW_BYTES));
		close_views(&views);
		must(unlink("private"));
	}
}

/* Another process, which ends when stop() is called. */
static pid_t start(void (*work)(const struct views *), const struct views *views)
{
	pid_t child = must(fork());

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			work(views);
	}
	return child;
}

static void stop(pid_t child)
{
	int status;

	must(kill(child, SIGKILL));
	must(waitpid(child, &status, 0));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void read_all_ways(const struct views *views)
{
	uint32_t word;

	if (*(volatile uint32_t *)(views->map + PAGE) == UINT32_MAX ||
		pread(views->read_only, &word, sizeof(word), PAGE) != sizeof(word) ||
		pread(views->direct, &word, sizeof(word), PAGE) != sizeof(word))
		_exit(1);
}

/* Nor does it if the kernel fetches the page that is written, for another process, meanwhile. */
static void a_write_shows_at_once_though_others_read_all_the_time(void **state)
{
	static uint32_t words[PAGE / 2];
	const size_t bytes = sizeof(words);

	(void)state;
	for (unsigned order = 0; order < 24; order++) {
		struct views views;
		pid_t reader;

		make_file("raced", 2 * PAGE, 1);
		views = open_views("raced", 2 * PAGE, order);
		reader = start(read_all_ways, &views);
		for (uint32_t i = 0; i < 100; i++) {
			uint32_t seen[2];
			int writer = i % 2 ? views.write_only : views.read_write;

			for (size_t n = 0; n < bytes / sizeof(words[0]); n++)
				words[n] = i;
			assert_int_equal(must(pwrite(writer, words, bytes, 0)), bytes);
			assert_int_equal(must(pread(views.read_only, &seen[0], 4, PAGE)), 4);
			assert_int_equal(must(pread(views.direct, &seen[1], 4, PAGE)), 4);
			assert_int_equal(seen[0], i);
			assert_int_equal(seen[1], i);
			assert_int_equal(*(volatile uint32_t *)(views.map + PAGE), i);
		}
		stop(reader);
		close_views(&views);
		must(unlink("raced"));
	}
}

static void change_through_a_mapping(const struct views *views)
{
	volatile uint32_t *map = mmap(
		NULL, views->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, views->read_write, 0);

	if (map == MAP_FAILED)
		_exit(1);
	for (uint32_t i = 1;; i++) {
		map[0] = i;
		usleep(1);
		if (map[0] != i)
			_exit(2);
	}
}

/* ... one through a mapping. Without a cache that is more than the kernel can do. */
static void changes_of_one_page_from_two_sides_are_both_kept(void **state)
{
	struct views views = {.map_bytes = PAGE};
	pid_t mapper;

	(void)state;
	if (mounted_cache() == FUSE_CACHE_NONE)
		skip();
	make_file("shared", PAGE, 1);
	mounted_settle();
	views.read_write = must(open("shared", O_RDWR));
	views.write_only = must(open("shared", O_WRONLY));
	mapper = start(change_through_a_mapping, &views);
	for (uint32_t i = 0; i < 2000; i++) {
		uint32_t seen;

		assert_int_equal(must(pwrite(i % 2 ? views.write_only : views.read_write, &i,
					 sizeof(i), 2000)),
			sizeof(i));
		usleep(5);
		assert_int_equal(
			must(pread(views.read_write, &seen, sizeof(seen), 2000)), sizeof(seen));
		assert_int_equal(seen, i);
	}
	stop(mapper);
	must(close(views.read_write));
	must(close(views.write_only));
	must(unlink("shared"));
}

static void send_whole(const struct views *views)
{
	int null = open("/dev/null", O_WRONLY);
	off_t at = 0;

	while (sendfile(null, views->read_only, &at, MIB) > 0)
		;
	close(null);
}

/* sendfile(2) reads through the page cache even where read(2) doesn't. */
static void what_is_sent_is_what_was_written(void **state)
{
	int out = must(memfd_create("sent", 0));

	(void)state;
	for (unsigned order = 0; order < 24; order++) {
		struct views views;
		pid_t sender;

		make_file("source", 2 * PAGE, 1);
		views = open_views("source", 2 * PAGE, order);
		sender = start(send_whole, &views);
		for (uint32_t i = 0; i < 50; i++) {
			off_t at = PAGE;
			uint32_t seen;

			assert_int_equal(must(pwrite(views.write_only, &i, 4, PAGE)), 4);
			must(lseek(out, 0, SEEK_SET));
			assert_int_equal(must(sendfile(out, views.read_only, &at, 4)), 4);
			assert_int_equal(must(pread(out, &seen, 4, 0)), 4);
			assert_int_equal(seen, i);
		}
		stop(sender);
		close_views(&views);
		must(unlink("source"));
	}
	must(close(out));
}

/* One record of WHO and how often it has written. */
struct record {
	uint32_t who, number;
};

static void append(const char *file, uint32_t who, uint32_t count, int flags)
{
	int fd = open(file, O_APPEND | flags);

	for (uint32_t i = 0; i < count; i++) {
		struct record record = {who, i};

		if (write(fd, &record, sizeof(record)) != sizeof(record))
			_exit(1);
	}
	_exit(0);
}

enum { APPENDERS = 4, APPENDS = 200 };

/* Read on, up to whatever the end is, until all records have come; the appenders that have ended
 * meanwhile are counted off in *RUNNING. */
static void read_records(int reader, int *running)
{
	uint32_t next[APPENDERS] = {};
	struct record record;
	int status;

	for (size_t seen = 0; seen < APPENDERS * APPENDS;) {
		ssize_t got = must(read(reader, &record, sizeof(record)));

		if (got == 0) {
			/* When all have ended there is no more to come. */
			assert_true(*running > 0);
			if (waitpid(-1, &status, WNOHANG) > 0) {
				assert_int_equal(status, 0);
				--*running;
			}
			continue;
		}
		assert_int_equal(got, sizeof(record));
		assert_true(record.who < APPENDERS);
		assert_int_equal(record.number, next[record.who]);
		next[record.who]++;
		seen++;
	}
}

/* All append at once, the third with THIRD_FLAGS; a reader comes behind, or afterwards. */
static void append_and_read(int third_flags, bool meanwhile)
{
	const int flags[APPENDERS] = {O_WRONLY, O_RDWR, third_flags, O_RDWR};
	int reader, status, running = APPENDERS;

	make_file("log", 0, 1);
	mounted_settle();
	reader = must(open("log", O_RDONLY));
	for (uint32_t who = 0; who < APPENDERS; who++)
		if (must(fork()) == 0)
			append("log", who, APPENDS, flags[who]);
	if (meanwhile)
		read_records(reader, &running);
	for (; running > 0; running--) {
		must(wait(&status));
		assert_int_equal(status, 0);
	}
	if (!meanwhile)
		read_records(reader, &running);
	assert_int_equal(stat_of("log").st_size, APPENDERS * APPENDS * sizeof(struct record));
	must(close(reader));
	must(unlink("log"));
}

/* Linux makes a file longer after an O_DIRECT write, and only then drops the pages that it has of
 * it: who reads the last page through the cache in between sees zeros behind the old end. */
static void appended_records_are_all_there_and_in_order(void **state)
{
	(void)state;
	append_and_read(O_WRONLY, true);
	append_and_read(O_WRONLY | O_DIRECT, false);
}

#define MODEL_BYTES (40 * PAGE)
#define OPEN_FILES 5

struct model {
	uint8_t bytes[MODEL_BYTES];
	size_t size;
	int fds[OPEN_FILES];
	unsigned ways[OPEN_FILES]; /* as for open_way() */
	uint8_t *map;              /* shared, writable; NULL while nothing is mapped */
};

static bool can_write(unsigned way)
{
	return way != 0;
}

static bool can_read(unsigned way)
{
	return way != 2;
}

static void model_reopen(struct model *model, unsigned which)
{
	if (model->fds[which] >= 0)
		must(close(model->fds[which]));
	model->ways[which] = (unsigned)rand() % 4;
	model->fds[which] = open_way("model", model->ways[which]);
}

static void model_change(struct model *model, unsigned which, size_t at, size_t length)
{
	uint8_t bytes[MODEL_BYTES];
	int fd = model->fds[which];

	switch (rand() % 8) {
	case 0:
		must(ftruncate(fd, (off_t)at));
		if (at < model->size)
			memset(model->bytes + at, 0, MODEL_BYTES - at);
		model->size = at;
		break;
	case 1:
		must(fallocate(
			fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)length));
		memset(model->bytes + at, 0, length);
		break;
	default:
		fill_pattern(bytes, length, at, (unsigned)rand());
		assert_int_equal(must(pwrite(fd, bytes, length, (off_t)at)), length);
		memcpy(model->bytes + at, bytes, length);
		if (at + length > model->size)
			model->size = at + length;
	}
}

static void model_change_map(struct model *model, size_t at, size_t length)
{
	int fd;

	if (!model->map) {
		fd = must(open("model", O_RDWR));
		model->map = mmap(NULL, MODEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		assert_ptr_not_equal(model->map, MAP_FAILED);
		must(close(fd));
	} else if (rand() % 8 == 0) {
		must(munmap(model->map, MODEL_BYTES));
		model->map = NULL;
	} else if (at + length <= model->size) {
		memset(model->map + at, rand(), length);
		memcpy(model->bytes + at, model->map + at, length);
	}
}

static void model_check(struct model *model, unsigned which)
{
	uint8_t bytes[MODEL_BYTES];

	assert_int_equal(must(pread(model->fds[which], bytes, MODEL_BYTES, 0)), model->size);
	assert_memory_equal(bytes, model->bytes, model->size);
	if (model->map)
		assert_memory_equal(model->map, model->bytes, model->size);
	assert_int_equal(stat_of("model").st_size, model->size);
}

/* One process, all ways of opening at once and in turn. */
static void random_changes_through_changing_opens_match_a_model(void **state)
{
	struct model *model = calloc(1, sizeof(*model));

	(void)state;
	srand(4711);
	make_file("model", 0, 1);
	for (unsigned i = 0; i < OPEN_FILES; i++)
		model->fds[i] = -1;
	for (unsigned i = 0; i < OPEN_FILES; i++)
		model_reopen(model, i);
	for (unsigned i = 0; i < 3000; i++) {
		unsigned which = (unsigned)rand() % OPEN_FILES;
		size_t at = (size_t)rand() % MODEL_BYTES;
		size_t length = 1 + (size_t)rand() % (MODEL_BYTES - at);

		switch (rand() % 5) {
		case 0:
			model_reopen(model, which);
			break;
		case 1:
			model_change_map(model, at, length);
			break;
		default:
			if (can_write(model->ways[which]))
				model_change(model, which, at, length);
		}
		which = (unsigned)rand() % OPEN_FILES;
		if (can_read(model->ways[which]))
			model_check(model, which);
	}
	for (unsigned i = 0; i < OPEN_FILES; i++)
		must(close(model->fds[i]));
	if (model->map)
		must(munmap(model->map, MODEL_BYTES));
	must(unlink("model"));
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_change_shows_in_every_view_at_once),
		cmocka_unit_test(a_private_mapping_shows_what_was_written_before_it),
		cmocka_unit_test(a_write_shows_at_once_though_others_read_all_the_time),
		cmocka_unit_test(changes_of_one_page_from_two_sides_are_both_kept),
		cmocka_unit_test(what_is_sent_is_what_was_written),
		cmocka_unit_test(appended_records_are_all_there_and_in_order),
		cmocka_unit_test(random_changes_through_changing_opens_match_a_model),
	};

	return mounted_run(tests);
}
