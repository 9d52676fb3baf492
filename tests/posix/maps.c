/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Mappings: one with the file and with each other, private ones to themselves, and errors where the
 * file isn't. */
#include "posix.h"

#include <linux/futex.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGE 4096u
#define BOTH (PROT_READ | PROT_WRITE)

static uint8_t *map(int fd, size_t length, int protection, int flags, off_t offset)
{
	void *address = mmap(NULL, length, protection, flags, fd, offset);

	if (address == MAP_FAILED)
		fail_msg("mmap: %s", strerror(errno));
	return address;
}

static sigjmp_buf after_fault;

static void leave_fault(int number)
{
	siglongjmp(after_fault, number);
}

/* Which signal does it raise to touch this byte? 0: none. */
static int touch(volatile uint8_t *byte, bool write)
{
	int number;

	signal(SIGBUS, leave_fault);
	signal(SIGSEGV, leave_fault);
	number = sigsetjmp(after_fault, 1);
	if (number == 0 && write)
		*byte = 1;
	else if (number == 0)
		(void)*byte;
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	return number;
}

static void what_is_written_shows_in_the_mapping(void **state)
{
	int fd = open_with("file", "before");
	uint8_t *shared, *private;

	(void)state;
	must(ftruncate(fd, 3 * PAGE));
	shared = map(fd, 3 * PAGE, BOTH, MAP_SHARED, 0);
	private = map(fd, 3 * PAGE, PROT_READ, MAP_PRIVATE, 0);
	assert_memory_equal(shared, "before", 6);
	assert_memory_equal(private, "before", 6);
	for (unsigned i = 0; i < 100; i++) {
		char text[20];
		off_t place = (off_t)i * 117;

		snprintf(text, sizeof(text), "round %u", i);
		assert_int_equal(must(pwrite(fd, text, strlen(text), place)), strlen(text));
		assert_memory_equal(shared + place, text, strlen(text));
		assert_memory_equal(private + place, text, strlen(text));
	}
	must(munmap(shared, 3 * PAGE));
	must(munmap(private, 3 * PAGE));
}

static void what_is_mapped_shows_in_reads(void **state)
{
	int fd = open_new("file"), direct;
	uint8_t *shared;
	char text[20], read[20] = "";

	(void)state;
	must(ftruncate(fd, 3 * PAGE));
	direct = must(open("file", O_RDWR | O_DIRECT));
	shared = map(fd, 3 * PAGE, BOTH, MAP_SHARED, 0);
	for (unsigned i = 0; i < 100; i++) {
		off_t place = (off_t)i * 117;

		snprintf(text, sizeof(text), "round %03u", i);
		memcpy(shared + place, text, 9);
		assert_int_equal(must(pread(i % 2 ? fd : direct, read, 9, place)), 9);
		assert_string_equal(read, text);
	}
	must(munmap(shared, 3 * PAGE));
}

static void a_mapping_outlives_its_descriptor(void **state)
{
	int fd = open_with("file", "kept");
	uint8_t *shared = map(fd, PAGE, BOTH, MAP_SHARED, 0);

	(void)state;
	must(close(fd));
	memcpy(shared, "KEPT", 4);
	must(unlink("file"));
	assert_memory_equal(shared, "KEPT", 4);
	must(munmap(shared, PAGE));
}

static void a_private_mapping_keeps_its_changes(void **state)
{
	int fd = open_with("file", "original");
	uint8_t *private = map(fd, PAGE, BOTH, MAP_PRIVATE, 0);

	(void)state;
	memcpy(private, "ORIGINAL", 8);
	check_text(fd, "original");
	assert_int_equal(must(pwrite(fd, "changed!", 8, 0)), 8);
	assert_memory_equal(private, "ORIGINAL", 8);
	must(munmap(private, PAGE));
	check_text(fd, "changed!");
}

