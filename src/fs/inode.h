/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_INODE_H
#define VRAMFS_FS_INODE_H

#include "fs/block-map.h"
#include "fs/damage.h"
#include "fs/fs.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * What the files of src/fs share: the filesystem and its inodes.
 *
 * Locks, in the order in which a thread takes them:
 *
 *	1. fs->rename_lock, by a rename that gives a directory another parent;
 *	2. inode->lock, of as many inodes as an operation changes, by ascending inode number;
 *	3. a shard of the inode table, the locks of fragments.c, or a slab's.
 *
 * Nobody waits for the device while holding one of them. An operation that finds out only from a
 * directory which other inodes it needs, and needs one with a lower number than the directory's,
 * lets go of the directory, locks all in order, and looks again (namespace.c, rename.c).
 *
 * An inode lives while someone holds it: every name, every reference of a caller of fs.h (a
 * "lookup"), and every running operation is one hold. The last hold to go frees the inode.
 */
struct directory;
struct xattr;

struct inode {
	uint64_t number;
	struct inode *next_in_bucket; /* under the shard's lock */
	_Atomic uint64_t holds;       /* may rise from 0 never, from 1 only for who holds it */
	_Atomic uint64_t lookups;     /* that part of holds which fs_forget() gives back */
	mode_t type;                  /* S_IFMT bits; never changes */

	pthread_mutex_t lock; /* for everything below */
	mode_t permissions;   /* 07777 */
	uid_t uid;
	gid_t gid;
	uint32_t rdev;
	uint32_t flags; /* of FS_FLAGS */
	uint32_t nlink; /* 0 for a directory: removed, nothing can be made in it */
	bool linkable;  /* made without a name and never had one: fs_link() may give it one */
	bool had_links; /* has, or once had, several names */
	uint64_t size;
	struct timespec atime, mtime, ctime, btime;
	struct xattr *xattrs;
	union {
		struct { /* S_IFREG */
			struct block_map map;
			uint32_t fragments; /* allocated */
		};
		struct directory *directory; /* S_IFDIR */
		char *target;                /* S_IFLNK, `size` bytes, never changes */
	};
};

#define INODE_SHARDS 256u

/* A hash table of its own, with its own lock: inodes are spread by number. */
struct inode_shard {
	_Alignas(64) pthread_mutex_t lock;
	struct inode **buckets;
	uint32_t bucket_count; /* a power of two */
	uint32_t inode_count;
};

struct fs {
	struct store *store;
	uint32_t block_payload; /* bytes of file in a block: all its fragments' */
	struct space space;
	struct slab map_nodes; /* of all files' block maps */
	struct damage damage;
	uint64_t name_seed;
	uint64_t max_inodes;
	enum fs_access_times access_times;
	_Atomic uint64_t inodes;
	_Atomic uint64_t nameless; /* of these, those that are held, but by no name */
	_Atomic uint64_t next_number;
	pthread_mutex_t rename_lock;
	struct inode_shard shards[INODE_SHARDS];
};

/* False without memory; inode_shard_done() accepts that. Done frees all inodes that are left. */
bool inode_shard_init(struct inode_shard *shard);
void inode_shard_done(struct fs *fs, struct inode_shard *shard);

/* A new inode with one hold, the caller's, and no names; not in the table yet, so nobody else sees
 * it. -ENOSPC at the limit, -ENOMEM. */
err_t inode_new(struct fs *fs, mode_t mode, const struct fs_owner *owner, struct inode **ret_inode);

/* namespace.c. What an inode gets from the directory it is made in, besides a name: the group and
 * setgid where the directory has that, flags, ACLs; or what the umask leaves. -ENOMEM. called with
 * directory->lock held, for an inode that nobody else knows */
err_t inode_inherit(struct inode *directory, struct inode *inode, mode_t umask);

/* Put it in the table, where its number finds it. */
void inode_publish(struct fs *fs, struct inode *inode);

/* The live inode of that number with one more hold, or NULL. */
struct inode *inode_get(struct fs *fs, uint64_t number);

/* The same with a check of its type: -ENOENT, or MISTYPED (-ENOTDIR, -EINVAL...). */
err_t inode_get_typed(
	struct fs *fs, uint64_t number, mode_t type, int mistyped, struct inode **ret_inode);

/* One more hold for somebody who has one, or who holds the lock of a directory that names it. */
void inode_hold(struct inode *inode);

/* Let go of COUNT holds. The caller must not hold the inode's lock. */
void inode_put(struct fs *fs, struct inode *inode, uint64_t count);

/* Unlock and let go of one hold. */
void inode_unlock_put(struct fs *fs, struct inode *inode);

/* Turn one hold of the caller's into a reference that fs_forget() gives back. */
void inode_hand_out(struct inode *inode);

/* Free INODE, which nobody holds or ever saw. */
void inode_destroy(struct fs *fs, struct inode *inode);

/* Count INODE, whose links have just become fewer, among the nameless if none is left.
 * called with inode->lock held */
void inode_lost_name(struct fs *fs, struct inode *inode);

/* Lock COUNT (at most 4) inodes in order; a NULL or a repeated one is skipped. Unlock the same. */
#define INODES_LOCKED_MAX 4u
void inode_lock_all(struct inode *const *inodes, unsigned count);
void inode_unlock_all(struct inode *const *inodes, unsigned count);

/* called with inode->lock held */
void inode_fill_attr(const struct fs *fs, const struct inode *inode, struct fs_attr *ret_attr);
void inode_changed(struct inode *inode);  /* ctime becomes now */
void inode_modified(struct inode *inode); /* mtime and ctime become now */
void inode_kill_suidgid(struct inode *inode);
void inode_touch_atime(const struct fs *fs, struct inode *inode); /* was read */

struct timespec time_now(void);

/* What flags forbid: all changes of an immutable inode; of an append-only one, that anything but
 * its growth. called with inode->lock held */
static inline bool inode_immutable(const struct inode *inode)
{
	return inode->flags & FS_IMMUTABLE_FL;
}

static inline bool inode_protected(const struct inode *inode)
{
	return inode->flags & (FS_IMMUTABLE_FL | FS_APPEND_FL);
}

/* 0, -EINVAL or -ENAMETOOLONG */
err_t name_check(struct fs_name name);

/* xattr.c. Called with inode->lock held. */
void *xattr_value(struct inode *inode, struct fs_name name, size_t *ret_size); /* NULL: none */
/* -EEXIST, -ENODATA (FLAGS of setxattr(2)), -ENOSPC, -ENOMEM */
err_t xattr_set(
	struct inode *inode, struct fs_name name, const void *value, size_t size, int flags);
bool xattr_drop(struct inode *inode, struct fs_name name); /* was it there? */
void xattr_drop_capability(struct inode *inode); /* what any change of content or owner ends */
void xattr_free_all(struct inode *inode);

/* allocate.c. Called with inode->lock held, for a regular file; what is to be zeroed on the device
 * is in ZEROING afterwards (data.h). */
struct zeroing;
void file_resize(struct zeroing *zeroing, struct inode *inode, uint64_t size);

#endif
