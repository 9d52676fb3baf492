#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Does each PTX file claim the version that its instructions need? What the compiler copies from inline assembly it
does not check, and a driver refuses a file that claims too little. Arguments: the files."""

import re
import sys

# From the "PTX ISA Notes" of each instruction.
NEEDED = {
    r"\.L2::(64|128)B": (7, 4),
    r"\.L2::256B": (7, 4),
    r"mma\.sync\.\S*\.b1\.b1\.\S*\.and\.popc": (7, 1),
    r"cp\.async\.": (7, 0),
    r"vote\.sync\.|bar\.warp\.sync": (6, 0),
}


def main():
    failures = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        claimed = tuple(int(part) for part in re.search(r"^\.version (\d+)\.(\d+)", text, re.M).groups())
        for pattern, needed in NEEDED.items():
            if re.search(pattern, text) and claimed < needed:
                print(f"{path}: version {claimed[0]}.{claimed[1]}, but '{pattern}' needs {needed[0]}.{needed[1]}")
                failures += 1
    print(f"{len(sys.argv) - 1} files")
    return failures or len(sys.argv) < 2


sys.exit(bool(main()))
