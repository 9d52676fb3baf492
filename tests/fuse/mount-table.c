/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Lines of /proc/self/mountinfo, and the flags of mounts in words. */
#include "fuse/mount-flags.h"
#include "fuse/mount-table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mount.h>

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

static void flags_of_mount_and_filesystem_add_up(void **state)
{
	struct mount_entry entry;

	(void)state;
	assert_true(mount_table_parse("1 0 0:2 / / rw,nosuid,relatime shared:1 - fuse.vramfs auto "
				      "ro,lazytime,user_id=0,max_read=4096\n",
		"/", &entry));
	assert_int_equal(entry.flags, MS_NOSUID | MS_RELATIME | MS_RDONLY | MS_LAZYTIME);
	assert_true(mount_table_parse("1 0 0:2 / / rw - t", "/", &entry));
	assert_int_equal(entry.flags, 0);
	assert_true(mount_table_parse("1 0 0:2 / / ro,,noexec - t s", "/", &entry));
	assert_int_equal(entry.flags, MS_RDONLY | MS_NOEXEC);
}

static void the_last_of_contradicting_words_counts(void **state)
{
	struct mount_flags flags = {};
	char text[64];

	(void)state;
	assert_true(mount_flags_add(&flags, "ro"));
	assert_true(mount_flags_add(&flags, "noatime"));
	assert_true(mount_flags_add(&flags, "rw"));
	assert_true(mount_flags_add(&flags, "strictatime"));
	assert_true(mount_flags_add(&flags, "suid"));
	assert_false(mount_flags_add(&flags, "size"));
	assert_false(mount_flags_add(&flags, ""));
	assert_int_equal(mount_flags_apply(&flags, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_RELATIME),
		MS_NODEV | MS_STRICTATIME);
	assert_true(mount_flags_format(MS_NODEV | MS_STRICTATIME, text, sizeof(text)));
	assert_string_equal(text, ",nodev,strictatime");
	assert_false(mount_flags_format(MS_NODEV, text, sizeof(",nodev") - 1));
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
		cmocka_unit_test(flags_of_mount_and_filesystem_add_up),
		cmocka_unit_test(the_last_of_contradicting_words_counts),
		cmocka_unit_test(other_directories_do_not_match),
		cmocka_unit_test(escaped_characters_are_compared_unescaped),
		cmocka_unit_test(malformed_lines_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
