/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The variant for NVIDIA GPUs with binary tensor cores: see tensor.h for how those make parity.
 *
 * The kernels that move bytes are the portable ones, with the parity of their tiles made that way.
 * Those that sweep over a region have a form of their own, which goes as fast as memory. It is
 * launched with as many groups as the GPU holds at a time, of SWEEP_LANES lanes, and each warp goes
 * from tile to tile with its share of the matrix in registers. Nothing is staged: the lanes load
 * what they multiply. Lines in which the computed and the stored parity differ are rare, so a warp
 * only notes them, and when it has noted 32, or at the end, looks for all their errors together.
 */
#include "kernels/tensor-tile.h"

#define SWEEPS_DEFINED
#include "kernels/kernels.c"

#define SWEEP_LANES 192u
#define SWEEP_WARPS (SWEEP_LANES / WARP_LANES)
#define SWEEP(name)                                                                           \
	extern "C" __attribute__((global, launch_bounds(SWEEP_LANES, 2))) void vramfs_##name( \
		uint8_t *region, uint32_t *scratch, uint8_t *control, uint8_t *payload,       \
		const struct kernel_params params)

/* Lines to be looked at, of one warp: the remainder of each, and which line of the region it is. */
struct notes {
	uint64_t remainders[WARP_LANES + EIGHT];
	uint64_t lines[WARP_LANES + EIGHT];
};

struct sweep {
	struct notes notes[SWEEP_WARPS];
	uint32_t counts[COUNTS];
};

/* The region's lines are read once, so they need not stay in any cache. */
FUNCTION word4 load_once(const uint8_t *from)
{
	word4 loaded;
	asm volatile("ld.global.cs.v4.u32 {%0, %1, %2, %3}, [%4];"
		     : "=r"(loaded.x), "=r"(loaded.y), "=r"(loaded.z), "=r"(loaded.w)
		     : "l"(from));
	return loaded;
}

/* Add COUNT to a counter of the group's; by one lane for the warp. */
FUNCTION void count_lines(struct sweep *sweep, uint32_t which, uint32_t count)
{
	if (count && warp_lane() == 0)
		__nvvm_atom_add_gen_i((int *)&sweep->counts[which], (int)count);
}

/* Where a region's codewords are and what is to be done with them: of struct kernel_params. */
struct codewords {
	uint8_t *region;
	uint64_t parity_base;
	uint32_t parity_pitch, data_bytes, max_correct;
};

/* Repair the ERRORS of LINE. */
FUNCTION void region_repair(struct codewords where, uint64_t line, struct code_errors errors)
{
	uint8_t *data = where.region + line * KERNEL_LINE_BYTES;
	uint8_t *parity = where.region + where.parity_base + line * where.parity_pitch;
	UNROLL for (uint32_t i = 0; i < 4; i++)
	{
		uint32_t position = (errors.positions >> (8 * i)) & 0xff;
		uint8_t *byte = position < where.data_bytes
					? data + position
					: parity + (position - where.data_bytes);
		if (i < errors.count)
			*byte = (uint8_t)(*byte ^ (errors.values >> (8 * i)));
	}
}

/* Find and repair the errors of the last COUNT, at most 32, of the TOTAL lines that are noted. A
 * call, so that what hardly ever happens takes no registers from what always does. */
static __attribute__((device, noinline)) void notes_correct(struct sweep *sweep,
	struct notes *notes, uint32_t total, uint32_t count, struct codewords where)
{
	uint64_t remainder = 0, line = 0;
	warp_barrier();
	if (warp_lane() < count) {
		remainder = notes->remainders[total - count + warp_lane()];
		line = notes->lines[total - count + warp_lane()];
	}
	warp_barrier();
	struct code_errors errors =
		warp_find_errors(remainder, where.data_bytes, where.max_correct);
	region_repair(where, line, errors);
	for (uint32_t weight = 1; weight <= 4; weight++)
		count_lines(sweep, COUNT_CORRECTED + weight,
			(uint32_t)__builtin_popcount(warp_ballot(errors.count == weight)));
	count_lines(sweep, COUNT_LOST,
		(uint32_t)__builtin_popcount(warp_ballot(remainder != 0 && errors.count == 0)));
}

