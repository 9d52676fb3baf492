#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Make one OpenCL text of device code that is spread over files.

usage: flatten-opencl.py SOURCE OUTPUT INCLUDE_DIRECTORY...

An OpenCL driver gets its source as a string and has no files to include, so each `#include "..."`
is replaced by the file it names, the first time; later ones are dropped, as include guards would.
`#include <...>` stays: such lines stand where only a C compiler comes.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')


def find(name, directories):
    for directory in directories:
        path = directory / name
        if path.is_file():
            return path
    sys.exit(f'flatten-opencl.py: "{name}" is in none of: {" ".join(map(str, directories))}')


def flatten(path, directories, seen, lines):
    for line in path.read_text().splitlines():
        match = INCLUDE.match(line)
        if not match:
            lines.append(line)
            continue
        included = find(match.group(1), directories)
        # abi.h is included in three branches of the dialect; only the first, OpenCL's, counts.
        if included not in seen:
            seen.add(included)
            flatten(included, directories, seen, lines)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    source, output, *directories = map(pathlib.Path, sys.argv[1:])
    lines = []
    flatten(source, directories, set(), lines)
    output.write_text('\n'.join(lines) + '\n')


main()
