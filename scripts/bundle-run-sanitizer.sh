#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# Runs tests under NVIDIA's compute-sanitizer, once for accesses out of bounds and once for races in shared
# memory:
#
#	run-gpu-sanitizer.sh [NAME-OF-A-TEST]...
#
# Without names: all tests of the kernels. A test fails if the sanitizer finds something or if the test does.
# DEVICE, RESULTS and JOBS: see common.sh.
. "$(dirname "$0")/common.sh"

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null) || {
	echo "skipped: compute-sanitizer is not on this machine"
	exit 77
}
cases=()
for case in "$BUNDLE"/cases/*/*.sh; do
	suite=$(basename "$(dirname "$case")")
	name=$(basename "$case" .sh)
	case " $* " in
	"  ") [ "$suite" != kernels ] || cases+=("$case") ;;
	*" $name "*) cases+=("$case") ;;
	esac
done
[ ${#cases[@]} -gt 0 ] || {
	echo "run-gpu-sanitizer: no test is called: $*" >&2
	exit 2
}

base=$RESULTS
found=0
for tool in memcheck racecheck; do
	echo "=== $tool ==="
	RESULTS=$base/$tool
	mkdir -p "$RESULTS"
	export VRAMFS_TEST_PATIENCE=4
	export VRAMFS_TEST_WRAPPER="$sanitizer --tool $tool --error-exitcode 99 --target-processes all"
	run_cases "${cases[@]}" || found=1
done
exit $found
