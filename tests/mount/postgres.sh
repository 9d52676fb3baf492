#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# PostgreSQL: a cluster is made, clients change a database at the same time, the server is killed and recovers,
# and in the end each page has its checksum, indexes agree with tables, and the sums of the benchmark's tables
# with each other.
. "$(dirname "$0")/lib.sh"
requires setpriv setfattr getfattr python3
# On Debian its programs are not in the path; of several versions, take the newest.
bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
[ -x "$bin/initdb" ] || bin=$(dirname "$(command -v initdb || echo nowhere/initdb)")
[ -x "$bin/initdb" ] || skip "needs PostgreSQL"
for program in pgbench pg_amcheck pg_checksums psql; do
	[ -x "$bin/$program" ] || skip "needs PostgreSQL's program $program"
done

scale=4
seconds=6
size=320M
if $slow; then
	scale=1
	seconds=3
fi
# PostgreSQL does not run as root.
user=$(id -u nobody)
group=$(id -g nobody)
data=$mnt/data

# as_user PROGRAM ARGUMENT...: one of PostgreSQL's; what it says is shown if it fails.
as_user() {
	local program=$1
	shift

	(cd "$mnt" && exec setpriv --reuid "$user" --regid "$group" --clear-groups \
		env HOME="$mnt" LC_ALL=C PGHOST="$mnt/run" PGUSER=vramfs PGDATABASE=postgres \
		"$bin/$program" "$@") >"$work/postgres.log" 2>&1 || {
		cat "$work/postgres.log"
		[ ! -f "$data/log" ] || tail -n 20 "$data/log"
		fail "$program $*"
	}
}

start_server() {
	as_user pg_ctl --pgdata="$data" --log="$data/log" --wait start
}

# stop_server fast|immediate
stop_server() {
	as_user pg_ctl --pgdata="$data" --mode="$1" --wait stop
}

# Whatever happens, no server may stay.
stop_server_and_finish() {
	local status=$?

	set +e
	[ ! -f "$data/postmaster.pid" ] || kill -QUIT "$(head -n 1 "$data/postmaster.pid")"
	(exit "$status")
	finish
}
trap stop_server_and_finish EXIT

expect_sound_database() {
	as_user psql --no-align --tuples-only --command "
		select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history) and
			(select sum(tbalance) from pgbench_tellers) = (select sum(delta) from pgbench_history) and
			(select sum(bbalance) from pgbench_branches) = (select sum(delta) from pgbench_history)"
	[ "$(cat "$work/postgres.log")" = t ] || fail "the sums differ: $(cat "$work/postgres.log")"
	as_user pg_amcheck --install-missing --all --heapallindexed --parent-check
}

mount_vramfs "$size" --allow-other
chmod a+x "$work"
chown "$user:$group" "$mnt"
as_user initdb --pgdata="$data" --username=vramfs --auth=trust --locale=C --data-checksums --wal-segsize=4
mkdir "$mnt/run"
chown "$user:$group" "$mnt/run"
cat >>"$data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$mnt/run'
shared_buffers = 8MB
min_wal_size = 8MB
max_wal_size = 32MB
END
start_server
as_user pgbench --initialize --scale="$scale"
# Clients that are cut off in the middle of it, and a server that has to recover.
as_user pgbench --client=8 --jobs=2 --time="$seconds"
stop_server immediate
written
start_server
# (its vacuum would empty the history)
as_user pgbench --no-vacuum --client=4 --jobs=2 --time=2 --protocol=prepared
expect_sound_database
stop_server fast
written
as_user pg_checksums --check --pgdata="$data"
start_server
expect_sound_database
stop_server fast
expect_counters
unmount_vramfs
