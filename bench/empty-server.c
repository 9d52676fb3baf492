/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * A filesystem that does nothing, behind the same dispatcher and transport as vramfs: what it takes
 * is what the kernel and the transport take, the ceiling for any filesystem behind them.
 *
 *	empty-server [--entries N] [--file-size BYTES] [--transport auto|uring|dev] DIRECTORY
 *
 * It implements the functions of fs/fs.h that the dispatcher calls and keeps no state at all: the
 * number of an inode is made from its directory's and its name, and attributes follow from the
 * number. Looking up a name that begins with "new" fails, so that it can be made; one that begins
 * with "dir" is a directory; any other is a file of BYTES (0 unless asked). Whatever is made,
 * renamed, removed or written succeeds and changes nothing; a read leaves the buffer as it is.
 * Every directory lists N entries (0 unless asked), "old-0000000" and so on. Serves in the
 * foreground until it is unmounted or gets SIGTERM, SIGINT or SIGHUP. Says "ready" once it does.
 */
#include "device/device.h"
#include "fs/fs.h"
#include "fuse/fuse.h"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRECTORY_BIT (1ull << 62)
#define LISTED_DIGITS 7
#define LISTED_MOST 10000000u

struct fs {
	struct store *store; /* lends its queues and buffers */
	uint64_t entries, file_size;
};

static bool begins_with(struct fs_name name, const char *prefix)
{
	size_t length = strlen(prefix);

	return name.length >= length && !memcmp(name.bytes, prefix, length);
}

static uint64_t number_of(uint64_t parent, struct fs_name name, bool is_directory)
{
	uint64_t hash = parent;

	for (size_t i = 0; i < name.length; i++)
		hash = (hash ^ (uint8_t)name.bytes[i]) * 0x100000001b3ull;
	hash ^= hash >> 29;
	/* Never that of the root. */
	return (hash & (DIRECTORY_BIT - 1)) | 2 | (is_directory ? DIRECTORY_BIT : 0);
}

static void fill_attr(const struct fs *fs, uint64_t ino, struct fs_attr *ret_attr)
{
	bool is_directory = ino == FS_ROOT || (ino & DIRECTORY_BIT);

	*ret_attr = (struct fs_attr){
		.ino = ino,
		.size = is_directory ? 0 : fs->file_size,
		.mode = is_directory ? S_IFDIR | 0755 : S_IFREG | 0644,
		.nlink = is_directory ? 2 : 1,
	};
}

int fs_lookup(struct fs *fs, uint64_t parent, struct fs_name name, struct fs_attr *ret_attr)
{
	if (begins_with(name, "new"))
		return -ENOENT;
	fill_attr(fs, number_of(parent, name, begins_with(name, "dir")), ret_attr);
	return 0;
}

void fs_forget(struct fs *fs, uint64_t ino, uint64_t count)
{
	(void)fs, (void)ino, (void)count;
}

int fs_make(struct fs *fs, uint64_t parent, struct fs_name name, mode_t mode, uint32_t rdev,
	const struct fs_owner *owner, struct fs_attr *ret_attr)
{
	(void)rdev, (void)owner;
	fill_attr(fs, number_of(parent, name, S_ISDIR(mode)), ret_attr);
	return 0;
}

int fs_make_symlink(struct fs *fs, uint64_t parent, struct fs_name name, struct fs_name target,
	const struct fs_owner *owner, struct fs_attr *ret_attr)
{
	(void)fs, (void)parent, (void)name, (void)target, (void)owner, (void)ret_attr;
	return -EPERM;
}

int fs_make_unnamed(struct fs *fs, uint64_t parent, mode_t mode, const struct fs_owner *owner,
	struct fs_attr *ret_attr)
{
	(void)fs, (void)parent, (void)mode, (void)owner, (void)ret_attr;
	return -EPERM;
}

int fs_link(
	struct fs *fs, uint64_t ino, uint64_t parent, struct fs_name name, struct fs_attr *ret_attr)
{
	(void)parent, (void)name;
	fill_attr(fs, ino, ret_attr);
	return 0;
}

int fs_unlink(struct fs *fs, uint64_t parent, struct fs_name name)
{
	(void)fs, (void)parent, (void)name;
	return 0;
}

int fs_rmdir(struct fs *fs, uint64_t parent, struct fs_name name)
{
	(void)fs, (void)parent, (void)name;
	return 0;
}

