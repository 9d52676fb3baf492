/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Copies within and between files: what they bring, what they leave alone, and what moves over the
 * bus for them: nothing, where files lie alike.
 */
#include "fixture.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <unistd.h>

#define REGION (12 * MIB)

static struct volume volume;
static struct client client;
static struct fs *fs;
static uint32_t fragment;

static int set_up(void **state)
{
	volume = volume_open(*(enum rs_code *)*state, REGION);
	client = client_open(&volume);
	fs = volume.fs;
	fragment = volume.fragment.bytes;
	leave_former_bytes(&volume, &client);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	client_close(&client);
	volume_close(&volume);
	return 0;
}

static ssize_t copy(
	uint64_t from, uint64_t from_offset, uint64_t to, uint64_t to_offset, uint64_t length)
{
	return client_copy(&client, from, from_offset, to, to_offset, length);
}

/* A file of LENGTH bytes that all differ from their neighbours, also in other lines and blocks. */
static uint8_t pattern_at(uint64_t offset)
{
	return (uint8_t)(offset * 7 + offset / 128 * 3 + offset / 131072 * 11 + 1);
}

static void write_pattern(uint64_t file, uint64_t offset, uint64_t length)
{
	for (uint64_t at = offset; at < offset + length; at += FS_IO_MAX) {
		uint64_t count =
			offset + length - at < FS_IO_MAX ? offset + length - at : FS_IO_MAX;
		for (uint64_t i = 0; i < count; i++)
			client.bytes[i] = pattern_at(at + i);
		assert_int_equal(client_write(&client, file, at, count), count);
	}
}

/* Are the LENGTH bytes at OFFSET those that the pattern has at ORIGIN? */
static bool has_pattern(uint64_t file, uint64_t offset, uint64_t length, uint64_t origin)
{
	for (uint64_t at = 0; at < length; at += FS_IO_MAX) {
		uint64_t count = length - at < FS_IO_MAX ? length - at : FS_IO_MAX;
		if (client_read(&client, file, offset + at, count) != (ssize_t)count)
			return false;
		for (uint64_t i = 0; i < count; i++)
			if (client.bytes[i] != pattern_at(origin + at + i))
				return false;
	}
	return true;
}

static uint64_t new_file(const char *name)
{
	return make_file(fs, FS_ROOT, name, FORGET);
}

static uint64_t bytes_moved(void)
{
	struct store_counters counters;
	store_counters(volume.store, &counters);
	return counters.read_bytes + counters.written_bytes;
}

static void a_whole_file_moves_on_the_device_only(void **state)
{
	(void)state;
	uint64_t sizes[] = {1, fragment - 1, fragment, fragment + 1, volume.payload,
		3 * volume.payload + 5 * fragment + 77, 20 * volume.payload};
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t from = new_file("from"), to = new_file("to");
		write_pattern(from, 0, sizes[i]);
		uint64_t moved = bytes_moved();
		/* as cp asks */
		assert_int_equal(copy(from, 0, to, 0, INT64_MAX), sizes[i]);
		assert_int_equal(copy(from, sizes[i], to, sizes[i], INT64_MAX), 0);
		assert_int_equal(bytes_moved(), moved);
		assert_int_equal(attr_of(fs, to).size, sizes[i]);
		assert_int_equal(attr_of(fs, to).blocks_512, attr_of(fs, from).blocks_512);
		assert_true(has_pattern(to, 0, sizes[i], 0));
		/* what follows the end stays zero when the copy grows */
		assert_int_equal(truncate_to(fs, to, sizes[i] + 300), 0);
		assert_int_equal(client_count_other(&client, to, sizes[i], 300, 0), 0);
		remove_tree(fs, FS_ROOT);
	}
}

