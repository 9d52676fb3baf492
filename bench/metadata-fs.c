/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * What metadata costs below FUSE: the functions of fs/fs.h called directly, by 1, 2, 4 ... threads.
 * Each thread works on names of its own, in a directory of its own or in one that all share, or all
 * ask for one and the same inode. Prints millions of operations a second of all threads together;
 * where nothing but the number of processors limits them, they grow with the threads.
 *
 *	metadata-fs [FILES [THREADS]]	FILES: of each thread (100000); THREADS: at most (the
 *processors)
 */
#include "device/device.h"
#include "fs/fs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MOST 256u
#define REPETITIONS 5u

struct name {
	char bytes[24];
	size_t length;
};

struct file {
	struct name old, new;
	uint64_t ino; /* with a reference */
};

struct worker {
	pthread_t thread;
	pthread_barrier_t *start;
	void (*operate)(struct worker *worker);
	struct fs *fs;
	unsigned file_count;
	uint64_t directory;
	struct file *files;
	double begin, end;
	uint64_t operations;
};

static struct fs_name given(const struct name *name)
{
	return (struct fs_name){name->bytes, name->length};
}

static void must(int err)
{
	if (err) {
		fprintf(stderr, "metadata-fs: %s\n", strerror(-err));
		exit(1);
	}
}

static const struct fs_owner root = {};

static void create(struct worker *worker)
{
	for (unsigned i = 0; i < worker->file_count; i++) {
		struct file *file = &worker->files[i];
		struct fs_attr attr;

		must(fs_make(worker->fs, worker->directory, given(&file->old), S_IFREG | 0644, 0,
			&root, &attr));
		file->ino = attr.ino;
	}
}

static void look_up(struct worker *worker)
{
	struct fs_attr attr;

	for (unsigned i = 0; i < worker->file_count; i++)
		must(fs_lookup(worker->fs, worker->directory, given(&worker->files[i].old), &attr));
}

/* Fast, so there must be more of it. */
#define ATTRIBUTE_PASSES 10u

static void get_attr(struct worker *worker)
{
	struct fs_attr attr;

	for (unsigned pass = 0; pass < ATTRIBUTE_PASSES; pass++)
		for (unsigned i = 0; i < worker->file_count; i++)
			must(fs_get_attr(worker->fs, worker->files[i].ino, &attr));
	worker->operations *= ATTRIBUTE_PASSES;
}

static void get_attr_of_root(struct worker *worker)
{
	struct fs_attr attr;

	for (unsigned i = 0; i < worker->file_count * ATTRIBUTE_PASSES; i++)
		must(fs_get_attr(worker->fs, FS_ROOT, &attr));
	worker->operations *= ATTRIBUTE_PASSES;
}

/* As the kernel does when it drops a name from its cache. */
static void forget(struct worker *worker)
{
	for (unsigned i = 0; i < worker->file_count; i++)
		fs_forget(worker->fs, worker->files[i].ino, 1);
}

static void rename_files(struct worker *worker)
{
	for (unsigned i = 0; i < worker->file_count; i++)
		must(fs_rename(worker->fs, worker->directory, given(&worker->files[i].old),
			worker->directory, given(&worker->files[i].new), 0, NULL));
}

static void unlink_files(struct worker *worker)
{
	for (unsigned i = 0; i < worker->file_count; i++)
		must(fs_unlink(worker->fs, worker->directory, given(&worker->files[i].new)));
}

/* As much as a READDIR's reply of 32 KiB holds. */
#define LISTED_AT_ONCE 512u

struct listing {
	unsigned count;
	uint64_t cookie, inodes[LISTED_AT_ONCE];
	char names[LISTED_AT_ONCE][32];
};

static bool take_entry(void *user, const struct fs_dirent *entry)
{
	struct listing *listing = user;

	if (listing->count == LISTED_AT_ONCE)
		return false;
	listing->inodes[listing->count] = entry->attr ? entry->attr->ino : 0;
	memcpy(listing->names[listing->count], entry->name.bytes, entry->name.length);
	listing->count++;
	listing->cookie = entry->cookie;
	return true;
}

static void list(struct worker *worker, bool want_attr)
{
	struct listing listing = {};

	worker->operations = 0;
	do {
		listing.count = 0;
		must(fs_read_directory(worker->fs, worker->directory, listing.cookie,
			want_attr ? FS_LIST_ATTR : 0, take_entry, &listing));
		worker->operations += listing.count;
		for (unsigned i = 0; i < listing.count; i++)
			if (listing.inodes[i])
				fs_forget(worker->fs, listing.inodes[i], 1);
	} while (listing.count > 0);
}

static void list_plain(struct worker *worker)
{
	list(worker, false);
}

static void list_with_attributes(struct worker *worker)
{
	list(worker, true);
}

