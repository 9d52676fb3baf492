#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""`vramfs profile` runs each of its subjects for as long as it is told, and a profiler sees what it is told of.

usage: profile-verb.py VRAMFS SUBJECT NVTX_RECORDER    (the device is $VRAMFS_TEST_DEVICE)"""

import collections
import json
import os
import re
import sys
import tempfile
import time

from common import run, skip
from ranges import read_ranges, recording

vramfs, subject, recorder = sys.argv[1:]
device = os.environ.get("VRAMFS_TEST_DEVICE", "host")
common = [vramfs, "profile", subject, "--device", device, "--size", "8M", "--seconds", "1"]
# The parts of each subject, and the kernels whose jobs they are made of.
PARTS = {
    "stream-pool": (["write", "read"], ["write", "read"]),
    "decoder": (["correct"], ["inject", "correct"]),
    "encoders": (["encode", "verify", "refresh"], ["encode", "verify", "refresh"]),
    "pipeline": (["write", "read"], ["write", "read"]),
    "gpu-parallelism": ([f"{jobs} job{'s' * (jobs > 1)}" for jobs in (1, 2, 4, 8, 16, 32)], ["verify"]),
}
# As the range of the whole process says what part is under way.
PHASES = {
    "stream-pool": ["stream-pool"],
    "decoder": ["inject", "correct"],
    "encoders": ["encode", "verify", "refresh"],
    "pipeline": ["pipeline"],
    "gpu-parallelism": PARTS["gpu-parallelism"][0],
}
parts, kernels = PARTS[subject]
codes = ["rs136", "rs128"] if subject == "encoders" else ["rs136"]


def near(a, b):
    return abs(a - b) <= 1e-9 * abs(b)


def check_extras(report):
    """What a subject adds."""
    by_part = {part["part"]: part for part in report["parts"]}
    if subject == "stream-pool":
        jobs = by_part["write"]["jobs"] + by_part["read"]["jobs"]
        assert report["threads"] == 16 and 1 <= report["queues"] <= 16, report
        assert near(report["jobs_per_s"], jobs / by_part["write"]["seconds"]), report
        assert 0 < report["queue_jobs_min"] <= jobs / report["queues"] <= report["queue_jobs_max"], report
        for part in by_part.values():
            assert part["bytes"] == part["jobs"] * 4096, part
        # Each slot writes, then reads, then writes.
        assert 0 <= by_part["write"]["jobs"] - by_part["read"]["jobs"] <= 64, report
    if subject == "pipeline":
        both = sum(part["bytes"] for part in by_part.values()) / by_part["read"]["seconds"] / 1e9
        assert near(report["both_gb_per_s"], both), report
        for part in by_part.values():
            assert part["bytes"] == part["jobs"] * (1 << 20), part
    if subject == "decoder":
        assert report["error_bytes"] == 4 and 0 < report["injecting_share"] < 1, report
    if subject == "gpu-parallelism":
        rates = {int(name.split()[0]): part["gb_per_s"] for name, part in by_part.items()}
        assert rates[report["best_jobs"]] == max(rates.values()), report
        assert near(report["best_speed_up"], max(rates.values()) / rates[1]), report


# As an object.
begun = time.monotonic()
result = run(*common, "--json", timeout=600)
took = time.monotonic() - begun
if result.returncode == 3:
    skip(result.stderr.strip())
assert result.returncode == 0, result.stdout + result.stderr
report = json.loads(result.stdout)
assert report["subject"] == subject and report["seconds"] == 1 and report["device_name"], report
assert device.split(":")[0] == report["device"].split(":")[0] and report["driver"], report
assert [(part["code"], part["part"]) for part in report["parts"]] == [
    (code, part) for code in codes for part in parts], report
for part in report["parts"]:
    assert part["jobs"] > 0 and part["bytes"] > 0 and part["seconds"] > 0, part
    assert near(part["gb_per_s"], part["bytes"] / part["seconds"] / 1e9), part
check_extras(report)
# What runs at once counts once. OpenCL may take longer to end what was begun than it ran.
one_by_one = {"stream-pool": 0.5, "pipeline": 0.5}.get(subject, 1)
spent = sum(part["seconds"] for part in report["parts"]) * one_by_one
if subject == "decoder":
    spent /= 1 - report["injecting_share"]
assert 0.99 < spent <= took, (spent, took)

# As text, with one code: what runs, then one line of what came of it, with the names of all parts.
text = run(*common, "--ecc", "rs128", timeout=600)
assert text.returncode == 0, text.stdout + text.stderr
lines = text.stdout.splitlines()
assert len(lines) == 4 and lines[0].startswith(f"{subject}: ") and lines[0].endswith("; for 1 s"), text.stdout
assert lines[1].startswith(report["device"]) and lines[2].startswith("rs128: "), text.stdout
line = lines[3].removeprefix(f"{subject}: rs128 ").split("; ")[0]
shown = [re.fullmatch(r"(.*) \d+\.\d\d GB/s", words) for words in line.split(", ")]
assert all(shown) and [match[1] for match in shown] == parts, lines[3]
assert ("; " in lines[3]) == (subject != "encoders"), lines[3]

# Without a code, where that means something.
without = run(*common, "--ecc", "none", timeout=600)
if subject in ("stream-pool", "pipeline"):
    assert without.returncode == 0 and " none " in without.stdout.splitlines()[-1], without
else:
    assert without.returncode == 2 and subject in without.stderr and not without.stdout, without

# What a profiler is told.
with tempfile.TemporaryDirectory(prefix="vramfs-profile-") as top:
    log = os.path.join(top, "log")
    traced = run(*common, "--json", timeout=600, env=recording(recorder, log))
    assert traced.returncode == 0, traced.stdout + traced.stderr
    seen, threads = read_ranges(log)
    jobs = collections.Counter()
    for part in json.loads(traced.stdout)["parts"]:
        jobs[part["part"]] += part["jobs"]
    for kernel in kernels:
        assert seen[f"job {kernel}"] > 0 and seen[f"launch {kernel}"] == seen[f"job {kernel}"], seen
        # Each job, and none that did not run. The region is encoded once for each code, besides; a round of
        # the decoder's is a job here, and several there where the region is large.
        if kernel in jobs and subject not in ("encoders", "decoder"):
            assert seen[f"job {kernel}"] == jobs[kernel], (seen, jobs)
    assert seen["job randomize"] == len(codes) and seen["sweep encode"] == len(codes), seen
    assert seen["profile prepare"] == len(codes), seen
    for phase in PHASES[subject]:
        assert seen[f"profile {phase}"] >= len(codes), (phase, seen)
    # The decoder's thread is the program's first.
    assert threads == {f"profile {phase}" for phase in PHASES[subject] if subject != "decoder"}, threads
print(f"{device}: {lines[3]}")
