/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Reading directories, also while they change, and being in ones that are gone. */
#include "posix.h"

#include <dirent.h>
#include <sys/syscall.h>

static void make_numbered(unsigned number)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", number);
	must(mknod(name, S_IFREG | 0600, 0));
}

static void remove_numbered(unsigned number)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", number);
	must(unlink(name));
}

static DIR *open_here(void)
{
	DIR *directory = opendir(".");

	assert_non_null(directory);
	return directory;
}

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Count in SEEN, [COUNT], the numbered entries from here to the end. */
static unsigned count_entries(DIR *directory, uint8_t *seen, unsigned count)
{
	struct dirent *entry;
	unsigned found = 0;

	while ((errno = 0, entry = readdir(directory))) {
		unsigned number = (unsigned)strtoul(entry->d_name, NULL, 10);

		if (is_dots(entry->d_name))
			continue;
		assert_true(number < count);
		seen[number]++;
		found++;
	}
	assert_int_equal(errno, 0);
	return found;
}

#define MANY 100000u

static void a_hundred_thousand_entries_are_each_seen_once(void **state)
{
	uint8_t *seen = calloc(1, MANY);
	DIR *directory;

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		make_numbered(i);
	directory = open_here();
	assert_int_equal(count_entries(directory, seen, MANY), MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(seen[i], 1);
	rewinddir(directory);
	assert_int_equal(count_entries(directory, seen, MANY), MANY);
	for (unsigned i = 0; i < MANY; i++)
		remove_numbered(i);
	rewinddir(directory);
	assert_int_equal(count_entries(directory, seen, MANY), 0);
	closedir(directory);
	free(seen);
}

/* While it is read, each third of the old entries goes and new ones come: the others are all seen,
 * once. */
static void entries_that_stay_are_seen_once(void **state)
{
	enum { OLD = 9000, NEW = 9000 };
	uint8_t seen[OLD + NEW] = {};
	unsigned removed = 0, made = OLD;
	struct dirent *entry;
	DIR *directory;

	(void)state;
	for (unsigned i = 0; i < OLD; i++)
		make_numbered(i);
	directory = open_here();
	for (unsigned i = 0; (entry = readdir(directory)); i++) {
		if (is_dots(entry->d_name))
			continue;
		seen[strtoul(entry->d_name, NULL, 10)]++;
		if (removed < OLD) {
			remove_numbered(removed);
			removed += 3;
		}
		if (made < OLD + NEW && i % 2)
			make_numbered(made++);
	}
	for (unsigned i = 0; i < OLD; i++) {
		if (i % 3 || i >= removed)
			assert_int_equal(seen[i], 1);
		else
			assert_true(seen[i] <= 1);
	}
	for (unsigned i = OLD; i < made; i++)
		assert_true(seen[i] <= 1);
	closedir(directory);
}

/* What rm -r does, with a descriptor that stays open. */
static void all_that_is_read_can_be_removed_meanwhile(void **state)
{
	DIR *directory;
	struct dirent *entry;
	unsigned removed = 0;

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		make_numbered(i);
	directory = open_here();
	while ((entry = readdir(directory))) {
		if (is_dots(entry->d_name))
			continue;
		must(unlink(entry->d_name));
		removed++;
	}
	assert_int_equal(removed, 5000);
	closedir(directory);
}

static void a_place_can_be_returned_to(void **state)
{
	enum { COUNT = 1000 };
	char names[COUNT][16];
	long places[COUNT];
	struct dirent *entry;
	DIR *directory;

	(void)state;
	for (unsigned i = 0; i < COUNT; i++)
		make_numbered(i);
	directory = open_here();
	for (unsigned i = 0; i < COUNT;) {
		places[i] = telldir(directory);
		assert_true(places[i] >= 0);
		entry = readdir(directory);
		assert_non_null(entry);
		if (is_dots(entry->d_name))
			continue;
		snprintf(names[i], sizeof(names[i]), "%.15s", entry->d_name);
		i++;
	}
	for (unsigned i = 0; i < COUNT; i++) {
		unsigned back = (i * 7 + 3) % COUNT;

		seekdir(directory, places[back]);
		assert_string_equal(readdir(directory)->d_name, names[back]);
	}
	/* What comes and goes elsewhere moves nothing. */
	for (unsigned i = 1; i < COUNT; i += 2) {
		must(unlink(names[i]));
		make_numbered(COUNT + i);
	}
	for (unsigned i = 0; i < COUNT; i += 2) {
		seekdir(directory, places[i]);
		assert_string_equal(readdir(directory)->d_name, names[i]);
	}
	closedir(directory);
}

static void two_readers_do_not_disturb_each_other(void **state)
{
	uint8_t seen[2][2000] = {};
	DIR *first, *second;

	(void)state;
	for (unsigned i = 0; i < 2000; i++)
		make_numbered(i);
	first = open_here();
	second = open_here();
	for (unsigned i = 0; i < 1000; i++) {
		struct dirent *entry = readdir(first);

		if (!is_dots(entry->d_name))
			seen[0][strtoul(entry->d_name, NULL, 10)]++;
	}
	assert_int_equal(count_entries(second, seen[1], 2000), 2000);
	count_entries(first, seen[0], 2000);
	for (unsigned i = 0; i < 2000; i++)
		assert_int_equal(seen[0][i], 1);
	closedir(first);
	closedir(second);
}

static void entries_tell_type_and_number(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
		uint8_t type;
	} kinds[] = {{"file", S_IFREG, DT_REG}, {"fifo", S_IFIFO, DT_FIFO},
		{"socket", S_IFSOCK, DT_SOCK}, {"char", S_IFCHR, DT_CHR},
		{"block", S_IFBLK, DT_BLK}};
	unsigned found = 0;
	struct dirent *entry;
	DIR *directory;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		must(mknod(kinds[i].name, kinds[i].mode | 0600, 0x103));
	must(mkdir("directory", 0700));
	must(symlink("file", "link"));
	directory = open_here();
	while ((entry = readdir(directory))) {
		uint8_t type = !strcmp(entry->d_name, "link") ? DT_LNK : DT_DIR;

		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (!strcmp(entry->d_name, kinds[i].name))
				type = kinds[i].type;
		assert_int_equal(entry->d_type, type);
		if (strcmp(entry->d_name, ".."))
			assert_int_equal(entry->d_ino, stat_of(entry->d_name).st_ino);
		found++;
	}
	assert_int_equal(found, 9);
	closedir(directory);
}

