/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Which launches go together (src/device/cuda-launch.c), on the fake driver of fake-cuda.c: there a
 * launch can be made to last, so that others come meanwhile.
 */
#include "device/cuda-device.h"
#include "fake-cuda.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define REGION_BLOCKS 4u
#define DATA_BYTES (REGION_BLOCKS * (uint64_t)KERNEL_BLOCK_BYTES)
#define REGION_BYTES (DATA_BYTES / 16 * 17)
#define JOBS (CUDA_LAUNCHERS + 2 * KERNEL_FEW)
#define JOB_BYTES 4096u
#define DAMAGED (CUDA_LAUNCHERS + 2) /* one of those that go together */

static struct fake_cuda *fake;
static struct device *device;
static struct device_memory *region, *scratch;

/* Each with memories of its own, as rings have. Job I writes or reads piece I of the region. */
static struct job {
	struct device_queue *queue;
	struct device_pinned *control, *payload;
	struct device_launch launch;
} jobs[JOBS];

static struct kernel_report *report_of(const struct job *job)
{
	return (struct kernel_report *)job->control->bytes;
}

static void submit(unsigned index, enum kernel kernel)
{
	struct job *job = &jobs[index];
	const uint32_t first = index * JOB_BYTES;

	job->launch.kernel = kernel;
	job->launch.params.ticket++;
	job->launch.params.few[0] = (struct kernel_segment){.block = 1,
		.first = first,
		.count = JOB_BYTES,
		.zero_from = first,
		.zero_to = first + JOB_BYTES,
		.payload = 16};
	memset(report_of(job), 0, sizeof(struct kernel_report));
	assert_int_equal(device_launch(job->queue, &job->launch), 0);
}

static void wait_for(unsigned index)
{
	const struct job *job = &jobs[index];

	assert_int_equal(device_wait(job->queue, &report_of(job)->done), job->launch.params.ticket);
}

struct launcher {
	pthread_t thread;
	unsigned index;
	enum kernel kernel;
};

static void *launch(void *argument)
{
	const struct launcher *launcher = argument;

	submit(launcher->index, launcher->kernel);
	return NULL;
}

/* As many jobs as may be launched by themselves, and MORE while those are being launched. The
 * number of launches. */
static unsigned run_beside(enum kernel kernel, unsigned more)
{
	const unsigned before = fake->launches;
	struct launcher launchers[CUDA_LAUNCHERS];

	fake->hold_launches = true;
	for (unsigned i = 0; i < CUDA_LAUNCHERS; i++) {
		launchers[i] = (struct launcher){.index = i, .kernel = kernel};
		assert_int_equal(
			pthread_create(&launchers[i].thread, NULL, launch, &launchers[i]), 0);
	}
	while (fake->held < CUDA_LAUNCHERS)
		sched_yield();
	for (unsigned i = 0; i < more; i++)
		submit(CUDA_LAUNCHERS + i, kernel);
	assert_int_equal(fake->launches, before);
	fake->hold_launches = false;
	for (unsigned i = 0; i < CUDA_LAUNCHERS; i++)
		assert_int_equal(pthread_join(launchers[i].thread, NULL), 0);
	return fake->launches - before;
}

static void fill_payload(unsigned index)
{
	for (unsigned i = 0; i < jobs[index].payload->size; i++)
		jobs[index].payload->bytes[i] = (uint8_t)(index * 31 + i);
}

static void assert_payload(unsigned index)
{
	for (unsigned i = 16; i < 16 + JOB_BYTES; i++)
		assert_int_equal(jobs[index].payload->bytes[i], (uint8_t)(index * 31 + i));
}

static void a_lone_job_is_launched_at_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		const unsigned before = fake->launches;

		fill_payload(i);
		submit(i, KERNEL_WRITE);
		assert_int_equal(fake->launches, before + 1);
		wait_for(i);
	}
}

static void what_comes_meanwhile_goes_together(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JOBS; i++)
		fill_payload(i);
	assert_int_equal(run_beside(KERNEL_WRITE, 2 * KERNEL_FEW), CUDA_LAUNCHERS + 2);
	for (unsigned i = 0; i < JOBS; i++) {
		wait_for(i);
		memset(jobs[i].payload->bytes, 0, jobs[i].payload->size);
	}
	assert_int_equal(run_beside(KERNEL_READ, KERNEL_FEW + 1), CUDA_LAUNCHERS + 2);
	for (unsigned i = 0; i < CUDA_LAUNCHERS + KERNEL_FEW + 1; i++) {
		wait_for(i);
		assert_payload(i);
		assert_int_equal(report_of(&jobs[i])->flagged, 0);
	}
}

