# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""What the drawings of measurements share: an SVG in the making, and panels of bars on a scale."""

import math
from xml.sax.saxutils import escape

# Dark and light shades of colours from the set of Okabe and Ito, which colour-blind people can tell apart.
SHADES = [("#0072b2", "#7cc0e8"), ("#d55e00", "#f5b183"), ("#009e73", "#86d7bf"), ("#7a5195", "#c9b0da")]

MARGIN = 24
LABELS_WIDTH = 240
PANEL_WIDTH = 430
PANEL_GAP = 56
BAR_HEIGHT = 13
ROW_GAP = 9
FONT = "font-family='DejaVu Sans, Helvetica, Arial, sans-serif'"


def short(value):
    """Three digits are what the spread of measurements leaves meaning."""
    if value >= 1000:
        return f"{value:.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if value > 0 else "0"


def ticks_up_to(most):
    """Round numbers from 0 to at least MOST, four to eight steps."""
    step = 10 ** math.floor(math.log10(most / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if most / (step * factor) <= 8)
    return [step * i for i in range(math.ceil(most / step) + 1)]


class Drawing:
    def __init__(self):
        self.parts = []

    def text(self, x, y, text, size=12, anchor="start", weight="normal", colour="#222"):
        self.parts.append(
            f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' font-weight='{weight}' "
            f"fill='{colour}'>{escape(text)}</text>"
        )

    def line(self, x1, y1, x2, y2, colour="#ddd", width=1.0, dash=""):
        dashes = f" stroke-dasharray='{dash}'" if dash else ""
        self.parts.append(
            f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}' "
            f"stroke-width='{width}'{dashes}/>"
        )

    def bar(self, x, y, width, height, colour):
        self.parts.append(
            f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{height:.1f}' fill='{colour}'/>"
        )

    def svg(self, width, height):
        return "\n".join(
            [
                f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
                f"viewBox='0 0 {width} {height}' {FONT}>",
                f"<rect width='{width}' height='{height}' fill='white'/>",
                *self.parts,
                "</svg>\n",
            ]
        )


class Panel:
    """An area with a scale from 0, at the top of which its title stands and below which its axis does."""

    def __init__(self, drawing, left, top, bottom, most, title, unit):
        self.drawing, self.left = drawing, left
        ticks = ticks_up_to(most)
        self.scale = PANEL_WIDTH / ticks[-1]
        for tick in ticks:
            drawing.line(self.x(tick), top, self.x(tick), bottom)
            drawing.text(self.x(tick), bottom + 16, f"{tick:g}", 11, "middle", colour="#555")
        drawing.line(left, top, left, bottom, "#555")
        drawing.text(left, top - 10, title, 13, weight="bold")
        drawing.text(left + PANEL_WIDTH / 2, bottom + 34, unit, 12, "middle", colour="#555")

    def x(self, value):
        return self.left + value * self.scale

    def bar(self, y, value, colour):
        self.drawing.bar(self.left, y, value * self.scale, BAR_HEIGHT - 1, colour)

    def label(self, y, value, text, mark=None):
        """TEXT behind VALUE, or behind the mark there where it would cover that."""
        x = self.x(value) + 5
        if mark is not None and x - 10 < self.x(mark) < x + 7 * len(text):
            x = self.x(mark) + 5
        self.drawing.text(x, y + BAR_HEIGHT - 3, text, 10, colour="#333")


def draw_key(drawing, names_and_colours, y):
    """One line that says which colour is what."""
    x = MARGIN
    for name, colour in names_and_colours:
        drawing.bar(x, y - 10, 12, 12, colour)
        drawing.text(x + 17, y, name)
        x += 42 + 7.2 * len(name)
