# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Filesystems that a measurement mounts side by side, and which are gone again however it ends.

Each function whose name begins with "mounted_" is a context manager that gives a Filesystem. A signal that ends the
program does so by an exception, Ended, which unwinds them; it waits while something is mounted or unmounted, which
must be whole.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Ended(SystemExit):
    """A signal asks the program to end."""


class Signals:
    def __init__(self):
        self.holders = 0
        self.arrived = None
        self.raised = False

    def watch(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._arrive)

    def _arrive(self, number, _frame):
        self.arrived = number
        self._raise()

    def _raise(self):
        if self.arrived is not None and not self.holders and not self.raised:
            self.raised = True
            raise Ended(128 + self.arrived)

    @contextlib.contextmanager
    def held(self):
        """A signal that arrives meanwhile takes effect at the end."""
        self.holders += 1
        try:
            yield
        finally:
            self.holders -= 1
        self._raise()


signals = Signals()


class Failed(Exception):
    """One line for the user."""


def run(*command):
    """A command that must succeed, out of reach of a terminal's Ctrl-C."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, start_new_session=True)
    if done.returncode:
        raise Failed(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")


class Filesystem:
    """A place to measure: DIRECTORY, served by the process DAEMON (None: by the kernel, or not known). KEEPS_DATA is
    false where what is written is not there to be read."""

    def __init__(self, name, directory, daemon=None, keeps_data=True):
        self.name, self.directory, self.daemon, self.keeps_data = name, directory, daemon, keeps_data
        self.direct = takes_direct(directory)
        self.transport = attribute(directory, "vramfs.transport")

    def cpu_seconds(self):
        """What the daemon has computed so far, in all its threads."""
        if self.daemon is None:
            return 0.0
        with open(f"/proc/{self.daemon}/stat", encoding="utf-8") as file:
            # The second field is the program's name, which may hold anything.
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def resident_bytes(self):
        if self.daemon is None:
            return None
        with open(f"/proc/{self.daemon}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


def attribute(directory, name):
    try:
        return os.getxattr(directory, name).decode().strip()
    except OSError:
        return None


def takes_direct(directory):
    """Whether files can be opened with O_DIRECT, as those of tmpfs can since Linux 6.6."""
    path = os.path.join(directory, "probe")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_DIRECT, 0o600))
        return True
    except OSError:
        return False
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def unmount(directory, *command):
    """Whoever had a file open there may need a moment to be gone; after that the mount goes without waiting."""
    for _ in range(20):
        try:
            return run(*command)
        except Failed:
            if not os.path.ismount(directory):
                return None
        time.sleep(0.1)
    return run("umount", "--lazy", directory)


@contextlib.contextmanager
def empty_directory(top=None):
    directory = None
    try:
        with signals.held():
            directory = tempfile.mkdtemp(dir=top)
        yield directory
    finally:
        with signals.held():
            if directory:
                # Never with what it holds: something may still be mounted there.
                os.rmdir(directory)


@contextlib.contextmanager
def mounted_vramfs(name, top, program, options):
    """OPTIONS is a dictionary of mount options: device, ecc, transport, size and others."""
    with empty_directory(top) as directory:
        words = ",".join(f"{key}={value}" for key, value in options.items())
        try:
            with signals.held():
                run(program, "mount", "-o", words, directory)
            stats = dict(line.split(" ", 1) for line in attribute(directory, "vramfs.stats").splitlines())
            filesystem = Filesystem(name, directory, int(stats["pid"]))
            filesystem.stats = stats
            yield filesystem
        finally:
            with signals.held():
                if os.path.ismount(directory):
                    unmount(directory, program, "umount", directory)


@contextlib.contextmanager
def mounted_tmpfs(top, size_bytes):
    with empty_directory(top) as directory:
        try:
            with signals.held():
                run("mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=700", "tmpfs", directory)
            yield Filesystem("tmpfs", directory)
        finally:
            with signals.held():
                if os.path.ismount(directory):
                    unmount(directory, "umount", directory)


@contextlib.contextmanager
def mounted_empty_server(top, program, file_bytes, transport):
    with empty_directory(top) as directory:
        server = None
        try:
            with signals.held():
                # In a session of its own, as the daemon is: schedulers share processors out by session.
                server = subprocess.Popen(
                    [program, "--file-size", str(file_bytes), "--transport", transport, directory],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                    start_new_session=True)
                if not server.stdout.readline():
                    raise Failed(server.stderr.read().strip() or "empty-server ended")
            yield Filesystem("empty server", directory, server.pid, keeps_data=False)
        finally:
            with signals.held():
                if server:
                    server.terminate()
                    server.communicate()


@contextlib.contextmanager
def borrowed_directory(name, directory, daemon):
    """A folder of our own in one that somebody else has mounted; nothing else there is touched."""
    own = None
    try:
        with signals.held():
            own = tempfile.mkdtemp(prefix="vramfs-bench.", dir=directory)
        yield Filesystem(name, own, daemon)
    finally:
        with signals.held():
            if own:
                shutil.rmtree(own)
