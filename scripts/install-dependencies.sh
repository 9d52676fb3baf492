#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
#
# Installs the Debian or Ubuntu packages that vramfs is built and tested with.
#
#	scripts/install-dependencies.sh build		what `make mount` needs
#	scripts/install-dependencies.sh build test	what `make test` needs
#
# Does nothing, quickly, when they are all there. Otherwise it needs root or sudo.
set -eu

build_packages="
	gcc libc6-dev clang make meson ninja-build pkg-config python3
	libjson-c-dev liburing-dev opencl-c-headers fuse3"
test_packages="
	libcmocka-dev libfec-dev libclang-rt-dev
	ocl-icd-libopencl1 pocl-opencl-icd
	fio attr acl e2fsprogs sqlite3 git tar diffutils util-linux
	postgresql postgresql-contrib stress-ng
	mandoc clang-format"

wanted=
for group in "$@"; do
	case $group in
	build) wanted="$wanted $build_packages" ;;
	test) wanted="$wanted $test_packages" ;;
	*)
		echo "install-dependencies: unknown group '$group'; the groups are: build test" >&2
		exit 2
		;;
	esac
done
if [ -z "$wanted" ]; then
	echo "usage: scripts/install-dependencies.sh build|test..." >&2
	exit 2
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "install-dependencies: this is neither Debian nor Ubuntu; going on with what is here." >&2
	echo "Should the build miss something, install what these Debian packages hold:" $wanted >&2
	exit 0
fi

# The names that are installed, each with a space on both sides. dpkg-query complains about names it has
# never heard of, which are just as missing as the others.
installed=$(dpkg-query --show --showformat='${db:Status-Abbrev} ${Package}\n' $wanted 2>/dev/null |
	sed -n 's/^[hi]i *//p' | tr '\n' ' ') || true
missing=
for package in $wanted; do
	case " $installed" in
	*" $package "*) ;;
	*) missing="$missing $package" ;;
	esac
done
if [ -z "$missing" ]; then
	exit 0
fi

echo "Installing:$missing"
if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null; then
	as_root=sudo
	# Without a terminal sudo can't ask for a password.
	[ -t 0 ] || as_root="sudo -n"
else
	as_root=false
fi

install_command="apt-get install -y --no-install-recommends$missing"
# One broken source in the system's list need not stop us: whether the packages can be had shows below.
$as_root apt-get update -qq </dev/null || true
if ! $as_root env DEBIAN_FRONTEND=noninteractive $install_command -qq </dev/null; then
	echo "install-dependencies: could not install the packages. As root, run:" >&2
	echo "	apt-get update && $install_command" >&2
	exit 1
fi
