/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Opening and closing a filesystem, and its figures. See inode.h for how the rest hangs together.
 */
#include "base/cleanup.h"
#include "fs/data.h"
#include "fs/directory.h"
#include "fs/inode.h"

#include <stdlib.h>
#include <sys/random.h>

#define STAT_BLOCK_BYTES 4096u

/* As tmpfs: half as many as there are pages of memory. */
static uint64_t default_max_inodes(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	return pages > 2 ? (uint64_t)pages / 2 : 1024;
}

static err_t make_root(struct fs *fs, const struct fs_options *options)
{
	struct fs_owner owner = {.uid = options->root_uid, .gid = options->root_gid};
	struct inode *root;
	int err = inode_new(fs, S_IFDIR | (options->root_mode & 07777), &owner, &root);
	if (err)
		return err;
	root->directory = directory_new(FS_ROOT, fs->name_seed);
	if (!root->directory) {
		inode_destroy(fs, root);
		return -ENOMEM;
	}
	root->nlink = 2;
	inode_publish(fs, root); /* its first hold is the filesystem's, to the end */
	return 0;
}

/* What is needed while data are written. */
static err_t make_space(struct fs *fs)
{
	uint64_t blocks = store_geometry(fs->store)->blocks;
	int err = space_init(&fs->space, fs->store);
	if (err)
		return err;
	const struct fragment_geometry *geometry = &fs->space.geometry;
	fs->block_payload = geometry->bytes * geometry->per_block;
	err = block_map_nodes_init(&fs->map_nodes, blocks, blocks * geometry->per_block);
	return err ? err : damage_init(&fs->damage, blocks, geometry);
}

int fs_open(struct store *store, const struct fs_options *options, struct fs **ret_fs)
{
	struct fs *fs = aligned_alloc(_Alignof(struct fs), sizeof(*fs));
	if (!fs)
		return -ENOMEM;
	*fs = (struct fs){
		.store = store,
		.access_times = options->access_times,
		.max_inodes = options->max_inodes ? options->max_inodes : default_max_inodes(),
		.next_number = FS_ROOT,
	};
	if (getrandom(&fs->name_seed, sizeof(fs->name_seed), GRND_NONBLOCK) < 0)
		fs->name_seed = (uint64_t)time_now().tv_nsec; /* before the machine has entropy */
	pthread_mutex_init(&fs->rename_lock, NULL);
	bool complete = true;
	for (unsigned i = 0; i < INODE_SHARDS; i++)
		complete = inode_shard_init(&fs->shards[i]) && complete;
	int err = complete ? make_space(fs) : -ENOMEM;
	if (!err)
		err = make_root(fs, options);
	if (err) {
		fs_close(fs);
		return err;
	}
	*ret_fs = fs;
	return 0;
}

void fs_close(struct fs *fs)
{
	if (!fs)
		return;
	for (unsigned i = 0; i < INODE_SHARDS; i++)
		inode_shard_done(fs, &fs->shards[i]);
	pthread_mutex_destroy(&fs->rename_lock);
	damage_done(&fs->damage);
	slab_done(&fs->map_nodes);
	space_done(&fs->space);
	free(fs);
}

struct store *fs_store(struct fs *fs)
{
	return fs->store;
}

void fs_stat(struct fs *fs, struct fs_stat *ret_stat)
{
	uint64_t blocks = store_geometry(fs->store)->blocks;
	uint64_t bytes_free = fragments_count_free(fs->space.fragments) * fs->space.geometry.bytes;
	uint64_t inodes = atomic_load(&fs->inodes);
	*ret_stat = (struct fs_stat){
		.block_bytes = STAT_BLOCK_BYTES,
		.blocks = blocks * fs->block_payload / STAT_BLOCK_BYTES,
		.blocks_free = bytes_free / STAT_BLOCK_BYTES,
		.inodes = fs->max_inodes,
		.inodes_free = fs->max_inodes > inodes ? fs->max_inodes - inodes : 0,
	};
}

uint64_t fs_nameless_count(struct fs *fs)
{
	return atomic_load(&fs->nameless);
}

uint64_t fs_inode_count(struct fs *fs)
{
	return atomic_load(&fs->inodes);
}
