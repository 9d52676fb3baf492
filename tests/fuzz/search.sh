#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
#	search.sh FUZZER CORPUS [SECONDS]
#
# Looks for inputs that break something, beginning with those in CORPUS, which stays as it is: 45 seconds
# unless told otherwise. What breaks something is kept in the current directory and shown.
set -euo pipefail

fuzzer=$1
corpus=$2
seconds=${3:-45}
found=$(mktemp -d "${TMPDIR:-/tmp}/vramfs-fuzz.XXXXXX")
trap 'rm -rf "$found"' EXIT

if ! "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=1000 -len_control=0 -print_final_stats=1 \
	-artifact_prefix="$PWD/find-" "$found" "$corpus" >"$found.log" 2>&1; then
	tail -n 60 "$found.log"
	rm -f "$found.log"
	echo "to keep it: copy the find-... named above to $corpus under the name of what it shows"
	exit 1
fi
grep -E '^stat::(number_of_executed_units|average_exec)' "$found.log"
grep -E 'DONE' "$found.log" | tail -n 1
rm -f "$found.log"
