/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * From any bytes to a request. One byte chooses the opcode, one how the request lies, one the node;
 * then each field of the argument and each name takes a byte, which chooses among values where
 * something changes: around the sizes of lines, blocks and requests, and at the ends of the number
 * ranges. So most requests mean something, a byte changed makes a related one, and the fuzzer gets
 * deep. The highest values of a byte stand for "as follows": the raw value. Raw opcodes make a
 * request of nothing but raw bytes.
 *
 * tests/fuzz/make-corpus.py writes the seeds in this form.
 */
#include "requests.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RAW_REQUEST 0xf0u /* opcodes from here on */
#define RAW_VALUE 0xf8u   /* choices from here on */

/* How a request lies. */
#define LIE_CUT 1u         /* it ends early */
#define LIE_EXTENDED 2u    /* it says that it has extensions */
#define LIE_LENGTH 4u      /* its header has another length */
#define LIE_DATA 8u        /* less data than the argument says */
#define OTHER_USER 16u     /* no lie: user 1000 asks */
#define LIE_OPCODE 32u     /* beyond all that exist */
#define LIE_UNENDED 64u    /* the last name has no end */
#define OTHER_PATTERN 128u /* no lie: other data */

enum kind {
	NODE,
	OFFSET,
	LENGTH,
	SIZE,
	MODE,
	UMASK,
	OPEN_FLAGS,
	RENAME_FLAGS,
	ALLOCATION,
	WHENCE,
	XATTR_FLAGS,
	VALID,
	ANY,
	REFERENCES,
	SECONDS,
	NANOSECONDS,
	IOCTL,
	FLAGS
};

