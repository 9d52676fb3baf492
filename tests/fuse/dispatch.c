/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* The dispatcher without a kernel: well-formed and broken requests, made by caller.h. */
#include "caller.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <cmocka.h>

static int init(uint32_t major, uint32_t minor, uint64_t flags, struct fuse_init_out *ret_out)
{
	struct fuse_init_in in = {.major = major,
		.minor = minor,
		.max_readahead = 128 * 1024,
		.flags = (uint32_t)flags};
	struct fuse_init_in_ext extension = {.flags2 = (uint32_t)(flags >> 32)};
	struct call call = {
		.opcode = FUSE_INIT,
		.argument = &in,
		.argument_bytes = sizeof(in),
		.data = &extension,
		.data_bytes = flags & FUSE_INIT_EXT ? sizeof(extension) : 0,
	};
	int err;

	connection.initialised = connection.refused = false;
	err = dispatch(&call);
	if (!err) {
		assert_int_equal(reply.bytes, sizeof(*ret_out));
		memcpy(ret_out, reply.body, sizeof(*ret_out));
	}
	return err;
}

static void init_agrees_on_what_both_can_do(void **state)
{
	struct fuse_init_out out = {};

	(void)state;
	assert_int_equal(init(7, 45, ~0ull, &out), 0);
	assert_true(connection.initialised);
	assert_int_equal(out.major, 7);
	assert_int_equal(out.max_write, FS_IO_MAX);
	assert_int_equal(out.max_pages, 256);
	assert_int_equal(out.time_gran, 1);
	assert_int_equal(out.max_readahead, 128 * 1024);
	/* POSIX and flock locks, write-back cache: never. */
	assert_int_equal(out.flags & (1u << 1 | 1u << 10 | 1u << 16), 0);
	assert_int_equal(out.flags2, FUSE_DIRECT_IO_ALLOW_MMAP >> 32);
	assert_true(connection.direct_io);
}

static void init_without_direct_mappings_caches_files(void **state)
{
	struct fuse_init_out out = {};

	(void)state;
	assert_int_equal(init(7, 36, ~FUSE_DIRECT_IO_ALLOW_MMAP, &out), 0);
	assert_false(connection.direct_io);
	assert_int_equal(init(7, 34, 0xffffffff & ~FUSE_INIT_EXT, &out), 0);
	assert_int_equal(out.flags2, 0);
	assert_false(connection.direct_io);
}

static void init_refuses_an_old_kernel(void **state)
{
	struct fuse_init_out out = {};

	(void)state;
	assert_int_equal(init(7, 32, ~0ull, &out), -EPROTO);
	assert_true(connection.refused);
	assert_int_equal(init(6, 45, ~0ull, &out), -EPROTO);
	assert_int_equal(init(7, 45, ~FUSE_SETXATTR_EXT, &out), -EPROTO);
	/* A newer major version asks again. */
	assert_int_equal(init(8, 0, ~0ull, &out), 0);
	assert_int_equal(out.major, 7);
	assert_false(connection.refused || connection.initialised);
	assert_int_equal(init(7, 45, ~0ull, &out), 0);
	/* It is asked once. */
	assert_int_equal(simple(FUSE_INIT, 0, &out, 16, NULL), -EIO);
}

static void truncated_requests_are_refused(void **state)
{
	static const uint8_t zeros[256];

	(void)state;
	for (uint32_t opcode = 0; opcode < FUSE_OPCODES + 10; opcode++)
		for (size_t bytes = 0; bytes < fuse_argument_bytes(opcode); bytes++) {
			int err = simple(opcode, FUSE_ROOT_NODE, zeros, bytes, NULL);

			if (opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET)
				assert_int_equal(err, 1);
			else
				assert_int_equal(err, -EIO);
		}
}

