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
# Over io_uring the kernel may still be at it.
grep -qE 'Transport endpoint is not connected|connection abort' "$work/stat.log" || fail "stat said: $(cat "$work/stat.log")"
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

# Unmounted, and mounted anew before the first daemon has noticed: its end leaves the new mount alone, though that has
# the device number of the old one.
mount_vramfs 24M
first=$daemon
number=$(stat --format %d "$mnt")
kill -STOP "$first"
# umount(8) would ask the filesystem before.
python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).umount(sys.argv[1].encode()))' "$mnt" || fail "not unmounted"
mount_vramfs 24M
[ "$(stat --format %d "$mnt")" = "$number" ] || echo "not tested: the new mount has a device number of its own"
echo kept >"$mnt/file"
kill -CONT "$first"
wait "$first" || fail "the first daemon ended with status $?"
[ "$(cat "$mnt/file")" = kept ] || fail "the end of the first daemon took the second mount away"
unmount_vramfs

# Ended by force while in use, it is not left behind.
mount_vramfs 24M
exec 7>"$mnt/file"
! umount -f "$mnt" 2>/dev/null || fail "unmounted while in use"
wait_for_daemon
[ "$daemon_status" -eq 0 ] || fail "ended by force, the daemon ended with status $daemon_status"
grep -q 'in use: programs that have files open there' "$work/daemon.log" || fail "nothing is said about open files"
! mountpoint -q "$mnt" || fail "what was ended by force is still mounted"
exec 7>&-
