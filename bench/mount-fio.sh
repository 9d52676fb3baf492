#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# How fast is a mount, beside a tmpfs in the same run? fio with psync and O_DIRECT, one file a job; each case
# runs on one and then at once on the other. Prints one table; --keep keeps fio's own output.
set -euo pipefail

usage() {
	cat <<'END'
usage: bench/mount-fio.sh [OPTION...] PROGRAM
  --device DEVICE    what to mount on (auto)
  --ecc CODE         rs136, rs128 or none (rs136)
  --seconds N        how long each case runs (3)
  --file-size SIZE   of the one file that each job has (64m)
  --jobs LIST        numbers of jobs (1,4,16)
  --keep DIR         keep fio's JSON there
END
}

device=auto
code=rs136
seconds=3
file_size=64m
jobs=1,4,16
keep=
program=
while [ $# -gt 0 ]; do
	case $1 in
	--help)
		usage
		exit 0
		;;
	--device | --ecc | --seconds | --file-size | --jobs | --keep)
		if [ $# -lt 2 ]; then
			echo "mount-fio: $1 needs a value" >&2
			exit 2
		fi
		case $1 in
		--device) device=$2 ;;
		--ecc) code=$2 ;;
		--seconds) seconds=$2 ;;
		--file-size) file_size=$2 ;;
		--jobs) jobs=$2 ;;
		--keep) keep=$2 ;;
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
if [ "$(id -u)" -ne 0 ] || ! command -v fio >/dev/null; then
	echo "mount-fio: needs root and fio" >&2
	exit 1
fi

tables=$(dirname "$0")/mount-fio-table.py
work=$(mktemp -d "${TMPDIR:-/tmp}/vramfs-bench.XXXXXX")
results=${keep:-$work/results}
mkdir -p "$work/vramfs" "$work/tmpfs" "$results"
finish() {
	status=$?
	for mounted in vramfs tmpfs; do
		! mountpoint -q "$work/$mounted" || umount "$work/$mounted" || umount -l "$work/$mounted"
	done
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT

most_jobs=$(tr ',' '\n' <<<"$jobs" | sort -n | tail -n 1)
file_bytes=$(numfmt --from=iec "${file_size^^}")
# Room for the files, their parity and a little more.
room=$((file_bytes * most_jobs * 5 / 4 + (64 << 20)))
"$program" mount --device "$device" --ecc="$code" --size "$room" "$work/vramfs"
mount -t tmpfs -o "size=$room" tmpfs "$work/tmpfs"

# tmpfs knows O_DIRECT since Linux 6.6; before, it is measured buffered, which for it is the same path.
declare -A direct=([vramfs]=1 [tmpfs]=1)
if ! dd if=/dev/zero of="$work/tmpfs/probe" bs=4k count=1 oflag=direct status=none 2>/dev/null; then
	direct[tmpfs]=0
fi
rm -f "$work/tmpfs/probe"

run_fio() { # FILESYSTEM OUTPUT OPTION...
	local filesystem=$1 output=$2
	shift 2
	fio --name=case --directory="$work/$filesystem" --filename_format='file.$jobnum' --size="$file_size" \
		--ioengine=psync --direct="${direct[$filesystem]}" --fallocate=none --overwrite=1 \
		--group_reporting --output-format=json --output="$output" "$@"
}

# Every file is written whole before anything is measured, so that no case meets holes.
for filesystem in vramfs tmpfs; do
	run_fio "$filesystem" "$work/layout.json" --rw=write --bs=1m --numjobs="$most_jobs"
done

for block in 1m 4k; do
	for pattern in read write randread randwrite; do
		for count in ${jobs//,/ }; do
			for filesystem in vramfs tmpfs; do
				run_fio "$filesystem" "$results/$block-$pattern-$count-$filesystem.json" --rw="$pattern" \
					--bs="$block" --numjobs="$count" --time_based --runtime="$seconds" --norandommap
			done
		done
	done
done

echo
echo "vramfs on $(findmnt -no SOURCE "$work/vramfs"), $code; Linux $(uname -r), $(nproc) processors;" \
	"$(fio --version), psync, O_DIRECT (tmpfs: $([ "${direct[tmpfs]}" = 1 ] && echo O_DIRECT || echo buffered))," \
	"$seconds s a case, files of $file_size; $(date +%F)"
echo
python3 "$tables" "$results"
