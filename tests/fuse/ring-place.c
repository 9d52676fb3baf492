/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* When a ring's thread leaves its processor, and when it comes back (src/fuse/ring-place.c). The
 * test is the thread of one ring among eight. */
#include "fuse/ring-rounds.h"

#include "base/clock.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define RINGS 8u
#define LARGE ((size_t)1 << 20)
#define SMALL ((size_t)4096)
#define ENOUGH 20u /* requests to make up one's mind by */

static struct rings all;
static struct ring *own;

static bool is_at_home(void)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	return CPU_COUNT(&set) == 1 && CPU_ISSET((unsigned)own->options.processor, &set);
}

/* COUNT requests of BYTES bytes each, while OTHERS rings have large ones, too. */
static void see(unsigned count, size_t bytes, unsigned others)
{
	while (count--) {
		for (unsigned i = 1; i <= others; i++)
			all.rings[i]->large_ns = clock_ns();
		ring_place_see(own, bytes);
	}
}

/* So that what the rings had is long ago. */
static void wait_a_while(void)
{
	usleep(10000);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all.processors), &all.processors), 0);
	all.count = RINGS;
	for (unsigned i = 0; i < RINGS; i++) {
		all.rings[i] = calloc(1, sizeof(struct ring));
		all.rings[i]->options.all = &all;
		all.rings[i]->idle.schedstat_fd = -1;
	}
	own = all.rings[0];
	while (!CPU_ISSET((unsigned)own->options.processor, &all.processors))
		own->options.processor++;
	ring_place_begin(own);
	assert_true(is_at_home());
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RINGS; i++)
		free(all.rings[i]);
	return sched_setaffinity(0, sizeof(all.processors), &all.processors);
}

static void assert_roams(bool roams)
{
	cpu_set_t set;

	assert_int_equal(own->roams, roams);
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	if (roams)
		assert_true(CPU_EQUAL(&set, &all.processors));
	else
		assert_true(is_at_home());
}

static void small_requests_keep_it_at_home(void **state)
{
	(void)state;
	see(ENOUGH, SMALL, 0);
	assert_roams(false);
}

static void large_requests_let_it_roam_until_small_ones_come(void **state)
{
	(void)state;
	see(ENOUGH, LARGE, 0);
	assert_roams(true);
	see(ENOUGH, SMALL, 0);
	assert_roams(false);
}

static void where_many_work_it_stays_at_home(void **state)
{
	(void)state;
	see(ENOUGH, LARGE, RINGS / 2);
	assert_roams(false);
	/* And it goes back when others come. */
	wait_a_while();
	see(ENOUGH, LARGE, 1);
	assert_roams(true);
	see(ENOUGH, LARGE, RINGS / 2);
	assert_roams(false);
}

/* One request of the other kind is no reason to move. */
static void it_does_not_move_for_one_request(void **state)
{
	(void)state;
	see(1, LARGE, 0);
	assert_roams(false);
	see(ENOUGH, LARGE, 0);
	for (unsigned i = 0; i < ENOUGH; i++) {
		see(1, SMALL, 0);
		see(1, LARGE, 0);
	}
	assert_roams(true);
}

/* A thread that makes room for the program needs no place beside it, unless it has much to do. */
static void an_idle_thread_stays_until_requests_come_together(void **state)
{
	(void)state;
	own->idle.schedstat_fd = open("/dev/null", O_RDONLY);
	assert_true(ring_idle_suits(own));
	own->at_work = 1;
	see(ENOUGH, LARGE, 0);
	assert_roams(false);
	own->at_work = 2;
	see(ENOUGH, LARGE, 0);
	assert_roams(true);
	own->at_work = 1;
	see(ENOUGH, LARGE, 0);
	assert_roams(false);
	ring_idle_end(own);
	see(ENOUGH, LARGE, 0);
	assert_roams(true);
}

/* A machine of fewer than four processors has none to spare. */
static void with_few_processors_it_stays_at_home(void **state)
{
	(void)state;
	all.count = 3;
	see(ENOUGH, LARGE, 0);
	assert_roams(false);
}

static void a_thread_without_a_home_is_left_alone(void **state)
{
	(void)state;
	assert_int_equal(sched_setaffinity(0, sizeof(all.processors), &all.processors), 0);
	own->options.processor = -1;
	ring_place_begin(own);
	see(ENOUGH, LARGE, 0);
	assert_false(own->roams);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(small_requests_keep_it_at_home, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			large_requests_let_it_roam_until_small_ones_come, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			where_many_work_it_stays_at_home, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			it_does_not_move_for_one_request, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_idle_thread_stays_until_requests_come_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			with_few_processors_it_stays_at_home, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_thread_without_a_home_is_left_alone, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
