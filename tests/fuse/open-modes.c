/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* Who goes through the page cache, and that two who have one file open never differ. */
#include "fuse/open-modes.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static struct open_modes *modes_of(enum fuse_cache cache)
{
	struct open_modes *modes;

	assert_int_equal(open_modes_new(cache, &modes), 0);
	return modes;
}

static void the_first_open_goes_as_its_flags_and_the_option_say(void **state)
{
	static const struct {
		enum fuse_cache cache;
		uint32_t flags;
		bool cached;
	} cases[] = {
		{FUSE_CACHE_NONE, O_RDONLY, false},
		{FUSE_CACHE_NONE, O_RDWR, false},
		{FUSE_CACHE_AUTO, O_RDONLY, true},
		{FUSE_CACHE_AUTO, O_RDWR | O_CREAT, true},
		{FUSE_CACHE_AUTO, O_WRONLY | O_APPEND, false},
		{FUSE_CACHE_AUTO, O_RDONLY | O_DIRECT, false},
		{FUSE_CACHE_ALWAYS, O_RDONLY, true},
		{FUSE_CACHE_ALWAYS, O_WRONLY, true},
		{FUSE_CACHE_ALWAYS, O_RDWR | O_DIRECT, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct open_modes *modes = modes_of(cases[i].cache);

		assert_int_equal(open_modes_enter(modes, 7, cases[i].flags), cases[i].cached);
		open_modes_free(modes);
	}
}

static void later_opens_follow_until_the_last_is_closed(void **state)
{
	struct open_modes *modes = modes_of(FUSE_CACHE_AUTO);

	(void)state;
	assert_true(open_modes_enter(modes, 7, O_RDONLY));
	assert_true(open_modes_enter(modes, 7, O_WRONLY));
	assert_false(open_modes_enter(modes, 8, O_WRONLY));
	assert_false(open_modes_enter(modes, 8, O_RDONLY));
	open_modes_leave(modes, 7);
	open_modes_leave(modes, 8);
	assert_true(open_modes_enter(modes, 7, O_WRONLY | O_DIRECT));
	assert_false(open_modes_enter(modes, 8, O_RDWR));
	for (int i = 0; i < 2; i++) {
		open_modes_leave(modes, 7);
		open_modes_leave(modes, 8);
	}
	assert_false(open_modes_enter(modes, 7, O_WRONLY));
	assert_true(open_modes_enter(modes, 8, O_RDONLY));
	open_modes_free(modes);
}

static void a_release_that_nothing_opened_changes_nothing(void **state)
{
	struct open_modes *modes = modes_of(FUSE_CACHE_AUTO);

	(void)state;
	open_modes_leave(modes, UINT64_MAX);
	assert_true(open_modes_enter(modes, UINT64_MAX, O_RDONLY));
	open_modes_leave(modes, UINT64_MAX);
	assert_false(open_modes_enter(modes, UINT64_MAX, O_WRONLY));
	open_modes_free(modes);
}

struct race {
	struct open_modes *modes;
	uint32_t flags;
	_Atomic int *cached, *direct; /* how many have the file open so */
	unsigned differed;
};

static void *open_and_close(void *argument)
{
	struct race *race = argument;

	for (unsigned i = 0; i < 100000; i++) {
		bool cached = open_modes_enter(race->modes, 3, race->flags);
		_Atomic int *mine = cached ? race->cached : race->direct;
		_Atomic int *others = cached ? race->direct : race->cached;

		atomic_fetch_add(mine, 1);
		race->differed += atomic_load(others) != 0;
		atomic_fetch_sub(mine, 1);
		open_modes_leave(race->modes, 3);
	}
	return NULL;
}

static void threads_that_have_a_file_open_never_differ(void **state)
{
	struct open_modes *modes = modes_of(FUSE_CACHE_AUTO);
	_Atomic int cached = 0, direct = 0;
	struct race races[4];
	pthread_t threads[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		races[i] = (struct race){
			modes, i % 2 ? O_WRONLY : O_RDONLY, &cached, &direct, .differed = 0};
		assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, &races[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(races[i].differed, 0);
	}
	open_modes_free(modes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_open_goes_as_its_flags_and_the_option_say),
		cmocka_unit_test(later_opens_follow_until_the_last_is_closed),
		cmocka_unit_test(a_release_that_nothing_opened_changes_nothing),
		cmocka_unit_test(threads_that_have_a_file_open_never_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