static void beyond_the_last_page_is_a_bus_error(void **state)
{
	int fd = open_with("file", "short");
	uint8_t *shared = map(fd, 4 * PAGE, BOTH, MAP_SHARED, 0);

	(void)state;
	assert_int_equal(touch(shared, false), 0);
	assert_int_equal(touch(shared + PAGE - 1, false), 0);
	assert_int_equal(shared[5], 0);
	assert_int_equal(touch(shared + PAGE, false), SIGBUS);
	assert_int_equal(touch(shared + 3 * PAGE, true), SIGBUS);
	must(ftruncate(fd, 4 * PAGE));
	assert_int_equal(touch(shared + 3 * PAGE, true), 0);
	must(ftruncate(fd, PAGE));
	assert_int_equal(touch(shared + 3 * PAGE, false), SIGBUS);
	assert_int_equal(touch(shared + PAGE - 1, false), 0);
	must(ftruncate(fd, 0));
	assert_int_equal(touch(shared, false), SIGBUS);
	must(munmap(shared, 4 * PAGE));
}

/* Of tmpfs one can't say so. */
static void what_stands_behind_the_end_stays_out(void **state)
{
	int fd = open_with("file", "short");
	uint8_t *shared = map(fd, PAGE, BOTH, MAP_SHARED, 0);
	char bytes[10];

	(void)state;
	if (posix_on_tmpfs())
		skip();
	shared[7] = 'x';
	must(msync(shared, PAGE, MS_SYNC));
	must(munmap(shared, PAGE));
	assert_int_equal(stat_of("file").st_size, 5);
	must(ftruncate(fd, 10));
	assert_int_equal(must(pread(fd, bytes, 10, 0)), 10);
	assert_memory_equal(bytes, "short\0\0\0\0\0", 10);
}

static void protections_are_kept(void **state)
{
	int fd = open_with("file", "bytes"), reader = must(open("file", O_RDONLY));
	uint8_t *readable = map(fd, PAGE, PROT_READ, MAP_SHARED, 0);
	uint8_t *fixed = map(reader, PAGE, PROT_READ, MAP_SHARED, 0);

	(void)state;
	assert_int_equal(touch(readable, true), SIGSEGV);
	must(mprotect(readable, PAGE, BOTH));
	assert_int_equal(touch(readable, true), 0);
	must_fail(mprotect(fixed, PAGE, BOTH), EACCES);
	must(munmap(readable, PAGE));
	must(munmap(fixed, PAGE));
}

static void a_mapping_is_moved_and_grown(void **state)
{
	int fd = open_new("file");
	uint8_t *shared;

	(void)state;
	make_file("patterned", 16 * PAGE, 3);
	fd = must(open("patterned", O_RDWR));
	shared = map(fd, 2 * PAGE, BOTH, MAP_SHARED, 0);
	shared[10] ^= 0xff;
	shared = mremap(shared, 2 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
	assert_ptr_not_equal(shared, MAP_FAILED);
	shared[10] ^= 0xff;
	shared[15 * PAGE] ^= 0xff;
	must(msync(shared, 16 * PAGE, MS_SYNC));
	shared[15 * PAGE] ^= 0xff;
	must(munmap(shared, 16 * PAGE));
	check_file("patterned", 16 * PAGE, 3);
}

static int change_and_leave(void *argument)
{
	uint8_t *shared = argument;
	int fd = open("file", O_RDWR);
	uint8_t *own = mmap(NULL, 8 * PAGE, BOTH, MAP_SHARED, fd, 0);

	CHECK(own != MAP_FAILED);
	CHECK(shared[100] == 1 && own[100] == 1);
	shared[5 * PAGE] = 2;
	own[6 * PAGE] = 3;
	return 0;
}

static void processes_see_each_others_bytes(void **state)
{
	int fd = open_new("file");
	uint8_t *shared;

	(void)state;
	must(ftruncate(fd, 8 * PAGE));
	shared = map(fd, 8 * PAGE, BOTH, MAP_SHARED, 0);
	shared[100] = 1;
	in_child(change_and_leave, shared);
	assert_int_equal(shared[5 * PAGE], 2);
	assert_int_equal(shared[6 * PAGE], 3);
	must(munmap(shared, 8 * PAGE));
}

static int wake_the_parent(void *argument)
{
	uint32_t *word = argument;

	usleep(20000);
	__atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
	CHECK(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0) >= 0);
	return 0;
}

