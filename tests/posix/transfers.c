/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* The many ways to move bytes: appending from many writers, from descriptor to descriptor, and
 * asynchronously through both of the kernel's interfaces. */
#include "posix.h"

#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define RECORDS 300u
#define WRITERS 8u

/* A record: its length, its writer, its number, and a pattern up to the length. */
struct record {
	uint32_t length, writer, number;
	uint8_t pattern[6000];
};

static size_t make_record(struct record *record, uint32_t writer, uint32_t number)
{
	record->length = 12 + (writer * 911 + number * 577) % sizeof(record->pattern);
	record->writer = writer;
	record->number = number;
	fill_pattern(record->pattern, record->length - 12, 0, writer * 1000 + number);
	return record->length;
}

static int append_records(void *argument)
{
	uint32_t writer = *(uint32_t *)argument;
	int fd = open("log", O_WRONLY | O_APPEND);
	struct record record;

	CHECK(fd >= 0);
	for (uint32_t i = 0; i < RECORDS; i++) {
		size_t length = make_record(&record, writer, i);

		CHECK(write(fd, &record, length) == (ssize_t)length);
	}
	return 0;
}

/* Each writer's records are all there, whole and in order. */
static void check_records(void)
{
	uint32_t next[WRITERS] = {};
	off_t size = stat_of("log").st_size;
	int fd = must(open("log", O_RDONLY));
	struct record record, expected;

	for (off_t at = 0; at < size; at += record.length) {
		assert_true(must(pread(fd, &record, sizeof(record), at)) >= 12);
		assert_in_range(record.writer, 0, WRITERS - 1);
		assert_int_equal(record.number, next[record.writer]++);
		make_record(&expected, record.writer, record.number);
		assert_memory_equal(&record, &expected, expected.length);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(next[i], RECORDS);
}

static void appended_records_of_processes_stay_whole(void **state)
{
	uint32_t numbers[WRITERS];
	pid_t children[WRITERS];

	(void)state;
	close_opened(open_new("log"));
	for (uint32_t i = 0; i < WRITERS; i++) {
		numbers[i] = i;
		children[i] = start_child(append_records, &numbers[i]);
	}
	for (uint32_t i = 0; i < WRITERS; i++)
		finish_child(children[i]);
	check_records();
}

static void *append_in_thread(void *argument)
{
	return (void *)(intptr_t)append_records(argument);
}

static void appended_records_of_threads_stay_whole(void **state)
{
	uint32_t numbers[WRITERS];
	pthread_t threads[WRITERS];

	(void)state;
	close_opened(open_new("log"));
	for (uint32_t i = 0; i < WRITERS; i++) {
		numbers[i] = i;
		assert_int_equal(
			pthread_create(&threads[i], NULL, append_in_thread, &numbers[i]), 0);
	}
	for (uint32_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	check_records();
}

/* On Linux an offset given with O_APPEND is ignored. */
static void appending_ignores_the_offset(void **state)
{
	int fd;

	(void)state;
	close_opened(open_with("file", "one"));
	fd = must(open("file", O_RDWR | O_APPEND));
	assert_int_equal(must(lseek(fd, 0, SEEK_SET)), 0);
	assert_int_equal(must(write(fd, " two", 4)), 4);
	assert_int_equal(must(lseek(fd, 0, SEEK_CUR)), 7);
	assert_int_equal(must(pwrite(fd, " three", 6, 0)), 6);
	check_text(fd, "one two three");
	must(fcntl(fd, F_SETFL, 0));
	assert_int_equal(must(pwrite(fd, "ONE", 3, 0)), 3);
	check_text(fd, "ONE two three");
}

#define MOVED 700000u

static void sendfile_moves_between_files(void **state)
{
	off_t from = 1000;
	int source, target = open_new("target");
	struct stat st;

	(void)state;
	make_file("source", MOVED, 5);
	source = must(open("source", O_RDONLY));
	for (size_t done = 0; done < MOVED - 1000;)
		done += (size_t)must(sendfile(target, source, &from, MOVED));
	assert_int_equal(from, MOVED);
	assert_int_equal(must(sendfile(target, source, &from, 10)), 0);
	must(fstat(target, &st));
	assert_int_equal(st.st_size, MOVED - 1000);
	assert_int_equal(must(lseek(source, 0, SEEK_SET)), 0);
	must(ftruncate(target, 0));
	assert_int_equal(must(lseek(target, 0, SEEK_SET)), 0);
	for (size_t done = 0; done < MOVED;)
		done += (size_t)must(sendfile(target, source, NULL, MOVED));
	check_file("target", MOVED, 5);
}

static void splice_moves_through_a_pipe(void **state)
{
	int source, target = open_new("target"), pipes[2];
	loff_t from = 0, to = 0;

	(void)state;
	make_file("source", MOVED, 6);
	source = must(open("source", O_RDONLY));
	must(pipe(pipes));
	while (from < MOVED) {
		ssize_t left = must(splice(source, &from, pipes[1], NULL, 65536, 0));

		while (left > 0)
			left -= must(splice(pipes[0], NULL, target, &to, (size_t)left, 0));
	}
	check_file("target", MOVED, 6);
}

static void tee_and_vmsplice_end_in_files(void **state)
{
	static char text[] = "the same bytes twice";
	struct iovec part = {text, strlen(text)};
	int one = open_new("one"), two = open_new("two"), first[2], second[2];

	(void)state;
	must(pipe(first));
	must(pipe(second));
	assert_int_equal(must(vmsplice(first[1], &part, 1, 0)), part.iov_len);
	assert_int_equal(must(tee(first[0], second[1], 100, 0)), part.iov_len);
	assert_int_equal(must(splice(first[0], NULL, one, NULL, 100, 0)), part.iov_len);
	assert_int_equal(must(splice(second[0], NULL, two, NULL, 100, 0)), part.iov_len);
	check_text(one, text);
	check_text(two, text);
}

static void ranges_are_copied_within_and_across_files(void **state)
{
	static const struct {
		off_t from, to;
		size_t length;
	} cases[] = {{0, 0, 1}, {1, 0, 100}, {0, 1, 4096}, {4096, 8192, 4096},
		{100, 131072, 300000}, {131072, 0, 262144}, {333, 777, 500000},
		{0, 1000000, 400000}};
	uint8_t *model = calloc(1, 2000000), *bytes = malloc(2000000);
	int source, target = open_new("target");
	size_t size = 0;

	(void)state;
	make_file("source", 600000, 7);
	source = must(open("source", O_RDONLY));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		off_t from = cases[i].from, to = cases[i].to;
		size_t left = cases[i].length, end = (size_t)to + left;

		while (left)
			left -= (size_t)must(copy_file_range(source, &from, target, &to, left, 0));
		fill_pattern(model + cases[i].to, cases[i].length, (size_t)cases[i].from, 7);
		size = end > size ? end : size;
		assert_int_equal(must(pread(target, bytes, 2000000, 0)), size);
		assert_memory_equal(bytes, model, size);
	}
	for (off_t from = 0, to = 700000; from < 300000;) /* within one */
		must(copy_file_range(target, &from, target, &to, (size_t)(300000 - from), 0));
	memcpy(model + 700000, model, 300000);
	assert_int_equal(must(pread(target, bytes, 2000000, 0)), size);
	assert_memory_equal(bytes, model, size);
	free(model);
	free(bytes);
}

static void advice_is_taken_and_changes_nothing(void **state)
{
	static const int advice[] = {POSIX_FADV_NORMAL, POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
		POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE};
	int fd, pipes[2];

	(void)state;
	make_file("file", 500000, 8);
	fd = must(open("file", O_RDWR));
	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		assert_int_equal(posix_fadvise(fd, 0, 0, advice[i]), 0);
		check_file("file", 500000, 8);
	}
	assert_int_equal(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL), EINVAL);
	assert_int_equal(posix_fadvise(fd, 0, 0, 99), EINVAL);
	must(pipe(pipes));
	assert_int_equal(posix_fadvise(pipes[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
	if (!posix_on_tmpfs()) /* which has nowhere to read ahead from */
		must(readahead(fd, 0, 500000));
	check_file("file", 500000, 8);
}

static void every_kind_of_sync_succeeds(void **state)
{
	int fd = open_with("file", "bytes"), directory = must(open(".", O_RDONLY));
	int synchronous = must(open("file", O_RDWR | O_SYNC));

	(void)state;
	must(fsync(fd));
	must(fdatasync(fd));
	must(syncfs(fd));
	must(fsync(directory));
	must(sync_file_range(fd, 0, 5, SYNC_FILE_RANGE_WRITE));
	assert_int_equal(must(pwrite(synchronous, "BYTES", 5, 0)), 5);
	check_text(fd, "BYTES");
}

/* Many requests at once through io_submit(2): all written, then all read. */
static void linux_aio_reads_and_writes(void **state)
{
	enum { COUNT = 32, PIECE = 16384 };
	uint8_t *bytes = mmap(NULL, 2 * COUNT * PIECE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iocb blocks[COUNT], *list[COUNT];
	struct io_event events[COUNT];
	aio_context_t context = 0;
	int fd = must(open("file", O_RDWR | O_CREAT | O_DIRECT, 0600));

	(void)state;
	must(syscall(SYS_io_setup, COUNT, &context));
	fill_pattern(bytes, COUNT * PIECE, 0, 9);
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < COUNT; i++) {
			blocks[i] = (struct iocb){
				.aio_fildes = (uint32_t)fd,
				.aio_lio_opcode = pass ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE,
				.aio_buf = (uintptr_t)(bytes + (pass * COUNT + i) * PIECE),
				.aio_nbytes = PIECE,
				.aio_offset = (COUNT - 1 - i) * PIECE,
			};
			list[i] = &blocks[i];
		}
		assert_int_equal(must(syscall(SYS_io_submit, context, COUNT, list)), COUNT);
		assert_int_equal(
			must(syscall(SYS_io_getevents, context, COUNT, COUNT, events, NULL)),
			COUNT);
		for (unsigned i = 0; i < COUNT; i++)
			assert_int_equal(events[i].res, PIECE);
	}
	assert_memory_equal(bytes, bytes + COUNT * PIECE, COUNT * PIECE);
	must(syscall(SYS_io_destroy, context));
	must(munmap(bytes, 2 * COUNT * PIECE));
}

/* As little of io_uring as is needed: one request at a time. */
struct ring {
	int fd;
	struct io_uring_params params;
	uint8_t *rings;
	struct io_uring_sqe *entries;
};

static bool ring_open(struct ring *ring)
{
	size_t bytes;

	ring->params = (struct io_uring_params){};
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, &ring->params);
	if (ring->fd < 0)
		return false;
	assert_true(ring->params.features & IORING_FEAT_SINGLE_MMAP);
	bytes = ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe);
	if (bytes < ring->params.sq_off.array + ring->params.sq_entries * sizeof(uint32_t))
		bytes = ring->params.sq_off.array + ring->params.sq_entries * sizeof(uint32_t);
	ring->rings =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->entries = mmap(NULL, ring->params.sq_entries * sizeof(struct io_uring_sqe),
		PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
	assert_true(ring->rings != MAP_FAILED && ring->entries != MAP_FAILED);
	return true;
}

