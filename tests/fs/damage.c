/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * When the device fails, or lines are beyond repair: -EIO, never wrong bytes, until the bytes are
 * written anew.
 */
#include "fixture.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>

static struct volume volume;
static struct client client;
static struct fs *fs;
static uint64_t file;

static int set_up(void **state)
{
	volume = volume_open(*(enum rs_code *)*state, 8 * MIB);
	client = client_open(&volume);
	fs = volume.fs;
	leave_former_bytes(&volume, &client);
	file = make_file(fs, FS_ROOT, "file", FORGET);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	client_close(&client);
	volume_close(&volume);
	return 0;
}

static void failed_write_is_not_readable(void **state)
{
	(void)state;
	uint64_t other = make_file(fs, FS_ROOT, "other", FORGET);
	assert_int_equal(client_fill(&client, other, 0, 10000, 5), 10000);
	store_fail_launches(volume.store, 1);
	assert_int_equal(client_fill(&client, file, 0, 100000, 1), -EIO);
	assert_int_equal(client_read(&client, file, 0, 100000), -EIO);
	assert_int_equal(client_read(&client, file, 99999, 1), -EIO);
	/* a write of a part makes the fragments sound that it covers whole, and no other */
	uint32_t shared = 50000 / volume.fragment.bytes * volume.fragment.bytes;
	assert_int_equal(client_fill(&client, file, 0, 50000, 2), 50000);
	assert_int_equal(client_count_other(&client, file, 0, shared, 2), 0);
	assert_int_equal(client_read(&client, file, shared, 1), -EIO);
	assert_int_equal(client_read(&client, file, 60000, 1), -EIO);
	assert_int_equal(client_fill(&client, file, 50000, 60000, 2), 60000);
	assert_int_equal(client_read(&client, file, shared - 1, 2), -EIO);
	assert_int_equal(client_read(&client, file, 50000, 1), -EIO);
	shared += volume.fragment.bytes;
	assert_int_equal(client_count_other(&client, file, shared, 110000 - shared, 2), 0);
	assert_int_equal(truncate_to(fs, file, 100000), 0);
	/* other files are not touched, though they share the block */
	assert_int_equal(client_count_other(&client, other, 0, 10000, 5), 0);
	/* one of all that is there makes all of it sound */
	assert_int_equal(client_fill(&client, file, 0, 100000, 3), 100000);
	assert_int_equal(client_count_other(&client, file, 0, 100000, 3), 0);
}

static void failed_write_ends_with_its_blocks(void **state)
{
	(void)state;
	int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	uint32_t payload = volume.payload;
	store_fail_launches(volume.store, 1);
	assert_int_equal(client_fill(&client, file, payload - 10, payload, 1), -EIO);
	assert_int_equal(client_read(&client, file, 0, payload), -EIO);
	assert_int_equal(client_read(&client, file, payload, 10), -EIO);
	assert_int_equal(fs_allocate(fs, client.queue, file, punch, 0, payload), 0);
	assert_int_equal(client_count_other(&client, file, 0, payload, 0), 0);
	assert_int_equal(client_read(&client, file, payload, 10), -EIO);
	assert_int_equal(truncate_to(fs, file, 0), 0);
	/* the blocks are as good as any for whoever gets them next */
	size_t capacity = volume.blocks * payload;
	assert_int_equal(client_fill(&client, file, 0, capacity, 6), capacity);
	assert_int_equal(client_count_other(&client, file, 0, capacity, 6), 0);
}

/* What has become unwritten reads as zeros, whatever became of the device's bytes. */
static void zeroed_range_is_sound(void **state)
{
	(void)state;
	uint32_t payload = volume.payload;
	store_fail_launches(volume.store, 1);
	assert_int_equal(client_fill(&client, file, 0, payload, 1), -EIO);
	assert_int_equal(fs_allocate(fs, client.queue, file, FALLOC_FL_ZERO_RANGE, 0, payload), 0);
	assert_int_equal(client_count_other(&client, file, 0, payload, 0), 0);
}

static void failed_zeroing_is_not_readable(void **state)
{
	(void)state;
	int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	assert_int_equal(client_fill(&client, file, 0, 10000, 1), 10000);
	store_fail_launches(volume.store, 1);
	assert_int_equal(fs_allocate(fs, client.queue, file, punch, 1000, 5000), -EIO);
	assert_int_equal(client_read(&client, file, 0, 10000), -EIO);
	assert_int_equal(client_fill(&client, file, 0, 10000, 2), 10000);
	assert_int_equal(fs_allocate(fs, client.queue, file, punch, 1000, 5000), 0);
	assert_int_equal(client_count_other(&client, file, 1000, 5000, 0), 0);
}

static void failed_read_harms_nothing(void **state)
{
	(void)state;
	assert_int_equal(client_fill(&client, file, 0, 100000, 4), 100000);
	store_fail_launches(volume.store, 1);
	assert_int_equal(client_read(&client, file, 0, 100000), -EIO);
	assert_int_equal(client_count_other(&client, file, 0, 100000, 4), 0);
}

/* A cut that could not zero what follows it has happened all the same, and nothing of what followed
 * is ever shown. */
