/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/* Many threads on one file, one directory and one tree. Meant to be run under ThreadSanitizer too.
 */
#include "fixture.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdio.h>

#define THREADS 6u
#define ROUNDS 150u
#define RECORD 3001u /* no multiple of a line: neighbours share lines */
#define RECORDS 600u

static struct volume volume;
static struct fs *fs;
static uint64_t file;

static int set_up(void **state)
{
	(void)state;
	volume = volume_open(RS_136, 16 * MIB);
	fs = volume.fs;
	file = make_file(fs, FS_ROOT, "file", FORGET);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	volume_close(&volume);
	return 0;
}

static void on_threads(void *(*work)(void *number))
{
	pthread_t threads[THREADS];
	for (uintptr_t i = 0; i < THREADS; i++)
		REQUIRE(!pthread_create(&threads[i], NULL, work, (void *)i));
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Each thread has every sixth record, and must find in it what it last wrote, whatever happens to
 * the neighbours in the same lines and blocks. */
static void *write_own_records(void *number)
{
	struct client client = client_open(&volume);
	uint64_t seed = 1 + (uintptr_t)number;
	uint8_t last[RECORDS] = {0};
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t record =
			random_below(&seed, RECORDS / THREADS) * THREADS + (uintptr_t)number;
		uint8_t byte = (uint8_t)random_next(&seed) | 1;
		ssize_t written = client_fill(&client, file, record * RECORD, RECORD, byte);
		REQUIRE(written == RECORD);
		last[record] = byte;
		record = random_below(&seed, RECORDS / THREADS) * THREADS + (uintptr_t)number;
		uint64_t size = attr_of(fs, file).size;
		if (last[record])
			REQUIRE(size >= (record + 1) * RECORD);
		if (size >= (record + 1) * RECORD)
			REQUIRE(client_count_other(
					&client, file, record * RECORD, RECORD, last[record]) == 0);
	}
	client_close(&client);
	return NULL;
}

static void one_file_many_writers(void **state)
{
	(void)state;
	on_threads(write_own_records);
}

/* No content to expect here but bytes that somebody wrote, or zeros; and an end. */
static void *change_everything(void *number)
{
	struct client client = client_open(&volume);
	uint64_t seed = 1 + (uintptr_t)number;
	const int modes[] = {0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE};
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t offset = random_below(&seed, MIB);
		uint64_t length = 1 + random_below(&seed, 300000);
		ssize_t moved;
		switch (random_below(&seed, 4)) {
		case 0:
			REQUIRE(!truncate_to(fs, file, offset));
			break;
		case 1:
			REQUIRE(!fs_allocate(fs, client.queue, file, modes[random_below(&seed, 3)],
				offset, length));
			break;
		case 2:
			REQUIRE(client_fill(&client, file, offset, length, 0x11) ==
				(ssize_t)length);
			break;
		default:
			moved = client_read(&client, file, offset, length);
			REQUIRE(moved >= 0 && moved <= (ssize_t)length);
			for (ssize_t at = 0; at < moved; at++)
				REQUIRE(client.bytes[at] == 0x11 || client.bytes[at] == 0);
		}
	}
	client_close(&client);
	return NULL;
}

static void one_file_everything_at_once(void **state)
{
	(void)state;
	struct client client = client_open(&volume);
	leave_former_bytes(&volume, &client);
	on_threads(change_everything);
	client_close(&client);
}

/* Files that come, are written, and go, so that blocks change hands while jobs are under way. */
static void *pass_blocks_on(void *number)
{
	struct client client = client_open(&volume);
	uint64_t seed = 1 + (uintptr_t)number;
	char name[16];
	uint8_t byte = (uint8_t)(1 + (uintptr_t)number);
	snprintf(name, sizeof(name), "own-%u", (unsigned)(uintptr_t)number);
	for (unsigned i = 0; i < ROUNDS / 2; i++) {
		size_t length = 1 + random_below(&seed, 600000);
		uint64_t own = make_file(fs, FS_ROOT, name, KEEP);
		REQUIRE(client_fill(&client, own, 1, length, byte) == (ssize_t)length);
		REQUIRE(!truncate_to(fs, own, length + 2));
		REQUIRE(client_count_other(&client, own, 1, length, byte) == 0);
		REQUIRE(client_read(&client, own, length + 1, 1) == 1 && client.bytes[0] == 0);
		REQUIRE(!fs_unlink(fs, FS_ROOT, name_of(name)));
		fs_forget(fs, own, 1);
	}
	client_close(&client);
	return NULL;
}

static void blocks_change_hands(void **state)
{
	(void)state;
	on_threads(pass_blocks_on);
}

/* The same with files that share blocks: they grow by appends in all threads at once, so each has
 * pieces between the others', is gathered, and gives its pieces back; all the while some are cut
 * and have holes. */