static int ring_do(struct ring *ring, const struct io_uring_sqe *entry)
{
	uint32_t *tail = (uint32_t *)(ring->rings + ring->params.sq_off.tail);
	uint32_t *mask = (uint32_t *)(ring->rings + ring->params.sq_off.ring_mask);
	uint32_t *array = (uint32_t *)(ring->rings + ring->params.sq_off.array);
	uint32_t *head = (uint32_t *)(ring->rings + ring->params.cq_off.head);
	uint32_t *done_mask = (uint32_t *)(ring->rings + ring->params.cq_off.ring_mask);
	struct io_uring_cqe *done = (void *)(ring->rings + ring->params.cq_off.cqes);
	int result;

	ring->entries[*tail & *mask] = *entry;
	array[*tail & *mask] = *tail & *mask;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	assert_int_equal(
		must(syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0)),
		1);
	result = done[*head & *done_mask].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

static void io_uring_reads_and_writes(void **state)
{
	struct io_uring_sqe entry = {};
	char bytes[6] = "";
	struct ring ring;
	int fd = open_new("file");

	(void)state;
	if (!ring_open(&ring))
		skip(); /* not allowed on this machine */
	entry.fd = fd;
	entry.opcode = IORING_OP_WRITE;
	entry.addr = (uintptr_t) "bytes";
	entry.len = 5;
	entry.off = 100000;
	assert_int_equal(ring_do(&ring, &entry), 5);
	entry.opcode = IORING_OP_READ;
	entry.addr = (uintptr_t)bytes;
	assert_int_equal(ring_do(&ring, &entry), 5);
	assert_string_equal(bytes, "bytes");
	entry = (struct io_uring_sqe){.opcode = IORING_OP_FSYNC, .fd = fd};
	assert_int_equal(ring_do(&ring, &entry), 0);
	entry = (struct io_uring_sqe){
		.opcode = IORING_OP_FALLOCATE, .fd = fd, .addr = 200000, .off = 0};
	assert_int_equal(ring_do(&ring, &entry), 0);
	assert_int_equal(stat_of("file").st_size, 200000);
	entry = (struct io_uring_sqe){.opcode = IORING_OP_RENAMEAT,
		.fd = AT_FDCWD,
		.len = (uint32_t)AT_FDCWD,
		.addr = (uintptr_t) "file",
		.off = (uintptr_t) "renamed"};
	assert_int_equal(ring_do(&ring, &entry), 0);
	assert_int_equal(stat_of("renamed").st_size, 200000);
	must(close(ring.fd));
}

static void files_are_always_ready(void **state)
{
	struct pollfd ready = {.fd = open_new("file"), .events = POLLIN | POLLOUT};
	int count;

	(void)state;
	assert_int_equal(must(poll(&ready, 1, 0)), 1);
	assert_int_equal(ready.revents, POLLIN | POLLOUT);
	assert_int_equal(must(pwrite(ready.fd, "bytes", 5, 0)), 5);
	must(ioctl(ready.fd, FIONREAD, &count));
	assert_int_equal(count, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		posix_test(appended_records_of_processes_stay_whole),
		posix_test(appended_records_of_threads_stay_whole),
		posix_test(appending_ignores_the_offset),
		posix_test(sendfile_moves_between_files),
		posix_test(splice_moves_through_a_pipe),
		posix_test(tee_and_vmsplice_end_in_files),
		posix_test(ranges_are_copied_within_and_across_files),
		posix_test(advice_is_taken_and_changes_nothing),
		posix_test(every_kind_of_sync_succeeds),
		posix_test(linux_aio_reads_and_writes),
		posix_test(io_uring_reads_and_writes),
		posix_test(files_are_always_ready),
	};

	return posix_run(tests);
}
