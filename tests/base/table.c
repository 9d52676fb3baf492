/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * The layout of tables, and the scope guards and error texts that everything else stands on.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/table.h"

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	CLEANUP(table_done) struct table table;
	CLEANUP(free_p) char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	table_init(&table, "lrl");
	for (int row = 0; row < 40; row++) {
		table_cell(&table, "%s", row ? "x" : "name");
		table_cell(&table, "%d", row * 100);
		table_cell(&table, "%s", row == 1 ? "" : "end");
	}
	table_cell(&table, "an incomplete row");
	table_print(&table, out);
	fclose(out);
	assert_non_null(strstr(text, "name     0  end\nx      100  \nx      200  end\n"));
	assert_null(strstr(text, "incomplete"));
}

static void why_keeps_the_text_and_cuts_what_is_too_long(void **state)
{
	struct why why;
	char long_text[2000];

	(void)state;
	assert_int_equal(why_fail(&why, EBUSY, "%d of %s", 3, "them"), -EBUSY);
	assert_string_equal(why.text, "3 of them");
	assert_int_equal(why_fail(NULL, EIO, "nobody reads this"), -EIO);
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_int_equal(why_fail(&why, EIO, "%s", long_text), -EIO);
	assert_int_equal(strlen(why.text), sizeof(why.text) - 1);
}

static unsigned freed;

static void count_free(int *pointer)
{
	freed += pointer != NULL;
}

DEFINE_CLEANUP(int *, counted, count_free)

static int *hand_out(int *object, bool keep)
{
	CLEANUP(counted_p) int *guarded = object;

	return keep ? steal(&guarded) : NULL;
}

static void scope_guards_free_unless_stolen(void **state)
{
	int object;

	(void)state;
	freed = 0;
	assert_ptr_equal(hand_out(&object, true), &object);
	assert_int_equal(freed, 0);
	assert_null(hand_out(&object, false));
	assert_int_equal(freed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(why_keeps_the_text_and_cuts_what_is_too_long),
		cmocka_unit_test(scope_guards_free_unless_stolen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
