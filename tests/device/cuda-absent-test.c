/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * A machine without an NVIDIA driver, or with one that lacks what vramfs calls: the arguments are
 * the number of the expected errno and a part of the line that says what to do.
 */
#include "device/cuda-driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	const struct cuda_driver *driver = NULL;
	struct why why = {""};
	int err;

	if (argc != 3)
		return 2;
	if (strstr(argv[2], "no NVIDIA driver") && dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
		printf("skipped: this machine has an NVIDIA driver\n");
		return 77;
	}
	for (int i = 0; i < 2; i++) { /* a second try must find no half-loaded driver */
		err = cuda_driver_get(&driver, &why);
		if (err != -atoi(argv[1]) || driver || !strstr(why.text, argv[2])) {
			fprintf(stderr, "got %d '%s', expected -%s and '%s'\n", err, why.text,
				argv[1], argv[2]);
			return 1;
		}
	}
	return 0;
}
