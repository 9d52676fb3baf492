#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# A small C project is unpacked, built in parallel and tested inside the mount: programs run from it.
. "$(dirname "$0")/lib.sh"
requires gcc make tar setfattr getfattr python3

modules=40
size=48M
if $slow; then
	modules=6
	size=16M
fi

# Each module sums a table of its own; the test compares with the sum that the generator knows.
python3 - "$work/project" "$modules" <<'END'
import os, random, sys
root, modules = sys.argv[1], int(sys.argv[2])
draw = random.Random(2)
os.makedirs(f"{root}/source")
total = 0
for number in range(modules):
    table = [draw.randrange(1 << 20) for _ in range(500)]
    total += sum(table)
    with open(f"{root}/source/module-{number}.h", "w") as file:
        file.write(f"long sum_{number}(void);\n")
    with open(f"{root}/source/module-{number}.c", "w") as file:
        file.write(f'#include "module-{number}.h"\n')
        file.write(f"static const int table[] = {{{','.join(map(str, table))}}};\n")
        file.write(f"long sum_{number}(void)\n{{\n\tlong sum = 0;\n\n")
        file.write("\tfor (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)\n")
        file.write("\t\tsum += table[i];\n\treturn sum;\n}\n")
with open(f"{root}/source/main.c", "w") as file:
    file.write("#include <stdio.h>\n")
    file.write("".join(f'#include "module-{number}.h"\n' for number in range(modules)))
    file.write("int main(void)\n{\n\tlong sum = 0;\n\n")
    file.write("".join(f"\tsum += sum_{number}();\n" for number in range(modules)))
    file.write('\tprintf("%ld\\n", sum);\n\treturn 0;\n}\n')
with open(f"{root}/expected", "w") as file:
    file.write(f"{total}\n")
with open(f"{root}/Makefile", "w") as file:
    file.write("objects := $(patsubst %.c,%.o,$(wildcard source/*.c))\n")
    file.write("program: $(objects)\n\t$(CC) -o $@ $^\n")
    file.write("source/%.o: source/%.c\n\t$(CC) -O1 -Wall -Werror -c -o $@ $<\n")
    file.write("check: program\n\t./program | diff - expected\n")
    file.write("clean:\n\trm -f program source/*.o\n.PHONY: check clean\n")
END
tar -C "$work" -czf "$work/project.tar.gz" project

mount_vramfs "$size"
start_storm
tar -C "$mnt" -xzf "$work/project.tar.gz"
written
make -C "$mnt/project" -s -j4 program
written
make -C "$mnt/project" -s check
diff -r "$work/project/source" "$mnt/project/source" | grep -v '^Only in .*\.o$' | grep . &&
	fail "the sources differ"
# Nothing is made again when nothing has changed: the times are right.
make -C "$mnt/project" -q program || fail "make sees changes where there are none"
make -C "$mnt/project" -s clean
make -C "$mnt/project" -s -j4 check
expect_counters
unmount_vramfs