#define KIND(...)                                                                      \
	{                                                                              \
		(const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / 8 \
	}

static const struct {
	const uint64_t *values;
	size_t count;
} kinds[] = {
	[OFFSET] = KIND(0, 1, 120, 127, 128, 4095, 4096, 4097, 8192, 122880, 131071, 131072, 131073,
		262144, 393216, 1 << 20, 1 << 21, 1 << 30, UINT64_C(1) << 40, INT64_MAX - 131072,
		INT64_MAX - 4096, INT64_MAX - 1, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 4095,
		UINT64_MAX),
	[LENGTH] = KIND(4096, 0, 1, 127, 128, 129, 4095, 4097, 8192, 65536, 122880, 131072, 131073,
		262144, 1 << 20, 1 << 21, 1 << 22, 1 << 30, INT64_MAX - 4096, INT64_MAX,
		UINT64_MAX),
	[SIZE] = KIND(4096, 0, 1, 7, 8, 24, 100, 120, 127, 128, 129, 152, 160, 300, 1000, 4095,
		4097, 8192, 65536, 65537, 122880, 131072, 131073, 262144, 1 << 20, (1 << 20) + 1,
		INT32_MAX, UINT32_MAX),
	[MODE] = KIND(S_IFREG | 0644, S_IFREG | 06755, S_IFDIR | 0755, S_IFDIR | 02777,
		S_IFIFO | 0600, S_IFSOCK | 0600, S_IFCHR | 0600, S_IFBLK | 0600, S_IFLNK | 0777,
		0644, 0, 07777, UINT32_MAX),
	[UMASK] = KIND(0, 022, 0777, UINT32_MAX),
	[OPEN_FLAGS] = KIND(O_RDWR, O_RDONLY, O_WRONLY | O_TRUNC, O_RDWR | O_APPEND,
		O_RDWR | O_DIRECT, O_RDWR | O_TMPFILE, UINT32_MAX),
	[RENAME_FLAGS] = KIND(0, 1, 2, 3, 4, 5, 8, UINT32_MAX),
	[ALLOCATION] = KIND(0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE, UINT32_MAX),
	[WHENCE] = KIND(SEEK_DATA, SEEK_HOLE, SEEK_SET, SEEK_CUR, SEEK_END, UINT32_MAX),
	[XATTR_FLAGS] = KIND(0, 1, 2, 3, UINT32_MAX),
	[VALID] = KIND(FATTR_SIZE, FATTR_MODE, FATTR_UID, FATTR_GID, FATTR_UID | FATTR_GID,
		FATTR_SIZE | FATTR_KILL_SUIDGID, FATTR_ATIME | FATTR_MTIME,
		FATTR_ATIME | FATTR_ATIME_NOW | FATTR_MTIME | FATTR_MTIME_NOW, FATTR_CTIME,
		FATTR_SIZE | FATTR_FH, FATTR_SIZE | FATTR_MTIME, 0, UINT32_MAX),
	[ANY] = KIND(0, 1, 2, 4, 7, INT32_MAX, UINT32_MAX, UINT64_MAX),
	[REFERENCES] = KIND(1, 0, 2, 3, UINT32_MAX, INT64_MAX, UINT64_MAX),
	[SECONDS] = KIND(
		0, 1, 1000000000, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_C(1) << 63),
	[IOCTL] = KIND(
		FS_IOC_SETFLAGS, FS_IOC_GETFLAGS, FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR, UINT32_MAX),
	[FLAGS] = KIND(0, FS_APPEND_FL, FS_IMMUTABLE_FL, FS_NODUMP_FL | FS_NOATIME_FL,
		FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND, UINT32_MAX),
	[NANOSECONDS] = KIND(0, 1, 999999999, 1000000000, UINT32_MAX),
};

/* The fields of arguments, in no order. What is not named here stays zero. */
#define FIELD(opcode, type, member, kind)                                                       \
	{                                                                                       \
		opcode, offsetof(struct type, member), sizeof(((struct type *)0)->member), kind \
	}

static const struct field {
	uint32_t opcode;
	uint16_t offset, width;
	enum kind kind;
} fields[] = {
	FIELD(FUSE_FORGET, fuse_forget_in, nlookup, REFERENCES),
	FIELD(FUSE_BATCH_FORGET, fuse_batch_forget_in, count, REFERENCES),
	FIELD(FUSE_GETATTR, fuse_getattr_in, flags, ANY),
	FIELD(FUSE_SETATTR, fuse_setattr_in, valid, VALID),
	FIELD(FUSE_SETATTR, fuse_setattr_in, size, OFFSET),
	FIELD(FUSE_SETATTR, fuse_setattr_in, mode, MODE),
	FIELD(FUSE_SETATTR, fuse_setattr_in, uid, ANY),
	FIELD(FUSE_SETATTR, fuse_setattr_in, gid, ANY),
	FIELD(FUSE_SETATTR, fuse_setattr_in, atime, SECONDS),
	FIELD(FUSE_SETATTR, fuse_setattr_in, atimensec, NANOSECONDS),
	FIELD(FUSE_SETATTR, fuse_setattr_in, mtime, SECONDS),
	FIELD(FUSE_SETATTR, fuse_setattr_in, mtimensec, NANOSECONDS),
	FIELD(FUSE_SETATTR, fuse_setattr_in, ctimensec, NANOSECONDS),
	FIELD(FUSE_STATX, fuse_statx_in, sx_mask, ANY),
	FIELD(FUSE_MKNOD, fuse_mknod_in, mode, MODE),
	FIELD(FUSE_MKNOD, fuse_mknod_in, rdev, ANY),
	FIELD(FUSE_MKNOD, fuse_mknod_in, umask, UMASK),
	FIELD(FUSE_MKDIR, fuse_mkdir_in, mode, MODE),
	FIELD(FUSE_MKDIR, fuse_mkdir_in, umask, UMASK),
	FIELD(FUSE_RENAME, fuse_rename_in, newdir, NODE),
	FIELD(FUSE_RENAME2, fuse_rename2_in, newdir, NODE),
	FIELD(FUSE_RENAME2, fuse_rename2_in, flags, RENAME_FLAGS),
	FIELD(FUSE_LINK, fuse_link_in, oldnodeid, NODE),
	FIELD(FUSE_CREATE, fuse_create_in, flags, OPEN_FLAGS),
	FIELD(FUSE_CREATE, fuse_create_in, mode, MODE),
	FIELD(FUSE_CREATE, fuse_create_in, umask, UMASK),
	FIELD(FUSE_CREATE, fuse_create_in, open_flags, ANY),
	FIELD(FUSE_TMPFILE, fuse_create_in, flags, OPEN_FLAGS),
	FIELD(FUSE_TMPFILE, fuse_create_in, mode, MODE),
	FIELD(FUSE_OPEN, fuse_open_in, flags, OPEN_FLAGS),
	FIELD(FUSE_OPEN, fuse_open_in, open_flags, ANY),
	FIELD(FUSE_READ, fuse_read_in, offset, OFFSET),
	FIELD(FUSE_READ, fuse_read_in, size, SIZE),
	FIELD(FUSE_WRITE, fuse_write_in, offset, OFFSET),
	FIELD(FUSE_WRITE, fuse_write_in, size, SIZE),
	FIELD(FUSE_WRITE, fuse_write_in, write_flags, ANY),
	FIELD(FUSE_READDIR, fuse_read_in, offset, OFFSET),
	FIELD(FUSE_READDIR, fuse_read_in, size, SIZE),
	FIELD(FUSE_READDIRPLUS, fuse_read_in, offset, OFFSET),
	FIELD(FUSE_READDIRPLUS, fuse_read_in, size, SIZE),
	FIELD(FUSE_SETXATTR, fuse_setxattr_in, size, SIZE),
	FIELD(FUSE_SETXATTR, fuse_setxattr_in, flags, XATTR_FLAGS),
	FIELD(FUSE_SETXATTR, fuse_setxattr_in, setxattr_flags, ANY),
	FIELD(FUSE_GETXATTR, fuse_getxattr_in, size, SIZE),
	FIELD(FUSE_LISTXATTR, fuse_getxattr_in, size, SIZE),
	FIELD(FUSE_FALLOCATE, fuse_fallocate_in, offset, OFFSET),
	FIELD(FUSE_FALLOCATE, fuse_fallocate_in, length, LENGTH),
	FIELD(FUSE_FALLOCATE, fuse_fallocate_in, mode, ALLOCATION),
	FIELD(FUSE_LSEEK, fuse_lseek_in, offset, OFFSET),
	FIELD(FUSE_LSEEK, fuse_lseek_in, whence, WHENCE),
	FIELD(FUSE_IOCTL, fuse_ioctl_in, cmd, IOCTL),
	FIELD(FUSE_IOCTL, fuse_ioctl_in, in_size, SIZE),
	FIELD(FUSE_IOCTL, fuse_ioctl_in, out_size, SIZE),
	FIELD(FUSE_WRITE, fuse_write_in, fh, ANY),
	FIELD(FUSE_WRITE, fuse_write_in, flags, OPEN_FLAGS),
	FIELD(FUSE_COPY_FILE_RANGE, fuse_copy_file_range_in, off_in, OFFSET),
	FIELD(FUSE_COPY_FILE_RANGE, fuse_copy_file_range_in, nodeid_out, NODE),
	FIELD(FUSE_COPY_FILE_RANGE, fuse_copy_file_range_in, off_out, OFFSET),
	FIELD(FUSE_COPY_FILE_RANGE, fuse_copy_file_range_in, len, LENGTH),
	FIELD(FUSE_COPY_FILE_RANGE_64, fuse_copy_file_range_in, off_in, OFFSET),
	FIELD(FUSE_COPY_FILE_RANGE_64, fuse_copy_file_range_in, nodeid_out, NODE),
	FIELD(FUSE_COPY_FILE_RANGE_64, fuse_copy_file_range_in, off_out, OFFSET),
	FIELD(FUSE_COPY_FILE_RANGE_64, fuse_copy_file_range_in, len, LENGTH),
	FIELD(FUSE_COPY_FILE_RANGE_64, fuse_copy_file_range_in, flags, ANY),
	FIELD(FUSE_INIT, fuse_init_in, major, ANY),
	FIELD(FUSE_INIT, fuse_init_in, minor, ANY),
	FIELD(FUSE_INIT, fuse_init_in, flags, ANY),
};

static uint8_t take_byte(struct bytes *bytes)
{
	if (!bytes->left)
		return 0;
	bytes->left--;
	return *bytes->at++;
}

static uint64_t take_number(struct bytes *bytes, unsigned width)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < width; i++)
		number |= (uint64_t)take_byte(bytes) << (8 * i);
	return number;
}

