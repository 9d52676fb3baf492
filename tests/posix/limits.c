/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Names, paths, depths and counts, up to their limits and one beyond. */
#include "posix.h"

#include <dirent.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/xattr.h>

/* LENGTH times BYTE. */
static const char *repeated(char byte, size_t length)
{
	static char texts[4][PATH_MAX + 2];
	static unsigned next;
	char *text = texts[next++ % 4];

	memset(text, byte, length);
	text[length] = '\0';
	return text;
}

static void every_byte_but_slash_and_nul_is_a_name(void **state)
{
	bool seen[256] = {};
	unsigned count = 0;
	struct dirent *entry;
	DIR *directory;

	(void)state;
	for (unsigned byte = 1; byte < 256; byte++)
		if (byte != '/' && byte != '.')
			must(mknod(repeated((char)byte, 1), S_IFREG | 0600, 0));
	directory = opendir(".");
	assert_non_null(directory);
	while ((entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		assert_int_equal(strlen(entry->d_name), 1);
		assert_false(seen[(uint8_t)entry->d_name[0]]);
		seen[(uint8_t)entry->d_name[0]] = true;
		count++;
	}
	closedir(directory);
	assert_int_equal(count, 253);
	for (unsigned byte = 1; byte < 256; byte++)
		if (byte != '/' && byte != '.')
			must(unlink(repeated((char)byte, 1)));
}

/* Also that no encoding is assumed: these bytes are no text in any. */
static void names_have_up_to_255_bytes(void **state)
{
	(void)state;
	for (size_t length = 1; length <= 255; length += length == 1 ? 126 : 127) {
		const char *name = repeated('\xff', length), *other = repeated('\xc0', length);

		must(mkdir(name, 0700));
		must(rename(name, other));
		must_fail(access(name, F_OK), ENOENT);
		must(access(other, F_OK));
	}
}

static void longer_names_are_refused_everywhere(void **state)
{
	const char *name = repeated('n', 256);
	struct stat st;

	(void)state;
	close_opened(open_new("file"));
	must_fail(open(name, O_CREAT | O_WRONLY, 0600), ENAMETOOLONG);
	must_fail(mkdir(name, 0700), ENAMETOOLONG);
	must_fail(mknod(name, S_IFIFO | 0600, 0), ENAMETOOLONG);
	must_fail(symlink("target", name), ENAMETOOLONG);
	must_fail(link("file", name), ENAMETOOLONG);
	must_fail(rename("file", name), ENAMETOOLONG);
	must_fail(rename(name, "file"), ENAMETOOLONG);
	must_fail(unlink(name), ENAMETOOLONG);
	must_fail(rmdir(name), ENAMETOOLONG);
	must_fail(stat(name, &st), ENAMETOOLONG);
	must_fail(access(name, F_OK), ENAMETOOLONG);
	must_fail(truncate(name, 0), ENAMETOOLONG);
	assert_int_equal(must(pathconf(".", _PC_NAME_MAX)), 255);
}

static void an_empty_name_is_none(void **state)
{
	struct stat st;

	(void)state;
	must_fail(open("", O_CREAT | O_WRONLY, 0600), ENOENT);
	must_fail(mkdir("", 0700), ENOENT);
	must_fail(symlink("target", ""), ENOENT);
	must_fail(stat("", &st), ENOENT);
	must_fail(rename("", "other"), ENOENT);
	must_fail(unlink(""), ENOENT);
}

static void dot_and_dotdot_stay(void **state)
{
	(void)state;
	must(mkdir("directory", 0700));
	must_fail(rmdir("directory/."), EINVAL);
	must_fail(rmdir("directory/.."), ENOTEMPTY);
	must_fail(mkdir(".", 0700), EEXIST);
	must_fail(mkdir("directory/..", 0700), EEXIST);
	must_fail(unlink("directory/."), EISDIR);
	must_fail(rename("directory/.", "other"), EBUSY);
	must_fail(rename("directory", "directory/.."), EBUSY);
}

static void paths_have_up_to_4095_bytes(void **state)
{
	char path[PATH_MAX + 1];
	const char *part = repeated('d', 255);
	struct stat st;

	(void)state;
	for (unsigned i = 0; i < 15; i++) {
		memcpy(path + i * 256, part, 255);
		path[i * 256 + 255] = '\0';
		must(mkdir(path, 0700));
		path[i * 256 + 255] = '/';
	}
	memset(path + 15 * 256, 'f', 255);
	path[4095] = '\0';
	close_opened(open(path, O_CREAT | O_WRONLY, 0600));
	must(stat(path, &st));
	memcpy(path + 4095, "x", 2);
	must_fail(stat(path, &st), ENAMETOOLONG);
}

#define DEPTH 3000u

static void trees_may_be_thousands_deep(void **state)
{
	ino_t inodes[DEPTH];

	(void)state;
	for (unsigned i = 0; i < DEPTH; i++) {
		must(mkdir("deeper", 0700));
		must(chdir("deeper"));
		inodes[i] = stat_of(".").st_ino;
	}
	close_opened(open_new("bottom"));
	must(unlink("bottom"));
	for (unsigned i = DEPTH; i-- > 0;) {
		assert_int_equal(stat_of(".").st_ino, inodes[i]);
		must(chdir(".."));
		must(rmdir("deeper"));
	}
}

static void symlinks_have_up_to_4095_bytes(void **state)
{
	char target[PATH_MAX + 1];

	(void)state;
	for (size_t length = 1; length <= 4095; length += length < 3 ? 1 : 62) {
		const char *text = repeated((char)('a' + length % 26), length);

		must(symlink(text, "link"));
		assert_int_equal(stat_of("link").st_size, length);
		assert_int_equal(must(readlink("link", target, sizeof(target))), length);
		assert_memory_equal(target, text, length);
		must(unlink("link"));
	}
	must(symlink(repeated('t', 4095), "link"));
	assert_int_equal(must(readlink("link", target, sizeof(target))), 4095);
	assert_int_equal(must(readlink("link", target, 10)), 10);
	must_fail(readlink("link", target, 0), EINVAL);
	must_fail(readlink(".", target, sizeof(target)), EINVAL);
	must_fail(symlink(repeated('t', 4096), "other"), ENAMETOOLONG);
	must_fail(symlink("", "other"), ENOENT);
}

static void forty_symlinks_are_followed(void **state)
{
	char name[16], target[16] = "file";
	struct stat st;

	(void)state;
	close_opened(open_new("file"));
	for (unsigned i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "link-%u", i);
		must(symlink(target, name));
		memcpy(target, name, sizeof(target));
	}
	must(stat("link-40", &st));
	must_fail(stat("link-41", &st), ELOOP);
	must(symlink("itself", "itself"));
	must_fail(stat("itself", &st), ELOOP);
	must_fail(open("itself", O_RDONLY), ELOOP);
	must_fail(open("link-1", O_RDONLY | O_NOFOLLOW), ELOOP);
}

