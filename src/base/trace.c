/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The side of NVTX 3 that is in the traced program. NVIDIA has it as headers, which Debian does not
 * carry and of which a few functions are needed here; so what follows is the protocol itself:
 *
 * A profiler sets NVTX_INJECTION64_PATH to the path of a library of its own. We load that and call
 * its InitializeInjectionNvtx2() with a function that gives it our export tables by number. One of
 * them is of callbacks; its function gives for the number of a module the module's table. A table
 * has for each function of the interface, in an order that is fixed for ever, the address of a
 * pointer, which the profiler sets to its own implementation (or leaves alone). 0 from the
 * initialisation means that it will not trace. From then on to trace is to call through these
 * pointers. Entry 0 of a table is never used, and behind the last one there is a null.
 *
 * All modules of version 3 are there, since a profiler may take a missing one for an error.
 */
#include "base/trace.h"

#include "base/log.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#if UINTPTR_MAX > 0xffffffffu
#define INJECTION_VARIABLE "NVTX_INJECTION64_PATH"
#else
#define INJECTION_VARIABLE "NVTX_INJECTION32_PATH"
#endif

#define NVTX_VERSION 3u
#define DOMAIN_NAME "vramfs"

/* --- what the profiler sees --- */

typedef void any_function(void);

enum export_table { EXPORT_CALLBACKS = 1, EXPORT_VERSION = 3 };

enum module {
	MODULE_CORE = 1,
	MODULE_CUDA,
	MODULE_OPENCL,
	MODULE_CUDART,
	MODULE_CORE2,
	MODULE_SYNC
};

/* Places in the tables: of MODULE_CORE the first, of MODULE_CORE2 the others. */
enum {
	CORE_NAME_THREAD = 14,
	CORE2_RANGE_START = 2,
	CORE2_RANGE_END = 3,
	CORE2_RANGE_PUSH = 4,
	CORE2_RANGE_POP = 5,
	CORE2_REGISTER_STRING = 10,
	CORE2_DOMAIN_CREATE = 12,
};

#define MODULES 7u           /* their numbers begin with 1 */
#define MODULE_FUNCTIONS 16u /* of the largest, entry 0 included */

/* How many entries each module's table has, entry 0 included. */
static const unsigned module_sizes[MODULES] = {
	[MODULE_CORE] = 16,
	[MODULE_CUDA] = 9,
	[MODULE_OPENCL] = 15,
	[MODULE_CUDART] = 7,
	[MODULE_CORE2] = 16,
	[MODULE_SYNC] = 7,
};

static any_function *functions[MODULES][MODULE_FUNCTIONS];
static any_function **tables[MODULES][MODULE_FUNCTIONS + 1];

static int give_module_table(int module, any_function ****ret_table, unsigned *ret_size)
{
	if (module < 0 || (unsigned)module >= MODULES || !module_sizes[module])
		return 0;
	if (ret_size)
		*ret_size = module_sizes[module];
	if (ret_table)
		*ret_table = tables[module];
	return 1;
}

static void take_profiler_version(uint32_t version)
{
	log_debug("a profiler for NVTX %u attaches", version);
}

static const struct {
	size_t size;
	int (*give_module_table)(int module, any_function ****ret_table, unsigned *ret_size);
} callbacks = {sizeof(callbacks), give_module_table};

static const struct {
	size_t size;
	uint32_t version;
	uint32_t reserved;
	void (*take_profiler_version)(uint32_t version);
} version = {sizeof(version), NVTX_VERSION, 0, take_profiler_version};

static const void *give_export_table(uint32_t number)
{
	switch (number) {
	case EXPORT_CALLBACKS:
		return &callbacks;
	case EXPORT_VERSION:
		return &version;
	default:
		return NULL;
	}
}

/* The second version of what describes an event, which is that of NVTX 3. */
struct event {
	uint16_t version;
	uint16_t size;
	uint32_t category;
	int32_t color_type;
	uint32_t color;
	int32_t payload_type;
	int32_t reserved;
	uint64_t payload;
	int32_t message_type;
	const void *message;
};

enum { MESSAGE_TEXT = 1, MESSAGE_REGISTERED = 3 };

typedef int initialize_function(const void *(*give_export_table)(uint32_t number));

/* What the profiler gave, all of it or nothing; registering and naming may be missing. */
static struct {
	void *domain;
	void *(*domain_create)(const char *name);
	void *(*register_string)(void *domain, const char *text);
	int (*push)(void *domain, const struct event *event);
	int (*pop)(void *domain);
	uint64_t (*start)(void *domain, const struct event *event);
	void (*end)(void *domain, uint64_t range);
	void (*name_thread)(uint32_t thread, const char *name);
} profiler;

