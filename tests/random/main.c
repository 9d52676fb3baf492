/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Random operations on the files of a directory, checked against a model in memory, in the manner
 *of fsx:
 *
 *	random-operations DIRECTORY --seed S --threads 8 --seconds N
 *
 * Each thread has files of its own, with which it does all that one can do with a file, and knows
 *at any time what must be in them. Beside these there are files that all threads share: two that
 *are read and written, and one that is mapped, cut into stripes that belong to the threads in turn,
 *so that neighbours meet in every line, page and block; and one to which they append.
 *
 * What a thread does depends on the seed and on what it did before, not on time or on other
 * threads, unless it was told to expect that there is no space (--scarce). So a failure can be had
 * again, as far as it is not the work of several threads at once.
 *
 * At the end everything is read again, and once more after all has been closed. Then the files are
 * removed. When something is wrong they stay as they are. A file system other than the one under
 * test, tmpfs say, must pass too: it tests the tester.
 */
#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* An operation that takes longer hangs. */
#define PATIENCE_SECONDS 120

struct operation {
	operation_function *run;
	unsigned sharing; /* which files it is for */
	unsigned weight;  /* how often it comes */
	/* Removes a file. Whoever finds no space soon after may have to wait for that file's, so it
	 * comes seldom where space is scarce. */
	bool removes;
};

#define ALL (SHARING_NONE | SHARING_WRITTEN | SHARING_MAPPED)

static const struct operation operations[] = {
	{do_read, ALL, 24, false},
	{do_write, SHARING_NONE | SHARING_WRITTEN, 30, false},
	{do_append, SHARING_NONE, 8, false},
	{do_read_direct, SHARING_NONE | SHARING_WRITTEN, 6, false},
	{do_write_direct, SHARING_NONE | SHARING_WRITTEN, 6, false},
	{do_send_out, ALL, 4, false},
	{do_send_in, SHARING_NONE | SHARING_WRITTEN, 4, false},
	{do_check_all, ALL, 10, false},
	{do_read_mapping, SHARING_NONE | SHARING_MAPPED, 16, false},
	{do_write_mapping, SHARING_NONE | SHARING_MAPPED, 20, false},
	{do_private_mapping, SHARING_NONE | SHARING_MAPPED, 4, false},
	{do_unmap, SHARING_NONE | SHARING_MAPPED, 3, false},
	{do_truncate, SHARING_NONE, 6, false},
	{do_punch, SHARING_NONE | SHARING_WRITTEN, 8, false},
	{do_zero_range, SHARING_NONE | SHARING_WRITTEN, 6, false},
	{do_allocate, SHARING_NONE | SHARING_WRITTEN, 4, false},
	{do_copy, SHARING_NONE | SHARING_WRITTEN, 12, false},
	{do_seek, SHARING_NONE, 6, false},
	{do_sync, ALL, 3, false},
	{do_stat, SHARING_NONE, 4, false},
	{do_reopen, ALL, 6, false},
	{do_rename, SHARING_NONE, 2, false},
	{do_exchange, SHARING_NONE, 2, false},
	{do_replace, SHARING_NONE, 2, true},
	{do_link, SHARING_NONE, 3, true},
	{do_recreate, SHARING_NONE, 3, true},
	{do_list, SHARING_NONE, 1, false},
};

/* The shared files. The stripes have no borders in common with lines, pages or blocks. */
static const struct {
	const char *name;
	enum sharing sharing;
	size_t stripe;
} shared_files[] = {
	{"written-narrow", SHARING_WRITTEN, 1000},
	{"written-wide", SHARING_WRITTEN, 21001},
	{"mapped", SHARING_MAPPED, 1000},
};
#define SHARED_COUNT (sizeof(shared_files) / sizeof(shared_files[0]))

static const char appended_name[] = "appended";

