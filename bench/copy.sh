#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# How fast `cp` of a big file is within one mount, beside the same in a tmpfs and beside reading the file and
# writing it again. cp asks for it with copy_file_range(2), which vramfs does on the device; a tmpfs copies by
# the processor. Prints one table, best of three. Needs root and host memory for two files.
set -euo pipefail

usage() {
	cat <<'END'
usage: bench/copy.sh [OPTION...] PROGRAM
  --device DEVICE    what to mount on (auto)
  --ecc CODE         rs136, rs128 or none (rs136)
  --megabytes N      size of the file in MiB (4096)
END
}

device=auto
code=rs136
megabytes=4096
program=
while [ $# -gt 0 ]; do
	case $1 in
	--help)
		usage
		exit 0
		;;
	--device | --ecc | --megabytes)
		if [ $# -lt 2 ]; then
			echo "copy: $1 needs a value" >&2
			exit 2
		fi
		case $1 in
		--device) device=$2 ;;
		--ecc) code=$2 ;;
		--megabytes) megabytes=$2 ;;
		esac
		shift 2
		;;
	-*)
		usage >&2
		exit 2
		;;
	*)
		program=$1
		shift
		;;
	esac
done
if [ -z "$program" ]; then
	usage >&2
	exit 2
fi
if [ "$(id -u)" -ne 0 ] || ! command -v getfattr >/dev/null; then
	echo "copy: needs root and getfattr" >&2
	exit 1
fi

work=$(mktemp -d)
finish() {
	trap - EXIT
	! mountpoint -q "$work/tmpfs" || umount -l "$work/tmpfs"
	! mountpoint -q "$work/vramfs" || "$program" umount "$work/vramfs"
	rmdir "$work/tmpfs" "$work/vramfs" "$work"
}
mkdir "$work/tmpfs" "$work/vramfs"
trap finish EXIT
trap 'exit 130' INT TERM
mount -t tmpfs -o "size=$((megabytes * 2 + 64))M" tmpfs "$work/tmpfs"
"$program" mount --device "$device" --ecc="$code" --size "$((megabytes * 9 / 4 + 64))M" "$work/vramfs"

# bytes_over_the_bus: both ways, since it was mounted.
bytes_over_the_bus() {
	getfattr --absolute-names --only-values -n vramfs.stats "$work/vramfs" |
		awk '$1 == "read_bytes" || $1 == "written_bytes" { sum += $2 } END { printf "%d\n", sum }'
}

# best DIRECTORY COMMAND...: GB/s of the fastest of three times; each begins without the copy.
best() {
	local directory=$1 least="" begin took
	shift

	for _ in 1 2 3; do
		rm -f "$directory/copy"
		begin=$(date +%s%N)
		"$@"
		took=$(($(date +%s%N) - begin))
		[ -n "$least" ] && [ "$least" -le "$took" ] || least=$took
	done
	awk -v bytes=$((megabytes << 20)) -v ns="$least" 'BEGIN { printf "%.2f", bytes / ns }'
}

copy_with_cp() {
	cp "$1/file" "$1/copy"
}

copy_with_dd() {
	dd if="$1/file" of="$1/copy" bs=1M status=none
}

for place in vramfs tmpfs; do
	dd if=/dev/urandom of="$work/$place/file" bs=1M count="$megabytes" status=none
done
before=$(bytes_over_the_bus)
vramfs_cp=$(best "$work/vramfs" copy_with_cp "$work/vramfs")
moved=$(($(bytes_over_the_bus) - before))
cmp "$work/vramfs/file" "$work/vramfs/copy"
vramfs_dd=$(best "$work/vramfs" copy_with_dd "$work/vramfs")
tmpfs_cp=$(best "$work/tmpfs" copy_with_cp "$work/tmpfs")
tmpfs_dd=$(best "$work/tmpfs" copy_with_dd "$work/tmpfs")

echo "| a file of $megabytes MiB, GB/s | vramfs ($device, $code) | tmpfs |"
echo "|---|---|---|"
echo "| cp | $vramfs_cp | $tmpfs_cp |"
echo "| dd bs=1M | $vramfs_dd | $tmpfs_dd |"
echo
echo "cp moved $moved bytes between host and device."
