#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# Host memory of the daemon: a file takes little of it, removed files give theirs to new ones, and writing data
# takes none, however much is written.
#
#	VRAMFS_TEST_FILES	how many files (20000 if unset)
. "$(dirname "$0")/lib.sh"
requires python3 dd find
! grep -qE '__(asan|tsan)_init' "$VRAMFS" || skip "a sanitizer's own memory hides ours"

count=${VRAMFS_TEST_FILES:-20000}
size=$((256 << 20))
mount_vramfs "$size"

# resident: KiB of host memory that the daemon takes, the region included where that is the host's
resident() {
	awk '$1 == "Rss:" { print $2 }' "/proc/$daemon/smaps_rollup"
}

# make PREFIX, remove PREFIX: empty files with names of 16 bytes in one directory
make() {
	python3 - "$mnt/files" "$1" "$count" <<'PYTHON'
import os, sys
directory, prefix, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
for number in range(count):
    os.mknod(f"{directory}/{prefix}-{number:09d}")
PYTHON
}
remove() {
	find "$mnt/files" -type f -name "$1-*" -delete
}

# Every thread meets its buffer, and the allocator its habits, before anything is measured.
mkdir "$mnt/files"
for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	dd if=/dev/zero of="$mnt/warm-$number" bs=1M count=4 status=none &
	warm[number]=$!
done
wait "${warm[@]}"
dd if=/dev/zero of="$mnt/warm-1" bs=1M status=none 2>/dev/null || true # until nothing is left
rm "$mnt"/warm-*
sleep 0.5

before=$(resident)
make first
grown=$((($(resident) - before) * 1024 / count))
echo "a file takes $grown bytes of host memory, 16 of them its name"
[ "$grown" -gt 50 ] || fail "a file takes only $grown bytes: that is not all"
[ "$grown" -le 416 ] || fail "a file takes $grown bytes of host memory, 16 of them its name; it may be 416"

# Files that follow removed ones, again and again, need no more memory than the first.
full=$(resident)
for round in second third fourth; do
	remove '*'
	sleep 0.5
	make "$round"
done
[ "$(($(resident) - full))" -le $((full / 20 + 1024)) ] ||
	fail "files that come and go took $(($(resident) - full)) KiB"

# As good as all of the region is written twice, with files that are written anew and files that are new.
before=$(resident)
for round in 1 2; do
	for number in 1 2 3 4; do
		dd if=/dev/urandom of="$mnt/data-$number" bs=1M count="$((size * 8 / 10 / 4 >> 20))" \
			conv=notrunc status=none
	done
	[ "$round" = 1 ] || rm "$mnt"/data-*
	dd if=/dev/urandom of="$mnt/more" bs=256K count=64 status=none
	rm "$mnt/more"
done
grown=$(($(resident) - before))
echo "writing $((2 * size * 8 / 10 >> 20)) MiB took $grown KiB of host memory"
[ "$grown" -lt 1024 ] || fail "writing took $grown KiB of host memory"
remove '*'
unmount_vramfs
