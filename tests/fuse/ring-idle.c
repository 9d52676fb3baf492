/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* When a ring's thread makes room for whatever else wants its processor (src/fuse/ring-idle.c). The
 * test is the thread, and takes a nap between requests as a thread does that waits for the next. */
#include "fuse/ring-rounds.h"

#include "base/clock.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Other programs of the machine may have the processor for a while. */
#define PATIENCE_NS INT64_C(60000000000)

static struct rings all;
static struct ring *ring;
static cpu_set_t before, one;
static atomic_bool hog_ends;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	/* More than the machine has, so that it is never too busy. */
	memset(&all.processors, 0xff, sizeof(all.processors));
	ring = calloc(1, sizeof(*ring));
	ring->options.all = &all;
	CPU_ZERO(&one);
	for (int i = 0; CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	ring_idle_begin(ring);
	return 0;
}

static int tear_down(void **state)
{
	const struct sched_param none = {0};

	(void)state;
	ring_idle_end(ring);
	free(ring);
	(void)sched_setscheduler(0, SCHED_OTHER, &none);
	return sched_setaffinity(0, sizeof(before), &before);
}

static void skip_without_permission(void)
{
	if (ring->idle.schedstat_fd < 0) {
		print_message("needs CAP_SYS_NICE, and a kernel that counts delays\n");
		skip();
	}
}

/* Requests, until the thread is what it should be. */
static void assert_becomes(bool idle)
{
	const int64_t until = clock_ns() + PATIENCE_NS;

	while (ring->idle.is_idle != idle) {
		if (clock_ns() > until)
			fail_msg("the thread does not become %s", idle ? "idle" : "ordinary");
		usleep(50);
		ring_idle_see(ring);
	}
	assert_int_equal(sched_getscheduler(0), idle ? SCHED_IDLE : SCHED_OTHER);
}

/* What else runs on this machine shall not matter any more. */
static void look_no_more(void)
{
	ring->idle.look_ns = INT64_MAX;
}

static void *hog(void *argument)
{
	(void)argument;
	while (!atomic_load(&hog_ends))
		;
	return NULL;
}

/* Another thread of this policy, which never waits, on PROCESSORS. */
static pthread_t start_hog(int policy, const cpu_set_t *processors)
{
	pthread_t thread;
	pthread_attr_t attributes;

	atomic_store(&hog_ends, false);
	pthread_attr_init(&attributes);
	pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attributes, policy);
	pthread_attr_setaffinity_np(&attributes, sizeof(*processors), processors);
	assert_int_equal(pthread_create(&thread, &attributes, hog, NULL), 0);
	pthread_attr_destroy(&attributes);
	return thread;
}

static void it_is_idle_where_nothing_else_runs(void **state)
{
	(void)state;
	skip_without_permission();
	assert_false(ring->idle.is_idle);
	assert_true(ring_idle_suits(ring));
	assert_becomes(true);
}

static void it_is_ordinary_where_others_work_and_the_longer_the_oftener(void **state)
{
	int64_t first = 0;

	(void)state;
	skip_without_permission();
	for (int i = 0; i < 3; i++) {
		pthread_t thread;

		assert_becomes(true);
		thread = start_hog(SCHED_OTHER, &one);
		assert_becomes(false);
		assert_false(ring_idle_suits(ring));
		atomic_store(&hog_ends, true);
		pthread_join(thread, NULL);
		if (i == 0)
			first = ring->idle.crowded_for_ns;
	}
	assert_true(ring->idle.crowded_for_ns > first);
	assert_becomes(true);
}

/* Though nothing keeps it waiting: all the others run elsewhere. */
static void it_is_ordinary_where_no_processor_is_idle(void **state)
{
	const int count = CPU_COUNT(&before);
	pthread_t hogs[count];
	cpu_set_t others;

	(void)state;
	skip_without_permission();
	CPU_XOR(&others, &before, &one);
	if (CPU_COUNT(&others) == 0)
		skip();
	assert_becomes(true);
	for (int i = 0; i < count; i++)
		hogs[i] = start_hog(SCHED_OTHER, &others);
	all.processors = before;
	assert_becomes(false);
	/* As long as it is so, and no longer. */
	for (int64_t until = clock_ns() + 300000000; clock_ns() < until; usleep(1000)) {
		ring_idle_see(ring);
		assert_false(ring->idle.is_idle);
	}
	memset(&all.processors, 0xff, sizeof(all.processors));
	assert_becomes(true);
	atomic_store(&hog_ends, true);
	for (int i = 0; i < count; i++)
		pthread_join(hogs[i], NULL);
}

static void it_is_ordinary_where_requests_come_together(void **state)
{
	(void)state;
	skip_without_permission();
	ring->at_work = 1;
	assert_becomes(true);
	look_no_more();
	ring->at_work = 2;
	ring_idle_see(ring);
	assert_true(ring->idle.is_idle); /* one is no reason */
	assert_becomes(false);
	assert_true(ring_idle_suits(ring));
	ring->at_work = 1;
	ring_idle_see(ring);
	assert_false(ring->idle.is_idle);
	assert_becomes(true);
}

static void it_is_ordinary_where_it_roams(void **state)
{
	(void)state;
	skip_without_permission();
	assert_becomes(true);
	look_no_more();
	ring->roams = true;
	assert_becomes(false);
	assert_true(ring_idle_suits(ring));
	ring->roams = false;
	assert_becomes(true);
}

/* It could not become an ordinary thread again. */
static void without_permission_it_stays_ordinary(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (!child) {
		const struct sched_param none = {0};
		struct ring *own = calloc(1, sizeof(*own));

		if (geteuid() == 0 && setuid(65534))
			_exit(1);
		if (!own || sched_getscheduler(0) != SCHED_OTHER)
			_exit(2);
		own->options.all = &all;
		ring_idle_begin(own);
		ring_idle_see(own);
		if (own->idle.is_idle || ring_idle_suits(own) ||
			sched_getscheduler(0) != SCHED_OTHER)
			_exit(3);
		/* That it is this: */
		if (sched_setscheduler(0, SCHED_IDLE, &none) ||
			!sched_setscheduler(0, SCHED_OTHER, &none))
			_exit(77);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			it_is_idle_where_nothing_else_runs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			it_is_ordinary_where_others_work_and_the_longer_the_oftener, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			it_is_ordinary_where_no_processor_is_idle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			it_is_ordinary_where_requests_come_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_is_ordinary_where_it_roams, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			without_permission_it_stays_ordinary, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
