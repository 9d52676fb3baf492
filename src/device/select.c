/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * From what a user writes ("auto", "cuda:1", a UUID, a PCI address) to one device.
 *
 * Kinds are asked for their devices in the order of enum device_kind, and only when the selector
 * may mean them: starting a GPU's driver takes a tenth of a second, and "host" should not.
 */
#include "device/backend.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define UUID_PREFIX "GPU-"
#define USE_HOST "to keep files in system memory instead, ask for --device host"

static void list_done(struct device_info_list *list)
{
	free(list->items);
}

/* The first entry of LIST that can be used; any_gpu_only: that is a GPU besides. */
static const struct device_info *first_usable(const struct device_info_list *list, bool gpu_only)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct device_info *info = &list->items[i];

		if (!info->unusable[0] && (info->gpu || !gpu_only))
			return info;
	}
	return NULL;
}

/* Why no entry of LIST, all of one kind, will do; TEXT has SIZE bytes. Returns it as an errno. */
static int explain_kind(const struct device_info_list *list, char *text, size_t size)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].unusable[0]) {
			snprintf(text, size, "%.*s", (int)size - 1, list->items[i].unusable);
			return -list->items[i].unusable_err;
		}
	}
	if (list->count)
		snprintf(text, size, "only %s, which is no GPU", list->items[0].name);
	else
		snprintf(text, size, "no device");
	return ENODEV;
}

static int select_gpu(struct device_info *ret_info, struct why *why)
{
	static const enum device_kind kinds[] = {DEVICE_CUDA, DEVICE_OPENCL};
	char reasons[2][190]; /* so that both and what to do fit in a struct why */
	int err = ENODEV;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(list_done) struct device_info_list list = {0};
		const struct device_info *info;

		device_backend(kinds[i])->enumerate(&list);
		info = first_usable(&list, true);
		if (info) {
			*ret_info = *info;
			return 0;
		}
		/* No permission for a GPU that is there says more than the absence of another. */
		if (explain_kind(&list, reasons[i], sizeof(reasons[i])) == EACCES)
			err = EACCES;
	}
	return why_fail(why, err, "no usable GPU (CUDA: %s; OpenCL: %s); " USE_HOST, reasons[0],
		reasons[1]);
}

static int select_first(enum device_kind kind, struct device_info *ret_info, struct why *why)
{
	CLEANUP(list_done) struct device_info_list list = {0};
	const struct device_info *info;
	char reason[256];
	int err;

	device_backend(kind)->enumerate(&list);
	info = first_usable(&list, false);
	if (info) {
		*ret_info = *info;
		return 0;
	}
	err = explain_kind(&list, reason, sizeof(reason));
	return why_fail(
		why, err, "no usable %s device: %s; " USE_HOST, device_kind_name(kind), reason);
}

static bool kind_is_missing(const struct device_info_list *list)
{
	return list->count == 0 || (list->items[0].unusable[0] && !list->items[0].name[0]);
}

static int take_number(const struct device_info_list *list, enum device_kind kind, unsigned number,
	struct device_info *ret_info, struct why *why)
{
	const char *name = device_kind_name(kind);

	if (kind_is_missing(list)) {
		char reason[256];
		int err = explain_kind(list, reason, sizeof(reason));

		return why_fail(why, err, "no %s:%u: %s", name, number, reason);
	}
	if (number >= list->count)
		return why_fail(why, ENODEV,
			"no %s:%u: the last is %s:%zu; `vramfs devices` lists them", name, number,
			name, list->count - 1);
	if (list->items[number].unusable[0])
		return why_fail(why, -list->items[number].unusable_err, "%s:%u can't be used: %s",
			name, number, list->items[number].unusable);
	*ret_info = list->items[number];
	return 0;
}

static int select_number(
	enum device_kind kind, unsigned number, struct device_info *ret_info, struct why *why)
{
	CLEANUP(list_done) struct device_info_list list = {0};

	device_backend(kind)->enumerate(&list);
	return take_number(&list, kind, number, ret_info, why);
}

static int select_any_number(unsigned number, struct device_info *ret_info, struct why *why)
{
	CLEANUP(list_done) struct device_info_list list = {0};

	device_backend(DEVICE_CUDA)->enumerate(&list);
	if (!kind_is_missing(&list))
		return take_number(&list, DEVICE_CUDA, number, ret_info, why);
	return select_number(DEVICE_OPENCL, number, ret_info, why);
}

/*
 * The one device for which MATCHES says yes. A GPU that both CUDA and OpenCL offer has the same
 * UUID and address in both: that is no ambiguity, and the first that can be used is meant.
 */