static void *pass_fragments_on(void *number)
{
	struct client client = client_open(&volume);
	uint64_t seed = 100 + (uintptr_t)number;
	char name[16];
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint8_t byte = (uint8_t)random_next(&seed) | 1;
		size_t size = 1 + (random_below(&seed, 200000) >> random_below(&seed, 8));
		size_t cut = random_below(&seed, size + 1);
		snprintf(name, sizeof(name), "small-%u-%u", (unsigned)(uintptr_t)number, i % 4);
		if (i >= 4)
			REQUIRE(!fs_unlink(fs, FS_ROOT, name_of(name)));
		uint64_t own = make_file(fs, FS_ROOT, name, KEEP);
		for (size_t at = 0, step; at < size; at += step) {
			step = 1 + random_below(&seed, 15000);
			step = size - at < step ? size - at : step;
			REQUIRE(client_fill(&client, own, at, step, byte) == (ssize_t)step);
		}
		REQUIRE(client_count_other(&client, own, 0, size, byte) == 0);
		REQUIRE(!truncate_to(fs, own, cut));
		REQUIRE(!truncate_to(fs, own, size));
		REQUIRE(client_count_other(&client, own, 0, cut, byte) == 0);
		REQUIRE(client_count_other(&client, own, cut, size - cut, 0) == 0);
		REQUIRE(attr_of(fs, own).blocks_512 == (cut + 4095) / 4096 * 8);
		fs_forget(fs, own, 1);
	}
	client_close(&client);
	return NULL;
}

static void fragments_change_hands(void **state)
{
	(void)state;
	on_threads(pass_fragments_on);
}

/* All of them want more than there is: each gets what is free and no more, and everything is full
 * in the end, whatever was given back meanwhile. */
static void *fill_up(void *number)
{
	struct client client = client_open(&volume);
	uint64_t seed = 200 + (uintptr_t)number;
	char name[16];
	unsigned made = 0;
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		size_t size = 1 + (random_below(&seed, 400000) >> random_below(&seed, 8));
		snprintf(name, sizeof(name), "full-%u-%u", (unsigned)(uintptr_t)number, made);
		uint64_t own = make_file(fs, FS_ROOT, name, FORGET);
		ssize_t written = client_fill(&client, own, 0, size, (uint8_t)made | 1);
		REQUIRE(written == -ENOSPC || (written > 0 && written <= (ssize_t)size));
		if (written > 0)
			REQUIRE(client_count_other(
					&client, own, 0, (size_t)written, (uint8_t)made | 1) == 0);
		if (written < (ssize_t)size)
			REQUIRE(!fs_unlink(fs, FS_ROOT, name_of(name)));
		else
			made++;
	}
	snprintf(name, sizeof(name), "rest-%u", (unsigned)(uintptr_t)number);
	uint64_t rest = make_file(fs, FS_ROOT, name, FORGET);
	for (uint64_t at = 0; client_fill(&client, rest, at, 4096, 1) > 0;)
		at += 4096;
	client_close(&client);
	return NULL;
}

static void everything_can_be_filled(void **state)
{
	(void)state;
	on_threads(fill_up);
	assert_int_equal(free_fragments(&volume), 0);
}

static bool count_entry(void *user, const struct fs_dirent *entry)
{
	(void)entry;
	++*(unsigned *)user;
	return true;
}

static const struct fs_owner owner = {.uid = 0};

static const unsigned rename_flags[] = {
	0, FS_RENAME_NOREPLACE, FS_RENAME_EXCHANGE, FS_RENAME_WHITEOUT};

static void try_make(uint64_t directory, const char *name)
{
	struct fs_attr attr;
	int err = fs_make(fs, directory, name_of(name), S_IFREG | 0600, 0, &owner, &attr);
	REQUIRE(err == 0 || err == -EEXIST || err == -ENOENT);
	if (!err)
		fs_forget(fs, attr.ino, 1);
}

static void *use_one_directory(void *number)
{
	uint64_t seed = 1 + (uintptr_t)number;
	for (unsigned i = 0; i < 10 * ROUNDS; i++) {
		char name[16], other[16];
		unsigned entries = 0;
		snprintf(name, sizeof(name), "n%u", (unsigned)random_below(&seed, 20));
		snprintf(other, sizeof(other), "n%u", (unsigned)random_below(&seed, 20));
		struct fs_attr attr;
		int err = 0;
		switch (random_below(&seed, 6)) {
		case 0:
			try_make(FS_ROOT, name);
			break;
		case 1:
			err = fs_unlink(fs, FS_ROOT, name_of(name));
			break;
		case 2:
			err = fs_rename(fs, FS_ROOT, name_of(name), FS_ROOT, name_of(other),
				rename_flags[random_below(&seed, 4)], &owner);
			if (err == -EEXIST)
				err = 0;
			break;
		case 3:
			err = fs_lookup(fs, FS_ROOT, name_of(name), &attr);
			if (err)
				break;
			err = fs_link(fs, attr.ino, FS_ROOT, name_of(other), &attr);
			fs_forget(fs, attr.ino, err ? 1 : 2);
			err = err == -EEXIST ? 0 : err;
			break;
		case 4:
			find(fs, FS_ROOT, name);
			break;
		default:
			err = fs_read_directory(fs, FS_ROOT, 0, 0, count_entry, &entries);
			REQUIRE(entries <= 2 + 1 + 20);
		}
		REQUIRE(err == 0 || err == -ENOENT);
	}
	return NULL;
}

