#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
# A database is loaded, changed and checked, with a rollback journal and with a write-ahead log, and ends
# as the same database on an ordinary filesystem does.
. "$(dirname "$0")/lib.sh"
requires sqlite3 setfattr getfattr python3

rows=15000
if $slow; then
	rows=1500
fi

load() {
	cat <<END
pragma journal_mode = $1;
create table item (id integer primary key, name text, value integer);
create index item_by_value on item (value);
begin;
with recursive n(i) as (values (1) union all select i + 1 from n where i < $rows)
insert into item select i, printf('item %d %s', i, hex(i * 7919)), (i * 7919) % 10007 from n;
commit;
END
	for round in 1 2 3 4 5 6; do
		cat <<END
begin;
update item set value = value * $round, name = name || ' changed' where id % 7 = $round;
delete from item where id % 31 = $round;
commit;
begin;
delete from item where id % 2 = 0;
rollback;
END
	done
}

mount_vramfs 32M
start_storm
for journal in delete wal; do
	load "$journal" >"$work/load.sql"
	sqlite3 -bail "$work/reference-$journal.db" <"$work/load.sql" >/dev/null
	sqlite3 -bail "$mnt/$journal.db" <"$work/load.sql" >/dev/null
	written
	answer=$(sqlite3 -bail "$mnt/$journal.db" 'pragma integrity_check;')
	[ "$answer" = ok ] || fail "$journal: the integrity check says: $answer"
	sqlite3 -bail "$mnt/$journal.db" .dump >"$work/dump"
	sqlite3 -bail "$work/reference-$journal.db" .dump | cmp - "$work/dump" ||
		fail "$journal: the contents differ"
	sqlite3 -bail "$mnt/$journal.db" vacuum
	written
	answer=$(sqlite3 -bail "$mnt/$journal.db" 'pragma integrity_check;')
	[ "$answer" = ok ] || fail "$journal: after vacuum, the integrity check says: $answer"
done
expect_counters
unmount_vramfs
