/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FS_FS_H
#define VRAMFS_FS_FS_H

#include "base/err.h"
#include "store/store.h"

#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/*
 * The filesystem: names, inodes and the maps from file offsets to blocks, all in host memory; the
 * bytes are the store's. Knows nothing of FUSE. Permission bits and ACLs are kept and reported, not
 * enforced: whoever mounts it has the kernel do that (default_permissions). Inode flags are
 * enforced. All functions may be called from any thread.
 *
 * Inodes are named by numbers that are never reused; FS_ROOT is the root directory. Every function
 * that returns the attributes of an inode it found or made by name takes one reference for its
 * caller, which fs_forget() gives back; an inode lives while it has a name or a reference. A number
 * that names no live inode is -ENOENT (-ESTALE is not used).
 *
 * Names are counted strings of 1..255 bytes without '/' and NUL, and neither "." nor ".."; others
 * are -EINVAL or -ENAMETOOLONG. Times are in nanoseconds and signed, of CLOCK_REALTIME.
 */
struct fs;

#define FS_ROOT 1u
#define FS_NAME_MAX 255u

/* When reading a file or directory changes its access time. */
enum fs_access_times {
	FS_ACCESS_RELATIVE, /* when it isn't later than the last change, or a day old */
	FS_ACCESS_NEVER,
	FS_ACCESS_ALWAYS,
};

struct fs_options {
	uint64_t max_inodes; /* with the root directory; 0: one for two pages of host memory */
	uid_t root_uid;
	gid_t root_gid;
	mode_t root_mode; /* permission bits, say 01777 or 0755 */
	enum fs_access_times access_times;
};

err_t fs_open(struct store *store, const struct fs_options *options, struct fs **ret_fs);
/* Frees everything; no I/O may be in flight. */
void fs_close(struct fs *fs);
/* What its bytes are in: for queues and buffers. */
struct store *fs_store(struct fs *fs);

struct fs_name {
	const char *bytes;
	size_t length;
};

struct fs_attr {
	uint64_t ino;
	uint64_t size; /* of a directory: 20 for each entry, "." and ".." included, as tmpfs */
	uint64_t blocks_512; /* allocated, in units of 512 bytes, as st_blocks */
	struct timespec atime, mtime, ctime, btime;
	mode_t mode;
	uint32_t nlink;
	uid_t uid;
	gid_t gid;
	uint32_t rdev;  /* as the kernel encodes it; kept, not interpreted */
	uint32_t flags; /* of FS_FLAGS */
};

/* Who asks: the owner of what is made. A directory with setgid gives its group (and, to
 * directories, the bit). One with a default ACL gives that instead of heeding the umask. */
struct fs_owner {
	uid_t uid;
	gid_t gid;
	mode_t umask;
};

/* Namespace. MODE has file type and permission bits, the umask not yet applied. */
err_t fs_lookup(struct fs *fs, uint64_t parent, struct fs_name name, struct fs_attr *ret_attr);
/* The inode of a number that somebody kept, or, with PARENT, the directory that holds this one
 * (-ENOTDIR for what is none). One without a name is not found: who has it open needn't ask. */
err_t fs_lookup_number(struct fs *fs, uint64_t ino, bool parent, struct fs_attr *ret_attr);
void fs_forget(struct fs *fs, uint64_t ino, uint64_t count);
err_t fs_make(struct fs *fs, uint64_t parent, struct fs_name name, mode_t mode, uint32_t rdev,
	const struct fs_owner *owner,
	struct fs_attr *ret_attr); /* file, directory, fifo, socket, device */
err_t fs_make_symlink(struct fs *fs, uint64_t parent, struct fs_name name, struct fs_name target,
	const struct fs_owner *owner, struct fs_attr *ret_attr);
/* A regular file without a name; lives while it has a reference or until fs_link() names it. */
err_t fs_make_unnamed(struct fs *fs, uint64_t parent, mode_t mode, const struct fs_owner *owner,
	struct fs_attr *ret_attr);
err_t fs_link(struct fs *fs, uint64_t ino, uint64_t parent, struct fs_name name,
	struct fs_attr *ret_attr);
err_t fs_unlink(struct fs *fs, uint64_t parent, struct fs_name name);
err_t fs_rmdir(struct fs *fs, uint64_t parent, struct fs_name name);

#define FS_RENAME_NOREPLACE 1u
#define FS_RENAME_EXCHANGE 2u
#define FS_RENAME_WHITEOUT 4u
/* Atomic; replaces as rename(2) says. With WHITEOUT a character device 0/0 without permissions,
 * which OWNER owns, stays where the old name was; otherwise OWNER may be NULL. Unknown flags, and
 * EXCHANGE with another, are -EINVAL. */
