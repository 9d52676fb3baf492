/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * A profiler for tests: a library that attaches by NVTX and writes down what it is told, a line
 * each, to the file that NVTX_RECORDER_LOG names:
 *
 *	domain NAME, name HANDLE TEXT
 *	push THREAD NAME, pop THREAD, start ID NAME, end ID, thread THREAD NAME
 *
 * It checks what NVTX promises a profiler and ends the program where that does not hold.
 * NVTX_RECORDER_MODE makes it another one: "refuse" to trace, one that can't "register" names, or
 * one that has no "ranges" of its own.
 *
 * The types are written anew, from the interface and not from src/base/trace.c, so that the two are
 * held to each other.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*function_pointer)(void);
typedef function_pointer **function_table;

struct callbacks {
	size_t struct_size;
	int (*get_module_function_table)(int module, function_table *out_table, unsigned *out_size);
};

struct version_info {
	size_t struct_size;
	uint32_t version;
	uint32_t reserved;
	void (*set_injection_version)(uint32_t version);
};

struct attributes {
	uint16_t version, size;
	uint32_t category;
	int32_t color_type;
	uint32_t color;
	int32_t payload_type, reserved;
	union {
		uint64_t integer;
		double real;
	} payload;
	int32_t message_type;
	union {
		const char *ascii;
		const wchar_t *unicode;
		void *registered;
	} message;
};

_Static_assert(sizeof(struct attributes) == 48, "as large as NVTX says on 64-bit machines");

#define NAMES_MAX 4096u

static FILE *record;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *registered[NAMES_MAX];
static unsigned registered_count;
static _Atomic uint64_t last_range;
static char the_domain;

#define REQUIRE(condition)                                                                \
	do {                                                                              \
		if (!(condition)) {                                                       \
			fprintf(stderr, "nvtx-recorder: %s does not hold\n", #condition); \
			abort();                                                          \
		}                                                                         \
	} while (0)

static const char *text_of(const struct attributes *attributes)
{
	REQUIRE(attributes->version == 3 && attributes->size == sizeof(*attributes));
	REQUIRE(!attributes->color_type && !attributes->payload_type);
	if (attributes->message_type == 1)
		return attributes->message.ascii;
	REQUIRE(attributes->message_type == 3);
	/* Handles are numbers from 1. */
	REQUIRE((uintptr_t)attributes->message.registered - 1 < NAMES_MAX);
	return registered[(uintptr_t)attributes->message.registered - 1];
}

static void *domain_create(const char *name)
{
	fprintf(record, "domain %s\n", name);
	return &the_domain;
}

static void *register_string(void *domain, const char *text)
{
	uintptr_t handle;

	REQUIRE(domain == &the_domain);
	pthread_mutex_lock(&lock);
	REQUIRE(registered_count < NAMES_MAX);
	registered[registered_count++] = strdup(text);
	handle = registered_count;
	pthread_mutex_unlock(&lock);
	fprintf(record, "name %lu %s\n", (unsigned long)handle, text);
	return (void *)handle;
}

static int push(void *domain, const struct attributes *attributes)
{
	REQUIRE(domain == &the_domain);
	fprintf(record, "push %d %s\n", gettid(), text_of(attributes));
	return 0;
}

static int pop(void *domain)
{
	REQUIRE(domain == &the_domain);
	fprintf(record, "pop %d\n", gettid());
	return 0;
}

static uint64_t start(void *domain, const struct attributes *attributes)
{
	uint64_t range = atomic_fetch_add(&last_range, 1) + 1;

	REQUIRE(domain == &the_domain);
	fprintf(record, "start %lu %s\n", (unsigned long)range, text_of(attributes));
	return range;
}

static void end(void *domain, uint64_t range)
{
	REQUIRE(domain == &the_domain);
	fprintf(record, "end %lu\n", (unsigned long)range);
}

static void name_thread(uint32_t thread, const char *name)
{
	fprintf(record, "thread %u %s\n", thread, name);
}

/* Put FUNCTION at PLACE of a table of SIZE. */
static void put(function_table table, unsigned size, unsigned place, function_pointer function)
{
	REQUIRE(place < size && table[place]);
	*table[place] = function;
}

int InitializeInjectionNvtx2(const void *(*get_export_table)(uint32_t));

__attribute__((visibility("default"))) int InitializeInjectionNvtx2(
	const void *(*get_export_table)(uint32_t))
{
	/* CORE, CUDA, OPENCL, CUDART, CORE2, SYNC */
	static const unsigned sizes[] = {0, 16, 9, 15, 7, 16, 7};
	const char *path = getenv("NVTX_RECORDER_LOG"), *mode = getenv("NVTX_RECORDER_MODE");
	const struct callbacks *callbacks = get_export_table(1);
	const struct version_info *version = get_export_table(3);
	function_table table;
	unsigned size;

	REQUIRE(path && callbacks && callbacks->struct_size == sizeof(*callbacks));
	REQUIRE(version && version->struct_size == sizeof(*version) && version->version == 3);
	REQUIRE(!get_export_table(0) && !get_export_table(4));
	for (int module = 1; module <= 6; module++) {
		REQUIRE(callbacks->get_module_function_table(module, &table, &size) == 1);
		REQUIRE(size == sizes[module] && !table[0] && !table[size]);
		for (unsigned i = 1; i < size; i++)
			REQUIRE(table[i] && !*table[i]);
	}
	REQUIRE(!callbacks->get_module_function_table(0, &table, &size));
	REQUIRE(!callbacks->get_module_function_table(7, &table, &size));
	REQUIRE(callbacks->get_module_function_table(1, NULL, NULL) == 1);
	version->set_injection_version(3);
	mode = mode ? mode : "";
	if (!strcmp(mode, "refuse"))
		return 0;
	record = fopen(path, "a");
	REQUIRE(record);
	setlinebuf(record);

	callbacks->get_module_function_table(1, &table, &size);
	put(table, size, 14, (function_pointer)name_thread);
	callbacks->get_module_function_table(5, &table, &size);
	put(table, size, 12, (function_pointer)domain_create);
	if (strcmp(mode, "register"))
		put(table, size, 10, (function_pointer)register_string);
	if (!strcmp(mode, "ranges"))
		return 1;
	put(table, size, 2, (function_pointer)start);
	put(table, size, 3, (function_pointer)end);
	put(table, size, 4, (function_pointer)push);
	put(table, size, 5, (function_pointer)pop);
	return 1;
}
