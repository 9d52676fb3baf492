/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* A full filesystem says so, keeps what it has, and stays usable. */
#include "posix.h"

#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#define CHUNK (1u << 20)

/* Fill all there is; returns the file that takes it up. */
static int fill(const char *file)
{
	uint8_t *bytes = malloc(CHUNK);
	int fd = open_new(file);
	ssize_t got;

	fill_pattern(bytes, CHUNK, 0, 1);
	for (size_t piece = CHUNK; piece >= 1; piece = piece > 4096 ? 4096 : piece / 4096) {
		while ((got = write(fd, bytes, piece)) > 0)
			;
		assert_int_equal(got, -1);
		assert_int_equal(errno, ENOSPC);
	}
	free(bytes);
	return fd;
}

static void names_can_still_be_made_and_moved(void **state)
{
	struct stat st;

	(void)state;
	close_opened(open_with("other", "kept"));
	close_opened(fill("full"));
	must(mkdir("directory", 0700));
	must(rename("full", "directory/full"));
	must(symlink("other", "link"));
	must(link("other", "second"));
	must(mkfifo("fifo", 0600));
	close_opened(open_new("empty"));
	must(chmod("other", 0600));
	must(setxattr("other", "user.x", "1", 1, 0));
	must(rename("second", "empty"));
	must(stat("link", &st));
	must(unlink("link"));
	must(unlink("fifo"));
	must(unlink("empty"));
	check_text(must(open("other", O_RDONLY)), "kept");
}

static void what_is_there_can_be_overwritten(void **state)
{
	int fd = open_new("other"), full;
	uint8_t *bytes = malloc(CHUNK), *read = malloc(CHUNK);

	(void)state;
	fill_pattern(bytes, CHUNK, 0, 2);
	assert_int_equal(must(pwrite(fd, bytes, CHUNK, 0)), CHUNK);
	full = fill("full");
	fill_pattern(bytes, CHUNK, 0, 3);
	assert_int_equal(must(pwrite(fd, bytes, CHUNK, 0)), CHUNK);
	assert_int_equal(must(pread(fd, read, CHUNK, 0)), CHUNK);
	assert_memory_equal(read, bytes, CHUNK);
	fill_pattern(bytes, CHUNK, 0, 1);
	assert_int_equal(must(pread(full, read, CHUNK, 0)), CHUNK);
	assert_memory_equal(read, bytes, CHUNK);
	free(bytes);
	free(read);
}

static void a_failed_write_changes_nothing(void **state)
{
	struct stat before, after;
	int fd = fill("full"), other;

	(void)state;
	must(fstat(fd, &before));
	must_fail(write(fd, "more", 4), ENOSPC);
	must_fail(pwrite(fd, "more", 4, before.st_size + 1000000), ENOSPC);
	must_fail(fallocate(fd, 0, 0, before.st_size + 10 * CHUNK), ENOSPC);
	must(fstat(fd, &after));
	assert_int_equal(after.st_size, before.st_size);
	assert_int_equal(after.st_blocks, before.st_blocks);
	other = open_new("other");
	must_fail(write(other, "more", 4), ENOSPC);
	must_fail(fallocate(other, 0, 0, 10 * CHUNK), ENOSPC);
	assert_int_equal(stat_of("other").st_size, 0);
	assert_int_equal(stat_of("other").st_blocks, 0);
}

static void holes_give_room(void **state)
{
	int fd = fill("full"), other = open_new("other");
	uint8_t *bytes = calloc(1, CHUNK);

	(void)state;
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, CHUNK, CHUNK));
	assert_int_equal(must(write(other, bytes, CHUNK)), CHUNK);
	/* Also one that cuts through blocks. */
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 3 * CHUNK + 777, 2 * CHUNK));
	assert_int_equal(must(write(other, bytes, CHUNK)), CHUNK);
	free(bytes);
}

