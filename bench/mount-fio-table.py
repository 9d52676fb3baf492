#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Make one Markdown table of what bench/mount-fio.sh measured.

	mount-fio-table.py DIRECTORY

DIRECTORY holds fio's JSON in files BLOCK-PATTERN-JOBS-FILESYSTEM.json.
"""

import json
import os
import sys


def read_case(path):
    """Bytes a second, operations a second, mean latency in microseconds; of the side that moved bytes."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    # fio may write a warning in front of its JSON.
    job = json.loads(text[text.index("{"):])["jobs"][0]
    if job["error"]:
        sys.exit(f"{path}: fio reports error {job['error']}")
    side = max((job["read"], job["write"]), key=lambda part: part["total_ios"])
    return side["bw_bytes"], side["iops"], side["clat_ns"]["mean"] / 1000


def show(block, case):
    bandwidth, operations, latency = case
    if block.endswith("m"):
        return f"{bandwidth / 1e9:.2f} GB/s"
    return f"{operations / 1000:.1f} k IOPS, {latency:.1f} µs"


def main():
    directory = sys.argv[1]
    cases = {}
    for name in os.listdir(directory):
        if name.endswith(".json"):
            block, pattern, jobs, filesystem = name[: -len(".json")].split("-")
            cases.setdefault((block, pattern, int(jobs)), {})[filesystem] = read_case(
                os.path.join(directory, name)
            )

    blocks = {"1m": 0, "4k": 1}
    patterns = ["read", "write", "randread", "randwrite"]
    print("| size | pattern | jobs | vramfs | tmpfs | vramfs / tmpfs |")
    print("|---|---|---|---|---|---|")
    for key in sorted(cases, key=lambda key: (blocks.get(key[0], 2), patterns.index(key[1]), key[2])):
        block, pattern, jobs = key
        vramfs, tmpfs = cases[key]["vramfs"], cases[key]["tmpfs"]
        ratio = vramfs[1] / tmpfs[1] if tmpfs[1] else float("nan")
        print(
            f"| {block} | {pattern} | {jobs} | {show(block, vramfs)} | {show(block, tmpfs)} | {ratio:.2f} |"
        )


if __name__ == "__main__":
    main()
