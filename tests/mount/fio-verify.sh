#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# fio writes blocks that carry checksums and reads them back: large and small, direct and buffered, in order
# and not, one job and several.
. "$(dirname "$0")/lib.sh"
requires fio setfattr getfattr python3

file_size=24m
several_size=8m
size=48M
if $slow; then
	file_size=4m
	several_size=1m
	size=16M
fi

# verify NAME OPTION...: write everything, then read and check everything with a fio of its own.
verify() {
	local name=$1 half
	shift

	for half in --do_verify=0 --verify_only=1; do
		fio --name="$name" --directory="$mnt" --size="$file_size" --ioengine=psync \
			--verify=crc32c --verify_fatal=1 --verify_dump=0 --verify_state_save=0 --randrepeat=1 --group_reporting \
			"$half" "$@" >"$work/fio.log" 2>&1 || {
			cat "$work/fio.log"
			fail "$name $half"
		}
		[ "$half" = --verify_only=1 ] || written
	done
	rm "$mnt/$name".*
}

mount_vramfs "$size" --ecc="${VRAMFS_TEST_ECC:-rs136}"
start_storm
verify large-direct --rw=write --bs=1m --direct=1
verify large-buffered --rw=randwrite --bs=1m --direct=0
verify small-direct --rw=randwrite --bs=4k --direct=1
verify small-buffered --rw=randwrite --bs=4k --direct=0
verify odd-buffered --rw=randwrite --bsrange=1k-70k --bs_unaligned --direct=0
verify several-jobs --rw=randwrite --bs=16k --direct=1 --numjobs=3 --size="$several_size"
expect_counters
unmount_vramfs
