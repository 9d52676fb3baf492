#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""`vramfs bench` measures every kernel, its figures follow from its times, and its table has them too.

usage: bench-verb.py VRAMFS PLOT_KERNELS_PY    (the device is $VRAMFS_TEST_DEVICE)"""

import json
import os
import statistics
import sys
import tempfile
import xml.etree.ElementTree

from common import run, skip

vramfs, plot = sys.argv[1:]
device = os.environ.get("VRAMFS_TEST_DEVICE", "host")
kind = device.split(":")[0]
PART = 128  # blocks: in no more does a processor repair errors in every line
SIZE = 4 << 20
common = [vramfs, "bench", "--device", device, "--size", str(SIZE)]
SHARES = [0, 1e-6, 1e-3, 1]
# Bytes read and written a line, by code.
MOVED = {
    "copy": {"rs136": 256, "rs128": 256},
    "encode": {"rs136": 136, "rs128": 136},
    "verify": {"rs136": 136, "rs128": 128},
    "correct": {"rs136": 136, "rs128": 128},
    "refresh": {"rs136": 144, "rs128": 136},
    "verify + encode": {"rs136": 272, "rs128": 264},
}
MEETS_ERRORS = {"verify", "correct", "refresh"}


def near(a, b):
    return abs(a - b) <= 1e-9 * abs(b)


def check_row(row, region, repeat):
    share = row["error_share"]
    repairs_all = share == 1 and row["kernel"] in ("correct", "refresh")
    lines = (min(region["blocks"], PART) if kind == "host" and repairs_all else region["blocks"]) * 1024
    assert row["data_bytes"] == lines * (128 if row["code"] == "rs136" else 120), row
    assert row["moved_bytes"] == lines * MOVED[row["kernel"]][row["code"]], row
    assert len(row["seconds"]) == repeat and min(row["seconds"]) > 0, row
    assert near(row["gb_per_s"], row["data_bytes"] / statistics.median(row["seconds"]) / 1e9), row
    assert near(row["gb_per_s_min"], row["data_bytes"] / max(row["seconds"]) / 1e9), row
    assert near(row["gb_per_s_max"], row["data_bytes"] / min(row["seconds"]) / 1e9), row
    assert near(row["moved_gb_per_s"], row["gb_per_s"] * row["moved_bytes"] / row["data_bytes"]), row
    # At so small a size a share of 1e-6 may be none.
    mean = lines * share
    assert mean == row["error_lines"] if share in (0, 1) else abs(row["error_lines"] - mean) < 6 * mean**0.5 + 6, row
    if row["kernel"] == "copy":
        assert "roof_gb_per_s" not in row and "percent_of_roof" not in row, row
        return
    assert len(row["roof_seconds"]) == repeat and min(row["roof_seconds"]) > 0, row
    assert near(row["roof_gb_per_s"], row["moved_bytes"] / statistics.median(row["roof_seconds"]) / 1e9), row
    assert near(row["percent_of_roof"], 100 * row["moved_gb_per_s"] / row["roof_gb_per_s"]), row
    assert row["percent_of_roof"] > 0, row


result = run(*common, "--repeat", "3", "--json", timeout=600)
if result.returncode == 3:
    skip(result.stderr.strip())
assert result.returncode == 0, result.stdout + result.stderr
report = json.loads(result.stdout)
assert report["repeat"] == 3 and report["error_bytes"] == 4 and report["device_name"], report
assert device.split(":")[0] == report["device"].split(":")[0] and report["driver"], report
regions = {region["code"]: region for region in report["regions"]}
assert list(regions) == ["rs136", "rs128"], regions
for region in regions.values():
    assert 0.9 * SIZE < region["region_bytes"] <= SIZE, region
expected = [(kernel, code, share) for code in regions for kernel in MOVED
            for share in (SHARES if kernel in MEETS_ERRORS else [0])]
assert [(row["kernel"], row["code"], row["error_share"]) for row in report["rows"]] == expected, report["rows"]
for row in report["rows"]:
    check_row(row, regions[row["code"]], 3)
# No kernel is faster than one that computes nothing; but on a busy machine any single one may seem so.
shares = [row["percent_of_roof"] for row in report["rows"] if row["kernel"] != "copy"]
assert statistics.median(shares) < 120, shares

# The table: one code, a line a row, in columns that are aligned.
table = run(*common, "--repeat", "1", "--ecc", "rs128", timeout=600)
assert table.returncode == 0, table.stdout + table.stderr
heading, *lines = table.stdout.split("\n\n", 1)[1].splitlines()
assert heading.startswith("KERNEL") and heading.endswith("% OF ROOF"), heading
assert len(lines) == len(expected) / 2, table.stdout
for line, (kernel, code, share) in zip(lines, expected[len(lines):]):
    assert line.startswith(f"{kernel} ") and len(line) == len(heading), line
    cells = line.removeprefix(kernel).split()
    assert cells[:2] == [code, f"{share:g}"] and len(cells) == 7, line
    least, most = (float(figure) for figure in cells[3].split(".."))
    assert least == float(cells[2]) == most, line
    assert (cells[5:] == ["-", "-"]) == (kernel == "copy"), line

# Another form of the kernels beside those that the device gets: its rows follow, under its name.
FORMS = {"host": "scalar", "cuda": "portable"}
beside = run(*common, "--repeat", "1", "--ecc", "rs136", "--json", "--beside", FORMS.get(kind, "portable"), timeout=600)
if kind in FORMS:
    assert beside.returncode == 0, beside.stdout + beside.stderr
    names = [row["kernel"] for row in json.loads(beside.stdout)["rows"]]
    own = [kernel for kernel, code, _ in expected if code == "rs136"]
    assert names == own + [f"{kernel} ({FORMS[kind]})" for kernel in own], names
else:
    assert beside.returncode != 0 and "portable" in beside.stderr, beside.stderr
none = run(*common, "--beside", "magic", timeout=600)
assert none.returncode != 0 and "magic" in none.stderr and not none.stdout, none.stdout + none.stderr

# Of a larger region processors take a part for what is slow, and the table says so.
if kind == "host":
    large = [vramfs, "bench", "--device", device, "--size", "18M", "--repeat", "1", "--ecc", "rs136"]
    result_large = run(*large, "--json", timeout=600)
    assert result_large.returncode == 0, result_large.stdout + result_large.stderr
    report_large = json.loads(result_large.stdout)
    region = report_large["regions"][0]
    assert region["blocks"] > PART, region
    for row in report_large["rows"]:
        check_row(row, region, 1)
    table = run(*large, timeout=600)
    assert f"{region['blocks']} blocks; errors in every line are corrected in {PART}\n" in table.stdout, table.stdout

# What is drawn of it, from two runs: well-formed, with a bar for each kernel.
with tempfile.TemporaryDirectory(prefix="vramfs-bench-") as top:
    measured, drawn = os.path.join(top, "bench.json"), os.path.join(top, "bench.svg")
    with open(measured, "w", encoding="utf-8") as file:
        file.write(result.stdout)
    plotted = run(sys.executable, plot, "--output", drawn, measured, measured)
    assert plotted.returncode == 0, plotted.stderr
    texts = "".join(xml.etree.ElementTree.parse(drawn).getroot().itertext())
    for word in [report["device_name"], *MOVED, "rs136", "rs128", "GB/s"]:
        assert word in texts, word
print(f"{device}: {len(expected)} rows, all as they must be")