/* A node that the kernel knows or knew, or one that never was. */
static uint64_t take_node(const struct peer *peer, struct bytes *bytes)
{
	static const uint64_t strange[] = {0, 2, 1000000, INT64_MAX, UINT64_MAX};
	uint8_t choice = take_byte(bytes);

	if (choice < RAW_VALUE)
		return peer->nodes[choice % peer->node_count].node;
	return strange[(choice - RAW_VALUE) % (sizeof(strange) / sizeof(strange[0]))];
}

static uint64_t take_value(const struct peer *peer, struct bytes *bytes, enum kind kind)
{
	uint8_t choice;

	if (kind == NODE)
		return take_node(peer, bytes);
	choice = take_byte(bytes);
	if (choice >= RAW_VALUE)
		return take_number(bytes, choice - RAW_VALUE + 1);
	return kinds[kind].values[choice % kinds[kind].count];
}

/* Where the request is being made. */
struct place {
	uint8_t *bytes;
	size_t used, size;
};

static void put(struct place *place, const void *bytes, size_t count)
{
	if (count > place->size - place->used)
		count = place->size - place->used;
	memcpy(place->bytes + place->used, bytes, count);
	place->used += count;
}

static void put_repeated(struct place *place, uint8_t byte, size_t count)
{
	if (count > place->size - place->used)
		count = place->size - place->used;
	memset(place->bytes + place->used, byte, count);
	place->used += count;
}