static const struct {
	const char *name;
	void (*operate)(struct worker *worker);
} tests[] = {
	{"create", create},
	{"look-up", look_up},
	{"forget", forget},
	{"get attributes", get_attr},
	{"get attributes of the root", get_attr_of_root},
	{"list, entries", list_plain},
	{"list with attributes, forget", list_with_attributes},
	{"rename", rename_files},
	{"unlink", unlink_files},
	{"forget and free", forget},
};
#define TESTS (sizeof(tests) / sizeof(tests[0]))

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	pthread_barrier_wait(worker->start);
	worker->begin = now();
	worker->operations = worker->file_count;
	worker->operate(worker);
	worker->end = now();
	return NULL;
}

/* Operations a second of all together. */
static double measure(
	void (*operate)(struct worker *worker), struct worker *workers, unsigned threads)
{
	pthread_barrier_t start;
	double begin = 0, end = 0;
	uint64_t operations = 0;

	pthread_barrier_init(&start, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		workers[i].start = &start;
		workers[i].operate = operate;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			abort();
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		operations += workers[i].operations;
		begin = i == 0 || workers[i].begin < begin ? workers[i].begin : begin;
		end = i == 0 || workers[i].end > end ? workers[i].end : end;
	}
	pthread_barrier_destroy(&start);
	return (double)operations / (end - begin);
}

static uint64_t make_directory(struct fs *fs, unsigned number)
{
	char text[32];
	struct fs_name name = {text, (size_t)snprintf(text, sizeof(text), "directory-%u", number)};
	struct fs_attr attr;

	must(fs_make(fs, FS_ROOT, name, S_IFDIR | 0755, 0, &root, &attr));
	return attr.ino;
}

static struct name name_of(const char *kind, unsigned worker, unsigned number)
{
	struct name name;

	name.length =
		(size_t)snprintf(name.bytes, sizeof(name.bytes), "%s-%u-%u", kind, worker, number);
	return name;
}

static struct file *name_files(unsigned worker, unsigned count)
{
	struct file *files = calloc(count, sizeof(*files));

	if (!files)
		must(-ENOMEM);
	for (unsigned i = 0; i < count; i++) {
		files[i].old = name_of("file", worker, i);
		files[i].new = name_of("new", worker, i);
	}
	return files;
}

/* The best of some repetitions of every test. */
static void run(struct fs *fs, unsigned files, unsigned threads, bool shared, double *ret_rates)
{
	static unsigned directories;
	struct worker workers[THREADS_MOST] = {};

	for (unsigned i = 0; i < threads; i++) {
		workers[i] = (struct worker){.fs = fs, .file_count = files};
		workers[i].directory =
			shared && i ? workers[0].directory : make_directory(fs, directories++);
		workers[i].files = name_files(i, files);
	}
	for (unsigned repetition = 0; repetition < REPETITIONS; repetition++) {
		for (unsigned test = 0; test < TESTS; test++) {
			double rate = measure(tests[test].operate, workers, threads);

			ret_rates[test] = rate > ret_rates[test] ? rate : ret_rates[test];
		}
	}
	for (unsigned i = 0; i < threads; i++)
		free(workers[i].files);
}

static void measure_all(struct fs *fs, unsigned files, unsigned threads_most)
{
	printf("%-32s", "million operations a second");
	for (size_t test = 0; test < TESTS; test++)
		printf(" %s%s", test ? "| " : "", tests[test].name);
	putchar('\n');
	for (int shared = 0; shared < 2; shared++) {
		for (unsigned threads = shared ? 2 : 1; threads <= threads_most; threads *= 2) {
			double rates[TESTS] = {};

			run(fs, files, threads, shared, rates);
			printf("%3u thread%s, %-18s", threads, threads > 1 ? "s" : " ",
				shared ? "one directory" : "own directories");
			for (size_t test = 0; test < TESTS; test++)
				printf("%s%*.2f", test ? "  " : " ", (int)strlen(tests[test].name),
					rates[test] * 1e-6);
			putchar('\n');
			fflush(stdout);
		}
	}
}

int main(int argc, char **argv)
{
	const struct store_options store_options = {
		.size = {.kind = SIZE_BYTES, .bytes = 64 * MIB},
		.code = RS_136,
	};
	const struct fs_options options = {.root_mode = 0755, .max_inodes = UINT64_MAX};
	long files = argc > 1 ? atol(argv[1]) : 100000;
	long threads = argc > 2 ? atol(argv[2]) : sysconf(_SC_NPROCESSORS_ONLN);
	struct device *device;
	struct store *store;
	struct fs *fs;
	struct why why = {""};

	if (argc > 3 || files < 1 || files > 10000000 || threads < 1 || threads > THREADS_MOST) {
		fprintf(stderr, "usage: metadata-fs [FILES [THREADS]]\n");
		return 2;
	}
	if (device_open("host", &device, &why) ||
		store_open(device, &store_options, &store, &why)) {
		fprintf(stderr, "metadata-fs: %s\n", why.text);
		return 1;
	}
	must(fs_open(store, &options, &fs));
	measure_all(fs, (unsigned)files, (unsigned)threads);
	fs_close(fs);
	store_close(store);
	device_close(device);
	return 0;
}
