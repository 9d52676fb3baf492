/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * How many names a second: create, mkdir, stat, open, rename, unlink and reading a large directory,
 * by one thread and by many, on several filesystems in turn. bench/metadata.sh mounts them and
 * calls this.
 *
 *	metadata [OPTION...] NAME=DIRECTORY...
 *	  --files N      files of each case and repetition, shared out among its threads (20000)
 *	  --entries N    of the large directory (1000000; 0 leaves those cases out)
 *	  --threads N    how many "many" are (the processors)
 *	  --repeat N     each case runs so often, and the best counts (3)
 *	  --json FILE    write the figures there too
 *
 * DIRECTORY is empty and writable. Each case runs on one filesystem right after the other, so that
 * they meet the same machine. Threads work in directories of their own, or all in one. Names of
 * files that are there begin with "old", names that are still to be made with "new": what
 * bench/empty-server.c knows without keeping any. To forget what the kernel has cached, root is
 * needed; tmpfs keeps all its names in that cache and forgets none.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TARGETS_MOST 8
#define NAME_BYTES 32
#define LARGE_DIRECTORY "dir-large"

struct target {
	char name[32];
	const char *path;
};

static struct {
	unsigned files, entries, threads, repeat;
	const char *json;
	struct target targets[TARGETS_MOST];
	unsigned target_count;
} settings = {.files = 20000, .entries = 1000000, .repeat = 3};

/* The names that one operation works on. */
struct names {
	char created[NAME_BYTES], made[NAME_BYTES], old[NAME_BYTES], renamed[NAME_BYTES];
};

struct worker {
	pthread_t thread;
	const struct test *test;
	pthread_barrier_t *start;
	int directory;
	struct names *names;
	unsigned count;
	double begin, end; /* in seconds */
	unsigned long operations;
};

/* What is measured. */
struct test {
	const char *name;
	void (*operate)(struct worker *worker);
	bool forgets; /* the kernel's cache, first */
};

