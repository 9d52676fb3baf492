#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# A line with more errors than are corrected is an error to its reader, never wrong bytes; writing it whole
# makes it good again.
. "$(dirname "$0")/lib.sh"
requires dd setfattr getfattr python3

# Without correction eight errors in a line are always detected; with it, a few in a thousand pass for others.
mount_vramfs 24M -o max_correct=0
head -c 1048576 /dev/urandom >"$work/original"
cp "$work/original" "$mnt/file"
sync -f "$mnt"
forget_cached
cmp "$work/original" "$mnt/file" || fail "the file differs before anything was damaged"

inject 8 1 1
forget_cached
python3 - "$mnt/file" "$work/original" <<'END'
import errno, os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
original = open(sys.argv[2], "rb").read()
for offset in range(0, len(original), 65536):
    try:
        got = os.pread(file, 65536, offset)
    except OSError as error:
        assert error.errno == errno.EIO, error
    else:
        sys.exit(f"read {len(got)} bytes at {offset} of lost lines, "
                 f"{'right' if got == original[offset:offset + len(got)] else 'WRONG'}")
END
[ "$(stat_of lost)" -gt 0 ] || fail "the counters show no lost line"

# A part of a lost line can't be written: the rest of it is unknown.
if printf x | dd of="$mnt/file" bs=1 seek=70001 conv=notrunc status=none 2>"$work/error"; then
	sync "$mnt/file" 2>>"$work/error" && fail "a part of a lost line was written"
fi
grep -q 'Input/output error' "$work/error" || fail "expected EIO, got: $(cat "$work/error")"

# Whole lines can, and are good again.
dd if="$work/original" of="$mnt/file" bs=1M conv=notrunc status=none
sync -f "$mnt"
forget_cached
cmp "$work/original" "$mnt/file" || fail "the file differs after it was written anew"
rm "$mnt/file"
unmount_vramfs
