/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_SWEEP_KERNELS_H
#define VRAMFS_KERNELS_SWEEP_KERNELS_H

#include "kernels/sweep.h"

/*
 * The entry points of the variants that sweep.h is for: who includes this has defined
 * sweep_batches() and SWEEP_GROUPS, how many groups a multiprocessor has to hold, and has included
 * kernels.c.
 */
#define SWEEP(name) KERNEL_LAUNCHED(name, SWEEP_LANES, SWEEP_GROUPS)

/* First of all, in every sweep. A barrier follows. */
FUNCTION void sweep_init(const struct kernel_params *params, uint8_t *region)
{
	FOR_EACH_LANE (i, 0, COUNTS)
		sweep.counts[i] = 0;
	if (LANE == 0) {
		const struct codewords codewords = {region, params->parity_base,
			params->parity_pitch, params->data_per_line, params->max_correct};
		sweep.codewords = codewords;
	}
}

/* The batches of either code. */
FUNCTION void sweep_code(const struct kernel_params *params, uint8_t *region,
	const uint8_t *control, const uint32_t what, const bool whole)
{
	if (params->parity_pitch == KERNEL_PARITY_BYTES)
		sweep_batches(params, region, control, what, false, whole);
	else if (params->parity_pitch)
		sweep_batches(params, region, control, what, true, whole);
}

/* All of a sweep that works on codewords. */
FUNCTION void sweep_run(const struct kernel_params *params, uint8_t *region, uint32_t *scratch,
	uint8_t *control, const uint32_t what)
{
	sweep_init(params, region);
	if (sweep_is_whole(params))
		sweep_code(params, region, control, what, true);
	else
		sweep_code(params, region, control, what, false);
	job_finish(sweep.counts, job_of_launch(params), scratch, control,
		(uint32_t)__nvvm_read_ptx_sreg_nctaid_x());
}

SWEEP(encode)
{
	sweep_run(&params, region, scratch, control, STORE);
}

SWEEP(verify)
{
	sweep_run(&params, region, scratch, control, CHECK);
}

SWEEP(correct)
{
	sweep_run(&params, region, scratch, control, CHECK | CORRECT);
}

SWEEP(refresh)
{
	sweep_run(&params, region, scratch, control, CHECK | CORRECT | STORE);
}

/* So many lines of a tile get their folds from one lane. */
#define STREAM_LINES 2u

/* The roof for the others: in their shape, but with 8 KiB of a warp on their way. */
SWEEP(stream)
{
	const uint32_t groups = (uint32_t)__nvvm_read_ptx_sreg_nctaid_x();
	const uint32_t tiles = params.segment_count * params.tiles_per_segment;
	sweep_init(&params, region);
	BARRIER();
	for (uint32_t tile = GROUP * SWEEP_WARPS + LANE / WARP_LANES; tile < tiles;
		tile += groups * SWEEP_WARPS) {
		struct work work = work_find(&params, control, tile, false);
		const uint8_t *pieces = region + line_offset(&work, 0) + warp_lane() * WIDE_BYTES;
		wide_t loaded[STREAM_LINES][LINE_WIDES];
		uint64_t parities[STREAM_LINES];
		UNROLL for (uint32_t i = 0; i < STREAM_LINES * LINE_WIDES; i++)
		{
			loaded[i % STREAM_LINES][i / STREAM_LINES] =
				(wide_t)ptx_load_once(pieces + i * WARP_LANES * WIDE_BYTES);
		}
		UNROLL for (uint32_t i = 0; i < STREAM_LINES; i++)
		{
			parities[i] =
				stream_parity(&params, &work, region, i * WARP_LANES + warp_lane());
		}
		UNROLL for (uint32_t i = 0; i < STREAM_LINES; i++)
		{
			stream_line(&params, &work, region, sweep.counts,
				i * WARP_LANES + warp_lane(), loaded[i], parities[i]);
		}
	}
	job_finish(sweep.counts, job_of_launch(&params), scratch, control, groups);
}

#endif