atomic_bool trace_on;

/* --- attaching --- */

static void fill_tables(void)
{
	for (unsigned module = 0; module < MODULES; module++)
		for (unsigned i = 1; i < module_sizes[module]; i++)
			tables[module][i] = &functions[module][i];
}

#define TAKE(member, module, place) \
	(profiler.member = (__typeof__(profiler.member))functions[module][place])

static bool take_functions(void)
{
	TAKE(domain_create, MODULE_CORE2, CORE2_DOMAIN_CREATE);
	TAKE(register_string, MODULE_CORE2, CORE2_REGISTER_STRING);
	TAKE(push, MODULE_CORE2, CORE2_RANGE_PUSH);
	TAKE(pop, MODULE_CORE2, CORE2_RANGE_POP);
	TAKE(start, MODULE_CORE2, CORE2_RANGE_START);
	TAKE(end, MODULE_CORE2, CORE2_RANGE_END);
	TAKE(name_thread, MODULE_CORE, CORE_NAME_THREAD);
	return profiler.domain_create && profiler.push && profiler.pop && profiler.start &&
	       profiler.end;
}

static void attach(void)
{
	const char *path = secure_getenv(INJECTION_VARIABLE);
	initialize_function *initialize;
	void *library;

	if (!path)
		return;
	library = dlopen(path, RTLD_LAZY);
	if (!library) {
		log_debug(INJECTION_VARIABLE ": %s", dlerror());
		return;
	}
	*(void **)&initialize = dlsym(library, "InitializeInjectionNvtx2");
	fill_tables();
	if (!initialize || !initialize(give_export_table)) {
		log_debug("%s does not trace", path);
		dlclose(library);
		return;
	}
	/* From here on the library may have threads, and stays. */
	if (!take_functions()) {
		log_debug("%s lacks functions for ranges", path);
		return;
	}
	profiler.domain = profiler.domain_create(DOMAIN_NAME);
	atomic_store_explicit(&trace_on, true, memory_order_release);
}

void trace_open(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, attach);
}

/* --- names --- */

/*
 * The profiler's handles of the names that it was told, found by the name's address. Enough for
 * every name that there is; should it be full all the same, names are sent as text.
 */
#define NAMES 256u /* a power of 2 */

static struct {
	_Atomic(const char *) name;
	_Atomic(void *) handle; /* NULL while the thread that took the place is registering */
} names[NAMES];

/* NULL: send the text. */
static void *handle_of(const char *name)
{
	uintptr_t place = (uintptr_t)name * 0x9e3779b97f4a7c15u >> 32;

	if (!profiler.register_string)
		return NULL;
	for (unsigned i = 0; i < NAMES; i++, place++) {
		unsigned slot = place % NAMES;
		const char *there = atomic_load(&names[slot].name);

		if (!there && atomic_compare_exchange_strong(&names[slot].name, &there, name)) {
			void *handle = profiler.register_string(profiler.domain, name);

			atomic_store(&names[slot].handle, handle);
			return handle;
		}
		if (there == name)
			return atomic_load(&names[slot].handle);
	}
	return NULL;
}

static struct event describe(const char *name)
{
	void *handle = handle_of(name);

	return (struct event){
		.version = NVTX_VERSION,
		.size = sizeof(struct event),
		.message_type = handle ? MESSAGE_REGISTERED : MESSAGE_TEXT,
		.message = handle ? handle : name,
	};
}

/* --- ranges --- */

/* What trace_open() did before it set trace_on must be seen, too; the callers looked at trace_on
 * without asking for that. */
static void see_profiler(void)
{
	(void)atomic_load_explicit(&trace_on, memory_order_acquire);
}

bool trace_push_always(const char *name)
{
	struct event event;

	see_profiler();
	event = describe(name);
	profiler.push(profiler.domain, &event);
	return true;
}

void trace_pop_always(void)
{
	see_profiler();
	profiler.pop(profiler.domain);
}

uint64_t trace_start_always(const char *name)
{
	struct event event;

	see_profiler();
	event = describe(name);
	return profiler.start(profiler.domain, &event);
}

void trace_end_always(uint64_t range)
{
	see_profiler();
	profiler.end(profiler.domain, range);
}

void trace_name_thread_always(const char *name)
{
	see_profiler();
	if (profiler.name_thread)
		profiler.name_thread((uint32_t)gettid(), name);
}