err_t fs_rename(struct fs *fs, uint64_t parent, struct fs_name name, uint64_t new_parent,
	struct fs_name new_name, unsigned flags, const struct fs_owner *owner);
/* Copies the target, at most FS_TARGET_MAX bytes without an end mark, to TARGET, which holds SIZE.
 * Returns its length or -errno; -ERANGE if SIZE is too small. */
#define FS_TARGET_MAX 4095u
ssize_t fs_read_symlink(struct fs *fs, uint64_t ino, char *target, size_t size);

/*
 * Directory entries in a stable order. COOKIE 0 starts; afterwards the cookie of the last entry
 * taken. Entries that stay are seen exactly once however others come and go. "." and ".." are
 * included. EMIT returns false when it has no room: that entry is given again next time. It must
 * not call fs. With FS_LIST_ATTR each entry comes with attributes and one reference if EMIT
 * returned true (readdirplus), but not "." and "..", nor what has or had several names; ATTR is
 * NULL otherwise.
 */
#define FS_LIST_ATTR 1u
#define FS_LIST_KEEP_ATIME 2u /* the directory was opened with O_NOATIME */
struct fs_dirent {
	struct fs_name name;
	uint64_t ino;
	uint64_t cookie;
	mode_t type; /* S_IFMT bits */
	const struct fs_attr *attr;
};
err_t fs_read_directory(struct fs *fs, uint64_t ino, uint64_t cookie, unsigned flags,
	bool (*emit)(void *user, const struct fs_dirent *entry), void *user);

/* Attributes. */
err_t fs_get_attr(struct fs *fs, uint64_t ino, struct fs_attr *ret_attr);

/* Would the next read change the access time, however long ago the file was changed? Who answers
 * reads from a cache shall pass that one on. */
bool fs_access_time_is_due(const struct fs *fs, const struct fs_attr *attr);

#define FS_SET_MODE 1u
#define FS_SET_UID 2u
#define FS_SET_GID 4u
#define FS_SET_SIZE 8u
#define FS_SET_ATIME 16u
#define FS_SET_MTIME 32u
#define FS_SET_CTIME 64u
#define FS_SET_ATIME_NOW 128u
#define FS_SET_MTIME_NOW 256u
#define FS_KILL_SUIDGID 512u      /* clear setuid, and setgid if group-executable */
#define FS_SET_THROUGH_OPEN 1024u /* with SIZE: by ftruncate(2), on a file open for writing */
struct fs_changes {
	unsigned valid; /* FS_SET_... */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	struct timespec atime, mtime, ctime;
};
/* All or nothing; the change time becomes now, unless it is given. Size: only regular files
 * (-EISDIR, -EINVAL); growing leaves a hole; at most FS_SIZE_MAX (-EFBIG). Waits for the device
 * where shrinking leaves a part of a fragment; should that fail, whoever reads that part gets -EIO.
 * A new mode changes the access ACL too. */
err_t fs_set_attr(
	struct fs *fs, uint64_t ino, const struct fs_changes *changes, struct fs_attr *ret_attr);

#define FS_SIZE_MAX INT64_MAX

/*
 * Inode flags, as chattr(1) and FS_IOC_SETFLAGS have them (<linux/fs.h>). They are enforced here,
 * with -EPERM, by all that changes an inode or a directory; of data it is open(2) that asks:
 * a file that is open already can still be written, as in tmpfs. New inodes get NODUMP and NOATIME
 * of their directory. Who may set them is for the caller to know.
 */
#define FS_FLAGS (FS_APPEND_FL | FS_IMMUTABLE_FL | FS_NODUMP_FL | FS_NOATIME_FL)

/* Replaces them all. -EOPNOTSUPP: others than FS_FLAGS; -ENOTTY: neither file nor directory. */
err_t fs_set_flags(struct fs *fs, uint64_t ino, uint32_t flags);

/* May a file be opened with these flags of open(2)? -EPERM if its inode flags forbid it. *RET_ATTR
 * is what it is opened as, and *RET_APPEND_ONLY says that what is opened so must only ever append.
 */
err_t fs_check_open(
	struct fs *fs, uint64_t ino, int flags, struct fs_attr *ret_attr, bool *ret_append_only);

