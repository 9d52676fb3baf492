/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Sizes as people write them. A number is read as long double, whose 64-bit mantissa holds every
 * whole number of bytes exactly, and may have a fraction ("1.5G").
 */
#include "base/size.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static err_t not_a_size(const char *text, struct why *why)
{
	return why_fail(why, EINVAL,
		"'%s' is not a size: use bytes, a number with K, M, G or T (4G), a percentage (50%%) or "
		"'max'",
		text);
}

/* The power of 1024 that SUFFIX ("", "G", "GiB", "gb", ...) stands for, or -1. */
static int suffix_power(const char *suffix)
{
	static const char letters[] = "KMGT";
	const char *letter;

	if (!*suffix || !strcasecmp(suffix, "B"))
		return 0;
	letter = strchr(letters, toupper((unsigned char)*suffix));
	if (!letter)
		return -1;
	suffix++;
	if (*suffix && strcasecmp(suffix, "B") && strcasecmp(suffix, "iB"))
		return -1;
	return (int)(letter - letters) + 1;
}

int size_parse(const char *text, struct size_spec *ret_spec, struct why *why)
{
	struct size_spec spec = {.kind = SIZE_BYTES};
	long double number;
	size_t digits;
	char *end;
	int power;

	if (!strcmp(text, "max")) {
		*ret_spec = (struct size_spec){.kind = SIZE_MAX_AVAILABLE};
		return 0;
	}
	/* strtold would also take "inf", "nan", "0x10", "1e9" and leading blanks. */
	digits = strspn(text, "0123456789.");
	if (!isdigit((unsigned char)*text) || (text[digits] && strchr("xXpPeE", text[digits])))
		return not_a_size(text, why);
	number = strtold(text, &end);
	if (!strcmp(end, "%")) {
		if (number < 1 || number > 100 || number != floorl(number))
			return why_fail(why, EINVAL, "'%s' is not a share: use 1%% to 100%%", text);
		*ret_spec = (struct size_spec){.kind = SIZE_PERCENT, .percent = (unsigned)number};
		return 0;
	}
	power = suffix_power(end);
	if (power < 0)
		return not_a_size(text, why);
	number = floorl(ldexpl(number, 10 * power));
	if (number < 1)
		return why_fail(why, EINVAL, "a size of zero holds nothing: ask for at least 1M");
	if (number >= 18446744073709551616.0L)
		return why_fail(why, ERANGE, "'%s' is more than any device has", text);
	spec.bytes = (uint64_t)number;
	*ret_spec = spec;
	return 0;
}

char *size_format(uint64_t bytes, char *text, size_t size)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	int unit = -1;

	while (value >= 1024 && unit < 5) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, size, "%llu B", (unsigned long long)bytes);
	else if (value == floor(value))
		snprintf(text, size, "%.0f %s", value, units[unit]);
	else
		snprintf(text, size, "%.2f %s", value, units[unit]);
	return text;
}