static void to_another_place_of_a_block_nothing_moves_either(void **state)
{
	(void)state;
	uint64_t from = new_file("from"), to = new_file("to");
	uint64_t length = 5 * (uint64_t)volume.payload;
	write_pattern(from, 0, length);
	uint64_t moved = bytes_moved();
	assert_int_equal(
		copy(from, 3 * fragment, to, 14 * fragment, length), length - 3 * fragment);
	assert_int_equal(bytes_moved(), moved);
	assert_true(has_pattern(to, 14 * fragment, length - 3 * fragment, 3 * fragment));
	assert_int_equal(client_count_other(&client, to, 0, 14 * fragment, 0), 0);
	/* within the file, one part beside the other */
	moved = bytes_moved();
	assert_int_equal(copy(from, 0, from, length, length), length);
	assert_int_equal(copy(from, 2 * fragment, from, 0, fragment), fragment);
	assert_int_equal(bytes_moved(), moved);
	assert_true(has_pattern(from, length, length, 0));
	assert_true(has_pattern(from, 0, fragment, 2 * fragment));
	assert_true(has_pattern(from, fragment, length - fragment, fragment));
}

/* Where every other fragment of the region is taken, none lies beside the one before. */
static void a_scattered_file_is_several_jobs(void **state)
{
	(void)state;
	uint64_t filler = new_file("filler"), from = new_file("from"), to = new_file("to");
	uint64_t length = 600 * (uint64_t)fragment, all = free_fragments(&volume);
	assert_int_equal(client_fill(&client, filler, 0, all * fragment, 1), all * fragment);
	for (uint64_t i = 0; i < all; i += 2)
		assert_int_equal(
			fs_allocate(fs, client.queue, filler,
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, i * fragment, fragment),
			0);
	write_pattern(from, 0, length);
	struct store_counters before, after;
	store_counters(volume.store, &before);
	assert_int_equal(copy(from, 0, to, 0, INT64_MAX), length);
	store_counters(volume.store, &after);
	assert_true(after.jobs - before.jobs >= 3);
	assert_int_equal(after.read_bytes, before.read_bytes);
	assert_int_equal(after.written_bytes, before.written_bytes);
	assert_true(has_pattern(to, 0, length, 0));
	for (uint64_t i = 1; i < all; i += 2)
		assert_int_equal(client_count_other(&client, filler, i * fragment, fragment, 1), 0);
}

static void in_the_middle_of_a_file_only_the_edges_move(void **state)
{
	(void)state;
	uint64_t from = new_file("from"), to = new_file("to");
	uint64_t length = 4 * (uint64_t)volume.payload;
	write_pattern(from, 0, length);
	assert_int_equal(client_fill(&client, to, 0, length, 9), length);
	uint64_t moved = bytes_moved();
	assert_int_equal(copy(from, 100, to, 100 + fragment, length / 2), length / 2);
	assert_true(bytes_moved() - moved <= 4 * fragment);
	assert_int_equal(attr_of(fs, to).size, length);
	assert_int_equal(client_count_other(&client, to, 0, 100 + fragment, 9), 0);
	assert_true(has_pattern(to, 100 + fragment, length / 2, 100));
	uint64_t behind = 100 + fragment + length / 2;
	assert_int_equal(client_count_other(&client, to, behind, length - behind, 9), 0);
}

