// SPDX-License-Identifier: GPL-2.0-or-later
// Floats, durations, times and quoted strings; what is expected is what Go 1.27 prints.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tracer/event/value/internal.h"

#define NUM(array) (sizeof(array) / sizeof(*(array)))

static void expect_text(struct text *text, const char *expected)
{
	assert_string_equal(text_string(text), expected);
	text_deinit(text);
}

static void prints_floats(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{0, "0"},
		{-0.0, "-0"},
		{1, "1"},
		{0.1, "0.1"},
		{0.1 + 0.2, "0.30000000000000004"},
		{100, "100"},
		{123456, "123456"},
		{1234567, "1.234567e+06"},
		{12345678.5, "1.23456785e+07"},
		{-2.5, "-2.5"},
		{0.0001, "0.0001"},
		{0.00001, "1e-05"},
		{0.00012345, "0.00012345"},
		{1e20, "1e+20"},
		{1e21, "1e+21"},
		{1e22, "1e+22"},
		{1e23, "1e+23"},
		{1e100, "1e+100"},
		{3.141592653589793, "3.141592653589793"},
		{5e-324, "5e-324"},
		{2.2250738585072014e-308, "2.2250738585072014e-308"},
		{1.7976931348623157e308, "1.7976931348623157e+308"},
		{0x1p-44, "5.684341886080802e-14"},
		{0x1p-24, "5.960464477539063e-08"},
		{9007199254740992, "9.007199254740992e+15"},
		{999999999999999, "9.99999999999999e+14"},
		{INFINITY, "+Inf"},
		{-INFINITY, "-Inf"},
		{NAN, "NaN"},
	};
	for (size_t i = 0; i < NUM(rows); i++) {
		struct text text = {0};
		value_float(rows[i].value, false, &text);
		expect_text(&text, rows[i].text);
	}
}

static void prints_single_floats(void **state)
{
	(void)state;
	static const struct {
		float value;
		const char *text;
	} rows[] = {
		{0.1f, "0.1"},
		{16777216, "1.6777216e+07"},
		{3.4028235e38f, "3.4028235e+38"},
		{1e-45f, "1e-45"},
		{0.3f, "0.3"},
		{1.17549435e-38f, "1.1754944e-38"},
		{8.589973e9f, "8.589974e+09"},
		{0x1p-20f, "9.536743e-07"},
	};
	for (size_t i = 0; i < NUM(rows); i++) {
		struct text text = {0};
		value_float(rows[i].value, true, &text);
		expect_text(&text, rows[i].text);
	}
}

static void prints_durations(void **state)
{
	(void)state;
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{0, "0s"},
		{1, "1ns"},
		{1100, "1.1\xc2\xb5s"},
		{2200000, "2.2ms"},
		{1500000000, "1.5s"},
		{60000000000, "1m0s"},
		{305000000000 + 1, "5m5.000000001s"},
		{-5400000000000, "-1h30m0s"},
		{INT64_MAX, "2562047h47m16.854775807s"},
		{INT64_MIN, "-2562047h47m16.854775808s"},
	};
	for (size_t i = 0; i < NUM(rows); i++) {
		struct text text = {0};
		value_duration(rows[i].ns, &text);
		expect_text(&text, rows[i].text);
	}
}

static void prints_times(void **state)
{
	(void)state;
	static const struct {
		int64_t seconds;
		uint32_t ns;
		const char *text;
	} rows[] = {
		{0, 0, "1970-01-01T00:00:00Z"},
		{-1, 999999999, "1969-12-31T23:59:59.999999999Z"},
		{951782400, 0, "2000-02-29T00:00:00Z"},
		{4107542400, 0, "2100-03-01T00:00:00Z"},
		{-62135596800, 0, "0001-01-01T00:00:00Z"},
		{1ll << 40, 5, "36812-02-20T00:36:16.000000005Z"},
		{-(1ll << 37), 0, "-2386-09-25T08:55:28Z"},
	};
	for (size_t i = 0; i < NUM(rows); i++) {
		struct text text = {0};
		value_time(rows[i].seconds, rows[i].ns, &text);
		expect_text(&text, rows[i].text);
	}
}

#define LITERAL(string) (string), (sizeof(string) - 1)

static void quotes_as_go(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} rows[] = {
		{LITERAL(""), "\"\""},
		{LITERAL("a\"\\\a\b\f\n\r\t\v"), "\"a\\\"\\\\\\a\\b\\f\\n\\r\\t\\v\""},
		{LITERAL("\0\x1f\x7f"), "\"\\x00\\x1f\\x7f\""},
		{LITERAL("h\xc3\xa9 \xe4\xb8\x96 \xf0\x9f\x98\x80"),
		 "\"h\xc3\xa9 \xe4\xb8\x96 \xf0\x9f\x98\x80\""},
		{LITERAL("\xc2\xa0\xe2\x80\x8b\xf3\xa0\x80\x81"), "\"\\u00a0\\u200b\\U000e0001\""},
		{LITERAL("\xff\xc3"), "\"\\xff\\xc3\""},
		{LITERAL("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\""},	   // a surrogate
		{LITERAL("\xc0\xaf"), "\"\\xc0\\xaf\""},		   // too long a form
		{LITERAL("\xf4\x90\x80\x80"), "\"\\xf4\\x90\\x80\\x80\""}, // beyond Unicode
		{LITERAL("\xef\xbf\xbd"), "\"\xef\xbf\xbd\""},		   // U+FFFD itself
	};
	for (size_t i = 0; i < NUM(rows); i++) {
		struct text text = {0};
		value_quote(rows[i].bytes, rows[i].len, &text);
		expect_text(&text, rows[i].text);
	}
}

static void finds_whole_runes(void **state)
{
	(void)state;
	assert_int_equal(value_whole_runes("", 0), 0);
	assert_int_equal(value_whole_runes("ab", 2), 2);
	assert_int_equal(value_whole_runes("a\xc3", 2), 1);
	assert_int_equal(value_whole_runes("a\xc3\xa9", 3), 3);
	assert_int_equal(value_whole_runes("a\xe2\x82", 3), 1);
	assert_int_equal(value_whole_runes("a\xf0\x9f\x98", 4), 1);
	assert_int_equal(value_whole_runes("\x80\x80\x80\x80", 4), 4); // no UTF-8 at all
	assert_int_equal(value_whole_runes("a\xff", 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_floats),    cmocka_unit_test(prints_single_floats),
		cmocka_unit_test(prints_durations), cmocka_unit_test(prints_times),
		cmocka_unit_test(quotes_as_go),	    cmocka_unit_test(finds_whole_runes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
