/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/* Blocks: former owners' bytes stay unseen, a full region, holes, and offsets up to 8 EiB. */
#include "fixture.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <unistd.h>

#define REGION (8 * MIB)

static struct volume volume;
static struct client client;
static struct fs *fs;
static uint64_t fragments; /* in all */

static int set_up(void **state)
{
	volume = volume_open(*(enum rs_code *)*state, REGION);
	client = client_open(&volume);
	fs = volume.fs;
	fragments = free_fragments(&volume);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	client_close(&client);
	volume_close(&volume);
	return 0;
}

/* A file that holds all blocks that are free. */
static uint64_t fill_region(const char *name)
{
	uint64_t file = make_file(fs, FS_ROOT, name, FORGET);
	size_t capacity = free_fragments(&volume) * volume.fragment.bytes;
	assert_int_equal(client_fill(&client, file, 0, capacity + MIB, 0xaa), capacity);
	assert_int_equal(free_fragments(&volume), 0);
	return file;
}

static int allocate(uint64_t file, int mode, uint64_t offset, uint64_t length)
{
	return fs_allocate(fs, client.queue, file, mode, offset, length);
}

/* Every block was another file's; whatever way a file comes to cover bytes that it did not write,
 * they are zeros. */
static void former_bytes_are_never_shown(void **state)
{
	(void)state;
	uint32_t payload = volume.payload;
	fill_region("former");
	assert_int_equal(fs_unlink(fs, FS_ROOT, name_of("former")), 0);
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET);
	for (uint64_t block = 0; block < volume.blocks - 1; block++) {
		uint64_t start = block * payload;
		switch (block % 6) {
		case 0: /* one byte in the middle of a line, the rest a hole */
			assert_int_equal(client_fill(&client, file, start + 50001, 1, 0), 1);
			break;
		case 1: /* the same behind what is there */
			assert_int_equal(client_fill(&client, file, start + 1, 1, 0), 1);
			assert_int_equal(client_fill(&client, file, start + 777, 99, 0), 99);
			break;
		case 2: /* reserved, never written */
			assert_int_equal(allocate(file, 0, start, payload), 0);
			break;
		case 3: /* cut, then grown */
			assert_int_equal(client_fill(&client, file, start, payload, 0xaa), payload);
			assert_int_equal(truncate_to(fs, file, start), 0);
			assert_int_equal(truncate_to(fs, file, start + payload), 0);
			assert_int_equal(client_fill(&client, file, start + 5, 5, 0), 5);
			break;
		case 4: /* cut within a line, then written behind the cut */
			assert_int_equal(client_fill(&client, file, start, 10000, 0), 10000);
			assert_int_equal(
				client_fill(&client, file, start + 5001, 20000, 0xaa), 20000);
			assert_int_equal(truncate_to(fs, file, start + 5001), 0);
			assert_int_equal(client_fill(&client, file, start + 5003, 1, 0), 1);
			break;
		default: /* punched in a block that stays */
			assert_int_equal(client_fill(&client, file, start, 30000, 0), 30000);
			assert_int_equal(
				client_fill(&client, file, start + 3001, 8001, 0xaa), 8001);
			assert_int_equal(allocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
						 start + 3001, 8001),
				0);
		}
	}
	uint64_t size = volume.blocks * payload;
	assert_int_equal(truncate_to(fs, file, size), 0);
	assert_int_equal(client_count_other(&client, file, 0, size, 0), 0);
}

