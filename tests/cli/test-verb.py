#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""`vramfs test` passes on a sound device, and its report is what it says.

usage: test-verb.py VRAMFS CODE MAX_CORRECT    (the device is $VRAMFS_TEST_DEVICE)"""

import json
import os
import sys

from common import run, skip

vramfs, code, max_correct = sys.argv[1:]
device = os.environ.get("VRAMFS_TEST_DEVICE", "host")
common = [vramfs, "test", "--device", device, "--size", "64M", f"--ecc={code}", "--max-correct", max_correct]

result = run(*common, "--json", "--seed", "1", timeout=600)
if result.returncode == 3:
    skip(result.stderr.strip())
assert result.returncode == 0, result.stdout + result.stderr
report = json.loads(result.stdout)
assert report["passed"] and not report["failures"], report["failures"]
assert report["code"] == code and report["seed"] == 1, report
assert report["region_bytes"] <= 64 << 20 and report["blocks"] >= 400, report
steps = {step["step"]: step for step in report["steps"]}
for step in report["steps"]:
    assert step["bytes"] > 0 and step["seconds"] > 0, step
    assert abs(step["gb_per_s"] - step["bytes"] / step["seconds"] / 1e9) < 1e-6 * step["gb_per_s"], step
assert {"write", "read", "randomize", "inject", "compare"} <= set(steps), steps

lines = sum(row["lines"] for row in report["errors"])
assert lines == report["blocks"] * 1024, (lines, report["blocks"])
for errors, row in enumerate(report["errors"], 1):
    assert row["errors"] == errors, row
    if code == "none":
        assert row["differ"] == row["lines"], row
        continue
    assert row["detected"] == row["lines"], row
    assert row["corrected"] + row["miscorrected"] + row["lost"] == row["lines"], row
    assert sum(row["changed_bytes"]) == row["corrected"] + row["miscorrected"], row
    if errors <= int(max_correct):
        assert row["corrected"] == row["lines"] and row["differ"] == 0, row
    else:
        assert row["corrected"] == 0 and row["differ"] > 0.9 * row["lost"], row

# The same seed gives the same counts, and the table has the same figures as the object.
small = [*common, "--size", "8M", "--seed", "7"]
report = json.loads(run(*small, "--json", timeout=600).stdout)
table = run(*small, timeout=600)
assert table.returncode == 0 and table.stdout.rstrip().endswith("passed"), table.stdout + table.stderr
for row in report["errors"]:
    counts = [row.get(key, "-") for key in ["errors", "lines", "detected", "corrected", "lost", "miscorrected",
                                            "differ"]]
    assert any(line.split() == [str(count) for count in counts] for line in table.stdout.splitlines()), row
print(f"{device} {code}: {lines} lines, all as they must be")