/* The lines of eight that have a byte other than 0 in REMAINDER, a bit each; the same in all lanes.
 */
FUNCTION uint32_t flagged_lines(struct product remainder)
{
	uint32_t even = warp_ballot(remainder.even != 0), odd = warp_ballot(remainder.odd != 0);
	uint32_t flagged = 0;
	UNROLL for (uint32_t t = 0; t < 4; t++)
	{
		flagged |= (even & (0x11111111u << t)) ? 1u << (2 * t) : 0;
		flagged |= (odd & (0x11111111u << t)) ? 2u << (2 * t) : 0;
	}
	return flagged;
}

/* Note the FLAGGED of the eight lines from FIRST on, behind the TOTAL that are noted. */
FUNCTION void notes_take(struct notes *notes, uint32_t total, uint32_t flagged,
	struct product remainder, uint64_t first)
{
	const uint32_t g = warp_lane() / 4, t = warp_lane() % 4;
	UNROLL for (uint32_t i = 0; i < 2; i++)
	{
		uint32_t line = 2 * t + i;
		uint32_t place = total + (uint32_t)__builtin_popcount(flagged & ((1u << line) - 1));
		if (!((flagged >> line) & 1))
			continue;
		((uint8_t *)&notes->remainders[place])[g] =
			(uint8_t)(i ? remainder.odd : remainder.even);
		if (g == 0)
			notes->lines[place] = first + line;
	}
}

/* What a sweep does with a line. */
#define CHECK 1u   /* compare the parity with the stored one */
#define CORRECT 2u /* repair what differs */
#define STORE 4u   /* store the parity */

/* Four eights at a time, so that a warp has 4 KiB on their way. */
#define EIGHTS 4u

