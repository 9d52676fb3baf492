#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# Append-only and immutable files and directories, and the flags that only tell: chattr and the same operations
# on tmpfs and here, with the same outcome. What Linux would refuse before a filesystem hears of it, and for FUSE
# does not, is left out: access(2) for writing, mapping an append-only file for writing, taking O_APPEND away;
# and where two things are wrong, for FUSE it may be the other that is told.
. "$(dirname "$0")/lib.sh"
requires chattr lsattr setpriv python3

show_flags() {
	lsattr -d "$@"
}

chattr_command() {
	: >f
	mkdir d
	mkfifo p
	ln -s f l
	show_flags f d
	for flag in i a d A; do
		for path in f d; do
			chattr +$flag $path
			show_flags $path
			chattr -$flag $path
			show_flags $path
		done
	done
	chattr '=dA' f && show_flags f
	chattr +d f && chattr +a f && show_flags f
	chattr -R +A d && show_flags f d
	for flag in c e j s u S D T F; do
		chattr +$flag f 2>&1
		chattr +$flag d 2>&1
	done
	chattr '=' f && show_flags f
	chattr +i p l nothing
	lsattr -d p l nothing
	# inherited: d and A
	chattr '=dAa' d
	mkdir d/dir
	: >d/file
	show_flags d/dir d/file
	chattr '=' d
	chown 1000:1000 f d
	chattr -V +i f
	for who in 1000 2000; do
		for change in +d -d +a -a +i -i '='; do
			setpriv --reuid $who --regid $who --clear-groups chattr $change f 2>&1
			show_flags f
		done
	done
	chattr '=' f
}

