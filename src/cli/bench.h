/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
#ifndef VRAMFS_CLI_BENCH_H
#define VRAMFS_CLI_BENCH_H

#include "device/device.h"
#include "store/store.h"

/*
 * `vramfs bench`: what its parts share. The sweepers run a kernel over a region and time it, the
 * rows say which kernels are measured and beside what, and the report prints.
 */
#define BENCH_REPEAT_MAX 100u
#define BENCH_ERROR_BYTES 4u /* wrong in each line that has errors: as many as can be corrected */
#define BENCH_CODES 2u
#define BENCH_CODE_ROWS 15u
#define BENCH_FORMS 2u /* of the kernels: the device's own, and what is measured beside them */

/* What a kernel reads and writes; bytes a line. */
struct bench_mix {
	uint32_t stream; /* as KERNEL_STREAM is told */
	unsigned read_bytes, written_bytes;
};

/* One kernel, or two one after the other, with one code and one share of lines with errors. Only
 * what moves memory (has_roof false) is compared with nothing. */
struct bench_row {
	const char *name;
	const char *form; /* of the kernels; NULL: the one that the device gets */
	enum rs_code code;
	double error_share;   /* of all lines, on average; 0 to 1 */
	uint64_t blocks;      /* of the region's, the first; all but for some on processors */
	uint64_t error_lines; /* lines with errors in the last repetition */
	uint64_t data_bytes;  /* file data in the blocks */
	uint64_t moved_bytes; /* read and written in a repetition */
	bool has_roof;        /* whether roof_seconds are there */
	double seconds[BENCH_REPEAT_MAX];      /* wall time, a repetition each */
	double roof_seconds[BENCH_REPEAT_MAX]; /* of the same moves by KERNEL_STREAM right after */
};

struct bench {
	struct device *device;
	unsigned repeat; /* 1..BENCH_REPEAT_MAX */
	struct store_geometry regions[BENCH_CODES];
	unsigned region_count;
	struct bench_row rows[BENCH_FORMS * BENCH_CODES * BENCH_CODE_ROWS];
	unsigned row_count;
};

/* Measure all rows of STORE's code, which must not be RS_NONE, and add them as those of the
 * kernels' FORM (see struct bench_row; not copied). The store must correct BENCH_ERROR_BYTES bytes,
 * and nothing else may use it. -EIO if the device failed or did not find and correct exactly the
 * errors that were made. */
err_t bench_measure(struct bench *bench, struct store *store, const char *form, struct why *why);

/* Run KERNEL over the first BLOCKS blocks of STORE as fast as it goes, from several threads.
 * SECONDS is the wall time from the first job's submission to the last one's end. -EIO if the
 * device failed, -EAGAIN if there can be no more threads. */
struct bench_sweep {
	double seconds;
	struct store_sweep_totals totals;
};
err_t bench_sweep(struct store *store, enum kernel kernel, uint64_t blocks,
	const struct store_sweep *arguments, struct bench_sweep *ret_sweep);

void bench_print_table(const struct bench *bench);
void bench_print_json(const struct bench *bench);

#endif