static void full_region_writes_short_then_enospc(void **state)
{
	(void)state;
	uint64_t full = fill_region("full");
	uint64_t size = attr_of(fs, full).size;
	uint64_t other = make_file(fs, FS_ROOT, "other", FORGET);
	assert_int_equal(client_fill(&client, full, size, 1, 1), -ENOSPC);
	assert_int_equal(client_fill(&client, other, 0, 1, 1), -ENOSPC);
	assert_int_equal(attr_of(fs, other).size, 0);
	assert_int_equal(attr_of(fs, full).size, size);
	assert_int_equal(allocate(other, 0, 0, 1), -ENOSPC);
	assert_int_equal(allocate(other, 0, 0, (uint64_t)1 << 60), -ENOSPC);
	/* what has its block can be written, read, renamed and removed */
	assert_int_equal(client_fill(&client, full, 100, 1000, 2), 1000);
	assert_int_equal(client_count_other(&client, full, 100, 1000, 2), 0);
	assert_int_equal(
		fs_rename(fs, FS_ROOT, name_of("other"), FS_ROOT, name_of("new"), 0, NULL), 0);

	/* room for a block's fragments: the write that asks for those of three is short */
	uint32_t half = volume.payload / 2;
	assert_int_equal(truncate_to(fs, full, size - volume.payload), 0);
	assert_int_equal(client_write(&client, other, half, 3 * volume.payload),
		volume.payload - half % volume.fragment.bytes);
	assert_int_equal(
		attr_of(fs, other).size, half + volume.payload - half % volume.fragment.bytes);
	assert_int_equal(free_fragments(&volume), 0);
	assert_int_equal(fs_unlink(fs, FS_ROOT, name_of("full")), 0);
	assert_int_equal(free_fragments(&volume), fragments - volume.fragment.per_block);
	assert_int_equal(client_fill(&client, other, 0, MIB, 3), MIB);
}

static void reserved_space_can_always_be_written(void **state)
{
	(void)state;
	uint32_t payload = volume.payload, bytes = volume.fragment.bytes;
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET);
	assert_int_equal(allocate(file, FALLOC_FL_KEEP_SIZE, payload / 2, 3 * payload), 0);
	/* in whole pages */
	uint64_t first = payload / 2 / 4096 * 4096 / bytes;
	uint64_t last = (payload / 2 + 3 * payload + 4095) / 4096 * 4096 / bytes;
	last -= (payload / 2 + 3 * payload + 4095) / 4096 * 4096 % bytes == 0;
	size_t reserved = (last + 1 - first) * bytes;
	assert_int_equal(attr_of(fs, file).size, 0);
	assert_int_equal(attr_of(fs, file).blocks_512, blocks_512_of(&volume, last + 1 - first));
	fill_region("rest");
	assert_int_equal(client_fill(&client, file, 0, 1, 7), -ENOSPC);
	/* in pieces that end anywhere, the last first */
	assert_int_equal(
		client_fill(&client, file, first * bytes + 9999, 5 * payload, 7), reserved - 9999);
	assert_int_equal(client_count_other(&client, file, 0, first * bytes + 9999, 0), 0);
	assert_int_equal(client_fill(&client, file, first * bytes, 9999, 7), 9999);
	assert_int_equal(client_count_other(&client, file, first * bytes, reserved, 7), 0);
	assert_int_equal(attr_of(fs, file).blocks_512, blocks_512_of(&volume, last + 1 - first));
}

static void what_is_cut_or_punched_goes_back(void **state)
{
	(void)state;
	uint32_t payload = volume.payload;
	uint32_t per_block = volume.fragment.per_block;
	int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET);
	assert_int_equal(client_fill(&client, file, 0, 10 * payload, 1), 10 * payload);
	assert_int_equal(allocate(file, punch, payload - 1, 3 * payload), 0);
	assert_int_equal(free_fragments(&volume), fragments - 7 * per_block - 1);
	assert_int_equal(client_count_other(&client, file, payload - 1, 3 * payload, 0), 0);
	assert_int_equal(client_count_other(&client, file, 0, payload - 1, 1), 0);
	assert_int_equal(client_count_other(&client, file, 4 * payload - 1, payload, 1), 0);
	/* to the end of the file, which is not the end of the block */
	assert_int_equal(truncate_to(fs, file, 9 * payload + 10), 0);
	assert_int_equal(allocate(file, punch, 9 * payload, 10), 0);
	assert_int_equal(free_fragments(&volume), fragments - 6 * per_block - 1);
	assert_int_equal(truncate_to(fs, file, 5 * payload), 0);
	assert_int_equal(free_fragments(&volume), fragments - 2 * per_block - 1);
	assert_int_equal(truncate_to(fs, file, 0), 0);
	assert_int_equal(store_blocks_free(volume.store), volume.blocks);
	/* what was reserved behind the end goes with a cut, and stays when the file grows */
	assert_int_equal(
		allocate(file, FALLOC_FL_KEEP_SIZE, 0, 3 * payload - volume.fragment.bytes + 1), 0);
	assert_int_equal(truncate_to(fs, file, payload), 0);
	assert_int_equal(free_fragments(&volume), fragments - 3 * per_block);
	assert_int_equal(truncate_to(fs, file, payload - 1), 0);
	assert_int_equal(free_fragments(&volume), fragments - per_block);
	assert_int_equal(client_count_other(&client, file, 0, payload - 1, 0), 0);
}