static void a_futex_in_a_file_wakes_another_process(void **state)
{
	struct timespec limit = {.tv_sec = 10};
	int fd = open_new("file");
	uint32_t *word;
	pid_t child;

	(void)state;
	must(ftruncate(fd, PAGE));
	word = (uint32_t *)map(fd, PAGE, BOTH, MAP_SHARED, 0);
	child = start_child(wake_the_parent, word);
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 0)
		if (syscall(SYS_futex, word, FUTEX_WAIT, 0, &limit, NULL, 0) && errno != EAGAIN &&
			errno != EINTR)
			fail_msg("futex: %s", strerror(errno));
	finish_child(child);
	must(munmap(word, PAGE));
}

static void mapped_pages_can_be_locked_in_memory(void **state)
{
	uint8_t *shared;
	int fd;

	(void)state;
	make_file("file", 16 * PAGE, 4);
	fd = must(open("file", O_RDWR));
	shared = map(fd, 16 * PAGE, BOTH, MAP_SHARED, 0);
	must(mlock(shared, 16 * PAGE));
	memset(shared, 7, 16 * PAGE);
	must(munlock(shared, 16 * PAGE));
	must(madvise(shared, 16 * PAGE, MADV_DONTNEED));
	for (size_t i = 0; i < 16 * PAGE; i++)
		assert_int_equal(shared[i], 7);
	must(munmap(shared, 16 * PAGE));
	shared = map(fd, 16 * PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, 0);
	assert_int_equal(shared[15 * PAGE], 7);
	must(munmap(shared, 16 * PAGE));
}

static void a_file_is_written_from_its_own_mapping(void **state)
{
	uint8_t *shared;
	int fd;

	(void)state;
	make_file("file", 64 * PAGE, 5);
	fd = must(open("file", O_RDWR));
	shared = map(fd, 64 * PAGE, BOTH, MAP_SHARED, 0);
	/* The page fault and the write are of one file. */
	assert_int_equal(must(pwrite(fd, shared, 32 * PAGE, 32 * PAGE)), 32 * PAGE);
	assert_memory_equal(shared + 32 * PAGE, shared, 32 * PAGE);
	assert_int_equal(must(pread(fd, shared + 8 * PAGE, 4 * PAGE, 0)), 4 * PAGE);
	assert_memory_equal(shared + 8 * PAGE, shared, 4 * PAGE);
	must(munmap(shared, 64 * PAGE));
}

static void msync_checks_its_arguments(void **state)
{
	int fd = open_with("file", "bytes");
	uint8_t *shared = map(fd, PAGE, BOTH, MAP_SHARED, 0);

	(void)state;
	must(msync(shared, PAGE, MS_ASYNC));
	must(msync(shared, PAGE, MS_SYNC | MS_INVALIDATE));
	must_fail(msync(shared + 1, PAGE, MS_SYNC), EINVAL);
	must_fail(msync(shared, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	must(munmap(shared, PAGE));
	must_fail(msync(shared, PAGE, MS_SYNC), ENOMEM);
}

static void a_mapping_at_an_offset_is_of_there(void **state)
{
	uint8_t expected[PAGE], *shared;
	int fd;

	(void)state;
	make_file("file", 300000, 6);
	fd = must(open("file", O_RDONLY));
	for (unsigned page = 0; page < 73; page += 9) {
		shared = map(fd, PAGE, PROT_READ, MAP_SHARED, page * PAGE);
		fill_pattern(expected, PAGE, page * PAGE, 6);
		assert_memory_equal(shared, expected, PAGE);
		must(munmap(shared, PAGE));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		posix_test(what_is_written_shows_in_the_mapping),
		posix_test(what_is_mapped_shows_in_reads),
		posix_test(a_mapping_outlives_its_descriptor),
		posix_test(a_private_mapping_keeps_its_changes),
		posix_test(beyond_the_last_page_is_a_bus_error),
		posix_test(what_stands_behind_the_end_stays_out),
		posix_test(protections_are_kept),
		posix_test(a_mapping_is_moved_and_grown),
		posix_test(processes_see_each_others_bytes),
		posix_test(a_futex_in_a_file_wakes_another_process),
		posix_test(mapped_pages_can_be_locked_in_memory),
		posix_test(a_file_is_written_from_its_own_mapping),
		posix_test(msync_checks_its_arguments),
		posix_test(a_mapping_at_an_offset_is_of_there),
	};

	return posix_run(tests);
}