static void holes_become_holes(void **state)
{
	(void)state;
	uint64_t from = new_file("from"), to = new_file("to"), next;
	uint64_t far = (uint64_t)volume.payload * 1000, length = far + 10 * fragment;
	assert_int_equal(truncate_to(fs, from, length), 0);
	write_pattern(from, 3 * fragment, fragment);
	write_pattern(from, far, 100);
	/* in the way of holes and of data */
	assert_int_equal(client_fill(&client, to, 0, 9 * fragment, 9), 9 * fragment);
	for (unsigned odd = 0; odd < 2; odd++) {
		assert_int_equal(copy(from, 0, to, odd, length), length);
		assert_int_equal(attr_of(fs, to).size, length + odd);
		assert_true(has_pattern(to, 3 * fragment + odd, fragment, 3 * fragment));
		assert_true(has_pattern(to, far + odd, 100, far));
		assert_int_equal(client_count_other(&client, to, odd, 3 * fragment, 0), 0);
		assert_int_equal(
			client_count_other(&client, to, 4 * fragment + odd, 9 * fragment, 0), 0);
		assert_int_equal(fs_seek(fs, to, 2 * fragment, SEEK_DATA, &next), 0);
		assert_int_equal(next, 3 * fragment);
		assert_int_equal(fs_seek(fs, to, 4 * fragment + odd, SEEK_HOLE, &next), 0);
		assert_int_equal(next, (4 + odd) * fragment);
		assert_int_equal(fs_seek(fs, to, 6 * fragment, SEEK_DATA, &next), 0);
		assert_int_equal(next, far);
	}
	/* The end of the file in a hole, with bytes of the target where it ends. */
	uint64_t short_hole = new_file("hole");
	assert_int_equal(truncate_to(fs, short_hole, fragment + 50), 0);
	assert_int_equal(client_fill(&client, to, 0, 3 * fragment, 9), 3 * fragment);
	assert_int_equal(copy(short_hole, 0, to, 0, INT64_MAX), fragment + 50);
	assert_int_equal(client_count_other(&client, to, 0, fragment + 50, 0), 0);
	assert_int_equal(client_count_other(&client, to, fragment + 50, 2 * fragment - 50, 9), 0);
	/* What is allocated and not written is a hole to a copy. */
	assert_int_equal(fs_allocate(fs, client.queue, short_hole, 0, 0, fragment), 0);
	assert_int_equal(truncate_to(fs, to, 0), 0);
	assert_int_equal(copy(short_hole, 0, to, 0, INT64_MAX), fragment + 50);
	assert_int_equal(attr_of(fs, to).blocks_512, 0);
}

static void lengths_and_offsets_at_their_limits(void **state)
{
	(void)state;
	uint64_t file = new_file("file"), other = new_file("other");
	uint64_t directory = make_directory(fs, FS_ROOT, "directory", FORGET);
	write_pattern(file, 0, 10000);
	struct fs_attr before = attr_of(fs, other);
	assert_int_equal(copy(file, 0, other, 0, 0), 0);
	assert_int_equal(copy(file, 10000, other, 0, 1), 0);
	assert_int_equal(copy(file, INT64_MAX, other, 0, 1), 0);
	assert_int_equal(copy(file, UINT64_MAX, other, 0, UINT64_MAX), 0);
	assert_int_equal(copy(file, 0, other, INT64_MAX, 1), -EFBIG);
	assert_int_equal(copy(file, 0, other, UINT64_MAX, 1), -EFBIG);
	assert_int_equal(copy(file, 0, directory, 0, 1), -EINVAL);
	assert_int_equal(copy(directory, 0, file, 0, 1), -EINVAL);
	assert_int_equal(copy(file, 0, 999999, 0, 1), -ENOENT);
	assert_int_equal(copy(999999, 0, file, 0, 1), -ENOENT);
	struct fs_attr after = attr_of(fs, other);
	assert_memory_equal(&before, &after, sizeof(before));
	/* In one file: beside each other is allowed, a byte of overlap is not. */
	assert_int_equal(copy(file, 0, file, 0, 1), -EINVAL);
	assert_int_equal(copy(file, 0, file, 5000, 5001), -EINVAL);
	assert_int_equal(copy(file, 5000, file, 0, 5001), 5000); /* the end cuts it to 5000 */
	assert_int_equal(copy(file, 4000, file, 0, 4001), -EINVAL);
	write_pattern(file, 0, 10000);
	assert_int_equal(copy(file, 0, file, 5000, 5000), 5000);
	assert_true(has_pattern(file, 5000, 5000, 0));
	/* The last bytes that a file can have. */
	assert_int_equal(copy(file, 0, other, INT64_MAX - 3, 10), 3);
	assert_int_equal(attr_of(fs, other).size, INT64_MAX);
	assert_true(has_pattern(other, INT64_MAX - 3, 3, 0));
	assert_int_equal(copy(other, INT64_MAX - 3, file, 100, 10), 3);
	assert_true(has_pattern(file, 100, 3, 0));
}

