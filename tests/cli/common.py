# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""What the command line's tests share: running vramfs and noticing what it leaves behind."""

import ctypes
import os
import subprocess
import sys

EXIT_FAILED, EXIT_USAGE, EXIT_DEVICE, EXIT_MEMORY, EXIT_MOUNT_POINT, EXIT_PERMISSION, EXIT_IO = range(1, 8)
VERBS = ["mount", "umount", "devices", "test", "bench", "profile"]

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def run(*command, timeout=60, **options):
    """Run a command; its daemon, if any, must let go of our pipes for this to return."""
    return subprocess.run(list(command), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, **options)


def no_process_left():
    """A daemon that its parent left behind would have become a child of ours."""
    try:
        pid, _ = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return pid != 0 and no_process_left()


def is_mounted(directory):
    with open("/proc/self/mountinfo") as table:
        return any(line.split()[4] == directory.replace(" ", "\\040") for line in table)


def require_fuse():
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        skip(f"/dev/fuse can't be opened: {error.strerror}")
    if os.geteuid() != 0:
        skip("mounting as an ordinary user is tested elsewhere")
