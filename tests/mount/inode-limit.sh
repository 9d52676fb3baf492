#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# A filesystem without inodes left: says so, counts them as tmpfs does, can still rename and remove, and what a
# removal gives back can be used at once, although the kernel lets go of a removed file only some time later.
. "$(dirname "$0")/lib.sh"
requires python3 df

limit=100
mount_vramfs 32M -o nr_inodes=$limit
[ "$(df --output=itotal,iused,iavail "$mnt" | tail -n 1 | xargs)" = "$limit 1 $((limit - 1))" ] ||
	fail "$(df -i "$mnt")"
python3 - "$mnt" $limit <<'END'
import ctypes, errno, os, socket, stat, sys

os.chdir(sys.argv[1])
limit = int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)

def whiteout(name):
    if libc.renameat2(-100, b"moving", -100, b"moved", 4):
        raise OSError(ctypes.get_errno(), "renameat2")
    os.rename("moving", name)
    os.rename("moved", "moving")

def unnamed(name):
    file = os.open(".", os.O_TMPFILE | os.O_RDWR)
    os.link(f"/proc/self/fd/{file}", name, src_dir_fd=0, follow_symlinks=True)
    os.close(file)

makers = [
    lambda name: os.close(os.open(name, os.O_CREAT | os.O_WRONLY)),
    os.mkdir,
    os.mkfifo,
    lambda name: os.mknod(name, stat.S_IFREG | 0o600),
    lambda name: os.symlink("somewhere", name),
    lambda name: socket.socket(socket.AF_UNIX).bind(name),
    unnamed,
    whiteout,
]

def remove(name):
    if stat.S_ISDIR(os.lstat(name).st_mode):
        os.rmdir(name)
    else:
        os.unlink(name)

open("moving", "w").close()
for number in range(limit - 2):
    os.mkdir(f"{number}")
assert os.statvfs(".").f_ffree == 0
for make in makers:
    try:
        make("one too many")
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
    else:
        sys.exit("more inodes than there are")
    assert not os.path.lexists("one too many") and os.path.lexists("moving")
    assert not os.path.lexists("moved")

# Neither names nor their removal need an inode.
os.rename("0", "zero")
os.rename("zero", "0")
os.link("moving", "linked")
os.unlink("linked")
with open("moving", "w") as file:
    file.write("there is space")
for turn in range(40):
    for make in makers:
        remove("0")
        make("0")
for name in os.listdir("."):
    remove(name)
END
tries=0
until [ "$(df --output=iused "$mnt" | tail -n 1 | xargs)" = 1 ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 100 ] || fail "inodes are lost: $(df -i "$mnt")"
	sleep 0.1
done
unmount_vramfs
