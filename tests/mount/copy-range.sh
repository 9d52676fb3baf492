#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# cp and copy_file_range(2) within the mount: the bytes arrive, holes stay holes, and what lies alike in both
# files moves on the device only.
. "$(dirname "$0")/lib.sh"
requires cp cmp dd python3 setfattr getfattr

megabytes=64
! $slow || megabytes=8
mount_vramfs $((megabytes * 5 / 2))M --ecc="${VRAMFS_TEST_ECC:-rs136}" -o max_correct=2

# moved: the bytes that went over the bus so far, both ways.
moved() {
	echo $(($(stat_of read_bytes) + $(stat_of written_bytes)))
}

dd if=/dev/urandom of="$work/original" bs=1M count="$megabytes" status=none
head -c 12345 /dev/urandom >>"$work/original"
cat "$work/original" >"$mnt/file"
sync -f "$mnt"
before=$(moved)
cp "$mnt/file" "$mnt/copy"
after=$(moved)
[ "$before" -eq "$after" ] || fail "cp moved $((after - before)) bytes over the bus"
cmp "$work/original" "$mnt/copy" || fail "the copy differs"

# The region is nearly full now. A copy that does not fit ends with ENOSPC, and all is well after it.
if cp "$mnt/file" "$mnt/too-much" 2>"$work/error"; then
	fail "a copy was made for which there is no space"
fi
grep -q 'No space left' "$work/error" || fail "expected ENOSPC, got: $(cat "$work/error")"
cmp "$work/original" "$mnt/file" || fail "the source differs after a failed copy"
rm "$mnt/too-much" "$mnt/copy"
cp "$mnt/file" "$mnt/copy" || fail "a copy fails after a removal"
rm "$mnt/copy" "$mnt/file"

# Holes. cp looks for them itself; the filesystem makes them of a range that has some, too.
python3 - "$mnt" "$work/model" "$slow" <<'END'
import errno, os, random, sys

directory, model_path, slow = sys.argv[1], sys.argv[2], sys.argv[3] == "true"
MIB = 1 << 20


def open_file(name):
    return os.open(os.path.join(directory, name), os.O_RDWR | os.O_CREAT, 0o644)


def copy_all(source, target, length, at, to):
    """As a program does it: until nothing comes."""
    copied = 0
    while copied < length:
        count = os.copy_file_range(source, target, length - copied, at + copied, to + copied)
        if count == 0:
            break
        copied += count
    return copied


def expect(error, *arguments):
    try:
        got = os.copy_file_range(*arguments)
    except OSError as raised:
        assert raised.errno == error, f"expected {errno.errorcode[error]}, got {raised}"
    else:
        sys.exit(f"expected {errno.errorcode[error]}, got {got}")


# Holes stay holes, however the offsets lie.
sparse, copy = open_file("sparse"), open_file("copy")
os.pwrite(sparse, b"x" * 100000, 900 * MIB)
os.ftruncate(sparse, 2000 * MIB + 5)
for shift in 0, 4097:
    assert copy_all(sparse, copy, 3000 * MIB, 0, shift) == 2000 * MIB + 5
    assert os.fstat(copy).st_size == 2000 * MIB + 5 + shift
    assert os.fstat(copy).st_blocks * 512 <= 128 * 1024, "holes were filled"
    assert os.pread(copy, 100000, 900 * MIB + shift) == b"x" * 100000
    assert os.pread(copy, 4096, 900 * MIB + shift + 100000) == bytes(4096)
    os.ftruncate(copy, 0)
os.ftruncate(sparse, 0)