static void a_copy_is_a_write_to_the_target(void **state)
{
	(void)state;
	uint64_t file = new_file("file"), other = new_file("other");
	struct fs_changes changes = {.valid = FS_SET_MODE | FS_SET_MTIME | FS_SET_ATIME,
		.mode = 06755,
		.mtime = {.tv_sec = 1000},
		.atime = {.tv_sec = 1000}};
	struct fs_attr attr;
	write_pattern(file, 0, 2 * fragment);
	for (unsigned kill = 0; kill < 2; kill++) {
		assert_int_equal(fs_set_attr(fs, other, &changes, &attr), 0);
		assert_int_equal(
			fs_set_xattr(fs, other, name_of("security.capability"), "x", 1, 0), 0);
		struct fs_copy copy = {.from = file,
			.to = other,
			.length = 2 * fragment,
			.buffer = client.buffer,
			.capacity = 4096,
			.kill_suidgid = kill};
		assert_int_equal(fs_copy(fs, client.queue, &copy), 2 * fragment);
		attr = attr_of(fs, other);
		assert_int_equal(attr.mode & 07777, kill ? 0755 : 06755);
		assert_true(attr.mtime.tv_sec > 1000);
		assert_true(attr.ctime.tv_sec > 1000);
		assert_int_equal(attr.atime.tv_sec, 1000);
		assert_int_equal(
			fs_get_xattr(fs, other, name_of("security.capability"), NULL, 0), -ENODATA);
	}
	assert_int_equal(fs_set_flags(fs, other, FS_IMMUTABLE_FL), 0);
	assert_int_equal(copy(file, 0, other, 0, fragment), -EPERM);
	assert_int_equal(copy(other, 0, file, 0, fragment), fragment);
	assert_int_equal(fs_set_flags(fs, other, 0), 0);
}

/* Fill what is free, but for COUNT fragments at the end of the region's last file. */
static uint64_t leave_free(uint64_t count)
{
	uint64_t filler = new_file("filler");
	uint64_t free = free_fragments(&volume) - count;
	assert_int_equal(client_fill(&client, filler, 0, free * fragment, 1), free * fragment);
	assert_int_equal(free_fragments(&volume), count);
	return filler;
}

static void where_space_ends_a_copy_ends(void **state)
{
	(void)state;
	uint64_t from = new_file("from"), to = new_file("to");
	write_pattern(from, 0, 40 * fragment);
	assert_int_equal(client_fill(&client, to, 0, 60 * fragment, 9), 60 * fragment);
	assert_int_equal(truncate_to(fs, to, 5 * fragment), 0);
	leave_free(7);
	assert_int_equal(copy(from, 0, to, 0, INT64_MAX), 12 * fragment);
	assert_int_equal(attr_of(fs, to).size, 12 * fragment);
	assert_true(has_pattern(to, 0, 12 * fragment, 0));
	assert_int_equal(free_fragments(&volume), 0);
	assert_int_equal(copy(from, 12 * fragment, to, 12 * fragment, INT64_MAX), -ENOSPC);
	assert_int_equal(copy(from, 1, to, 12 * fragment, INT64_MAX), -ENOSPC);
	assert_int_equal(attr_of(fs, to).size, 12 * fragment);
	/* what it has it can overwrite, and holes need no space */
	assert_int_equal(copy(from, 20 * fragment, to, 0, 12 * fragment), 12 * fragment);
	assert_true(has_pattern(to, 0, 12 * fragment, 20 * fragment));
	assert_int_equal(truncate_to(fs, from, 0), 0);
	assert_int_equal(truncate_to(fs, from, 60 * fragment), 0);
	assert_int_equal(copy(from, 0, to, 0, INT64_MAX), 60 * fragment);
	assert_int_equal(client_count_other(&client, to, 0, 60 * fragment, 0), 0);
	assert_int_equal(attr_of(fs, to).blocks_512, 0);
}