operations() {
	python3 - <<'END'
import array, ctypes, errno, fcntl, os, struct, time

FS_IOC_GETFLAGS, FS_IOC_SETFLAGS = 0x80086601, 0x40086602
FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR = 0x801c581f, 0x401c5820
IMMUTABLE, APPEND, NODUMP, NOATIME = 0x10, 0x20, 0x40, 0x80
KEEP_SIZE, PUNCH_HOLE = 1, 2
libc = ctypes.CDLL(None, use_errno=True)

def flags(path, value):
    file = os.open(path, os.O_RDONLY)
    fcntl.ioctl(file, FS_IOC_SETFLAGS, array.array("i", [value]))
    os.close(file)

def get(path):
    file = os.open(path, os.O_RDONLY)
    word = array.array("l", [0])
    fcntl.ioctl(file, FS_IOC_GETFLAGS, word)
    os.close(file)
    return hex(word[0] & 0xffffffff)

def extended(path, *change):
    file = os.open(path, os.O_RDONLY)
    try:
        if change:
            fcntl.ioctl(file, FS_IOC_FSSETXATTR, struct.pack("<IIIII8x", *change))
        return struct.unpack("<IIIII8x", fcntl.ioctl(file, FS_IOC_FSGETXATTR, bytes(28)))
    finally:
        os.close(file)

def result(call):
    try:
        value = call()
    except OSError as error:
        return errno.errorcode[error.errno]
    if call.__name__.startswith("open"):
        os.close(value)
        return "opened"
    return value

def tell(label, **calls):
    for name, call in calls.items():
        call.__name__ = name
        print(label, name, result(call))

def renameat2(old, new, flag):
    if libc.renameat2(-100, old.encode(), -100, new.encode(), flag):
        raise OSError(ctypes.get_errno(), "")

def fallocate(file, mode, offset, length):
    if libc.fallocate(file, mode, ctypes.c_long(offset), ctypes.c_long(length)):
        raise OSError(ctypes.get_errno(), "")

def linked(path):
    os.link(path, "linked")
    os.unlink("linked")

def try_all(label, path, fd):
    size = lambda: os.stat(path).st_size
    if not os.path.isdir(path):
        tell(label,
            open_read=lambda: os.open(path, os.O_RDONLY),
            open_write=lambda: os.open(path, os.O_WRONLY),
            open_append=lambda: os.open(path, os.O_WRONLY | os.O_APPEND),
            open_both=lambda: os.open(path, os.O_RDWR | os.O_APPEND),
            open_truncate=lambda: os.open(path, os.O_WRONLY | os.O_APPEND | os.O_TRUNC),
            open_read_truncate=lambda: os.open(path, os.O_RDONLY | os.O_TRUNC),
            open_create=lambda: os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND),
            truncate=lambda: os.truncate(path, 3), truncate_up=lambda: os.truncate(path, 3000),
            size0=size,
            # through what was open before
            write=lambda: os.pwrite(fd, b"12345678", 0), size1=size,
            ftruncate=lambda: os.ftruncate(fd, 4), size2=size,
            fallocate=lambda: fallocate(fd, 0, 0, 50), size3=size,
            fallocate_keep=lambda: fallocate(fd, KEEP_SIZE, 0, 9000),
            punch=lambda: fallocate(fd, PUNCH_HOLE | KEEP_SIZE, 0, 4),
            copy=lambda: os.copy_file_range(source, fd, 2, 0, 0), size4=size)
        print(label, os.pread(fd, 100, 0))
    tell(label,
        chmod=lambda: os.chmod(path, 0o755), fchmod=lambda: os.fchmod(fd, 0o755),
        chown=lambda: os.chown(path, 7, 7), chown_same=lambda: os.chown(path, -1, -1),
        utime=lambda: os.utime(path), utime_set=lambda: os.utime(path, (1, 1)),
        setxattr=lambda: os.setxattr(path, "user.a", b"x"),
        settrusted=lambda: os.setxattr(path, "trusted.a", b"x"),
        setacl=lambda: os.setxattr(path, "system.posix_acl_access",
            bytes.fromhex("0200000001000600ffffffff04000400ffffffff20000400ffffffff")),
        removexattr=lambda: os.removexattr(path, "user.there"),
        removeacl=lambda: os.removexattr(path, "system.posix_acl_access"),
        listxattr=lambda: sorted(os.listxattr(path)),
        rename=lambda: os.rename(path, "renamed"),
        noreplace=lambda: renameat2("over", path, 1), exchange=lambda: renameat2("over", path, 2),
        whiteout=lambda: renameat2(path, "renamed", 4))
    if os.path.isdir(path):
        tell(label, rmdir=lambda: os.rmdir(path))
    else:
        tell(label, link=lambda: linked(path), rename_onto=lambda: os.rename("over", path),
            unlink=lambda: os.unlink(path))

def make_all():
    for name in "over", "source":
        with open(name, "wb") as file:
            file.write(b"content")

for flag in IMMUTABLE, APPEND, IMMUTABLE | APPEND, NODUMP, NOATIME:
    for kind in "file", "directory":
        make_all()
        source = os.open("source", os.O_RDONLY)
        if kind == "file":
            fd = os.open("it", os.O_CREAT | os.O_RDWR, 0o644)
            os.write(fd, b"hello world")
        else:
            os.mkdir("it")
            fd = os.open("it", os.O_RDONLY)
        os.setxattr("it", "user.there", b"1")
        flags("it", flag)
        print(kind, get("it"))
        label = f"{kind} {flag:#x}"
        # What is allowed may take it away: each is tried again with what is there.
        for turn in 1, 2:
            if os.path.lexists("it"):
                try_all(label, "it", fd)
        os.close(fd)
        os.close(source)
        for name in os.listdir("."):
            if not os.path.islink(name) and (os.path.isfile(name) or os.path.isdir(name)):
                flags(name, 0)
            os.rmdir(name) if os.path.isdir(name) else os.unlink(name)

# An append-only file grows, and only so.
fd = os.open("log", os.O_CREAT | os.O_WRONLY, 0o644)
os.close(fd)
flags("log", APPEND)
fd = os.open("log", os.O_RDWR | os.O_APPEND)
for text in b"one ", b"two ", b"three ":
    os.pwrite(fd, text, 0)