# What can't be.
os.pwrite(sparse, b"abcdefghij" * 1000, 0)
assert os.copy_file_range(sparse, copy, 0, 0, 0) == 0
assert os.copy_file_range(sparse, copy, 10, 10000, 0) == 0
assert os.copy_file_range(sparse, copy, 10, 1 << 62, 0) == 0
assert os.fstat(copy).st_size == 0
expect(errno.EINVAL, sparse, sparse, 10, 0, 5)
expect(errno.EINVAL, sparse, sparse, 10000, 5000, 3000)
expect(errno.EFBIG, sparse, copy, 10, 0, (1 << 63) - 1)
expect(errno.EISDIR, os.open(directory, os.O_RDONLY), copy, 10, 0, 0)
read_only = os.open(os.path.join(directory, "copy"), os.O_RDONLY)
expect(errno.EBADF, sparse, read_only, 10, 0, 0)
expect(errno.EBADF, sparse, os.open(os.path.join(directory, "copy"), os.O_WRONLY | os.O_APPEND), 10, 0, 0)
assert os.copy_file_range(sparse, sparse, 5000, 0, 5000) == 5000
assert os.copy_file_range(sparse, copy, 1 << 40, 9990, 7) == 10
assert os.pread(copy, 100, 0) == bytes(7) + b"abcdefghij"
os.ftruncate(copy, 0)
os.ftruncate(sparse, 0)

# Anything, against the same in ordinary files.
seed = random.randrange(1 << 32)
print("seed", seed)
chance = random.Random(seed)
SIZE = 2 * MIB
files = [sparse, copy]
models = [os.open(model_path + str(i), os.O_RDWR | os.O_CREAT, 0o644) for i in range(2)]
UNITS = [1, 128, 4096, 4200, 131072]


def offset():
    unit = chance.choice(UNITS)
    return max(0, chance.randrange(SIZE) // unit * unit + chance.choice([0, 0, 0, 1, -1]))


for step in range(100 if slow else 500):
    a, b = chance.randrange(2), chance.randrange(2)
    at, to, length = offset(), offset(), offset() // 2 + 1
    if chance.random() < 0.5:
        to = at if a != b else to
    action = chance.randrange(6)
    if action == 0:
        data = chance.randbytes(min(length, 200000))
        for file in files[a], models[a]:
            os.pwrite(file, data, at)
    elif action == 1:
        for file in files[a], models[a]:
            os.ftruncate(file, at)
    else:
        if a == b:
            # Its end moves when it is copied behind it.
            length = min(length, os.fstat(models[a]).st_size - at)
            if length <= 0 or (at < to + length and to < at + length):
                continue
        got = copy_all(files[a], files[b], length, at, to)
        data = os.pread(models[a], length, at)
        assert got == len(data), f"step {step}: {got} bytes instead of {len(data)}"
        os.pwrite(models[b], data, to)
    if step % 10 == 0:
        for file, model in zip(files, models):
            assert os.fstat(file).st_size == os.fstat(model).st_size, f"step {step}: size"
            assert os.pread(file, 3 * SIZE, 0) == os.pread(model, 3 * SIZE, 0), f"step {step}: bytes"
END
rm "$mnt/sparse" "$mnt/copy"

# Lines that are lost are an error in the copying, and no wrong bytes in the copy.
head -c 1048576 "$work/original" >"$mnt/file"
sync -f "$mnt"
forget_cached
inject 6 1 1
if cp "$mnt/file" "$mnt/copy" 2>"$work/error"; then
	fail "lost lines were copied"
fi
grep -q 'Input/output error' "$work/error" || fail "expected EIO, got: $(cat "$work/error")"
forget_cached
if dd if="$mnt/copy" of="$work/got" bs=64k count=1 status=none 2>/dev/null && [ -s "$work/got" ]; then
	fail "the copy of lost lines can be read"
fi
cp "$work/original" "$mnt/file" 2>"$work/error" || fail "the file can't be written anew: $(cat "$work/error")"
cp "$mnt/file" "$mnt/copy"
cmp "$work/original" "$mnt/copy" || fail "the copy differs when the source is sound again"
rm "$mnt/file" "$mnt/copy"
unmount_vramfs