/* What does not fit together is launched one after the other, and nothing is forgotten. */
static void other_kernels_go_by_themselves(void **state)
{
	const unsigned before = fake->launches;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		fill_payload(i);
		submit(i, KERNEL_WRITE);
	}
	device_hold_launches(device, true);
	for (unsigned i = 0; i < 6; i++)
		submit(i, i % 2 ? KERNEL_READ : KERNEL_WRITE);
	assert_int_equal(fake->launches, before + 6);
	device_hold_launches(device, false);
	assert_int_equal(fake->launches, before + 8);
	for (unsigned i = 0; i < 6; i++) {
		wait_for(i);
		assert_payload(i);
	}
}

/* Who waits while it still holds what it waits for would wait for ever. */
static void waiting_ends_holding_back(void **state)
{
	(void)state;
	device_hold_launches(device, true);
	submit(0, KERNEL_READ);
	wait_for(0);
	device_hold_launches(device, false);
}

static void each_reports_its_own_errors(void **state)
{
	struct device_launch inject;

	(void)state;
	for (unsigned i = 0; i < JOBS; i++) {
		fill_payload(i);
		submit(i, KERNEL_WRITE);
		wait_for(i);
	}
	inject = jobs[0].launch;
	inject.kernel = KERNEL_INJECT;
	inject.params.few[0] = (struct kernel_segment){
		.block = 1, .first = DAMAGED * JOB_BYTES, .count = JOB_BYTES};
	inject.params.inject_errors = 2;
	inject.params.inject_every = 1;
	memset(report_of(&jobs[0]), 0, sizeof(struct kernel_report));
	assert_int_equal(device_launch(jobs[0].queue, &inject), 0);
	wait_for(0);

	assert_int_equal(run_beside(KERNEL_READ, 5), CUDA_LAUNCHERS + 1);
	for (unsigned i = 0; i < CUDA_LAUNCHERS + 5; i++) {
		wait_for(i);
		assert_payload(i);
		assert_int_equal(report_of(&jobs[i])->corrected[2],
			i == DAMAGED ? JOB_BYTES / KERNEL_LINE_BYTES : 0);
	}
}

static void one_of_them_fails_alone(void **state)
{
	(void)state;
	device_hold_launches(device, true);
	for (unsigned i = 0; i < 5; i++) {
		if (i == 3)
			device_fail_launches(device, 1);
		submit(i, KERNEL_READ);
	}
	device_hold_launches(device, false);
	for (unsigned i = 0; i < 5; i++) {
		const struct job *job = &jobs[i];

		assert_int_equal(device_wait(job->queue, &report_of(job)->done),
			i == 3 ? KERNEL_FAILED : job->launch.params.ticket);
	}
}

static void a_refused_launch_fails_all_of_it(void **state)
{
	(void)state;
	fake->launch_result = CUDA_ERROR_NOT_SUPPORTED;
	run_beside(KERNEL_READ, 4);
	for (unsigned i = 0; i < CUDA_LAUNCHERS + 4; i++)
		assert_int_equal(
			device_wait(jobs[i].queue, &report_of(&jobs[i])->done), KERNEL_FAILED);
	fake->launch_result = CUDA_SUCCESS;
	submit(1, KERNEL_READ);
	wait_for(1);
}

static atomic_uint failures;

static void *work(void *argument)
{
	const unsigned index = *(unsigned *)argument;

	for (unsigned round = 0; round < 2000; round++) {
		if (round % 7 == 0)
			device_hold_launches(device, true);
		submit(index, round % 2 ? KERNEL_READ : KERNEL_WRITE);
		device_hold_launches(device, false);
		if (device_wait(jobs[index].queue, &report_of(&jobs[index])->done) !=
			jobs[index].launch.params.ticket)
			failures++;
	}
	return NULL;
}

static void many_threads_lose_nothing(void **state)
{
	pthread_t threads[8];
	unsigned indices[8];

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		indices[i] = i;
		fill_payload(i);
		assert_int_equal(pthread_create(&threads[i], NULL, work, &indices[i]), 0);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(failures, 0);
	for (unsigned i = 0; i < 8; i++)
		assert_payload(i);
}

