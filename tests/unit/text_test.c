// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void formats_numbers(void **state)
{
	(void)state;
	struct text text;
	text_init(&text);
	assert_string_equal(text_string(&text), "");
	text_u64(&text, 0);
	text_putc(&text, ' ');
	text_u64(&text, UINT64_MAX);
	text_putc(&text, ' ');
	text_i64(&text, INT64_MIN);
	text_putc(&text, ' ');
	text_i64(&text, -7);
	text_putc(&text, ' ');
	text_hex(&text, 0);
	text_putc(&text, ' ');
	text_hex(&text, UINT64_MAX);
	assert_string_equal(text_string(&text), "0 18446744073709551615 -9223372036854775808 -7 "
						"0x0 0xffffffffffffffff");
	text_deinit(&text);
}

static void prints(void **state)
{
	(void)state;
	struct text text;
	text_init(&text);
	text_puts(&text, "G18");
	text_printf(&text, "%s=%d", "a", 1);
	assert_string_equal(text_string(&text), "G18a=1");
	text_printf(&text, "%s", "");
	text_append(&text, NULL, 0);
	assert_int_equal(text.len, 6);
	text_reset(&text);
	assert_string_equal(text_string(&text), "");
	text_putc(&text, 'x');
	assert_string_equal(text_string(&text), "x");
	text_deinit(&text);
}

static void grows(void **state)
{
	(void)state;
	struct text text;
	text_init(&text);
	for (int i = 0; i < 10000; i++)
		text_puts(&text, "0123456789");
	assert_int_equal(text.len, 100000);
	assert_int_equal(strlen(text_string(&text)), 100000);
	assert_memory_equal(text.data + 99990, "0123456789", 10);
	assert_false(text.failed);
	text_deinit(&text);
	assert_int_equal(text.len, 0);
}

static void remembers_lack_of_memory(void **state)
{
	(void)state;
	struct text text;
	text_init(&text);
	text_puts(&text, "before");
	assert_false(text_reserve(&text, SIZE_MAX / 2 + 1));
	assert_true(text.failed);
	text_puts(&text, "after");
	text_u64(&text, 1);
	text_printf(&text, "%d", 1);
	assert_string_equal(text_string(&text), "before");
	text_reset(&text);
	text_puts(&text, "again");
	assert_string_equal(text_string(&text), "again");
	text_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_numbers),
		cmocka_unit_test(prints),
		cmocka_unit_test(grows),
		cmocka_unit_test(remembers_lack_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
