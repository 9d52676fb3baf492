#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""What every file of ours has in common.

	sources.py SOURCE_ROOT

Each source file names its licence and its authors at the top, is at most MOST_LINES long, and mentions no
directory of one person's machine; each page of text mentions none either; and relative links between the
pages lead somewhere.
"""

import os
import re
import sys

MOST_LINES = 600

# Longer files, each with the reason why it is better in one piece.
LONGER = {}

SOURCE_ENDINGS = (".c", ".h", ".cl", ".cu", ".py", ".sh")
SOURCE_NAMES = ("Makefile", "meson.build", "meson_options.txt", "run")
TEXT_ENDINGS = (".md", ".1", ".8", ".in")


# Directories below which people and their services keep things; no part of the system has any business there.
PERSONAL = re.compile(r"(?<![\w.$}/~-])/(?:home|root|Users|work|workspace|builds)/")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")


def our_files(root):
    for directory, subdirectories, names in os.walk(root):
        subdirectories[:] = [
            name
            for name in subdirectories
            # What tools keep for themselves begins with a dot or is a cache.
            if (not name.startswith(".") or name == ".ci")
            and name != "__pycache__"
            and not (directory == root and name.startswith("build"))
            # A mounted vramfs, or anything else that is not part of this tree.
            and not os.path.ismount(os.path.join(directory, name))
        ]
        for name in sorted(names):
            if name.endswith(SOURCE_ENDINGS + TEXT_ENDINGS) or name in SOURCE_NAMES:
                yield os.path.join(directory, name)


def check(root, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    name = os.path.relpath(path, root)
    found = []
    is_source = not path.endswith(TEXT_ENDINGS)
    if is_source:
        head = "\n".join(text.split("\n")[:4])
        if "SPDX-License-Identifier: MIT" not in head:
            found.append(f"{name}: no SPDX-License-Identifier in its first lines")
        if path.endswith((".c", ".h", ".py", ".sh")) and "Copyright (c)" not in head:
            found.append(f"{name}: no copyright line in its first lines")
        lines = text.count("\n")
        if lines > MOST_LINES and name not in LONGER:
            found.append(f"{name}: {lines} lines; split it, or give a reason in LONGER of this test")
    for number, line in enumerate(text.split("\n"), 1):
        if PERSONAL.search(line):
            found.append(f"{name}:{number}: a directory of one machine: {line.strip()[:80]}")
    if path.endswith(".md"):
        for target in LINK.findall(text):
            if "://" in target or target.startswith("mailto:"):
                continue
            if not os.path.exists(os.path.join(os.path.dirname(path), target)):
                found.append(f"{name}: the link to {target} leads nowhere")
    return found


def main():
    root = os.path.abspath(sys.argv[1])
    offences = []
    for name in ("home", "root", "work"):
        if not PERSONAL.search(f"see /{name}/notes"):
            offences.append(f"this test no longer catches a path below /{name}")
    files = 0
    for path in our_files(root):
        offences += check(root, path)
        files += 1
    for offence in offences:
        print(offence)
    print(f"{files} files, {len(offences)} offences")
    return 1 if offences or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
