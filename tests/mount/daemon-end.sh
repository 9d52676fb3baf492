#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# The daemon dies: whoever uses the filesystem gets an error and no hang, the dead mount can be unmounted,
# and mounting over it just works. SIGTERM is an orderly unmount.
. "$(dirname "$0")/lib.sh"
requires setfattr getfattr python3 timeout

# The shell's own remark about a killed child is no news here.
kill_daemon() {
	kill -9 "$daemon"
	wait_for_daemon 2>/dev/null
}

mount_vramfs 24M
head -c 4M /dev/urandom >"$mnt/file"

# A reader that is in the middle of it.
(
	while cat "$mnt/file" >/dev/null; do :; done
) 2>"$work/reader.log" &
reader=$!
sleep 0.3
kill -0 "$reader" || fail "the reader stopped early: $(cat "$work/reader.log")"
kill_daemon
tries=0
while kill -0 "$reader" 2>/dev/null; do
	tries=$((tries + 1))
	[ "$tries" -le 200 ] || fail "the reader hangs 10 s after the daemon was killed"
	sleep 0.05
done
wait "$reader"
grep -qE 'Transport endpoint is not connected|connection abort|Operation canceled|Input/output error' "$work/reader.log" ||
	fail "the reader was told: $(cat "$work/reader.log")"
status=0
timeout 10 stat "$mnt/file" >"$work/stat.log" 2>&1 || status=$?
[ "$status" -eq 1 ] || fail "stat on the dead mount ended with $status, not 1"
grep -q 'Transport endpoint is not connected' "$work/stat.log" || fail "stat said: $(cat "$work/stat.log")"
timeout 10 umount "$mnt" || fail "the dead mount can't be unmounted"

# Killed again, and mounted anew with the dead mount still in place.
mount_vramfs 24M
[ ! -e "$mnt/file" ] || fail "a new filesystem has an old file"
kill_daemon
mount_vramfs 24M
[ "$(grep -c " $mnt fuse" /proc/mounts)" -eq 1 ] || fail "the dead mount is still below the new one"
echo alive >"$mnt/file"
[ "$(cat "$mnt/file")" = alive ] || fail "the new mount does not work"

for signal in TERM INT HUP; do
	kill -"$signal" "$daemon"
	wait_for_daemon
	expect_clean_end
	[ "$signal" = HUP ] || mount_vramfs 24M
done
