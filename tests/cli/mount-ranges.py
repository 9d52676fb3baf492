#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""A profiler sees the requests of a mount by name, whether it is in the foreground or has gone to the background.

usage: mount-ranges.py VRAMFS NVTX_RECORDER"""

import os
import shutil
import subprocess
import sys
import tempfile

from common import is_mounted, require_fuse, run
from ranges import read_ranges, recording

vramfs, recorder = sys.argv[1:]
require_fuse()
top = tempfile.mkdtemp(prefix="vramfs-ranges-")
directory = os.path.join(top, "mnt")
os.mkdir(directory)
try:
    for foreground, transport in [(True, "dev"), (False, "dev"), (False, "auto")]:
        log = os.path.join(top, f"log-{foreground}-{transport}")
        command = [vramfs, "mount", "--device", "host", "--size", "8M", "--threads", "2", "--transport", transport,
                   "-o", "cache=none", directory]
        process = None
        if foreground:
            process = subprocess.Popen([*command, "--foreground"], env=recording(recorder, log), text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            assert process.stdout.readline()
        else:
            mounted = run(*command, env=recording(recorder, log))
            assert mounted.returncode == 0, mounted
        uses_rings = os.getxattr(directory, "vramfs.transport") == b"uring\n"
        assert not uses_rings or transport == "auto"
        with open(f"{directory}/file", "wb", buffering=0) as file:
            for _ in range(3):
                file.write(bytes(4096))
        with open(f"{directory}/file", "rb", buffering=0) as file:
            assert file.read(12288) == bytes(12288)
        assert run(vramfs, "umount", directory).returncode == 0
        if process:
            assert process.wait(30) == 0
            process.stdout.close()
        seen, threads = read_ranges(log)
        assert seen["INIT"] == 1 and seen["CREATE"] == 1 and seen["WRITE"] == 3 and seen["READ"] >= 1, seen
        assert seen["job write"] == seen["launch write"] == 3, seen
        assert seen["job read"] == seen["launch read"] >= 1, seen
        if uses_rings:
            rings = min(2, len(os.sched_getaffinity(0)))
            assert threads == {"vramfs-fuse-0"} | {f"vramfs-ring-{i}" for i in range(rings)}, threads
        else:
            assert threads == {"vramfs-fuse-0", "vramfs-fuse-1"}, threads
    print("requests are seen by name")
finally:
    while is_mounted(directory):
        run("umount", "-l", directory)
    shutil.rmtree(top, ignore_errors=True)
