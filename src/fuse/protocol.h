/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_FUSE_PROTOCOL_H
#define VRAMFS_FUSE_PROTOCOL_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

/*
 * The part of the kernel's FUSE protocol (version 7) that vramfs speaks. Declared here because the
 * header that distributions install, <linux/fuse.h>, lags behind what running kernels offer. All
 * integers are in the byte order of the machine; times are seconds (signed, though declared
 * unsigned) and nanoseconds.
 *
 * A request is a fuse_in_header, the fixed argument of its opcode, and then names (each ended by a
 * NUL) or data. A reply is a fuse_out_header and, if its error is 0, what the opcode returns.
 */
#define FUSE_MAJOR 7u
#define FUSE_MINOR 45u        /* the newest that this file knows */
#define FUSE_MINOR_NEEDED 33u /* Linux 5.12: KILLPRIV_V2 and SETXATTR_EXT */

#define FUSE_ROOT_NODE 1u

enum fuse_opcode {
	FUSE_LOOKUP = 1,
	FUSE_FORGET = 2, /* no reply */
	FUSE_GETATTR = 3,
	FUSE_SETATTR = 4,
	FUSE_READLINK = 5,
	FUSE_SYMLINK = 6,
	FUSE_MKNOD = 8,
	FUSE_MKDIR = 9,
	FUSE_UNLINK = 10,
	FUSE_RMDIR = 11,
	FUSE_RENAME = 12,
	FUSE_LINK = 13,
	FUSE_OPEN = 14,
	FUSE_READ = 15,
	FUSE_WRITE = 16,
	FUSE_STATFS = 17,
	FUSE_RELEASE = 18,
	FUSE_FSYNC = 20,
	FUSE_SETXATTR = 21,
	FUSE_GETXATTR = 22,
	FUSE_LISTXATTR = 23,
	FUSE_REMOVEXATTR = 24,
	FUSE_FLUSH = 25,
	FUSE_INIT = 26,
	FUSE_OPENDIR = 27,
	FUSE_READDIR = 28,
	FUSE_RELEASEDIR = 29,
	FUSE_FSYNCDIR = 30,
	FUSE_ACCESS = 34,
	FUSE_CREATE = 35,
	FUSE_INTERRUPT = 36,
	FUSE_DESTROY = 38,
	FUSE_IOCTL = 39,
	FUSE_POLL = 40,
	FUSE_BATCH_FORGET = 42, /* no reply */
	FUSE_FALLOCATE = 43,
	FUSE_READDIRPLUS = 44,
	FUSE_RENAME2 = 45,
	FUSE_LSEEK = 46,
	FUSE_COPY_FILE_RANGE = 47,
	FUSE_SYNCFS = 50,
	FUSE_TMPFILE = 51,
	FUSE_STATX = 52,
	FUSE_COPY_FILE_RANGE_64 = 53,
	FUSE_OPCODES /* one more than the largest above */
};

/* What INIT negotiates; bits from 32 on travel in flags2. */
#define FUSE_ASYNC_READ (1ull << 0)
#define FUSE_ATOMIC_O_TRUNC (1ull << 3)
#define FUSE_EXPORT_SUPPORT (1ull << 4) /* "." and ".." can be looked up */
#define FUSE_BIG_WRITES (1ull << 5)
#define FUSE_DONT_MASK (1ull << 6)
#define FUSE_DO_READDIRPLUS (1ull << 13)
#define FUSE_READDIRPLUS_AUTO (1ull << 14)
#define FUSE_ASYNC_DIO (1ull << 15)
#define FUSE_PARALLEL_DIROPS (1ull << 18)
#define FUSE_POSIX_ACL (1ull << 20)
#define FUSE_MAX_PAGES (1ull << 22)
#define FUSE_CACHE_SYMLINKS (1ull << 23)
#define FUSE_NO_OPENDIR_SUPPORT (1ull << 24)
#define FUSE_HANDLE_KILLPRIV_V2 (1ull << 28)
#define FUSE_SETXATTR_EXT (1ull << 29)
#define FUSE_INIT_EXT (1ull << 30) /* flags2 is there */
#define FUSE_DIRECT_IO_ALLOW_MMAP (1ull << 36)
#define FUSE_OVER_IO_URING (1ull << 41)

/* fuse_open_out.open_flags */
#define FOPEN_DIRECT_IO (1u << 0)
#define FOPEN_KEEP_CACHE (1u << 1)
#define FOPEN_PARALLEL_DIRECT_WRITES (1u << 6)

/* fuse_setattr_in.valid */
#define FATTR_MODE (1u << 0)
#define FATTR_UID (1u << 1)
#define FATTR_GID (1u << 2)
#define FATTR_SIZE (1u << 3)
#define FATTR_ATIME (1u << 4)
#define FATTR_MTIME (1u << 5)
#define FATTR_FH (1u << 6) /* through an open file */
#define FATTR_ATIME_NOW (1u << 7)
#define FATTR_MTIME_NOW (1u << 8)
#define FATTR_CTIME (1u << 10)
#define FATTR_KILL_SUIDGID (1u << 11)

