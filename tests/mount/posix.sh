#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# What programs expect of a filesystem besides bytes: modes and umask, links, renames, unlinking what is open,
# mmap shared between processes, times in nanoseconds, extended attributes, locks, directories read while
# they change.
. "$(dirname "$0")/lib.sh"
requires setfattr getfattr python3

mount_vramfs 32M
python3 - "$mnt" <<'END'
import ctypes, errno, fcntl, mmap, os, stat, subprocess, sys

root = sys.argv[1]
os.chdir(root)

def expect(error_number, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except OSError as error:
        assert error.errno == error_number, f"{call.__name__}{arguments}: {error}"
    else:
        sys.exit(f"{call.__name__}{arguments} succeeded; expected {errno.errorcode[error_number]}")

def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)

# Modes and umask.
for umask in (0o000, 0o022, 0o077, 0o027):
    os.umask(umask)
    for wanted in (0o777, 0o666, 0o640, 0o600, 0o755, 0o4755):
        os.close(os.open("f", os.O_CREAT | os.O_WRONLY, wanted))
        assert mode("f") == wanted & ~umask, (oct(umask), oct(wanted), oct(mode("f")))
        os.unlink("f")
        os.mkdir("d", wanted & 0o777)
        assert mode("d") == wanted & 0o777 & ~umask
        os.rmdir("d")
        os.mkfifo("p", wanted & 0o777)
        assert mode("p") == wanted & 0o777 & ~umask and stat.S_ISFIFO(os.lstat("p").st_mode)
        os.unlink("p")
os.umask(0o022)
open("f", "w").close()
os.chmod("f", 0o4711)
assert mode("f") == 0o4711
os.chown("f", 12, 34)
status = os.stat("f")
assert (status.st_uid, status.st_gid) == (12, 34)
os.unlink("f")
# A file that nobody may open is not opened by somebody else.
with open("private", "w") as file:
    file.write("x")
os.chmod("private", 0o600)
os.mkdir("shared", 0o777)
os.chmod("shared", 0o2777)
os.chown("shared", 0, 4321)
open("shared/f", "w").close()
assert os.stat("shared/f").st_gid == 4321, "a setgid directory gives its group"

# Names.
expect(errno.ENOENT, os.stat, "missing")
expect(errno.EEXIST, os.mkdir, "shared")
expect(errno.ENOTEMPTY, os.rmdir, "shared")
expect(errno.EISDIR, os.unlink, "shared")
expect(errno.ENOTDIR, os.stat, "private/x")
expect(errno.ENAMETOOLONG, os.mkdir, "n" * 256)
os.mkdir("n" * 255)
os.rmdir("n" * 255)
os.symlink("some/where/else", "link")
assert os.readlink("link") == "some/where/else" and os.lstat("link").st_size == 15
expect(errno.ENOENT, os.stat, "link")
os.unlink("link")

# Hard links share everything.
with open("one", "w") as file:
    file.write("first")
os.link("one", "two")
assert os.stat("one").st_ino == os.stat("two").st_ino and os.stat("two").st_nlink == 2
with open("two", "a") as file:
    file.write(" second")
assert open("one").read() == "first second"
os.unlink("one")
assert open("two").read() == "first second" and os.stat("two").st_nlink == 1
expect(errno.EPERM, os.link, "shared", "directory-link")

# Renames, over what is there and into other directories.
os.makedirs("a/b")
os.makedirs("c")
os.rename("two", "a/b/three")
open("four", "w").close()
os.rename("a/b/three", "four")
assert open("four").read() == "first second" and os.listdir("a/b") == []
os.rename("a/b", "c/b")
assert os.stat("a").st_nlink == 2 and os.stat("c").st_nlink == 3
expect(errno.EINVAL, os.rename, "c", "c/b/c")
expect(errno.EISDIR, os.rename, "four", "c")
expect(errno.ENOTDIR, os.rename, "c", "four")
os.mkdir("c/b/full")
os.mkdir("empty")
expect(errno.ENOTEMPTY, os.rename, "empty", "c/b")
os.rename("c/b", "empty")

# What is open stays usable when its name goes.
file = os.open("gone", os.O_RDWR | os.O_CREAT, 0o600)
os.write(file, b"still here")
os.unlink("gone")
assert "gone" not in os.listdir(".")
assert os.fstat(file).st_nlink == 0
assert os.pread(file, 100, 0) == b"still here"
os.pwrite(file, b" and longer", 10)
os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
assert os.pread(file, 100, 0) == b"still here and longer"
os.close(file)
file = os.open("target", os.O_RDWR | os.O_CREAT, 0o600)
os.write(file, b"replaced")
os.rename("four", "target")
assert os.pread(file, 100, 0) == b"replaced" and open("target").read() == "first second"
os.close(file)

# O_TMPFILE, O_EXCL, O_APPEND, O_TRUNC.
file = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600)
os.write(file, b"nameless")
assert os.pread(file, 100, 0) == b"nameless"
AT_FDCWD, AT_SYMLINK_FOLLOW = -100, 0x400
assert ctypes.CDLL(None).linkat(AT_FDCWD, f"/proc/self/fd/{file}".encode(), AT_FDCWD, b"named",
                                AT_SYMLINK_FOLLOW) == 0, "an unnamed file can't be given a name"