int fs_rename(struct fs *fs, uint64_t parent, struct fs_name name, uint64_t new_parent,
	struct fs_name new_name, unsigned flags, const struct fs_owner *owner)
{
	(void)fs, (void)parent, (void)name, (void)new_parent, (void)new_name;
	(void)flags, (void)owner;
	return 0;
}

ssize_t fs_read_symlink(struct fs *fs, uint64_t ino, char *target, size_t size)
{
	(void)fs, (void)ino, (void)target, (void)size;
	return -EINVAL;
}

/* The entry before COOKIE was the one with that number; "." and ".." are left out. */
int fs_read_directory(struct fs *fs, uint64_t ino, uint64_t cookie, unsigned flags,
	bool (*emit)(void *user, const struct fs_dirent *entry), void *user)
{
	char bytes[] = "old-0000000";
	struct fs_attr attr;
	struct fs_dirent entry = {
		.name = {bytes, sizeof(bytes) - 1},
		.type = S_IFREG,
		.attr = flags & FS_LIST_ATTR ? &attr : NULL,
	};

	do {
		if (cookie >= fs->entries)
			break;
		uint64_t rest = cookie;
		for (size_t i = 0; i < LISTED_DIGITS; i++, rest /= 10)
			bytes[entry.name.length - 1 - i] = (char)('0' + rest % 10);
		entry.ino = number_of(ino, entry.name, false);
		entry.cookie = ++cookie;
		if (flags & FS_LIST_ATTR)
			fill_attr(fs, entry.ino, &attr);
	} while (emit(user, &entry));
	return 0;
}

int fs_get_attr(struct fs *fs, uint64_t ino, struct fs_attr *ret_attr)
{
	fill_attr(fs, ino, ret_attr);
	return 0;
}

int fs_set_attr(
	struct fs *fs, uint64_t ino, const struct fs_changes *changes, struct fs_attr *ret_attr)
{
	(void)changes;
	fill_attr(fs, ino, ret_attr);
	return 0;
}

int fs_set_flags(struct fs *fs, uint64_t ino, uint32_t flags)
{
	(void)fs, (void)ino, (void)flags;
	return -EOPNOTSUPP;
}

bool fs_access_time_is_due(const struct fs *fs, const struct fs_attr *attr)
{
	(void)fs, (void)attr;
	return false;
}

int fs_check_open(
	struct fs *fs, uint64_t ino, int flags, struct fs_attr *ret_attr, bool *ret_append_only)
{
	(void)flags;
	*ret_append_only = false;
	return fs_get_attr(fs, ino, ret_attr);
}

int fs_lookup_number(struct fs *fs, uint64_t ino, bool parent, struct fs_attr *ret_attr)
{
	(void)parent;
	return fs_get_attr(fs, ino, ret_attr);
}

int fs_set_xattr(
	struct fs *fs, uint64_t ino, struct fs_name name, const void *value, size_t size, int flags)
{
	(void)fs, (void)ino, (void)name, (void)value, (void)size, (void)flags;
	return -ENOSPC;
}

ssize_t fs_get_xattr(struct fs *fs, uint64_t ino, struct fs_name name, void *value, size_t size)
{
	(void)fs, (void)ino, (void)name, (void)value, (void)size;
	return -ENODATA;
}

ssize_t fs_list_xattr(struct fs *fs, uint64_t ino, bool privileged, char *list, size_t size)
{
	(void)fs, (void)ino, (void)privileged, (void)list, (void)size;
	return 0;
}

int fs_remove_xattr(struct fs *fs, uint64_t ino, struct fs_name name)
{
	(void)fs, (void)ino, (void)name;
	return -ENODATA;
}

void fs_read(struct fs *fs, struct store_queue *queue, struct fs_io *io)
{
	(void)fs, (void)queue;
	io->done(io, io->length);
}

void fs_write(struct fs *fs, struct store_queue *queue, struct fs_io *io)
{
	(void)fs, (void)queue;
	io->done(io, io->length);
}

int fs_allocate(struct fs *fs, struct store_queue *queue, uint64_t ino, int mode, uint64_t offset,
	uint64_t length)
{
	(void)fs, (void)queue, (void)ino, (void)mode, (void)offset, (void)length;
	return 0;
}

ssize_t fs_copy(struct fs *fs, struct store_queue *queue, const struct fs_copy *copy)
{
	(void)fs, (void)queue;
	return (ssize_t)(copy->length < FS_COPY_MAX ? copy->length : FS_COPY_MAX);
}

