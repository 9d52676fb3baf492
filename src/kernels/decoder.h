/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_DECODER_H
#define VRAMFS_KERNELS_DECODER_H

#include "kernels/code.h"

#include "kernels/rs-decoder.h"

/*
 * Finding a line's errors by tables: the same as code_find_errors() of code.h finds, in a fraction
 * of the instructions, for devices on which every lane can look up an entry of its own.
 *
 * Each lane has a line, so 32 of them take no longer than one. What would make a lane walk over the
 * positions of its line, the search for the roots of the locator polynomial, is therefore not a
 * search: polynomials of degree 4 and less have formulas for their roots. Everything else is as in
 * code.h: syndromes, the algorithm of Berlekamp and Massey, Forney's formula.
 *
 * Products are sums of logarithms, so most elements of the field are kept as their logarithms:
 * 0..254, or RS_LOG_OF_ZERO. TABLES is rs_decoder or a copy of it in faster memory.
 */

/* EXPONENT modulo 255, for exponents below 510: the smaller one, as what is below 0 wraps. */
FUNCTION uint32_t modulo_255(uint32_t exponent)
{
	uint32_t less = exponent - 255;
	return exponent < less ? exponent : less;
}

/* The logarithm of a quotient. A may be 0..255, B 0..254. */
FUNCTION uint32_t log_quotient(uint32_t a, uint32_t b)
{
	return modulo_255(a + 255 - b);
}

FUNCTION uint32_t log_square(uint32_t a)
{
	return modulo_255(2 * a);
}

/* Every element has one square root, because squaring is a permutation of the field. */
FUNCTION uint32_t log_square_root(uint32_t a)
{
	return (a + (a & 1) * 255) / 2;
}

/* S1..S8. */
struct syndromes {
	uint32_t values[8], logarithms[8];
};

FUNCTION struct syndromes syndromes_of(const struct rs_decoder *tables, uint64_t remainder)
{
	struct syndromes syndromes;
	uint64_t packed = 0;
	UNROLL for (uint32_t i = 0; i < 16; i++)
	{
		packed ^= tables->syndromes[i][(remainder >> (4 * i)) & 15];
	}
	UNROLL for (uint32_t i = 0; i < 8; i++)
	{
		syndromes.values[i] = (uint32_t)(packed >> (8 * i)) & 0xff;
		syndromes.logarithms[i] = tables->logarithms[syndromes.values[i]];
	}
	return syndromes;
}

/* An error locator polynomial: DEGREE is how many errors it stands for, the coefficients are those
 * of x^1..x^4; that of x^0 is 1. Where DEGREE is more than 4, they mean nothing. */
struct locator {
	uint32_t degree;
	uint32_t values[4], logarithms[4];
};

/*
 * Berlekamp and Massey's algorithm. PREVIOUS holds the logarithms of the polynomial from before the
 * degree last grew, times the power of x by which that was longer ago. Its coefficients beyond x^4
 * can be dropped: were one of them ever added, the degree would be 5 or more, and it never shrinks.
 */
FUNCTION struct locator locator_of(
	const struct rs_decoder *tables, const struct syndromes *syndromes)
{
	struct locator locator = {
		0, {0, 0, 0, 0}, {RS_LOG_OF_ZERO, RS_LOG_OF_ZERO, RS_LOG_OF_ZERO, RS_LOG_OF_ZERO}};
	uint32_t previous[5] = {0, RS_LOG_OF_ZERO, RS_LOG_OF_ZERO, RS_LOG_OF_ZERO, RS_LOG_OF_ZERO};
	uint32_t previous_discrepancy = 0;
	UNROLL for (uint32_t step = 0; step < 8; step++)
	{
		uint32_t discrepancy = syndromes->values[step];
		UNROLL for (uint32_t i = 0; i < 4; i++)
		{
			if (i < step)
				discrepancy ^= tables->powers[locator.logarithms[i] +
							      syndromes->logarithms[step - 1 - i]];
		}
		UNROLL for (uint32_t i = 4; i > 0; i--)
		{
			previous[i] = previous[i - 1];
		}
		previous[0] = RS_LOG_OF_ZERO;
		if (discrepancy == 0)
			continue;

		uint32_t logarithm = tables->logarithms[discrepancy];
		uint32_t factor = log_quotient(logarithm, previous_discrepancy);
		bool grows = 2 * locator.degree <= step;
		UNROLL for (uint32_t i = 0; i < 4; i++)
		{
			uint32_t before = locator.logarithms[i];
			if (i <= step) {
				locator.values[i] ^= tables->powers[factor + previous[i + 1]];
				locator.logarithms[i] = tables->logarithms[locator.values[i]];
			}
			if (grows)
				previous[i + 1] = before;
		}
		if (grows) {
			previous[0] = 0;
			previous_discrepancy = logarithm;
			locator.degree = step + 1 - locator.degree;
		}
	}
	return locator;
}

