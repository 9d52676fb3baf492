#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# A real C project, vramfs itself, is unpacked, configured, built by many compilers at a time, and tested where
# it was built: its programs, generators and libraries run from the mount.
. "$(dirname "$0")/lib.sh"
requires meson ninja gcc tar setfattr getfattr python3
root=$(cd "$(dirname "$0")/../.." && pwd)
[ -f "$root/meson.build" ] || skip "needs the source of vramfs"

targets=(src/cli/vramfs tests/base/test-base-size tests/base/test-base-table tests/rs/test-rs-geometry)

mount_vramfs 96M
mkdir "$mnt/source"
tar -C "$root" -cf - --exclude='./build*' --exclude=./.git . | tar -C "$mnt/source" -xf -
written
meson setup "$mnt/build" "$mnt/source" -Doptimization=0 -Ddebug=false >"$work/build.log" 2>&1 || {
	cat "$work/build.log"
	fail "meson setup"
}
written
ninja -C "$mnt/build" -j 8 "${targets[@]}" >"$work/build.log" 2>&1 || {
	tail -n 40 "$work/build.log"
	fail "ninja"
}
written
# Nothing is made again when nothing has changed: the times are right.
ninja -C "$mnt/build" "${targets[@]}" | grep -q 'no work to do' || fail "ninja sees changes where there are none"
for test in "${targets[@]:1}"; do
	"$mnt/build/$test" >"$work/build.log" 2>&1 || {
		tail -n 40 "$work/build.log"
		fail "$test, built in the mount"
	}
done
"$mnt/build/src/cli/vramfs" test --device host --size 16M >"$work/build.log" 2>&1 || {
	tail -n 40 "$work/build.log"
	fail "vramfs test, built in the mount"
}
diff -r --exclude='build*' --exclude=.git "$root" "$mnt/source" || fail "the sources differ"
expect_counters
unmount_vramfs
