#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# Extended attributes in all namespaces and at their limits, whiteouts, times far away, sizes of directories,
# sticky ones, setuid and setgid: the same operations on tmpfs and here, with the same outcome.
. "$(dirname "$0")/lib.sh"
requires setpriv python3

# What the functions below share.
cat >"$work/common.py" <<'END'
import ctypes, errno, os, stat, time

libc = ctypes.CDLL(None, use_errno=True)

def checked(value):
    if value < 0:
        raise OSError(ctypes.get_errno(), "")
    return value

def result(call, *arguments, **named):
    try:
        value = call(*arguments, **named)
    except OSError as error:
        return errno.errorcode[error.errno]
    except ValueError as error:
        return str(error)
    return value if not isinstance(value, bytes) or len(value) < 40 else f"{len(value)} bytes"

def as_user(uid, function):
    """Run function in another process as that user."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            function()
        except BaseException as error:
            print("as", uid, repr(error))
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)

import sys
sys.stdout = os.fdopen(1, "w", buffering=1)
END

extended_attributes() {
	PYTHONPATH=$work PYTHONDONTWRITEBYTECODE=1 python3 - <<'END'
from common import *

NAMES = ["user.a", "trusted.a", "security.a", "system.a", "other.a", "a", "user.", "trusted.", "security.",
    "user.a.b c\xe9", "user." + "n" * 250, "user." + "n" * 251, "trusted." + "n" * 247, "", "userx.a", "USER.a"]

def getxattr(path, name, size):
    buffer = ctypes.create_string_buffer(size or 1)
    return checked(libc.lgetxattr(path.encode(), name.encode(), buffer, size))

def listxattr(path, size):
    buffer = ctypes.create_string_buffer(size or 1)
    return checked(libc.llistxattr(path.encode(), buffer, size))

def all_of(path):
    for name in NAMES:
        value = name[:8].encode()
        print(path, repr(name), "get", result(os.getxattr, path, name, follow_symlinks=False))
        print(path, repr(name), "replace", result(os.setxattr, path, name, value, os.XATTR_REPLACE, follow_symlinks=False))
        print(path, repr(name), "create", result(os.setxattr, path, name, value, os.XATTR_CREATE, follow_symlinks=False))
        print(path, repr(name), "create", result(os.setxattr, path, name, value, os.XATTR_CREATE, follow_symlinks=False))
        print(path, repr(name), "replace", result(os.setxattr, path, name, value * 2, os.XATTR_REPLACE, follow_symlinks=False))
        print(path, repr(name), "both", result(os.setxattr, path, name, value * 3,
            os.XATTR_CREATE | os.XATTR_REPLACE, follow_symlinks=False))
        print(path, repr(name), "odd", result(os.setxattr, path, name, value * 3, 64, follow_symlinks=False))
        print(path, repr(name), "get", result(os.getxattr, path, name, follow_symlinks=False))
    names = result(os.listxattr, path, follow_symlinks=False)
    print(path, "list", names if isinstance(names, str) else sorted(names))

def remove_of(path):
    for name in NAMES:
        print(path, repr(name), "remove", result(os.removexattr, path, name, follow_symlinks=False))
        print(path, repr(name), "remove", result(os.removexattr, path, name, follow_symlinks=False))

os.mkdir("d")
os.mkdir("sticky")
os.chmod("sticky", 0o1777)
open("f", "w").close()
os.symlink("f", "l")
os.mkfifo("p")
os.mknod("c", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
for path in "f", "d", "sticky", "l", "p", "c":
    all_of(path)
os.chown("f", 1000, 1000)
os.chown("d", 1000, 1000)
for uid in 1000, 2000:
    for path in "f", "d", "sticky", "l", "p":
        as_user(uid, lambda: all_of(path))
        as_user(uid, lambda: remove_of(path))
for path in "f", "d", "sticky", "l", "p", "c":
    remove_of(path)

for name in "user.v", "trusted.v", "security.v":
    for size in 0, 1, 100, 65535, 65536, 65537:
        print(name, size, result(os.setxattr, "f", name, b"v" * size), result(getxattr, "f", name, 0))
        for room in 1, size - 1, size, size + 1:
            if room > 0:
                print(name, size, room, result(getxattr, "f", name, room))
    print(result(os.removexattr, "f", name))
for i in range(20):
    os.setxattr("f", f"user.{i}", b"")
length = listxattr("f", 0)
print(length, [result(listxattr, "f", room) for room in (1, length - 1, length, length + 1)])
# What changes with them, and what does not.
os.utime("f", (1, 1))
before = os.stat("f")
os.setxattr("f", "user.0", b"new")
after = os.stat("f")
print(after.st_ctime_ns > before.st_ctime_ns, after.st_mtime_ns == before.st_mtime_ns, after.st_size)
# A new owner, new bytes or a new length end a capability.
capability = bytes.fromhex("0100000200040000000000000000000000000000")
for change in lambda: os.chown("f", 5, 5), lambda: os.truncate("f", 10), lambda: open("f", "w").write("x"):
    os.setxattr("f", "security.capability", capability)
    change()
    print(result(os.getxattr, "f", "security.capability"))
END
}

whiteouts() {
	PYTHONPATH=$work PYTHONDONTWRITEBYTECODE=1 python3 - <<'END'
from common import *

NOREPLACE, EXCHANGE, WHITEOUT = 1, 2, 4

def rename(old, new, flags):
    return checked(libc.renameat2(-100, old.encode(), -100, new.encode(), flags))

def show():
    for directory, directories, files in os.walk("."):
        for name in sorted(directories + files):
            path = os.path.join(directory, name)
            status = os.lstat(path)
            print(path, oct(status.st_mode), status.st_uid, status.st_gid, status.st_nlink,
                status.st_size, hex(status.st_rdev), sorted(os.listxattr(path, follow_symlinks=False)))

for kind in "file", "directory", "symlink":
    for flags in WHITEOUT, WHITEOUT | NOREPLACE, WHITEOUT | EXCHANGE, 8, EXCHANGE | NOREPLACE, WHITEOUT | 7:
        for target in "missing", "file", "directory", "same", "elsewhere":
            os.mkdir("there")
            if kind == "file":
                open("it", "w").close()
            elif kind == "directory":
                os.mkdir("it")
            else:
                os.symlink("x", "it")
            if target == "file":
                open("to", "w").close()
            elif target == "directory":
                os.mkdir("to")
            new = {"same": "it", "elsewhere": "there/to"}.get(target, "to")
            print(kind, flags, target, result(rename, "it", new, flags))
            show()
            # What was left is a name as any other.
            print(result(rename, "it", "it2", WHITEOUT), result(rename, "it", "there/w", 0), result(open, "there/w"))
            show()
            for name in "it", "it2", "to", "there/to", "there/w", "there":
                if os.path.lexists(name):
                    os.rmdir(name) if os.path.isdir(name) and not os.path.islink(name) else os.unlink(name)
os.mkdir("given")
os.chown("given", 1000, 77)
os.chmod("given", 0o2777)
open("given/f", "w").close()
as_user(1000, lambda: print(result(rename, "given/f", "given/g", WHITEOUT)))
show()
END
}

attributes() {
	PYTHONPATH=$work PYTHONDONTWRITEBYTECODE=1 python3 - <<'END'
from common import *

def sizes(path):
    status = os.stat(path)
    return status.st_size, status.st_nlink

# Directories grow and shrink with their names.
os.mkdir("d")
print(sizes("d"))
for number in range(30):
    os.close(os.open(f"d/{number}", os.O_CREAT | os.O_WRONLY))
    print(sizes("d"), end=" ")
os.link("d/1", "d/link")
os.mkdir("d/sub")
print(sizes("d"), sizes("d/sub"))
os.rename("d/2", "d/3")
os.rename("d/4", "d/sub/4")
os.rename("d/5", "d/five")
print(sizes("d"), sizes("d/sub"))
os.rename("d/sub", "sub")
print(sizes("d"), sizes("sub"))
for name in os.listdir("d"):
    os.unlink(f"d/{name}")
print(sizes("d"))

# Times: nanoseconds, before 1970, far ahead.
NOW, OMIT = (1 << 30) - 1, (1 << 30) - 2

class timespec(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("nsec", ctypes.c_long)]

def utimensat(path, a, m, flags=0x100):
    return checked(libc.utimensat(-100, path.encode(), (timespec * 2)(timespec(*a), timespec(*m)), flags))

open("t", "w").close()
os.symlink("t", "l")
for path in "t", "l", "d":
    for seconds in 0, 1, -1, -1000, 1 << 31, -(1 << 31) - 1, 1 << 32, (1 << 34) - 1, -(1 << 34), 1 << 40, -(1 << 40), 1 << 55:
        for nanoseconds in 0, 1, 999999999:
            print(path, seconds, nanoseconds,
                result(utimensat, path, (seconds, nanoseconds), (-seconds, nanoseconds)),
                os.lstat(path).st_atime_ns, os.lstat(path).st_mtime_ns)
    for bad in -1, 1000000000, 1 << 29, 1 << 62:
        print(path, bad, result(utimensat, path, (1, bad), (1, 1)), result(utimensat, path, (1, 1), (1, bad)))
    utimensat(path, (7, 7), (8, 8))
    for a, m in ((0, OMIT), (0, OMIT)), ((0, OMIT), (3, 3)), ((4, 4), (0, OMIT)):
        print(path, result(utimensat, path, a, m), os.lstat(path).st_atime_ns, os.lstat(path).st_mtime_ns)
    utimensat(path, (0, NOW), (0, OMIT))
    print(os.lstat(path).st_atime > 1e9, os.lstat(path).st_mtime_ns)
    # Nobody else's may be set, nor even touched.
    for uid in 0, 1000:
        os.chown(path, uid, uid, follow_symlinks=False)
        as_user(1000, lambda: print(result(utimensat, path, (1, 1), (1, 1)),
            result(utimensat, path, (0, NOW), (0, NOW)), result(utimensat, path, (0, NOW), (0, OMIT))))
    os.chmod(path, 0o666)
    os.chown(path, 0, 0, follow_symlinks=False)
    as_user(1000, lambda: print(result(utimensat, path, (0, NOW), (0, NOW)), result(utimensat, path, (0, NOW), (0, OMIT))))

# setuid and setgid, for files and directories, with and without group execution.
def try_change(label, mode, kind, uid, change):
    path = "s"
    if kind == "file":
        open(path, "w").close()
    else:
        os.mkdir(path)
    os.chown(path, 1000, 1000)
    os.chmod(path, mode)
    before = os.stat(path).st_ctime_ns
    time.sleep(0.005) # tmpfs counts ctime in ticks
    as_user(uid, lambda: print(label, kind, oct(mode), uid, result(change, path))) if uid else \
        print(label, kind, oct(mode), uid, result(change, path))
    status = os.stat(path)
    print(oct(status.st_mode), status.st_uid, status.st_gid, status.st_ctime_ns > before)
    os.unlink(path) if kind == "file" else os.rmdir(path)

def write(path):
    file = os.open(path, os.O_WRONLY)
    os.pwrite(file, b"x", 0)
    os.close(file)

def truncate_open(path):
    os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))

def fallocate(path):
    file = os.open(path, os.O_WRONLY)
    os.posix_fallocate(file, 0, 100)
    os.close(file)

for mode in 0o6777, 0o6767, 0o4777, 0o2777, 0o2767, 0o7777:
    for uid in 0, 1000, 2000:
        for kind in "file", "directory":
            for owner in (1000, -1), (-1, 1000), (1000, 1000), (2000, 2000), (-1, -1), (-1, 2000):
                # To no new owner, by who is none: for FUSE it is granted, and has no effect.
                if owner == (-1, -1) and uid == 2000 and kind == "file":
                    continue
                try_change(f"chown {owner}", mode, kind, uid, lambda path: os.chown(path, *owner))
            for new in 0o6755, 0o2755:
                try_change(f"chmod {new:o}", mode, kind, uid, lambda path: os.chmod(path, new))
        # For who is not in the group Linux has other rules, which FUSE doesn't tell.
        if uid != 2000 or mode & 0o010:
            for change in write, truncate_open, fallocate:
                try_change(change.__name__, mode, "file", uid, change)
            try_change("truncate", mode, "file", uid, lambda path: os.truncate(path, 5))

# Who may remove what in a sticky directory.
for directory_owner in 0, 1000, 2000:
    for file_owner in 0, 1000, 2000:
        os.mkdir("tmp")
        os.chmod("tmp", 0o1777)
        os.chown("tmp", directory_owner, directory_owner)
        def make(name):
            open(f"tmp/{name}", "w").close()
            os.chown(f"tmp/{name}", file_owner, file_owner)
        for name in "a", "b", "c", "d":
            make(name)
        def change():
            print(directory_owner, file_owner, result(os.unlink, "tmp/a"), result(os.rename, "tmp/b", "tmp/bb"),
                result(os.rename, "tmp/c", "tmp/d"), sorted(os.listdir("tmp")))
        as_user(1000, change)
        for name in os.listdir("tmp"):
            os.unlink(f"tmp/{name}")
        os.rmdir("tmp")
END
}

mount_vramfs 64M -o dev,suid,allow_other
behaves_as_tmpfs extended_attributes
behaves_as_tmpfs whiteouts
behaves_as_tmpfs attributes
unmount_vramfs
