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
 *	generate-rs-tables step		entry b is what bit b of the last 4 data bytes contributes
 *	generate-rs-tables bits		what the tensor cores multiply with
 *	generate-rs-tables decoder	what a decoder looks up that has a table for every step
 *	generate-rs-tables nibbles	products by the coefficients of g(x), for processors that
 *					look up 16 bytes at once: byte v of row [i][h] is
 *					v << 4h times the coefficient of x^(7-i)
 *	generate-rs-tables matrices	the weights as bit matrices, for processors that multiply
 *					by those: entry [k][i][p] takes data byte p of the k-th
 *					8 to what it contributes to parity byte i
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

/*
 * Parity as a product over GF(2): its 64 bits are a matrix of 64 x 1024 bits times the 1024 bits of
 * a line. The tensor cores multiply 16 rows by 256 columns at once, so there are 4 x 4 such tiles,
 * and each lane of a warp holds 4 words of each tile, in the places that mma.m16n8k256 wants:
 *
 *	lane 4g + t, word 0	row g		32 columns: the bits of the data word that the
 *	lane 4g + t, word 1	row g + 8	lane itself multiplies with as its first word
 *	lane 4g + t, words 2, 3	the same rows	and as its second
 *
 * The order of columns is ours to choose, as long as matrix and data agree, and the order of rows,
 * too. So lane 4g + t loads the 16-byte chunks t and t + 4 of line g as they are, and multiplies
 * their 8 words two by two in tile columns 0..3. Rows g and g + 8 of tile row m are bits 2m and
 * 2m + 1 of parity byte g, so that a lane ends with whole parity bytes.
 */
#define MATRIX_TILES 16
#define MATRIX_LANES 32
#define MATRIX_WORDS 4

/* Whose columns: the code's data bytes begin at FIRST_WEIGHT of the table of weights; behind them,
 * either nothing, or the parity bytes themselves, so that the product is the remainder. */
static uint64_t column(const uint64_t weights[WEIGHTS], unsigned first_weight, int with_parity,
	unsigned byte, unsigned bit)
{
	unsigned data_bytes = WEIGHTS - first_weight;
	uint64_t product = 0;
	if (byte >= data_bytes)
		return with_parity ? 1ull << (8 * (byte - data_bytes) + bit) : 0;
	for (unsigned i = 0; i < PARITY_SYMBOLS; i++)
		product |= (uint64_t)multiply((uint8_t)(weights[first_weight + byte] >> 8 * i),
				   (uint8_t)(1u << bit))
			   << 8 * i;
	return product;
}

static void print_matrix(
	const uint64_t weights[WEIGHTS], const char *name, unsigned first_weight, int with_parity)
{
	printf("TABLE uint32_t rs_matrix_%s[%d] = {\n", name,
		MATRIX_TILES * MATRIX_LANES * MATRIX_WORDS);
	for (unsigned i = 0; i < MATRIX_TILES * MATRIX_LANES * MATRIX_WORDS; i++) {
		unsigned word = i % MATRIX_WORDS, lane = i / MATRIX_WORDS % MATRIX_LANES;
		unsigned step = i / MATRIX_WORDS / MATRIX_LANES % 4;
		unsigned row = i / MATRIX_WORDS / MATRIX_LANES / 4;
		unsigned g = lane / 4, t = lane % 4;
		unsigned data_word = (t + step / 2 * 4) * 4 + step % 2 * 2 + word / 2;
		unsigned parity_bit = 8 * g + 2 * row + word % 2;
		uint32_t bits = 0;
		for (unsigned bit = 0; bit < 32; bit++) {
			uint64_t of_bit = column(weights, first_weight, with_parity,
				data_word * 4 + bit / 8, bit % 8);
			bits |= (uint32_t)(of_bit >> parity_bit & 1) << bit;
		}
		printf("%s0x%08xu,%s", i % 8 == 0 ? "\t" : " ", bits, i % 8 == 7 ? "\n" : "");
	}
	printf("};\n");
}

