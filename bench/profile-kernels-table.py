#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Make one table of what Nsight Compute measured.

	profile-kernels-table.py CSV...      from the files of `ncu --csv --metrics ...`, a line for each kernel
	profile-kernels-table.py --metrics   the metrics to measure, with commas between them

The figures of a kernel are the medians of its launches. "-" is what a GPU does not have or ncu could not measure.
"""

import collections
import csv
import statistics
import sys

DURATION = "gpu__time_duration.sum"
COLUMNS = [
    # heading, metric, format
    ("US", DURATION, "{:.1f}"),
    ("DRAM %", "dram__throughput.avg.pct_of_peak_sustained_elapsed", "{:.1f}"),
    ("L2 %", "lts__throughput.avg.pct_of_peak_sustained_elapsed", "{:.1f}"),
    ("TENSOR %", "sm__inst_executed_pipe_tensor.avg.pct_of_peak_sustained_active", "{:.1f}"),
    ("ALU %", "sm__inst_executed_pipe_alu.avg.pct_of_peak_sustained_active", "{:.1f}"),
    ("FMA %", "sm__inst_executed_pipe_fma.avg.pct_of_peak_sustained_active", "{:.1f}"),
    ("LSU %", "sm__inst_executed_pipe_lsu.avg.pct_of_peak_sustained_active", "{:.1f}"),
    ("OCCUPANCY %", "sm__warps_active.avg.pct_of_peak_sustained_active", "{:.1f}"),
    ("REGISTERS", "launch__registers_per_thread", "{:.0f}"),
]
# ncu's names of units have changed, and it may be told to scale.
MICROSECONDS = {"ns": 1e-3, "nsecond": 1e-3, "us": 1, "usecond": 1, "ms": 1e3, "msecond": 1e3, "s": 1e6,
                "second": 1e6}


def read_rows(path):
    """The rows of the table in ncu's output, which has lines of its own and of the program's around it."""
    with open(path, newline="", encoding="utf-8") as file:
        lines = file.read().splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith('"ID",')), None)
    if start is None:
        return []
    return list(csv.DictReader(line for line in lines[start:] if line.startswith('"')))


def value_of(row):
    """The row's figure, in microseconds if it is a time; None if ncu has none."""
    try:
        value = float(row["Metric Value"].replace(",", ""))
    except ValueError:
        return None
    if row["Metric Name"] == DURATION:
        value *= MICROSECONDS[row["Metric Unit"]]
    return value


def collect(paths):
    """{kernel: {metric: [a figure for each launch]}}, in the order of the files."""
    kernels = collections.defaultdict(lambda: collections.defaultdict(list))
    for path in paths:
        rows = read_rows(path)
        if not rows:
            sys.exit(f"profile-kernels-table: {path} has no figures: no such kernel was launched often enough, or ncu "
                     "failed")
        for row in rows:
            value = value_of(row)
            name = row["Kernel Name"].split("(")[0].removeprefix("vramfs_")
            if value is not None:
                kernels[name][row["Metric Name"]].append(value)
    return kernels


def print_table(kernels):
    table = [["KERNEL", "LAUNCHES", *(heading for heading, _, _ in COLUMNS)]]
    for name, figures in kernels.items():
        cells = [form.format(statistics.median(figures[metric])) if figures[metric] else "-"
                 for _, metric, form in COLUMNS]
        table.append([name, str(len(figures[DURATION])), *cells])
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        print("  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]))


def main():
    if sys.argv[1:] == ["--metrics"]:
        print(",".join(metric for _, metric, _ in COLUMNS))
    elif len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        print_table(collect(sys.argv[1:]))
    else:
        sys.exit(__doc__.strip())


if __name__ == "__main__":
    main()
