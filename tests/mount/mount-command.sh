#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# Mounted like any other filesystem: with mount(8), from fstab, with umount(8), remounted; with the helper
# and, where that isn't installed, through mount.fuse3.
. "$(dirname "$0")/lib.sh"
own_mount_namespace
requires mount umount findmnt getfattr unshare

program=$(readlink -f "$VRAMFS")
other="$work/with blank"
table=$work/fstab
mkdir "$other"
install_helper "$program"

# run STATUS PATTERN COMMAND...: its exit status, and what it says (PATTERN may be empty: nothing).
run() {
	local expected=$1 pattern=$2 status=0
	shift 2

	"$@" >"$work/said" 2>&1 || status=$?
	# That the host device is no GPU is no message about the command.
	grep -v 'WARNING: device host' "$work/said" >"$work/said.rest" || true
	[ "$status" -eq "$expected" ] || fail "$*: exit status $status, not $expected: $(cat "$work/said")"
	if [ -n "$pattern" ]; then
		grep -q -- "$pattern" "$work/said.rest" || fail "$*: does not say '$pattern': $(cat "$work/said")"
	else
		[ ! -s "$work/said.rest" ] || fail "$*: says $(cat "$work/said.rest")"
	fi
}

# options_are DIRECTORY OPTIONS: in the mount table, those that are not of FUSE
options_are() {
	local options
	options=$(findmnt --noheadings --output VFS-OPTIONS "$1")
	[ "$options" = "$2" ] || fail "mounted with $options, not $2"
}

# By hand. Quietly, unless asked; called in /proc/mounts as it was called here.
run 0 '' mount -t fuse.vramfs "$device" "$mnt" -o size=24M,nofail,_netdev,x-systemd.idle-timeout=1,comment=a
[ "$(findmnt --noheadings --raw --output SOURCE,FSTYPE "$mnt")" = "$device fuse.vramfs" ] ||
	fail "it is mounted as $(findmnt "$mnt")"
options_are "$mnt" rw,nosuid,nodev,relatime
echo text >"$mnt/file"
[ "$(stat_of device)" = "${device%%:*}:0" ] || fail "the source did not choose the device"

# Remounting changes flags.
run 0 '' mount -o remount,ro "$mnt"
options_are "$mnt" ro,nosuid,nodev,relatime
! echo more 2>/dev/null >>"$mnt/file" || fail "written though read-only"
run 0 '' mount -o remount,rw,noexec,noatime "$mnt"
options_are "$mnt" rw,nosuid,nodev,noexec,noatime
echo more >>"$mnt/file"
run 0 '' mount -o remount,exec,relatime "$mnt"
options_are "$mnt" rw,nosuid,nodev,relatime
run 0 '' "$VRAMFS" mount -o remount,noexec,nodiratime "$mnt"
options_are "$mnt" rw,nosuid,nodev,noexec,nodiratime,relatime
run 0 '' "$VRAMFS" mount -o remount,ro,exec,size=24M "$mnt"
options_are "$mnt" ro,nosuid,nodev,nodiratime,relatime
run 0 '' mount -o remount,rw,diratime,allow_dev,allow_suid "$mnt"
options_are "$mnt" rw,relatime
run 0 '' mount -o remount,nosuid "$mnt"
options_are "$mnt" rw,nosuid,relatime
# ... and nothing else.
run 32 "can't change 'size=25M'" mount -o remount,size=25M "$mnt"
run 32 "can't change 'allow_other'" mount -o remount,allow_other "$mnt"
run 32 "can't change 'frobnicate'" mount -o remount,frobnicate "$mnt"
run 5 "can't change 'cache=none'" "$VRAMFS" mount -o remount,ro --cache none "$mnt"
run 5 "no vramfs mount" "$VRAMFS" mount -o remount,ro "$other"
run 5 "no vramfs mount" "$VRAMFS" mount -o remount,ro /proc
run 2 "foreground" "$VRAMFS" mount -f -o remount,ro "$mnt"
exec 7>>"$mnt/file"
run 32 "open for writing" mount -o remount,ro "$mnt"
exec 7>&-
options_are "$mnt" rw,nosuid,relatime
[ "$(cat "$mnt/file")" = "text
more" ] || fail "the remounts changed a file"
run 0 '' umount "$mnt"

# When reading is noted is chosen with the mount, for files in the page cache too.
read_moves_atime() {
	touch -a -d '2001-01-01' "$mnt/file"
	cat "$mnt/file" >/dev/null
	[ "$(stat --format %X "$mnt/file")" -gt 978400000 ]
}
again_moves_atime() {
	local before
	before=$(stat --format %x "$mnt/file")
	cat "$mnt/file" >/dev/null
	[ "$(stat --format %x "$mnt/file")" != "$before" ]
}
for times in relatime noatime strictatime; do
	run 0 '' mount -t fuse.vramfs "$device" "$mnt" -o "size=24M,$times"
	echo text >"$mnt/file"
	case $times in
	relatime)
		read_moves_atime || fail "relatime: the first read was not noted"
		! again_moves_atime || fail "relatime: the second read was noted"
		;;
	noatime) ! read_moves_atime || fail "noatime: a read was noted" ;;
	strictatime)
		read_moves_atime || fail "strictatime: the first read was not noted"
		again_moves_atime || fail "strictatime: the second read was not noted"
		;;
	esac
	run 0 '' umount "$mnt"