#define FUSE_OPEN_KILL_SUIDGID (1u << 0)      /* fuse_open_in, fuse_create_in: open_flags */
#define FUSE_WRITE_CACHE (1u << 0)            /* fuse_write_in.write_flags: of a mapping */
#define FUSE_WRITE_KILL_SUIDGID (1u << 2)     /* likewise */
#define FUSE_SETXATTR_ACL_KILL_SGID (1u << 0) /* fuse_setxattr_in.setxattr_flags */

struct fuse_in_header {
	uint32_t len; /* of the whole request */
	uint32_t opcode;
	uint64_t unique; /* which request a reply answers */
	uint64_t nodeid;
	uint32_t uid, gid, pid;
	uint16_t total_extlen; /* of the extensions at the end, in units of 8 bytes */
	uint16_t padding;
};

struct fuse_out_header {
	uint32_t len;  /* of the whole reply */
	int32_t error; /* 0 or -errno, above -512 */
	uint64_t unique;
};

struct fuse_attr {
	uint64_t ino, size;
	uint64_t blocks; /* of 512 bytes */
	uint64_t atime, mtime, ctime;
	uint32_t atimensec, mtimensec, ctimensec;
	uint32_t mode, nlink, uid, gid, rdev;
	uint32_t blksize;
	uint32_t flags;
};

struct fuse_entry_out {
	uint64_t nodeid; /* 0: there is no such name, and the kernel may remember that */
	uint64_t generation;
	uint64_t entry_valid, attr_valid; /* seconds for which the kernel may believe it */
	uint32_t entry_valid_nsec, attr_valid_nsec;
	struct fuse_attr attr;
};

struct fuse_attr_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t padding;
	struct fuse_attr attr;
};

struct fuse_forget_in {
	uint64_t nlookup;
};

struct fuse_forget_one {
	uint64_t nodeid, nlookup;
};

struct fuse_batch_forget_in {
	uint32_t count; /* of the fuse_forget_one that follow */
	uint32_t padding;
};

struct fuse_getattr_in {
	uint32_t flags, padding;
	uint64_t fh;
};

struct fuse_setattr_in {
	uint32_t valid, padding;
	uint64_t fh;
	uint64_t size;
	uint64_t lock_owner;
	uint64_t atime, mtime, ctime;
	uint32_t atimensec, mtimensec, ctimensec;
	uint32_t mode;
	uint32_t unused4;
	uint32_t uid, gid;
	uint32_t unused5;
};

struct fuse_mknod_in {
	uint32_t mode, rdev, umask, padding;
};

struct fuse_mkdir_in {
	uint32_t mode, umask;
};

struct fuse_rename_in {
	uint64_t newdir;
};

struct fuse_rename2_in {
	uint64_t newdir;
	uint32_t flags, padding;
};

struct fuse_link_in {
	uint64_t oldnodeid;
};

struct fuse_open_in {
	uint32_t flags; /* of open(2) */
	uint32_t open_flags;
};

struct fuse_create_in {
	uint32_t flags, mode, umask, open_flags;
};

struct fuse_open_out {
	uint64_t fh;
	uint32_t open_flags, padding;
};

struct fuse_read_in { /* also READDIR and READDIRPLUS */
	uint64_t fh, offset;
	uint32_t size, read_flags;
	uint64_t lock_owner;
	uint32_t flags, padding;
};

struct fuse_write_in {
	uint64_t fh, offset;
	uint32_t size, write_flags;
	uint64_t lock_owner;
	uint32_t flags, padding;
};

struct fuse_write_out {
	uint32_t size, padding;
};

struct fuse_statfs_out {
	uint64_t blocks, bfree, bavail, files, ffree;
	uint32_t bsize, namelen, frsize, padding;
	uint32_t spare[6];
};

struct fuse_setxattr_in { /* the name and the value follow */
	uint32_t size, flags, setxattr_flags, padding;
};

struct fuse_getxattr_in { /* also LISTXATTR */
	uint32_t size, padding;
};

struct fuse_getxattr_out {
	uint32_t size, padding;
};

struct fuse_init_in {
	uint32_t major, minor;
	uint32_t max_readahead;
	uint32_t flags;
};

struct fuse_init_in_ext { /* behind fuse_init_in where FUSE_INIT_EXT is set */
	uint32_t flags2;
	uint32_t unused[11];
};

struct fuse_init_out {
	uint32_t major, minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint16_t max_background, congestion_threshold;
	uint32_t max_write;
	uint32_t time_gran; /* granularity of times, in nanoseconds */
	uint16_t max_pages, map_alignment;
	uint32_t flags2;
	uint32_t unused[7];
};