static int select_match(const char *selector,
	bool (*matches)(const struct device_info *info, const char *selector),
	struct device_info *ret_info, struct why *why)
{
	CLEANUP(list_done) struct device_info_list list = {0};
	const struct device_info *found = NULL;

	device_backend(DEVICE_CUDA)->enumerate(&list);
	device_backend(DEVICE_OPENCL)->enumerate(&list);
	for (size_t i = 0; i < list.count; i++) {
		const struct device_info *info = &list.items[i];

		if (!matches(info, selector))
			continue;
		if (found && strcasecmp(found->uuid, info->uuid) &&
			strcasecmp(found->pci, info->pci))
			return why_fail(why, EINVAL, "%s could be %s:%u or %s:%u: write more of it",
				selector, device_kind_name(found->kind), found->number,
				device_kind_name(info->kind), info->number);
		if (!found || (found->unusable[0] && !info->unusable[0]))
			found = info;
	}
	if (!found)
		return why_fail(why, ENODEV,
			"no device is %s: `vramfs devices` lists what there is", selector);
	if (found->unusable[0])
		return why_fail(why, -found->unusable_err, "%s can't be used: %s", selector,
			found->unusable);
	*ret_info = *found;
	return 0;
}

static bool uuid_matches(const struct device_info *info, const char *selector)
{
	return strncasecmp(info->uuid, selector, strlen(selector)) == 0;
}

struct pci_address {
	unsigned domain, bus, device, function;
};

/* "[domain:]bus:device.function", hexadecimal. Domains have up to 8 digits in some tools. */
static bool parse_pci(const char *text, struct pci_address *ret_address)
{
	struct pci_address address = {0};
	int end = -1;

	for (const char *p = text; *p; p++) {
		if (!isxdigit((unsigned char)*p) && *p != ':' && *p != '.')
			return false;
	}
	if (sscanf(text, "%8x:%2x:%2x.%1x%n", &address.domain, &address.bus, &address.device,
		    &address.function, &end) != 4) {
		address.domain = 0;
		if (sscanf(text, "%2x:%2x.%1x%n", &address.bus, &address.device, &address.function,
			    &end) != 3)
			return false;
	}
	if (end < 0 || text[end])
		return false;
	*ret_address = address;
	return true;
}

static bool pci_matches(const struct device_info *info, const char *selector)
{
	struct pci_address wanted, has;

	return parse_pci(selector, &wanted) && parse_pci(info->pci, &has) &&
	       wanted.domain == has.domain && wanted.bus == has.bus &&
	       wanted.device == has.device && wanted.function == has.function;
}

static bool parse_number(const char *text, unsigned *ret_number)
{
	char *end;
	unsigned long number;

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 4)
		return false;
	number = strtoul(text, &end, 10);
	if (*end)
		return false;
	*ret_number = (unsigned)number;
	return true;
}

/* "cuda", "opencl:1", ... HAS_NUMBER tells them apart. */
static bool parse_kind(
	const char *text, enum device_kind *ret_kind, bool *ret_has_number, unsigned *ret_number)
{
	for (int kind = DEVICE_CUDA; kind <= DEVICE_HOST; kind++) {
		const char *name = device_kind_name((enum device_kind)kind);
		size_t length = strlen(name);

		if (strncmp(text, name, length))
			continue;
		*ret_kind = (enum device_kind)kind;
		*ret_has_number = text[length] == ':';
		return !text[length] ||
		       (*ret_has_number && parse_number(text + length + 1, ret_number));
	}
	return false;
}

int device_select(const char *selector, struct device_info *ret_info, struct why *why)
{
	struct pci_address address;
	enum device_kind kind;
	bool has_number;
	unsigned number;

	if (!strcmp(selector, "auto") || !strcmp(selector, "gpu"))
		return select_gpu(ret_info, why);
	if (parse_number(selector, &number))
		return select_any_number(number, ret_info, why);
	if (parse_kind(selector, &kind, &has_number, &number))
		return has_number ? select_number(kind, number, ret_info, why)
				  : select_first(kind, ret_info, why);
	if (!strncasecmp(selector, UUID_PREFIX, strlen(UUID_PREFIX)) &&
		selector[strlen(UUID_PREFIX)])
		return select_match(selector, uuid_matches, ret_info, why);
	if (parse_pci(selector, &address))
		return select_match(selector, pci_matches, ret_info, why);
	return why_fail(why, EINVAL,
		"'%.64s' names no device: write auto, gpu, host, cuda:N, opencl:N, N, GPU-<uuid> or a "
		"PCI address such as 3b:00.0",
		selector);
}
