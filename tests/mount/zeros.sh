#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# Bytes that a file does not have are zeros, whatever the device memory held before: in holes, behind a
# truncation, around unaligned writes, in punched ranges, in a new file on old blocks, through read and mmap.
. "$(dirname "$0")/lib.sh"
requires setfattr getfattr python3

megabytes=32
mount_vramfs "${megabytes}M" --ecc="${VRAMFS_TEST_ECC:-rs136}"
python3 - "$mnt" "$($slow && echo 60 || echo 600)" <<'END'
import ctypes, errno, mmap, os, random, sys

root, rounds = sys.argv[1], int(sys.argv[2])
draw = random.Random(3)
path = os.path.join(root, "file")

libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16

def fallocate(file, mode, offset, length):
    if libc.fallocate(file, mode, offset, length) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))

# Fill all of the device memory with bytes that must never be seen again.
with open(os.path.join(root, "secret"), "wb", buffering=0) as file:
    try:
        while True:
            file.write(b"\xa5" * 65536)
    except OSError as error:
        assert error.errno == errno.ENOSPC
    try:
        while True:
            file.write(b"\xa5" * 1000)
    except OSError as error:
        assert error.errno == errno.ENOSPC
os.unlink(os.path.join(root, "secret"))

# The mount beside a plain model of the file, at random.
SIZE = 700000
model = bytearray()
file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

def place():
    offset = draw.randrange(SIZE)
    if draw.random() < 0.3:
        offset = offset // 4096 * 4096
    return offset

def check(what):
    got = os.pread(file, len(model) + 10, 0)
    if got != model:
        where = next((i for i, (a, b) in enumerate(zip(got, model)) if a != b), min(len(got), len(model)))
        sys.exit(f"after {what}: {len(got)} bytes for {len(model)}, different from byte {where} on")
    assert os.fstat(file).st_size == len(model), what

def grow(size):
    if size > len(model):
        model.extend(bytes(size - len(model)))

for number in range(rounds):
    what = draw.choice(("write", "write", "write", "truncate", "truncate", "punch", "zero", "allocate", "mmap",
                        "append", "recreate"))
    offset = place()
    length = draw.choice((1, 100, 128, 4096, 5000, 70000, 131072, 200000))
    if what == "write":
        data = draw.randbytes(length)
        assert os.pwrite(file, data, offset) == length
        grow(offset + length)
        model[offset:offset + length] = data
    elif what == "append":
        data = draw.randbytes(draw.choice((1, 33, 4096)))
        assert os.pwrite(file, data, len(model)) == len(data)
        model += data
    elif what == "truncate":
        os.ftruncate(file, offset)
        grow(offset)
        del model[offset:]
    elif what == "punch":
        fallocate(file, PUNCH_HOLE | KEEP_SIZE, offset, length)
        end = min(offset + length, len(model))
        if offset < end:
            model[offset:end] = bytes(end - offset)
    elif what == "zero":
        fallocate(file, ZERO_RANGE, offset, length)
        grow(offset + length)
        model[offset:offset + length] = bytes(length)
    elif what == "allocate":
        fallocate(file, 0, offset, length)
        grow(offset + length)
    elif what == "mmap" and model:
        with mmap.mmap(file, len(model)) as mapping:
            assert mapping[:] == bytes(model), "mmap shows other bytes than the file has"
            start = draw.randrange(len(model))
            data = draw.randbytes(min(3000, len(model) - start))
            mapping[start:start + len(data)] = data
            mapping.flush()
        model[start:start + len(data)] = data
    elif what == "recreate":
        os.close(file)
        os.unlink(path)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        model = bytearray()
    check(f"{number} {what} {offset} {length}")
os.close(file)
os.unlink(path)

# A new sparse file on blocks that were all in use.
file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
os.ftruncate(file, 8 << 20)
for offset in range(0, 8 << 20, 300007):
    os.pwrite(file, b"x", offset)
data = bytearray(os.pread(file, 8 << 20, 0))
while len(data) < 8 << 20:
    data += os.pread(file, 8 << 20, len(data))
for offset in range(0, 8 << 20, 300007):
    assert data[offset] == ord("x")
    data[offset] = 0
assert data == bytes(8 << 20), "old bytes show in a sparse file"

# Where data are, the file says so itself.
os.ftruncate(file, 0)
os.ftruncate(file, 4 << 20)
os.pwrite(file, b"y" * 10, 2 << 20)
assert os.lseek(file, 0, os.SEEK_HOLE) == 0
start = os.lseek(file, 0, os.SEEK_DATA)
end = os.lseek(file, start, os.SEEK_HOLE)
assert (2 << 20) - 131072 < start <= 2 << 20 < (2 << 20) + 10 <= end <= (2 << 20) + 131072, (start, end)
os.close(file)
END
[ "$(stat_of lost)" -eq 0 ] || fail "lines were lost"
unmount_vramfs
