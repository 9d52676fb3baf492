#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""The fuzzer of the kernels finds variants that are wrong, and what it prints does the job again.

	random-jobs-wrong.py RANDOM_JOBS    (a build of it whose variants are those of wrong-variants.c)
"""

import os
import re
import subprocess
import sys

# What it must say of each variant; the line, with its bytes, where one is wrong.
VARIANTS = {
    "wrong-parity": r"line \d+ of the region\n +before +[0-9a-f ]+\n +expected +[0-9a-f ]+\n +got +[0-9a-f ]+\n",
    "wrong-data": r"line \d+ of the region|payload byte \d+: expected [0-9a-f]{2}, got [0-9a-f]{2}",
    "wrong-place": r"up to 4 errors[^$]*line \d+ has errors:( \d+:[0-9a-f]{2}){4}\n",
    "wrong-value": r"line \d+ has errors:( \d+:[0-9a-f]{2}){3}\n",
    "wrong-count": r"line \d+ has errors: 0:[0-9a-f]{2}\n",
}


def fuzz(variant, variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VRAMFS_TEST_")}
    environment.update(VRAMFS_TEST_DEVICE="host", VRAMFS_KERNELS_NATIVE=variant, **variables)
    return subprocess.run([sys.argv[1]], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)


for variant, expected in VARIANTS.items():
    found = fuzz(variant, {})
    assert found.returncode == 1, f"{variant}: status {found.returncode}\n{found.stdout}{found.stderr}"
    assert re.search(expected, found.stdout), f"{variant}: not as expected:\n{found.stdout}"
    again = re.search(r"^to do it again:(.*)", found.stdout, re.MULTILINE).group(1).split()
    variables = dict(word.split("=", 1) for word in again[:-1])
    assert variables["VRAMFS_KERNELS_NATIVE"] == variant and again[-1] == sys.argv[1], again
    repeated = fuzz(variant, {name: value for name, value in variables.items() if name.startswith("VRAMFS_TEST_S")
                              or name == "VRAMFS_TEST_JOB"})
    assert repeated.returncode == 1 and repeated.stdout == found.stdout, f"{found.stdout}\nagain:\n{repeated.stdout}"
    # Of segments and of lines with errors as few as it takes, which is at most one.
    assert len(re.findall(r"^  block ", found.stdout, re.MULTILINE)) <= 1, found.stdout
    assert len(re.findall(r"has errors:", found.stdout)) <= 1, found.stdout
    print(f"{variant}: {found.stdout.splitlines()[0]}")
