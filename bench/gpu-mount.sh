#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# A mount on a GPU: where its bytes are, as nvidia-smi tells it, and then how fast they move (mount-fio.py), drawn
# too (plot-mount.py). Needs root, fio and python3.
#
#	BUILD		the build directory (build)
#	DEVICE, SIZE	what to mount (cuda:0) and how much of it (64G)
#	FILE_SIZE	of each of fio's files (512m)
#	SECONDS_EACH	how long each case of fio takes (1)
#	REPEAT		how often each case runs (3)
#	RESULTS		folder for the figures, as JSON and SVG (.)
set -u

BUILD=${BUILD:-build}
DEVICE=${DEVICE:-cuda:0}
SIZE=${SIZE:-64G}
FILE_SIZE=${FILE_SIZE:-512m}
SECONDS_EACH=${SECONDS_EACH:-1}
REPEAT=${REPEAT:-3}
RESULTS=${RESULTS:-.}
VRAMFS=$BUILD/src/cli/vramfs
here=$(cd "$(dirname "$0")" && pwd)

directory=$(mktemp -d)
finish() {
	! mountpoint -q "$directory" || "$VRAMFS" umount "$directory"
	rmdir "$directory"
}
trap finish EXIT
trap 'exit 130' INT TERM

gpu_memory() {
	echo "GPU memory $1: $(nvidia-smi --query-gpu=name,memory.used,memory.total --format=csv,noheader 2>&1 |
		tr '\n' ';')"
}

gpu_memory "before"
"$VRAMFS" mount --device "$DEVICE" --size "$SIZE" --ecc=rs136 "$directory" || exit 1
gpu_memory "with $SIZE mounted"
dd if=/dev/urandom of="$directory/file" bs=1M count=16 status=none || exit 1
df -h "$directory"
"$VRAMFS" umount "$directory" || exit 1
gpu_memory "after the unmount"
echo
python3 "$here/mount-fio.py" --device "$DEVICE" --file-size "$FILE_SIZE" \
	--seconds "$SECONDS_EACH" --repeat "$REPEAT" \
	--json "$RESULTS/mount.json" "$BUILD" || exit 1
python3 "$here/plot-mount.py" "$RESULTS/mount.json" "$RESULTS/mount.svg"
