/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_KERNELS_SWEEP_KERNELS_H
#define VRAMFS_KERNELS_SWEEP_KERNELS_H

#include "kernels/sweep.h"

/*
 * The entry points of the variants that sweep.h is for: who includes this has included kernels.c
 * and defined sweep_batches(); SWEEP_GROUPS, how many groups a multiprocessor has to hold; and
 * SWEEP_COPY, the instruction that copies 16 bytes of many.
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

/* The roof for the others: it reads and writes as they do, and has as much on its way. */
#define STREAM_LINES 64u /* of a warp, that have come or are on their way */
#define STREAM_MIXES 8u

/* All lines in the order of memory, then all parities. */
struct streamed {
	word4 chunks[SWEEP_WARPS][STREAM_LINES * LINE_CHUNKS];
	uint64_t parities[SWEEP_WARPS][STREAM_LINES];
};

LOCAL_VARIABLE(struct streamed, streamed);

/* As in tensor.c, where it says why. */
FUNCTION uint32_t stream_lines(const uint32_t mix)
{
	return (mix & STREAM_READ_PARITY) && (mix & STREAM_WRITE_PARITY) ? 32 : 16;
}

FUNCTION uint32_t stream_stages(const uint32_t mix)
{
	return (mix & STREAM_READ_PARITY) && (mix & STREAM_WRITE_PARITY) ? 2 : 3;
}

/* Begin to load batch INDEX, if there is that one, to the place of STAGE. */
FUNCTION void stream_load(const struct sweeper *sweeper, uint32_t index, uint32_t stage,
	const struct kernel_params *params, const uint8_t *region, const uint32_t mix)
{
	const uint32_t lines = stream_lines(mix), place = stage * lines, lane = warp_lane();
	const struct streamed *room = &streamed;

	if (index < sweeper->batches) {
		const uint64_t first = sweeper->whole_first + (uint64_t)index * lines;
		const uint32_t to = ptx_shared_address(
			&room->chunks[sweeper->warp][place * LINE_CHUNKS + lane]);
		const uint8_t *from = region + first * KERNEL_LINE_BYTES + lane * sizeof(word4);
		UNROLL for (uint32_t i = 0; i < lines * LINE_CHUNKS; i += WARP_LANES)
		{
			SWEEP_COPY(to + i * (uint32_t)sizeof(word4), from + i * sizeof(word4));
		}
		if ((mix & STREAM_READ_PARITY) && lane < lines)
			ptx_copy_8(ptx_shared_address(&room->parities[sweeper->warp][place + lane]),
				region + params->parity_base +
					(first + lane) * params->parity_pitch);
	}
	ptx_copies_commit();
}

/* The lane's line of those in the place of STAGE, which are batch INDEX; and of all their chunks
 * the lane's part. */
FUNCTION void stream_batch(const struct sweeper *sweeper, uint32_t index, uint32_t stage,
	const struct kernel_params *params, uint8_t *region, const uint32_t mix)
{
	const uint32_t lines = stream_lines(mix), place = stage * lines, lane = warp_lane();
	const uint64_t first = sweeper->whole_first + (uint64_t)index * lines;
	const word4 *chunks = &streamed.chunks[sweeper->warp][place * LINE_CHUNKS];

	if (lane < lines) {
		const word4 *own = chunks + lane / STREAM_FOLDED * STREAM_FOLDED * LINE_CHUNKS +
				   lane % STREAM_FOLDED;
		word4 sum = own[0];
		UNROLL for (uint32_t i = 1; i < LINE_CHUNKS; i++) sum ^= own[i * STREAM_FOLDED];
		uint64_t fold = sum[0] | (uint64_t)sum[1] << 32;
		if ((lane % LINE_CHUNKS + 1) * sizeof(word4) <= params->data_per_line)
			fold ^= sum[2] | (uint64_t)sum[3] << 32;
		if (mix & STREAM_READ_PARITY)
			fold ^= streamed.parities[sweeper->warp][place + lane];
		if (fold == 0)
			LOCAL_INCREMENT(&sweep.counts[COUNT_FLAGGED]);
		if (mix & STREAM_WRITE_PARITY)
			parity_store(region,
				params->parity_base + (first + lane) * params->parity_pitch, fold);
	}
	UNROLL for (uint32_t i = 0; i < lines * LINE_CHUNKS; i += WARP_LANES)
	{
		if (mix & STREAM_WRITE_LINE)
			((word4 *)(region + first * KERNEL_LINE_BYTES))[i + lane] =
				~chunks[i + lane];
	}
}

/* All batches of this warp. MIX is a constant. */
FUNCTION void stream_batches(
	const struct kernel_params *params, uint8_t *region, const uint32_t mix)
{
	const struct sweeper sweeper = sweeper_begin(params, stream_lines(mix));
	const uint32_t stages = stream_stages(mix);
	uint32_t ahead = sweeper.first, stage = 0, last = stages - 1;

	for (uint32_t i = 0; i < last; i++, ahead += sweeper.gap)
		stream_load(&sweeper, ahead, i, params, region, mix);
	for (uint32_t index = sweeper.first; index < sweeper.batches; index += sweeper.gap) {
		ptx_copies_wait(stages - 2);
		warp_barrier();
		stream_load(&sweeper, ahead, last, params, region, mix);
		stream_batch(&sweeper, index, stage, params, region, mix);
		ahead += sweeper.gap;
		last = stage;
		stage = stage + 1 < stages ? stage + 1 : 0;
	}
}

SWEEP(stream)
{
	const uint32_t mix =
		params.parity_pitch ? params.stream : params.stream & STREAM_WRITE_LINE;
	sweep_init(&params, region);
	BARRIER();
	UNROLL for (uint32_t i = 0; i < STREAM_MIXES; i++)
	{
		if (i == mix)
			stream_batches(&params, region, i);
	}
	job_finish(sweep.counts, job_of_launch(&params), scratch, control,
		(uint32_t)__nvvm_read_ptx_sreg_nctaid_x());
}

#endif