static void a_failed_launch_damages_what_was_to_be_copied(void **state)
{
	(void)state;
	uint64_t from = new_file("from"), to = new_file("to");
	uint64_t length = 3 * (uint64_t)volume.payload;
	write_pattern(from, 0, length);
	assert_int_equal(client_fill(&client, to, 0, length, 9), length);
	store_fail_launches(volume.store, 1);
	assert_int_equal(copy(from, 0, to, 10 * fragment, 20 * fragment), -EIO);
	assert_true(has_pattern(from, 0, length, 0));
	assert_int_equal(client_count_other(&client, to, 0, 10 * fragment, 9), 0);
	assert_int_equal(client_count_other(&client, to, 30 * fragment, 40 * fragment, 9), 0);
	for (unsigned i = 10; i < 30; i++)
		assert_int_equal(client_read(&client, to, i * fragment + i, 1), -EIO);
	/* damage is passed on, and ends where the target is written anew */
	uint64_t third = new_file("third");
	assert_int_equal(copy(to, 0, third, 0, INT64_MAX), -EIO);
	assert_int_equal(client_read(&client, third, 10 * fragment, 1), -EIO);
	assert_int_equal(client_count_other(&client, third, 0, 10 * fragment, 9), 0);
	assert_int_equal(copy(from, 0, to, 0, INT64_MAX), length);
	assert_true(has_pattern(to, 0, length, 0));
	assert_int_equal(copy(to, 0, third, 0, INT64_MAX), length);
	assert_true(has_pattern(third, 0, length, 0));
	/* the bytes at the edges fail as reads and writes do */
	store_fail_launches(volume.store, 1);
	assert_int_equal(copy(from, 1, to, 1, 100), -EIO);
	assert_true(has_pattern(from, 0, length, 0));
}

/* Flip bits in that many bytes of every line. */
static void inject(unsigned errors, uint64_t seed)
{
	struct store_sweep damage = {.seed = seed, .inject_errors = errors, .inject_every = 1};
	struct store_sweep_totals totals;
	uint32_t blocks = (uint32_t)volume.blocks;
	assert_int_equal(store_sweep(volume.store, KERNEL_INJECT, 0, blocks, &damage, &totals), 0);
}

static void lost_lines_stay_lost_in_the_copy(void **state)
{
	(void)state;
	uint64_t from = new_file("from"), to = new_file("to"), good = new_file("good");
	write_pattern(from, 0, 5 * fragment);
	inject(5, 3);
	write_pattern(from, 2 * fragment, fragment);
	write_pattern(good, 0, 5 * fragment);
	assert_int_equal(client_read(&client, from, 0, 1), -EIO);
	assert_int_equal(copy(from, 0, to, 0, INT64_MAX), -EIO);
	assert_int_equal(client_read(&client, to, 0, 1), -EIO);
	assert_true(has_pattern(to, 2 * fragment, fragment, 2 * fragment));
	assert_int_equal(client_read(&client, to, 4 * fragment, 1), -EIO);
	assert_int_equal(copy(good, 0, to, 0, INT64_MAX), 5 * fragment);
	assert_true(has_pattern(to, 0, 5 * fragment, 0));
}

/* Correctable errors in the source are none in the copy. */
static void errors_are_corrected_on_the_way(void **state)
{
	(void)state;
	uint64_t from = new_file("from"), to = new_file("to");
	write_pattern(from, 0, 2 * (uint64_t)volume.payload);
	inject(4, 4);
	assert_int_equal(copy(from, 0, to, 0, INT64_MAX), 2 * volume.payload);
	inject(4, 5);
	assert_true(has_pattern(to, 0, 2 * (uint64_t)volume.payload, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_CODES(a_whole_file_moves_on_the_device_only, set_up),
		ON_BOTH_CODES(to_another_place_of_a_block_nothing_moves_either, set_up),
		ON_BOTH_CODES(a_scattered_file_is_several_jobs, set_up),
		ON_BOTH_CODES(in_the_middle_of_a_file_only_the_edges_move, set_up),
		ON_BOTH_CODES(holes_become_holes, set_up),
		ON_BOTH_CODES(lengths_and_offsets_at_their_limits, set_up),
		ON_BOTH_CODES(a_copy_is_a_write_to_the_target, set_up),
		ON_BOTH_CODES(where_space_ends_a_copy_ends, set_up),
		ON_BOTH_CODES(a_failed_launch_damages_what_was_to_be_copied, set_up),
		ON_BOTH_CODES(lost_lines_stay_lost_in_the_copy, set_up),
		ON_BOTH_CODES(errors_are_corrected_on_the_way, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