/*
 * The tables of the decoder, in one piece so that a GPU can keep a copy in fast memory. Elements of
 * the field are told by their logarithms wherever that saves looking one up.
 *
 *	syndromes[i][v]	what the value v of the i-th four bits of a remainder adds to the
 *			syndromes S1..S8, S1 in the lowest byte
 *	logarithms[v]	the i with alpha^i = v. That of 0 is so large that a sum of two logarithms
 *			in which it occurs once or twice is the place of a 0 in powers.
 *	cubics[i]	two of the three roots of u^3 + u = alpha^i, as logarithms, a byte each;
 *			the third is their sum. And from CUBE_ROOTS on, those of u^3 = alpha^i.
 *	powers[i]	alpha^i, for sums of two logarithms
 *	quadratics[i]	a root of y^2 + y = alpha^i, as logarithm; the other is larger by 1
 *
 * NO_ROOTS says that there are none in the field, or too few.
 */
#define ORDER 255 /* of alpha: so many powers differ */
#define LOG_OF_ZERO (2 * ORDER)
#define POWERS 1024
#define CUBICS 512
#define CUBE_ROOTS 256
#define NO_ROOTS 255

static void make_logarithms(unsigned logarithms[256])
{
	uint8_t value = 1;
	logarithms[0] = LOG_OF_ZERO;
	for (unsigned i = 0; i < ORDER; i++, value = multiply(value, ALPHA))
		logarithms[value] = i;
}

/* The syndromes of a remainder of which only byte INDEX, the coefficient of x^(7-INDEX), is not 0.
 */
static uint64_t syndromes_of(unsigned index, uint8_t value)
{
	uint8_t syndromes[PARITY_SYMBOLS];
	for (unsigned i = 0; i < PARITY_SYMBOLS; i++)
		syndromes[i] =
			multiply(value, power(ALPHA, (i + 1) * (PARITY_SYMBOLS - 1 - index)));
	return pack(syndromes);
}

/* The roots of u^3 + LINEAR u = CONSTANT, which is not 0: as an entry of cubics. */
static unsigned cubic_of(const unsigned logarithms[256], uint8_t linear, uint8_t constant)
{
	unsigned roots[4] = {NO_ROOTS, NO_ROOTS}, count = 0;
	for (unsigned u = 1; u < 256; u++) {
		uint8_t cube = multiply(multiply((uint8_t)u, (uint8_t)u), (uint8_t)u);
		if ((cube ^ multiply(linear, (uint8_t)u)) == constant)
			roots[count++] = logarithms[u];
	}
	return count == 3 ? roots[0] | roots[1] << 8 : NO_ROOTS | NO_ROOTS << 8;
}

static unsigned quadratic_of(const unsigned logarithms[256], uint8_t constant)
{
	for (unsigned y = 1; y < 256; y++) {
		if ((multiply((uint8_t)y, (uint8_t)y) ^ y) == constant)
			return logarithms[y];
	}
	return NO_ROOTS;
}

static void print_numbers(const char *name, const unsigned *numbers, unsigned count)
{
	printf("\t{ /* %s */\n", name);
	for (unsigned i = 0; i < count; i++)
		printf("%s%u,%s", i % 16 == 0 ? "\t\t" : " ", numbers[i], i % 16 == 15 ? "\n" : "");
	printf("\t},\n");
}

static void print_decoder(void)
{
	unsigned logarithms[256], cubics[CUBICS], powers[POWERS] = {0}, quadratics[256];
	make_logarithms(logarithms);
	for (unsigned i = 0; i < LOG_OF_ZERO; i++)
		powers[i] = power(ALPHA, i % ORDER);
	for (unsigned i = 0; i < CUBE_ROOTS; i++) {
		uint8_t value = power(ALPHA, i);
		cubics[i] = cubic_of(logarithms, 1, value);
		cubics[CUBE_ROOTS + i] = cubic_of(logarithms, 0, value);
		quadratics[i] = quadratic_of(logarithms, value);
	}

	printf("#define RS_LOG_OF_ZERO %d\n#define RS_CUBE_ROOTS %d\n#define RS_NO_ROOTS %d\n\n",
		LOG_OF_ZERO, CUBE_ROOTS, NO_ROOTS);
	printf("struct rs_decoder {\n\tuint64_t syndromes[%d][16];\n\tuint16_t logarithms[256];\n",
		2 * PARITY_SYMBOLS);
	printf("\tuint16_t cubics[%d];\n\tuint8_t powers[%d];\n\tuint8_t quadratics[256];\n};\n\n",
		CUBICS, POWERS);
	printf("TABLE struct rs_decoder rs_decoder = {\n\t{ /* syndromes */\n");
	for (unsigned i = 0; i < 2 * PARITY_SYMBOLS; i++) {
		uint64_t entries[16];
		for (unsigned value = 0; value < 16; value++)
			entries[value] = syndromes_of(i / 2, (uint8_t)(value << i % 2 * 4));
		printf("\t{\n");
		print_table(entries, 16);
		printf("\t},\n");
	}
	printf("\t},\n");
	print_numbers("logarithms", logarithms, 256);
	print_numbers("cubics", cubics, CUBICS);
	print_numbers("powers", powers, POWERS);
	print_numbers("quadratics", quadratics, 256);
	printf("};\n");
}