static _Atomic bool time_is_up;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "random-operations: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void *must_allocate(size_t bytes)
{
	void *memory = NULL;
	errno = posix_memalign(&memory, UNIT, bytes);
	if (errno != 0)
		give_up("memory");
	memset(memory, 0, bytes);
	return memory;
}

static void do_operation(struct worker *worker, struct file *file)
{
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		sum += operations[i].sharing & file->sharing ? operations[i].weight : 0;
	unsigned chosen = (unsigned)random_below(worker, sum);
	for (size_t i = 0;; i++) {
		if (!(operations[i].sharing & file->sharing))
			continue;
		if (chosen < operations[i].weight) {
			bool seldom = operations[i].removes && worker->options->scarce;
			if (!seldom || one_in(worker, 16))
				operations[i].run(worker, file);
			return;
		}
		chosen -= operations[i].weight;
	}
}

/* Behind the tester's back, change one byte of the worker's first file that has any. */
static bool corrupt(struct worker *worker)
{
	for (unsigned i = 0; i < worker->own_count; i++) {
		struct file *file = &worker->files[i];
		if (file->size == 0)
			continue;
		off_t offset = (off_t)random_below(worker, file->size);
		uint8_t byte = (uint8_t)~file->model[offset];
		int fd = open(file->path, O_WRONLY);
		if (fd < 0 || pwrite(fd, &byte, 1, offset) != 1)
			give_up("--corrupt-at");
		close(fd);
		return true;
	}
	return false;
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	const struct options *options = worker->options;
	bool corrupted = options->corrupt_at == 0 || worker->number != 0;

	report_bus_errors(worker);
	while (!atomic_load(&time_is_up) &&
		(options->operations == 0 || worker->operation < options->operations)) {
		worker->operation++;
		if (!corrupted && worker->operation >= options->corrupt_at)
			corrupted = corrupt(worker);
		/* Every second one is on a file of its own. */
		unsigned from = one_in(worker, 2) ? worker->own_count : worker->file_count;
		do_operation(worker, &worker->files[random_below(worker, from)]);
		if (!options->scarce && one_in(worker, 16))
			append_record(worker, worker->appender);
	}
	return NULL;
}

/* What a file of the table is cut to: as many whole turns of all threads as fit, at least one. */
static size_t shared_size(const struct options *options, size_t stripe)
{
	size_t turn = stripe * options->threads;
	return options->size < turn ? turn : options->size / turn * turn;
}

static void make_shared_file(
	const struct options *options, size_t index, char *path, uint8_t **ret_model)
{
	size_t size = shared_size(options, shared_files[index].stripe);
	snprintf(path, PATH_BYTES, "%s/%s", options->directory, shared_files[index].name);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		give_up(path);
	close(fd);
	*ret_model = must_allocate(size);
}

static void init_file(struct file *file, enum sharing sharing, size_t capacity, size_t stripe)
{
	file->sharing = sharing;
	file->capacity = capacity;
	file->stripe = stripe;
	for (enum view view = 0; view < VIEW_COUNT; view++)
		file->fds[view] = -1;
}

static void init_worker(struct worker *worker, const struct options *options, unsigned number)
{
	size_t most = options->size;
	worker->options = options;
	worker->number = number;
	worker->random = options->seed * 1000003 + number;
	worker->own_count = options->files;
	worker->file_count = options->files + SHARED_COUNT;
	worker->files = must_allocate(worker->file_count * sizeof(*worker->files));
	worker->memory = memfd_create("random-operations", 0);
	if (worker->memory < 0)
		give_up("memfd_create");
	for (size_t i = 0; i < SHARED_COUNT; i++) {
		size_t size = shared_size(options, shared_files[i].stripe);
		most = size > most ? size : most;
	}
	worker->bytes = must_allocate(most + UNIT);

	for (unsigned i = 0; i < worker->own_count; i++) {
		struct file *file = &worker->files[i];
		init_file(file, SHARING_NONE, options->size, 0);
		file->model = must_allocate(options->size);
		file_new_path(worker, file, file->path);
		file_create(worker, file);
	}
}