struct fuse_ioctl_in { /* in_size bytes of the caller's argument follow */
	uint64_t fh;
	uint32_t flags, cmd;
	uint64_t arg;
	uint32_t in_size, out_size;
};

struct fuse_ioctl_out { /* what is to be copied to the caller's argument follows */
	int32_t result;
	uint32_t flags, in_iovs, out_iovs;
};

struct fuse_fallocate_in {
	uint64_t fh, offset, length;
	uint32_t mode, padding;
};

struct fuse_copy_file_range_in { /* the header's nodeid is the file to copy from */
	uint64_t fh_in, off_in;
	uint64_t nodeid_out, fh_out, off_out;
	uint64_t len, flags;
};

struct fuse_copy_file_range_out { /* of FUSE_COPY_FILE_RANGE_64; the other's is fuse_write_out */
	uint64_t bytes_copied;
};

struct fuse_lseek_in {
	uint64_t fh, offset;
	uint32_t whence, padding;
};

struct fuse_lseek_out {
	uint64_t offset;
};

struct fuse_statx_in {
	uint32_t getattr_flags, reserved;
	uint64_t fh;
	uint32_t sx_flags, sx_mask;
};

struct fuse_sx_time {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t reserved;
};

struct fuse_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare0;
	uint64_t ino, size, blocks, attributes_mask;
	struct fuse_sx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t spare2[14];
};

struct fuse_statx_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec, flags;
	uint64_t spare[2];
	struct fuse_statx stat;
};

struct fuse_dirent { /* the name follows, then zeros up to a multiple of 8 bytes */
	uint64_t ino;
	uint64_t off; /* where to go on after this entry */
	uint32_t namelen;
	uint32_t type; /* S_IFMT bits >> 12 */
};

struct fuse_direntplus { /* ... likewise */
	struct fuse_entry_out entry;
	struct fuse_dirent dirent;
};

/* What the filesystem tells of its own accord: as a reply with `unique` 0 and this as the error. */
#define FUSE_NOTIFY_INVAL_INODE 2

struct fuse_notify_inval_inode_out {
	uint64_t ino;
	int64_t off; /* of the pages to drop; -1: none, just the attributes */
	int64_t len;
};

/* Attach a fresh descriptor of /dev/fuse to the connection of the descriptor it is given. */
#define FUSE_DEV_IOC_CLONE _IOR(229, 0, uint32_t)

/* The kernel refuses to read requests into less than this. */
#define FUSE_MIN_READ_BUFFER 8192u

static_assert(sizeof(struct fuse_in_header) == 40, "protocol");
static_assert(sizeof(struct fuse_out_header) == 16, "protocol");
static_assert(sizeof(struct fuse_attr) == 88, "protocol");
static_assert(sizeof(struct fuse_entry_out) == 128, "protocol");
static_assert(sizeof(struct fuse_attr_out) == 104, "protocol");
static_assert(sizeof(struct fuse_setattr_in) == 88, "protocol");
static_assert(sizeof(struct fuse_write_in) == 40, "protocol");
static_assert(sizeof(struct fuse_statfs_out) == 80, "protocol");
static_assert(sizeof(struct fuse_init_out) == 64, "protocol");
static_assert(sizeof(struct fuse_copy_file_range_in) == 56, "protocol");
static_assert(sizeof(struct fuse_ioctl_in) == 32, "protocol");
static_assert(sizeof(struct fuse_statx) == 256, "protocol");
static_assert(sizeof(struct fuse_statx_out) == 288, "protocol");
static_assert(sizeof(struct fuse_direntplus) == 152, "protocol");

/*
 * Over io_uring (Linux 6.14). A server gives the kernel entries, each with memory for the header
 * and for the payload of one request, by commands (IORING_OP_URING_CMD, in entries of 128 bytes) on
 * the descriptor of /dev/fuse; a command ends when there is a request in its entry.
 */
struct fuse_uring_ent_in_out {
	uint64_t flags;
	uint64_t commit_id;  /* the reply's command says it again */
	uint32_t payload_sz; /* bytes, of the request and then of the reply */
	uint32_t padding;
	uint64_t reserved;
};

struct fuse_uring_req_header {
	uint8_t in_out[128]; /* fuse_in_header, then fuse_out_header */
	uint8_t op_in[128];  /* the opcode's fixed argument */
	struct fuse_uring_ent_in_out ring_ent_in_out;
};

enum fuse_uring_command {
	FUSE_IO_URING_CMD_REGISTER = 1, /* addr, len: two iovecs, of the header and the payload */
	FUSE_IO_URING_CMD_COMMIT_AND_FETCH = 2,
};

/* A command's argument. */
struct fuse_uring_cmd_req {
	uint64_t flags;
	uint64_t commit_id; /* COMMIT_AND_FETCH */
	uint16_t qid;       /* one queue for each possible processor */
	uint8_t padding[6];
};

#endif
