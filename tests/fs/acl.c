/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * ACLs: which are refused, what they do to permission bits and these to them, and what new files
 * inherit. That all this is as Linux has it is for the tests of mounted filesystems to say, which
 * compare with tmpfs.
 */
#include "fixture.h"

#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"
#define NOBODY ACL_UNDEFINED_ID

static struct volume volume;
static struct fs *fs;
static uint64_t file, directory;

struct acl {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entries[8];
};

/* u::rwx u:1000:rw- g::r-x m::rwx o::r-- */
static const struct acl named = {{POSIX_ACL_XATTR_VERSION},
	{{ACL_USER_OBJ, 7, NOBODY}, {ACL_USER, 6, 1000}, {ACL_GROUP_OBJ, 5, NOBODY},
		{ACL_MASK, 7, NOBODY}, {ACL_OTHER, 4, NOBODY}}};
#define NAMED_ENTRIES 5u

static const struct acl minimal = {{POSIX_ACL_XATTR_VERSION},
	{{ACL_USER_OBJ, 6, NOBODY}, {ACL_GROUP_OBJ, 4, NOBODY}, {ACL_OTHER, 0, NOBODY}}};

static int set_up(void **state)
{
	(void)state;
	volume = volume_open(RS_136, 4u << 20);
	fs = volume.fs;
	file = make_file(fs, FS_ROOT, "file", FORGET);
	directory = make_directory(fs, FS_ROOT, "directory", FORGET);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	volume_close(&volume);
	return 0;
}

static size_t acl_bytes(unsigned entries)
{
	return sizeof(struct posix_acl_xattr_header) +
	       entries * sizeof(struct posix_acl_xattr_entry);
}

static int set(uint64_t ino, const char *name, const struct acl *acl, unsigned entries)
{
	return fs_set_xattr(fs, ino, name_of(name), acl, acl_bytes(entries), 0);
}

static bool has(uint64_t ino, const char *name)
{
	return fs_get_xattr(fs, ino, name_of(name), NULL, 0) >= 0;
}

static unsigned permissions(uint64_t ino)
{
	return attr_of(fs, ino).mode & 07777;
}

/* The permissions of the access ACL's entry of that number, which must have that tag. */
static unsigned entry_of(uint64_t ino, unsigned index, unsigned tag)
{
	struct acl acl;
	assert_true(fs_get_xattr(fs, ino, name_of(ACCESS), &acl, sizeof(acl)) > 0);
	assert_int_equal(acl.entries[index].e_tag, tag);
	return acl.entries[index].e_perm;
}

static void what_is_no_acl_is_refused(void **state)
{
	(void)state;
	struct acl acl = named;
	for (size_t size = 0; size < acl_bytes(NAMED_ENTRIES); size++)
		assert_int_equal(fs_set_xattr(fs, file, name_of(ACCESS), &acl, size, 0), -EINVAL);
	acl.header.a_version = 1;
	assert_int_equal(set(file, ACCESS, &acl, NAMED_ENTRIES), -EOPNOTSUPP);

	const struct {
		unsigned index, tag, permissions, id;
	} broken[] = {
		{0, ACL_USER_OBJ, 8, NOBODY},   /* no such permission */
		{1, ACL_USER, 6, NOBODY},       /* nobody named */
		{1, ACL_GROUP, 6, 1000},        /* not in order */
		{0, ACL_USER, 7, 1000},         /* without the owner */
		{3, ACL_GROUP, 7, 1000},        /* without a mask */
		{1, ACL_USER_OBJ, 7, NOBODY},   /* an owner too many */
		{4, ACL_OTHER << 1, 4, NOBODY}, /* no such tag */
		{4, 0, 4, NOBODY},              /* likewise */
		{1, ACL_USER | 1, 6, 1000},     /* likewise */
	};
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		acl = named;
		acl.entries[broken[i].index] = (struct posix_acl_xattr_entry){
			(uint16_t)broken[i].tag, (uint16_t)broken[i].permissions, broken[i].id};
		assert_int_equal(set(file, ACCESS, &acl, NAMED_ENTRIES), -EINVAL);
	}
	assert_false(has(file, ACCESS));
	assert_int_equal(permissions(file), 0644);
}

static void random_bytes_do_no_harm(void **state)
{
	(void)state;
	uint64_t seed = 11;
	unsigned accepted = 0;
	for (unsigned i = 0; i < 200000; i++) {
		struct acl acl = named;
		unsigned count = (unsigned)random_below(&seed, 8);
		for (unsigned changes = 0; changes < 3; changes++) {
			struct posix_acl_xattr_entry *entry = &acl.entries[random_below(&seed, 8)];
			entry->e_tag = (uint16_t)(1u << random_below(&seed, 7));
			entry->e_perm = (uint16_t)random_below(&seed, 9);
		}
		if (set(directory, random_below(&seed, 2) ? ACCESS : DEFAULT, &acl, count) == 0)
			accepted++;
		if (i % 100 == 0) {
			uint64_t made = make_file(fs, directory, "made", FORGET);
			assert_true(permissions(made) <= 0644);
			assert_int_equal(fs_unlink(fs, directory, name_of("made")), 0);
		}
	}
	assert_true(accepted > 100);
}