static void share_file(struct worker *workers, unsigned count, size_t index)
{
	char path[PATH_BYTES];
	uint8_t *model;
	make_shared_file(workers->options, index, path, &model);
	for (unsigned i = 0; i < count; i++) {
		struct file *file = &workers[i].files[workers[i].own_count + index];
		size_t stripe = shared_files[index].stripe;
		init_file(file, shared_files[index].sharing, shared_size(workers->options, stripe),
			stripe);
		strcpy(file->path, path);
		file->size = file->capacity;
		file->model = model;
	}
}

static void make_appenders(struct worker *workers, unsigned count, const char *path)
{
	struct appender *appenders = must_allocate(count * sizeof(*appenders));
	for (unsigned i = 0; i < count; i++) {
		appenders[i] = (struct appender){
			.path = path,
			.fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600),
			.worker = i,
			.limit = workers->options->size / count,
		};
		if (appenders[i].fd < 0)
			give_up(path);
		workers[i].appender = &appenders[i];
	}
}

static void make_directories(const struct options *options)
{
	static const char *const names[] = {"a", "b"};
	char path[PATH_BYTES];
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", options->directory, names[i]);
		if (mkdir(path, 0700) < 0)
			give_up(path);
	}
}

static void remove_all(struct worker *workers, unsigned count, const char *appended)
{
	const char *directory = workers->options->directory;
	char path[PATH_BYTES];
	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < workers[i].own_count; j++) {
			struct file *file = &workers[i].files[j];
			if (unlink(file->path) < 0)
				give_up(file->path);
			if (file->second_path[0] != '\0' && unlink(file->second_path) < 0)
				give_up(file->second_path);
		}
	}
	for (size_t i = 0; i < SHARED_COUNT; i++) {
		if (unlink(workers->files[workers->own_count + i].path) < 0)
			give_up(shared_files[i].name);
	}
	if (unlink(appended) < 0)
		give_up(appended);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%c", directory, "ab"[i]);
		if (rmdir(path) < 0)
			give_up(path);
	}
}

/* All files through the descriptors that are open, and again when nothing had them open. */
static bool check_everything(struct worker *workers, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < workers[i].file_count; j++)
			do_check_all(&workers[i], &workers[i].files[j]);
	}
	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < workers[i].file_count; j++)
			file_leave(&workers[i], &workers[i].files[j]);
		close(workers[i].appender->fd);
	}
	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < workers[i].file_count; j++) {
			struct file *file = &workers[i].files[j];
			int fd = file_fd(&workers[i], file, VIEW_READ_ONLY);
			/* so that it comes from the filesystem, not from the page cache */
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
			compare_all(&workers[i], file, fd);
			file_leave(&workers[i], file);
		}
	}
	return check_appended(workers->appender, count);
}

