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

static int set_up(void **state)
{
	volume = volume_open(*(enum rs_code *)*state, REGION);
	client = client_open(&volume);
	fs = volume.fs;
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
	size_t capacity = store_blocks_free(volume.store) * volume.payload;
	assert_int_equal(client_fill(&client, file, 0, capacity + MIB, 0xaa), capacity);
	assert_int_equal(store_blocks_free(volume.store), 0);
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

	/* room for a block and a half: the write that asks for three is short */
	assert_int_equal(truncate_to(fs, full, size - volume.payload), 0);
	assert_int_equal(client_write(&client, other, volume.payload / 2, 3 * volume.payload),
		volume.payload / 2);
	assert_int_equal(attr_of(fs, other).size, volume.payload);
	assert_int_equal(fs_unlink(fs, FS_ROOT, name_of("full")), 0);
	assert_int_equal(store_blocks_free(volume.store), volume.blocks - 1);
	assert_int_equal(client_fill(&client, other, 0, MIB, 3), MIB);
}

static void reserved_blocks_can_always_be_written(void **state)
{
	(void)state;
	uint32_t payload = volume.payload;
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET);
	assert_int_equal(allocate(file, FALLOC_FL_KEEP_SIZE, payload / 2, 3 * payload), 0);
	assert_int_equal(attr_of(fs, file).size, 0);
	assert_int_equal(attr_of(fs, file).blocks_512 * 512, 4 * payload);
	fill_region("rest");
	assert_int_equal(client_fill(&client, file, 0, 5 * payload, 7), 4 * payload);
	assert_int_equal(client_count_other(&client, file, 0, 4 * payload, 7), 0);
}

static void what_is_cut_or_punched_goes_back(void **state)
{
	(void)state;
	uint32_t payload = volume.payload;
	int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	uint64_t file = make_file(fs, FS_ROOT, "file", FORGET);
	assert_int_equal(client_fill(&client, file, 0, 10 * payload, 1), 10 * payload);
	assert_int_equal(allocate(file, punch, payload - 1, 3 * payload), 0);
	assert_int_equal(store_blocks_free(volume.store), volume.blocks - 8);
	assert_int_equal(client_count_other(&client, file, payload - 1, 3 * payload, 0), 0);
	assert_int_equal(client_count_other(&client, file, 0, payload - 1, 1), 0);
	assert_int_equal(client_count_other(&client, file, 4 * payload - 1, payload, 1), 0);
	/* to the end of the file, which is not the end of the block */
	assert_int_equal(truncate_to(fs, file, 9 * payload + 10), 0);
	assert_int_equal(allocate(file, punch, 9 * payload, 10), 0);
	assert_int_equal(store_blocks_free(volume.store), volume.blocks - 7);
	assert_int_equal(truncate_to(fs, file, 5 * payload), 0);
	assert_int_equal(store_blocks_free(volume.store), volume.blocks - 3);
	assert_int_equal(truncate_to(fs, file, 0), 0);
	assert_int_equal(store_blocks_free(volume.store), volume.blocks);
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
	assert_int_equal(attr_of(fs, file).blocks_512 * 512, volume.payload);
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

#define ON_CODE(test, code)                                     \
	{                                                       \
#test "_" #code, test, set_up, tear_down, &code \
	}
#define ON_ALL_CODES(test) ON_CODE(test, rs136), ON_CODE(test, rs128), ON_CODE(test, none)

int main(void)
{
	static enum rs_code rs136 = RS_136, rs128 = RS_128, none = RS_NONE;
	const struct CMUnitTest tests[] = {
		ON_ALL_CODES(former_bytes_are_never_shown),
		ON_ALL_CODES(full_region_writes_short_then_enospc),
		ON_ALL_CODES(reserved_blocks_can_always_be_written),
		ON_ALL_CODES(what_is_cut_or_punched_goes_back),
		ON_ALL_CODES(offsets_up_to_8_eib),
		ON_CODE(bad_requests_are_refused, rs136),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
