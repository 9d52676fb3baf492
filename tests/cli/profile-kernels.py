#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""bench/profile-kernels.sh runs Nsight Compute over every kernel, and its table has the figures that came. The ncu
here is one of the test's own, which writes in the format of the real one what the test makes up. The columns are in
docs/profiling.md, too.

usage: profile-kernels.py BUILD BENCH_DIRECTORY PROFILING_MD"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from common import run

build, bench, page = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
script, table = str(bench / "profile-kernels.sh"), str(bench / "profile-kernels-table.py")
METRICS = run(sys.executable, table, "--metrics").stdout.strip().split(",")
KERNELS = ["encode", "verify", "refresh", "inject", "correct", "write", "read"]
SUBJECT = dict(zip(KERNELS, ["encoders"] * 3 + ["decoder"] * 2 + ["pipeline"] * 2))
HEADING = ["KERNEL", "LAUNCHES", "US", "DRAM %", "L2 %", "TENSOR %", "ALU %", "FMA %", "LSU %", "OCCUPANCY %",
           "REGISTERS"]

documented = re.findall(r"^\| ([A-Z][A-Z0-9 %]*) \| `([a-z0-9_.]+)` \|", page.read_text(), re.M)
assert documented == list(zip(HEADING[2:], METRICS)), documented

FAKE_NCU = """#!@PYTHON@
import os, subprocess, sys

METRICS = @METRICS@
words = sys.argv[1:]
assert words[:words.index("--kernel-name")] == [
    "--csv", "--print-units", "base", "--clock-control", "none", "--metrics", ",".join(METRICS)], words
option = {words[i]: words[i + 1] for i in range(words.index("--kernel-name"), words.index("--log-file") + 1, 2)}
command = words[words.index("--log-file") + 2:]
with open(os.environ["FAKE_NCU_CALLS"], "a") as file:
    print(option["--kernel-name"], option["--launch-count"], *command[1:], file=file)
log = open(option["--log-file"], "w")
if "FAKE_NCU_FAILS" in os.environ:
    print("==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access GPU counters.", file=log)
    sys.exit(1)
# The program must take the command; how long it runs matters to the real one only.
command[command.index("--seconds") + 1] = "1"
print("==PROF== Connected to process 4711 (vramfs)", file=log)
subprocess.run(command, check=True)
print('"ID","Process ID","Process Name","Host Name","Kernel Name","Context","Stream","Block Size","Grid Size",'
      '"Device","CC","Section Name","Metric Name","Metric Unit","Metric Value"', file=log)
for launch in range(int(option["--launch-count"])):
    for number, metric in enumerate(METRICS):
        unit, value = "%", f"{number * 10 + launch}.5"
        if metric == "gpu__time_duration.sum":
            unit, value = "ns", f"{launch + 1},234,500"
        if metric == "launch__registers_per_thread":
            unit, value = "register/thread", "64"
        if "tensor" in metric:
            unit, value = "", "n/a"
        print(f'"{launch}","4711","vramfs","127.0.0.1","{option["--kernel-name"]}","1","{13 + launch}","(64, 1, 1)",'
              f'"(4096, 1, 1)","0","9.0","Command line profiler metrics","{metric}","{unit}","{value}"', file=log)
print("==PROF== Disconnected from process 4711", file=log)
"""


def cells(line):
    return line.split()


with tempfile.TemporaryDirectory(prefix="vramfs-profile-") as top:
    tools, calls, results = (os.path.join(top, name) for name in ("tools", "calls", "results"))
    os.mkdir(tools)
    for tool in ["bash", "dirname", "python3"]:
        os.symlink(shutil.which(tool), os.path.join(tools, tool))
    environment = {**os.environ, "DEVICE": "host", "SIZE": "8M", "CODE": "rs128", "RESULTS": results,
                   "FAKE_NCU_CALLS": calls}
    for name in ["LAUNCHES", "NVTX_INJECTION64_PATH"]:
        environment.pop(name, None)

    # What is missing is said, and nothing else.
    for words, path, status, saying in [([], os.environ["PATH"], 2, "usage"), ([build, "x"], tools, 2, "usage"),
                                        ([top], os.environ["PATH"], 1, "build vramfs first"),
                                        ([build], tools, 1, "install NVIDIA Nsight Compute")]:
        wrong = run("bash", script, *words, env={**environment, "PATH": path})
        assert wrong.returncode == status and saying in wrong.stderr, wrong
        assert wrong.stderr.count("\n") == 1 and not wrong.stdout, wrong

    fake = pathlib.Path(tools, "ncu")
    fake.write_text(FAKE_NCU.replace("@PYTHON@", sys.executable).replace("@METRICS@", repr(METRICS)))
    fake.chmod(0o755)
    environment["PATH"] = f"{tools}:{os.environ['PATH']}"
    made = run("bash", script, build, env=environment, timeout=300)
    assert made.returncode == 0, made.stdout + made.stderr
    called = pathlib.Path(calls).read_text().splitlines()
    assert called == [f"vramfs_{kernel} 3 profile {SUBJECT[kernel]} --device host --size 8M --ecc rs128 --seconds 3"
                      for kernel in KERNELS], called
    heading, *lines = made.stdout.splitlines()
    assert heading.split("  ")[0] == "KERNEL" and [words.strip() for words in heading.split("  ") if words] == HEADING
    # The middle one of three launches; no tensor cores.
    expected = ["3", "2234.5", "11.5", "21.5", "-", "41.5", "51.5", "61.5", "71.5", "64"]
    assert [cells(line) for line in lines] == [[kernel, *expected] for kernel in KERNELS], made.stdout
    assert sorted(os.listdir(results)) == sorted(f"{kernel}.csv" for kernel in KERNELS)

    failed = run("bash", script, build, env={**environment, "FAKE_NCU_FAILS": "1"})
    assert failed.returncode == 1 and "ERR_NVGPUCTRPERM - The user" in failed.stderr, failed
    assert failed.stderr.rstrip().splitlines()[-1].startswith("profile-kernels: ncu failed for encode"), failed

    # The table by itself: units that older versions write, a signature behind the name, metrics that are not there.
    csv = pathlib.Path(top, "csv")
    csv.write_text('==PROF== "vramfs_encode": 0%....50%....100% - 9 passes\n'
                   '"ID","Kernel Name","Metric Name","Metric Unit","Metric Value"\n'
                   '"0","vramfs_encode(void *, unsigned)","gpu__time_duration.sum","msecond","1.5"\n'
                   '"1","vramfs_encode(void *, unsigned)","gpu__time_duration.sum","usecond","500"\n'
                   '"1","vramfs_copy","gpu__time_duration.sum","nsecond","42,000"\n'
                   '==PROF== Disconnected\n')
    shown = run(sys.executable, table, str(csv))
    assert shown.returncode == 0, shown
    assert [cells(line)[:4] for line in shown.stdout.splitlines()[1:]] == [
        ["encode", "2", "1000.0", "-"], ["copy", "1", "42.0", "-"]], shown.stdout
    csv.write_text("==WARNING== No kernels were profiled.\n")
    empty = run(sys.executable, table, str(csv))
    assert empty.returncode == 1 and "no figures" in empty.stderr and not empty.stdout, empty
    assert subprocess.run([sys.executable, table], capture_output=True).returncode == 1
print(made.stdout)
