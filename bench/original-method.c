/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The method that vramfs's description began with, as a variant of the kernels for NVIDIA GPUs:
 * what the others are measured against. A warp works on one line, each lane on 4 bytes of it, and
 * whatever is multiplied is multiplied bit by bit, by shifting and adding, without tables.
 *
 * A line is evaluated, as a polynomial, at the eight roots of g(x). Each lane does so with its own
 * bytes, by Horner's rule, and the lanes put their values together in a tree, as Estrin does: five
 * shuffles, each of them with a multiplication by a power of the root. Eight values lie side by
 * side in 64 bits. From those of the data follows the parity, by the inverse of the matrix of the
 * roots' powers: lane j makes byte j of eight values that it has shuffled to it. If those of the
 * whole codeword, the syndromes, are not 0, all lanes find the locator polynomial (Berlekamp and
 * Massey), look for its roots, each among positions of its own (Chien), and those that have found
 * one compute the error there (Forney).
 *
 * Verifying, correcting and making the parity anew are one pass. The kernels that move bytes are
 * the portable ones.
 */
#define SWEEPS_DEFINED
#include "kernels/kernels.c"

#define WARP_LANES 32u
#define WARP_ALL 0xffffffffu
#define WORD_BYTES 4u

/* RS_ROOTS, byte by byte, to the power of the name. */
#define ROOTS_TO_4 0x9d188fb44ccd1d10ul
#define ROOTS_TO_8 0x5f5d466a9d8f4c1dul
#define ROOTS_TO_16 0x8581d9fd5f469d4cul
#define ROOTS_TO_32 0x021282e685d95f9dul
#define ROOTS_TO_64 0x041917be0282855ful
#define ALPHA_TO_32 0x9du

/* The inverse of the matrix alpha^(i * (7 - j)): byte i - 1 of row j says how much the value at
 * alpha^i counts in parity byte j. By Lagrange's formula it is the coefficient of x^(7 - j) of the
 * product over all m other than i of (x - alpha^m) / (alpha^i - alpha^m). */
TABLE uint64_t original_matrix[8] = {
	0x922cccee234f01f1ul,
	0x58522b2003f8e71dul,
	0x17569344ade59749ul,
	0x238088690a20d4bcul,
	0x0a188e1461c7301eul,
	0x153b7b8093546c7eul,
	0x40b185eec0d8a527ul,
	0x3113d50ff0e54ea2ul,
};

FUNCTION uint32_t lane_of_warp(void)
{
	return LANE % WARP_LANES;
}

FUNCTION uint32_t ballot(bool condition)
{
	return __nvvm_vote_ballot_sync(WARP_ALL, condition);
}

FUNCTION uint32_t shuffle(uint32_t value, uint32_t from)
{
	return (uint32_t)__nvvm_shfl_sync_idx_i32(WARP_ALL, (int)value, (int)from, 31);
}

/* The value of the lane whose number differs in the bits of LANE_MASK. */
FUNCTION uint64_t shuffle_across(uint64_t value, uint32_t lane_mask)
{
	uint32_t low = (uint32_t)__nvvm_shfl_sync_bfly_i32(
		WARP_ALL, (int)(uint32_t)value, (int)lane_mask, 31);
	uint32_t high = (uint32_t)__nvvm_shfl_sync_bfly_i32(
		WARP_ALL, (int)(uint32_t)(value >> 32), (int)lane_mask, 31);
	return low | (uint64_t)high << 32;
}

/* As gf_multiply(), of single elements. */
FUNCTION uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;
	for (int bit = 7; bit >= 0; bit--) {
		product = (product << 1) ^ (product & 0x80 ? 0x11d : 0);
		product ^= (b >> bit) & 1 ? a : 0;
	}
	return product;
}

/* --- evaluating --- */

/* Four bytes, the first one that of the highest power, at all roots. */
FUNCTION uint64_t word_values(uint32_t word)
{
	uint64_t values = 0;
	UNROLL for (uint32_t i = 0; i < WORD_BYTES; i++)
	{
		uint64_t byte = (word >> (8 * i)) & 0xff;
		values = gf_multiply(values, RS_ROOTS) ^ (byte * 0x0101010101010101ul);
	}
	return values;
}

/* What two halves of a tree of lanes have together: FACTOR is the roots to the power of the bytes
 * in one of them. */
