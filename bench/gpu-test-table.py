#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Print what `vramfs test --json` wrote as tables of Markdown.

	gpu-test-table.py FILE
"""

import json
import sys


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rows = [rows[0], ["-" * width for width in widths]] + rows[1:]
    for row in rows:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")


def print_test(path):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    pool = report["pool"]
    print(
        f"{report['device']} {report['device_name']}, {report['driver']}; code {report['code']}, "
        f"{report['region_bytes'] / 2**30:.1f} GiB, seed {report['seed']}: "
        + ("passed" if report["passed"] else "FAILED " + "; ".join(report["failures"]))
    )
    print(
        f"pool take + give {pool['take_give_ns']:.0f} ns, queue look-up {pool['queue_ns']:.1f} ns; "
        f"on {pool['threads']} threads {pool['threads_take_give_ns']:.0f} ns, "
        f"{pool['threads_queue_ns']:.1f} ns"
    )
    rows = [["step", "GB", "s", "GB/s"]]
    for step in report["steps"]:
        rows.append(
            [
                step["step"],
                f"{step['bytes'] * 1e-9:.2f}",
                f"{step['seconds']:.4f}",
                f"{step['gb_per_s']:.1f}",
            ]
        )
    print_table(rows)
    columns = ["errors", "lines", "detected", "corrected", "lost", "miscorrected", "differ"]
    rows = [columns]
    for row in report["errors"]:
        rows.append([str(row.get(column, "-")) for column in columns])
    print_table(rows)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print_test(sys.argv[1])


if __name__ == "__main__":
    main()