tell("log", ftruncate=lambda: os.ftruncate(fd, 1), fsync=lambda: os.fsync(fd))
print(os.pread(fd, 100, 0))
os.close(fd)
flags("log", 0)

# In a directory that is immutable, or gets names only.
for flag in IMMUTABLE, APPEND:
    make_all()
    os.makedirs("in/sub")
    with open("in/file", "wb") as file:
        file.write(b"x")
    flags("in", flag)
    label = f"in {flag:#x}"
    tell(label,
        open_new=lambda: os.open("in/new", os.O_CREAT | os.O_WRONLY),
        open_there=lambda: os.open("in/file", os.O_CREAT | os.O_WRONLY),
        open_exclusive=lambda: os.open("in/file", os.O_CREAT | os.O_EXCL | os.O_WRONLY),
        open_tmpfile=lambda: os.open("in", os.O_TMPFILE | os.O_RDWR),
        mkdir=lambda: os.mkdir("in/d"), mkdir_there=lambda: os.mkdir("in/sub"),
        mkfifo=lambda: os.mkfifo("in/p"), symlink=lambda: os.symlink("x", "in/l"),
        link=lambda: os.link("over", "in/h"), link_there=lambda: os.link("over", "in/file"),
        unlink=lambda: os.unlink("in/file"), unlink_none=lambda: os.unlink("in/none"),
        rmdir=lambda: os.rmdir("in/sub"), rename=lambda: os.rename("in/file", "in/other"),
        rename_out=lambda: os.rename("in/file", "out"), rename_in=lambda: os.rename("over", "in/o"),
        rename_over=lambda: os.rename("source", "in/file"),
        exchange=lambda: renameat2("source", "in/file", 2),
        whiteout=lambda: renameat2("source", "in/w", 4),
        write=lambda: os.truncate("in/file", 10), chmod=lambda: os.chmod("in/file", 0o600),
        inner=lambda: os.mkdir("in/sub/d"))
    print(sorted(os.listdir("in")), sorted(os.listdir(".")))
    flags("in", 0)
    for name in os.listdir("in"):
        if name not in ("sub",) and not os.path.isdir(f"in/{name}"):
            os.unlink(f"in/{name}")
    for name in "in/sub/d", "in/sub", "in/d", "in":
        if os.path.isdir(name):
            os.rmdir(name)
    for name in os.listdir("."):
        os.unlink(name)

# The newer form of flags.
open("x", "w").close()
os.mkdir("y")

# Whichever form changes them, that shows in the time of change and in no other.
def times_after(path, change):
    before = os.stat(path)
    time.sleep(0.02)
    change()
    after = os.stat(path)
    return [getattr(after, name) > getattr(before, name) for name in ("st_atime_ns", "st_mtime_ns", "st_ctime_ns")]

for path in "x", "y":
    for value in NODUMP, 0:
        print(path, value, "times", times_after(path, lambda: flags(path, value)))
    for value in 0x80, 0:
        print(path, value, "times", times_after(path, lambda: extended(path, value, 0, 0, 0, 0)))

for path in "x", "y":
    print(path, extended(path))
    for change in ((8, 0, 0, 0, 0), (0x10, 0, 0, 0, 0), (0x40 | 0x80, 0, 0, 0, 0), (0x20, 0, 0, 0, 0),
            (1, 0, 0, 0, 0), (0x200, 0, 0, 0, 0), (0, 4096, 0, 0, 0), (0, 0, 0, 7, 0), (0, 0, 0, 0, 0)):
        print(path, change, result(lambda: extended(path, *change)), get(path))
END
}

mount_vramfs 64M -o dev,suid,allow_other
behaves_as_tmpfs chattr_command
behaves_as_tmpfs operations
[ "$(wc -l <"$work/mnt.seen")" -ge 300 ] || fail "only $(wc -l <"$work/mnt.seen") operations were compared"
unmount_vramfs
