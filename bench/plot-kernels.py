#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Draw what `vramfs bench --json` wrote as an SVG, and print it as a table of Markdown.

	plot-kernels.py [--output FILE.svg] RUN.json...

On the left are GB/s of file data, each bar with the mark that its roof would reach; on the right the same as a share
of the roof. Several runs stand side by side, named after their files.
"""

import argparse
import json
import os
import sys

from drawing import (BAR_HEIGHT, LABELS_WIDTH, MARGIN, PANEL_GAP, PANEL_WIDTH, ROW_GAP, SHADES, Drawing, Panel,
                     draw_key, short)

# Each run has a colour; these have its dark shade and its light one.
CODES = ["rs136", "rs128"]


class Series:
    """The rows of one run with one code."""

    def __init__(self, run, name, code, colour):
        self.name = f"{name}, {code}" if name else code
        self.colour = colour
        self.rows = {(row["kernel"], row["error_share"]): row for row in run["rows"] if row["code"] == code}


def all_series(runs, names):
    several = len(runs) > 1
    return [
        series
        for run, name, shades in zip(runs, names, SHADES)
        for code, colour in zip(CODES, shades)
        if (series := Series(run, name if several else "", code, colour)).rows
    ]


def label_of(key):
    kernel, share = key
    if share == 0:
        return kernel
    if share == 1:
        return f"{kernel}, errors in every line"
    return f"{kernel}, errors in 1 line of {round(1 / share):,}"


def roof_of(row):
    """The roof in GB/s of file data, as the bars are; None for what has none."""
    if "roof_gb_per_s" not in row:
        return None
    return row["roof_gb_per_s"] * row["data_bytes"] / row["moved_bytes"]


def draw_legend(drawing, series, y):
    draw_key(drawing, [(one.name, one.colour) for one in series], y)
    y += 20
    drawing.line(MARGIN + 6, y - 11, MARGIN + 6, y + 2, "black", 2.5)
    drawing.text(MARGIN + 17, y, "roof: reads and writes the same bytes, computes nothing")
    drawing.line(MARGIN + 402, y - 4, MARGIN + 420, y - 4, "black")
    drawing.text(MARGIN + 426, y, "slowest to fastest repetition")


def draw_row(speed, share, y, row, colour):
    roof = roof_of(row)
    middle = y + (BAR_HEIGHT - 1) / 2
    speed.bar(y, row["gb_per_s"], colour)
    speed.drawing.line(speed.x(row["gb_per_s_min"]), middle, speed.x(row["gb_per_s_max"]), middle, "black")
    speed.label(y, row["gb_per_s_max"], short(row["gb_per_s"]), roof)
    if roof is None:
        return
    speed.drawing.line(speed.x(roof), y - 0.5, speed.x(roof), y + BAR_HEIGHT - 0.5, "black", 2.5)
    share.bar(y, row["percent_of_roof"], colour)
    share.label(y, row["percent_of_roof"], f"{short(row['percent_of_roof'])} %", 100)


def heading_of(runs):
    """The title, and a line about how it was measured."""
    devices = {(run["device_name"], run["driver"]) for run in runs}
    repeats = {run["repeat"] for run in runs}
    # Two codes fill the same size with regions that differ by less than a block.
    sizes = dict.fromkeys(f"{max(one['region_bytes'] for one in run['regions']) / 2**30:.3g} GiB" for run in runs)
    title = "Kernels of vramfs"
    if len(devices) == 1:
        name, driver = devices.pop()
        title += f" on {name}"
    else:
        driver = "several drivers"
    repeats = " or ".join(str(repeat) for repeat in sorted(repeats))
    return title, f"{driver}; {' and '.join(sizes)}; median of {repeats}; 4 wrong bytes in lines with errors"


def draw(runs, series):
    keys = list(dict.fromkeys(key for one in series for key in one.rows))
    rows = [row for one in series for row in one.rows.values()]
    row_height = len(series) * BAR_HEIGHT + ROW_GAP
    top = MARGIN + 132
    bottom = top + len(keys) * row_height + ROW_GAP
    drawing = Drawing()
    title, how = heading_of(runs)

    drawing.text(MARGIN, MARGIN + 12, title, 19, weight="bold")
    drawing.text(MARGIN, MARGIN + 34, how, 12, colour="#555")
    draw_legend(drawing, series, MARGIN + 64)
    # A label needs room behind the longest bar.
    most_speed = 1.12 * max(max(row["gb_per_s_max"], roof_of(row) or 0) for row in rows)
    most_share = 1.12 * max(100, *(row.get("percent_of_roof", 0) for row in rows))
    left = MARGIN + LABELS_WIDTH
    speed = Panel(drawing, left, top, bottom, most_speed, "Speed", "GB/s of file data")
    share = Panel(drawing, left + PANEL_WIDTH + PANEL_GAP, top, bottom, most_share, "Share of the roof", "%")
    drawing.line(share.x(100), top, share.x(100), bottom, "black", 1.5, "5 3")
    drawing.text(share.x(100), top - 10, "roof", 11, "middle")
    for index, key in enumerate(keys):
        y = top + ROW_GAP + index * row_height
        drawing.text(left - 8, y + (row_height - ROW_GAP) / 2 + 4, label_of(key), 11, "end")
        for number, one in enumerate(series):
            if key in one.rows:
                draw_row(speed, share, y + number * BAR_HEIGHT, one.rows[key], one.colour)
    width = left + 2 * PANEL_WIDTH + PANEL_GAP + MARGIN + 16
    return drawing.svg(width, bottom + 34 + MARGIN)


def print_table(series):
    rows = [["kernel", "GB/s", "least to most", "read + written", "roof", "% of the roof"]]
    for one in series:
        for key, row in one.rows.items():
            has_roof = "roof_gb_per_s" in row
            rows.append(
                [
                    f"{one.name}: {label_of(key)}",
                    short(row["gb_per_s"]),
                    f"{short(row['gb_per_s_min'])} to {short(row['gb_per_s_max'])}",
                    short(row["moved_gb_per_s"]),
                    short(row["roof_gb_per_s"]) if has_roof else "–",
                    short(row["percent_of_roof"]) if has_roof else "–",
                ]
            )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in [rows[0], ["-" * width for width in widths], *rows[1:]]:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", 1)[0], epilog="The table goes to standard output."
    )
    parser.add_argument("--output", metavar="FILE.svg", help="where to draw it; nowhere if not given")
    parser.add_argument("runs", metavar="RUN.json", nargs="+", help="what vramfs bench --json wrote")
    arguments = parser.parse_args()
    if len(arguments.runs) > len(SHADES):
        parser.error(f"no more than {len(SHADES)} runs can be told apart")
    runs = []
    for path in arguments.runs:
        try:
            with open(path, encoding="utf-8") as file:
                runs.append(json.load(file))
        except (OSError, ValueError) as error:
            sys.exit(f"plot-kernels.py: {path}: {error}")
    names = [os.path.splitext(os.path.basename(path))[0] for path in arguments.runs]
    series = all_series(runs, names)
    if arguments.output:
        with open(arguments.output, "w", encoding="utf-8") as file:
            file.write(draw(runs, series))
    print_table(series)


if __name__ == "__main__":
    main()