FUNCTION uint64_t join_values(uint64_t values, uint32_t lane_mask, uint64_t factor)
{
	uint64_t other = shuffle_across(values, lane_mask);
	bool is_first = (lane_of_warp() & lane_mask) == 0;
	return gf_multiply(is_first ? values : other, factor) ^ (is_first ? other : values);
}

/* The data of a line, times x^8, of which each lane has a word. Lanes behind the data have 0; so
 * where parity is in the line the multiplication by x^8 has been made. */
FUNCTION uint64_t data_values(uint32_t word, uint32_t data_bytes)
{
	uint64_t values = word_values(word);
	values = join_values(values, 1, ROOTS_TO_4);
	values = join_values(values, 2, ROOTS_TO_8);
	values = join_values(values, 4, ROOTS_TO_16);
	values = join_values(values, 8, ROOTS_TO_32);
	values = join_values(values, 16, ROOTS_TO_64);
	return data_bytes == KERNEL_LINE_BYTES ? gf_multiply(values, ROOTS_TO_8) : values;
}

/* The parity, of which even lanes have the first word and odd lanes the second. */
FUNCTION uint64_t parity_values(uint32_t word)
{
	return join_values(word_values(word), 1, ROOTS_TO_4);
}

/* Byte lane % 8 of the parity of data with these VALUES. ROW is that of the matrix. */
FUNCTION uint32_t parity_byte(uint64_t values, uint64_t row)
{
	uint32_t own = (uint32_t)(values >> (8 * (lane_of_warp() % 8))) & 0xff, byte = 0;
	UNROLL for (uint32_t i = 0; i < KERNEL_PARITY_BYTES; i++)
	{
		byte ^= multiply((uint32_t)(row >> (8 * i)) & 0xff, shuffle(own, i));
	}
	return byte;
}

/* --- correcting --- */

/* Where this lane has found a root: a bit for each of the stretches of 32 positions. */
struct places {
	uint32_t count; /* in all lanes */
	uint32_t stretches;
};

/* ROOT: the reciprocal of the locator of the lane's first position. */
FUNCTION struct places find_places(
	uint32_t locator_low, uint32_t locator_high, uint32_t root, uint32_t symbols)
{
	struct places places = {0, 0};
	for (uint32_t first = 0; first < symbols; first += WARP_LANES) {
		uint32_t value = locator_high & 0xff;
		UNROLL for (int i = 3; i >= 0; i--)
		{
			value = multiply(value, root) ^ ((locator_low >> (8 * i)) & 0xff);
		}
		bool found = first + lane_of_warp() < symbols && value == 0;
		places.count += (uint32_t)__builtin_popcount(ballot(found));
		places.stretches |= (found ? 1u : 0u) << (first / WARP_LANES);
		root = multiply(root, ALPHA_TO_32);
	}
	return places;
}

/* The error at the position whose locator is the reciprocal of ROOT. */
FUNCTION uint32_t error_value(uint64_t locator, uint64_t evaluator, uint32_t root)
{
	uint32_t value = 0, square = multiply(root, root);
	for (int i = 3; i >= 0; i--)
		value = multiply(value, root) ^ ((uint32_t)(evaluator >> (8 * i)) & 0xff);
	/* Of the derivative only the odd powers of the locator remain. */
	uint32_t derivative = ((uint32_t)(locator >> 8) & 0xff) ^
			      multiply((uint32_t)(locator >> 24) & 0xff, square);
	return multiply(value, gf_invert(derivative));
}

/* A line that is worked on, and where it is. */
struct original_line {
	GLOBAL uint8_t *data, *parity;
	uint32_t data_bytes;
};

FUNCTION uint32_t data_word(struct original_line line)
{
	if (lane_of_warp() * WORD_BYTES >= line.data_bytes)
		return 0;
	return REGION_LOAD((GLOBAL const uint32_t *)line.data + lane_of_warp());
}

FUNCTION uint32_t parity_word(struct original_line line)
{
	return REGION_LOAD((GLOBAL const uint32_t *)line.parity + lane_of_warp() % 2);
}