/*
 * The four roots of w^4 + b w^2 + a w = c, which are all different because a is not 0; false if
 * they are not all in the field. A, B and C are logarithms, the roots are not.
 *
 * The left side is linear over GF(2), so its zeros are a space: with 0, the three roots of
 * w^3 + b w = a, of which the third is the sum of the others. Substituting u for w / sqrt(b), they
 * are those of u^3 + u = a / (b sqrt(b)). To find one w with c on the right: for each zero z other
 * than 0 the left side is y^2 + y (a / z) with y = w^2 + w z, two quadratic equations.
 */
FUNCTION bool linear_quartic_roots(
	const struct rs_decoder *tables, uint32_t a, uint32_t b, uint32_t c, uint32_t ret_roots[4])
{
	bool cube = b == RS_LOG_OF_ZERO;
	uint32_t scale = cube ? 0 : log_square_root(b);
	uint32_t zeros =
		tables->cubics[cube ? RS_CUBE_ROOTS + a : log_quotient(a, modulo_255(b + scale))];
	if ((zeros & 0xff) == RS_NO_ROOTS)
		return false;
	uint32_t first = modulo_255((zeros & 0xff) + scale);
	uint32_t second = modulo_255((zeros >> 8) + scale);

	uint32_t root = 0;
	if (c != RS_LOG_OF_ZERO) {
		uint32_t other = log_quotient(a, first);
		uint32_t y = tables->quadratics[log_quotient(c, log_square(other))];
		if (y == RS_NO_ROOTS)
			return false;
		y = modulo_255(y + other);
		uint32_t w = tables->quadratics[log_quotient(y, log_square(first))];
		if (w == RS_NO_ROOTS)
			return false;
		root = tables->powers[w + first];
	}
	ret_roots[0] = root;
	ret_roots[1] = root ^ tables->powers[first];
	ret_roots[2] = root ^ tables->powers[second];
	ret_roots[3] = ret_roots[1] ^ tables->powers[second];
	return true;
}

/*
 * The roots of x^4 + L1 x^3 + L2 x^2 + L3 x + L4, as logarithms; false if they are not four
 * different elements of the field.
 *
 * If L1 is 0, this is as above. If not, substituting x + s for x with s^2 = L3 / L1 makes the
 * coefficient of x vanish, and substituting 1 / w for that x the one of w^3. A constant of 0 would
 * mean that x = 0 is a root twice.
 */
FUNCTION bool quartic_roots(
	const struct rs_decoder *tables, const struct locator *locator, uint32_t ret_roots[4])
{
	uint32_t l1 = locator->logarithms[0], l2 = locator->logarithms[1];
	uint32_t l3 = locator->logarithms[2], shift = 0;
	if (l1 == RS_LOG_OF_ZERO) {
		if (l3 == RS_LOG_OF_ZERO ||
			!linear_quartic_roots(tables, l3, l2, locator->logarithms[3], ret_roots))
			return false;
	} else {
		uint32_t constant = locator->values[3], square = locator->values[1];
		if (l3 != RS_LOG_OF_ZERO) {
			uint32_t s_squared = log_quotient(l3, l1);
			uint32_t s = log_square_root(s_squared);
			shift = tables->powers[s];
			constant ^= tables->powers[log_square(s_squared)] ^
				    tables->powers[l2 + s_squared];
			square ^= tables->powers[l1 + s];
		}
		if (constant == 0)
			return false;
		uint32_t reciprocal = log_quotient(0, tables->logarithms[constant]);
		uint32_t b = RS_LOG_OF_ZERO;
		if (square)
			b = modulo_255(tables->logarithms[square] + reciprocal);
		if (!linear_quartic_roots(
			    tables, modulo_255(l1 + reciprocal), b, reciprocal, ret_roots))
			return false;
		UNROLL for (uint32_t i = 0; i < 4; i++)
		{
			uint32_t w = tables->logarithms[ret_roots[i]];
			ret_roots[i] = tables->powers[255 - w] ^ shift;
		}
	}
	UNROLL for (uint32_t i = 0; i < 4; i++)
	{
		ret_roots[i] = tables->logarithms[ret_roots[i]];
	}
	return true;
}

