# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# What the tests of a mounted filesystem share. A test sources this, says what it `requires`, calls
# mount_vramfs, works in $mnt, calls unmount_vramfs and ends. However it ends, nothing stays mounted.
#
# From the environment:
#	VRAMFS			the program
#	VRAMFS_TEST_DEVICE	what to mount on; "host" if unset
#	VRAMFS_TEST_CACHE	the cache mode; the default if unset
#	VRAMFS_TEST_TRANSPORT	how requests come from the kernel; as the mount chooses if unset
#	VRAMFS_TEST_DAMAGE	what happens to the bytes on the device meanwhile:
#				none (if unset), between: four bytes of every line are flipped between
#				writing and reading, during: two bytes of every line are flipped and swept
#				away again and again as long as the test works
set -euo pipefail

device=${VRAMFS_TEST_DEVICE:-host}
damage=${VRAMFS_TEST_DAMAGE:-none}
work=
mnt=
daemon=
storm=

# PoCL builds and runs kernels two orders of magnitude slower than a GPU: tests choose their sizes by this.
case $device in
opencl*) slow=true ;;
*) slow=false ;;
esac

skip() {
	echo "$*"
	exit 77
}

fail() {
	echo "FAILED: $*"
	exit 1
}

# requires COMMAND...: skip the test unless all of them are here, and a mount is possible at all.
requires() {
	local command

	[ -n "${VRAMFS:-}" ] || fail "VRAMFS does not name the program"
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	[ -c /dev/fuse ] || skip "needs /dev/fuse"
	: 2>/dev/null <>/dev/fuse || skip "/dev/fuse can't be opened"
	[ "${VRAMFS_TEST_TRANSPORT:-}" != uring ] || [ -w /sys/module/fuse/parameters/enable_uring ] ||
		skip "needs a kernel with FUSE over io_uring"
	for command in "$@"; do
		command -v "$command" >/dev/null || skip "needs the command $command"
	done
	work=$(mktemp -d "${TMPDIR:-/tmp}/vramfs-test.XXXXXX")
	mnt=$work/mnt
	mkdir "$mnt"
	trap finish EXIT
	trap 'exit 130' INT TERM
}

# own_mount_namespace: run the whole test again where its mounts are nobody else's, so that it may cover files
# of the system. To be called first.
own_mount_namespace() {
	[ -z "${VRAMFS_TEST_NAMESPACE:-}" ] || return 0
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	unshare --mount --propagation private true || skip "needs a mount namespace of its own"
	VRAMFS_TEST_NAMESPACE=own exec unshare --mount --propagation private bash "$0"
}

# install_helper PROGRAM: let mount(8) find it, in a copy of /sbin that only the test's own mount namespace sees.
# A copy: what the system has must never be reachable below $work, which is removed in the end.
install_helper() {
	local directory
	directory=$(readlink -f /sbin)

	[ "${VRAMFS_TEST_NAMESPACE:-}" = own ] || fail "this would change the system"
	mkdir "$work/sbin"
	mount -t tmpfs -o mode=755 test "$work/sbin"
	cp -a "$directory/." "$work/sbin"
	ln -sf "$1" "$work/sbin/mount.fuse.vramfs"
	mount --bind "$work/sbin" "$directory"
}

# mount_vramfs SIZE [ARGUMENT...]: mount on $mnt; the test is skipped where there is no such device.
mount_vramfs() {
	local size=$1 status=0
	shift

	: >"$work/daemon.log"
	"$VRAMFS" mount --foreground --device "$device" --size "$size" \
		-o "inject${VRAMFS_TEST_CACHE:+,cache=$VRAMFS_TEST_CACHE}${VRAMFS_TEST_TRANSPORT:+,transport=$VRAMFS_TEST_TRANSPORT}" \
		"$@" "$mnt" \
		>"$work/daemon.log" 2>&1 &
	daemon=$!
	# It says where it is mounted once the kernel's first request has been answered.
	until grep -q 'to unmount' "$work/daemon.log"; do
		if ! kill -0 "$daemon" 2>/dev/null; then
			wait "$daemon" || status=$?
			daemon=
			cat "$work/daemon.log"
			# 3: no such device, as vramfs(1) lists it. The host is always there.
			[ "$status" -ne 3 ] || [ "$device" = host ] || skip "$(tail -n 1 "$work/daemon.log")"
			fail "vramfs mount ended with status $status"
		fi
		sleep 0.02
	done
}

# wait_for_daemon: until it has ended, at most 30 s; sets daemon_status.
wait_for_daemon() {
	local tries=0

	daemon_status=0
	while kill -0 "$daemon" 2>/dev/null; do
		tries=$((tries + 1))
		[ "$tries" -le 600 ] || fail "the daemon is still there 30 s after the unmount"
		sleep 0.05
	done
	wait "$daemon" || daemon_status=$?
	daemon=
}

# Unmount as a user does, and hold the daemon to a clean end: gone, status 0, nothing to complain about.
unmount_vramfs() {
	local deadline=$((SECONDS + 10))

	stop_storm
	# Whoever watches all mounts of a machine (an indexer, another test) may hold this one for a moment.
	until umount "$mnt" 2>"$work/umount.log"; do
		grep -q busy "$work/umount.log" && [ "$SECONDS" -lt "$deadline" ] || fail "$(cat "$work/umount.log")"
		sleep 0.1
	done
	wait_for_daemon
	expect_clean_end
}