/* Find the errors behind SYNDROMES and repair them; how many, 0 if the line is lost. */
FUNCTION uint32_t repair(
	struct original_line line, uint64_t syndromes, uint32_t root, uint32_t max_correct)
{
	uint64_t locator = 0, evaluator = 0;
	uint32_t errors = code_locator(syndromes, max_correct, &locator);
	if (errors == 0)
		return 0;
	struct places places = find_places((uint32_t)locator, (uint32_t)(locator >> 32), root,
		line.data_bytes + KERNEL_PARITY_BYTES);
	if (places.count != errors)
		return 0;
	for (uint32_t i = 0; i < 4; i++)
		evaluator ^= gf_scale(syndromes, (uint32_t)(locator >> (8 * i)) & 0xff) << (8 * i);
	for (uint32_t position = lane_of_warp(); places.stretches; position += WARP_LANES) {
		if (places.stretches & 1) {
			GLOBAL uint8_t *byte = position < line.data_bytes
						       ? line.data + position
						       : line.parity + (position - line.data_bytes);
			REGION_STORE(
				byte, (uint8_t)(*byte ^ error_value(locator, evaluator, root)));
		}
		places.stretches >>= 1;
		root = multiply(root, ALPHA_TO_32);
	}
	__nvvm_bar_warp_sync(WARP_ALL);
	return errors;
}

/* --- the kernels --- */

/* What a kernel does with a line. */
#define CHECK 1u   /* compute the syndromes */
#define CORRECT 2u /* repair what is wrong */
#define STORE 4u   /* make the parity anew */

struct counters {
	uint32_t counts[COUNTS];
};

FUNCTION void count(LOCAL struct counters *counters, uint32_t which)
{
	if (lane_of_warp() == 0)
		LOCAL_INCREMENT(&counters->counts[which]);
}

FUNCTION void line_sweep(LOCAL struct counters *counters, struct original_line line, uint64_t row,
	uint32_t root, uint32_t max_correct, const uint32_t what)
{
	uint64_t values = data_values(data_word(line), line.data_bytes);
	if (what & CHECK) {
		uint64_t syndromes = values ^ parity_values(parity_word(line));
		if (syndromes) {
			count(counters, COUNT_FLAGGED);
			if (!(what & CORRECT))
				return;
			uint32_t errors = repair(line, syndromes, root, max_correct);
			count(counters, errors ? COUNT_CORRECTED + errors : COUNT_LOST);
			if (errors == 0)
				return;
			if (what & STORE)
				values = data_values(data_word(line), line.data_bytes);
		}
	}
	if (what & STORE) {
		uint32_t byte = parity_byte(values, row);
		if (lane_of_warp() < KERNEL_PARITY_BYTES)
			REGION_STORE(line.parity + lane_of_warp(), (uint8_t)byte);
	}
}

FUNCTION void sweep(LOCAL struct counters *counters, const struct kernel_params *params,
	GLOBAL uint8_t *region, GLOBAL uint32_t *scratch, GLOBAL uint8_t *control,
	const uint32_t what)
{
	struct work work = work_find(params, control, GROUP, false);
	uint64_t row = original_matrix[lane_of_warp() % KERNEL_PARITY_BYTES];
	uint32_t root = (uint32_t)(work.data_bytes == KERNEL_LINE_BYTES ? RS_FIRST_RECIPROCAL_136
									: RS_FIRST_RECIPROCAL_128) &
			0xff;
	FOR_EACH_LANE (i, 0, COUNTS)
		counters->counts[i] = 0;
	BARRIER();
	if (what & CORRECT) {
		for (uint32_t i = 0; i < lane_of_warp(); i++)
			root = multiply(root, 2);
	}
	if (params->parity_pitch) {
		for (uint32_t i = work.line_begin + LANE / WARP_LANES; i < work.line_end;
			i += LANES / WARP_LANES) {
			struct original_line line = {region + line_offset(&work, i),
				region + parity_offset(params, &work, i), work.data_bytes};
			line_sweep(counters, line, row, root, params->max_correct, what);
		}
	}
	job_finish(counters->counts, job_of_launch(params), scratch, control,
		params->segment_count * params->tiles_per_segment);
}

KERNEL(encode)
{
	LOCAL_VARIABLE(struct counters, counters);
	sweep(&counters, &params, region, scratch, control, STORE);
}

KERNEL(verify)
{
	LOCAL_VARIABLE(struct counters, counters);
	sweep(&counters, &params, region, scratch, control, CHECK);
}

KERNEL(correct)
{
	LOCAL_VARIABLE(struct counters, counters);
	sweep(&counters, &params, region, scratch, control, CHECK | CORRECT);
}

KERNEL(refresh)
{
	LOCAL_VARIABLE(struct counters, counters);
	sweep(&counters, &params, region, scratch, control, CHECK | CORRECT | STORE);
}