int fs_seek(struct fs *fs, uint64_t ino, uint64_t offset, int whence, uint64_t *ret_offset)
{
	(void)ino;
	if (offset >= fs->file_size)
		return -ENXIO;
	*ret_offset = whence == SEEK_DATA ? offset : fs->file_size;
	return 0;
}

void fs_stat(struct fs *fs, struct fs_stat *ret_stat)
{
	(void)fs;
	*ret_stat = (struct fs_stat){
		.block_bytes = 4096,
		.blocks = 1u << 30,
		.blocks_free = 1u << 30,
		.inodes = 1u << 30,
		.inodes_free = 1u << 30,
	};
}

uint64_t fs_nameless_count(struct fs *fs)
{
	(void)fs;
	return 0;
}

struct store *fs_store(struct fs *fs)
{
	return fs->store;
}

/* Blocked in all threads, so that one of them can wait for them. */
static void block_signals(sigset_t *ret_signals)
{
	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGTERM);
	sigaddset(ret_signals, SIGINT);
	sigaddset(ret_signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
}

static void *stop_at_signal(void *argument)
{
	sigset_t signals;
	int number;

	block_signals(&signals);
	if (!sigwait(&signals, &number))
		fuse_stop(argument);
	return NULL;
}

static void say_ready(void *user)
{
	(void)user;
	puts("ready");
	fflush(stdout);
}

static int serve(struct fs *fs, const struct fuse_options *options)
{
	struct fuse_session *session;
	struct why why = {""};
	pthread_t signal_thread;
	int err = fuse_mount(fs, options, &session, &why);

	if (err) {
		fprintf(stderr, "empty-server: %s\n", why.text);
		return 1;
	}
	if (pthread_create(&signal_thread, NULL, stop_at_signal, session))
		abort();
	err = fuse_serve(session, say_ready, NULL);
	pthread_cancel(signal_thread);
	pthread_join(signal_thread, NULL);
	fuse_unmount(session);
	if (err)
		fprintf(stderr, "empty-server: %s\n", strerror(-err));
	return err ? 1 : 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: empty-server [--entries N] [--file-size BYTES] "
			"[--transport auto|uring|dev] DIRECTORY\n"
			"N is at most 10000000; BYTES may end in K, M, G or T\n");
	return 2;
}

static bool parse_transport(const char *text, enum fuse_transport_kind *ret_kind)
{
	static const char *const names[] = {[FUSE_TRANSPORT_AUTO] = "auto",
		[FUSE_TRANSPORT_URING] = "uring",
		[FUSE_TRANSPORT_DEV] = "dev"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(text, names[i])) {
			*ret_kind = (enum fuse_transport_kind)i;
			return true;
		}
	}
	return false;
}

/* False if the arguments make no sense. */
static bool parse(int argc, char **argv, struct fs *fs, struct fuse_options *options)
{
	static const struct option names[] = {
		{"entries", required_argument, NULL, 'e'},
		{"file-size", required_argument, NULL, 's'},
		{"transport", required_argument, NULL, 't'},
		{},
	};
	struct size_spec size;
	char *end;
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		switch (option) {
		case 'e':
			fs->entries = strtoull(optarg, &end, 10);
			if (*end || end == optarg || fs->entries > LISTED_MOST)
				return false;
			break;
		case 's':
			if (size_parse(optarg, &size, NULL) || size.kind != SIZE_BYTES)
				return false;
			fs->file_size = size.bytes;
			break;
		case 't':
			if (!parse_transport(optarg, &options->transport))
				return false;
			break;
		default:
			return false;
		}
	}
	if (argc - optind != 1)
		return false;
	options->directory = argv[optind];
	return true;
}

int main(int argc, char **argv)
{
	const struct store_options store_options = {
		.size = {.kind = SIZE_BYTES, .bytes = 64 * MIB},
		.code = RS_136,
	};
	struct fuse_options options = {.source = "empty"};
	struct fs fs = {};
	struct device *device;
	struct why why = {""};
	sigset_t signals;
	int status;

	if (!parse(argc, argv, &fs, &options))
		return usage();
	block_signals(&signals);
	if (device_open("host", &device, &why)) {
		fprintf(stderr, "empty-server: %s\n", why.text);
		return 1;
	}
	if (store_open(device, &store_options, &fs.store, &why)) {
		fprintf(stderr, "empty-server: %s\n", why.text);
		device_close(device);
		return 1;
	}
	status = serve(&fs, &options);
	store_close(fs.store);
	device_close(device);
	return status;
}
