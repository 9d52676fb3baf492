#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# Which way requests come from the kernel: io_uring where it can be used, /dev/fuse where it can't or is asked for; and
# what happens when processors come, go or are not ours.
. "$(dirname "$0")/lib.sh"
requires taskset python3 cmp getfattr setfattr

switch=/sys/module/fuse/parameters/enable_uring
sysctl=/proc/sys/kernel/io_uring_disabled
[ -w "$switch" ] || skip "needs a kernel with FUSE over io_uring ($switch)"
switch_before=$(cat "$switch")
sysctl_before=$(cat "$sysctl")
processor=
restore() {
	echo "$switch_before" >"$switch"
	echo "$sysctl_before" >"$sysctl"
	[ -z "$processor" ] || echo 1 >"$processor"
}
trap 'status=$?; set +e; restore; (exit $status); finish' EXIT

# threads NAME: how many threads of that name the daemon has.
threads() {
	cat /proc/"$daemon"/task/*/comm | grep -c "^$1" || true
}

# expect_transport uring|dev
expect_transport() {
	local rings readers

	rings=$(threads vramfs-ring)
	readers=$(threads vramfs-fuse)
	case $1 in
	uring) [ "$rings" -gt 0 ] && [ "$readers" -eq 1 ] ;;
	dev) [ "$rings" -eq 0 ] && [ "$readers" -gt 1 ] ;;
	esac || fail "not over $1: $rings threads for rings, $readers for /dev/fuse"
	[ "$(getfattr --only-values -n vramfs.transport "$mnt" 2>/dev/null)" = "$1" ] ||
		fail "not over $1, says vramfs.transport"
	work_on_file
}

# Write and read back.
work_on_file() {
	cp "$work/bytes" "$mnt/file"
	cmp "$work/bytes" "$mnt/file" || fail "the file differs"
	rm "$mnt/file"
}

# expect_refusal PATTERN ARGUMENT...: no mount, and one line that says why.
expect_refusal() {
	local pattern=$1
	shift

	! "$VRAMFS" mount --device host --size 16M "$@" "$mnt" >"$work/said" 2>&1 || fail "$* was mounted"
	grep -v 'WARNING: device host' "$work/said" >"$work/said.rest" || true
	[ "$(wc -l <"$work/said.rest")" -eq 1 ] || fail "$*: not one line: $(cat "$work/said")"
	grep -q -- "$pattern" "$work/said.rest" || fail "$*: does not say '$pattern': $(cat "$work/said")"
	! mountpoint -q "$mnt" || fail "$* is mounted"
}

head -c 5M /dev/urandom >"$work/bytes"

echo "- chosen by itself, and switched on where it is off"
echo N >"$switch"
mount_vramfs 32M -o transport=auto
[ "$(cat "$switch")" = Y ] || fail "root's mount has not switched it on"
expect_transport uring
unmount_vramfs

echo "- asked for, and not"
mount_vramfs 32M -o transport=uring
expect_transport uring
unmount_vramfs
echo N >"$switch"
mount_vramfs 32M --transport dev
[ "$(cat "$switch")" = N ] || fail "transport=dev has switched something on"
expect_transport dev
unmount_vramfs

echo "- forbidden by the administrator"
echo 2 >"$sysctl"
expect_refusal io_uring_disabled -o transport=uring
mount_vramfs 32M
expect_transport dev
unmount_vramfs
echo "$sysctl_before" >"$sysctl"

echo "- fewer threads than processors"
mount_vramfs 32M -o threads=1
[ "$(threads vramfs-ring)" -eq 1 ] || fail "threads=1 has $(threads vramfs-ring) rings"
for cpu in $(seq 0 $(($(nproc) - 1))); do
	taskset -c "$cpu" cp "$work/bytes" "$mnt/from-$cpu"
	cmp "$work/bytes" "$mnt/from-$cpu" || fail "what processor $cpu wrote differs"
	rm "$mnt/from-$cpu"
done
unmount_vramfs

if [ "$(nproc)" -gt 1 ]; then
	echo "- on some processors only"
	# The shell's affinity is the daemon's.
	before=$(taskset -p $$ | sed 's/.*: //')
	taskset -cp 1 $$ >/dev/null
	mount_vramfs 32M
	taskset -p "$before" $$ >/dev/null
	[ "$(threads vramfs-ring)" -eq 1 ] || fail "on one processor there are $(threads vramfs-ring) rings"
	for cpu in 0 1; do
		taskset -c "$cpu" cp "$work/bytes" "$mnt/from-$cpu"
		cmp "$work/bytes" "$mnt/from-$cpu" || fail "what processor $cpu wrote differs"
		rm "$mnt/from-$cpu"
	done
	unmount_vramfs
fi

last=$(ls -d /sys/devices/system/cpu/cpu[0-9]* | sort -V | tail -n 1)
if [ "$(nproc)" -gt 1 ] && [ -w "$last/online" ]; then
	echo "- a processor goes and comes back under load"
	mount_vramfs 32M
	while :; do work_on_file; done &
	load=$!
	processor=$last/online
	for state in 0 1 0 1; do
		sleep 0.3
		echo "$state" >"$processor"
	done
	processor=
	sleep 0.3
	kill -0 "$load" || fail "the load ended"
	kill "$load"
	wait "$load" 2>/dev/null || true
	work_on_file
	unmount_vramfs
fi
