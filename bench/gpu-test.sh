#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# `vramfs test` over a large region of a GPU with each code; JSON to $RESULTS, the main figures to the terminal.
#
#	VRAMFS		the program (vramfs)
#	DEVICE, SIZE	what to test (cuda:0) and how much of it (64G)
#	CODES		the codes, in order ("rs136 rs128 none")
#	RESULTS		folder for the figures (.)
set -u

VRAMFS=${VRAMFS:-vramfs}
DEVICE=${DEVICE:-cuda:0}
SIZE=${SIZE:-64G}
CODES=${CODES:-rs136 rs128 none}
RESULTS=${RESULTS:-.}
here=$(cd "$(dirname "$0")" && pwd)

"$VRAMFS" devices || exit 1
status=0
for code in $CODES; do
	file=$RESULTS/vramfs-test-$code.json
	echo
	echo "=== vramfs test --device $DEVICE --size $SIZE --ecc=$code ==="
	if "$VRAMFS" test --device "$DEVICE" --size "$SIZE" --ecc="$code" --json >"$file"; then
		python3 "$here/gpu-test-table.py" "$file"
	else
		echo "FAILED with status $?"
		status=1
	fi
done
exit $status
