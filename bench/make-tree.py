#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Write a tar archive of a made-up source tree to standard output, the same for the same arguments.

	make-tree.py [--files N] [--seed N]

N is 70000 unless given. Directories are one for 15 files, up to nine deep, most of them three to five. Sizes
are log-normal with a median of 5 KiB and a mean of 17 KiB, so a few files have some MiB. The contents are lines
of made-up code, no two files alike. That is about the shape of the Linux kernel's source.
"""

import argparse
import io
import math
import random
import sys
import tarfile

MEDIAN_BYTES = 5 << 10
MEAN_BYTES = 17 << 10
MOST_BYTES = 24 << 20
FILES_OF_A_DIRECTORY = 15
# How many in a hundred directories are one, two ... nine levels below the root.
DEPTHS = [1, 12, 32, 30, 15, 6, 2, 1, 1]
SYLLABLES = "ab ad al an ar as at ba be bo ca ch co da de di do el en er ex fi fo ga ge go ha he hi in io ka ke "
SYLLABLES += "la le li lo ma me mi mo na ne no ob of on or pa pe pi po qu ra re ri ro sa se si so ta te ti to un us"
SYLLABLES = SYLLABLES.split()
ENDINGS = [".c"] * 48 + [".h"] * 34 + [".rst", ".dts", ".S", ".py", ".txt", ".yaml", ".json"] * 2 + [".o.d"] * 4
MTIME = 1_700_000_000


def word(generator, most=4):
    return "".join(generator.choices(SYLLABLES, k=generator.randint(2, most)))


def unused(generator, taken, ending=""):
    """A name that is not in TAKEN, where it is then."""
    name = word(generator) + ending
    while name in taken:
        name = f"{word(generator)}-{word(generator, 3)}{ending}"
    taken.add(name)
    return name


def make_directories(generator, count):
    """Paths of COUNT directories, parents first, and for each the names in it."""
    levels = [["."]] + [[] for _ in DEPTHS]
    names = {".": set()}
    depths = generator.choices(range(1, len(DEPTHS) + 1), weights=DEPTHS, k=count)
    for depth in depths:
        while not levels[depth - 1]:
            depth -= 1
        parent = generator.choice(levels[depth - 1])
        path = f"{parent}/{unused(generator, names[parent])}"
        levels[depth].append(path)
        names[path] = set()
    return names


def make_text(generator, size):
    """SIZE bytes of lines that look like code, as the stock from which files are cut."""
    words = [word(generator) for _ in range(4000)]
    lines = []
    length = 0
    while length < size:
        indent = "\t" * generator.choices([0, 1, 2, 3], weights=[2, 5, 3, 1])[0]
        left, middle, right = generator.choices(words, k=3)
        line = generator.choice(
            (
                f"{left}->{middle} = {right};",
                f"if ({left} < {middle}({right}))",
                f"{left}_{middle}({right}, {generator.randint(0, 4096)});",
                f"/* {left} {middle} {right} */",
                "}",
                "",
            )
        )
        lines.append(indent + line + "\n")
        length += len(lines[-1])
    return "".join(lines).encode()


def contents(generator, path, stock):
    sigma = math.sqrt(2 * math.log(MEAN_BYTES / MEDIAN_BYTES))
    size = min(MOST_BYTES, int(generator.lognormvariate(math.log(MEDIAN_BYTES), sigma)))
    head = f"/* {path} */\n".encode()
    pieces = [head]
    length = len(head)
    while length < size:
        begin = generator.randrange(len(stock))
        piece = stock[begin : begin + size - length]
        pieces.append(piece)
        length += len(piece)
    return b"".join(pieces)[:size]


def entry(path, kind, mode):
    info = tarfile.TarInfo(path)
    info.type = kind
    info.mode = mode
    info.mtime = MTIME
    return info


def write_tree(out, count, seed):
    generator = random.Random(seed)
    names = make_directories(generator, max(1, count // FILES_OF_A_DIRECTORY))
    paths = list(names)
    # A few directories are crowded, many hold next to nothing.
    weights = [generator.lognormvariate(0, 1.2) for _ in paths]
    files = {path: [] for path in paths}
    for path in generator.choices(paths, weights=weights, k=count):
        files[path].append(unused(generator, names[path], generator.choice(ENDINGS)))
    stock = make_text(generator, 4 << 20)
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.USTAR_FORMAT, bufsize=1 << 20) as archive:
        for path in sorted(paths):
            archive.addfile(entry(path, tarfile.DIRTYPE, 0o755))
            for name in sorted(files[path]):
                data = contents(generator, f"{path}/{name}", stock)
                info = entry(f"{path}/{name}", tarfile.REGTYPE, 0o755 if name.endswith(".py") else 0o644)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))


def main():
    parser = argparse.ArgumentParser(description="Write a made-up source tree as a tar archive.")
    parser.add_argument("--files", type=int, default=70000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.files < 1:
        parser.error("there must be a file")
    if sys.stdout.isatty():
        parser.error("a terminal can't take a tar archive; redirect it")
    write_tree(sys.stdout.buffer, arguments.files, arguments.seed)


if __name__ == "__main__":
    main()