static void truncation_gives_room(void **state)
{
	int fd = fill("full"), other = open_new("other");
	uint8_t *bytes = calloc(1, CHUNK);

	(void)state;
	must(ftruncate(fd, stat_of("full").st_size - 2 * CHUNK));
	assert_int_equal(must(write(other, bytes, CHUNK)), CHUNK);
	must(ftruncate(fd, 1ll << 40)); /* a hole needs none */
	must(ftruncate(fd, 0));
	await_free_bytes(10 * CHUNK);
	free(bytes);
}

static void removal_gives_room(void **state)
{
	uint64_t before = free_bytes();

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		must(close(fill("full")));
		must(unlink("full"));
		await_free_bytes(before);
	}
}

static void replacing_a_file_gives_room(void **state)
{
	uint64_t before = free_bytes();

	(void)state;
	close_opened(open_new("small"));
	must(close(fill("full")));
	must(rename("small", "full"));
	await_free_bytes(before);
}

static void an_unlinked_file_keeps_its_room_while_open(void **state)
{
	uint64_t before = free_bytes();
	int fd = fill("full"), other = open_new("other");
	char byte;

	(void)state;
	must(unlink("full"));
	must_fail(write(other, "more", 4), ENOSPC);
	assert_int_equal(must(pread(fd, &byte, 1, 1000)), 1);
	must(close(fd));
	await_free_bytes(before);
	assert_int_equal(must(write(other, "more", 4)), 4);
}

/* There is no room for what it writes: that shows at once, or when it is to be written down. */
static int write_into_the_hole(void *unused)
{
	int fd = open("sparse", O_RDWR);
	char *map = mmap(NULL, 4 * CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	(void)unused;
	CHECK(map != MAP_FAILED);
	memset(map + CHUNK, 'x', CHUNK);
	return msync(map, 4 * CHUNK, MS_SYNC) ? errno : 0;
}

static void a_mapping_cannot_fill_a_hole_unnoticed(void **state)
{
	int fd = open_new("sparse"), status;
	pid_t child;
	char byte;

	(void)state;
	must(ftruncate(fd, 4 * CHUNK));
	close_opened(fill("full"));
	child = start_child(write_into_the_hole, NULL);
	must(waitpid(child, &status, 0));
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGBUS);
	else
		assert_int_equal(WEXITSTATUS(status), ENOSPC);
	/* All is well otherwise. */
	assert_int_equal(must(pread(fd, &byte, 1, 3 * CHUNK)), 1);
	assert_int_equal(byte, 0);
	must(unlink("full"));
	await_free_bytes(10 * CHUNK);
	assert_int_equal(must(pwrite(fd, "y", 1, 3 * CHUNK)), 1);
}

static void what_is_counted_adds_up(void **state)
{
	struct statvfs empty, st;
	int fd;

	(void)state;
	must(statvfs(".", &empty));
	assert_true(empty.f_bavail <= empty.f_bfree && empty.f_bfree <= empty.f_blocks);
	assert_true(empty.f_files > empty.f_ffree && empty.f_favail <= empty.f_ffree);
	assert_int_equal(empty.f_namemax, 255);
	fd = open_new("file");
	must(statvfs(".", &st));
	assert_int_equal(st.f_ffree, empty.f_ffree - 1);
	must(fallocate(fd, 0, 0, 8 * CHUNK));
	must(statvfs(".", &st));
	assert_int_equal(
		(empty.f_bfree - st.f_bfree) * st.f_frsize, stat_of("file").st_blocks * 512ull);
	must(close(fd));
	must(unlink("file"));
	await_free_bytes(empty.f_bavail * empty.f_frsize);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		posix_test(names_can_still_be_made_and_moved),
		posix_test(what_is_there_can_be_overwritten),
		posix_test(a_failed_write_changes_nothing),
		posix_test(holes_give_room),
		posix_test(truncation_gives_room),
		posix_test(removal_gives_room),
		posix_test(replacing_a_file_gives_room),
		posix_test(an_unlinked_file_keeps_its_room_while_open),
		posix_test(a_mapping_cannot_fill_a_hole_unnoticed),
		posix_test(what_is_counted_adds_up),
	};

	return posix_run(tests);
}
