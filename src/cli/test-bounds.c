/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The chances of a wrong correction follow from the weight distribution of a code with minimum
 * distance 9 (which is that of every MDS code of the same length): count the words of weight e
 * within distance t of a codeword of weight w >= 9, for all w, and divide by all words of weight e.
 */
#include "cli/test-bounds.h"

#include <math.h>

/* Below this mean a count is far from normally distributed; a Poisson distribution is summed. From
 * 745 on its first term, exp(-mean), would be too small for a double. */
#define NORMAL_FROM 500.0
#define SIGMAS 5.0
#define TAIL 2.87e-7 /* of the normal distribution beyond 5 sigma */

double test_miscorrection(enum rs_code code, unsigned max_correct, unsigned errors)
{
	/* [code][max_correct][errors - 5] */
	static const double chances[2][RS_MAX_CORRECT + 1][4] = {
		[RS_136] = {{0, 0, 0, 0}, {0, 0, 0, 1.825697e-15},
			{0, 0, 3.002815e-11, 3.234679e-11},
			{0, 3.318111e-07, 3.674044e-07, 3.686112e-07},
			{2.771037e-03, 3.108157e-03, 3.125105e-03, 3.125435e-03}},
		[RS_128] = {{0, 0, 0, 0}, {0, 0, 0, 1.711591e-15},
			{0, 0, 2.640557e-11, 2.863406e-11},
			{0, 2.738258e-07, 3.056885e-07, 3.068848e-07},
			{2.147136e-03, 2.429724e-03, 2.445223e-03, 2.445563e-03}},
	};

	if (code == RS_NONE || errors < 5 || errors > 8)
		return 0;
	return chances[code][max_correct][errors - 5];
}

double test_parity_only(enum rs_code code, unsigned errors)
{
	double chance = 1;

	if (code == RS_NONE)
		return 0;
	for (unsigned i = 0; i < errors; i++)
		chance *= (double)(RS_PARITY_SYMBOLS - i) /
			  (rs_data_per_line(code) + RS_PARITY_SYMBOLS - i);
	return chance;
}

static struct test_range poisson_range(double mean)
{
	struct test_range range = {0, 0};
	double term = exp(-mean);
	double below = term; /* the chance of at most range.high */

	for (; 1 - below > TAIL; below += term) {
		if (below < TAIL)
			range.low = range.high + 1;
		term *= mean / (double)++range.high;
	}
	return range;
}

struct test_range test_range(uint64_t trials, double chance)
{
	double mean = (double)trials * chance;
	double deviation = sqrt(mean * (1 - chance));

	if (chance <= 0)
		return (struct test_range){0, 0};
	if (mean < NORMAL_FROM && chance < 0.1)
		return poisson_range(mean);
	return (struct test_range){
		.low = (uint64_t)fmax(0, floor(mean - SIGMAS * deviation)),
		.high = (uint64_t)fmin((double)trials, ceil(mean + SIGMAS * deviation)),
	};
}