os.close(file)
assert open("named").read() == "nameless"
expect(errno.EEXIST, os.open, "named", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
writers = [subprocess.Popen([sys.executable, "-c", f"""
import os
file = os.open('appended', os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
for _ in range(200):
    os.write(file, b'{letter}' * 100 + b'\\n')
"""]) for letter in "abc"]
assert [writer.wait() for writer in writers] == [0, 0, 0]
lines = open("appended").read().split("\n")
assert len(lines) == 601 and all(line == line[0] * 100 for line in lines[:-1]), "appends were torn or lost"
open("appended", "w").close()
assert os.stat("appended").st_size == 0

# A mapping shared between processes.
with open("mapped", "wb") as out:
    out.write(b"m" * 20000)
file = os.open("mapped", os.O_RDWR)
mapping = mmap.mmap(file, 20000)
child = subprocess.run([sys.executable, "-c", """
import mmap, os
file = os.open('mapped', os.O_RDWR)
mapping = mmap.mmap(file, 20000)
assert mapping[:] == b'm' * 20000
mapping[5000:5005] = b'hello'
mapping.flush()
"""])
assert child.returncode == 0
assert mapping[4999:5006] == b"mhellom", "another process's mapping does not show"
assert os.pread(file, 7, 4999) == b"mhellom", "a mapping's bytes are not in the file"
mapping.close()
os.close(file)

# Times.
os.utime("mapped", ns=(1234567890123456789, -987654321))
status = os.stat("mapped")
assert (status.st_atime_ns, status.st_mtime_ns) == (1234567890123456789, -987654321)
before = os.stat("mapped").st_ctime_ns
os.chmod("mapped", 0o640)
assert os.stat("mapped").st_ctime_ns > before
directory_before = os.stat(".").st_mtime_ns
open("younger", "w").close()
assert os.stat(".").st_mtime_ns > directory_before

# Extended attributes; those that steer vramfs are listed nowhere.
os.setxattr("mapped", "user.colour", b"blue")
os.setxattr("mapped", "trusted.shape", b"\0\1\2")
assert os.getxattr("mapped", "user.colour") == b"blue"
assert sorted(os.listxattr("mapped")) == ["trusted.shape", "user.colour"]
expect(errno.EEXIST, os.setxattr, "mapped", "user.colour", b"red", os.XATTR_CREATE)
expect(errno.ENODATA, os.setxattr, "mapped", "user.taste", b"sweet", os.XATTR_REPLACE)
os.setxattr("mapped", "user.large", b"l" * 60000)
assert os.getxattr("mapped", "user.large") == b"l" * 60000
os.removexattr("mapped", "user.colour")
expect(errno.ENODATA, os.getxattr, "mapped", "user.colour")
assert not [name for name in os.listxattr(".") if name.startswith("vramfs.")]

# Locks hold between processes.
file = os.open("mapped", os.O_RDWR)
fcntl.flock(file, fcntl.LOCK_EX)
fcntl.lockf(file, fcntl.LOCK_EX)
child = subprocess.run([sys.executable, "-c", """
import fcntl, os, sys
file = os.open('mapped', os.O_RDWR)
for lock in (fcntl.flock, fcntl.lockf):
    try:
        lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        continue
    sys.exit(f'{lock} was granted twice')
"""])
assert child.returncode == 0
os.close(file)

# A directory that changes while it is read shows what stays exactly once.
os.mkdir("many")
for number in range(3000):
    open(f"many/{number}", "w").close()
seen = []
with os.scandir("many") as entries:
    for count, entry in enumerate(entries):
        seen.append(entry.name)
        if count % 3 == 0 and entry.name.isdigit():
            os.unlink(f"many/{entry.name}")
        if count % 100 == 0:
            open(f"many/new-{count}", "w").close()
stayed = [name for name in seen if not name.startswith("new-")]
assert sorted(stayed, key=int) == [str(number) for number in range(3000)], "entries were missed or shown twice"
for entry in os.listdir("many"):
    os.unlink(f"many/{entry}")
os.rmdir("many")
assert os.stat(".").st_nlink == 2 + len([e for e in os.scandir(".") if e.is_dir(follow_symlinks=False)])
END

# Permissions are the kernel's to enforce, on what we report.
if command -v setpriv >/dev/null; then
	chmod 711 "$work"
	! setpriv --reuid 12345 --regid 12345 --clear-groups cat "$mnt/private" 2>/dev/null ||
		fail "another user reads a private file"
fi

# Names and attributes are the host's business: the device gets nothing to do.
jobs_before=$(stat_of jobs)
mkdir -p "$mnt/names/deep/er"
for number in $(seq 50); do
	: >"$mnt/names/$number"
	ln "$mnt/names/$number" "$mnt/names/deep/link-$number"
	ln -s "../$number" "$mnt/names/deep/symlink-$number"
	mv "$mnt/names/$number" "$mnt/names/deep/er/$number"
	truncate -s 1G "$mnt/names/deep/er/$number"
	chmod 600 "$mnt/names/deep/er/$number"
	touch -d 2001-02-03 "$mnt/names/deep/er/$number"
done
ls -lR "$mnt/names" >/dev/null
df "$mnt" >/dev/null
rm -r "$mnt/names"
[ "$(stat_of jobs)" = "$jobs_before" ] || fail "metadata operations made jobs for the device"
unmount_vramfs