static void unknown_opcodes_are_refused(void **state)
{
	static const uint32_t unknown[] = {0, 7, FUSE_FLUSH, FUSE_FSYNC, FUSE_FSYNCDIR,
		FUSE_OPENDIR, FUSE_ACCESS, FUSE_INTERRUPT, FUSE_POLL, FUSE_OPCODES, 4096,
		UINT32_MAX};
	struct fuse_ioctl_in ioctl = {};

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_int_equal(simple(unknown[i], FUSE_ROOT_NODE, NULL, 0, NULL), -ENOSYS);
	for (ioctl.cmd = 0; ioctl.cmd < 1000000; ioctl.cmd += 12345)
		assert_int_equal(
			simple(FUSE_IOCTL, FUSE_ROOT_NODE, &ioctl, sizeof(ioctl), NULL), -ENOTTY);
}

static void names_without_end_are_refused(void **state)
{
	static const uint32_t opcodes[] = {FUSE_LOOKUP, FUSE_UNLINK, FUSE_RMDIR, FUSE_MKDIR,
		FUSE_MKNOD, FUSE_CREATE, FUSE_LINK, FUSE_SYMLINK, FUSE_RENAME, FUSE_RENAME2,
		FUSE_SETXATTR, FUSE_GETXATTR, FUSE_REMOVEXATTR};
	static const uint8_t zeros[256];

	(void)state;
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		struct call call = {
			.opcode = opcodes[i],
			.node = FUSE_ROOT_NODE,
			.argument = zeros,
			.argument_bytes = fuse_argument_bytes(opcodes[i]),
			.data = "one\0two",
		};

		for (call.data_bytes = 0; call.data_bytes < 4; call.data_bytes++)
			assert_int_equal(dispatch(&call), -EIO);
		if (opcodes[i] != FUSE_SYMLINK && opcodes[i] != FUSE_RENAME &&
			opcodes[i] != FUSE_RENAME2)
			continue;
		for (; call.data_bytes < 8; call.data_bytes++)
			assert_int_equal(dispatch(&call), -EIO);
	}
}

static void extensions_are_cut_off(void **state)
{
	struct call call = {
		.opcode = FUSE_LOOKUP,
		.node = FUSE_ROOT_NODE,
		.data = "none\0...EXTENSION",
		.data_bytes = 16,
		.extensions = 1,
	};

	(void)state;
	assert_int_equal(dispatch(&call), 0);
	call.extensions = 2; /* leaves no name */
	assert_int_equal(dispatch(&call), -EIO);
	call.extensions = UINT16_MAX;
	assert_int_equal(dispatch(&call), -EIO);
}

static void bad_names_are_refused(void **state)
{
	struct fuse_mkdir_in in = {.mode = 0755};
	char name[300];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	assert_int_equal(simple(FUSE_MKDIR, FUSE_ROOT_NODE, &in, sizeof(in), name), -ENAMETOOLONG);
	assert_int_equal(simple(FUSE_MKDIR, FUSE_ROOT_NODE, &in, sizeof(in), "a/b"), -EINVAL);
	assert_int_equal(simple(FUSE_MKDIR, FUSE_ROOT_NODE, &in, sizeof(in), ".."), -EINVAL);
	assert_int_equal(simple(FUSE_MKDIR, FUSE_ROOT_NODE, &in, sizeof(in), ""), -EINVAL);
	assert_int_equal(simple(FUSE_MKDIR, 987654321, &in, sizeof(in), "x"), -ENOENT);
}

/* As for a file handle whose inode the kernel no longer has. */
static void nodes_are_found_by_number(void **state)
{
	struct fuse_mkdir_in in = {.mode = 0755};
	struct fuse_entry_out made, found;
	uint64_t file = create("handled", 0644, 0);

	(void)state;
	assert_int_equal(simple(FUSE_MKDIR, FUSE_ROOT_NODE, &in, sizeof(in), "holder"), 0);
	memcpy(&made, reply.body, sizeof(made));
	assert_int_equal(simple(FUSE_LOOKUP, made.nodeid, NULL, 0, "."), 0);
	memcpy(&found, reply.body, sizeof(found));
	assert_int_equal(found.nodeid, made.nodeid);
	assert_int_equal(found.generation, made.generation);
	assert_int_equal(simple(FUSE_LOOKUP, made.nodeid, NULL, 0, ".."), 0);
	memcpy(&found, reply.body, sizeof(found));
	assert_int_equal(found.nodeid, FUSE_ROOT_NODE);
	assert_int_equal(found.generation, 0);
	assert_int_equal(simple(FUSE_LOOKUP, file, NULL, 0, "."), 0);
	memcpy(&found, reply.body, sizeof(found));
	assert_int_equal(found.nodeid, file);
	assert_int_equal(simple(FUSE_LOOKUP, file, NULL, 0, ".."), -ENOTDIR);
	assert_int_equal(simple(FUSE_LOOKUP, 987654321, NULL, 0, "."), 0);
	memcpy(&found, reply.body, sizeof(found));
	assert_int_equal(found.nodeid, 0);
}

