/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Lines of /proc/self/mountinfo. */
#include "fuse/mount-table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void a_line_is_taken_apart(void **state)
{
	struct mount_entry entry;

	(void)state;
	assert_true(
		mount_table_parse("36 35 98:17 / /mnt rw,noatime shared:1 master:2 - fuse.vramfs "
				  "cuda:0 rw,user_id=0\n",
			"/mnt", &entry));
	assert_int_equal(entry.major, 98);
	assert_int_equal(entry.minor, 17);
	assert_string_equal(entry.type, "fuse.vramfs");
	assert_true(mount_table_parse("1 0 0:2 / / rw - ext4 /dev/sda1 rw\n", "/", &entry));
	assert_string_equal(entry.type, "ext4");
}

static void other_directories_do_not_match(void **state)
{
	struct mount_entry entry = {.minor = 1};

	(void)state;
	assert_false(mount_table_parse("1 0 0:2 / /mnt rw - a b c\n", "/mn", &entry));
	assert_false(mount_table_parse("1 0 0:2 / /mnt rw - a b c\n", "/mnt2", &entry));
	assert_false(mount_table_parse("1 0 0:2 /mnt / rw - a b c\n", "/mnt", &entry));
	assert_int_equal(entry.minor, 1);
}

static void escaped_characters_are_compared_unescaped(void **state)
{
	struct mount_entry entry;

	(void)state;
	assert_true(mount_table_parse(
		"1 0 0:2 / /a\\040b\\011\\012\\134c rw - t s o\n", "/a b\t\n\\c", &entry));
	assert_false(mount_table_parse("1 0 0:2 / /a\\040b rw - t s o\n", "/a", &entry));
	assert_false(mount_table_parse("1 0 0:2 / /a\\04 rw - t s o\n", "/a ", &entry));
}

static void malformed_lines_are_passed_over(void **state)
{
	static const char *const lines[] = {"", "\n", "1 0 0:2 / ", "1 0 0:2 /",
		"1 0 02 / / rw - t", "x y 0:2 / / rw - t s o", "1 0 0:2 / / rw shared:1",
		"1 0 0:2 / / rw - "};
	struct mount_entry entry;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(mount_table_parse(lines[i], "/", &entry));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_taken_apart),
		cmocka_unit_test(other_directories_do_not_match),
		cmocka_unit_test(escaped_characters_are_compared_unescaped),
		cmocka_unit_test(malformed_lines_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