static void failed_zeroing_behind_a_cut_is_not_readable(void **state)
{
	(void)state;
	uint32_t bytes = volume.fragment.bytes;
	assert_int_equal(client_fill(&client, file, 0, 3 * bytes, 1), 3 * bytes);
	store_fail_launches(volume.store, 1);
	assert_int_equal(truncate_to(fs, file, bytes + 1000), 0);
	assert_int_equal(attr_of(fs, file).size, bytes + 1000);
	assert_int_equal(truncate_to(fs, file, 3 * bytes), 0);
	assert_int_equal(client_read(&client, file, 2 * bytes - 1, 1), -EIO);
	assert_int_equal(client_read(&client, file, bytes, 1), -EIO);
	assert_int_equal(client_count_other(&client, file, 0, bytes, 1), 0);
	assert_int_equal(client_count_other(&client, file, 2 * bytes, bytes, 0), 0);
	assert_int_equal(truncate_to(fs, file, bytes), 0);
	assert_int_equal(truncate_to(fs, file, 3 * bytes), 0);
	assert_int_equal(client_count_other(&client, file, bytes, 2 * bytes, 0), 0);
}

/* A file in pieces, and another between them; FILE lacks its last fragment, whose write will gather
 * it into one block. */
static void grow_in_turn(void)
{
	uint32_t bytes = volume.fragment.bytes;
	uint64_t other = make_file(fs, FS_ROOT, "other", FORGET);
	for (uint32_t i = 0; i < volume.fragment.per_block - 1; i++) {
		assert_int_equal(client_fill(&client, file, i * bytes, bytes, 1), bytes);
		assert_int_equal(client_fill(&client, other, i * bytes, bytes, 2), bytes);
	}
	assert_int_equal(client_fill(&client, other, 0, 1, 2), 1);
}

static void damage_is_gathered_as_it_is(void **state)
{
	(void)state;
	uint32_t bytes = volume.fragment.bytes, last = volume.fragment.per_block - 1;
	grow_in_turn();
	store_fail_launches(volume.store, 1);
	assert_int_equal(client_fill(&client, file, 5 * bytes, bytes, 3), -EIO);
	assert_int_equal(client_fill(&client, file, last * bytes, bytes, 1), bytes);
	assert_int_equal(client_count_other(&client, file, 0, 5 * bytes, 1), 0);
	assert_int_equal(client_read(&client, file, 6 * bytes - 1, 1), -EIO);
	assert_int_equal(client_count_other(&client, file, 6 * bytes, (last - 5) * bytes, 1), 0);
	/* whoever has its former fragments now has them sound */
	uint64_t next = make_file(fs, FS_ROOT, "next", FORGET);
	size_t rest = free_fragments(&volume) * bytes;
	assert_int_equal(client_fill(&client, next, 0, rest, 4), rest);
	assert_int_equal(client_count_other(&client, next, 0, rest, 4), 0);
	assert_int_equal(client_fill(&client, file, 5 * bytes, bytes, 1), bytes);
	assert_int_equal(client_count_other(&client, file, 0, volume.payload, 1), 0);
}

/* Whatever became of what its former owner wrote there. */
static void gathering_makes_its_block_sound(void **state)
{
	(void)state;
	uint32_t bytes = volume.fragment.bytes, last = volume.fragment.per_block - 1;
	uint64_t failed = make_file(fs, FS_ROOT, "failed", FORGET);
	size_t rest = free_fragments(&volume) * bytes;
	for (size_t at = 0; at < rest; at += FS_IO_MAX) {
		store_fail_launches(volume.store, 1);
		assert_int_equal(client_write(&client, failed, at, FS_IO_MAX), -EIO);
	}
	assert_int_equal(free_fragments(&volume), 0);
	assert_int_equal(fs_unlink(fs, FS_ROOT, name_of("failed")), 0);
	grow_in_turn();
	assert_int_equal(client_fill(&client, file, last * bytes, bytes, 1), bytes);
	assert_int_equal(client_count_other(&client, file, 0, volume.payload, 1), 0);
}

/* The write's launch, or that of the copy behind it. */
static void failed_gathering_is_not_readable(void **state)
{
	(void)state;
	uint32_t bytes = volume.fragment.bytes, last = volume.fragment.per_block - 1;
	grow_in_turn();
	store_fail_launches(volume.store, 2);
	assert_int_equal(client_fill(&client, file, last * bytes, bytes, 1), -EIO);
	for (uint32_t i = 0; i <= last; i++)
		assert_int_equal(client_read(&client, file, i * bytes, 1), -EIO);
	assert_int_equal(client_fill(&client, file, 0, volume.payload, 5), volume.payload);
	assert_int_equal(client_count_other(&client, file, 0, volume.payload, 5), 0);
}

struct ends {
	unsigned count;
	ssize_t results[2];
};

static void io_ended(struct fs_io *io, ssize_t result)
{
	struct ends *ends = io->user;
	ends->results[ends->count++] = result;
}