static void one_directory_many_users(void **state)
{
	(void)state;
	on_threads(use_one_directory);
}

#define DIRECTORIES 12u
static uint64_t directories[DIRECTORIES];

/* Move directories into each other, both ways round, from all threads. Any of the known answers
 * will do; what counts is that it ends, and that there is a tree afterwards. */
static void *move_directories(void *number)
{
	uint64_t seed = 1 + (uintptr_t)number;
	for (unsigned i = 0; i < 20 * ROUNDS; i++) {
		char name[16], other[16];
		uint64_t from = directories[random_below(&seed, DIRECTORIES)];
		uint64_t to = directories[random_below(&seed, DIRECTORIES)];
		snprintf(name, sizeof(name), "d%u", (unsigned)random_below(&seed, 4));
		snprintf(other, sizeof(other), "d%u", (unsigned)random_below(&seed, 4));
		int err = fs_rename(fs, from, name_of(name), to, name_of(other),
			rename_flags[random_below(&seed, 4)], &owner);
		REQUIRE(err == 0 || err == -ENOENT || err == -EINVAL || err == -EEXIST ||
			err == -ENOTEMPTY || err == -ENOTDIR || err == -EISDIR);
		if (random_below(&seed, 8) == 0)
			try_make(from, name);
		if (random_below(&seed, 8) == 0) {
			err = random_below(&seed, 2) ? fs_rmdir(fs, from, name_of(name))
						     : fs_unlink(fs, from, name_of(name));
			REQUIRE(err == 0 || err == -ENOENT || err == -ENOTEMPTY ||
				err == -ENOTDIR || err == -EISDIR);
		}
	}
	return NULL;
}

struct walk {
	uint64_t self, parent;
	unsigned children;
	uint64_t inos[64];
	mode_t types[64];
};

static bool walk_entry(void *user, const struct fs_dirent *entry)
{
	struct walk *walk = user;
	if (entry->cookie == 1)
		walk->self = entry->ino;
	else if (entry->cookie == 2)
		walk->parent = entry->ino;
	else {
		REQUIRE(walk->children < 64);
		walk->inos[walk->children] = entry->ino;
		walk->types[walk->children++] = entry->type;
	}
	return true;
}

/* Everything below DIRECTORY; each directory knows its parent and counts its children. */
static unsigned count_tree(uint64_t directory, uint64_t parent, unsigned depth)
{
	struct walk walk = {.children = 0};
	unsigned total = 1, subdirectories = 0;
	assert_true(depth < 100); /* no loop */
	assert_int_equal(fs_read_directory(fs, directory, 0, 0, walk_entry, &walk), 0);
	assert_int_equal(walk.self, directory);
	assert_int_equal(walk.parent, parent);
	for (unsigned i = 0; i < walk.children; i++) {
		if (S_ISDIR(walk.types[i])) {
			subdirectories++;
			total += count_tree(walk.inos[i], directory, depth + 1);
		} else {
			assert_int_equal(attr_of(fs, walk.inos[i]).nlink, 1);
			total++;
		}
	}
	assert_int_equal(attr_of(fs, directory).nlink, 2 + subdirectories);
	return total;
}

static void directories_move_in_all_directions(void **state)
{
	(void)state;
	directories[0] = FS_ROOT;
	for (unsigned i = 1; i < DIRECTORIES; i++) {
		char name[16];
		snprintf(name, sizeof(name), "d%u", (i - 1) % 4);
		directories[i] = make_directory(fs, directories[(i - 1) / 4], name, KEEP);
	}
	on_threads(move_directories);
	/* removed ones live on with us, until we forget them */
	unsigned removed = 0;
	for (unsigned i = 1; i < DIRECTORIES; i++)
		removed += attr_of(fs, directories[i]).nlink == 0;
	assert_int_equal(count_tree(FS_ROOT, FS_ROOT, 0) + removed, fs_inode_count(fs));
	for (unsigned i = 1; i < DIRECTORIES; i++)
		fs_forget(fs, directories[i], 1);
	assert_int_equal(count_tree(FS_ROOT, FS_ROOT, 0), fs_inode_count(fs));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_file_many_writers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_file_everything_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(blocks_change_hands, set_up, tear_down),
		cmocka_unit_test_setup_teardown(fragments_change_hands, set_up, tear_down),
		cmocka_unit_test_setup_teardown(everything_can_be_filled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_directory_many_users, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			directories_move_in_all_directions, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
