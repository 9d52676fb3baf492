#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# POSIX ACLs: the same commands on tmpfs and here, with the same outcome. What setfacl and chmod make of each
# other, whom the kernel then lets in, what new files inherit, and which ACLs are refused.
. "$(dirname "$0")/lib.sh"
requires setfacl getfacl setfattr getfattr setpriv python3

# show PATH...: everything that an ACL has a part in. Right after a change, so that nothing old is shown.
show() {
	local path

	for path in "$@"; do
		stat -c '%n %A %u %g' "$path"
		getfacl --numeric --absolute-names "$path"
		getfattr --absolute-names -h -d -m - -e hex "$path"
	done
}

# as USER GROUP COMMAND...
as() {
	local user=$1 group=$2
	shift 2
	setpriv --reuid "$user" --regid "$group" --clear-groups "$@" && echo "yes: $*" || echo "no: $*"
}

access_acls() {
	umask 022
	echo secret >f
	chmod 600 f
	chown 1000:1000 f
	as 2000 2000 cat f
	setfacl -m u:2000:r f && show f
	as 2000 2000 cat f
	as 2001 2001 cat f
	setfacl -m g:3000:rw f && show f
	as 2001 3000 cat f
	as 2001 3000 sh -c 'echo more >>f'
	chmod 640 f && show f
	as 2001 3000 sh -c 'echo more >>f'
	chmod 604 f && show f
	as 2000 2000 cat f
	as 2002 2002 cat f
	chmod g+rwx f && show f
	setfacl -m m::r f && show f
	setfacl -x u:2000 f && show f
	as 2000 2000 cat f
	setfacl -x g:3000 f && show f
	setfacl -x m f && show f
	setfacl -m u:5:rwx,u:4:-,g:9:x,g:8:- f && show f
	setfacl -b f && show f
	# what says no more than the mode is not kept
	setfacl --set u::rw,g::r,o::- f && show f
	setfacl --set u::rw,g::r,m::rw,o::- f && show f
	setfacl -b f
	# by the owner, and by who is not
	as 1000 1000 setfacl -m u:2000:rwx f
	as 2000 2000 setfacl -m u:2000:rwx f
	show f
	cp -p f copy && show copy
	mv copy moved && show moved
	ln moved linked && show linked
	chmod u+s,g+s f && show f
}

setgid() {
	local group

	for group in 1000 2000; do
		rm -f f
		: >f
		chown 1000:1000 f
		chmod 2755 f
		chown 1000:$group f
		chmod 2755 f
		as 1000 1000 setfacl -m u:7:r f
		show f
		as 1000 1000 chmod 2750 f
		show f
	done
	chmod 2755 f
	setfacl -m u:8:r f && show f
}

default_acls() {
	local mask

	mkdir d
	setfacl -d -m u:2000:rwx,g:3000:rx d && show d
	for mask in 000 022 077 027; do
		umask $mask
		: >d/file
		mkdir d/dir
		mkdir -m 700 d/private
		mkfifo d/fifo
		mknod d/node c 1 3
		mknod -m 600 d/node600 b 1 3
		ln -s nowhere d/link
		python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("d/socket")'
		python3 -c '
import os
for mode in (0o777, 0o666, 0o640, 0o400, 0o4755, 0o2711):
    os.close(os.open("d/%o" % mode, os.O_CREAT | os.O_WRONLY, mode))
file = os.open("d", os.O_TMPFILE | os.O_RDWR, 0o666)
os.link("/proc/self/fd/%d" % file, "d/tmpfile", src_dir_fd=0, follow_symlinks=True)'
		stat -c '%n %A' d/link
		show d/file d/dir d/private d/fifo d/node d/node600 d/socket d/tmpfile d/[0-9]*
		mkdir d/dir/deeper
		: >d/dir/deeper/file
		show d/dir/deeper d/dir/deeper/file
		as 2000 2000 touch d/dir/by-2000
		as 2001 3000 touch d/dir/by-3000
		as 2001 3000 ls d/dir
		rm -r d/*
	done
	umask 022
	# one that the mode can say
	setfacl -k d
	setfacl -d --set u::rwx,g::rx,o::- d && show d
	: >d/file
	mkdir d/dir
	show d/file d/dir
	setfacl -k d && show d
	: >d/plain
	show d/plain
	chmod 2775 d
	chgrp 55 d
	setfacl -d -m g:3000:rwx d
	mkdir d/inside
	: >d/inside/file
	show d/inside d/inside/file
}

refused() {
	: >f
	mkdir d
	ln -s f link
	setfacl -d -m u:1:r f
	setfacl -m u:1:r link && show f # what it points to
	getfattr -h -n system.posix_acl_access link
	getfattr -n system.posix_acl_default f
	getfattr -n system.posix_acl_access d
	python3 - <<'END'
import errno, os, struct

def acl(*entries, version=2):
    return struct.pack("<I", version) + b"".join(struct.pack("<HHI", *entry) for entry in entries)

none = 0xffffffff
owner, group, other, mask = (1, 6, none), (4, 4, none), (32, 4, none), (16, 7, none)
user = (2, 7, 1234)
values = [
    b"", b"\0", b"\2\0\0\0", acl(version=1), acl(owner, group, other, version=3),
    acl(owner, group, other), acl(owner, group, other)[:-1], acl(owner, group, other) + b"\0",
    acl(owner, other), acl(group, other), acl(owner, group), acl(group, owner, other),
    acl(owner, user, group, other), acl(owner, user, group, mask, other),
    acl(owner, user, user, group, mask, other), acl(owner, group, mask, mask, other),
    acl((1, 8, none), group, other), acl((1, 0xffff, none), group, other),
    acl(owner, (2, 7, none), group, mask, other), acl((3, 6, none), group, other),
    acl(owner, group, (64, 4, none)), acl((1, 6, 55), group, other),
    acl(owner, *[(2, 7, i) for i in range(100)], group, mask, other),
    acl(owner, *[(2, 7, i) for i in range(500)], group, mask, other),
]
for path in "f", "d", "link":
    for name in "system.posix_acl_access", "system.posix_acl_default":
        for number, value in enumerate(values):
            try:
                os.setxattr(path, name, value, follow_symlinks=False)
                result = "set"
            except OSError as error:
                result = errno.errorcode[error.errno]
            mode = oct(os.lstat(path).st_mode)
            print(path, name, number, result, mode, os.listxattr(path, follow_symlinks=False))
        for turn in 1, 2:
            try:
                os.removexattr(path, name, follow_symlinks=False)
                print(path, name, "removed", oct(os.lstat(path).st_mode))
            except OSError as error:
                print(path, name, errno.errorcode[error.errno])
END
}

mount_vramfs 64M -o dev,suid,allow_other
for function in access_acls setgid default_acls refused; do
	behaves_as_tmpfs "$function"
	[ "$(wc -l <"$work/mnt.seen")" -ge 40 ] || fail "$function has seen next to nothing"
done
unmount_vramfs
