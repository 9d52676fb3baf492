#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# A user who is not root mounts and unmounts, through fusermount3: by hand, from fstab, with make mount; and is
# told what is not permitted.
. "$(dirname "$0")/lib.sh"
scripts=$(readlink -f "$(dirname "$0")/../../scripts")
own_mount_namespace
requires setpriv fusermount3 unshare getfattr mknod findmnt

# The program, its configuration and /dev/fuse, as an ordinary user has them; here they may not be.
chmod 755 "$work"
cp "$VRAMFS" "$work/vramfs"
program=$work/vramfs
mkdir "$work/dev"
mount -t tmpfs -o mode=755,dev test "$work/dev"
mknod "$work/dev/fuse" c 10 229
chmod 666 "$work/dev/fuse"
mount --bind "$work/dev/fuse" /dev/fuse
: >"$work/dev/fuse.conf"
[ -e /etc/fuse.conf ] || skip "needs /etc/fuse.conf"
mount --bind "$work/dev/fuse.conf" /etc/fuse.conf
rmdir "$mnt"
install -d -o 65534 -g 65534 "$mnt" "$work/home"

as_user() {
	HOME=$work/home setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
# hold COMMAND: let the user run COMMAND, which uses the mount, and sleep; until release.
hold() {
	rm -f "$work/home/held"
	(HOME=$work/home exec setpriv --reuid=65534 --regid=65534 --clear-groups \
		sh -c "$1 && : >'$work/home/held' && exec sleep 60") &
	user=$!
	until [ -e "$work/home/held" ]; do
		kill -0 "$user" 2>/dev/null || fail "the user can't use the mount: $1"
		sleep 0.05
	done
}

release() {
	kill "$user"
	wait "$user" 2>/dev/null || true
}

as_user "$program" --version >/dev/null || skip "an ordinary user can't run the program"
as_user fusermount3 --version >/dev/null || skip "an ordinary user can't run fusermount3"

# refused STATUS PATTERN ARGUMENT...: what the user may not do, in one line.
refused() {
	local expected=$1 pattern=$2 status=0
	shift 2

	as_user "$program" "$@" >"$work/said" 2>&1 || status=$?
	[ "$status" -eq "$expected" ] || fail "$*: exit status $status, not $expected: $(cat "$work/said")"
	grep -v 'WARNING: device host' "$work/said" >"$work/said.rest" || true
	[ "$(wc -l <"$work/said.rest")" -eq 1 ] || fail "$*: not one line: $(cat "$work/said")"
	grep -q -- "$pattern" "$work/said.rest" || fail "$*: does not say '$pattern': $(cat "$work/said")"
}

mount_as_user() {
	as_user "$program" mount --device "$device" --size 16M "$@" "$mnt" >"$work/daemon.log" 2>&1 ||
		fail "mount $* failed: $(cat "$work/daemon.log")"
	daemon=$(as_user getfattr --absolute-names --only-values -n vramfs.stats "$mnt" |
		awk '$1 == "pid" { print $2 }')
	[ "$(awk '/^Uid:/ { print $2 }' "/proc/$daemon/status")" = 65534 ] || fail "the daemon is not the user's"
}

# The daemon is no child of this shell; whoever has it for a child may reap it late.
daemon_runs() {
	grep '^State:' "/proc/$daemon/status" 2>/dev/null | grep -qv zombie
}

ended() {
	local tries=0

	while daemon_runs; do
		tries=$((tries + 1))
		[ "$tries" -le 600 ] || fail "the daemon is still there 30 s after $1"
		sleep 0.05
	done
	daemon=
	! mountpoint -q "$mnt" || fail "still mounted after $1"
}

# The user's own: nobody else gets in, root included.
mount_as_user
[ "$(findmnt --noheadings --raw --output FSTYPE,VFS-OPTIONS "$mnt")" = "fuse.vramfs rw,nosuid,nodev,relatime" ] ||
	fail "it is mounted as $(findmnt "$mnt")"
findmnt --noheadings --output FS-OPTIONS "$mnt" | grep -q "user_id=65534,group_id=65534,default_permissions" ||
	fail "it is mounted as $(findmnt "$mnt")"
[ "$(as_user stat --format '%u %g' "$mnt")" = "65534 65534" ] || fail "the root directory is not the user's"
as_user sh -c "head -c 3M /dev/urandom >'$work/home/data' && cp '$work/home/data' '$mnt/file' &&
	cmp '$work/home/data' '$mnt/file'" || fail "the user can't use it"
! ls "$mnt" 2>/dev/null || fail "root got in unasked"

# Unmounting: refused while it is in use, and then waits for the daemon.
refused 6 "needs root" mount -o remount,ro "$mnt"
refused 5 "already is a vramfs mount" mount --device "$device" --size 16M "$mnt"
hold "exec 7<'$mnt/file'"
refused 5 "in use" umount "$mnt"
release
as_user "$program" umount "$mnt" || fail "umount failed"
! daemon_runs || fail "umount did not wait for the daemon"
ended umount

# A signal ends it even when it is in use; who uses it gets errors.
mount_as_user -o ro,noexec,sync
[ "$(findmnt --noheadings --raw --output VFS-OPTIONS "$mnt")" = "ro,nosuid,nodev,noexec,relatime" ] ||
	fail "it is mounted as $(findmnt "$mnt")"
hold "cd '$mnt'"
kill -TERM "$daemon"
ended "a signal with the directory in use"
! as_user ls "/proc/$user/cwd/." 2>/dev/null || fail "its users get no error"
release

# A dead one makes place for a new one, and can be unmounted.
for next in mount umount; do
	mount_as_user
	kill -9 "$daemon"
	while as_user ls "$mnt" >/dev/null 2>&1; do sleep 0.05; done
	[ "$next" = umount ] || mount_as_user
	as_user "$program" umount "$mnt" || fail "the $next after a death failed"
	[ "$next" = umount ] || continue
	daemon=
	! mountpoint -q "$mnt" || fail "the dead mount is still there"
done

# What root alone may do, and what is missing.
refused 6 "user_allow_other.*/etc/fuse.conf" mount --device "$device" --size 16M --allow-other "$mnt"
refused 6 "suid" mount --device "$device" --size 16M -o suid "$mnt"
refused 6 "dev" mount --device "$device" --size 16M -o dev "$mnt"
mkdir "$work/roots"
refused 6 "write access" mount --device "$device" --size 16M "$work/roots"
PATH=/nonexistent HOME=$work/home "$(command -v setpriv)" --reuid=65534 --regid=65534 --clear-groups \
	"$program" mount --device "$device" --size 16M "$mnt" >"$work/said" 2>&1 && fail "mounted without fusermount3"
/bin/grep -q "install the package fuse3" "$work/said" || fail "without fusermount3: $(cat "$work/said")"

# Others are let in where the configuration allows it.
echo user_allow_other >"$work/dev/fuse.conf"
mount_as_user --allow-other -o mode=0751,uid=65534
[ "$(stat --format '%a %u' "$mnt")" = "751 65534" ] || fail "the root directory is $(stat "$mnt")"
as_user "$program" umount "$mnt"
ended umount

# A line of fstab that says user.
if [ -e /etc/fstab ]; then
	install_helper "$program"
	echo "$device $mnt fuse.vramfs noauto,user,size=16M 0 0" >"$work/dev/fstab"
	mount --bind "$work/dev/fstab" /etc/fstab
	as_user mount "$mnt" || fail "a user can't mount what fstab says"
	[ "$(findmnt --noheadings --raw --output VFS-OPTIONS "$mnt")" = "rw,nosuid,nodev,noexec,relatime" ] ||
		fail "it is mounted as $(findmnt "$mnt")"
	as_user touch "$mnt/file"
	as_user umount "$mnt" || fail "a user can't unmount it"
else
	echo "not tested: there is no /etc/fstab"
fi

# make mount: below the home directory, unless told where.
cp "$scripts/mount.sh" "$work/mount.sh"
DEVICE=$device SIZE=16M as_user sh "$work/mount.sh" mount "$program" >"$work/said" 2>&1 ||
	fail "make mount: $(cat "$work/said")"
grep -q "where  *$work/home/vramfs" "$work/said" || fail "make mount says $(cat "$work/said")"
as_user touch "$work/home/vramfs/file"
as_user sh "$work/mount.sh" umount "$program" >"$work/said" 2>&1 || fail "make umount: $(cat "$work/said")"
! mountpoint -q "$work/home/vramfs" || fail "make umount did not unmount it"
