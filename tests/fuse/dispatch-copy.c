/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/* The two requests for copy_file_range(2): what they answer, and what they refuse. */
#include "caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void copies_tell_how_much(void **state)
{
	uint64_t from = create("copy-from", 0644, 0), to = create("copy-to", 04644, 0);
	struct fuse_copy_file_range_in in = {.nodeid_out = to, .len = UINT64_MAX};
	struct fuse_read_in read_in = {.size = 10000};
	struct fuse_write_in write_in = {.size = 5000};
	struct fuse_write_out out;
	struct fuse_copy_file_range_out out_64;
	static uint8_t data[5000];

	(void)state;
	memset(data, 7, sizeof(data));
	assert_int_equal(send_write(from, &write_in, data, sizeof(data)), 0);
	assert_int_equal(simple(FUSE_COPY_FILE_RANGE, from, &in, sizeof(in), NULL), 0);
	assert_int_equal(reply.bytes, sizeof(out));
	memcpy(&out, reply.body, sizeof(out));
	assert_int_equal(out.size, 5000);
	in.off_in = 100;
	in.off_out = 5000;
	assert_int_equal(simple(FUSE_COPY_FILE_RANGE_64, from, &in, sizeof(in), NULL), 0);
	assert_int_equal(reply.bytes, sizeof(out_64));
	memcpy(&out_64, reply.body, sizeof(out_64));
	assert_int_equal(out_64.bytes_copied, 4900);
	assert_int_equal(attributes(to).size, 9900);
	assert_int_equal(simple(FUSE_READ, to, &read_in, sizeof(read_in), NULL), 0);
	assert_int_equal(reply.bytes, 9900);
	for (size_t i = 0; i < 9900; i++)
		assert_int_equal(reply.body[i], 7);

	in.flags = 1;
	assert_int_equal(simple(FUSE_COPY_FILE_RANGE_64, from, &in, sizeof(in), NULL), -EINVAL);
	in.flags = 0;
	in.fh_out = 1; /* appending only */
	assert_int_equal(simple(FUSE_COPY_FILE_RANGE_64, from, &in, sizeof(in), NULL), -EPERM);
	in.fh_out = 0;
	in.nodeid_out = 123456;
	assert_int_equal(simple(FUSE_COPY_FILE_RANGE_64, from, &in, sizeof(in), NULL), -ENOENT);
	in.nodeid_out = from;
	assert_int_equal(simple(FUSE_COPY_FILE_RANGE, from, &in, sizeof(in), NULL), 0);
	in.off_out = 200;
	assert_int_equal(simple(FUSE_COPY_FILE_RANGE, from, &in, sizeof(in), NULL), -EINVAL);
	in.off_out = UINT64_MAX;
	assert_int_equal(simple(FUSE_COPY_FILE_RANGE, from, &in, sizeof(in), NULL), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_tell_how_much),
	};

	return cmocka_run_group_tests(tests, caller_open, caller_close);
}
