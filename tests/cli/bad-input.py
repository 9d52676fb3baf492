#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Bad input: each gets one line that says what to do, the right exit status, and leaves nothing.

usage: bad-input.py VRAMFS"""

import os
import shutil
import subprocess
import sys
import tempfile

from common import (EXIT_DEVICE, EXIT_MEMORY, EXIT_MOUNT_POINT, EXIT_PERMISSION, EXIT_USAGE, VERBS,
                    is_mounted, no_process_left, run)

vramfs = sys.argv[1]
problems = []
tried = 0


def expect(status, *arguments, saying="", command=(vramfs,)):
    """SAYING must be in the message, so that each is about what is wrong."""
    global tried
    tried += 1
    result = run(*command, *arguments)
    # The warning about the host device is not an error's line.
    lines = [line for line in result.stderr.splitlines() if "WARNING: device host" not in line]
    name = " ".join(arguments)
    before = len(problems)
    if result.returncode != status:
        problems.append(f"{name}: exit status {result.returncode}, not {status}")
    if len(lines) != 1 or not lines[0].startswith("vramfs"):
        problems.append(f"{name}: not one line")
    elif saying not in lines[0]:
        problems.append(f"{name}: does not say {saying!r}")
    if result.stdout:
        problems.append(f"{name}: writes to standard output")
    if not no_process_left():
        problems.append(f"{name}: leaves a process")
    if len(problems) > before:
        problems.append(f"    {result.stderr.strip()!r}")


top = tempfile.mkdtemp(prefix="vramfs-bad-input-")
os.chmod(top, 0o755)
empty, full = os.path.join(top, "empty"), os.path.join(top, "full")
file = os.path.join(full, "file")
os.mkdir(empty)
os.mkdir(full)
open(file, "w").close()

# The verb
expect(EXIT_USAGE, saying="vramfs help")
expect(EXIT_USAGE, "frobnicate", saying="frobnicate")
expect(EXIT_USAGE, "help", "frobnicate", saying="frobnicate")
expect(EXIT_USAGE, "--frobnicate", saying="--frobnicate")
expect(EXIT_USAGE, "", saying="vramfs help")

# Options of every verb
for verb in VERBS:
    expect(EXIT_USAGE, verb, "--frobnicate", saying="--frobnicate")
    expect(EXIT_USAGE, verb, "-Z", saying="'Z'")
    expect(EXIT_USAGE, verb, "--help=now", saying="--help")
expect(EXIT_USAGE, "devices", "extra", saying="extra")
expect(EXIT_USAGE, "test", "extra", saying="extra")
expect(EXIT_USAGE, "bench", "extra", saying="extra")
expect(EXIT_USAGE, "profile", "decoder", "extra", saying="extra")
expect(EXIT_USAGE, "profile", "extra", saying="encoders")
expect(EXIT_USAGE, "profile", "", saying="encoders")
expect(EXIT_USAGE, "profile", "--device", "host", saying="encoders")
expect(EXIT_USAGE, "umount", saying="DIR")
expect(EXIT_USAGE, "mount", saying="DIR")
expect(EXIT_USAGE, "mount", empty, full, saying=full)
expect(EXIT_USAGE, "mount", "--size", saying="requires an argument")

# Values of options, for the verbs that take a region
for verb, last in [("mount", [empty]), ("test", []), ("bench", []), ("profile", ["decoder"])]:
    def with_verb(status, *arguments, **keywords):
        expect(status, verb, *arguments, *last, **keywords)

    for size in ["0", "0G", "-1", "1x", "nonsense", "", "1e9", "0x10", "0%", "101%", "1.5%", "99999999T"]:
        with_verb(EXIT_USAGE, "--device", "host", f"--size={size}")
    with_verb(EXIT_USAGE, "--device", "host", "--size", "1", saying="size")
    with_verb(EXIT_MEMORY, "--device", "host", "--size", "100000T", saying="free")
    if verb not in ("bench", "profile"):
        for number in ["5", "-1", "", "x", "1x", "99999999999999999999"]:
            with_verb(EXIT_USAGE, f"--max-correct={number}", saying="max-correct")
    for code in ["rs255", "", "RS136"]:
        with_verb(EXIT_USAGE, f"--ecc={code}", saying="rs136")
    for device in ["", "frobnicate", "cuda:", "cuda:x", "cuda:-1", "host:x", "opencl:0x", ":0", "0:"]:
        with_verb(EXIT_USAGE, f"--device={device}", saying="device")
    with_verb(EXIT_DEVICE, "--device", "host:7", saying="vramfs devices")
    with_verb(EXIT_DEVICE, "--device", "cuda:99")
    with_verb(EXIT_DEVICE, "--device", "opencl:99")
    with_verb(EXIT_DEVICE, "--device", "GPU-00000000-0000-0000-0000-000000000000")
    with_verb(EXIT_DEVICE, "--device", "ffff:ff:1f.7")
for seed in ["", "x", "-1", "18446744073709551616"]:
    expect(EXIT_USAGE, "test", f"--seed={seed}", saying="seed")
for repeat in ["0", "101", "", "x", "-1", "7x"]:
    expect(EXIT_USAGE, "bench", f"--repeat={repeat}", saying="repeat")
expect(EXIT_USAGE, "bench", "--ecc=none", saying="rs136")
expect(EXIT_USAGE, "bench", "--ecc", saying="requires an argument")
for seconds in ["0", "86401", "", "x", "-1", "1.5", "7x"]:
    expect(EXIT_USAGE, "profile", "encoders", f"--seconds={seconds}", saying="seconds")
for threads in ["0", "257", "", "x", "-1"]:
    expect(EXIT_USAGE, "profile", "stream-pool", f"--threads={threads}", saying="threads")
expect(EXIT_USAGE, "profile", "pipeline", "--threads=4", saying="stream-pool")
for subject in ["decoder", "encoders", "gpu-parallelism"]:
    expect(EXIT_USAGE, "profile", subject, "--ecc=none", saying="rs136")
for threads in ["0", "257", "x", "-1"]:
    expect(EXIT_USAGE, "mount", f"--threads={threads}", empty, saying="threads")
for inodes in ["-1", "x", "", "1.5k", "1kk", "1t", "18446744073709551616", "18014398509481984g", "0x10"]:
    expect(EXIT_USAGE, "mount", f"--inodes={inodes}", empty, saying="inodes")
for cache in ["", "yes", "AUTO", "none,"]:
    expect(EXIT_USAGE, "mount", f"--cache={cache}", empty, saying="none")
expect(EXIT_USAGE, "test", "--size", "256K", "--device", "host", "--ecc", saying="--size")

# -o
for words, saying in [("frobnicate", "frobnicate"), ("ro,frobnicate=3,rw", "frobnicate=3"), ("size", "size"),
                      ("size=1x", "1x"), ("ro=1", "ro=1"), ("threads=0", "threads"), ("ecc=rs1", "rs1"),
                      ("max_correct=9", "max"), ("device=", "device"), ("x" * 300, "too long"),
                      ("nr_inodes", "nr_inodes"), ("nr_inodes=a", "inodes"), ("cache=maybe", "maybe"),
                      ("mode=8", "octal"), ("mode=", "octal"), ("mode=10000", "octal"), ("mode=u+x", "octal"),
                      ("uid=-1", "user '-1'"), ("uid=4294967295", "user"), ("uid=no such user", "no such user"),
                      ("gid=", "group"), ("gid=no such group", "no such group"), ("allow_other=1", "allow_other=1"),
                      ("nosuid=1", "nosuid=1"), ("NOSUID", "NOSUID"), ("remount=1", "remount=1"),
                      ("huge=always", "huge"), ("mpol=bind:0", "mpol"), ("nr_blocks=10", "size="), ("noswap", "noswap"),
                      ("nonempty", "empty directory"), ("allow_root", "allow_other"), ("auto_unmount", "auto_unmount"),
                      ("fsname=x", "fsname"), ("user_id=0", "user_id=0"), ("max_read=4096", "max_read"),
                      (",".join(["inject"] * 300), "too long")]:
    expect(EXIT_USAGE, "mount", "-o", words, empty, saying=saying)

# What doesn't go together
expect(EXIT_USAGE, "mount", "--foreground", "-o", "remount,ro", empty, saying="--foreground")
expect(EXIT_MOUNT_POINT, "mount", "-o", "remount,ro", empty, saying="no vramfs mount")
expect(EXIT_MOUNT_POINT, "mount", "-o", "remount,ro", os.path.join(top, "missing"), saying="no vramfs mount")

# As mount(8) calls it, with the statuses that mount(8) knows: by the link's name, and through mount.fuse3
helper = os.path.join(top, "mount.fuse.vramfs")
os.symlink(os.path.abspath(vramfs), helper)
USAGE_OR_PERMISSION, NOT_MOUNTED = 1, 32
for status, arguments, saying in [
        (USAGE_OR_PERMISSION, [], "DIR"), (USAGE_OR_PERMISSION, ["host"], "DIR"),
        (USAGE_OR_PERMISSION, ["host", ""], "word"), (USAGE_OR_PERMISSION, ["host", empty, full], full),
        (USAGE_OR_PERMISSION, ["host", empty, "-x"], "'x'"), (USAGE_OR_PERMISSION, ["host", empty, "-o"], "argument"),
        (USAGE_OR_PERMISSION, ["host", empty, "-N", "other"], "'N'"),
        (USAGE_OR_PERMISSION, ["host", empty, "-o", "frobnicate"], "frobnicate"),
        (USAGE_OR_PERMISSION, ["host", empty, "-o", "rw,device=cuda:0"], "two devices"),
        (USAGE_OR_PERMISSION, ["frobnicate", empty], "device"),
        (USAGE_OR_PERMISSION, ["host", empty, "-f", "-o", "size=0"], "size"),
        (NOT_MOUNTED, ["cuda:99", empty], ""), (NOT_MOUNTED, ["host", full], "not empty"),
        (NOT_MOUNTED, ["host", empty, "-o", "size=100000T"], "free"),
        (NOT_MOUNTED, ["host", empty, "-o", "remount,ro"], "no vramfs mount")]:
    expect(status, *arguments, saying=saying, command=(helper,))
for status, arguments, saying in [
        (USAGE_OR_PERMISSION, ["host", empty, "-o", "frobnicate"], "frobnicate"),
        (NOT_MOUNTED, ["host", full, "-o", "dev,suid"], "not empty")]:
    expect(status, *arguments, saying=saying)
expect(EXIT_USAGE, "frobnicate", empty, saying="frobnicate")

# The mount point, before any memory is taken: the device does not even exist
bad_device = ["--device", "cuda:99"]
expect(EXIT_MOUNT_POINT, "mount", *bad_device, os.path.join(top, "missing"), saying="missing")
expect(EXIT_MOUNT_POINT, "mount", *bad_device, os.path.join(top, "missing", "deeper"))
expect(EXIT_MOUNT_POINT, "mount", *bad_device, full, saying="full")
expect(EXIT_MOUNT_POINT, "mount", *bad_device, file, saying="file")
expect(EXIT_USAGE, "mount", *bad_device, "", saying="DIR")
expect(EXIT_MOUNT_POINT, "mount", *bad_device, os.path.join(top, "x" * 300))
expect(EXIT_MOUNT_POINT, "mount", *bad_device, os.path.join(empty, "x" * 5000))

# What is no vramfs mount stays as it is
expect(EXIT_MOUNT_POINT, "umount", empty, saying="no vramfs mount")
expect(EXIT_MOUNT_POINT, "umount", "/proc", saying="no vramfs mount")
expect(EXIT_MOUNT_POINT, "umount", os.path.join(top, "missing"), saying="missing")
if not is_mounted("/proc"):
    problems.append("umount /proc: unmounted it")

# Not permitted
if os.geteuid() == 0 and shutil.which("setpriv"):
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", vramfs)
    os.chmod(empty, 0o755)
    if run(*nobody, "--version").returncode == 0:
        expect(EXIT_PERMISSION, "mount", "--device", "host", "--size", "8M", empty, command=nobody)
    else:
        print("not tested: an ordinary user can't reach the program")
else:
    print("not tested: becoming an ordinary user needs root and setpriv")

# A full disk behind standard output
if os.path.exists("/dev/full"):
    for arguments in [["devices"], ["devices", "--json"], ["help"], ["--version"]]:
        with open("/dev/full", "w") as sink:
            status = subprocess.run([vramfs, *arguments], stdout=sink, stderr=subprocess.DEVNULL).returncode
        if status == 0:
            problems.append(f"{arguments}: a failed write is success")

if is_mounted(empty) or is_mounted(full):
    problems.append("something is mounted")
shutil.rmtree(top)
print("\n".join(problems) or f"{tried} bad inputs, each with one line and its exit status")
sys.exit(1 if problems else 0)