/* How many groups of a job of TILES tiles a multiprocessor has room for. */
static unsigned groups_of(enum kernel kernel, unsigned tiles)
{
	struct job *job = &jobs[0];
	const struct device_launch before = job->launch;

	job->launch.kernel = kernel;
	job->launch.params.ticket++;
	job->launch.params.segment_count = tiles / KERNEL_BLOCK_TILES + 1;
	job->launch.params.tiles_per_segment = tiles / job->launch.params.segment_count;
	for (unsigned i = 0; i < job->launch.params.segment_count; i++)
		job->launch.params.few[i] = (struct kernel_segment){.block = i};
	memset(report_of(job), 0, sizeof(struct kernel_report));
	assert_int_equal(device_launch(job->queue, &job->launch), 0);
	wait_for(0);
	job->launch = before;
	return FAKE_CUDA_SHARED_BYTES / (FAKE_CUDA_GROUP_BYTES + fake->shared_bytes);
}

static void only_large_jobs_take_turns(void **state)
{
	(void)state;
	/* On 132 multiprocessors 396 are those of three jobs of 1 MiB. */
	assert_int_equal(groups_of(KERNEL_READ, KERNEL_BLOCK_TILES + 2), 3);
	assert_int_equal(groups_of(KERNEL_WRITE, KERNEL_BLOCK_TILES + 2), 3);
	assert_int_equal(groups_of(KERNEL_READ, KERNEL_BLOCK_TILES / 2), 10);
	assert_int_equal(groups_of(KERNEL_WRITE, KERNEL_BLOCK_TILES / 2), 10);
	/* They are no matter of the bus. */
	assert_int_equal(groups_of(KERNEL_COMPARE, KERNEL_BLOCK_TILES + 2), 10);
}

static int set_up(void **state)
{
	struct why why;

	(void)state;
	if (device_open("cuda:0", &device, &why))
		fail_msg("%s", why.text);
	assert_int_equal(device_memory_alloc(device, REGION_BYTES, &region, NULL), 0);
	assert_int_equal(
		device_memory_alloc(device, JOBS * KERNEL_SCRATCH_WORDS * 4, &scratch, NULL), 0);
	for (unsigned i = 0; i < JOBS; i++) {
		struct job *job = &jobs[i];

		assert_int_equal(device_queue_new(device, &job->queue), 0);
		assert_int_equal(
			device_pinned_alloc(device, sizeof(struct kernel_report), &job->control),
			0);
		assert_int_equal(device_pinned_alloc(device, 16 + JOB_BYTES, &job->payload), 0);
		job->launch = (struct device_launch){
			.params = {.parity_base = DATA_BYTES,
				.segments = KERNEL_FEW_SEGMENTS,
				.parity_pitch = KERNEL_PARITY_BYTES,
				.data_per_line = KERNEL_LINE_BYTES,
				.max_correct = 4,
				.segment_count = 1,
				.tiles_per_segment = 1 + i % 2,
				.scratch = i * KERNEL_SCRATCH_WORDS,
				.ticket = 1000 * (i + 1)},
			.region = region,
			.scratch = scratch,
			.control = job->control,
			.payload = job->payload,
			.payload_bytes = job->payload->size,
			.unordered = true,
		};
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JOBS; i++) {
		device_queue_free(jobs[i].queue);
		device_pinned_free(jobs[i].control);
		device_pinned_free(jobs[i].payload);
	}
	device_memory_free(scratch);
	device_memory_free(region);
	device_close(device);
	return 0;
}

int main(void)
{
	void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lone_job_is_launched_at_once),
		cmocka_unit_test(what_comes_meanwhile_goes_together),
		cmocka_unit_test(other_kernels_go_by_themselves),
		cmocka_unit_test(waiting_ends_holding_back),
		cmocka_unit_test(each_reports_its_own_errors),
		cmocka_unit_test(one_of_them_fails_alone),
		cmocka_unit_test(a_refused_launch_fails_all_of_it),
		cmocka_unit_test(many_threads_lose_nothing),
		cmocka_unit_test(only_large_jobs_take_turns),
	};

	fake = library ? dlsym(library, "fake_cuda") : NULL;
	if (!fake) {
		printf("skipped: libcuda.so.1 is not the fake; run this through 'meson test'\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