/*
 * Extended attributes of the namespaces user, trusted and security (others are -EOPNOTSUPP), names
 * of 1..255 bytes, values of up to 64 KiB; setxattr(2) flags. get and list return the size, and
 * copy if it fits in SIZE; SIZE 0 asks; too small is -ERANGE. LIST leaves out the trusted ones for
 * who is not PRIVILEGED. The names of an inode are limited to a list of 64 KiB, their values to
 * 1 MiB in all: -ENOSPC.
 *
 * "system.posix_acl_access" and "system.posix_acl_default" are POSIX ACLs, in the form in which the
 * kernel passes them. Setting an access ACL sets the permission bits, and when these say all of it,
 * they are all that is kept. A directory's default ACL goes to what is made in it. -EINVAL: no ACL;
 * -EACCES: a default ACL for something else than a directory; -EOPNOTSUPP: any for a symlink.
 */
#define FS_XATTR_CLEAR_SGID                                                  \
	0x100 /* a flag of set: who sets this access ACL is not in the group \
	       */
err_t fs_set_xattr(struct fs *fs, uint64_t ino, struct fs_name name, const void *value, size_t size,
	int flags);
ssize_t fs_get_xattr(struct fs *fs, uint64_t ino, struct fs_name name, void *value, size_t size);
ssize_t fs_list_xattr(struct fs *fs, uint64_t ino, bool privileged, char *list, size_t size);
err_t fs_remove_xattr(struct fs *fs, uint64_t ino, struct fs_name name);

/*
 * Data. An io is the caller's until `done` is called, once, on a thread that polls QUEUE (or from
 * within the call): with the number of bytes moved, or -errno. A read past the end of the file is
 * short. Holes read as zeros and touch no device memory. -EIO means that a line was lost or the
 * device failed; the bytes in the buffer must not be used then. A write that fails so has changed
 * the file's size and times as if it had not.
 */
#define FS_IO_MAX (1u << 20)

struct fs_io {
	uint64_t ino;
	uint64_t offset;
	uint32_t length; /* at most FS_IO_MAX */
	struct device_pinned *buffer;
	size_t buffer_offset;
	bool kill_suidgid; /* writes: as FS_KILL_SUIDGID */
	bool keep_atime;   /* reads: the file was opened with O_NOATIME */
	void (*done)(struct fs_io *io, ssize_t result);
	void *user;
	/* fs's own, while in flight */
	struct fs *fs;
	uint32_t moved;
	_Atomic unsigned parts;
	_Atomic int err;
};

void fs_read(struct fs *fs, struct store_queue *queue, struct fs_io *io);
void fs_write(struct fs *fs, struct store_queue *queue, struct fs_io *io);

/* fallocate(2), in units of fragments: MODE is 0 or of FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE,
 * FALLOC_FL_ZERO_RANGE; others -EOPNOTSUPP. Waits for the device where a part of a fragment is to
 * be zeroed. */
err_t fs_allocate(struct fs *fs, struct store_queue *queue, uint64_t ino, int mode, uint64_t offset,
	uint64_t length);

/*
 * copy_file_range(2), on the device: returns how many bytes were copied, fewer than LENGTH at the
 * source's end, behind FS_COPY_MAX or where space ends, or -errno. Whole fragments that lie alike
 * in both files go from device memory to device memory; what is left at the edges, and everything
 * where the offsets don't fit together, passes through BUFFER, of which CAPACITY bytes (at least
 * 4096) from BUFFER_OFFSET may be used. Ranges of one file that overlap are -EINVAL. Waits for the
 * device.
 */
#define FS_COPY_MAX (1u << 30)
struct fs_copy {
	uint64_t from, from_offset;
	uint64_t to, to_offset;
	uint64_t length;
	struct device_pinned *buffer;
	size_t buffer_offset, capacity;
	bool kill_suidgid; /* as FS_KILL_SUIDGID, of the target */
};
ssize_t fs_copy(struct fs *fs, struct store_queue *queue, const struct fs_copy *copy);

/* lseek(2) with SEEK_DATA or SEEK_HOLE; -ENXIO past the end. */
err_t fs_seek(struct fs *fs, uint64_t ino, uint64_t offset, int whence, uint64_t *ret_offset);

struct fs_stat {
	uint32_t block_bytes;         /* 4096 */
	uint64_t blocks, blocks_free; /* in block_bytes, of what files can hold: without parity */
	uint64_t inodes, inodes_free;
};
void fs_stat(struct fs *fs, struct fs_stat *ret_stat);

/* Inodes that live without a name, for the references that are held: what may yet become free. */
uint64_t fs_nameless_count(struct fs *fs);
/* Inodes that live now, for tests that look for leaks. */
uint64_t fs_inode_count(struct fs *fs);

#endif