/* A name without its end. */
static void put_name(struct place *place, struct bytes *bytes)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "user.a",
		"user.b", "trusted.c", "security.capability", "system.posix_acl_access",
		"system.posix_acl_default", "vramfs.stats", ".", "..", "", "a/b", "\xff\xfe\x80",
		"...", " ", "user.", "vramfs."};
	uint8_t choice = take_byte(bytes), length;

	if (choice < 0xf0) {
		const char *name = names[choice % (sizeof(names) / sizeof(names[0]))];

		put(place, name, strlen(name));
	} else if (choice < 0xfc) { /* a long one, whose last byte tells it from others */
		static const uint16_t lengths[] = {254, 255, 256, 4094, 4095, 4096};

		put_repeated(place, 'l', lengths[choice % 6] - 1);
		put_repeated(place, choice, 1);
	} else { /* raw; it may well hold a NUL */
		length = take_byte(bytes);
		for (unsigned i = 0; i < length; i++) {
			uint8_t byte = take_byte(bytes);

			put(place, &byte, 1);
		}
	}
}

static unsigned name_count(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_SYMLINK:
	case FUSE_RENAME:
	case FUSE_RENAME2:
		return 2;
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_LINK:
	case FUSE_CREATE:
	case FUSE_TMPFILE:
	case FUSE_SETXATTR:
	case FUSE_GETXATTR:
	case FUSE_REMOVEXATTR:
		return 1;
	default:
		return 0;
	}
}

