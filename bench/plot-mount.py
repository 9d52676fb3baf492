#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Draw what `mount-fio.py --json` wrote as an SVG.

	plot-mount.py FILE.json OUT.svg

A panel for each group of cases, and in it a bar for each filesystem. Beside the bars of tmpfs the others could be too
short to be compared, so they make the scale, and an arrow says of a bar that it goes on beyond the panel.
"""

import json
import sys

from drawing import BAR_HEIGHT, MARGIN, PANEL_WIDTH, ROW_GAP, SHADES, Drawing, Panel, draw_key, short

LABELS_WIDTH = 330
# Above a panel its title, below it its axis.
TITLE_HEIGHT, AXIS_HEIGHT = 44, 40
COLOURS = [colour for shades in SHADES for colour in shades]
# By the unit of a case: its figure, what it is divided by for the drawing, and the name of that.
SCALES = {
    "GB/s": ("bytes_per_second", 1e9, "GB/s"),
    "IOPS": ("operations_per_second", 1e3, "thousand operations a second"),
}
OUT_OF_SCALE = "tmpfs"


def value_of(row, name):
    """None where the case has no figure of that filesystem."""
    key, divisor, _ = SCALES[row["unit"]]
    return row["results"][name][key] / divisor if name in row["results"] else None


def draw_group(drawing, top, title, rows, names):
    """Gives the y below it."""
    row_height = len(names) * BAR_HEIGHT + ROW_GAP
    top += TITLE_HEIGHT
    bottom = top + len(rows) * row_height + ROW_GAP
    values = [value for row in rows for name in names
              if name != OUT_OF_SCALE and (value := value_of(row, name)) is not None]
    # A label needs room behind the longest bar.
    panel = Panel(drawing, MARGIN + LABELS_WIDTH, top, bottom, 1.12 * max(values), title, SCALES[rows[0]["unit"]][2])
    for index, row in enumerate(rows):
        y = top + ROW_GAP + index * row_height
        drawing.text(panel.left - 8, y + (row_height - ROW_GAP) / 2 + 4, row["case"], 11, "end")
        for name, colour in zip(names, COLOURS):
            value = value_of(row, name)
            if value is not None:
                drawn = min(value, PANEL_WIDTH / panel.scale)
                panel.bar(y, drawn, colour)
                panel.label(y, drawn, short(value) if drawn == value else f"→ {short(value)}")
            y += BAR_HEIGHT
    return bottom + AXIS_HEIGHT


def draw(report):
    names = [one["name"] for one in report["filesystems"]]
    if len(names) > len(COLOURS):
        sys.exit(f"plot-mount.py: no more than {len(COLOURS)} filesystems can be told apart")
    drawing = Drawing()
    drawing.text(MARGIN, MARGIN + 12, f"A mount of vramfs on {report['device_name']}", 19, weight="bold")
    drawing.text(MARGIN, MARGIN + 34, f"{report['code']}, requests over {report['transport']}; Linux {report['kernel']}, "
                 f"{report['processors']} processors; {report['fio']}; median of {report['repeat']}; {report['date']}",
                 12, colour="#555")
    draw_key(drawing, zip(names, COLOURS), MARGIN + 64)
    y = MARGIN + 74
    for group in dict.fromkeys(row["group"] for row in report["cases"]):
        y = draw_group(drawing, y, group, [row for row in report["cases"] if row["group"] == group], names)
    return drawing.svg(MARGIN + LABELS_WIDTH + PANEL_WIDTH + 4 * MARGIN, y + MARGIN)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: plot-mount.py FILE.json OUT.svg")
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            report = json.load(file)
    except (OSError, ValueError) as error:
        sys.exit(f"plot-mount.py: {sys.argv[1]}: {error}")
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(draw(report))


if __name__ == "__main__":
    main()
