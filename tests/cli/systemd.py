#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""What a service manager sees: readiness, the end and failures told to its socket, priorities in the journal's
stream, and a unit that systemd accepts.

usage: systemd.py VRAMFS UNIT"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from common import EXIT_DEVICE, is_mounted, require_fuse, run

vramfs, unit = os.path.abspath(sys.argv[1]), sys.argv[2]
require_fuse()
top = tempfile.mkdtemp(prefix="vramfs-systemd-")
directory = os.path.join(top, "mnt")
os.mkdir(directory)
options = ["--device", "host", "--size", "8M"]


def manager(name):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(name)
    listener.settimeout(30)
    return listener


def told(listener):
    return dict(line.split("=", 1) for line in listener.recv(4096).decode().splitlines())


def start(environment, *arguments, **keywords):
    return subprocess.Popen([vramfs, "mount", *options, *arguments], env={**os.environ, **environment},
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **keywords)


try:
    # Ready when it can be used, and not earlier; the end is announced, whoever brings it about.
    path = os.path.join(top, "notify")
    abstract = f"vramfs-test-{os.getpid()}"
    for listener, name in [(manager(path), path), (manager("\0" + abstract), "@" + abstract)]:
        for end in ["signal", "umount"]:
            process = start({"NOTIFY_SOCKET": name}, "--foreground", directory)
            message = told(listener)
            assert message["READY"] == "1" and directory in message["STATUS"], message
            assert is_mounted(directory)
            if end == "signal":
                process.send_signal(signal.SIGTERM)
            else:
                assert run("umount", directory).returncode == 0
            assert told(listener) == {"STOPPING": "1"}
            assert process.wait(30) == 0
            assert not is_mounted(directory)
            listener.setblocking(False)
            try:
                while True:
                    assert listener.recv(4096) == b"STOPPING=1"
            except BlockingIOError:
                listener.settimeout(30)

        # A failure is never called ready.
        process = start({"NOTIFY_SOCKET": name}, "--foreground", "--device", "host:7", directory)
        message = told(listener)
        assert "READY" not in message and "host:7" in message["STATUS"] and int(message["ERRNO"]) > 0, message
        assert process.wait(30) == EXIT_DEVICE

        # In the background it is not the process that the manager started.
        process = start({"NOTIFY_SOCKET": name}, directory)
        assert process.wait(30) == 0
        assert run(vramfs, "umount", directory).returncode == 0
        listener.setblocking(False)
        try:
            raise AssertionError(f"the background said {listener.recv(4096)}")
        except BlockingIOError:
            pass
        listener.close()

    # A manager that can't be reached is no reason to fail.
    for name in [os.path.join(top, "nobody"), "@", "nonsense", "/" + "x" * 200, ""]:
        process = start({"NOTIFY_SOCKET": name}, "--foreground", directory)
        while not is_mounted(directory):
            assert process.poll() is None, name
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0

    # Lines on a stream to the journal begin with their priority; on other streams they don't.
    def errors_of(stream):
        with open(os.path.join(top, "stderr"), "w+") as file:
            state = os.fstat(file.fileno())
            environment = {"JOURNAL_STREAM": stream.format(device=state.st_dev, inode=state.st_ino)}
            for device in ["host", "host:7"]:
                process = subprocess.Popen(
                    [vramfs, "mount", "--foreground", "--device", device, "--size", "8M", directory],
                    env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=file, text=True)
                if process.stdout.readline():
                    process.send_signal(signal.SIGTERM)
                process.wait(30)
                process.stdout.close()
            file.seek(0)
            return file.read().splitlines()

    lines = errors_of("{device}:{inode}")
    assert [line[:3] for line in lines] == ["<4>", "<6>", "<3>"], lines
    assert "WARNING: device host" in lines[0] and "unmounting" in lines[1] and "host:7" in lines[2], lines
    for stream in ["{device}:1", "{inode}:{device}", "nonsense", ""]:
        assert all(line.startswith("vramfs") for line in errors_of(stream)), stream

    # The unit, with the program that was built instead of the one that will be installed.
    if shutil.which("systemd-analyze"):
        text = pathlib.Path(unit).read_text()
        installed = next(line for line in text.splitlines() if line.startswith("ExecStart="))
        replaced = installed.replace(installed.split("=", 1)[1].split(" ")[0], vramfs)
        pathlib.Path(top, "vramfs@.service").write_text(text.replace(installed, replaced))
        verified = run("systemd-analyze", "verify", "--man=no", "vramfs@mnt-a\\x20b.service",
                       env={**os.environ, "SYSTEMD_UNIT_PATH": f"{top}:"})
        said = [line for line in (verified.stdout + verified.stderr).splitlines() if "vramfs" in line]
        assert verified.returncode == 0 and not said, verified
    else:
        print("not tested: systemd-analyze is not here")
    print("a service manager is told what it must know")
finally:
    while is_mounted(directory):
        run("umount", "-l", directory)
    shutil.rmtree(top, ignore_errors=True)