static void too_small_a_buffer_is_refused(void **state)
{
	int fd = must(open(".", O_RDONLY | O_DIRECTORY));
	char bytes[1024];

	(void)state;
	make_numbered(1);
	must_fail(syscall(SYS_getdents64, fd, bytes, 10), EINVAL);
	assert_true(must(syscall(SYS_getdents64, fd, bytes, sizeof(bytes))) > 0);
	assert_int_equal(must(syscall(SYS_getdents64, fd, bytes, sizeof(bytes))), 0);
	must_fail(read(fd, bytes, sizeof(bytes)), EISDIR);
	must_fail(syscall(SYS_getdents64, open_new("file"), bytes, sizeof(bytes)), ENOTDIR);
	must_fail(open(".", O_WRONLY), EISDIR);
	must_fail(open(".", O_RDWR), EISDIR);
}

static void in_a_removed_directory_nothing_can_be_made(void **state)
{
	char path[100];
	DIR *directory;
	int fd;

	(void)state;
	must(mkdir("gone", 0700));
	close_opened(open_new("gone/file"));
	fd = must(open("gone/file", O_RDONLY));
	must(unlink("gone/file"));
	must(chdir("gone"));
	must(rmdir("../gone"));
	must_fail((intptr_t)getcwd(path, sizeof(path)) ? 0 : -1, ENOENT);
	must_fail(open("file", O_CREAT | O_RDWR, 0600), ENOENT);
	must_fail(mkdir("sub", 0700), ENOENT);
	must_fail(symlink("x", "link"), ENOENT);
	assert_int_equal(stat_of(".").st_nlink, 0);
	directory = open_here();
	assert_int_equal(count_entries(directory, NULL, 0), 0);
	closedir(directory);
	must(fchmod(fd, 0600));
	must(chdir(".."));
	assert_non_null(getcwd(path, sizeof(path)));
}

static void a_path_of_a_descriptor_follows_its_file(void **state)
{
	char link[64], path[4096] = "";
	int fd = open_new("before");

	(void)state;
	must(mkdir("directory", 0700));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	must(rename("before", "directory/after"));
	must(readlink(link, path, sizeof(path) - 1));
	assert_non_null(strstr(path, "/directory/after"));
	must(rename("directory", "moved"));
	memset(path, 0, sizeof(path));
	must(readlink(link, path, sizeof(path) - 1));
	assert_non_null(strstr(path, "/moved/after"));
	must(unlink("moved/after"));
	memset(path, 0, sizeof(path));
	must(readlink(link, path, sizeof(path) - 1));
	assert_non_null(strstr(path, "/after (deleted)"));
	close_opened(open(link, O_RDWR)); /* the file itself is still there */
}

static void the_working_directory_follows_a_rename(void **state)
{
	char before[4096], after[4096];

	(void)state;
	must(mkdir("before", 0700));
	must(mkdir("other", 0700));
	must(chdir("before"));
	assert_non_null(getcwd(before, sizeof(before)));
	must(rename("../before", "../other/after"));
	assert_non_null(getcwd(after, sizeof(after)));
	assert_non_null(strstr(after, "/other/after"));
	must(chdir(".."));
	close_opened(open("after", O_RDONLY));
}

static void a_link_count_is_of_the_subdirectories(void **state)
{
	(void)state;
	must(mkdir("one", 0700));
	must(mkdir("two", 0700));
	must(mkdir("one/sub", 0700));
	assert_int_equal(stat_of("one").st_nlink, 3);
	assert_int_equal(stat_of("two").st_nlink, 2);
	must(rename("one/sub", "two/sub"));
	assert_int_equal(stat_of("one").st_nlink, 2);
	assert_int_equal(stat_of("two").st_nlink, 3);
	assert_int_equal(stat_of("two/sub/..").st_ino, stat_of("two").st_ino);
	must(renameat2(AT_FDCWD, "two/sub", AT_FDCWD, "one", RENAME_EXCHANGE));
	assert_int_equal(stat_of("two").st_nlink, 3);
	assert_int_equal(stat_of(".").st_nlink, 4);
	assert_int_equal(stat_of("two/sub/..").st_ino, stat_of("two").st_ino);
	must(rmdir("two/sub"));
	must(rmdir("two"));
	must(rmdir("one"));
	assert_int_equal(stat_of(".").st_nlink, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		posix_test(a_hundred_thousand_entries_are_each_seen_once),
		posix_test(entries_that_stay_are_seen_once),
		posix_test(all_that_is_read_can_be_removed_meanwhile),
		posix_test(a_place_can_be_returned_to),
		posix_test(two_readers_do_not_disturb_each_other),
		posix_test(entries_tell_type_and_number),
		posix_test(too_small_a_buffer_is_refused),
		posix_test(in_a_removed_directory_nothing_can_be_made),
		posix_test(a_path_of_a_descriptor_follows_its_file),
		posix_test(the_working_directory_follows_a_rename),
		posix_test(a_link_count_is_of_the_subdirectories),
	};

	return posix_run(tests);
}