/* All tiles of this warp. WHAT and IN_LINE, whether the parity is in the line, are constants. */
FUNCTION void sweep_tiles(struct sweep *sweep, const struct kernel_params *params, uint8_t *region,
	const uint8_t *control, const uint32_t what, const bool in_line)
{
	const uint32_t lane = warp_lane(), g = lane / 4, t = lane % 4;
	const uint32_t thread = (uint32_t)__nvvm_read_ptx_sreg_tid_x();
	const uint32_t groups = (uint32_t)__nvvm_read_ptx_sreg_nctaid_x();
	const uint32_t tiles = params->segment_count * params->tiles_per_segment;
	const uint32_t pitch = in_line ? KERNEL_LINE_BYTES : KERNEL_PARITY_BYTES;
	const struct codewords where = {region, params->parity_base, pitch,
		in_line ? KERNEL_LINE_BYTES - KERNEL_PARITY_BYTES : KERNEL_LINE_BYTES,
		params->max_correct};
	struct notes *notes = &sweep->notes[thread / WARP_LANES];
	uint32_t noted = 0, flagged_count = 0;
	struct matrix matrix = matrix_load(!in_line         ? rs_matrix_136
					   : (what & CHECK) ? rs_matrix_128_remainder
							    : rs_matrix_128);

	for (uint32_t tile = GROUP * SWEEP_WARPS + thread / WARP_LANES; tile < tiles;
		tile += groups * SWEEP_WARPS) {
		struct work work = work_find(params, control, tile, false);
		const uint32_t begin = work.line_begin / (EIGHTS * EIGHT) * (EIGHTS * EIGHT);
		for (uint32_t first = begin; first < work.line_end; first += EIGHTS * EIGHT) {
			uint8_t *line = region + line_offset(&work, first + g) + t * 16;
			uint8_t *parity = region + params->parity_base +
					  (work.region_line + first + 2 * t) * pitch + g;
			word4 low[EIGHTS], high[EIGHTS];
			struct product stored[EIGHTS];
			UNROLL for (uint32_t i = 0; i < EIGHTS; i++)
			{
				low[i] = load_once(line + i * EIGHT * KERNEL_LINE_BYTES);
				high[i] = load_once(line + i * EIGHT * KERNEL_LINE_BYTES + 64);
				stored[i].even = stored[i].odd = 0;
				if ((what & CHECK) && !in_line) {
					stored[i].even = parity[i * EIGHT * pitch];
					stored[i].odd = parity[i * EIGHT * pitch + pitch];
				}
			}
			UNROLL for (uint32_t i = 0; i < EIGHTS; i++)
			{
				struct product product = matrix_multiply(&matrix, low[i], high[i]);
				const uint32_t even_line = first + i * EIGHT + 2 * t;
				uint32_t flagged = 0;
				if (what & CHECK) {
					struct product remainder = {product.even ^ stored[i].even,
						product.odd ^ stored[i].odd};
					if (even_line < work.line_begin ||
						even_line >= work.line_end)
						remainder.even = 0;
					if (even_line + 1 < work.line_begin ||
						even_line + 1 >= work.line_end)
						remainder.odd = 0;
					if (warp_ballot(remainder.even | remainder.odd)) {
						flagged = flagged_lines(remainder);
						flagged_count +=
							(uint32_t)__builtin_popcount(flagged);
						if (what & CORRECT) {
							notes_take(notes, noted, flagged, remainder,
								work.region_line + first +
									i * EIGHT);
							noted += (uint32_t)__builtin_popcount(
								flagged);
						}
					}
				}
				if ((what & CORRECT) && noted >= WARP_LANES) {
					notes_correct(sweep, notes, noted, WARP_LANES, where);
					noted -= WARP_LANES;
				}
				if (!(what & STORE))
					continue;
				if ((what & CHECK) && in_line) {
					/* The product is the remainder; the parity is in lanes 3.
					 */
					const uint32_t own = first + i * EIGHT + g;
					if (t == 3 && own >= work.line_begin &&
						own < work.line_end && !((flagged >> g) & 1))
						*(word2 *)(line + i * EIGHT * KERNEL_LINE_BYTES +
							   72) = high[i].zw;
					continue;
				}
				/* The parity of lines that were flagged has been seen to. */
				flagged >>= 2 * t;
				if (even_line >= work.line_begin && even_line < work.line_end &&
					!(flagged & 1))
					parity[i * EIGHT * pitch] = (uint8_t)product.even;
				if (even_line + 1 >= work.line_begin &&
					even_line + 1 < work.line_end && !(flagged & 2))
					parity[i * EIGHT * pitch + pitch] = (uint8_t)product.odd;
			}
		}
	}
	if (what & CORRECT)
		notes_correct(sweep, notes, noted, noted, where);
	count_lines(sweep, COUNT_FLAGGED, flagged_count);
}

/* All of a sweep. */
FUNCTION void sweep_run(struct sweep *sweep, const struct kernel_params *params, uint8_t *region,
	uint32_t *scratch, uint8_t *control, const uint32_t what)
{
	FOR_EACH_LANE (i, 0, COUNTS)
		sweep->counts[i] = 0;
	BARRIER();
	if (params->parity_pitch == KERNEL_PARITY_BYTES)
		sweep_tiles(sweep, params, region, control, what, false);
	else if (params->parity_pitch)
		sweep_tiles(sweep, params, region, control, what, true);
	launch_finish(
		sweep->counts, params, scratch, control, (uint32_t)__nvvm_read_ptx_sreg_nctaid_x());
}

SWEEP(encode)
{
	LOCAL_VARIABLE(struct sweep, sweep);
	sweep_run(&sweep, &params, region, scratch, control, STORE);
}

SWEEP(verify)
{
	LOCAL_VARIABLE(struct sweep, sweep);
	sweep_run(&sweep, &params, region, scratch, control, CHECK);
}

SWEEP(correct)
{
	LOCAL_VARIABLE(struct sweep, sweep);
	sweep_run(&sweep, &params, region, scratch, control, CHECK | CORRECT);
}

SWEEP(refresh)
{
	LOCAL_VARIABLE(struct sweep, sweep);
	sweep_run(&sweep, &params, region, scratch, control, CHECK | CORRECT | STORE);
}