/* A read that was submitted behind a write, before that failed, must not show what it left. */
static void read_behind_a_failing_write_fails(void **state)
{
	(void)state;
	for (unsigned run = 0; run < 50; run++) {
		struct ends ends = {.count = 0};
		struct fs_io write = {
			.ino = file,
			.length = 90000,
			.buffer = client.buffer,
			.done = io_ended,
			.user = &ends,
		};
		struct fs_io read = write;
		read.buffer_offset = 100000;
		assert_int_equal(truncate_to(fs, file, 0), 0);
		store_fail_launches(volume.store, 1);
		fs_write(fs, client.queue, &write);
		fs_read(fs, client.queue, &read);
		while (ends.count < 2)
			store_wait(client.queue);
		assert_int_equal(ends.results[0], -EIO);
		assert_int_equal(ends.results[1], -EIO);
	}
}

static void damage(unsigned errors)
{
	struct store_sweep sweep = {.seed = 11, .inject_errors = errors, .inject_every = 1};
	struct store_sweep_totals totals;
	REQUIRE(!store_sweep(
		volume.store, KERNEL_INJECT, 0, (uint32_t)volume.blocks, &sweep, &totals));
	assert_true(totals.flagged > 0);
}

static void repairable_damage_is_not_noticed(void **state)
{
	(void)state;
	for (unsigned errors = 1; errors <= 4; errors++) {
		assert_int_equal(client_fill(&client, file, 3, 200000, 7), 200000);
		damage(errors);
		/* a partial write merges with repaired bytes */
		assert_int_equal(client_fill(&client, file, 1000, 50, 7), 50);
		assert_int_equal(client_count_other(&client, file, 3, 200000, 7), 0);
	}
}

static void lost_lines_fail_until_overwritten(void **state)
{
	(void)state;
	assert_int_equal(client_fill(&client, file, 0, 100000, 7), 100000);
	damage(6);
	assert_int_equal(client_read(&client, file, 0, 100000), -EIO);
	/* merging with lost bytes is impossible; the lines it covers whole it writes all the same
	 */
	assert_int_equal(client_fill(&client, file, 1001, 5000, 8), -EIO);
	assert_int_equal(client_count_other(&client, file, 1201, 4500, 8), 0);
	assert_int_equal(client_read(&client, file, 1001, 1), -EIO);
	assert_int_equal(client_fill(&client, file, 0, 100000, 9), 100000);
	assert_int_equal(client_count_other(&client, file, 0, 100000, 9), 0);
}

/* Growing a file within a line that is lost must not show what follows in the block. */
static void append_to_a_lost_line_fails(void **state)
{
	(void)state;
	assert_int_equal(client_fill(&client, file, 0, 1001, 7), 1001);
	damage(6);
	assert_int_equal(client_fill(&client, file, 1001, 5000, 8), -EIO);
	assert_int_equal(client_read(&client, file, 1002, 1), -EIO);
	assert_int_equal(client_count_other(&client, file, 1201, 4800, 8), 0);
	assert_int_equal(truncate_to(fs, file, 0), 0);
	assert_int_equal(client_fill(&client, file, 0, 2000, 5), 2000);
	assert_int_equal(client_count_other(&client, file, 0, 2000, 5), 0);
}

/* A lost line is moved as one, and does not fail the write that made the file move. */
static void lost_lines_are_gathered_as_they_are(void **state)
{
	(void)state;
	uint32_t bytes = volume.fragment.bytes, last = volume.fragment.per_block - 1;
	grow_in_turn();
	damage(6);
	assert_int_equal(client_fill(&client, file, last * bytes, bytes, 1), bytes);
	/* by fragments, because some lines with 6 errors are close to another codeword */
	for (uint32_t i = 0; i < last; i++)
		assert_int_equal(client_read(&client, file, i * bytes, bytes), -EIO);
	assert_int_equal(client_count_other(&client, file, last * bytes, bytes, 1), 0);
	assert_int_equal(client_fill(&client, file, 0, last * bytes, 1), last * bytes);
	assert_int_equal(client_count_other(&client, file, 0, volume.payload, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_CODES(failed_write_is_not_readable, set_up),
		ON_BOTH_CODES(failed_write_ends_with_its_blocks, set_up),
		ON_BOTH_CODES(zeroed_range_is_sound, set_up),
		ON_BOTH_CODES(failed_zeroing_is_not_readable, set_up),
		ON_BOTH_CODES(failed_zeroing_behind_a_cut_is_not_readable, set_up),
		ON_BOTH_CODES(damage_is_gathered_as_it_is, set_up),
		ON_BOTH_CODES(gathering_makes_its_block_sound, set_up),
		ON_BOTH_CODES(failed_gathering_is_not_readable, set_up),
		ON_BOTH_CODES(lost_lines_are_gathered_as_they_are, set_up),
		ON_BOTH_CODES(failed_read_harms_nothing, set_up),
		ON_BOTH_CODES(read_behind_a_failing_write_fails, set_up),
		ON_BOTH_CODES(repairable_damage_is_not_noticed, set_up),
		ON_BOTH_CODES(lost_lines_fail_until_overwritten, set_up),
		ON_BOTH_CODES(append_to_a_lost_line_fails, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