static void a_missing_name_may_be_remembered(void **state)
{
	struct fuse_entry_out entry;

	(void)state;
	assert_int_equal(simple(FUSE_LOOKUP, FUSE_ROOT_NODE, NULL, 0, "missing"), 0);
	assert_int_equal(reply.bytes, sizeof(entry));
	memcpy(&entry, reply.body, sizeof(entry));
	assert_int_equal(entry.nodeid, 0);
	assert_true(entry.entry_valid > 1000000);
}

static void the_umask_is_applied(void **state)
{
	struct fuse_mkdir_in mkdir_in = {.mode = 02777, .umask = 027};
	struct fuse_mknod_in mknod_in = {.mode = S_IFIFO | 0666, .umask = 077};
	struct fuse_attr attr;
	struct fuse_entry_out entry;

	(void)state;
	attr = attributes(create("masked", 04777, 022));
	assert_int_equal(attr.mode, S_IFREG | 04755);
	assert_int_equal(
		simple(FUSE_MKDIR, FUSE_ROOT_NODE, &mkdir_in, sizeof(mkdir_in), "masked-d"), 0);
	memcpy(&entry, reply.body, sizeof(entry));
	assert_int_equal(entry.attr.mode, S_IFDIR | 02750);
	assert_int_equal(
		simple(FUSE_MKNOD, FUSE_ROOT_NODE, &mknod_in, sizeof(mknod_in), "masked-p"), 0);
	memcpy(&entry, reply.body, sizeof(entry));
	assert_int_equal(entry.attr.mode, S_IFIFO | 0600);
	mknod_in.mode = S_IFDIR | 0666;
	assert_int_equal(
		simple(FUSE_MKNOD, FUSE_ROOT_NODE, &mknod_in, sizeof(mknod_in), "x"), -EINVAL);
}

static void setuid_files_are_asked_about_again(void **state)
{
	struct fuse_entry_out entry;

	(void)state;
	create("setuid", 04755, 0);
	assert_int_equal(simple(FUSE_LOOKUP, FUSE_ROOT_NODE, NULL, 0, "setuid"), 0);
	memcpy(&entry, reply.body, sizeof(entry));
	assert_int_equal(entry.attr_valid, 0);
	create("plain", 0755, 0);
	assert_int_equal(simple(FUSE_LOOKUP, FUSE_ROOT_NODE, NULL, 0, "plain"), 0);
	memcpy(&entry, reply.body, sizeof(entry));
	assert_true(entry.attr_valid > 1000000);
}

static void check_round_trip(const char *name)
{
	static uint8_t bytes[300000];
	uint64_t node = create(name, 0644, 0);
	struct fuse_write_in write_in = {.offset = 1000, .size = sizeof(bytes)};
	struct fuse_write_out write_out;
	struct fuse_read_in read_in = {.offset = 0, .size = FS_IO_MAX};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(send_write(node, &write_in, bytes, sizeof(bytes)), 0);
	memcpy(&write_out, reply.body, sizeof(write_out));
	assert_int_equal(write_out.size, sizeof(bytes));
	assert_int_equal(simple(FUSE_READ, node, &read_in, sizeof(read_in), NULL), 0);
	assert_int_equal(reply.bytes, 1000 + sizeof(bytes));
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(reply.body[i], 0);
	assert_memory_equal(reply.body + 1000, bytes, sizeof(bytes));
	assert_int_equal(attributes(node).size, 1000 + sizeof(bytes));
}