static uint64_t seek(uint64_t file, uint64_t offset, int whence)
{
	uint64_t at;
	assert_int_equal(fs_seek(fs, file, offset, whence, &at), 0);
	return at;
}

/* Fragments are what holes are made of. */
static void holes_are_seen_and_cost_nothing(void **state)
{
	(void)state;
	uint32_t payload = volume.payload, bytes = volume.fragment.bytes;
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET), at;
	assert_int_equal(truncate_to(fs, file, 4 * payload), 0);
	assert_int_equal(client_fill(&client, file, 3 * bytes + 5, 1, 1), 1);
	assert_int_equal(client_fill(&client, file, payload + 7 * bytes - 1, 2, 1), 2);
	assert_int_equal(attr_of(fs, file).blocks_512, blocks_512_of(&volume, 3));
	assert_int_equal(seek(file, 0, SEEK_HOLE), 0);
	assert_int_equal(seek(file, 0, SEEK_DATA), 3 * bytes);
	assert_int_equal(seek(file, 3 * bytes + 1, SEEK_DATA), 3 * bytes + 1);
	assert_int_equal(seek(file, 3 * bytes, SEEK_HOLE), 4 * bytes);
	assert_int_equal(seek(file, 4 * bytes - 1, SEEK_HOLE), 4 * bytes);
	assert_int_equal(seek(file, 4 * bytes, SEEK_DATA), payload + 6 * bytes);
	assert_int_equal(seek(file, payload + 6 * bytes, SEEK_HOLE), payload + 8 * bytes);
	assert_int_equal(fs_seek(fs, file, payload + 8 * bytes, SEEK_DATA, &at), -ENXIO);
	/* allocated is not written */
	assert_int_equal(allocate(file, 0, 0, 2 * payload - bytes + 1), 0);
	assert_int_equal(attr_of(fs, file).blocks_512,
		blocks_512_of(&volume, 2 * volume.fragment.per_block));
	assert_int_equal(seek(file, 0, SEEK_DATA), 3 * bytes);
	assert_int_equal(seek(file, 3 * bytes, SEEK_HOLE), 4 * bytes);
	/* a fragment that is punched is given back, one that is zeroed is not */
	int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	assert_int_equal(allocate(file, punch, 3 * bytes - 1, bytes + 2), 0);
	assert_int_equal(allocate(file, FALLOC_FL_ZERO_RANGE, payload + 5, 7 * bytes - 4), 0);
	assert_int_equal(attr_of(fs, file).blocks_512,
		blocks_512_of(&volume, 2 * volume.fragment.per_block - 1));
	assert_int_equal(seek(file, 0, SEEK_DATA), payload + 7 * bytes);
	assert_int_equal(client_count_other(&client, file, 0, 4 * payload, 0), 0);
	/* a block's worth in pieces, in no order */
	for (uint32_t i = 0; i < volume.fragment.per_block; i++)
		assert_int_equal(
			client_fill(&client, file,
				2 * payload + i * 7 % volume.fragment.per_block * bytes, bytes, 9),
			bytes);
	assert_int_equal(seek(file, 2 * payload, SEEK_HOLE), 3 * payload);
	assert_int_equal(client_count_other(&client, file, 2 * payload, payload, 9), 0);
}

