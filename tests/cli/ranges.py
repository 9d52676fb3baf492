# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""What a profiler was told of the command line's runs, from what tests/base/nvtx-recorder.c writes down."""

import collections
import os


def recording(recorder, log):
    """The environment in which RECORDER attaches and writes to LOG."""
    environment = {**os.environ, "NVTX_INJECTION64_PATH": recorder, "NVTX_RECORDER_LOG": log}
    environment.pop("NVTX_RECORDER_MODE", None)
    return environment


def read_ranges(log):
    """How often each range came, and the names of threads. All must be nested as they should, and have ended."""
    stacks, open_ranges = collections.defaultdict(list), {}
    seen, threads = collections.Counter(), set()
    with open(log, encoding="utf-8") as file:
        for line in file:
            what, *words = line.rstrip("\n").split(" ", 2)
            if what == "push":
                thread, name = words
                # No launch within a launch; and, of what these runs do, nothing else within a request or a sweep.
                assert not stacks[thread] or name.startswith("launch "), (line, stacks[thread])
                assert not any(outer.startswith("launch ") for outer in stacks[thread]), (line, stacks[thread])
                stacks[thread].append(name)
                seen[name] += 1
            elif what == "pop":
                stacks[words[0]].pop()
            elif what == "start":
                assert words[0] not in open_ranges, line
                open_ranges[words[0]] = words[1]
                seen[words[1]] += 1
            elif what == "end":
                del open_ranges[words[0]]
            elif what == "thread":
                threads.add(words[1])
            elif what == "domain":
                assert words == ["vramfs"], line
            else:
                assert what == "name", line
    assert not any(stacks.values()) and not open_ranges, (stacks, open_ranges)
    return seen, threads
