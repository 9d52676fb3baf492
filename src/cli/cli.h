/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_CLI_H
#define VRAMFS_CLI_CLI_H

#include "cli/exit.h"
#include "device/device.h"

/*
 * `vramfs VERB ...`: one file a verb. A verb gets the words after "vramfs", with argv[0] made
 * "vramfs VERB", and returns the exit status after saying on stderr what went wrong, if anything.
 */
enum exit_status verb_mount(int argc, char **argv);
enum exit_status verb_umount(int argc, char **argv);
enum exit_status verb_devices(int argc, char **argv);
enum exit_status verb_test(int argc, char **argv);
enum exit_status verb_bench(int argc, char **argv);
enum exit_status verb_profile(int argc, char **argv);

/* "cuda:0"; TEXT of 32 bytes is enough. Returns TEXT. */
char *device_selector(const struct device_info *info, char *text, size_t size);

#endif
