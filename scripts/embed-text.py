#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Make a C header that holds a text file as a NUL-terminated array of char.

usage: embed-text.py NAME INPUT OUTPUT

An array of numbers, because a string literal of this length is not portable C.
"""
import pathlib
import sys


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    name, text, output = sys.argv[1], pathlib.Path(sys.argv[2]).read_bytes(), sys.argv[3]
    if any(byte == 0 or byte > 127 for byte in text):
        sys.exit(f'embed-text.py: {sys.argv[2]} is not plain ASCII text')
    numbers = [*text, 0]
    lines = [','.join(map(str, numbers[i:i + 24])) + ',' for i in range(0, len(numbers), 24)]
    pathlib.Path(output).write_text(
        f'/* Made by scripts/embed-text.py from {pathlib.Path(sys.argv[2]).name}; do not edit. */\n'
        f'static const char {name}[] = {{\n' + '\n'.join(lines) + '\n};\n')


main()