static void print_step(const uint64_t weights[WEIGHTS])
{
	uint64_t entries[32];
	for (unsigned b = 0; b < 32; b++)
		entries[b] = column(weights, 0, 0, WEIGHTS - 4 + b / 8, b % 8);
	printf("CONSTANT uint64_t rs_step[32] = {\n");
	print_table(entries, 32);
	printf("};\n");
}

static void print_bits(const uint64_t weights[WEIGHTS])
{
	print_matrix(weights, "136", 0, 0);
	print_matrix(weights, "128", 8, 0);
	print_matrix(weights, "128_remainder", 8, 1);
}

static void print_nibbles(void)
{
	uint8_t generator[PARITY_SYMBOLS];
	make_generator(generator);
	printf("CONSTANT uint64_t rs_nibbles[%d][2][2] = {\n", PARITY_SYMBOLS);
	for (unsigned i = 0; i < PARITY_SYMBOLS; i++) {
		uint64_t rows[4] = {0};
		for (unsigned v = 0; v < 32; v++) {
			unsigned value = v < 16 ? v : (v - 16) << 4;
			rows[v / 8] |= (uint64_t)multiply((uint8_t)value, generator[i])
				       << v % 8 * 8;
		}
		printf("\t{{0x%016llxul, 0x%016llxul}, {0x%016llxul, 0x%016llxul}},\n",
			(unsigned long long)rows[0], (unsigned long long)rows[1],
			(unsigned long long)rows[2], (unsigned long long)rows[3]);
	}
	printf("};\n");
}

/* Multiplication by FACTOR as GF2P8AFFINEQB takes it: the row that makes bit i of the product is
 * byte 7-i, and in it bit b is set if bit b of the other factor counts. */
static uint64_t matrix_of(uint8_t factor)
{
	uint64_t matrix = 0;
	for (unsigned bit = 0; bit < 8; bit++) {
		uint8_t product = multiply((uint8_t)(1 << bit), factor);
		for (unsigned i = 0; i < 8; i++)
			matrix |= (uint64_t)(product >> i & 1) << (8 * (7 - i) + bit);
	}
	return matrix;
}

static void print_matrices(const uint64_t weights[WEIGHTS])
{
	printf("CONSTANT uint64_t rs_matrices[%d][%d][8] = {\n", WEIGHTS / 8, PARITY_SYMBOLS);
	for (unsigned k = 0; k < WEIGHTS / 8; k++) {
		printf("\t{\n");
		for (unsigned i = 0; i < PARITY_SYMBOLS; i++) {
			uint64_t entries[8];
			for (unsigned p = 0; p < 8; p++)
				entries[p] = matrix_of((uint8_t)(weights[8 * k + p] >> 8 * i));
			printf("\t{\n");
			print_table(entries, 8);
			printf("\t},\n");
		}
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
	printf("#ifndef RS_GENERATED_%s\n#define RS_GENERATED_%s\n", what, what);
	if (strcmp(what, "weights") == 0) {
		print_weights(weights);
	} else if (strcmp(what, "slices") == 0) {
		print_slices(weights);
	} else if (strcmp(what, "step") == 0) {
		print_step(weights);
	} else if (strcmp(what, "bits") == 0) {
		print_bits(weights);
	} else if (strcmp(what, "decoder") == 0) {
		print_decoder();
	} else if (strcmp(what, "nibbles") == 0) {
		print_nibbles();
	} else if (strcmp(what, "matrices") == 0) {
		print_matrices(weights);
	} else {
		fprintf(stderr, "usage: generate-rs-tables "
				"weights|slices|step|bits|decoder|nibbles|matrices\n");
		return 2;
	}
	printf("#endif\n");
	return ferror(stdout) || fflush(stdout) != 0;
}