static void bytes_come_back(void **state)
{
	(void)state;
	check_round_trip("bytes");
}

static void transfers_beyond_the_limits_are_refused(void **state)
{
	uint64_t node = create("limits", 0644, 0);
	struct fuse_write_in write_in = {.size = 101}; /* more than it brings */
	struct fuse_read_in read_in = {.size = FS_IO_MAX + 1};
	struct fuse_fallocate_in allocate = {.offset = INT64_MAX, .length = INT64_MAX};
	struct fuse_lseek_in seek = {.whence = SEEK_SET};
	static const uint8_t data[100];

	(void)state;
	assert_int_equal(send_write(node, &write_in, data, sizeof(data)), -EIO);
	write_in.size = 100;
	write_in.offset = INT64_MAX - 50;
	assert_int_equal(send_write(node, &write_in, data, sizeof(data)), -EFBIG);
	write_in.offset = UINT64_MAX - 50;
	assert_int_equal(send_write(node, &write_in, data, sizeof(data)), -EFBIG);
	assert_int_equal(simple(FUSE_READ, node, &read_in, sizeof(read_in), NULL), -EINVAL);
	read_in.size = 10;
	read_in.offset = UINT64_MAX;
	assert_int_equal(simple(FUSE_READ, node, &read_in, sizeof(read_in), NULL), -EINVAL);
	assert_int_equal(simple(FUSE_FALLOCATE, node, &allocate, sizeof(allocate), NULL), -EFBIG);
	allocate.length = 0;
	assert_int_equal(simple(FUSE_FALLOCATE, node, &allocate, sizeof(allocate), NULL), -EINVAL);
	assert_int_equal(simple(FUSE_LSEEK, node, &seek, sizeof(seek), NULL), -EINVAL);
}

static void directories_are_packed_without_rests(void **state)
{
	struct fuse_read_in in = {.size = 4096};
	struct fuse_dirent dirent;
	bool seen_dot = false;

	(void)state;
	create("abc", 0644, 0);
	memset(store_buffer_bytes(buffer) + REPLY_OFFSET, 0xee, 8192);
	assert_int_equal(simple(FUSE_READDIR, FUSE_ROOT_NODE, &in, sizeof(in), NULL), 0);
	assert_true(reply.bytes > 0 && reply.bytes % 8 == 0);
	for (size_t at = 0; at < reply.bytes;) {
		const uint8_t *name = reply.body + at + sizeof(dirent);
		size_t padded;

		memcpy(&dirent, reply.body + at, sizeof(dirent));
		padded = (dirent.namelen + 7) / 8 * 8;
		seen_dot |= dirent.namelen == 1 && name[0] == '.';
		assert_true(at + sizeof(dirent) + padded <= reply.bytes);
		for (size_t i = dirent.namelen; i < padded; i++)
			assert_int_equal(name[i], 0);
		at += sizeof(dirent) + padded;
	}
	assert_true(seen_dot);
	in.size = 16; /* An empty reply would mean that the directory ends. */
	assert_int_equal(simple(FUSE_READDIR, FUSE_ROOT_NODE, &in, sizeof(in), NULL), -EINVAL);
	assert_int_equal(simple(FUSE_READDIRPLUS, FUSE_ROOT_NODE, &in, sizeof(in), NULL), -EINVAL);
}

static int set_xattr(uint64_t node, uint32_t uid, const char *name, const char *value)
{
	struct fuse_setxattr_in in = {.size = (uint32_t)strlen(value)};
	char data[512];
	struct call call = {
		.opcode = FUSE_SETXATTR,
		.node = node,
		.uid = uid,
		.argument = &in,
		.argument_bytes = sizeof(in),
		.data = data,
		.data_bytes = strlen(name) + 1 + strlen(value),
	};

	memcpy(data, name, strlen(name) + 1);
	memcpy(data + strlen(name) + 1, value, strlen(value));
	return dispatch(&call);
}

