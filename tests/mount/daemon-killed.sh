#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# The daemon is killed while requests of every kind wait for it: each of them ends with an error, at once; what
# comes later is told that nobody is there; the dead mount can be unmounted, and the directory used again.
. "$(dirname "$0")/lib.sh"
requires python3 timeout

mount_vramfs 48M
python3 - "$mnt" "$daemon" <<'END' || fail "see above"
import errno, mmap, os, signal, sys, time

root, daemon = sys.argv[1], int(sys.argv[2])
os.chdir(root)
with open("file", "wb") as file:
    file.write(b"x" * (8 << 20))
os.makedirs("directory/below")
for number in range(3):
    open(f"directory/{number}", "w").close()

# What every waiter may be told, wherever it was caught.
GONE = {errno.ECONNABORTED, errno.ENOTCONN, errno.EIO, errno.ECANCELED}


def mapped(access):
    """A page that is not in memory, in a shared mapping."""
    file = os.open("file", os.O_RDWR)
    pages = mmap.mmap(file, 8 << 20)
    pages.madvise(mmap.MADV_RANDOM)
    return lambda: access(pages)


def write_page(pages):
    pages[1 << 20] = 1
    pages.flush(1 << 20, 4096)


file = os.open("file", os.O_RDWR)
appender = os.open("file", os.O_WRONLY | os.O_APPEND)
direct = os.open("file", os.O_RDONLY | os.O_DIRECT)
aligned = mmap.mmap(-1, 65536)
operations = {
    "read": lambda: os.pread(file, 4096, 1 << 20),
    "read much": lambda: os.pread(file, 8 << 20, 0),
    "direct read": lambda: os.preadv(direct, [aligned], 0),
    "write": lambda: os.pwrite(file, b"y" * 4096, 0),
    "write much": lambda: os.pwrite(file, b"y" * (4 << 20), 0),
    "append": lambda: os.write(appender, b"z" * 4096),
    "truncate": lambda: os.ftruncate(file, 1000),
    "allocate": lambda: os.posix_fallocate(file, 0, 16 << 20),
    "open missing": lambda: os.open("missing", os.O_RDONLY),
    "open": lambda: os.open("directory/0", os.O_RDWR),
    "create": lambda: os.open("new", os.O_CREAT | os.O_WRONLY, 0o600),
    "stat missing": lambda: os.stat("directory/unknown"),
    "statfs": lambda: os.statvfs("."),
    "list": lambda: os.listdir("directory"),
    "mkdir": lambda: os.mkdir("made"),
    "unlink": lambda: os.unlink("directory/1"),
    "rename": lambda: os.rename("directory/2", "moved"),
    "rename directory": lambda: os.rename("directory/below", "below"),
    "symlink": lambda: os.symlink("target", "link"),
    "chmod": lambda: os.chmod("file", 0o600),
    "utime": lambda: os.utime("directory"),
    "set xattr": lambda: os.setxattr("file", "user.x", b"1"),
    "get xattr": lambda: os.getxattr("file", "user.y"),
    "seek data": lambda: os.lseek(file, 0, os.SEEK_DATA),
    "copy range": lambda: os.copy_file_range(file, file, 4096, 0, 5 << 20),
    "read a mapping": mapped(lambda pages: pages[3 << 20]),
    "write a mapping": mapped(write_page),
}


def try_operation(name):
    """In a child of its own: 0 if it failed as it should."""
    try:
        operations[name]()
    except OSError as error:
        if error.errno in GONE:
            return 0
        print(f"{name}: {error}", flush=True)
        return 1
    # What was in the kernel's cache needs no daemon; anything else can't have been done.
    return 2


def start(name):
    child = os.fork()
    if child == 0:
        os._exit(try_operation(name))
    return child


def finish(children, deadline, what):
    """Wait for all of them; a bus error is what a mapping has instead of an errno."""
    cached = []
    while children and time.monotonic() < deadline:
        for child in list(children):
            pid, status = os.waitpid(child, os.WNOHANG)
            if not pid:
                continue
            name = children.pop(child)
            code = os.waitstatus_to_exitcode(status)
            if code == 2:
                cached.append(name)
            elif code not in (0, -signal.SIGBUS):
                sys.exit(f"{what}: {name} ended with {code}")
        time.sleep(0.01)
    if children:
        for child in children:
            os.kill(child, signal.SIGKILL)
        sys.exit(f"{what}: these hang: {', '.join(children.values())}")
    return cached


# Stopped, it takes no request; so everybody waits when it is killed.
os.kill(daemon, signal.SIGSTOP)
children = {start(name): name for name in operations}
time.sleep(1)
waiting = 0
for child in children:
    with open(f"/proc/{child}/stat") as stat:
        waiting += stat.read().rpartition(")")[2].split()[0] in "DS"
if waiting < 20:
    sys.exit(f"only {waiting} of {len(children)} operations wait for the daemon")
os.kill(daemon, signal.SIGKILL)
cached = finish(children, time.monotonic() + 20, "when the daemon was killed")
if len(cached) > 3:
    sys.exit(f"these succeeded without a daemon: {', '.join(cached)}")

# And afterwards, by path and through what is still open.
children = {start(name): name for name in operations}
cached = finish(children, time.monotonic() + 20, "after the daemon's end")
if len(cached) > 3:
    sys.exit(f"these succeeded after the daemon's end: {', '.join(cached)}")
for ask in (os.statvfs, os.listdir):
    try:
        ask(root)
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            sys.exit(f"{ask.__name__}: {error}")
    else:
        sys.exit(f"{ask.__name__} succeeds without a daemon")
os.chdir("/")
END
wait_for_daemon 2>/dev/null
timeout 10 umount "$mnt" || fail "the dead mount can't be unmounted"
! mountpoint -q "$mnt" || fail "$mnt is still mounted"
mount_vramfs 48M
echo again >"$mnt/file"
unmount_vramfs
