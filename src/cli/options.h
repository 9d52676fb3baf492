/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_OPTIONS_H
#define VRAMFS_CLI_OPTIONS_H

#include "base/err.h"
#include "rs/rs.h"

#include <argp.h>
#include <stdint.h>

/*
 * Command lines. Each verb has an argp of its own whose parser reports what is wrong through a
 * struct why and returns a positive errno; options_parse() adds --help, --usage and --version,
 * refuses words that the parser doesn't take, and sees to it that an error is one line.
 */

/* What INPUT of a verb's parser begins with. */
struct options {
	struct why *why;
};

/* Parse the words after "vramfs VERB"; argv[0] is "vramfs VERB". Exits with status 0 after --help,
 * --usage and --version. 0, or -EINVAL or -ERANGE with INPUT->why filled. */
err_t options_parse(const struct argp *argp, int argc, char **argv, struct options *input);

/* A whole number in MINIMUM..MAXIMUM; NAME is what the user calls it: "--threads". */
err_t options_number(const char *name, const char *text, uint64_t minimum, uint64_t maximum,
	uint64_t *ret_number, struct why *why);

/* The code that TEXT names; NULL, as from a bare --ecc, is rs136. */
err_t options_code(const char *text, enum rs_code *ret_code, struct why *why);

#endif
