/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The warp emulator does what CUDA's threads do, and says when they may not.
 */
#include "kernels/warp.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define THREADS 96u

static uint32_t results[THREADS][16], order[THREADS], started;

static void every_builtin(void *argument)
{
	const uint32_t thread = LANE, lane = thread % WARP_LANES;
	uint32_t *result = results[thread];

	assert_null(argument);
	order[started++] = thread;
	result[0] = __nvvm_vote_ballot_sync(WARP_ALL, thread % 3 == 0);
	result[1] = __nvvm_vote_any_sync(WARP_ALL, thread == 40);
	result[2] = __nvvm_vote_all_sync(WARP_ALL, thread != 40);
	result[3] = (uint32_t)__nvvm_shfl_sync_idx_i32(WARP_ALL, (int)thread, (int)lane * 3, 31);
	result[4] = (uint32_t)__nvvm_shfl_sync_bfly_i32(WARP_ALL, (int)thread, 5, 31);
	result[5] = (uint32_t)__nvvm_shfl_sync_down_i32(WARP_ALL, (int)thread, 7, 31);
	result[6] = (uint32_t)__nvvm_shfl_sync_up_i32(WARP_ALL, (int)thread, 7, 0);
	/* The upper bits of CLAMP: parts of eight lanes. */
	result[7] = (uint32_t)__nvvm_shfl_sync_idx_i32(WARP_ALL, (int)thread, 2, 0x181f);
	result[8] = (uint32_t)__nvvm_shfl_sync_down_i32(WARP_ALL, (int)thread, 3, 0x181f);
	result[9] = (uint32_t)__nvvm_shfl_sync_up_i32(WARP_ALL, (int)thread, 3, 0x1800);
	/* What was written before a barrier is seen behind it: by the warp, by the group. */
	result[10] = thread + 1;
	__nvvm_bar_warp_sync(WARP_ALL);
	result[11] = results[thread ^ 31][10];
	__syncthreads();
	result[12] = results[THREADS - 1 - thread][11];
	result[13] = (uint32_t)__nvvm_read_ptx_sreg_ctaid_x();
	result[14] = (uint32_t)__nvvm_read_ptx_sreg_nctaid_x();
	result[15] = (uint32_t)__nvvm_read_ptx_sreg_ntid_x();
}

static void assert_every_builtin(uint32_t group)
{
	for (uint32_t thread = 0; thread < THREADS; thread++) {
		const uint32_t lane = thread % WARP_LANES, warp = thread - lane;
		uint32_t votes = 0;

		for (uint32_t i = 0; i < WARP_LANES; i++)
			votes |= (uint32_t)((warp + i) % 3 == 0) << i;
		const uint32_t expected[16] = {votes, warp == 32, warp != 32,
			warp + lane * 3 % WARP_LANES, thread ^ 5,
			lane + 7 < 32 ? thread + 7 : thread, lane >= 7 ? thread - 7 : thread,
			thread / 8 * 8 + 2, lane % 8 + 3 < 8 ? thread + 3 : thread,
			lane % 8 >= 3 ? thread - 3 : thread, thread + 1, (thread ^ 31) + 1,
			((THREADS - 1 - thread) ^ 31) + 1, group, 7, THREADS};

		assert_memory_equal(results[thread], expected, sizeof(expected));
	}
}

static void test_builtins(void **state)
{
	uint32_t orders[2][THREADS];

	(void)state;
	for (uint32_t group = 0; group < 7; group++) {
		memset(results, 0, sizeof(results));
		started = 0;
		warp_emulator_run(
			&(struct warp_emulator_launch){every_builtin, NULL, THREADS, 7}, group, 1);
		assert_every_builtin(group);
		assert_int_equal(started, THREADS);
		memcpy(orders[group % 2], order, sizeof(order));
		if (group > 0)
			assert_memory_not_equal(orders[0], orders[1], sizeof(order));
	}
}

static void leave_early(void *argument)
{
	(void)argument;
	if (LANE != 5)
		warp_ballot(true);
}

static void mix_builtins(void *argument)
{
	(void)argument;
	if (LANE == 9)
		warp_barrier();
	else
		warp_ballot(true);
}

static void name_some_lanes(void *argument)
{
	(void)argument;
	__nvvm_vote_ballot_sync(0xffff, true);
}

static void wait_for_each_other(void *argument)
{
	(void)argument;
	if (LANE == 3)
		BARRIER();
	else
		warp_barrier();
	warp_barrier();
}

static void test_misuse_ends_the_program(void **state)
{
	static void (*const misuses[])(void *) = {
		leave_early, mix_builtins, name_some_lanes, wait_for_each_other};

	(void)state;
	for (size_t i = 0; i < sizeof(misuses) / sizeof(misuses[0]); i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			signal(SIGABRT, SIG_DFL);
			warp_emulator_run(
				&(struct warp_emulator_launch){misuses[i], NULL, WARP_LANES, 1}, 0,
				1);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtins),
		cmocka_unit_test(test_misuse_ends_the_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
