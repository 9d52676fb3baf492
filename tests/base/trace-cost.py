#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Where nobody traces, a range costs one load and one branch: its machine code says so.

	trace-cost.py LIBRARY    (of trace-cost.c)

Follows each function from its first instruction to its return, past the branches that are not taken then."""

import platform
import re
import shutil
import subprocess
import sys

LIBRARY = sys.argv[1]
FUNCTIONS = ["traced_scope", "traced_start", "traced_thread"]
# What may stand there and costs nothing that counts.
MARKS = re.compile(r"endbr64|nop\w*|data16|xchg\s+%ax,%ax")
MEMORY = re.compile(r"\(%")


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def instructions_of(function):
    shown = subprocess.run(["objdump", "--disassemble=" + function, "--no-show-raw-insn", LIBRARY],
                           check=True, capture_output=True, text=True).stdout
    lines = [line.split("\t", 1)[1].split("#")[0].strip() for line in shown.splitlines()
             if re.match(r" +[0-9a-f]+:\t", line)]
    assert lines, f"{function} is not in {LIBRARY}"
    return lines


if platform.machine() != "x86_64":
    skip("the instructions are read for x86-64 only")
if not shutil.which("objdump"):
    skip("objdump is not installed")
for name in FUNCTIONS:
    way = []
    for instruction in instructions_of(name):
        if not MARKS.match(instruction):
            way.append(instruction)
        if instruction.startswith("ret"):
            break
        assert not instruction.startswith(("jmp", "call")), f"{name}: {instruction} on the way: {way}"
    else:
        raise AssertionError(f"{name} does not return: {way}")
    loads = [instruction for instruction in way if MEMORY.search(instruction)]
    branches = [instruction for instruction in way if instruction.startswith("j")]
    assert len(loads) == 1 and "(%rip)" in loads[0], f"{name} loads {loads}"
    assert len(branches) == 1, f"{name} branches {branches}"
    print(f"{name}: {'; '.join(way)}")
