#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Holds src/ to the rule of who may include whom (docs/architecture.md).

	layer-rule.py SOURCE_ROOT

A layer may include itself and what MAY_INCLUDE grants it: a layer, or one header of it. What belongs to
one layer alone (GPU drivers, the FUSE protocol) may be named nowhere else. The checks are first tried on
small offenders made up here, so that a rule that no longer bites fails the test too.
"""

import os
import re
import sys

MAY_INCLUDE = {
    "base": set(),
    "rs": {"base"},
    "kernels": set(),
    "device": {"base", "rs", "kernels"},
    "store": {"base", "rs", "device", "kernels/abi.h"},
    "fs": {"base", "store"},
    "fuse": {"base", "fs"},
    "cli": {"base", "rs", "kernels", "device", "store", "fs", "fuse"},
}

# Headers that the build makes and that are included by their bare name, with the layer that may do so.
GENERATED = {"kernels-opencl.h": "device", "kernels-ptx.h": "device", "kernels-tables-ptx.h": "device",
             "kernels-tables-70-ptx.h": "device", "kernels-tensor-ptx.h": "device"}

# Device code must compile where there is no libc: only what every freestanding compiler has, intrinsics among it.
FREESTANDING = {"immintrin.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h"}

# What is one layer's secret: a pattern over the code (comments taken out), and the layer.
SECRETS = [
    (re.compile(r"#\s*include\s*<CL/"), "device", "OpenCL's headers"),
    (re.compile(r"#\s*include\s*<cuda"), "device", "CUDA's headers"),
    (re.compile(r"\bcl_(mem|context|command_queue|kernel|program|device_id|platform_id)\b"),
     "device", "OpenCL's types"),
    (re.compile(r"\bCU(deviceptr|stream|event|result|context|module|function|device)\b"),
     "device", "CUDA's types"),
    (re.compile(r"libcuda\.so|libOpenCL\.so"), "device", "a GPU driver's library"),
    (re.compile(r"NVTX_INJECTION|InitializeInjectionNvtx"), "base", "how a profiler attaches"),
    (re.compile(r"#\s*include\s*<linux/fuse\.h>"), "fuse", "the FUSE protocol's header"),
    (re.compile(r"\bfuse_(in|out)_header\b|\bFUSE_(INIT|LOOKUP|READ|WRITE)\b"),
     "fuse", "the FUSE protocol"),
    (re.compile(r"/dev/fuse"), "fuse", "the FUSE device"),
]

# The front end explains errors to people, and may name in a message what it may not use.
MESSAGES_MAY_NAME = {"a GPU driver's library", "the FUSE device"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def check_include(layer, own_directory, bracket, header):
    """What is wrong with layer's including header, or None."""
    if bracket == "<":
        if layer == "kernels" and header not in FREESTANDING:
            return f"device code may not include <{header}>"
        return None
    if "/" not in header:
        if header in GENERATED:
            return None if GENERATED[header] == layer else f'"{header}" is for src/{GENERATED[header]}'
        return f'"{header}" lacks its layer: write "{layer}/{header}"'
    target = header.split("/")[0]
    if target == layer or header.startswith(own_directory + "/"):
        return None
    if target not in MAY_INCLUDE:
        return f'"{header}" is of no layer'
    if target in MAY_INCLUDE[layer] or header in MAY_INCLUDE[layer]:
        return None
    return f'{layer} may not include "{header}"'


def check_text(path, text):
    """The offences in the file at PATH, which is relative to src/."""
    layer = path.split("/")[0]
    if layer not in MAY_INCLUDE:
        return [f"{path}: src/{layer} is no layer that this test knows"]
    code = COMMENT.sub(" ", text)
    found = []
    for bracket, header in INCLUDE.findall(code):
        wrong = check_include(layer, os.path.dirname(path), bracket, header)
        if wrong:
            found.append(f"{path}: {wrong}")
    for pattern, owner, what in SECRETS:
        if layer == "cli" and what in MESSAGES_MAY_NAME:
            continue
        if layer != owner and pattern.search(code):
            found.append(f"{path}: {what} may be named in src/{owner} only")
    return found


OFFENDERS = [
    ("base/x.c", '#include "rs/rs.h"'),
    ("kernels/x.h", "#include <stdio.h>"),
    ("kernels/x.h", '#include "base/err.h"'),
    ("store/x.c", '#include "kernels/native.h"'),
    ("fs/x.h", '#include "fuse/fuse.h"'),
    ("fs/x.c", '#include "device/device.h"'),
    ("fuse/x.c", '#include "store/job.h"'),
    ("store/x.c", "#include <CL/cl.h>"),
    ("store/x.c", "CUstream stream;"),
    ("device/x.c", 'getenv("NVTX_INJECTION64_PATH");'),
    ("fs/x.c", "struct fuse_in_header *header;"),
    ("cli/x.c", "#include <linux/fuse.h>"),
    ("store/x.c", '#include "job.h"'),
    ("elsewhere/x.c", ""),
]
INNOCENT = [
    ("base/x.c", '/* #include "rs/rs.h" */ #include "base/err.h"'),
    ("store/x.c", '#include "kernels/abi.h"\n#include <string.h>'),
    ("device/x.c", "#include <CL/cl.h>\nCUstream stream;"),
    ("device/x.c", '#include "base/trace.h"'),
    ("fuse/x.c", "#include <linux/fuse.h>"),
    ("cli/x.c", '#include "fuse/fuse.h"\n#include "device/device.h"'),
]


def main():
    root = os.path.join(sys.argv[1], "src")
    offences = []
    for path, text in OFFENDERS:
        if not check_text(path, text):
            offences.append(f"this test no longer catches {text!r} in {path}")
    for path, text in INNOCENT:
        if check_text(path, text):
            offences.append(f"this test blames {text!r} in {path}")

    files = 0
    for directory, _, names in os.walk(root):
        for name in sorted(names):
            if not name.endswith((".c", ".h", ".cl", ".cu")):
                continue
            path = os.path.join(directory, name)
            with open(path, encoding="utf-8") as source:
                offences += check_text(os.path.relpath(path, root), source.read())
            files += 1

    for offence in offences:
        print(offence)
    print(f"{files} files, {len(offences)} offences")
    return 1 if offences or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
