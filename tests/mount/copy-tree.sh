#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# A tree of thousands of small files goes in and comes out the same: bytes, modes, owners, times and links.
. "$(dirname "$0")/lib.sh"
requires cp diff find setfattr getfattr python3

# The whole tree once, undisturbed; every sweep over damage takes time in proportion to the region.
source=/usr/include
if $slow || [ "$damage" != none ]; then
	source=/usr/include/linux
fi
[ -d "$source" ] || skip "needs $source"

# A file takes whole blocks, of 120 KiB of payload at least, and parity comes on top.
blocks=$(find "$source" -type f -printf '%s\n' | awk '{ sum += int(($1 + 122879) / 122880) } END { print sum }')
size=$((blocks * 131072 * 17 / 16 + (16 << 20)))

describe() {
	# A directory's size is the filesystem's own affair.
	(cd "$1" && find . \( -type d -printf '%p %y %m %U:%G %T@\n' \) -o \
		-printf '%p %y %m %U:%G %T@ %s %l\n' | LC_ALL=C sort)
}

mount_vramfs "$size" --ecc="${VRAMFS_TEST_ECC:-rs136}"
start_storm
cp -a "$source" "$mnt/in"
written
diff -r --no-dereference "$source" "$mnt/in" || fail "what went in differs"
diff <(describe "$source") <(describe "$mnt/in") || fail "attributes differ"
written
cp -a "$mnt/in" "$work/out"
diff -r --no-dereference "$source" "$work/out" || fail "what came out differs"
expect_counters
rm -r "$mnt/in"
unmount_vramfs
echo "$(describe "$source" | wc -l) entries went in and out"
