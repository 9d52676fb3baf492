#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# Builds vramfs and packs what a GPU host needs to test and measure it without installing anything:
#
#	scripts/make-bundle.sh OUTDIR
#
# OUTDIR (made anew; at most 64 MiB) then holds
#
#	run-gpu-tests.sh	every test that uses a device, on cuda:0
#	run-gpu-sanitizer.sh	the kernel tests under compute-sanitizer
#	run-gpu-fuzz.sh		the fuzzer of the kernels with each variant of them, for eight minutes
#	run-gpu-bench.sh	`vramfs bench` and `vramfs test`; fio and metadata through a mount, beside tmpfs
#	run-gpu-cache.sh	the cache modes of a mount, beside tmpfs
#	cases/			one script a test, made from what Meson knows of it
#	source/			scripts and data of the tests, in the places they have in the source
#	build.tar.xz		the program and those of the tests, in the places they have in the build
#	tools.tar.xz		fio, git, sqlite3 and others with their libraries, in case the host lacks them
#
# The scripts unpack the archives first; bin/vramfs is the program then.
#
# The host must be x86-64 Linux with a glibc no older than this machine's, with bash and python3. Programs use
# the host's glibc, because libcuda.so.1 is the host's and was made for it; all other libraries are carried.
# BUILD names the build directory (build-bundle if unset).
set -eu

[ $# -eq 1 ] || {
	echo "usage: scripts/make-bundle.sh OUTDIR" >&2
	exit 2
}
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build-bundle}
limit_mib=64
tools="fio git sqlite3 setfattr getfattr setfacl getfacl"
git_names="git-upload-pack git-receive-pack git-upload-archive"

fail() {
	echo "make-bundle: $*" >&2
	exit 1
}

for tool in $tools meson ninja python3 strip ldd xz; do
	command -v "$tool" >/dev/null || fail "$tool is missing: scripts/install-dependencies.sh build test"
done

mkdir -p "$1"
out=$(cd "$1" && pwd)
case $out in
*[[:space:]]*) fail "the name of the folder must have no spaces: $out" ;;
esac
# What an earlier run left is replaced, by name; whatever else lies in the folder makes it somebody else's.
entries="bench bin build build.tar.xz cases common.sh run-gpu-bench.sh run-gpu-cache.sh run-gpu-fuzz.sh
	run-gpu-sanitizer.sh run-gpu-tests.sh results source tools tools.tar.xz"
marker=$out/.vramfs-bundle
marker_text="a bundle that scripts/make-bundle.sh of vramfs made, and will replace"
if [ -n "$(ls -A "$out")" ]; then
	if [ ! -f "$marker" ] || [ "$(head -n 1 "$marker")" != "$marker_text" ]; then
		fail "$out is neither empty nor a bundle of ours; choose another folder"
	fi
	for name in $(ls -A "$out"); do
		case " .vramfs-bundle $(echo $entries) " in
		*" $name "*) ;;
		*) fail "$out/$name is not of a bundle; choose another folder, or move it away" ;;
		esac
	done
	for name in $entries; do
		rm -rf "${out:?}/$name"
	done
fi
{
	echo "$marker_text"
	git -C "$root" describe --always --dirty 2>/dev/null || echo "unknown version"
} >"$marker"

# is_glibc LIBRARY: one that the host has to have itself
is_glibc() {
	case ${1##*/} in
	libc.so.6 | libm.so.6 | libmvec.so.1 | libpthread.so.0 | libdl.so.2 | librt.so.1 | libresolv.so.2 | \
		libutil.so.1 | libanl.so.1 | ld-linux-x86-64.so.2) return 0 ;;
	esac
	return 1
}

# is_elf FILE
is_elf() {
	[ "$(head -c 4 "$1" | tail -c 3)" = ELF ]
}

# libraries_of FILE: the paths of all libraries that it needs, directly or not
libraries_of() {
	ldd "$1" | awk '$2 == "=>" { print $3 == "not" ? "missing:" $1 : $3 }'
}

# carry_libraries FOLDER FILE...: copy what the files need, other than glibc, into FOLDER
carry_libraries() {
	folder=$1
	shift
	mkdir -p "$folder"
	for file in "$@"; do
		for library in $(libraries_of "$file"); do
			case $library in
			missing:*) fail "$file needs ${library#missing:}, which is not on this machine" ;;
			"$folder"/*) continue ;;
			esac
			if ! is_glibc "$library" && [ ! -e "$folder/${library##*/}" ]; then
				cp -L "$library" "$folder/"
				chmod u+w "$folder/${library##*/}"
			fi
		done
	done
}

# The programs find carried libraries beside them wherever the bundle lies.
if [ ! -e "$build/build.ninja" ]; then
	meson setup "$build" "$root" -Dbuildtype=release -Dtests=true \
		'-Dc_link_args=-Wl,-rpath,$ORIGIN/../lib:$ORIGIN/../../lib:$ORIGIN/../../../lib'
fi
ninja -C "$build"
python3 "$root/scripts/bundle-cases.py" "$root" "$build" "$out"

set --
for file in $(find "$out/build" -type f -perm -u+x); do
	if is_elf "$file"; then
		strip "$file"
		set -- "$@" "$file"
	fi
done
[ $# -gt 0 ] || fail "no test uses a device"
carry_libraries "$out/build/lib" "$@"
for file in "$@"; do
	for library in $(libraries_of "$file"); do
		is_glibc "$library" && continue
		case $library in
		"$out"/*) ;;
		*) fail "$file takes $library from this machine and not from the bundle" ;;
		esac
	done
done
mkdir "$out/bin"
ln -s ../build/src/cli/vramfs "$out/bin/vramfs"
"$out/bin/vramfs" --version >/dev/null || fail "the packed program does not start"

# Tools keep to their own libraries without a variable that their children would inherit: the loader is told.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tools/bin" "$work/tools/libexec"
for tool in $tools; do
	cp -L "$(command -v "$tool")" "$work/tools/libexec/$tool"
	carry_libraries "$work/tools/lib" "$work/tools/libexec/$tool"
	cp "$root/scripts/bundle-tool.sh" "$work/tools/bin/$tool"
done
mkdir "$work/tools/git-core"
for name in git $git_names; do
	ln -s ../bin/git "$work/tools/git-core/$name"
done
for tool in $tools; do
	missing=$(/lib64/ld-linux-x86-64.so.2 --library-path "$work/tools/lib" --list \
		"$work/tools/libexec/$tool" | awk -v lib="$work/tools/lib/" \
		'$2 == "=>" && index($3, lib) != 1 { print $1 }')
	for library in $missing; do
		is_glibc "$library" || fail "the packed $tool does not find $library in the bundle"
	done
	"$work/tools/bin/$tool" --version >/dev/null || fail "the packed $tool does not start"
done
tar -C "$work" -cJf "$out/tools.tar.xz" tools

cp "$root/scripts/bundle-common.sh" "$out/common.sh"
for name in tests sanitizer fuzz bench cache; do
	cp "$root/scripts/bundle-run-$name.sh" "$out/run-gpu-$name.sh"
done
mkdir "$out/bench"
cp "$root"/bench/*.sh "$root"/bench/*.py "$out/bench/"

# Many programs, with much in common.
tar -C "$out" -cJf "$out/build.tar.xz" build
rm -rf "${out:?}/build"

mib=$(($(du -s -B 1 --apparent-size "$out" | cut -f 1) / 1048576 + 1))
[ "$mib" -le "$limit_mib" ] || fail "the bundle takes $mib MiB, more than $limit_mib"
echo "$out: $(find "$out/cases" -name '*.sh' | wc -l) tests, $mib MiB"
