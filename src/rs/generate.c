/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Computes the tables of the codes at build time and prints them as a header for device code, so
 * that no table in the project is a number somebody once typed. Runs on the build machine.
 *
 * The 8 parity bytes of a line are one 64-bit word, parity[0] in its lowest byte, and the parity of
 * a line is the sum of what each of its bytes contributes. The contribution of the byte value 1 at
 * position j of RS(136,128) is x^(135-j) mod g(x): the weight of j. A shortened code leaves out the
 * first positions, so RS(128,120) uses the same table from its ninth entry on.
 *
 *	generate-rs-tables weights	the header that device code includes
 *	generate-rs-tables slices	the bigger table that processors prefer: entry [i][v] is
 *					what the value v contributes as the i-th of the last
 *					8 data bytes
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PARITY_SYMBOLS 8
#define WEIGHTS 128
#define ALPHA 2

/* GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. */
static uint8_t multiply(uint8_t a, uint8_t b)
{
	unsigned product = 0;
	for (int bit = 7; bit >= 0; bit--) {
		product <<= 1;
		if (product & 0x100)
			product ^= 0x11d;
		if (b >> bit & 1)
			product ^= a;
	}
	return (uint8_t)product;
}

static uint8_t power(uint8_t base, unsigned exponent)
{
	uint8_t result = 1;
	while (exponent-- > 0)
		result = multiply(result, base);
	return result;
}

/* The coefficients of x^7..x^0 of g(x), the product of (x - alpha^i) for i = 1..8. */
static void make_generator(uint8_t generator[PARITY_SYMBOLS])
{
	uint8_t product[PARITY_SYMBOLS + 1] = {1}; /* highest power first */
	for (unsigned i = 1; i <= PARITY_SYMBOLS; i++) {
		for (unsigned j = i; j > 0; j--)
			product[j] ^= multiply(product[j - 1], power(ALPHA, i));
	}
	for (unsigned j = 0; j < PARITY_SYMBOLS; j++)
		generator[j] = product[j + 1];
}

static uint64_t pack(const uint8_t bytes[PARITY_SYMBOLS])
{
	uint64_t packed = 0;
	for (unsigned i = 0; i < PARITY_SYMBOLS; i++)
		packed |= (uint64_t)bytes[i] << 8 * i;
	return packed;
}

static void make_weights(uint64_t weights[WEIGHTS])
{
	uint8_t generator[PARITY_SYMBOLS], remainder[PARITY_SYMBOLS];
	make_generator(generator);
	for (unsigned i = 0; i < PARITY_SYMBOLS; i++)
		remainder[i] = generator[i]; /* x^8 mod g(x) */
	for (unsigned j = WEIGHTS; j-- > 0;) {
		weights[j] = pack(remainder);
		/* Times x: what leaves at x^7 comes back as a multiple of x^8 mod g(x). */
		uint8_t carry = remainder[0];
		for (unsigned i = 0; i < PARITY_SYMBOLS; i++) {
			uint8_t next = i + 1 < PARITY_SYMBOLS ? remainder[i + 1] : 0;
			remainder[i] = next ^ multiply(carry, generator[i]);
		}
	}
}

/* The reciprocal of the locator of position 0 in a code of SYMBOLS symbols, to the powers 1..4,
 * twice: what a search for roots over the positions begins with. */
static uint64_t first_reciprocal(unsigned symbols)
{
	uint8_t reciprocal = power(ALPHA, 255 - (symbols - 1)), bytes[PARITY_SYMBOLS];
	for (unsigned i = 0; i < PARITY_SYMBOLS; i++)
		bytes[i] = power(reciprocal, i % 4 + 1);
	return pack(bytes);
}

static void print_table(const uint64_t *entries, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		printf("%s0x%016llxul,%s", i % 4 == 0 ? "\t" : " ", (unsigned long long)entries[i],
			i % 4 == 3 ? "\n" : "");
}

static void print_weights(const uint64_t weights[WEIGHTS])
{
	uint8_t roots[PARITY_SYMBOLS];
	for (unsigned i = 0; i < PARITY_SYMBOLS; i++)
		roots[i] = power(ALPHA, i + 1);
	printf("#define RS_ROOTS 0x%016llxul\n", (unsigned long long)pack(roots));
	printf("#define RS_FIRST_RECIPROCAL_136 0x%016llxul\n",
		(unsigned long long)first_reciprocal(136));
	printf("#define RS_FIRST_RECIPROCAL_128 0x%016llxul\n\n",
		(unsigned long long)first_reciprocal(128));
	printf("#define RS_WEIGHTS %d\n\nCONSTANT uint64_t rs_weights[RS_WEIGHTS] = {\n", WEIGHTS);
	print_table(weights, WEIGHTS);
	printf("};\n");
}

static void print_slices(const uint64_t weights[WEIGHTS])
{
	printf("CONSTANT uint64_t rs_slices[%d][256] = {\n", PARITY_SYMBOLS);
	for (unsigned i = 0; i < PARITY_SYMBOLS; i++) {
		uint64_t entries[256];
		for (unsigned value = 0; value < 256; value++) {
			uint8_t bytes[PARITY_SYMBOLS];
			for (unsigned j = 0; j < PARITY_SYMBOLS; j++)
				bytes[j] = multiply(
					(uint8_t)(weights[WEIGHTS - PARITY_SYMBOLS + i] >> 8 * j),
					(uint8_t)value);
			entries[value] = pack(bytes);
		}
		printf("\t{\n");
		print_table(entries, 256);
		printf("\t},\n");
	}
	printf("};\n");
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	uint64_t weights[WEIGHTS];
	make_weights(weights);
	printf("/* Computed by src/rs/generate.c, which also explains it; do not edit. */\n");
	if (strcmp(what, "weights") == 0) {
		print_weights(weights);
	} else if (strcmp(what, "slices") == 0) {
		print_slices(weights);
	} else {
		fprintf(stderr, "usage: generate-rs-tables weights|slices\n");
		return 2;
	}
	return ferror(stdout) || fflush(stdout) != 0;
}
