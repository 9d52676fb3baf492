#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# Runs the tests that use a device on a GPU:
#
#	run-gpu-tests.sh [SUITE | NAME-OF-A-TEST]...
#
# Prints a line a test and last 'N passed, N failed, N skipped'. DEVICE, RESULTS and JOBS: see common.sh.
. "$(dirname "$0")/common.sh"

cases=()
for case in "$BUNDLE"/cases/*/*.sh; do
	suite=$(basename "$(dirname "$case")")
	name=$(basename "$case" .sh)
	case " $* " in
	"  " | *" $suite "* | *" $name "*) cases+=("$case") ;;
	esac
done
[ ${#cases[@]} -gt 0 ] || {
	echo "run-gpu-tests: no test or suite is called: $*" >&2
	exit 2
}
"$BUNDLE/bin/vramfs" devices || exit 1
run_cases "${cases[@]}"
