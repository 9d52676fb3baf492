#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# df tells the truth: what it calls free can be written, no more and hardly less; a full filesystem says
# ENOSPC, lets files be deleted, and has its space back then.
. "$(dirname "$0")/lib.sh"
requires setfattr getfattr python3

megabytes=96
if $slow; then
	megabytes=24
fi
mount_vramfs "${megabytes}M" --ecc="${VRAMFS_TEST_ECC:-rs136}"
python3 - "$mnt" "$megabytes" "${VRAMFS_TEST_ECC:-rs136}" <<'END'
import errno, os, sys, time

root, region, code = sys.argv[1], int(sys.argv[2]) << 20, sys.argv[3]
data_share = {"rs136": 128 / 136, "rs128": 120 / 128}[code]
chunk = 1 << 20

def free():
    stat = os.statvfs(root)
    return stat.f_bavail * stat.f_frsize

def expect_back(expected, what):
    """The kernel tells us a little later that nobody uses a deleted file any more."""
    for _ in range(500):
        if free() == expected:
            return
        time.sleep(0.01)
    sys.exit(f"{what}: {expected - free()} bytes did not come back")

stat = os.statvfs(root)
total = stat.f_blocks * stat.f_frsize
assert total <= region * data_share, f"df shows {total} bytes: more than {region} hold beside parity"
assert total >= region * data_share - (1 << 20), f"df shows only {total} bytes of {region}"
assert stat.f_bavail == stat.f_bfree <= stat.f_blocks
empty = free()
assert empty >= total - (1 << 20), f"an empty filesystem has {total - empty} bytes in use"

# Metadata costs no device memory.
for number in range(300):
    os.mkdir(f"{root}/directory-{number}")
    open(f"{root}/directory-{number}/empty", "w").close()
    os.symlink("x" * 100, f"{root}/directory-{number}/link")
assert free() == empty, "names took device memory"

def fill(path):
    written = 0
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                written += file.write(bytes([written // chunk % 251 + 1]) * chunk)
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
        # The last bytes may fit in smaller pieces.
        try:
            while True:
                written += file.write(b"z" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
    return written

for round in range(3):
    before = free()
    written = fill(f"{root}/big")
    assert written < before + 4096, f"wrote {written} bytes where {before} were free, in units of 4096"
    assert written >= before - (1 << 20), f"only {written} of {before} free bytes could be written"
    assert os.stat(f"{root}/big").st_size == written
    assert free() < (1 << 20), f"{free()} bytes free, but none can be written"
    # All of it can still be read.
    with open(f"{root}/big", "rb") as file:
        number = 0
        while written - number * chunk >= chunk:
            assert file.read(chunk) == bytes([number % 251 + 1]) * chunk, "wrong bytes in the full filesystem"
            number += 1
    # A full filesystem lets names be made and files be removed.
    os.mkdir(f"{root}/more")
    os.rmdir(f"{root}/more")
    os.unlink(f"{root}/big")
    expect_back(before, "a file that filled everything")

# Small files cost what they have, in units of 4 KiB and a little, and all of it comes back.
small = 1000
for number in range(small):
    with open(f"{root}/directory-{number % 300}/small-{number}", "wb") as file:
        file.write(b"s" * 3000)
used = empty - free()
assert used <= small * 4096 * 1.1, f"{small} files of 3000 bytes took {used} bytes"
for number in range(small):
    os.unlink(f"{root}/directory-{number % 300}/small-{number}")
expect_back(empty, "small files")

# A hole costs nothing, wherever it ends.
with open(f"{root}/sparse", "wb") as file:
    file.truncate(1 << 40)
    file.seek((1 << 40) - 1)
    file.write(b"x")
stat = os.stat(f"{root}/sparse")
assert stat.st_size == 1 << 40 and 0 < stat.st_blocks * 512 <= 4608, stat
os.unlink(f"{root}/sparse")
expect_back(empty, "a sparse file")
END
unmount_vramfs
