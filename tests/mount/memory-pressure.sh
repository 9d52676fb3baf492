#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# Memory runs out while the mount has dirty pages: a program in a cgroup with a limit dirties more of a mapped
# file than the limit while it reads and writes others, with the daemon outside of the cgroup and inside. The
# kernel then has to write the pages through the daemon to go on. It must go on, and nothing may get lost.
. "$(dirname "$0")/lib.sh"
requires python3 timeout getfattr setfattr

mapped_mib=64
headroom_mib=40

group=
leave_group() {
	[ -n "$group" ] || return
	[ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null
	for _ in 1 2 3 4 5; do
		! rmdir "$group" 2>/dev/null || return
		sleep 0.2
	done
}
trap 'status=$?; set +e; leave_group; (exit $status); finish' EXIT

# make_group: a cgroup below ours that can limit memory; sets group, and the names of its files.
make_group() {
	local place

	if [ -w /sys/fs/cgroup/memory/cgroup.procs ]; then
		place=/sys/fs/cgroup/memory
		limit_file=memory.limit_in_bytes
		usage_file=memory.usage_in_bytes
	elif grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
		place=/sys/fs/cgroup
		limit_file=memory.max
		usage_file=memory.current
		echo +memory 2>/dev/null >"$place/cgroup.subtree_control" || true
	else
		skip "needs a cgroup hierarchy with the memory controller"
	fi
	group=$place/vramfs-test.$$
	mkdir "$group" 2>/dev/null || { group=; skip "needs to make a cgroup in $place"; }
	[ -w "$group/$limit_file" ] || skip "needs a cgroup whose memory can be limited"
}

# in_group COMMAND...
in_group() {
	"$work/in-group" "$@"
}

make_group
cat >"$work/in-group" <<END
#!/bin/sh
echo \$\$ >"$group/cgroup.procs" && exec "\$@"
END
chmod +x "$work/in-group"
cat >"$work/dirty.py" <<'END'
import hashlib, mmap, os, random, sys, threading, time

root, size, seed = sys.argv[1], int(sys.argv[2]) << 20, int(sys.argv[3])
PAGE, RUN = 4096, 64

def page(number, version):
    return hashlib.sha256(f"{seed} {number} {version}".encode()).digest() * (PAGE // 32)

def beside(name, stop, problems):
    """Another file, written and read all the while."""
    chunk = random.Random(name).randbytes(256 << 10)
    path, rounds = os.path.join(root, name), 0
    try:
        while not stop.is_set():
            with open(path, "wb") as file:
                for _ in range(16):
                    file.write(chunk)
                os.fsync(file.fileno())
            with open(path, "rb") as file:
                for _ in range(16):
                    if file.read(len(chunk)) != chunk:
                        problems.append(f"{name} differs")
            rounds += 1
    except OSError as error:
        problems.append(f"{name}: {error}")
    print(f"{name}: {rounds} rounds")

stop, problems = threading.Event(), []
others = [threading.Thread(target=beside, args=(f"other-{i}", stop, problems)) for i in range(2)]
for thread in others:
    thread.start()
with open(os.path.join(root, "mapped"), "w+b") as file:
    file.truncate(size)
    with mmap.mmap(file.fileno(), size) as view:
        # In runs of pages, so that the time goes into writing and not into reading every page back alone.
        runs = list(range(0, size // PAGE, RUN))
        for version in range(2):
            random.Random(seed + version).shuffle(runs)
            for first in runs:
                for number in range(first, first + RUN):
                    view[number * PAGE:(number + 1) * PAGE] = page(number, version)
        for number in range(size // PAGE):
            if view[number * PAGE:(number + 1) * PAGE] != page(number, 1):
                problems.append(f"page {number} of the mapping differs")
                break
        view.flush()
stop.set()
for thread in others:
    thread.join()
with open(os.path.join(root, "mapped"), "rb") as file:
    for number in range(size // PAGE):
        if file.read(PAGE) != page(number, 1):
            problems.append(f"page {number} of the file differs")
            break
print("\n".join(problems))
sys.exit(1 if problems else 0)
END

# press SEED: dirty pages in the group; within a minute.
press() {
	local status=0

	in_group timeout --kill-after=5 60 python3 "$work/dirty.py" "$mnt" "$mapped_mib" "$1" || status=$?
	[ "$status" -ne 124 ] && [ "$status" -ne 137 ] || fail "it hangs, or was killed (status $status)"
	[ "$status" -eq 0 ] || fail "the program ended with status $status"
}

echo "- the daemon outside of the limit"
mount_vramfs $((mapped_mib + 48))M
echo $((headroom_mib << 20)) >"$group/$limit_file"
press 1
expect_counters
unmount_vramfs

# The daemon's memory, the region with it, counts too: the limit is what that takes, and the same headroom.
echo "- the daemon inside"
echo $((16 << 30)) >"$group/$limit_file"
cat >"$work/vramfs" <<END
#!/bin/sh
exec "$work/in-group" "$VRAMFS" "\$@"
END
chmod +x "$work/vramfs"
VRAMFS=$work/vramfs
mount_vramfs $((mapped_mib + 48))M
for number in 1 2 3 4; do
	head -c $((mapped_mib / 4))M /dev/urandom >"$mnt/$number"
done
rm "$mnt"/[1-4]
echo $(($(cat "$group/$usage_file") + (headroom_mib << 20))) >"$group/$limit_file"
press 2
expect_counters
unmount_vramfs
