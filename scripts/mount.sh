#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# What `make mount` and `make umount` do with the program that was built.
#
#	scripts/mount.sh mount|umount PROGRAM
#
# DEVICE, SIZE, DIR and OPTIONS come from the environment; the Makefile says what they mean.
set -eu

action=$1
program=$2

if [ "$(id -u)" -eq 0 ]; then
	directory=${DIR:-/mnt/vramfs}
else
	directory=${DIR:-$HOME/vramfs}
fi
case $directory in
/*) ;;
*) directory=$PWD/$directory ;;
esac

# The mounts of ours as "device directory", directories as /proc/mounts escapes them.
our_mounts() {
	awk '$3 == "fuse.vramfs" { print $1, $2 }' /proc/mounts
}

# The device that is mounted on the directory; nothing if none is.
mounted_device() {
	escaped=$(printf '%s' "$directory" | sed 's/\\/\\134/g; s/ /\\040/g; s/	/\\011/g')
	our_mounts | awk -v directory="$(printf '%s' "$escaped" | sed 's/\\/\\\\/g')" \
		'$2 == directory { device = $1 } END { print device }'
}

show() {
	device=$(mounted_device)
	echo
	echo "  where        $directory"
	case $device in
	host*) echo "  device       $device: SYSTEM MEMORY, no GPU" ;;
	*) echo "  device       $device" ;;
	esac
	df -h --output=size,used,avail,pcent "$directory" |
		awk 'NR == 2 { print "  how full     " $2 " of " $1 " used (" $4 "), " $3 " free" }'
	case ${DIR:-} in
	'') echo "  to unmount   make umount" ;;
	*[!A-Za-z0-9_./:+-]*) echo "  to unmount   make umount DIR='$DIR'" ;;
	*) echo "  to unmount   make umount DIR=$DIR" ;;
	esac
	echo
}

mount_on() {
	"$program" mount --device "$1" --size "$2" ${OPTIONS:+-o "$OPTIONS"} "$directory"
}

do_mount() {
	if [ -n "$(mounted_device)" ] && df "$directory" >/dev/null 2>&1; then
		echo "A vramfs is mounted here already; 'make umount' first to change its device or size."
		show
		return 0
	fi
	# A mount whose daemon died can't be looked into; the program clears it away.
	[ -n "$(mounted_device)" ] || mkdir -p "$directory"

	if [ -n "${DEVICE:-}" ]; then
		case $DEVICE in
		host*) mount_on "$DEVICE" "${SIZE:-1G}" ;;
		*) mount_on "$DEVICE" "${SIZE:-50%}" ;;
		esac
		show
		return 0
	fi

	no_device=3 # as vramfs(1) lists its exit statuses
	status=0
	reason=$(mount_on auto "${SIZE:-50%}" 2>&1) || status=$?
	if [ "$status" -eq 0 ]; then
		[ -z "$reason" ] || echo "$reason"
	elif [ "$status" -eq "$no_device" ]; then
		mount_on host "${SIZE:-1G}"
		echo
		echo "################################################################################"
		echo "#  NO GPU: the files below are kept in SYSTEM MEMORY, not in GPU memory.       #"
		echo "################################################################################"
		echo "  because      $reason"
	else
		echo "$reason" >&2
		return "$status"
	fi
	show
}

do_umount() {
	if [ -z "$(mounted_device)" ]; then
		echo "mount: no vramfs is mounted on $directory" >&2
		if [ -n "$(our_mounts)" ]; then
			echo "These are; say which with DIR=:" >&2
			our_mounts | while read -r device where; do
				# As it is written in a shell: /proc/mounts has \040 for a blank.
				printf '  %b (%s)\n' "$where" "$device" >&2
			done
		fi
		return 1
	fi
	"$program" umount "$directory"
	echo "Unmounted $directory; the memory is free again."
}

case $action in
mount) do_mount ;;
umount) do_umount ;;
*)
	echo "usage: scripts/mount.sh mount|umount PROGRAM" >&2
	exit 2
	;;
esac
