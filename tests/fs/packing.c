/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/* Many files share blocks: what they cost, that they keep their bytes, and that all comes back. */
#include "fixture.h"

#include "fs/data.h"

#include <math.h>
#include <stdio.h>

#define FILES 5000u

static struct volume volume;
static struct client client;
static struct fs *fs;
static uint64_t fragments; /* in all */

static void open_region(enum rs_code code, uint64_t region_bytes)
{
	volume = volume_open(code, region_bytes);
	client = client_open(&volume);
	fs = volume.fs;
	fragments = free_fragments(&volume);
}

static int set_up(void **state)
{
	open_region(*(enum rs_code *)*state, 8 * MIB);
	return 0;
}

static int set_up_tree(void **state)
{
	open_region(*(enum rs_code *)*state, 160 * MIB);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	client_close(&client);
	volume_close(&volume);
	return 0;
}

struct file {
	uint64_t ino;
	size_t size;
	uint8_t byte;
};

static struct file tree[FILES];

/* As in the trees of big programs: log-normal with a median of 4 KiB and a mean of 16 KiB. */
static size_t random_size(uint64_t *seed)
{
	double normal = -6;
	for (unsigned i = 0; i < 12; i++)
		normal += (double)random_below(seed, 1 << 20) / (1 << 20);
	double size = 4096 * exp(1.665 * normal);
	return size > 3 * MIB ? 3 * MIB : (size_t)size;
}

static void make(unsigned number, uint64_t *seed)
{
	char name[16];
	struct file *file = &tree[number];
	snprintf(name, sizeof(name), "%u", number);
	*file = (struct file){
		.ino = make_file(fs, FS_ROOT, name, FORGET),
		.size = random_size(seed),
		.byte = (uint8_t)(1 + random_below(seed, 255)),
	};
	if (file->size > 0)
		REQUIRE(client_fill(&client, file->ino, 0, file->size, file->byte) ==
			(ssize_t)file->size);
}

static void remove_file(unsigned number)
{
	char name[16];
	snprintf(name, sizeof(name), "%u", number);
	REQUIRE(!fs_unlink(fs, FS_ROOT, name_of(name)));
}

/* One changes as files do: is replaced, rewritten, cut, or added to. */
static void change(unsigned number, uint64_t *seed)
{
	struct file *file = &tree[number];
	size_t more;
	switch (random_below(seed, 4)) {
	case 0:
		remove_file(number);
		make(number, seed);
		break;
	case 1:
		file->byte ^= 0x55;
		REQUIRE(!truncate_to(fs, file->ino, 0));
		REQUIRE(file->size == 0 || client_fill(&client, file->ino, 0, file->size,
						   file->byte) == (ssize_t)file->size);
		break;
	case 2:
		file->size = random_below(seed, file->size + 1);
		REQUIRE(!truncate_to(fs, file->ino, file->size));
		break;
	default:
		more = 1 + random_below(seed, 10000);
		REQUIRE(client_fill(&client, file->ino, file->size, more, file->byte) ==
			(ssize_t)more);
		file->size += more;
	}
}

/* Returns what the files' sizes are in units of 4 KiB. */
static uint64_t check_tree(void)
{
	uint64_t rounded = 0, taken = 0, held = 0;
	for (unsigned i = 0; i < FILES; i++) {
		struct fs_attr attr = attr_of(fs, tree[i].ino);
		uint64_t own = (tree[i].size + volume.fragment.bytes - 1) / volume.fragment.bytes;
		assert_int_equal(attr.size, tree[i].size);
		assert_int_equal(attr.blocks_512, blocks_512_of(&volume, own));
		rounded += (tree[i].size + 4095) / 4096 * 4096;
		taken += attr.blocks_512 * 512;
		held += own;
	}
	assert_int_equal(held, fragments - free_fragments(&volume));
	assert_true(taken <= rounded + rounded / 10);
	uint64_t blocks = volume.blocks - store_blocks_free(volume.store);
	printf("%u files of %llu bytes in 4 KiB units take %llu, in %llu blocks of %u fragments\n",
		FILES, (unsigned long long)rounded, (unsigned long long)taken,
		(unsigned long long)blocks, volume.fragment.per_block);
	return rounded;
}

static void tree_of_small_files_takes_what_its_files_have(void **state)
{
	(void)state;
	uint64_t seed = 7;
	for (unsigned i = 0; i < FILES; i++)
		make(i, &seed);
	uint64_t rounded = check_tree();
	/* a tree that was just made leaves hardly a gap in its blocks */
	uint64_t blocks = volume.blocks - store_blocks_free(volume.store);
	assert_true(blocks * KERNEL_BLOCK_BYTES <= rounded + rounded / 10);
	for (unsigned i = 0; i < FILES; i++)
		change((unsigned)random_below(&seed, FILES), &seed);
	check_tree();
	for (unsigned i = 0; i < FILES; i++) {
		assert_int_equal(
			client_count_other(&client, tree[i].ino, 0, tree[i].size, tree[i].byte), 0);
		remove_file(i);
	}
	assert_int_equal(store_blocks_free(volume.store), volume.blocks);
}

