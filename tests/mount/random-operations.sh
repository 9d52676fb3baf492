#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# Random operations of eight threads, checked against a model, while bytes are flipped on the device: first with
# space for everything, then where there is none any more at any time. Nothing is lost, and everything comes back.
#
# From the environment, beside what lib.sh takes:
#	RANDOM_OPERATIONS	the program that does them
#	VRAMFS_TEST_SECONDS	how long
#	VRAMFS_TEST_SEED	of the operations; another one each time if unset
#	VRAMFS_TEST_ECC		the code
. "$(dirname "$0")/lib.sh"
requires setfattr getfattr

seconds=${VRAMFS_TEST_SECONDS:-30}
seed=${VRAMFS_TEST_SEED:-$(date +%s)}
options=(--ecc="${VRAMFS_TEST_ECC:-rs136}")
# What the kernel's cache is known for, the tester has to bear with.
cached=(--cached)
[ "${VRAMFS_TEST_CACHE:-}" != none ] || cached=()
# The daemon's memory may grow by so much from a short run to a long one.
growth_kib=16384

free_now() {
	stat --file-system --format '%f blocks and %d inodes are free' "$mnt"
}

resident_kib() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon/status"
}

corrected_lines() {
	local count sum=0

	for count in 1 2 3 4; do
		sum=$((sum + $(stat_of "corrected_$count")))
	done
	echo "$sum"
}

# Flip up to four bytes of a line, at once or one after another, and then repair all that nobody has used
# meanwhile, so that no line ever has more wrong bytes than the code corrects.
start_flips() {
	: >"$work/storm"
	(
		RANDOM=$((seed % 32768))
		while [ -e "$work/storm" ]; do
			rounds=("4" "3" "2 2" "1 1 1 1" "1 3")
			for errors in ${rounds[RANDOM % 5]}; do
				inject "$errors" $((4 + RANDOM % 60)) "$RANDOM"
				sleep "0.$((1 + RANDOM % 3))"
			done
			sweep correct >/dev/null
		done
	) &
	storm=$!
}

# run SECONDS OPTION...: then, nothing is left.
run() {
	local before deadline

	before=$(free_now)
	"$RANDOM_OPERATIONS" "$mnt" --seed "$seed" "${cached[@]}" --seconds "$@" || fail "random operations"
	deadline=$((SECONDS + 20))
	until [ "$(free_now)" = "$before" ]; do
		[ "$SECONDS" -lt "$deadline" ] || fail "before: $before; after all was removed: $(free_now)"
		sleep 0.1
	done
}

expect_repairs() {
	local lost corrected failed

	stop_storm
	failed=$(stat_of failed_jobs)
	[ "$failed" -eq 0 ] || fail "$failed jobs failed"
	lost=$(stat_of lost)
	[ "$lost" -eq 0 ] || fail "$lost lines were lost"
	corrected=$(corrected_lines)
	[ "$corrected" -gt 0 ] || fail "no line was corrected"
	echo "$corrected damaged lines were corrected"
}

mount_vramfs 64M "${options[@]}"
start_flips
run 3
resident=$(resident_kib)
run "$seconds"
expect_repairs
growth=$(($(resident_kib) - resident))
echo "the daemon grew by $growth KiB"
[ "$growth" -le "$growth_kib" ] || fail "that is more than $growth_kib KiB"
unmount_vramfs

mount_vramfs 12M "${options[@]}"
start_flips
run $((seconds / 4 + 1)) --scarce
expect_repairs
unmount_vramfs