static void control_attributes_are_roots_on_the_root(void **state)
{
	struct fuse_getxattr_in in = {.size = 100}, none = {};
	uint64_t node = create("controlled", 0644, 0);
	struct fuse_getxattr_out out;

	(void)state;
	assert_int_equal(
		simple(FUSE_GETXATTR, FUSE_ROOT_NODE, &in, sizeof(in), "vramfs.answer"), 0);
	assert_int_equal(reply.bytes, 2);
	assert_memory_equal(reply.body, "42", 2);
	assert_int_equal(
		simple(FUSE_GETXATTR, FUSE_ROOT_NODE, &none, sizeof(none), "vramfs.answer"), 0);
	memcpy(&out, reply.body, sizeof(out));
	assert_int_equal(out.size, 2);
	in.size = 1;
	assert_int_equal(
		simple(FUSE_GETXATTR, FUSE_ROOT_NODE, &in, sizeof(in), "vramfs.answer"), -ERANGE);
	assert_int_equal(
		simple(FUSE_GETXATTR, FUSE_ROOT_NODE, &in, sizeof(in), "vramfs.requests"), -ERANGE);
	in.size = 2;
	assert_int_equal(
		simple(FUSE_GETXATTR, FUSE_ROOT_NODE, &in, sizeof(in), "vramfs.answer"), 0);
	assert_int_equal(reply.bytes, 2);
	in.size = 100;
	assert_int_equal(
		simple(FUSE_GETXATTR, FUSE_ROOT_NODE, &in, sizeof(in), "vramfs.x"), -ENODATA);
	assert_int_equal(simple(FUSE_GETXATTR, node, &in, sizeof(in), "vramfs.answer"), -ENODATA);
	assert_int_equal(set_xattr(FUSE_ROOT_NODE, 0, "vramfs.do", "it"), 0);
	assert_string_equal(control_name, "vramfs.do");
	assert_string_equal(control_value, "it");
	assert_int_equal(set_xattr(FUSE_ROOT_NODE, 1000, "vramfs.do", "not"), -EPERM);
	assert_int_equal(set_xattr(node, 0, "vramfs.do", "not"), -EOPNOTSUPP);
	assert_string_equal(control_value, "it");
	assert_int_equal(simple(FUSE_REMOVEXATTR, FUSE_ROOT_NODE, NULL, 0, "vramfs.do"), -EPERM);
	assert_int_equal(simple(FUSE_REMOVEXATTR, node, NULL, 0, "vramfs.do"), -ENODATA);
	assert_int_equal(simple(FUSE_LISTXATTR, FUSE_ROOT_NODE, &in, sizeof(in), NULL), 0);
	assert_int_equal(reply.bytes, 0);
}

static void extended_attributes_are_kept(void **state)
{
	struct fuse_getxattr_in in = {.size = 100}, huge = {.size = UINT32_MAX};
	struct fuse_setxattr_in lie = {.size = 1000}, unknown = {.flags = 0x100};
	uint64_t node = create("attributed", 0644, 0);

	(void)state;
	assert_int_equal(set_xattr(node, 1000, "user.colour", "blue"), 0);
	assert_int_equal(simple(FUSE_GETXATTR, node, &in, sizeof(in), "user.colour"), 0);
	assert_int_equal(reply.bytes, 4);
	assert_memory_equal(reply.body, "blue", 4);
	assert_int_equal(simple(FUSE_GETXATTR, node, &huge, sizeof(huge), "user.colour"), 0);
	assert_int_equal(simple(FUSE_LISTXATTR, node, &in, sizeof(in), NULL), 0);
	assert_int_equal(reply.bytes, sizeof("user.colour"));
	assert_int_equal(set_xattr(node, 0, "system.posix_acl_access", "x"), -EINVAL);
	assert_int_equal(
		simple(FUSE_GETXATTR, node, &in, sizeof(in), "system.posix_acl_default"), -ENODATA);
	assert_int_equal(simple(FUSE_SETXATTR, node, &unknown, sizeof(unknown), "user.x"), -EINVAL);
	assert_int_equal(simple(FUSE_SETXATTR, node, &lie, sizeof(lie), "user.colour"), -EIO);
	assert_int_equal(simple(FUSE_REMOVEXATTR, node, NULL, 0, "user.colour"), 0);
	assert_int_equal(simple(FUSE_GETXATTR, node, &in, sizeof(in), "user.colour"), -ENODATA);
}

