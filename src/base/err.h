/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_BASE_ERR_H
#define VRAMFS_BASE_ERR_H

#include <errno.h>

/*
 * What a fallible function returns: 0 or a negative errno. Only for the return type of a function,
 * where it makes the compiler insist that the caller looks; a variable that holds one is an int.
 */
#define err_t __attribute__((warn_unused_result)) int

/*
 * Why something failed, in one line for a person: what is wrong and what to do about it.
 * Set-up functions (opening a device, making a region, mounting) take one and fill it when they
 * fail; the front end prints it. The caller owns it; NULL is allowed where nobody will read it.
 */
struct why {
	char text[512];
};

/* Fill WHY as printf does (NULL: nothing happens) and return -ERR, so that a caller can say
 * `return why_fail(why, ENODEV, "...")`. ERR is positive. */
err_t why_fail(struct why *why, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