#define LINKS 20000u

static void a_file_has_many_links(void **state)
{
	char name[32];

	(void)state;
	close_opened(open_with("0", "shared"));
	for (unsigned i = 1; i < LINKS; i++) {
		snprintf(name, sizeof(name), "%u", i);
		must(link("0", name));
	}
	assert_int_equal(stat_of("0").st_nlink, LINKS);
	check_text(must(open(name, O_RDONLY)), "shared");
	for (unsigned i = 1; i < LINKS; i++) {
		snprintf(name, sizeof(name), "%u", i);
		must(unlink(name));
	}
	assert_int_equal(stat_of("0").st_nlink, 1);
}

static void a_directory_has_many_subdirectories(void **state)
{
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%u", i);
		must(mkdir(name, 0700));
	}
	assert_int_equal(stat_of(".").st_nlink, 5002);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%u", i);
		must(rmdir(name));
	}
	assert_int_equal(stat_of(".").st_nlink, 2);
}

#define OPEN_FILES 2000u

static void many_unlinked_files_stay_open(void **state)
{
	const struct rlimit limit = {OPEN_FILES + 100, OPEN_FILES + 100};
	uint64_t before = free_bytes();
	int *fds = calloc(OPEN_FILES, sizeof(*fds));

	(void)state;
	must(setrlimit(RLIMIT_NOFILE, &limit));
	for (unsigned i = 0; i < OPEN_FILES; i++) {
		fds[i] = open_new("file");
		must(unlink("file"));
		if (i % 10 == 0)
			assert_int_equal(must(write(fds[i], &i, sizeof(i))), sizeof(i));
	}
	for (unsigned i = 0; i < OPEN_FILES; i += 10) {
		struct stat st;
		unsigned number;

		must(fstat(fds[i], &st));
		assert_int_equal(st.st_nlink, 0);
		assert_int_equal(must(pread(fds[i], &number, sizeof(number), 0)), sizeof(number));
		assert_int_equal(number, i);
	}
	for (unsigned i = 0; i < OPEN_FILES; i++)
		must(close(fds[i]));
	free(fds);
	await_free_bytes(before);
}

