/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* How the host describes itself, and which variant of the kernels it takes. */
#include "device/host-find.h"
#include "device/system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIANT_VARIABLE "VRAMFS_KERNELS_NATIVE"

static err_t find_by_name(
	const char *wanted, const struct kernel_native_variant **ret_variant, struct why *why)
{
	for (unsigned i = 0; i < kernel_native_variant_count; i++) {
		const struct kernel_native_variant *variant = &kernel_native_variants[i];

		if (strcmp(variant->name, wanted) != 0)
			continue;
		if (!variant->usable())
			return why_fail(why, ENODEV,
				"kernels '%s': this processor can't run them "
				"(" VARIANT_VARIABLE ", see vramfs(1))",
				wanted);
		*ret_variant = variant;
		return 0;
	}
	return why_fail(why, EINVAL,
		"kernels '%s': there are none of that name (" VARIANT_VARIABLE ", see vramfs(1))",
		wanted);
}

err_t host_find_variant(
	const char *kernels, const struct kernel_native_variant **ret_variant, struct why *why)
{
	const struct kernel_native_variant *variant = kernel_native_variants;
	const char *wanted = kernels ? kernels : getenv(VARIANT_VARIABLE);

	if (wanted && wanted[0])
		return find_by_name(wanted, ret_variant, why);
	while (!variant->usable())
		variant++;
	*ret_variant = variant;
	return 0;
}

static unsigned thread_count(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (online < 1)
		return 1;
	return online < HOST_MOST_THREADS ? (unsigned)online : HOST_MOST_THREADS;
}

void host_enumerate(struct device_info_list *list)
{
	struct device_info *info = device_info_list_add(list);
	const struct kernel_native_variant *variant;
	struct why why;

	info->kind = DEVICE_HOST;
	system_processor_name(info->name, sizeof(info->name));
	info->unusable_err = host_find_variant(NULL, &variant, &why);
	if (info->unusable_err)
		snprintf(info->unusable, sizeof(info->unusable), "%.255s", why.text);
	snprintf(info->driver, sizeof(info->driver), "vramfs %s native kernels%s%s", VRAMFS_VERSION,
		info->unusable_err ? "" : ", ", info->unusable_err ? "" : variant->name);
	info->memory_bytes = system_memory_total();
	info->free_bytes = system_memory_available();
	info->processors = thread_count();
	info->unified = true;
}