/*
 * The logarithms of the locators of a polynomial's errors: the reciprocals of its roots, or the
 * roots of the polynomial with its coefficients in reverse. One with three errors is multiplied by
 * x, one with fewer by nothing, and places without an error are RS_LOG_OF_ZERO. False if it has not
 * as many different roots in the field as its degree says.
 */
FUNCTION bool error_locators(
	const struct rs_decoder *tables, const struct locator *locator, uint32_t ret_locators[4])
{
	if (locator->degree > 2)
		return quartic_roots(tables, locator, ret_locators);
	uint32_t l1 = locator->logarithms[0], l2 = locator->logarithms[1];
	ret_locators[0] = l1;
	ret_locators[1] = ret_locators[2] = ret_locators[3] = RS_LOG_OF_ZERO;
	if (locator->degree == 1)
		return true;
	/* x^2 + L1 x + L2, with L1 y for x. */
	if (l1 == RS_LOG_OF_ZERO || l2 == RS_LOG_OF_ZERO)
		return false;
	uint32_t y = tables->quadratics[log_quotient(l2, log_square(l1))];
	if (y == RS_NO_ROOTS)
		return false;
	ret_locators[0] = modulo_255(y + l1);
	ret_locators[1] = tables->logarithms[tables->powers[y + l1] ^ locator->values[0]];
	return true;
}

/* As code_find_errors() of code.h. Without a remainder it finds none. */
FUNCTION struct code_errors decoder_find_errors(const struct rs_decoder *tables, uint64_t remainder,
	uint32_t data_bytes, uint32_t max_correct)
{
	struct code_errors found = {0, 0, 0};
	const struct code_errors none = {0, 0, 0};
	struct syndromes syndromes = syndromes_of(tables, remainder);
	struct locator locator = locator_of(tables, &syndromes);
	uint32_t locators[4];
	if (locator.degree == 0 || locator.degree > max_correct ||
		!error_locators(tables, &locator, locators))
		return none;

	/* The evaluator polynomial: the product of locator and syndromes modulo x^4. */
	uint32_t evaluator[4];
	UNROLL for (uint32_t i = 0; i < 4; i++)
	{
		evaluator[i] = syndromes.values[i];
		UNROLL for (uint32_t j = 0; j < 4; j++)
		{
			if (j < i)
				evaluator[i] ^= tables->powers[locator.logarithms[j] +
							       syndromes.logarithms[i - 1 - j]];
		}
		if (i > 0)
			evaluator[i] = tables->logarithms[evaluator[i]];
	}

	UNROLL for (uint32_t i = 0; i < 4; i++)
	{
		uint32_t error = locators[i];
		if (error >= data_bytes + KERNEL_PARITY_BYTES) /* not in the shortened code */
			continue;
		uint32_t z = log_quotient(0, error), z2 = log_square(z), z3 = modulo_255(z2 + z);
		uint32_t dividend = evaluator[0] ^ tables->powers[evaluator[1] + z] ^
				    tables->powers[evaluator[2] + z2] ^
				    tables->powers[evaluator[3] + z3];
		uint32_t derivative =
			locator.values[0] ^ tables->powers[locator.logarithms[2] + z2];
		if (dividend == 0 || derivative == 0)
			continue;
		uint32_t value =
			log_quotient(tables->logarithms[dividend], tables->logarithms[derivative]);
		found.positions =
			(found.positions << 8) | (data_bytes + KERNEL_PARITY_BYTES - 1 - error);
		found.values = (found.values << 8) | tables->powers[value];
		found.count++;
		UNROLL for (uint32_t j = 0; j < 8; j++)
		{
			value = modulo_255(value + error);
			syndromes.values[j] ^= tables->powers[value];
		}
	}
	/* As many errors as the locator says, which for this code implies that nothing remains of
	 * the syndromes. Looking costs next to nothing and leaves no doubt. */
	uint32_t unexplained = 0;
	UNROLL for (uint32_t i = 0; i < 8; i++)
	{
		unexplained |= syndromes.values[i];
	}
	return found.count == locator.degree && unexplained == 0 ? found : none;
}

#endif