static void extended_attributes_have_limits(void **state)
{
	char *value = calloc(1, XATTR_SIZE_MAX + 1), *read = malloc(XATTR_SIZE_MAX);
	char name[300] = "user.";

	(void)state;
	close_opened(open_new("file"));
	memset(name + 5, 'n', 250);
	must(setxattr("file", name, "value", 5, 0));
	assert_int_equal(must(getxattr("file", name, read, XATTR_SIZE_MAX)), 5);
	assert_int_equal(must(listxattr("file", read, XATTR_SIZE_MAX)), 256);
	must_fail(listxattr("file", read, 255), ERANGE);
	must(removexattr("file", name));
	name[255] = 'n';
	must_fail(setxattr("file", name, "value", 5, 0), ERANGE);
	must_fail(getxattr("file", name, read, 5), ERANGE);
	must_fail(setxattr("file", "", "value", 5, 0), ERANGE);
	must_fail(setxattr("file", "user.", "value", 5, 0), EINVAL);
	must_fail(setxattr("file", "nothing.known", "value", 5, 0), EOPNOTSUPP);
	fill_pattern((uint8_t *)value, XATTR_SIZE_MAX, 0, 1);
	must(setxattr("file", "user.large", value, XATTR_SIZE_MAX, XATTR_CREATE));
	assert_int_equal(
		must(getxattr("file", "user.large", read, XATTR_SIZE_MAX)), XATTR_SIZE_MAX);
	assert_memory_equal(read, value, XATTR_SIZE_MAX);
	assert_int_equal(must(getxattr("file", "user.large", NULL, 0)), XATTR_SIZE_MAX);
	must_fail(getxattr("file", "user.large", read, XATTR_SIZE_MAX - 1), ERANGE);
	must_fail(setxattr("file", "user.large", value, XATTR_SIZE_MAX + 1, 0), E2BIG);
	must(setxattr("file", "user.empty", "", 0, 0));
	assert_int_equal(must(getxattr("file", "user.empty", read, 10)), 0);
	must_fail(setxattr("file", "user.empty", "", 0, XATTR_CREATE), EEXIST);
	must_fail(setxattr("file", "user.other", "", 0, XATTR_REPLACE), ENODATA);
	must_fail(setxattr("file", "user.other", "", 0, 4), EINVAL);
	must_fail(getxattr("file", "user.other", read, 10), ENODATA);
	must_fail(removexattr("file", "user.other"), ENODATA);
	free(value);
	free(read);
}

static void users_attributes_are_for_files_and_directories(void **state)
{
	(void)state;
	must(mkdir("directory", 0700));
	must(setxattr("directory", "user.x", "1", 1, 0));
	must(symlink("file", "link"));
	must_fail(lsetxattr("link", "user.x", "1", 1, 0), EPERM);
	must(lsetxattr("link", "trusted.x", "1", 1, 0));
	must(mkfifo("fifo", 0600));
	must_fail(setxattr("fifo", "user.x", "1", 1, 0), EPERM);
}

static int see_nothing_trusted(const char *file)
{
	char value[10];

	CHECK(listxattr(file, value, sizeof(value)) == 0);
	CHECK(getxattr(file, "trusted.x", value, sizeof(value)) < 0 && errno == ENODATA);
	CHECK(setxattr(file, "trusted.x", "2", 1, 0) < 0 && errno == EPERM);
	CHECK(removexattr(file, "trusted.x") < 0 && errno == EPERM);
	CHECK(setxattr(file, "user.x", "2", 1, 0) < 0 && errno == EACCES);
	return 0;
}

static void trusted_attributes_are_roots(void **state)
{
	(void)state;
	close_opened(open_new("file"));
	must(setxattr("file", "trusted.x", "1", 1, 0));
	as_user(see_nothing_trusted, "file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		posix_test(every_byte_but_slash_and_nul_is_a_name),
		posix_test(names_have_up_to_255_bytes),
		posix_test(longer_names_are_refused_everywhere),
		posix_test(an_empty_name_is_none),
		posix_test(dot_and_dotdot_stay),
		posix_test(paths_have_up_to_4095_bytes),
		posix_test(trees_may_be_thousands_deep),
		posix_test(symlinks_have_up_to_4095_bytes),
		posix_test(forty_symlinks_are_followed),
		posix_test(a_file_has_many_links),
		posix_test(a_directory_has_many_subdirectories),
		posix_test(many_unlinked_files_stay_open),
		posix_test(extended_attributes_have_limits),
		posix_test(users_attributes_are_for_files_and_directories),
		posix_test(trusted_attributes_are_roots),
	};

	return posix_run(tests);
}