static void die(const char *what)
{
	fprintf(stderr, "metadata: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void create(struct worker *worker)
{
	for (unsigned i = 0; i < worker->count; i++) {
		int fd = openat(worker->directory, worker->names[i].created,
			O_CREAT | O_EXCL | O_WRONLY, 0644);

		if (fd < 0 || close(fd))
			die("create");
	}
	worker->operations = worker->count;
}

static void make_directories(struct worker *worker)
{
	for (unsigned i = 0; i < worker->count; i++)
		if (mkdirat(worker->directory, worker->names[i].made, 0755))
			die("mkdir");
	worker->operations = worker->count;
}

static void stat_names(struct worker *worker, unsigned passes)
{
	struct stat st;

	for (unsigned pass = 0; pass < passes; pass++)
		for (unsigned i = 0; i < worker->count; i++)
			if (fstatat(worker->directory, worker->names[i].old, &st, 0))
				die("stat");
	worker->operations = (unsigned long)worker->count * passes;
}

static void stat_once(struct worker *worker)
{
	stat_names(worker, 1);
}

/* Fast, so there must be more of it. */
static void stat_again(struct worker *worker)
{
	stat_names(worker, 20);
}

static void open_and_close(struct worker *worker)
{
	for (unsigned i = 0; i < worker->count; i++) {
		int fd = openat(worker->directory, worker->names[i].old, O_RDONLY);

		if (fd < 0 || close(fd))
			die("open");
	}
	worker->operations = worker->count;
}

static void rename_files(struct worker *worker)
{
	for (unsigned i = 0; i < worker->count; i++)
		if (renameat(worker->directory, worker->names[i].old, worker->directory,
			    worker->names[i].renamed))
			die("rename");
	worker->operations = worker->count;
}

static void unlink_files(struct worker *worker)
{
	for (unsigned i = 0; i < worker->count; i++)
		if (unlinkat(worker->directory, worker->names[i].renamed, 0))
			die("unlink");
	worker->operations = worker->count;
}

static void list(struct worker *worker, bool want_stat)
{
	int fd = openat(worker->directory, ".", O_RDONLY | O_DIRECTORY);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (!directory)
		die("opendir");
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		if (want_stat && fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			die(entry->d_name);
		worker->operations++;
	}
	closedir(directory);
	if (worker->operations != settings.entries) {
		fprintf(stderr, "metadata: %lu entries were listed instead of %u\n",
			worker->operations, settings.entries);
		exit(1);
	}
}

static void list_plain(struct worker *worker)
{
	list(worker, false);
}

static void list_with_stat(struct worker *worker)
{
	list(worker, true);
}

/* In this order: renaming takes the old names, unlinking the renamed ones. */
static const struct test file_tests[] = {
	{"create", create, false},
	{"mkdir", make_directories, false},
	{"stat, not cached", stat_once, true},
	{"stat, cached", stat_again, false},
	{"open + close", open_and_close, false},
	{"rename", rename_files, false},
	{"unlink", unlink_files, false},
};
#define FILE_TESTS (sizeof(file_tests) / sizeof(file_tests[0]))

static const struct test list_tests[] = {
	{"readdir, entries", list_plain, true},
	{"readdir + stat, entries", list_with_stat, true},
};
#define LIST_TESTS (sizeof(list_tests) / sizeof(list_tests[0]))

/* Let the kernel drop the names and inodes that nobody uses, and filesystems hear of it. */
static void forget_cached(void)
{
	/* Names used lately survive the first time. */
	for (unsigned i = 0; i < 2; i++) {
		int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

		if (fd < 0 || write(fd, "2", 1) != 1)
			die("/proc/sys/vm/drop_caches");
		close(fd);
	}
	usleep(300000);
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	/* A table of open files for each, as separate programs have. */
	if (unshare(CLONE_FILES))
		die("unshare");
	pthread_barrier_wait(worker->start);
	worker->begin = now();
	worker->test->operate(worker);
	worker->end = now();
	return NULL;
}

/* Operations a second of all threads together. */
static double measure(const struct test *test, struct worker *workers, unsigned threads)
{
	pthread_barrier_t start;
	unsigned long operations = 0;
	double begin = 0, end = 0;

	if (test->forgets)
		forget_cached();
	pthread_barrier_init(&start, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		workers[i].test = test;
		workers[i].start = &start;
		workers[i].operations = 0;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			die("pthread_create");
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		operations += workers[i].operations;
		if (i == 0 || workers[i].begin < begin)
			begin = workers[i].begin;
		if (i == 0 || workers[i].end > end)
			end = workers[i].end;
	}
	pthread_barrier_destroy(&start);
	return (double)operations / (end - begin);
}

static int open_directory(const struct target *target, const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", target->path, name);
	if (mkdir(path, 0755) && errno != EEXIST)
		die(path);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		die(path);
	return fd;
}

/* One line of the table, filled as filesystems and repetitions come by. */
struct row {
	const char *test;
	unsigned threads;
	const char *place;
	double best[TARGETS_MOST];
};
static struct row rows[64];
static unsigned row_count;

static struct row *row_of(const char *test, unsigned threads, const char *place)
{
	for (unsigned i = 0; i < row_count; i++)
		if (!strcmp(rows[i].test, test) && rows[i].threads == threads &&
			!strcmp(rows[i].place, place))
			return &rows[i];
	rows[row_count] = (struct row){.test = test, .threads = threads, .place = place};
	return &rows[row_count++];
}

static void note(struct row *row, unsigned target, double rate)
{
	if (rate > row->best[target])
		row->best[target] = rate;
}

/* Everything below one way of sharing directories out among threads: each has its own, or all work
 * in the same. */
struct crew {
	struct worker *workers;
	unsigned threads;
};

static struct crew crew_new(unsigned target, unsigned threads, bool shared)
{
	struct crew crew = {calloc(threads, sizeof(struct worker)), threads};
	char name[NAME_BYTES];

	if (!crew.workers)
		die("calloc");
	for (unsigned i = 0; i < threads; i++) {
		struct worker *worker = &crew.workers[i];

		snprintf(name, sizeof(name), "dir-%u-%u-%d", threads, shared ? 0 : i, shared);
		worker->directory = open_directory(&settings.targets[target], name);
		worker->count = settings.files / threads;
		worker->names = calloc(worker->count, sizeof(struct names));
		if (!worker->names)
			die("calloc");
	}
	return crew;
}

static void crew_free(struct crew *crew)
{
	for (unsigned i = 0; i < crew->threads; i++) {
		close(crew->workers[i].directory);
		free(crew->workers[i].names);
	}
	free(crew->workers);
}

/* Names of their own for every thread and repetition, and the files whose names are old. */
static void prepare(struct crew *crew, unsigned repetition)
{
	for (unsigned i = 0; i < crew->threads; i++) {
		struct worker *worker = &crew->workers[i];

		for (unsigned j = 0; j < worker->count; j++) {
			struct names *names = &worker->names[j];
			unsigned number = (repetition * crew->threads + i) * worker->count + j;
			int fd;

			snprintf(names->created, NAME_BYTES, "new-file-%07u", number);
			snprintf(names->made, NAME_BYTES, "new-directory-%07u", number);
			snprintf(names->old, NAME_BYTES, "old-%07u", number);
			snprintf(names->renamed, NAME_BYTES, "new-name-%07u", number);
			fd = openat(worker->directory, names->old, O_CREAT | O_WRONLY, 0644);
			if (fd < 0 || close(fd))
				die("prepare");
		}
	}
}

static void run_file_tests(unsigned threads, bool shared)
{
	const char *place = threads == 1 ? "" : shared ? "one directory" : "own directories";
	struct crew crews[TARGETS_MOST];

	for (unsigned target = 0; target < settings.target_count; target++)
		crews[target] = crew_new(target, threads, shared);
	for (unsigned repetition = 0; repetition < settings.repeat; repetition++) {
		for (unsigned target = 0; target < settings.target_count; target++)
			prepare(&crews[target], repetition);
		for (unsigned test = 0; test < FILE_TESTS; test++) {
			struct row *row = row_of(file_tests[test].name, threads, place);

			for (unsigned target = 0; target < settings.target_count; target++)
				note(row, target,
					measure(&file_tests[test], crews[target].workers, threads));
		}
	}
	for (unsigned target = 0; target < settings.target_count; target++)
		crew_free(&crews[target]);
}

/* Fill the large directory, unless the name that would be made last is there: then all are. */
static void fill_directory(unsigned target)
{
	struct row *row = row_of("mknod until all are there", 1, "large directory");
	int directory = open_directory(&settings.targets[target], LARGE_DIRECTORY);
	char name[NAME_BYTES];
	double begin = now();

	snprintf(name, sizeof(name), "old-%07u", settings.entries - 1);
	if (faccessat(directory, name, F_OK, 0)) {
		for (unsigned i = 0; i < settings.entries; i++) {
			snprintf(name, sizeof(name), "old-%07u", i);
			if (mknodat(directory, name, S_IFREG | 0644, 0))
				die(name);
		}
		note(row, target, settings.entries / (now() - begin));
	}
	close(directory);
}

/* Each thread reads the whole directory. */
static void run_list_tests(unsigned threads)
{
	struct worker *workers = calloc(threads, sizeof(struct worker));

	if (!workers)
		die("calloc");
	for (unsigned test = 0; test < LIST_TESTS; test++) {
		struct row *row = row_of(list_tests[test].name, threads, "large directory");

		for (unsigned target = 0; target < settings.target_count; target++) {
			int directory = open_directory(&settings.targets[target], LARGE_DIRECTORY);

			for (unsigned i = 0; i < threads; i++)
				workers[i].directory = directory;
			note(row, target, measure(&list_tests[test], workers, threads));
			close(directory);
		}
	}
	free(workers);
}

static void print_table(void)
{
	printf("| operations a second | threads |");
	for (unsigned target = 0; target < settings.target_count; target++)
		printf(" %s |", settings.targets[target].name);
	for (unsigned target = 1; target < settings.target_count; target++)
		printf(" %s / %s |", settings.targets[0].name, settings.targets[target].name);
	printf("\n|---|---|");
	for (unsigned i = 0; i < 2 * settings.target_count - 1; i++)
		printf("---|");
	putchar('\n');
	for (unsigned i = 0; i < row_count; i++) {
		const struct row *row = &rows[i];

		printf("| %s | %u%s%s |", row->test, row->threads, *row->place ? ", " : "",
			row->place);
		for (unsigned target = 0; target < settings.target_count; target++) {
			if (row->best[target] > 0)
				printf(" %.1f k |", row->best[target] / 1000);
			else
				printf(" – |");
		}
		for (unsigned target = 1; target < settings.target_count; target++) {
			if (row->best[target] > 0)
				printf(" %.2f |", row->best[0] / row->best[target]);
			else
				printf(" – |");
		}
		putchar('\n');
	}
}

static void write_json(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		die(path);
	fprintf(file, "[");
	for (unsigned i = 0; i < row_count; i++) {
		const struct row *row = &rows[i];

		fprintf(file, "%s\n  {\"case\": \"%s\", \"threads\": %u, \"place\": \"%s\"",
			i ? "," : "", row->test, row->threads, row->place);
		for (unsigned target = 0; target < settings.target_count; target++)
			if (row->best[target] > 0)
				fprintf(file, ", \"%s\": %.0f", settings.targets[target].name,
					row->best[target]);
		fprintf(file, "}");
	}
	fprintf(file, "\n]\n");
	if (fclose(file))
		die(path);
}

static void usage(void)
{
	fprintf(stderr, "usage: metadata [--files N] [--entries N] [--threads N] [--repeat N] "
			"[--json FILE] NAME=DIRECTORY...\n");
	exit(2);
}

static unsigned parse_number(const char *text, unsigned least)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end || number < least || number > 10000000)
		usage();
	return (unsigned)number;
}