static int flags_ioctl(uint64_t node, unsigned long cmd, const void *value, size_t bytes)
{
	struct fuse_ioctl_in in = {
		.cmd = (uint32_t)cmd,
		.in_size = (uint32_t)bytes,
		.out_size = _IOC_DIR(cmd) & _IOC_READ ? sizeof(struct fsxattr) : 0,
	};
	struct call call = {
		.opcode = FUSE_IOCTL,
		.node = node,
		.argument = &in,
		.argument_bytes = sizeof(in),
		.data = value,
		.data_bytes = bytes,
	};

	return dispatch(&call);
}

static void flags_are_set_whole_or_not_at_all(void **state)
{
	struct fsxattr extended = {.fsx_xflags = FS_XFLAG_APPEND | FS_XFLAG_NODUMP}, odd = extended;
	uint32_t flags = FS_IMMUTABLE_FL | FS_NOATIME_FL, unknown = FS_COMPR_FL;
	uint64_t node = create("flagged", 0644, 0);

	(void)state;
	assert_int_equal(flags_ioctl(node, FS_IOC_SETFLAGS, &flags, sizeof(flags)), 0);
	assert_int_equal(reply.bytes, sizeof(struct fuse_ioctl_out));
	assert_int_equal(flags_ioctl(node, FS_IOC_GETFLAGS, NULL, 0), 0);
	assert_int_equal(reply.bytes, sizeof(struct fuse_ioctl_out) + sizeof(flags));
	assert_memory_equal(reply.body + sizeof(struct fuse_ioctl_out), &flags, sizeof(flags));
	/* refused, with what is there left as it is */
	odd.fsx_projid = 1;
	assert_int_equal(
		flags_ioctl(node, FS_IOC_SETFLAGS, &unknown, sizeof(unknown)), -EOPNOTSUPP);
	assert_int_equal(flags_ioctl(node, FS_IOC_SETFLAGS, &flags, 3), -EINVAL);
	assert_int_equal(flags_ioctl(node, FS_IOC_FSSETXATTR, &odd, sizeof(odd)), -EOPNOTSUPP);
	assert_int_equal(flags_ioctl(node, FS_IOC_FSSETXATTR, &odd, sizeof(odd) - 1), -EINVAL);
	assert_int_equal(flags_ioctl(12345, FS_IOC_GETFLAGS, NULL, 0), -ENOENT);
	assert_int_equal(flags_ioctl(node, FS_IOC_GETFLAGS, NULL, 0), 0);
	assert_memory_equal(reply.body + sizeof(struct fuse_ioctl_out), &flags, sizeof(flags));

	assert_int_equal(flags_ioctl(node, FS_IOC_FSSETXATTR, &extended, sizeof(extended)), 0);
	assert_int_equal(flags_ioctl(node, FS_IOC_FSGETXATTR, NULL, 0), 0);
	assert_int_equal(reply.bytes, sizeof(struct fuse_ioctl_out) + sizeof(extended));
	assert_memory_equal(
		reply.body + sizeof(struct fuse_ioctl_out), &extended, sizeof(extended));
	flags = 0;
	assert_int_equal(flags_ioctl(node, FS_IOC_SETFLAGS, &flags, sizeof(flags)), 0);
}

