#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# What Nsight Compute says of each kernel of vramfs on an NVIDIA GPU, as one table: duration, and how much of the
# device's memory, second-level cache, tensor cores and other pipes it used. The kernels run in `vramfs profile
# encoders`, `decoder` and `pipeline`; of each a few launches are looked at, behind those that warm up.
#
#	bench/profile-kernels.sh BUILD
#
# BUILD is the build directory. docs/profiling.md says how to read the table.
#
#	DEVICE, SIZE	where (cuda:0) and how large a region (1G; before each pass ncu saves what a kernel may write)
#	CODE		the code (rs136)
#	LAUNCHES	of each kernel (3)
#	RESULTS		folder in which ncu's own output stays, a CSV for each kernel (none: it is removed)
#	VRAMFS_KERNELS	tables or portable: profile kernels that do without tensor cores
set -euo pipefail

DEVICE=${DEVICE:-cuda:0}
SIZE=${SIZE:-1G}
CODE=${CODE:-rs136}
LAUNCHES=${LAUNCHES:-3}
here=$(cd "$(dirname "$0")" && pwd)

fail() {
	echo "profile-kernels: $*" >&2
	exit 1
}

if [ $# -ne 1 ]; then
	echo "usage: bench/profile-kernels.sh BUILD    (the build directory)" >&2
	exit 2
fi
vramfs=$1/src/cli/vramfs
[ -x "$vramfs" ] || fail "$vramfs is not there: build vramfs first (meson setup $1; ninja -C $1)"
command -v ncu >/dev/null ||
	fail "ncu is not found: install NVIDIA Nsight Compute, or put its folder on PATH (CUDA has it in its bin)"

work=$(mktemp -d "${TMPDIR:-/tmp}/vramfs-profile.XXXXXX")
trap 'rm -rf "$work"' EXIT
results=${RESULTS:-$work}
mkdir -p "$results"
metrics=$(python3 "$here/profile-kernels-table.py" --metrics)

# profile KERNEL SUBJECT: look at some of the kernel's launches, behind the first ones
profile() {
	local csv=$results/$1.csv

	echo "profile-kernels: $1 in 'vramfs profile $2'" >&2
	if ! LC_ALL=C ncu --csv --print-units base --clock-control none --metrics "$metrics" --kernel-name "vramfs_$1" \
		--launch-skip 8 --launch-count "$LAUNCHES" --log-file "$csv" \
		"$vramfs" profile "$2" --device "$DEVICE" --size "$SIZE" --ecc "$CODE" --seconds 3 >"$work/said" 2>&1; then
		cat "$work/said" >&2
		grep -h '^==ERROR==' "$csv" >&2 || true
		fail "ncu failed for $1; where it says ERR_NVGPUCTRPERM, it may not read the counters: run this as root"
	fi
	files+=("$csv")
}

files=()
for kernel in encode verify refresh; do
	profile $kernel encoders
done
for kernel in inject correct; do
	profile $kernel decoder
done
for kernel in write read; do
	profile $kernel pipeline
done
python3 "$here/profile-kernels-table.py" "${files[@]}"
