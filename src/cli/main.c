/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The vramfs program: finds the verb and hands over to it. Called as mount.fuse.vramfs it is the
 * helper of mount(8).
 */
#include "base/log.h"
#include "cli/cli.h"
#include "cli/mount.h"
#include "cli/systemd.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
	const char *name;
	const char *command; /* argv[0] of the verb, for its messages */
	const char *summary;
	enum exit_status (*run)(int argc, char **argv);
} verbs[] = {
	{"mount", "vramfs mount", "mount a filesystem that lives in GPU memory", verb_mount},
	{"umount", "vramfs umount", "unmount it and give the memory back", verb_umount},
	{"devices", "vramfs devices", "list the devices there are", verb_devices},
	{"test", "vramfs test", "test a device, its memory and the codes", verb_test},
	{"bench", "vramfs bench", "measure the kernels of a device", verb_bench},
	{"profile", "vramfs profile", "run one thing steadily, for a profiler", verb_profile},
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

char *device_selector(const struct device_info *info, char *text, size_t size)
{
	snprintf(text, size, "%s:%u", device_kind_name(info->kind), info->number);
	return text;
}

static enum exit_status show_help(void)
{
	printf("Usage: vramfs VERB [OPTION...] [ARGUMENT...]\n"
	       "Files in GPU memory, protected by Reed-Solomon codes that the GPU computes.\n\n");
	for (size_t i = 0; i < VERB_COUNT; i++)
		printf("  %-12s%s\n", verbs[i].name, verbs[i].summary);
	printf("  %-12s%s\n\n", "help [VERB]", "explain a verb");
	printf("  %-12s%s\n  %-12s%s\n\n", "--help", "show this help and end", "--version",
		"show the version and end");
	printf("'vramfs VERB --help' lists the options of a verb; man vramfs says more.\n");
	return exit_flush(NULL, EXIT_DONE);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	}
	return NULL;
}

static enum exit_status unknown_verb(const char *name)
{
	struct why why;
	int err = why_fail(&why, EINVAL,
		"there is no verb '%s': use mount, umount, devices, test, bench or profile; see "
		"'vramfs help'",
		name);

	return exit_fail(NULL, STAGE_ARGUMENTS, err, &why);
}

static enum exit_status run_verb(const struct verb *verb, int argc, char **argv)
{
	argv[0] = (char *)verb->command;
	return verb->run(argc, argv);
}

static enum exit_status help_verb(const char *name)
{
	const struct verb *verb = find_verb(name);
	char *argv[] = {NULL, (char *)"--help", NULL};

	return verb ? run_verb(verb, 2, argv) : unknown_verb(name);
}

/* By the link's name, or by mount.fuse3: "vramfs SOURCE DIRECTORY -o OPTIONS". */
static bool called_by_mount(int argc, char **argv)
{
	return !strncmp(program_invocation_short_name, "mount.", strlen("mount.")) ||
	       (argc == 5 && !strcmp(argv[3], "-o") && argv[1][0] != '-' && !find_verb(argv[1]));
}

int main(int argc, char **argv)
{
	const struct verb *verb;
	struct why why;

	/* Else nobody learns how the processes that we start have ended. */
	signal(SIGCHLD, SIG_DFL);
	if (systemd_reads_stderr())
		log_with_priorities();
	if (called_by_mount(argc, argv))
		return mount_helper(argc, argv);
	if (argc < 2) {
		int err = why_fail(&why, EINVAL,
			"say what to do: mount, umount, devices, test, bench or profile; see "
			"'vramfs help'");

		return exit_fail(NULL, STAGE_ARGUMENTS, err, &why);
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
		return argc > 2 ? help_verb(argv[2]) : show_help();
	if (!strcmp(argv[1], "--version")) {
		puts("vramfs " VRAMFS_VERSION);
		return exit_flush(NULL, EXIT_DONE);
	}
	verb = find_verb(argv[1]);
	if (!verb)
		return unknown_verb(argv[1]);
	return run_verb(verb, argc - 1, argv + 1);
}