static void add_target(char *text)
{
	char *separator = strchr(text, '=');
	struct target *target = &settings.targets[settings.target_count];

	if (!separator || settings.target_count == TARGETS_MOST)
		usage();
	snprintf(target->name, sizeof(target->name), "%.*s", (int)(separator - text), text);
	target->path = separator + 1;
	settings.target_count++;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{"files", required_argument, NULL, 'f'},
		{"entries", required_argument, NULL, 'e'},
		{"threads", required_argument, NULL, 't'},
		{"repeat", required_argument, NULL, 'r'},
		{"json", required_argument, NULL, 'j'},
		{},
	};
	int option;

	settings.threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'f':
			settings.files = parse_number(optarg, 1);
			break;
		case 'e':
			settings.entries = parse_number(optarg, 0);
			break;
		case 't':
			settings.threads = parse_number(optarg, 1);
			break;
		case 'r':
			settings.repeat = parse_number(optarg, 1);
			break;
		case 'j':
			settings.json = optarg;
			break;
		default:
			usage();
		}
	}
	while (optind < argc)
		add_target(argv[optind++]);
	if (settings.target_count == 0 || settings.files < settings.threads)
		usage();
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	run_file_tests(1, false);
	if (settings.threads > 1) {
		run_file_tests(settings.threads, false);
		run_file_tests(settings.threads, true);
	}
	if (settings.entries > 0) {
		for (unsigned target = 0; target < settings.target_count; target++)
			fill_directory(target);
		for (unsigned repetition = 0; repetition < settings.repeat; repetition++) {
			run_list_tests(1);
			if (settings.threads > 1)
				run_list_tests(settings.threads);
		}
	}
	print_table();
	if (settings.json)
		write_json(settings.json);
	return 0;
}
