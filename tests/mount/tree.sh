#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# A source tree packs: its files take hardly more than their sizes in units of 4 KiB, also after half of them were
# removed and others written, again and again; it comes out as it went in; and once removed, all is given back.
#
#	VRAMFS_TEST_FILES	how many files (some thousand if unset); 70000 are a kernel's
#	MAKE_TREE		bench/make-tree.py
. "$(dirname "$0")/lib.sh"
requires tar diff find du awk python3

count=3000
if $slow || [ "$damage" != none ]; then
	count=1000
fi
count=${VRAMFS_TEST_FILES:-$count}
# Twice the 17 KiB that a file has on average, parity, and something for a small tree's luck.
mount_vramfs "$((count * 40960 + (96 << 20)))" --ecc="${VRAMFS_TEST_ECC:-rs136}"

# used: bytes taken of the filesystem, as df counts; inodes: how many there are
used() {
	stat -f -c '%b %f %S' "$mnt" | awk '{ print ($1 - $2) * $3 }'
}
inodes() {
	stat -f -c '%c %d' "$mnt" | awk '{ print $1 - $2 }'
}

# ideal: what the files below take where each takes whole units of 4 KiB
ideal() {
	find "$mnt/tree" -type f -printf '%s\n' | awk '{ sum += int(($1 + 4095) / 4096) * 4096 } END { print sum }'
}

# settles CONDITION...: the kernel tells of a removed file's end a little later.
settles() {
	local tries

	for ((tries = 0; tries < 200; tries++)); do
		! "$@" || return 0
		sleep 0.01
	done
	return 1
}

# expect_packed PERCENT WHEN: more than that of the ideal is a waste
expect_packed() {
	local wanted

	wanted=$(ideal)
	packed() { [ "$(used)" -le "$((wanted * $1 / 100))" ]; }
	settles packed "$1" || fail "$2, $(used) bytes are taken where $wanted would do"
	[ "$(used)" -ge "$((wanted * 9 / 10))" ] || fail "$2, df shows only $(used) bytes taken by $wanted of files"
	# Directories take host memory only. A unit holds a little more than 4 KiB with rs128.
	du -s --block-size=1 "$mnt" | awk -v used="$(used)" '{
		if ($1 < used * 0.96 || $1 > used * 1.04) { print "du says " $1 " bytes, df " used; exit 1 } }' ||
		fail "$2, du and df differ"
	echo "$2: $(awk -v used="$(used)" -v wanted="$wanted" 'BEGIN { printf "%.3f", used / wanted }') of the ideal"
}

empty_bytes=$(used)
empty_inodes=$(inodes)
given_back() {
	[ "$(used)" = "$empty_bytes" ] && [ "$(inodes)" = "$empty_inodes" ]
}

start_storm
python3 "$MAKE_TREE" --files "$count" >"$work/tree.tar"
mkdir "$mnt/tree" "$work/out"
tar -C "$mnt/tree" -xf "$work/tree.tar"
expect_packed 110 "unpacked"
[ "$(find "$mnt/tree" -type f | wc -l)" -eq "$count" ] || fail "not all files are there"

written
tar -C "$mnt/tree" -df "$work/tree.tar" || fail "what is there differs from the archive"
written
tar -C "$mnt/tree" -cf - . | tar -C "$work/out" -xf -
tar -C "$work/out" -df "$work/tree.tar" || fail "what came out differs from the archive"

# Half of the files make room for others, which differ from them in size.
churn() {
	python3 - "$mnt/tree" "$work/out" "$1" <<'PYTHON'
import os, random, sys
mounted, beside, seed = sys.argv[1:]
generator = random.Random(seed)
paths = sorted(os.path.relpath(os.path.join(directory, name), beside)
               for directory, _, names in os.walk(beside) for name in names)
gone = generator.sample(paths, len(paths) // 2)
for path in gone:
    os.unlink(f"{mounted}/{path}")
for path in gone:
    size = min(4 << 20, int(generator.lognormvariate(8.5, 1.56)))
    data = generator.randbytes(size)
    for root in mounted, beside:
        with open(f"{root}/{path}", "wb") as file:
            file.write(data)
PYTHON
}
for round in 1 2 3; do
	written
	churn "$round"
	expect_packed 115 "after $round times a half anew"
done
written
diff -r "$work/out" "$mnt/tree" || fail "files that were written anew differ"
expect_counters

rm -rf "$mnt/tree"
settles given_back ||
	fail "$(($(used) - empty_bytes)) bytes and $(($(inodes) - empty_inodes)) inodes did not come back"
unmount_vramfs