static void an_access_acl_and_the_mode_agree(void **state)
{
	(void)state;
	assert_int_equal(set(file, ACCESS, &named, NAMED_ENTRIES), 0);
	assert_int_equal(permissions(file), 0774); /* the mask is what the group's bits show */

	struct fs_changes changes = {.valid = FS_SET_MODE, .mode = 04620};
	struct fs_attr attr;
	assert_int_equal(fs_set_attr(fs, file, &changes, &attr), 0);
	assert_int_equal(permissions(file), 04620);
	assert_int_equal(entry_of(file, 0, ACL_USER_OBJ), 6);
	assert_int_equal(entry_of(file, 1, ACL_USER), 6);
	assert_int_equal(entry_of(file, 2, ACL_GROUP_OBJ), 5);
	assert_int_equal(entry_of(file, 3, ACL_MASK), 2);
	assert_int_equal(entry_of(file, 4, ACL_OTHER), 0);

	/* one that says no more than the bits is not kept */
	assert_int_equal(set(file, ACCESS, &minimal, 3), 0);
	assert_int_equal(permissions(file), 04640);
	assert_false(has(file, ACCESS));
}

static void setgid_goes_when_asked(void **state)
{
	(void)state;
	struct fs_changes changes = {.valid = FS_SET_MODE, .mode = 06755};
	struct fs_attr attr;
	size_t size = acl_bytes(NAMED_ENTRIES);
	assert_int_equal(fs_set_attr(fs, file, &changes, &attr), 0);
	assert_int_equal(set(file, ACCESS, &named, NAMED_ENTRIES), 0);
	assert_int_equal(permissions(file), 06774);
	assert_int_equal(
		fs_set_xattr(fs, file, name_of(ACCESS), &named, size, FS_XATTR_CLEAR_SGID), 0);
	assert_int_equal(permissions(file), 04774);
}

static void only_directories_have_default_acls(void **state)
{
	(void)state;
	struct fs_owner owner = {.uid = 0};
	struct fs_attr link;
	assert_int_equal(set(file, DEFAULT, &named, NAMED_ENTRIES), -EACCES);
	assert_int_equal(set(directory, DEFAULT, &named, NAMED_ENTRIES), 0);
	assert_int_equal(permissions(directory), 0755); /* it says nothing of the directory */
	assert_int_equal(
		fs_make_symlink(fs, directory, name_of("link"), name_of("to"), &owner, &link), 0);
	assert_int_equal(set(link.ino, ACCESS, &named, NAMED_ENTRIES), -EOPNOTSUPP);
	assert_false(has(link.ino, ACCESS));
	assert_int_equal(link.mode, S_IFLNK | 0777);
	fs_forget(fs, link.ino, 1);
	/* what isn't there can be removed */
	assert_int_equal(fs_remove_xattr(fs, directory, name_of(DEFAULT)), 0);
	assert_int_equal(fs_remove_xattr(fs, directory, name_of(DEFAULT)), 0);
	assert_false(has(directory, DEFAULT));
}

static struct fs_attr make(mode_t mode)
{
	struct fs_owner owner = {.umask = 027};
	struct fs_attr attr;
	assert_int_equal(fs_make(fs, directory, name_of("made"), mode, 0, &owner, &attr), 0);
	fs_forget(fs, attr.ino, 1);
	return attr;
}

static void a_default_acl_goes_to_what_is_made(void **state)
{
	(void)state;
	struct fs_owner owner = {.umask = 027};
	struct fs_attr attr = make(S_IFREG | 0666);
	assert_int_equal(attr.mode, S_IFREG | 0640); /* no default ACL: the umask */
	assert_int_equal(fs_unlink(fs, directory, name_of("made")), 0);

	assert_int_equal(set(directory, DEFAULT, &named, NAMED_ENTRIES), 0);
	attr = make(S_IFREG | 0666);
	assert_int_equal(attr.mode, S_IFREG | 0664);
	assert_int_equal(entry_of(attr.ino, 1, ACL_USER), 6);
	assert_int_equal(entry_of(attr.ino, 3, ACL_MASK), 6);
	assert_false(has(attr.ino, DEFAULT));
	assert_int_equal(fs_unlink(fs, directory, name_of("made")), 0);

	attr = make(S_IFDIR | 0700);
	assert_int_equal(attr.mode, S_IFDIR | 0700);
	assert_int_equal(entry_of(attr.ino, 3, ACL_MASK), 0);
	assert_true(has(attr.ino, DEFAULT));
	assert_int_equal(fs_rmdir(fs, directory, name_of("made")), 0);

	assert_int_equal(make(S_IFIFO | 0600).mode, S_IFIFO | 0600);
	assert_int_equal(fs_make_unnamed(fs, directory, S_IFREG | 0666, &owner, &attr), 0);
	assert_int_equal(attr.mode, S_IFREG | 0664);
	assert_true(has(attr.ino, ACCESS));
	fs_forget(fs, attr.ino, 1);

	/* one that the bits can express leaves no ACL behind */
	assert_int_equal(set(directory, DEFAULT, &minimal, 3), 0);
	assert_int_equal(fs_unlink(fs, directory, name_of("made")), 0);
	attr = make(S_IFREG | 0777);
	assert_int_equal(attr.mode, S_IFREG | 0640);
	assert_false(has(attr.ino, ACCESS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_no_acl_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(random_bytes_do_no_harm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_access_acl_and_the_mode_agree, set_up, tear_down),
		cmocka_unit_test_setup_teardown(setgid_goes_when_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			only_directories_have_default_acls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_default_acl_goes_to_what_is_made, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
