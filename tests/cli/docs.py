#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""The man pages, --help and the table of exit statuses say the same.

usage: docs.py VRAMFS MAN_DIRECTORY EXIT_H MOUNT_WORDS_C MOUNT_FLAGS_C"""

import os
import pathlib
import re
import shutil
import sys
import tempfile

from common import VERBS, run

vramfs, man, exit_header, mount_words, mount_flags = sys.argv[1:]
problems = []


def check(holds, text):
    if not holds:
        problems.append(text)


def page(name, section=1):
    return (pathlib.Path(man) / f"{name}.{section}").read_text()


def options_of_help(text):
    """{"--size", "-f", ...} from the lines that begin with an option."""
    found = set()
    for line in text.splitlines():
        if re.match(r"  +-", line):
            names = re.split(r"  +(?=[A-Z])", line.strip())[0]
            found.update(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", names))
    return found


def options_of_page(text):
    """The same from the .It lines: "Fl f" is -f and "Fl Fl size" is --size."""
    found = set()
    for line in text.splitlines():
        if line.startswith(".It Fl"):
            found.update(f"--{name}" for name in re.findall(r"Fl Fl ([a-z-]+)", line))
            found.update(f"-{name}" for name in re.findall(r"Fl ([a-z])(?![a-z-])", line))
    return found


# Every verb: help, usage, version, page, and the options of one in the other.
version = run(vramfs, "--version").stdout
check(re.fullmatch(r"vramfs \d+\.\d+\.\d+\n", version), f"--version says {version!r}")
for verb in VERBS:
    shown = run(vramfs, verb, "--help")
    check(shown.returncode == 0 and not shown.stderr, f"{verb} --help fails")
    check(run(vramfs, "help", verb).stdout == shown.stdout, f"help {verb} is not {verb} --help")
    usage = run(vramfs, verb, "--usage")
    check(usage.returncode == 0 and usage.stdout.startswith(f"Usage: vramfs {verb} "),
          f"{verb} --usage says {usage.stdout!r}")
    check(run(vramfs, verb, "--version").stdout == version, f"{verb} --version differs")
    helped, documented = options_of_help(shown.stdout), options_of_page(page(f"vramfs-{verb}"))
    check({"--help", "--usage", "--version"} <= helped, f"{verb} --help lists {helped}")
    check(helped == documented, f"{verb}: --help has {helped - documented} more, the page "
                                f"{documented - helped}")
    synopsis = page(f"vramfs-{verb}").split(".Sh SYNOPSIS")[1].split(".Sh")[0]
    for option in helped - {"--help", "--usage", "--version"}:
        words = f"Fl Fl {option[2:]}" if option.startswith("--") else f"Fl {option[1]}"
        check(re.search(rf"{words}\b", synopsis), f"{verb}: {option} is not in the synopsis")

# The helper of mount(8): likewise.
with tempfile.TemporaryDirectory() as directory:
    helper = os.path.join(directory, "mount.fuse.vramfs")
    os.symlink(os.path.abspath(vramfs), helper)
    shown = run(helper, "--help")
    check(shown.returncode == 0 and not shown.stderr, "mount.fuse.vramfs --help fails")
    helped, documented = options_of_help(shown.stdout), options_of_page(page("mount.fuse.vramfs", 8))
    check(helped == documented, f"mount.fuse.vramfs: --help has {helped - documented} more, the page "
                                f"{documented - helped}")

# The verbs of `vramfs help` and those that vramfs(1) has pages for.
listed = re.findall(r"^  ([a-z]+) ", run(vramfs, "help").stdout, re.M)
check(sorted(listed) == sorted(VERBS + ["help"]), f"vramfs help lists {listed}")
check(run(vramfs, "--help").stdout == run(vramfs, "help").stdout, "--help is not help")
described = set(re.findall(r"^\.Xr vramfs-([a-z]+) 1", page("vramfs"), re.M))
check(described == set(VERBS), f"vramfs(1) refers to {described}")

# Exit statuses.
numbers = re.findall(r"EXIT_[A-Z_]+ = (\d+)", pathlib.Path(exit_header).read_text())
table = page("vramfs").split(".Sh EXIT STATUS")[1].split(".Sh")[0]
check(numbers == re.findall(r"^\.It (\d+)$", table, re.M) and len(numbers) == 8,
      f"exit.h has statuses {numbers}, vramfs(1) others")

# Mount options: every word in the source is in the page, and back.
source = pathlib.Path(mount_words).read_text()
words = set(re.findall(r'^\t\{"([a-z_]+)", (?:offsetof|set_)', source, re.M))
words |= set(re.findall(r'"(allow_[a-z]+)", "', source.split("allowing_words")[1].split("};")[0]))
words |= set(re.findall(r'"([a-z_]+)"', source.split("is_for_others")[1].split("};")[0]))
words |= set(re.findall(r'^\t\{"([a-z]+)", ', pathlib.Path(mount_flags).read_text(), re.M))
words |= {"remount", "x-", "X-"}
section = page("vramfs-mount").split(".Sh MOUNT OPTIONS")[1].split(".Sh")[0]
named = set()
for line in section.splitlines():
    if re.match(r"\.(It )?Cm ", line):
        line = re.sub(r"Ar [a-z]+", "", line)
        named |= set(re.findall(r"(?<![\w-])([a-zX_]+-?)(?![a-z_])", line.split("Cm ", 1)[1]))
check(words == named, f"the source has {words - named} more mount options, the page {named - words}")

# The pages themselves.
if shutil.which("mandoc"):
    for name in ["mount.fuse.vramfs.8", "vramfs.1"] + [f"vramfs-{verb}.1" for verb in VERBS]:
        lint = run("mandoc", "-T", "lint", f"{man}/{name}")
        said = [line for line in lint.stdout.splitlines() + lint.stderr.splitlines()
                if "referenced manual not found" not in line and "mandoc.db" not in line]
        check(not said, "\n".join(said))

print("\n".join(problems) or "the documentation and the program agree")
sys.exit(1 if problems else 0)
