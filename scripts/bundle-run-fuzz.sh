#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# Runs the fuzzer of the kernels on an NVIDIA GPU, with each variant of them that it can run, for $FUZZ_SECONDS
# in all (480 if unset). Its output is printed, and stays in $RESULTS. DEVICE and RESULTS: see common.sh. To do a
# job again that went wrong, it prints what to run.
. "$(dirname "$0")/common.sh"

variants=(tensor tables portable original)
export VRAMFS_TEST_DEVICE=$DEVICE VRAMFS_TEST_SECONDS=$((${FUZZ_SECONDS:-480} / ${#variants[@]}))
passed=0 failed=0
for VRAMFS_KERNELS in "${variants[@]}"; do
	export VRAMFS_KERNELS
	echo "=== $VRAMFS_KERNELS ==="
	status=0
	"$BUNDLE/build/tests/kernels/test-kernels-random-jobs" >"$RESULTS/fuzz-$VRAMFS_KERNELS.log" 2>&1 || status=$?
	cat "$RESULTS/fuzz-$VRAMFS_KERNELS.log"
	case $status in
	0) passed=$((passed + 1)) ;;
	77) ;;
	*) failed=$((failed + 1)) ;;
	esac
done
echo "$passed passed, $failed failed, $((${#variants[@]} - passed - failed)) skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