static void forgetting_more_than_is_there_is_harmless(void **state)
{
	struct fuse_batch_forget_in lie = {.count = 1000};
	struct fuse_forget_in all = {.nlookup = UINT64_MAX};
	struct fuse_forget_one ones[2] = {{.nodeid = 12345678, .nlookup = 1}, {}};
	struct call call = {
		.opcode = FUSE_BATCH_FORGET,
		.argument = &lie,
		.argument_bytes = sizeof(lie),
		.data = ones,
		.data_bytes = sizeof(ones),
	};
	uint64_t node = create("forgotten", 0644, 0);

	(void)state;
	assert_int_equal(dispatch(&call), 1);
	lie.count = 2;
	assert_int_equal(dispatch(&call), 1);
	assert_int_equal(simple(FUSE_FORGET, 12345678, &all, sizeof(all), NULL), 1);
	assert_int_equal(simple(FUSE_FORGET, FUSE_ROOT_NODE, &all, sizeof(all), NULL), 1);
	assert_int_equal(simple(FUSE_FORGET, node, &all, sizeof(all), NULL), 1);
	attributes(FUSE_ROOT_NODE);
	attributes(node); /* it still has its name */
}

static uint64_t random_state = 1;

static uint64_t random_bits(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return random_state >> 20;
}

/* Any bytes as an argument, in which small numbers are more likely than chance would have them. */
static void fill_randomly(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = random_bits() % 3 ? 0 : (uint8_t)random_bits();
}

static void random_requests_do_no_harm(void **state)
{
	static uint8_t argument[256], data[8192];
	bool succeeded[FUSE_OPCODES + 2] = {};
	unsigned kinds = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		struct call call = {
			.opcode = (uint32_t)(random_bits() % (FUSE_OPCODES + 2)),
			.node = random_bits() % 40,
			.uid = (uint32_t)(random_bits() % 2),
			.extensions = random_bits() % 20 ? 0 : (uint16_t)(random_bits() % 8),
			.argument = argument,
			.data = data,
			.data_bytes = random_bits() % 8 ? random_bits() % 40
							: random_bits() % sizeof(data),
		};

		call.argument_bytes = fuse_argument_bytes(call.opcode);
		if (random_bits() % 16 == 0)
			call.argument_bytes = random_bits() % (call.argument_bytes + 1);
		call.data_in_buffer = call.opcode == FUSE_WRITE;
		fill_randomly(argument, call.argument_bytes);
		fill_randomly(data, call.data_bytes);
		if (call.data_bytes > 2 && random_bits() % 2) { /* a short name, often the same */
			data[0] = 'a' + random_bits() % 8;
			data[1] = '\0';
			data[2] = 'a' + random_bits() % 8;
		}
		if (call.data_bytes > 7 && random_bits() % 4 == 0) /* likewise, of an attribute */
			memcpy(data, "user.a", 7);
		if (dispatch(&call) == 0)
			succeeded[call.opcode] = true;
	}
	for (size_t i = 0; i < FUSE_OPCODES + 2; i++)
		kinds += succeeded[i];
	assert_true(kinds >= 25); /* else the requests are too random to reach anything */
	check_round_trip("still-well");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_agrees_on_what_both_can_do),
		cmocka_unit_test(init_without_direct_mappings_caches_files),
		cmocka_unit_test(init_refuses_an_old_kernel),
		cmocka_unit_test(truncated_requests_are_refused),
		cmocka_unit_test(unknown_opcodes_are_refused),
		cmocka_unit_test(names_without_end_are_refused),
		cmocka_unit_test(extensions_are_cut_off),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(nodes_are_found_by_number),
		cmocka_unit_test(a_missing_name_may_be_remembered),
		cmocka_unit_test(the_umask_is_applied),
		cmocka_unit_test(setuid_files_are_asked_about_again),
		cmocka_unit_test(bytes_come_back),
		cmocka_unit_test(transfers_beyond_the_limits_are_refused),
		cmocka_unit_test(directories_are_packed_without_rests),
		cmocka_unit_test(control_attributes_are_roots_on_the_root),
		cmocka_unit_test(extended_attributes_are_kept),
		cmocka_unit_test(flags_are_set_whole_or_not_at_all),
		cmocka_unit_test(forgetting_more_than_is_there_is_harmless),
		cmocka_unit_test(random_requests_do_no_harm),
	};

	return cmocka_run_group_tests(tests, caller_open, caller_close);
}
