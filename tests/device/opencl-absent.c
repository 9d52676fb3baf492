/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* An OpenCL library that can't be used, be it not one at all: said in one line, and no crash.
 * usage: opencl-absent PART-OF-THE-REASON */
#include "device/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct device *device;
	struct device_info *list;
	size_t count;
	struct why why = {""};

	if (argc != 2 || device_list(&list, &count))
		return 2;
	for (size_t i = 0; i < count; i++) {
		if (list[i].kind != DEVICE_OPENCL)
			continue;
		printf("listed: %s\n", list[i].unusable);
		if (!strstr(list[i].unusable, argv[1]))
			return 1;
	}
	free(list);
	if (device_open("opencl:0", &device, &why) != -ENODEV || !strstr(why.text, argv[1])) {
		printf("opened: %s\n", why.text);
		return 1;
	}
	return 0;
}
