#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# Full load for long: fio writes and checks, large and small, in order and not, one and many requests at a time, while
# bytes are flipped on the device and repaired. Nothing is lost, nothing leaks, and the counters add up.
#
# From the environment, beside what lib.sh takes:
#	VRAMFS_TEST_SECONDS	how long (20)
#	VRAMFS_TEST_ECC		the code
. "$(dirname "$0")/lib.sh"
requires fio setfattr getfattr python3

seconds=${VRAMFS_TEST_SECONDS:-20}
growth_kib=16384
file_size=24m
size=256M
if $slow; then
	file_size=2m
	size=32M
	growth_kib=65536 # a driver's memory comes and goes as it likes
fi
damage=during

# run_fio SECONDS OUTPUT: every file is there, whole, so that all that is written is counted by fio.
run_fio() {
	fio --directory="$mnt" --filename_format='$jobname.$jobnum' --size="$file_size" --overwrite=1 --fallocate=none \
		--verify=crc32c --verify_fatal=1 --verify_dump=0 --verify_state_save=0 \
		--verify_backlog=64 --time_based --runtime="$1" \
		--output-format=json --output="$2" \
		--name=large --rw=randwrite --bs=1m --direct=1 --ioengine=libaio --iodepth=4 \
		--name=small --rw=randwrite --bs=4k --direct=1 --ioengine=psync --numjobs=2 \
		--name=deep --rw=randwrite --bs=16k --direct=1 --ioengine=libaio --iodepth=16 \
		--name=odd --rw=randwrite --bsrange=4k-64k --direct=0 --ioengine=psync >"$work/fio.log" 2>&1 || {
		cat "$work/fio.log"
		fail "fio"
	}
}

# fio_bytes OUTPUT: what its jobs wrote. It may write a warning in front of its JSON.
fio_bytes() {
	python3 - "$1" <<'END'
import json, sys
text = open(sys.argv[1], encoding="utf-8").read()
jobs = json.loads(text[text.index("{"):])["jobs"]
if any(job["error"] for job in jobs):
    sys.exit("fio reports an error")
print(sum(job["write"]["io_bytes"] for job in jobs))
END
}

descriptors() {
	find "/proc/$daemon/fd" -mindepth 1 -maxdepth 1 | wc -l
}

# The daemon's own: the kernel's helpers, which copy for rings, come and go.
threads() {
	cat "/proc/$daemon/task"/*/comm | grep -vc '^iou-wrk-'
}

status_kib() {
	awk -v key="$1:" '$1 == key { print $2 }' "/proc/$daemon/status"
}

mount_vramfs "$size" --ecc="${VRAMFS_TEST_ECC:-rs136}"
start_storm
run_fio 3 "$work/first.json" # makes the files, and lets the daemon grow to its size

descriptors_before=$(descriptors)
threads_before=$(threads)
resident_before=$(status_kib VmRSS)
locked_before=$(status_kib VmLck)
written_before=$(stat_of written_bytes)
run_fio "$seconds" "$work/second.json"
written=$(($(stat_of written_bytes) - written_before))
asked=$(fio_bytes "$work/second.json")
stop_storm

corrected=$(($(stat_of corrected_1) + $(stat_of corrected_2)))
echo "$((asked >> 20)) MiB written and checked in $seconds s, $corrected damaged lines corrected"
[ "$written" -eq "$asked" ] || fail "fio wrote $asked bytes, the counter says $written"
[ "$corrected" -gt 0 ] || fail "nothing was corrected"
for counter in lost failed_jobs; do
	[ "$(stat_of "$counter")" -eq 0 ] || fail "$counter: $(stat_of "$counter")"
done
sweep verify >"$work/swept"
grep -qx 'flagged 0' "$work/swept" || fail "errors are left: $(cat "$work/swept")"
[ "$(descriptors)" -eq "$descriptors_before" ] || fail "$(descriptors) descriptors, before $descriptors_before"
[ "$(threads)" -eq "$threads_before" ] || fail "$(threads) threads, before $threads_before"
grown=$(($(status_kib VmRSS) - resident_before))
echo "resident memory grew by $grown KiB, locked memory by $(($(status_kib VmLck) - locked_before)) KiB"
[ "$grown" -le "$growth_kib" ] || fail "that is more than $growth_kib KiB"
unmount_vramfs
