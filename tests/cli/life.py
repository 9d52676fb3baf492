#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""A mount from its beginning to its end: readiness, attributes, unmounting, signals, a dead daemon.

usage: life.py VRAMFS    (the device is $VRAMFS_TEST_DEVICE)"""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from common import (EXIT_DEVICE, EXIT_MOUNT_POINT, is_mounted, no_process_left, require_fuse, run,
                    skip)

vramfs = sys.argv[1]
device = os.environ.get("VRAMFS_TEST_DEVICE", "host")
require_fuse()
directory = tempfile.mkdtemp(prefix="vramfs-life with blank-")


def attribute(name):
    text = os.getxattr(directory, name).decode()
    return dict(line.split(" ", 1) for line in text.splitlines())


def mount(*options):
    result = run(vramfs, "mount", "--device", device, "--size", "32M", *options, directory)
    if result.returncode == EXIT_DEVICE and device != "host":
        skip(result.stderr.strip())
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\n") == 1 and f"vramfs umount {directory}" in result.stdout, result.stdout
    assert ("WARNING" in result.stderr) == device.startswith("host"), result.stderr
    return int(attribute("vramfs.stats")["pid"])


def mounted_table_line():
    with open("/proc/self/mountinfo") as table:
        return next(line for line in table if directory.replace(" ", "\\040") == line.split()[4])


def status_of(pid):
    """The exit status of PID, whose parent has become us, once it has ended."""
    for _ in range(200):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended == pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    raise AssertionError(f"the daemon {pid} does not end")


try:
    # Mounted in the background: ready at once, described truly, gone with umount.
    os.chmod(directory, 0o750)
    pid = mount()
    assert "fuse.vramfs" in mounted_table_line(), mounted_table_line()
    assert os.stat(directory).st_mode & 0o7777 == 0o750
    stats = attribute("vramfs.stats")
    assert stats["code"] == "rs136" and stats["max_correct"] == "4", stats
    assert stats["device"].split(":")[0] == device.split(":")[0], stats
    assert 0 < int(stats["region_bytes"]) <= 32 << 20, stats
    assert int(stats["blocks"]) >= int(stats["blocks_free"]) > 0, stats
    data = os.urandom(3 << 20)
    with open(f"{directory}/file", "wb") as file:
        file.write(data)
        os.fsync(file.fileno())
    assert open(f"{directory}/file", "rb").read() == data
    assert int(attribute("vramfs.stats")["written_bytes"]) >= len(data)
    assert not [name for name in os.listxattr(directory) if name.startswith("vramfs")]

    # Without -o inject nothing can be set; nothing else is there to get.
    for name in ["vramfs.inject", "vramfs.sweep", "vramfs.fail", "vramfs.stats"]:
        try:
            os.setxattr(directory, name, b"1")
            raise AssertionError(f"{name} could be set")
        except OSError as error:
            assert error.errno in (errno.EPERM, errno.EACCES), error
    try:
        os.getxattr(directory, "vramfs.nothing")
        raise AssertionError("vramfs.nothing is there")
    except OSError as error:
        assert error.errno == errno.ENODATA, error

    # Busy: refused with a line; and a second mount on it is, too.
    with open(f"{directory}/file") as file:
        busy = run(vramfs, "umount", directory)
        assert busy.returncode == EXIT_MOUNT_POINT and "in use" in busy.stderr, busy
    twice = run(vramfs, "mount", "--device", device, "--size", "8M", directory)
    assert twice.returncode == EXIT_MOUNT_POINT and twice.stderr.count("\n") == 1, twice
    inside = run(vramfs, "umount", f"{directory}/.")
    assert inside.returncode == 0 and not inside.stderr and not inside.stdout, inside
    assert not is_mounted(directory)
    # The daemon has ended already when umount returns.
    assert os.waitpid(pid, os.WNOHANG) == (pid, 0)
    assert os.listdir(directory) == []

    # Damage on the device between writing and reading, through -o inject.
    pid = mount("-o", "inject,nofail,x-systemd.automount,comment=none", "--ecc=rs128", "--threads", "2")
    with open(f"{directory}/file", "wb") as file:
        file.write(data)
    before = attribute("vramfs.stats")
    descriptor = os.open(f"{directory}/file", os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.setxattr(directory, "vramfs.inject", b"errors=4,every=2,seed=5")
    injected = int(attribute("vramfs.sweep")["flagged"])
    assert injected > 0
    os.setxattr(directory, "vramfs.sweep", b"verify")
    assert int(attribute("vramfs.sweep")["flagged"]) == injected, attribute("vramfs.sweep")
    assert os.pread(descriptor, len(data), 0) == data
    os.close(descriptor)
    assert int(attribute("vramfs.stats")["corrected_4"]) > int(before["corrected_4"])
    os.setxattr(directory, "vramfs.sweep", b"correct")
    swept = attribute("vramfs.sweep")
    assert 0 < int(swept["corrected_4"]) < injected and swept["lost"] == "0", swept
    os.setxattr(directory, "vramfs.sweep", b"refresh")
    assert attribute("vramfs.sweep")["flagged"] == "0"
    for name, value in [("inject", b"errors=9"), ("inject", b"errors"), ("inject", b"x=1"), ("inject", b""),
                        ("sweep", b"x"), ("fail", b"x"), ("fail", b"-1"), ("inject", b"1" * 500)]:
        try:
            os.setxattr(directory, f"vramfs.{name}", value)
            raise AssertionError(f"vramfs.{name}={value!r} is taken")
        except OSError as error:
            assert error.errno == errno.EINVAL, error
    os.setxattr(directory, "vramfs.fail", b"1000")
    try:
        with open(f"{directory}/fails", "wb", buffering=0) as file:
            file.write(data)
            os.fsync(file.fileno())
        raise AssertionError("a failing device took data")
    except OSError as error:
        assert error.errno == errno.EIO, error
    assert int(attribute("vramfs.stats")["failed_jobs"]) > 0
    assert run(vramfs, "umount", directory).returncode == 0
    assert os.waitpid(pid, os.WNOHANG) == (pid, 0)

    # A signal ends it in order.
    for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
        pid = mount()
        os.kill(pid, number)
        assert status_of(pid) == 0
        assert not is_mounted(directory)

    # In the foreground: the same line, then it serves until a signal comes.
    process = subprocess.Popen([vramfs, "mount", "-f", "--device", device, "--size", "32M", "-o", "ro", directory],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "vramfs umount" in process.stdout.readline()
    assert is_mounted(directory)
    try:
        open(f"{directory}/file", "w")
        raise AssertionError("written although read-only")
    except OSError as error:
        assert error.errno == errno.EROFS, error
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0, process.stderr.read()
    assert "error" not in process.stderr.read()
    process.stdout.close()
    process.stderr.close()

    # A daemon that is killed leaves a dead mount; umount cleans it, and so does a new mount.
    pid = mount()
    os.kill(pid, signal.SIGKILL)
    assert status_of(pid) == -signal.SIGKILL
    assert run(vramfs, "umount", directory).returncode == 0
    assert not is_mounted(directory)
    pid = mount()
    os.kill(pid, signal.SIGKILL)
    assert status_of(pid) == -signal.SIGKILL
    pid = mount()

    # Lazily, while it is in use.
    file = open(f"{directory}/file", "w")
    assert run(vramfs, "umount", "--lazy", directory).returncode == 0
    assert not is_mounted(directory)
    file.write("still there")
    file.close()
    assert status_of(pid) == 0
    assert no_process_left(), "a daemon is left"
    print(f"{device}: a mount lives and ends as it should")
finally:
    while is_mounted(directory):
        run("umount", "-l", directory)
    shutil.rmtree(directory, ignore_errors=True)
