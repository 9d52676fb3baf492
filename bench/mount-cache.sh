#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# What the cache modes cost and save: one mount in each mode and a tmpfs at the same time, and every case on
# one after the other. Prints one table, and then how fast reading is by how far the kernel reads ahead.
set -euo pipefail

usage() {
	cat <<'END'
usage: bench/mount-cache.sh [OPTION...] PROGRAM
  --device DEVICE    what to mount on (auto)
  --ecc CODE         rs136, rs128 or none (rs136)
  --file-size SIZE   of the file that is read and written (1g)
  --files N          how many small files the tree has (4000)
END
}

device=auto
code=rs136
file_size=1g
files=4000
program=
while [ $# -gt 0 ]; do
	case $1 in
	--help)
		usage
		exit 0
		;;
	--device | --ecc | --file-size | --files)
		if [ $# -lt 2 ]; then
			echo "mount-cache: $1 needs a value" >&2
			exit 2
		fi
		case $1 in
		--device) device=$2 ;;
		--ecc) code=$2 ;;
		--file-size) file_size=$2 ;;
		--files) files=$2 ;;
		esac
		shift 2
		;;
	-*)
		usage >&2
		exit 2
		;;
	*)
		program=$1
		shift
		;;
	esac
done
if [ -z "$program" ]; then
	usage >&2
	exit 2
fi
if [ "$(id -u)" -ne 0 ] || ! command -v fio >/dev/null; then
	echo "mount-cache: needs root and fio" >&2
	exit 1
fi

