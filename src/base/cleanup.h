/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_BASE_CLEANUP_H
#define VRAMFS_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

/*
 * Resources that end with their scope: `CLEANUP(free_p) char *text = NULL;`. The function gets a
 * pointer to the variable. `return steal(&text);` hands the resource out of the scope.
 */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* Take the pointer out of *SLOT and leave NULL there. */
#define steal(slot)                                        \
	({                                                 \
		__typeof__(*(slot)) steal_taken = *(slot); \
		*(slot) = NULL;                            \
		steal_taken;                               \
	})

/* Define NAME_p(), the scope guard that calls FREE on a pointer of TYPE; FREE must accept NULL. */
#define DEFINE_CLEANUP(type, name, free_function) \
	static inline void name##_p(type *slot)   \
	{                                         \
		free_function(*slot);             \
	}

static inline void free_p(void *slot)
{
	free(*(void **)slot);
}

static inline void close_p(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#endif