done

# The options that tmpfs has too; -v says what was mounted.
run 0 'to unmount' mount -v -t fuse.vramfs "$device" "$mnt" \
	-o size=24M,mode=1770,uid=nobody,gid=12,nr_inodes=1k,allow_dev,ro,noexec,sync,dirsync,lazytime,strictatime
options_are "$mnt" ro,nosuid,noexec
for option in sync dirsync lazytime; do
	findmnt --noheadings --output FS-OPTIONS "$mnt" | grep -qw "$option" || fail "it is not mounted with $option"
done
[ "$(stat --format '%a %U %g' "$mnt")" = "1770 nobody 12" ] || fail "the root directory is $(stat "$mnt")"
[ "$(df --output=itotal "$mnt" | tail -n 1 | tr -d ' ')" = 1024 ] || fail "df counts $(df -i "$mnt")"
run 0 '' umount "$mnt"

# What can't be mounted says so, with the statuses of mount(8).
run 1 "unknown mount option 'frobnicate=1'" mount -t fuse.vramfs "$device" "$mnt" -o frobnicate=1
run 1 "two devices" mount -t fuse.vramfs "$device" "$mnt" -o device=cuda:7
run 1 "huge" mount -t fuse.vramfs "$device" "$mnt" -o huge=always
run 32 "vramfs devices" mount -t fuse.vramfs host:7 "$mnt"
run 32 "not empty" mount -t fuse.vramfs "$device" "$work"
run 0 '' mount -f -t fuse.vramfs "$device" "$mnt" -o size=24M
! mountpoint -q "$mnt" || fail "-f mounted it"
run 0 '' mount -s -t fuse.vramfs "$device" "$mnt" -o size=24M,frobnicate=1
run 32 "already is a vramfs mount" "$(readlink -f /sbin)/mount.fuse.vramfs" "$device" "$mnt" -n -o size=24M -t fuse.vramfs
run 0 '' umount "$mnt"

# From fstab: all that is not mounted, once; one by its directory; remounted with what fstab says.
cat >"$table" <<END
$device ${other/ /\\040} fuse.vramfs size=24M,comment=a\\040b,x-foo=1 0 0
none $mnt fuse.vramfs device=$device,size=24M,noauto,user,nofail 0 0
END
run 0 '' mount --fstab "$table" -a -t fuse.vramfs
mountpoint -q "$other" || fail "mount -a did not mount it"
! mountpoint -q "$mnt" || fail "mount -a mounted what is noauto"
run 0 '' mount --fstab "$table" -a -t fuse.vramfs
[ "$(grep -c ' fuse.vramfs ' /proc/self/mounts)" -ge 1 ] || fail "it is gone"
[ "$(findmnt --noheadings "$other" | wc -l)" -eq 1 ] || fail "mount -a mounted it twice"
run 0 '' mount --fstab "$table" "$mnt"
options_are "$mnt" rw,nosuid,nodev,noexec,relatime
run 0 '' mount --fstab "$table" -o remount,ro "$mnt"
options_are "$mnt" ro,nosuid,nodev,noexec,relatime
run 0 '' umount "$mnt" "$other"

# Without the helper mount.fuse3 looks for the program where a shell does that was told of no PATH.
if command -v mount.fuse3 >/dev/null; then
	mv "$work/sbin/mount.fuse.vramfs" "$work/sbin/vramfs"
	run 0 '' mount -t fuse.vramfs "$device" "$mnt" -o size=24M,nosuid
	options_are "$mnt" rw,nosuid,relatime
	run 0 '' mount -o remount,ro "$mnt"
	options_are "$mnt" ro,nosuid,relatime
	run 0 '' umount "$mnt"
	run 1 "two devices" mount -t fuse.vramfs "$device" "$mnt" -o device=cuda:7
else
	echo "not tested: mount.fuse3 is not here"
fi
