#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# The tester tested: a filesystem of the kernel's own passes, one in which a byte changes behind the
# tester's back does not, and the same seed makes each thread do the same.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/random-operations.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
	echo "FAILED: $*"
	exit 1
}

# random_operations ARGUMENT...: on a directory of its own; what it says goes to $work/output.
random_operations() {
	rm -rf "$work/files"
	mkdir "$work/files"
	"$RANDOM_OPERATIONS" "$work/files" "$@" >"$work/output" 2>&1
}

random_operations --seed 1 --seconds 5 || fail "a good filesystem fails: $(cat "$work/output")"
[ -z "$(ls -A "$work/files")" ] || fail "files are left"

# Several, since a changed byte may be overwritten before anybody reads it.
caught=0
for seed in 1 2 3 4 5 6 7 8; do
	status=0
	random_operations --seed "$seed" --threads 2 --ops 2000 --corrupt-at 300 || status=$?
	[ "$status" -ne 0 ] || continue
	[ "$status" -eq 1 ] || fail "status $status: $(cat "$work/output")"
	grep -q '^FAILED: operation [0-9]* of worker 0' "$work/output" || fail "no report of a changed byte"
	grep -q '^1 bytes are wrong' "$work/output" || fail "not that byte: $(cat "$work/output")"
	grep -q -- "--seed $seed --threads 2" "$work/output" || fail "it does not say how to do that again"
	[ -n "$(ls -A "$work/files")" ] || fail "the files are gone"
	caught=$((caught + 1))
done
echo "$caught of 8 changed bytes were caught"
[ "$caught" -ge 4 ] || fail "changed bytes are not seen"

# The order in which threads come to their operations is not the same, but theirs are.
for run in first second; do
	random_operations --seed 9 --ops 500 --log "$work/$run" || fail "$(cat "$work/output")"
	sort -s -t : -k 1,1n "$work/$run" >"$work/$run.sorted"
done
cmp "$work/first.sorted" "$work/second.sorted" || fail "the same seed made other operations"