/* Until the very last fragment. */
static void small_files_fill_everything(void **state)
{
	(void)state;
	char name[16];
	for (uint64_t i = 0; i < fragments; i++) {
		snprintf(name, sizeof(name), "%u", (unsigned)i);
		uint64_t file = make_file(fs, FS_ROOT, name, FORGET);
		assert_int_equal(client_fill(&client, file, 0, 1, 1), 1);
	}
	assert_int_equal(free_fragments(&volume), 0);
	uint64_t file = make_file(fs, FS_ROOT, "last", FORGET);
	assert_int_equal(client_fill(&client, file, 0, 1, 1), -ENOSPC);
	/* whatever is given back can be used at once, by a file that is bigger than any gap */
	for (unsigned i = 0; i < fragments; i += 2) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(fs_unlink(fs, FS_ROOT, name_of(name)), 0);
	}
	size_t room = (fragments + 1) / 2 * volume.fragment.bytes;
	assert_int_equal(client_fill(&client, file, 0, 2 * room, 2), room);
	assert_int_equal(client_count_other(&client, file, 0, room, 2), 0);
	assert_int_equal(free_fragments(&volume), 0);
}

/* How many tables describe what fits in no mapping of 8 bytes. */
static uint32_t tables_in_use(void)
{
	struct slab *slab = &fs->space.scatters;
	uint32_t free = 0;
	for (uint32_t at = slab->last_given; at != slab->capacity; free++)
		at = *(uint32_t *)slab_object(slab, at);
	return slab->touched - free;
}

static void files_that_grow_in_turn_are_gathered(void **state)
{
	(void)state;
	uint32_t bytes = volume.fragment.bytes, per_block = volume.fragment.per_block;
	uint64_t files[3] = {
		make_file(fs, FS_ROOT, "a", FORGET),
		make_file(fs, FS_ROOT, "b", FORGET),
		make_file(fs, FS_ROOT, "c", FORGET),
	};
	uint32_t most = 0;
	/* in steps that fit nothing, to a bit more than two blocks each */
	size_t step = bytes - 100, size = 2 * volume.payload + 3 * bytes;
	for (size_t at = 0; at < size; at += step)
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(
				client_fill(&client, files[i], at, step, (uint8_t)(i + 1)), step);
			most = most < tables_in_use() ? tables_in_use() : most;
		}
	for (unsigned i = 0; i < 3; i++) {
		size_t length = attr_of(fs, files[i]).size;
		assert_int_equal(
			client_count_other(&client, files[i], 0, length, (uint8_t)(i + 1)), 0);
		assert_int_equal(attr_of(fs, files[i]).blocks_512,
			blocks_512_of(&volume, (length + bytes - 1) / bytes));
	}
	assert_true(most > 0);
	/* only their tails may be in pieces */
	assert_true(tables_in_use() <= 3);
	for (unsigned i = 0; i < 3; i++) {
		struct inode *inode = inode_get(fs, files[i]);
		for (uint64_t index = 0; index < 2; index++) {
			uint32_t all = fs->space.all, fragment;
			struct fragment_run run;
			assert_true(mapping_next_run(&fs->space, block_map_get(&inode->map, index),
				&all, &fragment, &run));
			assert_int_equal(run.count, per_block);
		}
		inode_put(fs, inode, 1);
	}
}

/* Without a block to gather it in a file stays in pieces, and is as good. */
static void pieces_stay_where_no_block_is_free(void **state)
{
	(void)state;
	uint32_t bytes = volume.fragment.bytes, per_block = volume.fragment.per_block;
	uint64_t big = make_file(fs, FS_ROOT, "big", FORGET);
	uint64_t a = make_file(fs, FS_ROOT, "a", FORGET);
	uint64_t b = make_file(fs, FS_ROOT, "b", FORGET);
	size_t rest = (fragments - 2 * per_block) * bytes;
	assert_int_equal(client_fill(&client, big, 0, rest, 9), rest);
	for (uint32_t i = 0; i < per_block; i++) {
		assert_int_equal(client_fill(&client, a, i * bytes, bytes, 1), bytes);
		assert_int_equal(client_fill(&client, b, i * bytes, bytes, 2), bytes);
	}
	assert_int_equal(free_fragments(&volume), 0);
	assert_int_equal(tables_in_use(), 2);
	assert_int_equal(client_count_other(&client, a, 0, volume.payload, 1), 0);
	assert_int_equal(client_count_other(&client, b, 0, volume.payload, 2), 0);
	/* and is gathered when it is written to and there is one */
	assert_int_equal(truncate_to(fs, big, 0), 0);
	assert_int_equal(client_fill(&client, a, 1, 1, 3), 1);
	assert_int_equal(tables_in_use(), 1);
	assert_int_equal(client_count_other(&client, a, 0, volume.payload, 1), 1);
	assert_int_equal(client_count_other(&client, b, 0, volume.payload, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_CODES(tree_of_small_files_takes_what_its_files_have, set_up_tree),
		ON_BOTH_CODES(small_files_fill_everything, set_up),
		ON_BOTH_CODES(files_that_grow_in_turn_are_gathered, set_up),
		ON_BOTH_CODES(pieces_stay_where_no_block_is_free, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
