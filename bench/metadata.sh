#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# How fast is metadata? vramfs beside tmpfs and beside a FUSE server that does nothing (empty-server.c): names
# made, looked up, renamed, removed and listed (metadata.c), and a source tree (make-tree.py) unpacked, searched,
# committed to git and removed again. Two tables, the figures of all that come last.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: bench/metadata.sh [OPTION...] BUILD
  BUILD is the build directory: the program and the programs of bench/ are taken from there.
  --device DEVICE    what to mount on (auto)
  --size SIZE        of the mount; the tree and its git repository must fit (6G)
  --files N          files of each case and repetition (20000)
  --entries N        of the large directory (1000000; 0 leaves it out)
  --tree-files N     of the source tree (70000; 0 leaves it out)
  --repeat N         each case runs so often, and the best counts (3)
  --json DIR         write metadata.json and tree.json there
USAGE
}

device=auto
size=6G
files=20000
entries=1000000
tree_files=70000
repeat=3
json=
build=
while [ $# -gt 0 ]; do
	case $1 in
	--help)
		usage
		exit 0
		;;
	--device | --size | --files | --entries | --tree-files | --repeat | --json)
		if [ $# -lt 2 ]; then
			echo "metadata: $1 needs a value" >&2
			exit 2
		fi
		case $1 in
		--device) device=$2 ;;
		--size) size=$2 ;;
		--files) files=$2 ;;
		--entries) entries=$2 ;;
		--tree-files) tree_files=$2 ;;
		--repeat) repeat=$2 ;;
		--json) json=$2 ;;
		esac
		shift 2
		;;
	-*)
		usage >&2
		exit 2
		;;
	*)
		build=$1
		shift
		;;
	esac
done
if [ -z "$build" ]; then
	usage >&2
	exit 2
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "metadata: needs root" >&2
	exit 1
fi

here=$(cd "$(dirname "$0")" && pwd)
program=$build/src/cli/vramfs
work=$(mktemp -d "${TMPDIR:-/tmp}/vramfs-bench.XXXXXX")
mkdir "$work/vramfs" "$work/empty" "$work/tmpfs" "$work/scratch"
server=
finish() {
	local status=$?

	trap - EXIT
	for mounted in vramfs empty tmpfs scratch; do
		! mountpoint -q "$work/$mounted" || umount "$work/$mounted" || umount -l "$work/$mounted"
	done
	[ -z "$server" ] || wait "$server" || true
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

"$program" mount --device "$device" --size "$size" "$work/vramfs"
mount -t tmpfs -o "size=$size,nr_inodes=0" tmpfs "$work/tmpfs"
# Where the archive of the tree lies: not on what is measured, nor on a disk.
mount -t tmpfs -o size=100% tmpfs "$work/scratch"
# In a session of its own, as the daemon is: schedulers share processors out by session.
setsid "$build/bench/empty-server" --entries "$entries" "$work/empty" >"$work/ready" &
server=$!
until grep -q ready "$work/ready"; do
	kill -0 "$server"
	sleep 0.1
done

"$build/bench/metadata" --files "$files" --entries "$entries" --repeat "$repeat" \
	--json "$work/metadata.json" "vramfs=$work/vramfs" "empty server=$work/empty" "tmpfs=$work/tmpfs" \
	>"$work/metadata.table"
rm -rf "$work/vramfs"/* "$work/tmpfs"/*

forget_cached() {
	echo 2 >/proc/sys/vm/drop_caches
	sleep 0.3
}

# timed STEP FILESYSTEM COMMAND...: run it in that filesystem, and keep the least time that the step took.
declare -A best
steps=()
timed() {
	local step=$1 filesystem=$2 begin end
	shift 2

	cd "$work/$filesystem"
	begin=$(date +%s%N)
	"$@"
	end=$(date +%s%N)
	cd "$work"
	[[ " ${steps[*]-} " == *" $step "* ]] || steps+=("$step")
	if [ -z "${best[$step/$filesystem]-}" ] || [ $((end - begin)) -lt "${best[$step/$filesystem]}" ]; then
		best[$step/$filesystem]=$((end - begin))
	fi
}

unpack() {
	tar -xf "$work/scratch/tree.tar"
}
search() {
	find . -type f -size +1M >/dev/null
}
add_up() {
	du -s . >/dev/null
}
# Without compressing, which takes the same time everywhere and hides what is of interest.
commit() {
	git init --quiet .
	git -c core.looseCompression=0 -c gc.auto=0 add .
	git -c user.name=bench -c user.email=bench@localhost -c gc.auto=0 commit --quiet --message=tree
}
status() {
	git status --porcelain
}
remove() {
	rm -rf -- * .git
}

missing=
for tool in tar git du find python3; do
	command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ "$tree_files" -gt 0 ] && [[ ! $missing =~ python3|tar ]]; then
	python3 "$here/make-tree.py" --files "$tree_files" >"$work/scratch/tree.tar"
	for ((round = 0; round < repeat && round < 2; round++)); do
		for filesystem in vramfs tmpfs; do
			timed untar "$filesystem" unpack
		done
		for filesystem in vramfs tmpfs; do
			forget_cached
			command -v find >/dev/null && timed find-uncached "$filesystem" search
			command -v du >/dev/null && timed du-cached "$filesystem" add_up
		done
		if [ "$round" = 0 ] && command -v git >/dev/null; then
			for filesystem in vramfs tmpfs; do
				timed git-add+commit "$filesystem" commit
				# Until the index is older than this, git reads what it would otherwise only stat.
				sleep 1.1
				(cd "$work/$filesystem" && status)
				timed git-status-cached "$filesystem" status
				forget_cached
				timed git-status-uncached "$filesystem" status
			done
		fi
		for filesystem in vramfs tmpfs; do
			timed rm "$filesystem" remove
		done
	done
fi

echo
echo "vramfs on $(grep " $work/vramfs " /proc/mounts | cut -d ' ' -f 1); Linux $(uname -r), $(nproc) processors;" \
	"$files files a case, best of $repeat; $(date +%F)"
echo
if [ ${#steps[@]} -gt 0 ]; then
	echo "| tree of $tree_files files | vramfs | tmpfs | vramfs / tmpfs |"
	echo "|---|---|---|---|"
	for step in "${steps[@]}"; do
		awk -v step="$step" -v vramfs="${best[$step/vramfs]}" -v tmpfs="${best[$step/tmpfs]}" 'BEGIN {
			printf "| %s | %.2f s | %.2f s | %.1f |\n", step, vramfs / 1e9, tmpfs / 1e9, vramfs / tmpfs }'
	done
	echo
fi
[ -z "$missing" ] || echo "left out, as this machine has none of them:$missing"
cat "$work/metadata.table"
if [ -n "$json" ]; then
	mkdir -p "$json"
	cp "$work/metadata.json" "$json/metadata.json"
	separator=
	{
		printf '['
		for step in "${steps[@]}"; do
			printf '%s\n  {"step": "%s", "vramfs_ns": %s, "tmpfs_ns": %s}' "$separator" "$step" \
				"${best[$step/vramfs]}" "${best[$step/tmpfs]}"
			separator=,
		done
		printf '\n]\n'
	} >"$json/tree.json"
fi
