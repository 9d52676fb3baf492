# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# What the scripts of a bundle (see make-bundle.sh) share. From the environment:
#
#	DEVICE		what to run on; cuda:0 if unset
#	RESULTS		where logs and figures go; BUNDLE/results if unset
#	JOBS		tests at a time; 4 if unset
set -u

BUNDLE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export BUNDLE
DEVICE=${DEVICE:-cuda:0}
RESULTS=${RESULTS:-$BUNDLE/results}
JOBS=${JOBS:-4}
mkdir -p "$RESULTS" || exit 1

for part in build tools; do
	[ -d "$BUNDLE/$part" ] || tar -C "$BUNDLE" -xJf "$BUNDLE/$part.tar.xz" ||
		python3 -m tarfile -e "$BUNDLE/$part.tar.xz" "$BUNDLE" || exit 1
done
# The host's own tools come first; ours fill the gaps.
PATH=$PATH:$BUNDLE/tools/bin
export PATH

# reason_of NAME: the last line that a test wrote
reason_of() {
	grep -v '^ *$' "$RESULTS/$1.log" | tail -n 1
}

# run_case CASE: one script of cases/; its log and its exit status go to $RESULTS, a line to the terminal
run_case() {
	local name status=0 began=$SECONDS
	name=$(basename "$1" .sh)
	(sh "$1" </dev/null) >"$RESULTS/$name.log" 2>&1 || status=$?
	echo "$status" >"$RESULTS/$name.status"
	case $status in
	0) echo "passed   $name ($((SECONDS - began)) s)" ;;
	77) echo "skipped  $name: $(reason_of "$name")" ;;
	*) echo "FAILED   $name (status $status)" ;;
	esac
}

# run_cases CASE...: run them all, print how each went and the sums; fails if one failed or none passed
run_cases() {
	local passed=0 failed=0 skipped=0 case name status

	# Tests open the device many times, which takes the longer the more channels are asked for.
	export CUDA_DEVICE_MAX_CONNECTIONS=${CUDA_DEVICE_MAX_CONNECTIONS:-8}
	export VRAMFS_TEST_DEVICE=$DEVICE RESULTS
	export VRAMFS_TEST_WRAPPER=${VRAMFS_TEST_WRAPPER:-} VRAMFS_TEST_PATIENCE=${VRAMFS_TEST_PATIENCE:-1}
	export -f run_case reason_of
	for case in "$@"; do
		rm -f "$RESULTS/$(basename "$case" .sh).status"
	done
	printf '%s\0' "$@" | xargs -0 -n 1 -P "$JOBS" bash -c 'run_case "$0"'
	for case in "$@"; do
		name=$(basename "$case" .sh)
		status=$(cat "$RESULTS/$name.status" 2>/dev/null || echo none)
		case $status in
		0) passed=$((passed + 1)) ;;
		77) skipped=$((skipped + 1)) ;;
		*)
			failed=$((failed + 1))
			echo "--- $name ended with status $status; the end of its log:"
			tail -n 15 "$RESULTS/$name.log" | cut -c 1-300 | sed 's/^/    /'
			;;
		esac
	done
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