# After wait_for_daemon. That the host device is no GPU is the one thing the daemon may remark.
expect_clean_end() {
	[ "$daemon_status" -eq 0 ] || fail "the daemon ended with status $daemon_status"
	if grep -v 'WARNING: device host' "$work/daemon.log" | grep -iE 'error|warning|sanitizer'; then
		fail "the daemon complained"
	fi
	! mountpoint -q "$mnt" || fail "$mnt is still mounted"
}

# The mount points at and below $work, in the order in which they were mounted.
mounted_below_work() {
	awk -v below="$work/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo |
		while read -r point; do printf '%b\n' "$point"; done
}

# shellcheck disable=SC2317
finish() {
	local status=$?

	trap - EXIT
	set +e
	rm -f "$work/storm"
	if [ "$status" -ne 0 ] && [ "$status" -ne 77 ] && [ -s "$work/daemon.log" ]; then
		echo "--- the daemon wrote:"
		tail -n 40 "$work/daemon.log"
	fi
	[ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null
	[ -z "$storm" ] || wait "$storm" 2>/dev/null
	cd /
	# Nothing is removed while anything is mounted there: it might be another's.
	while [ -n "$(mounted_below_work)" ]; do
		umount -l "$(mounted_below_work | tail -n 1)" || break
	done
	if [ -n "$(mounted_below_work)" ]; then
		echo "FAILED: $work is left behind, as something is still mounted there"
		exit 1
	fi
	rm -rf --one-file-system "$work"
	exit "$status"
}

# stat_of KEY: one of the counters of the mounted filesystem.
stat_of() {
	getfattr --absolute-names --only-values -n vramfs.stats "$mnt" | awk -v key="$1" '
		$1 == key { print $2; found = 1 }
		END { if (!found) { print "no counter is called " key > "/dev/stderr"; exit 1 } }'
}

# inject ERRORS EVERY SEED: flip bits in that many bytes of one line in EVERY of the whole region.
inject() {
	setfattr -n vramfs.inject -v "errors=$1,every=$2,seed=$3" "$mnt"
}

# sweep verify|correct|refresh: over the whole region; prints what it found as "key value" lines.
sweep() {
	setfattr -n vramfs.sweep -v "$1" "$mnt"
	getfattr --absolute-names --only-values -n vramfs.sweep "$mnt"
}

# written: the test calls it between its writing and its reading. Before new damage is done, what nobody has
# read since the last time is repaired, so that no line ever has more errors than the code corrects.
damage_seed=0
repaired_before=0
repaired_by_use=0
written() {
	sync -f "$mnt"
	if [ "$damage" = between ]; then
		count_repairs
		sweep correct >/dev/null
		damage_seed=$((damage_seed + 1))
		inject 4 1 "$damage_seed"
		repaired_before=$(stat_of corrected_4)
	fi
	forget_cached
}

# Add what reading and writing, not a sweep, have repaired since the last damage.
count_repairs() {
	local now

	now=$(stat_of corrected_4)
	repaired_by_use=$((repaired_by_use + now - repaired_before))
	repaired_before=$now
}

# Let the kernel's copies of the files go, so that reading them asks the device.
forget_cached() {
	python3 - "$mnt" <<'END'
import os, sys
for directory, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(directory, name)
        if os.path.isfile(path) and not os.path.islink(path):
            fd = os.open(path, os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)
END
}

# start_storm: with damage "during", damage and repair the region again and again, beside whatever the test
# does. The pause leaves the test some of the device: sweeps alone could keep it busy.
start_storm() {
	[ "$damage" = during ] || return 0
	: >"$work/storm"
	(
		seed=1000
		while [ -e "$work/storm" ]; do
			inject 2 1 "$seed"
			setfattr -n vramfs.sweep -v correct "$mnt"
			seed=$((seed + 1))
			sleep 0.2
		done
	) &
	storm=$!
}

stop_storm() {
	[ -n "$storm" ] || return 0
	rm "$work/storm"
	wait "$storm" || fail "the damaging loop failed"
	storm=
}

# What the counters must say at the end of a test, while the filesystem is still mounted.
expect_counters() {
	local lost corrected=0

	stop_storm
	lost=$(stat_of lost)
	[ "$lost" -eq 0 ] || fail "$lost lines were lost"
	case $damage in
	none) return 0 ;;
	between)
		count_repairs
		corrected=$repaired_by_use
		;;
	during) corrected=$(stat_of corrected_2) ;;
	esac
	[ "$corrected" -gt 0 ] || fail "no line was corrected: the damage did not reach what was read"
	echo "$corrected damaged lines were corrected"
}

# behaves_as_tmpfs FUNCTION: call it in an empty directory of a tmpfs and in one of the mounted filesystem.
# Everything that it prints must be the same, so it shows all that it sees, errors too.
behaves_as_tmpfs() {
	local function=$1 place

	mkdir -p "$work/tmpfs"
	mount -t tmpfs -o dev,suid,mode=755 tmpfs "$work/tmpfs" || skip "a tmpfs can't be mounted"
	chmod 711 "$work"
	for place in tmpfs mnt; do
		rm -rf "${work:?}/$place/same"
		mkdir "$work/$place/same"
		(cd "$work/$place/same" && set +e && "$function") >"$work/$place.seen" 2>&1
	done
	umount "$work/tmpfs"
	diff -u "$work/tmpfs.seen" "$work/mnt.seen" || fail "$function differs from what tmpfs does"
}
