/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* See model.h. Slow and simple on purpose. */
#include "model.h"

#include "reference.h"

#include <stdlib.h>
#include <string.h>

struct model *model_new(const struct rig *rig)
{
	struct model *model = calloc(1, sizeof(*model));
	model->rig = rig;
	model->image = malloc(rig->image_bytes);
	model->truth = malloc(rig->image_bytes);
	memcpy(model->image, rig->image, rig->image_bytes);
	memcpy(model->truth, rig->truth, rig->image_bytes);
	return model;
}

void model_free(struct model *model)
{
	free(model->image);
	free(model->truth);
	free(model);
}

static void line_assign(const struct model *model, uint8_t *to, uint32_t to_line,
	const uint8_t *from, uint32_t from_line)
{
	for (unsigned i = 0; i < model->rig->symbols; i++)
		*rig_symbol(model->rig, to, to_line, i) =
			*rig_symbol(model->rig, (uint8_t *)from, from_line, i);
}

static void line_get(const struct rig *rig, const uint8_t *image, uint32_t line, uint8_t *ret_word)
{
	for (unsigned i = 0; i < rig->symbols; i++)
		ret_word[i] = *rig_symbol(rig, (uint8_t *)image, line, i);
}

/* In how many symbols a line differs from the codeword that it becomes; -1 if it is lost. */
static int line_decode(struct model *model, uint32_t line, unsigned max_correct, uint8_t *ret_word)
{
	const struct rig *rig = model->rig;
	uint8_t truth[KERNEL_LINE_BYTES + KERNEL_PARITY_BYTES];
	unsigned differences = 0;
	line_get(rig, model->image, line, ret_word);
	line_get(rig, model->truth, line, truth);
	for (unsigned i = 0; i < rig->symbols; i++)
		differences += ret_word[i] != truth[i];
	if (differences == 0)
		return 0;
	int errors = reference_decode(ret_word, rig->symbols, max_correct);
	if (differences <= max_correct) {
		assert_int_equal(errors, differences);
		assert_memory_equal(ret_word, truth, rig->symbols);
	} else if (differences <= 8 - max_correct) {
		assert_int_equal(errors, -1);
	}
	return errors;
}

/* Check and correct; false if the line is lost. */
static bool line_correct(struct model *model, uint32_t line, unsigned max_correct)
{
	const struct rig *rig = model->rig;
	uint8_t word[KERNEL_LINE_BYTES + KERNEL_PARITY_BYTES];
	if (rig->code == RS_NONE)
		return true;
	int errors = line_decode(model, line, max_correct, word);
	if (errors == 0)
		return true;
	model->report.flagged++;
	if (errors < 0) {
		model->report.lost++;
		return false;
	}
	model->report.corrected[errors]++;
	for (unsigned i = 0; i < rig->symbols; i++)
		*rig_symbol(rig, model->image, line, i) = *rig_symbol(rig, model->truth, line, i) =
			word[i];
	return true;
}

/* Whether a line is a codeword, be it the right one or not. */
static bool line_verify(struct model *model, uint32_t line)
{
	uint8_t word[KERNEL_LINE_BYTES + KERNEL_PARITY_BYTES];
	return model->rig->code == RS_NONE || line_decode(model, line, 0, word) == 0;
}

/* The image's data become what the line ought to be. */
static void line_encode(struct model *model, uint32_t line)
{
	rig_encode_line(model->rig, model->image, line);
	line_assign(model, model->truth, line, model->image, line);
}

/* WRITE and FILL of one line: the bytes that SEGMENT has of it. */
static void line_write(struct model *model, const struct rig_job *job,
	const struct kernel_segment *segment, uint32_t offset, const uint8_t *payload)
{
	const struct rig *rig = model->rig;
	uint32_t line = segment->block * KERNEL_BLOCK_LINES + offset / rig->data_bytes;
	uint32_t line_end = offset + rig->data_bytes, end = segment->first + segment->count;
	if ((segment->zero_from > offset || segment->zero_to < line_end) &&
		!line_correct(model, line, job->max_correct))
		return;
	for (uint32_t i = offset; i < line_end; i++) {
		uint8_t *byte = rig_byte(rig, model->image, segment->block, i);
		if (i < segment->zero_from || i >= segment->zero_to)
			continue;
		if (i < segment->first || i >= end)
			*byte = 0;
		else if (job->kernel == KERNEL_FILL)
			*byte = (uint8_t)job->pattern;
		else
			*byte = payload[job->payload + segment->payload + (i - segment->first)];
	}
	line_encode(model, line);
}

static void line_run(struct model *model, const struct rig_job *job,
	const struct kernel_segment *segment, uint32_t offset)
{
	uint32_t in_block = offset / model->rig->data_bytes;
	uint32_t line = segment->block * KERNEL_BLOCK_LINES + in_block;
	uint32_t source = segment->source * KERNEL_BLOCK_LINES + in_block +
			  segment->source_first / model->rig->data_bytes -
			  segment->first / model->rig->data_bytes;
	switch (job->kernel) {
	case KERNEL_ENCODE:
		line_encode(model, line);
		break;
	case KERNEL_VERIFY:
		model->report.flagged += !line_verify(model, line);
		break;
	case KERNEL_COPY:
		line_correct(model, source, job->max_correct);
		line_assign(model, model->image, line, model->image, source);
		line_assign(model, model->truth, line, model->truth, source);
		break;
	default: /* CORRECT, REFRESH, READ */
		line_correct(model, line, job->max_correct);
	}
}

static void segment_run(struct model *model, const struct rig_job *job,
	const struct kernel_segment *segment, uint8_t *payload)
{
	const struct rig *rig = model->rig;
	bool writes = job->kernel == KERNEL_WRITE || job->kernel == KERNEL_FILL;
	uint32_t begin = writes ? segment->zero_from : segment->first;
	uint32_t end = writes ? segment->zero_to : segment->first + segment->count;
	for (uint32_t offset = begin - begin % rig->data_bytes; begin < end && offset < end;
		offset += rig->data_bytes) {
		model->lines++;
		if (writes)
			line_write(model, job, segment, offset, payload);
		else
			line_run(model, job, segment, offset);
	}
	if (job->kernel == KERNEL_READ) {
		for (uint32_t i = 0; i < segment->count; i++)
			payload[job->payload + segment->payload + i] =
				*rig_byte(rig, model->image, segment->block, segment->first + i);
	}
}

void model_run(struct model *model, const struct rig_job *job, uint8_t *payload)
{
	const struct rig *rig = model->rig;
	memset(&model->report, 0, sizeof(model->report));
	for (uint32_t i = 0; i < job->segment_count; i++)
		segment_run(model, job, &rig->segments[i], payload);
	if (job->segment_count > 0)
		return;
	for (uint32_t block = job->first_block; block < rig->blocks; block++) {
		struct kernel_segment whole = {
			.block = block, .count = rig->data_bytes * KERNEL_BLOCK_LINES};
		segment_run(model, job, &whole, payload);
	}
}
