#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# A repository with a history is cloned into the mount, checked, worked in, and checked again.
. "$(dirname "$0")/lib.sh"
requires git setfattr getfattr python3

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 HOME=$work
export GIT_AUTHOR_NAME=vramfs GIT_AUTHOR_EMAIL=vramfs@localhost
export GIT_COMMITTER_NAME=vramfs GIT_COMMITTER_EMAIL=vramfs@localhost

files=200
commits=300
size=64M
if $slow; then
	files=60
	commits=40
	size=32M
fi

# Every commit changes a handful of files of a size between nothing and some 20 KiB.
git init -q --bare "$work/origin.git"
python3 - "$files" "$commits" <<'END' | git -C "$work/origin.git" fast-import --quiet
import random, sys
files, commits = int(sys.argv[1]), int(sys.argv[2])
draw = random.Random(1)
out = sys.stdout
def change(number):
    text = "".join(f"{draw.random()}\n" for _ in range(draw.choice((0, 1, 40, 200, 1000))))
    out.write(f"M 100644 inline directory-{number % 17}/file-{number}\ndata {len(text)}\n{text}\n")
for commit in range(commits):
    out.write("commit refs/heads/main\n")
    out.write(f"committer vramfs <vramfs@localhost> {1700000000 + commit} +0000\n")
    message = f"commit {commit}\n"
    out.write(f"data {len(message)}\n{message}")
    numbers = range(files) if commit == 0 else draw.sample(range(files), 5)
    for number in numbers:
        change(number)
END
git -C "$work/origin.git" symbolic-ref HEAD refs/heads/main
git clone -q "$work/origin.git" "$work/reference"

mount_vramfs "$size"
start_storm
# --no-local: through git's own protocol, which writes a new pack.
git clone -q --no-local "$work/origin.git" "$mnt/clone"
written
git -C "$mnt/clone" fsck --full --strict --no-progress
[ -z "$(git -C "$mnt/clone" status --porcelain)" ] || fail "a fresh clone has changes"
diff -r --exclude=.git "$work/reference" "$mnt/clone" || fail "the working tree differs"
[ "$(git -C "$mnt/clone" log --format=%H | sha256sum)" = \
	"$(git -C "$work/reference" log --format=%H | sha256sum)" ] || fail "the history differs"

# Work: change, commit, repack, go back and forth.
for number in 1 2 3 4 5; do
	seq "$number" 2000 >"$mnt/clone/directory-1/new-$number"
	git -C "$mnt/clone" add .
	git -C "$mnt/clone" commit -q -m "work $number"
done
written
git -C "$mnt/clone" gc -q --prune=now
git -C "$mnt/clone" checkout -q HEAD~20
git -C "$mnt/clone" checkout -q main
written
git -C "$mnt/clone" fsck --full --strict --no-progress
[ -z "$(git -C "$mnt/clone" status --porcelain)" ] || fail "changes after checking out"
expect_counters
unmount_vramfs
