/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * argp prints two lines for an unknown option and leaves the process. To get one line that says
 * what to do, argp runs with ARGP_NO_EXIT while stderr, a variable in the GNU C library, is a
 * buffer; the first line in it is getopt's, and exact. Then --help can't be argp's own either
 * (without exit it would go on parsing), so it is an option of a parser around the verb's.
 */
#include "cli/options.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_HELP = 0x1000, KEY_USAGE, KEY_VERSION };

static const struct argp_option common_options[] = {
	{"help", KEY_HELP, NULL, 0, "Show this help and end", -1},
	{"usage", KEY_USAGE, NULL, 0, "Show a short usage line and end", 0},
	{"version", KEY_VERSION, NULL, 0, "Show the version and end", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static void show_and_exit(const struct argp_state *state, unsigned flags)
{
	argp_help(state->root_argp, stdout, flags, state->name);
	exit(fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
}

static error_t parse_common(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = state->input;
		return 0;
	case KEY_HELP:
		show_and_exit(state, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK);
		return 0;
	case KEY_USAGE:
		show_and_exit(state, ARGP_HELP_USAGE);
		return 0;
	case KEY_VERSION:
		puts("vramfs " VRAMFS_VERSION);
		exit(fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Behind the verb's parser: the words that it doesn't take. */
static error_t refuse_word(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	return -why_fail(options->why, EINVAL, "'%s' is one word too many; see '%s --help'",
		argument, state->name);
}

/* SAID is what getopt and argp wrote: "vramfs mount: unrecognized option '--x'", then more lines.
 */
static err_t bad_option(const char *said, const char *command, struct why *why)
{
	size_t prefix = strlen(command);
	int length;

	if (!strncmp(said, command, prefix) && !strncmp(said + prefix, ": ", 2))
		said += prefix + 2;
	length = (int)strcspn(said, "\n");
	return why_fail(why, EINVAL, "%.*s; see '%s --help'", length, said, command);
}

int options_parse(const struct argp *argp, int argc, char **argv, struct options *input)
{
	static const struct argp refuse_words = {.parser = refuse_word};
	const struct argp_child children[] = {
		{argp, 0, NULL, 0}, {&refuse_words, 0, NULL, 0}, {NULL, 0, NULL, 0}};
	const struct argp around = {
		.options = common_options, .parser = parse_common, .children = children};
	CLEANUP(free_p) char *said = NULL;
	size_t said_size;
	FILE *terminal = stderr;
	FILE *buffer = open_memstream(&said, &said_size);
	int err;

	if (!buffer)
		return why_fail(input->why, ENOMEM, "not enough memory on the host");
	input->why->text[0] = '\0';
	stderr = buffer;
	err = argp_parse(&around, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, input);
	stderr = terminal;
	fclose(buffer);
	if (err && !input->why->text[0])
		return bad_option(said, argv[0], input->why);
	return -err;
}

int options_number(const char *name, const char *text, uint64_t minimum, uint64_t maximum,
	uint64_t *ret_number, struct why *why)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	/* strtoull would also take "-1" and leading blanks. */
	if (!isdigit((unsigned char)*text) || *end || errno || number < minimum || number > maximum)
		return why_fail(why, EINVAL, "%s is a number from %llu to %llu, not '%s'", name,
			(unsigned long long)minimum, (unsigned long long)maximum, text);
	*ret_number = number;
	return 0;
}

int options_code(const char *text, enum rs_code *ret_code, struct why *why)
{
	if (!text) {
		*ret_code = RS_136;
		return 0;
	}
	if (!rs_code_by_name(text, ret_code))
		return why_fail(
			why, EINVAL, "there is no code '%s': use rs136, rs128 or none", text);
	return 0;
}