static void offsets_up_to_8_eib(void **state)
{
	(void)state;
	const uint64_t max = FS_SIZE_MAX;
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET), at;
	assert_int_equal(truncate_to(fs, file, max), 0);
	assert_int_equal(client_count_other(&client, file, max - 5000, 5000, 0), 0);
	assert_int_equal(fs_seek(fs, file, 0, SEEK_DATA, &at), -ENXIO);
	assert_int_equal(fs_seek(fs, file, 5, SEEK_HOLE, &at), 0);
	assert_int_equal(at, 5);

	assert_int_equal(client_fill(&client, file, max - 10, 100, 9), 10); /* as far as it goes */
	assert_int_equal(client_fill(&client, file, max, 1, 9), -EFBIG);
	assert_int_equal(client_write(&client, file, max + 1, 1), -EFBIG);
	assert_int_equal(client_write(&client, file, UINT64_MAX, 1), -EFBIG);
	assert_int_equal(client_count_other(&client, file, max - 10, 10, 9), 0);
	uint64_t touched =
		(max - 1) / volume.fragment.bytes - (max - 10) / volume.fragment.bytes + 1;
	assert_int_equal(attr_of(fs, file).blocks_512, blocks_512_of(&volume, touched));
	assert_int_equal(fs_seek(fs, file, 0, SEEK_DATA, &at), 0);
	assert_true(at > 0 && at <= max - 10);

	assert_int_equal(client_fill(&client, file, (uint64_t)1 << 45, 3, 8), 3);
	assert_int_equal(client_count_other(&client, file, (uint64_t)1 << 45, 3, 8), 0);
	int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	assert_int_equal(allocate(file, punch, 0, max), 0);
	assert_int_equal(store_blocks_free(volume.store), volume.blocks);
	assert_int_equal(allocate(file, 0, max, 1), -EFBIG);
	assert_int_equal(allocate(file, 0, 1, max), -EFBIG);
	assert_int_equal(allocate(file, 0, UINT64_MAX, 1), -EFBIG);
	assert_int_equal(client_read(&client, file, max, 1), 0);
}

static void bad_requests_are_refused(void **state)
{
	(void)state;
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET), at;
	assert_int_equal(client_read(&client, FS_ROOT, 0, 1), -EINVAL);
	assert_int_equal(client_write(&client, 999999, 0, 1), -ENOENT);
	assert_int_equal(client_write(&client, file, 0, FS_IO_MAX + 1), -EINVAL);
	assert_int_equal(client_write(&client, file, 100, 0), 0);
	assert_int_equal(attr_of(fs, file).size, 0);
	assert_int_equal(client_read(&client, file, 0, 0), 0);
	assert_int_equal(client_read(&client, file, 1000, 10), 0);
	assert_int_equal(allocate(file, 0, 0, 0), -EINVAL);
	assert_int_equal(allocate(file, FALLOC_FL_PUNCH_HOLE, 0, 1), -EOPNOTSUPP);
	assert_int_equal(allocate(file, FALLOC_FL_COLLAPSE_RANGE, 0, 4096), -EOPNOTSUPP);
	assert_int_equal(allocate(FS_ROOT, 0, 0, 1), -ENODEV);
	assert_int_equal(fs_seek(fs, file, 0, SEEK_SET, &at), -EINVAL);
	assert_int_equal(fs_seek(fs, file, 0, SEEK_HOLE, &at), -ENXIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_ALL_CODES(former_bytes_are_never_shown, set_up),
		ON_ALL_CODES(full_region_writes_short_then_enospc, set_up),
		ON_ALL_CODES(reserved_space_can_always_be_written, set_up),
		ON_ALL_CODES(what_is_cut_or_punched_goes_back, set_up),
		ON_ALL_CODES(holes_are_seen_and_cost_nothing, set_up),
		ON_ALL_CODES(offsets_up_to_8_eib, set_up),
		ON_CODE(bad_requests_are_refused, rs136, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
