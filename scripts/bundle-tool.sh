#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# Starts a program of the bundle with the libraries of the bundle and the host's glibc. It stands as
# tools/bin/NAME for tools/libexec/NAME; git is also started through links of other names, by which it knows
# what it is to do.
name=$(basename "$0")
script=$(readlink -f "$0")
tools=$(dirname "$(dirname "$script")")
program=$tools/libexec/$(basename "$script")
if [ "$(basename "$script")" = git ]; then
	export GIT_EXEC_PATH="$tools/git-core" GIT_TEMPLATE_DIR=
fi
exec /lib64/ld-linux-x86-64.so.2 --library-path "$tools/lib" --argv0 "$name" "$program" "$@"
