#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# All of what stress-ng knows to do to a filesystem, two processes at a time, each checking what it did. None
# fails, and afterwards no block and no inode is missing.
. "$(dirname "$0")/lib.sh"
requires stress-ng setfattr getfattr

# They have filesystems of their own, or are about things that no filesystem in FUSE, or tmpfs, has.
excluded=bind-mount,binderfs,procfs,eventfd,fiemap,verity
# It syncs all filesystems of the machine and nothing else.
excluded+=,io

size=512M
seconds=1
if $slow; then
	size=192M
fi
mount_vramfs "$size" --allow-other -o dev,suid
blocks=$(stat_of blocks_free)
inodes=$(stat_of inodes)
status=0
# Some take a gigabyte unless they are told otherwise.
stress-ng --class filesystem --exclude "$excluded" --sequential 2 --timeout "$seconds" --verify --temp-path "$mnt" \
	--fallocate-bytes 16m --hdd-bytes 16m --iomix-bytes 16m --sync-file-bytes 16m \
	>"$work/stress.log" 2>&1 || status=$?
if [ "$status" -ne 0 ] || grep -iE 'fail|error|skipping' "$work/stress.log"; then
	cat "$work/stress.log"
	fail "stress-ng ended with status $status"
fi
[ -z "$(ls -A "$mnt")" ] || fail "files are left: $(ls -A "$mnt")"
deadline=$((SECONDS + 20))
until [ "$(stat_of blocks_free) $(stat_of inodes)" = "$blocks $inodes" ]; do
	[ "$SECONDS" -lt "$deadline" ] ||
		fail "before, $blocks blocks were free, of $inodes inodes; now $(stat_of blocks_free) of $(stat_of inodes)"
	sleep 0.1
done
unmount_vramfs