modes="none auto always"
all="$modes tmpfs"
work=$(mktemp -d "${TMPDIR:-/tmp}/vramfs-bench.XXXXXX")
finish() {
	status=$?
	for name in $all; do
		! mountpoint -q "$work/$name" || umount "$work/$name" || umount -l "$work/$name"
	done
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

file_bytes=$(numfmt --from=iec "${file_size^^}")
# Room for the file, the tree (a small file takes at most a block), what is built in it, and their parity.
room=$((file_bytes * 5 / 4 + files * 2 * 150000 + (512 << 20)))
for mode in $modes; do
	mkdir "$work/$mode"
	"$program" mount --device "$device" --ecc="$code" --size "$room" -o "cache=$mode" "$work/$mode" >/dev/null
done
mkdir "$work/tmpfs"
mount -t tmpfs -o "size=$room" tmpfs "$work/tmpfs"

# The tree: small files of text in directories of 40, and a project of 60 modules with a makefile.
python3 - "$work/tree" "$files" <<'END'
import os, random, sys
root, files = sys.argv[1], int(sys.argv[2])
draw = random.Random(1)
words = [bytes(draw.choices(b"abcdefghijklmnopqrstuvwxyz_", k=draw.randint(2, 12))) for _ in range(2000)]
for number in range(files):
    directory = f"{root}/text/{number // 40}"
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/{number}.txt", "wb") as file:
        for _ in range(draw.randint(5, 400)):
            file.write(b" ".join(draw.choices(words, k=8)) + b"\n")
os.makedirs(f"{root}/project")
with open(f"{root}/project/all.h", "w") as file:
    file.write("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n")
    file.write("".join(f"long sum_{number}(long);\n" for number in range(60)))
for number in range(60):
    with open(f"{root}/project/module-{number}.c", "w") as file:
        file.write('#include "all.h"\n')
        for function in range(40):
            file.write(f"static long step_{function}(long n)\n{{\n\treturn n * {draw.randrange(1000)} + "
                       f"(long)strlen(\"{number}\") + labs(n - {draw.randrange(1000)});\n}}\n")
        calls = " + ".join(f"step_{function}(n + {function})" for function in range(40))
        file.write(f"long sum_{number}(long n)\n{{\n\treturn {calls};\n}}\n")
with open(f"{root}/project/main.c", "w") as file:
    file.write('#include "all.h"\nint main(void)\n{\n\tlong n = 0;\n')
    file.write("".join(f"\tn += sum_{number}(n);\n" for number in range(60)))
    file.write('\tprintf("%ld\\n", n);\n\treturn 0;\n}\n')
with open(f"{root}/project/Makefile", "w") as file:
    file.write("program: $(patsubst %.c,%.o,$(wildcard *.c))\n\t$(CC) -o $@ $^\n"
               "%.o: %.c all.h\n\t$(CC) -O1 -c -o $@ $<\n")
END
tar -C "$work" -cf "$work/tree.tar" tree
rm -rf "$work/tree"

# run_fio DIRECTORY BLOCK PATTERN OPTION...: GB/s for blocks of more than 4 KiB, else thousands a second
run_fio() {
	local directory=$1 block=$2 pattern=$3
	shift 3
	fio --name=case --filename="$directory/file" --size="$file_size" --ioengine=psync --fallocate=none \
		--overwrite=1 --bs="$block" --rw="$pattern" --output-format=json --output="$work/fio.json" "$@"
	python3 - "$work/fio.json" "$block" <<'END'
import json, sys
text = open(sys.argv[1]).read()
job = json.loads(text[text.index("{"):])["jobs"][0]
if job["error"]:
    sys.exit(f"fio reports error {job['error']}")
side = max((job["read"], job["write"]), key=lambda part: part["total_ios"])
print(f"{side['iops'] / 1000:.1f} k/s" if sys.argv[2] == "4k" else f"{side['bw_bytes'] / 1e9:.2f} GB/s")
END
}

# timed COMMAND...: seconds
timed() {
	local begin end

	begin=$(date +%s%N)
	"$@" >/dev/null 2>"$work/error" || {
		cat "$work/error" >&2
		echo "mount-cache: $* failed" >&2
		exit 1
	}
	end=$(date +%s%N)
	python3 -c "print(f'{($end - $begin) / 1e9:.2f} s')"
}

drop() { # FILE: from the page cache
	python3 -c 'import os, sys; os.posix_fadvise(os.open(sys.argv[1], os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED)' "$1"
}

# The cases: each is called with a directory and prints what it found.
read_cold() { # DIRECTORY BLOCK
	drop "$1/file"
	run_fio "$1" "$2" read --invalidate=0
}
read_warm() { run_fio "$1" "$2" read --invalidate=0; }
read_random() {
	drop "$1/file"
	run_fio "$1" 4k randread --invalidate=0 --time_based --runtime=1
}
map_random() {
	drop "$1/file"
	timed python3 -c '
import mmap, os, random, sys
file = os.open(sys.argv[1], os.O_RDONLY)
view = mmap.mmap(file, 0, prot=mmap.PROT_READ)
draw = random.Random(1)
sum(view[draw.randrange(len(view))] for _ in range(100))' "$1/file"
}
# fio opens for reading and writing what it writes; dd for writing only.
write_fio() { run_fio "$1" "$2" write --invalidate=0; }
write_random() { run_fio "$1" 4k randwrite --invalidate=0 --time_based --runtime=1 --thread --numjobs=4 --group_reporting; }
write_dd() { # DIRECTORY BLOCK
	local begin end

	begin=$(date +%s%N)
	dd if=/dev/zero of="$1/file" bs="${2^^}" count=$((file_bytes / $(numfmt --from=iec "${2^^}"))) \
		conv=notrunc status=none
	end=$(date +%s%N)
	python3 -c "print(f'{$file_bytes / ($end - $begin):.2f} GB/s')"
}
unpack() { timed tar -C "$1" -xf "$work/tree.tar"; }
build() { timed make -C "$1/tree/project" -s -j"$(nproc)" program; }
database() {
	timed sqlite3 -bail "$1/data.db" "
		create table item (id integer primary key, name text, value integer);
		create index item_by_value on item (value);
		begin;
		with recursive n(i) as (values (1) union all select i + 1 from n where i < 200000)
		insert into item select i, printf('item %d %s', i, hex(i * 7919)), (i * 7919) % 10007 from n;
		commit;
		update item set value = value * 3 where id % 7 = 1;
		select count(*), sum(value) from item where value between 100 and 5000;
		delete from item where id % 31 = 1;
		vacuum;"
}
# grep ends with 1 when it finds nothing.
# shellcheck disable=SC2016
search() { timed bash -c 'grep -rc some_word "$0" || [ $? -eq 1 ]' "$1/tree/text"; }

row() { # LABEL CASE [ARGUMENT]
	local label=$1 case=$2 name line
	shift 2
	line="| $label |"
	for name in $all; do
		line+=" $($case "$work/$name" "$@") |"
	done
	echo "$line"
}

echo "vramfs on $(findmnt -no SOURCE "$work/auto"), $code; Linux $(uname -r), $(nproc) processors; $(fio --version)," \
	"one job, psync, no O_DIRECT, a file of $file_size, $files small files; $(date +%F)"
echo
echo "| | cache=none | auto | always | tmpfs |"
echo "|---|---|---|---|---|"
row "write 1 MiB, new file, write-only (dd)" write_dd 1m
row "write 128 KiB over it, write-only (dd)" write_dd 128k
row "write 1 MiB over it, write-only (dd)" write_dd 1m
row "write 128 KiB over it, read-write (fio)" write_fio 128k
row "write 1 MiB over it, read-write (fio)" write_fio 1m
row "write 4 KiB at random, 4 threads (fio)" write_random
for block in 128k 1m; do
	name=${block/k/ KiB}
	row "read ${name/1m/1 MiB} cold" read_cold "$block"
	row "read ${name/1m/1 MiB} again" read_warm "$block"
done
row "read 4 KiB at random, cold" read_random
row "touch 100 random pages of a mapping, cold" map_random
row "unpack the tree" unpack
row "search it (grep -r)" search
row "search it again" search
if command -v gcc >/dev/null && command -v make >/dev/null; then
	row "build with make -j$(nproc)" build
fi
if command -v sqlite3 >/dev/null; then
	row "fill, change and vacuum a database (sqlite)" database
fi

read_ahead=/sys/class/bdi/$(findmnt -rno MAJ:MIN "$work/auto")/read_ahead_kb
if [ -w "$read_ahead" ]; then
	echo
	echo "By how far the kernel reads ahead, cache=auto (mounted with $(cat "$read_ahead") KiB):"
	echo
	echo "| KiB | read 128 KiB cold | read 1 MiB cold | touch 100 random pages of a mapping, cold |"
	echo "|---|---|---|---|"
	for kib in 128 512 1024 2048 4096 8192 16384 32768; do
		echo "$kib" >"$read_ahead"
		echo "| $kib | $(read_cold "$work/auto" 128k) | $(read_cold "$work/auto" 1m) | $(map_random "$work/auto") |"
	done
fi