/* What WRITE, SETXATTR and IOCTL carry, and the list of BATCH_FORGET. */
static void put_data(struct peer *peer, struct place *place, struct bytes *bytes, uint32_t opcode,
	const uint8_t *argument, uint8_t how, size_t *data_left)
{
	uint64_t size = 0;

	if (opcode == FUSE_BATCH_FORGET) {
		const struct fuse_batch_forget_in *in = (const void *)argument;

		for (uint32_t i = 0; i < in->count && i < 4; i++) {
			struct fuse_forget_one one = {.nodeid = take_node(peer, bytes)};

			one.nlookup = take_value(peer, bytes, REFERENCES);
			put(place, &one, sizeof(one));
		}
		return;
	}
	if (opcode == FUSE_IOCTL) { /* flags, and of struct fsxattr the rest */
		uint32_t flags = (uint32_t)take_value(peer, bytes, FLAGS);

		put(place, &flags, sizeof(flags));
		put_repeated(place, 0, how & LIE_DATA ? 2 : sizeof(struct fsxattr) - sizeof(flags));
		return;
	}
	if (opcode == FUSE_WRITE)
		size = ((const struct fuse_write_in *)(const void *)argument)->size;
	else if (opcode == FUSE_SETXATTR)
		size = ((const struct fuse_setxattr_in *)(const void *)argument)->size;
	if (how & LIE_DATA)
		size /= 2;
	if (size > *data_left)
		size = *data_left;
	*data_left -= size;
	put_repeated(place, how & OTHER_PATTERN ? 0xa5 : 0x5a, size);
}

static void put_argument(
	struct peer *peer, struct place *place, struct bytes *bytes, uint32_t opcode)
{
	uint8_t *argument = place->bytes + place->used;

	put_repeated(place, 0, fuse_argument_bytes(opcode));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint64_t value;

		if (fields[i].opcode != opcode)
			continue;
		value = take_value(peer, bytes, fields[i].kind);
		memcpy(argument + fields[i].offset, &value, fields[i].width);
	}
}

/* Raw, but for the length in its header, which no other than the right one gets past. */
static size_t make_raw_request(struct place *place, struct bytes *bytes)
{
	size_t length = take_byte(bytes);
	uint32_t len;

	for (size_t i = 0; i < length; i++) {
		uint8_t byte = take_byte(bytes);

		put(place, &byte, 1);
	}
	len = (uint32_t)place->used;
	if (len >= sizeof(len))
		memcpy(place->bytes, &len, sizeof(len));
	return place->used;
}

size_t make_request(struct peer *peer, struct bytes *bytes, size_t *data_left)
{
	struct place place = {.bytes = peer_request(peer), .size = peer_request_max()};
	uint8_t choice = take_byte(bytes), how;
	struct fuse_in_header header = {.opcode = choice % (FUSE_OPCODES + 2)};
	const uint8_t *argument = place.bytes + sizeof(header);

	if (choice >= RAW_REQUEST)
		return make_raw_request(&place, bytes);
	how = take_byte(bytes);
	header.nodeid = take_node(peer, bytes);
	header.unique = 1 + bytes->left;
	header.uid = header.gid = how & OTHER_USER ? 1000 : 0;
	put(&place, &header, sizeof(header));
	put_argument(peer, &place, bytes, header.opcode);
	for (unsigned i = name_count(header.opcode); i > 0; i--) {
		put_name(&place, bytes);
		if (i > 1 || !(how & LIE_UNENDED))
			put(&place, "", 1);
	}
	put_data(peer, &place, bytes, header.opcode, argument, how, data_left);
	if (how & LIE_EXTENDED) {
		header.total_extlen = take_byte(bytes);
		put_repeated(&place, 0xee, header.total_extlen / 2 * 8);
	}
	if (how & LIE_CUT)
		place.used -= take_byte(bytes) % (place.used - sizeof(header) + 1);
	if (how & LIE_OPCODE)
		header.opcode |= 0x10000;
	header.len = (uint32_t)place.used + (how & LIE_LENGTH ? take_byte(bytes) : 0);
	memcpy(place.bytes, &header, sizeof(header));
	return place.used;
}
