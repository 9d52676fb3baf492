#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# The C files look as .clang-format says. Versions of clang-format differ in details, so there is one that counts.
set -euo pipefail

version=14
root=$1
tool=$(command -v "clang-format-$version" || command -v clang-format || true)
if [ -z "$tool" ] || ! "$tool" --version | grep -q "version $version\."; then
	echo "clang-format $version is not installed, and other versions format differently"
	exit 77
fi
cd "$root"
find src tests bench -name '*.[ch]' -print0 | xargs -0 "$tool" --dry-run -Werror --style=file