static void run_workers(struct worker *workers, unsigned count)
{
	const struct options *options = workers->options;
	pthread_t threads[count];
	struct timespec until;

	for (unsigned i = 0; i < count; i++) {
		errno = pthread_create(&threads[i], NULL, work, &workers[i]);
		if (errno != 0)
			give_up("pthread_create");
	}
	if (options->seconds > 0) {
		sleep(options->seconds);
		atomic_store(&time_is_up, true);
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_SECONDS;
	for (unsigned i = 0; i < count; i++) {
		errno = options->seconds == 0 ? pthread_join(threads[i], NULL)
					      : pthread_timedjoin_np(threads[i], NULL, &until);
		if (errno == 0)
			continue;
		fprintf(stderr, "FAILED: an operation has not ended for %d s\n", PATIENCE_SECONDS);
		report_progress(workers, count);
		_exit(1);
	}
}

static void print_usage(FILE *stream)
{
	fputs("usage: random-operations DIRECTORY [--seed S] [--threads N] [--seconds N] [--ops N]\n"
	      "           [--files N] [--size BYTES] [--scarce] [--cached] [--log FILE]\n"
	      "           [--corrupt-at N]\n"
	      "It ends after so many operations of each thread, or seconds; without either, 10 s.\n"
	      "--scarce: expect that there is no space at any time.\n"
	      "--cached: the kernel caches files of a FUSE server; bear with what it is known for.\n"
	      "--corrupt-at: change a byte behind the tester's back at this operation; the run must "
	      "fail.\n",
		stream);
}

static uint64_t number_of(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 0);
	if (errno == 0 && end != text && *end == '\0' && number >= least && number <= most)
		return number;
	fprintf(stderr, "random-operations: '%s' is no number from %llu to %llu\n", text,
		(unsigned long long)least, (unsigned long long)most);
	exit(2);
}

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{"seed", required_argument, NULL, 's'},
		{"threads", required_argument, NULL, 't'},
		{"seconds", required_argument, NULL, 'd'},
		{"ops", required_argument, NULL, 'o'},
		{"files", required_argument, NULL, 'f'},
		{"size", required_argument, NULL, 'z'},
		{"scarce", no_argument, NULL, 'c'},
		{"cached", no_argument, NULL, 'k'},
		{"log", required_argument, NULL, 'l'},
		{"corrupt-at", required_argument, NULL, 'x'},
		{},
	};
	int option;
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 's':
			options->seed = number_of(optarg, 0, UINT64_MAX);
			break;
		case 't':
			options->threads = (unsigned)number_of(optarg, 1, 256);
			break;
		case 'd':
			options->seconds = (unsigned)number_of(optarg, 0, 1000000);
			break;
		case 'o':
			options->operations = number_of(optarg, 1, UINT64_MAX);
			break;
		case 'f':
			options->files = (unsigned)number_of(optarg, 1, 1000);
			break;
		case 'z':
			options->size = number_of(optarg, UNIT, 1u << 30);
			break;
		case 'c':
			options->scarce = true;
			break;
		case 'k':
			options->cached = true;
			break;
		case 'l':
			options->log = fopen(optarg, "w");
			if (!options->log)
				give_up(optarg);
			break;
		case 'x':
			options->corrupt_at = number_of(optarg, 1, UINT64_MAX);
			break;
		default:
			print_usage(stderr);
			exit(2);
		}
	}
	if (optind + 1 != argc) {
		print_usage(stderr);
		exit(2);
	}
	options->directory = argv[optind];
	if (options->operations == 0 && options->seconds == 0)
		options->seconds = 10;
}

int main(int argc, char **argv)
{
	struct options options = {
		.program = argv[0],
		.seed = (uint64_t)time(NULL),
		.threads = 8,
		.files = 3,
		.size = 1 << 20,
	};
	char appended[PATH_BYTES];

	parse(argc, argv, &options);
	printf("seed %llu\n", (unsigned long long)options.seed);
	fflush(stdout);
	make_directories(&options);
	struct worker *workers = must_allocate(options.threads * sizeof(*workers));
	for (unsigned i = 0; i < options.threads; i++)
		init_worker(&workers[i], &options, i);
	for (size_t i = 0; i < SHARED_COUNT; i++)
		share_file(workers, options.threads, i);
	snprintf(appended, sizeof(appended), "%s/%s", options.directory, appended_name);
	make_appenders(workers, options.threads, appended);

	run_workers(workers, options.threads);
	if (!check_everything(workers, options.threads))
		return 1;
	remove_all(workers, options.threads, appended);

	uint64_t done = 0, moved = 0, no_space = 0, resent = 0;
	for (unsigned i = 0; i < options.threads; i++) {
		done += workers[i].operation;
		moved += workers[i].moved;
		no_space += workers[i].no_space;
		resent += workers[i].resent;
	}
	printf("%llu operations, %llu MiB written and compared, no space %llu times, sent again %llu "
	       "times\n",
		(unsigned long long)done, (unsigned long long)moved >> 20,
		(unsigned long long)no_space, (unsigned long long)resent);
	return 0;
}
