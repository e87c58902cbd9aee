// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/json.h"

static void quotes(void **state)
{
	(void)state;
	static const char string[] = "a\"\\\b\f\n\r\t\v\0\x7f\xc3\xa9\xff\xed\xa0\x80"
				     "\xc2\x9b\xe2\x80\xae\xf3\xa0\x80\x81";
	struct text text = {0};
	json_quote(string, sizeof(string) - 1, &text);
	assert_string_equal(text_string(&text),
			    "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u000b\\u0000\\u007f\xc3\xa9\xef\xbf\xbd"
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
			    "\\u009b\\u202e\\udb40\\udc01\"");
	text_deinit(&text);
}

// Commas are where JSON needs them: also in a second line, and after strings that end with a bracket.
static void separates(void **state)
{
	(void)state;
	struct text text = {0};
	for (int i = 0; i < 2; i++) {
		text_putc(&text, '{');
		json_string(&text, "a[", "{[");
		json_bool(&text, "b", i);
		json_key(&text, "c");
		text_putc(&text, '[');
		json_item(&text);
		json_addr(0xc000, &text);
		json_item(&text);
		text_puts(&text, "[]]");
		json_u64(&text, "d", UINT64_MAX);
		json_i64(&text, "e", INT64_MIN);
		text_puts(&text, "}\n");
	}
	assert_string_equal(text_string(&text),
			    "{\"a[\":\"{[\",\"b\":false,\"c\":[\"0xc000\",[]],"
			    "\"d\":18446744073709551615,\"e\":-9223372036854775808}\n"
			    "{\"a[\":\"{[\",\"b\":true,\"c\":[\"0xc000\",[]],"
			    "\"d\":18446744073709551615,\"e\":-9223372036854775808}\n");
	text_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes),
		cmocka_unit_test(separates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
