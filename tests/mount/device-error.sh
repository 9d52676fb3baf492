#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# The device fails in the middle of transfers: those requests get EIO, no request gets wrong bytes, and the
# filesystem goes on. Through the page cache, reads may succeed all the same: what fails when it is read ahead,
# the kernel asks for again.
. "$(dirname "$0")/lib.sh"
requires setfattr getfattr python3

VRAMFS_TEST_CACHE=${VRAMFS_TEST_CACHE:-none}
mount_vramfs 48M
python3 - "$mnt" "$VRAMFS_TEST_CACHE" <<'END'
import errno, os, sys

root = sys.argv[1]
cached = sys.argv[2] != "none"
path = os.path.join(root, "file")
block = 131072
old = os.urandom(16 * block)
new = os.urandom(16 * block)

def fail_launches(count):
    os.setxattr(root, "vramfs.fail", str(count).encode())

def expect_eio(call, what):
    try:
        call()
    except OSError as error:
        assert error.errno == errno.EIO, f"{what}: {error}"
    else:
        sys.exit(f"{what} succeeded though the device failed")

file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
assert os.pwrite(file, old, 0) == len(old)

def forget_cached():
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)

# Reads.
for _ in range(5):
    def read():
        got = os.pread(file, block, 3 * block)
        assert got == old[3 * block:4 * block], "wrong bytes where the device failed"
        if cached:
            raise OSError(errno.EIO, "as good as an error")
    forget_cached()
    fail_launches(1)
    expect_eio(read, "a read")
    fail_launches(0)
    assert os.pread(file, block, 3 * block) == old[3 * block:4 * block], "wrong bytes after a failed read"

# Whole-block writes: afterwards the bytes are the old ones, the new ones, or EIO: nothing else.
for number in range(5):
    fail_launches(1)
    place = number * block
    def write():
        os.pwrite(file, new[place:place + block], place)
        os.fsync(file)
    expect_eio(write, "a write")
    try:
        got = os.pread(file, block, place)
    except OSError as error:
        assert error.errno == errno.EIO, error
    else:
        for line in range(0, block, 128):
            part = got[line:line + 128]
            assert part in (old[place + line:place + line + 128], new[place + line:place + line + 128]), \
                f"a line at {place + line} is neither old nor new after a failed write"
    assert os.pwrite(file, new[place:place + block], place) == block
    forget_cached()
    assert os.pread(file, block, place) == new[place:place + block], "a repeated write does not show"

# Extending writes: a file whose first bytes never arrived shows no stale ones.
for number in range(5):
    name = os.path.join(root, f"new-{number}")
    other = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
    fail_launches(1)
    def extend():
        os.pwrite(other, new[:4096], 0)
        os.fsync(other)
    expect_eio(extend, "an extending write")
    try:
        got = os.pread(other, 4096, 0)
    except OSError as error:
        assert error.errno == errno.EIO, error
    else:
        assert got in (b"", new[:len(got)], bytes(len(got))), "stale bytes after a failed extending write"
    os.close(other)
    os.unlink(name)

# Several in a row, and none left over.
fail_launches(3)
failed = 0
for _ in range(10):
    forget_cached()
    try:
        got = os.pread(file, 4096, 8 * block)
    except OSError as error:
        assert error.errno == errno.EIO, error
        failed += 1
    else:
        assert got == old[8 * block:8 * block + 4096], "wrong bytes"
assert cached or failed == 3, f"{failed} of 10 reads failed after 3 failures were asked for"
fail_launches(0)
forget_cached()
rest = os.pread(file, 16 * block, 0)
assert rest == new[:5 * block] + old[5 * block:], "the file differs at the end"
os.close(file)
END
unmount_vramfs
