#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Write one script for every test that uses a device, and copy what it needs; see make-bundle.sh.

	scripts/bundle-cases.py SOURCE BUILD OUTDIR

A test uses a device if Meson knows the same test under its name and "-opencl" too, or if it names a CUDA device. Files of the build and of
the source that its command or its environment name go to OUTDIR/build and OUTDIR/source; the scripts find them
through $BUNDLE. Each becomes OUTDIR/cases/SUITE/NAME.sh.
"""

import json
import os
import shutil
import subprocess
import sys

OPENCL_SUFFIX = "-opencl"
# Wanted whether or not a test names them.
PROGRAMS = (
    "src/cli/vramfs",
    "bench/empty-server",
    "bench/launch-latency",
    "bench/bus-throughput",
    "bench/metadata",
    "bench/metadata-fs",
    "bench/pool-latency",
    "bench/vramfs-original",
)


def quote(text):
    """TEXT in double quotes for sh, with $BUNDLE still to be expanded."""
    for character in "\\\"`":
        text = text.replace(character, "\\" + character)
    return '"' + text.replace("$", "\\$").replace("\\$BUNDLE", "$BUNDLE") + '"'


class Bundle:
    def __init__(self, source, build, out):
        # The build may lie inside the source, so it comes first.
        self.roots = [(build, "build"), (source, "source")]
        self.out = out

    def copy(self, root, name, relative):
        path = os.path.join(root, relative)
        target = os.path.join(self.out, name, relative)
        if os.path.isfile(path) and not os.path.exists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(path, target)

    def move(self, text):
        """TEXT of a command or a variable with its paths moved into the bundle, quoted."""
        # Meson names files of the source from the build directory, where tests run.
        from_build = os.path.normpath(os.path.join(self.roots[0][0], text))
        if "/" in text and os.path.exists(from_build):
            text = from_build
        for root, name in self.roots:
            if text == root or text.startswith(root + "/"):
                self.copy(root, name, os.path.relpath(text, root))
            text = text.replace(root, f"$BUNDLE/{name}")
        return quote(text)

    def write_case(self, test):
        suite = test["suite"][0].split(":")[-1] if test["suite"] else "other"
        program = test["cmd"][0]
        if not any(program.startswith(root + "/") for root, _ in self.roots):
            program = os.path.basename(program)  # bash, python3: the host's own
        command = [program] + test["cmd"][1:]
        lines = [
            "#!/bin/sh",
            f"# {test['name']}: run by run-gpu-tests.sh, which sets BUNDLE, VRAMFS_TEST_DEVICE and more",
            'cd "$BUNDLE/build" || exit 1',
        ]
        for variable, value in sorted(test["env"].items()):
            if variable != "VRAMFS_TEST_DEVICE":
                lines.append(f"export {variable}={self.move(value)}")
        limit = test["timeout"] or 30
        lines.append(
            f"exec timeout -k 10 $(({limit} * VRAMFS_TEST_PATIENCE)) $VRAMFS_TEST_WRAPPER "
            + " ".join(self.move(part) for part in command)
        )
        path = os.path.join(self.out, "cases", suite, test["name"].replace("/", "-") + ".sh")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as case:
            case.write("\n".join(lines) + "\n")


def main():
    source, build, out = (os.path.realpath(path) for path in sys.argv[1:4])
    listing = subprocess.run(
        ["meson", "introspect", "--tests", build], check=True, capture_output=True, text=True
    )
    tests = json.loads(listing.stdout)
    names = {test["name"] for test in tests}
    bundle = Bundle(source, build, out)
    for program in PROGRAMS:
        bundle.copy(build, "build", program)
    # Scripts source and call each other without Meson knowing.
    for folder in ("tests", "bench"):
        shutil.copytree(
            os.path.join(source, folder),
            os.path.join(out, "source", folder),
            ignore=shutil.ignore_patterns("*.c", "*.h", "meson.build", "__pycache__"),
        )
    for test in tests:
        on_cuda = test["env"].get("VRAMFS_TEST_DEVICE", "").startswith("cuda")
        if on_cuda or test["name"] + OPENCL_SUFFIX in names:
            bundle.write_case(test)


if __name__ == "__main__":
    main()
