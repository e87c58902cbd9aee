// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/rune.h"

static void what_a_terminal_obeys_is_escaped(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
	} cases[] = {
		{"", ""},
		{"main.(*Store).Get", "main.(*Store).Get"},
		{"größe · 世界 😀 µs", "größe · 世界 😀 µs"},
		{"\x1b]0;title\a", "\\x1b]0;title\\a"},
		{"a\nb\r\tc\x7f\b\f\v", "a\\nb\\r\\tc\\x7f\\b\\f\\v"},
		{"\x9b"
		 "31m",
		 "\\x9b31m"}, // C1 as one byte
		{"\xc2\x9b"
		 "31m",
		 "\\u009b31m"}, // and in UTF-8
		{"\xe2\x80\xae"
		 "evil\xe2\x81\xa6",
		 "\\u202eevil\\u2066"},				// bidirectional
		{"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029"}, // lines and paragraphs
		{"\xe2\x80\x8b\xef\xbb\xbf\xc2\xa0", "\\u200b\\ufeff\\u00a0"},
		{"\xf3\xa0\x80\x81", "\\U000e0001"},
		{"cut \xe4\xb8", "cut \\xe4\\xb8"},
		{"\xed\xa0\x80\xc0\x80\xff", "\\xed\\xa0\\x80\\xc0\\x80\\xff"},
		{"\\n stays", "\\n stays"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *printable = rune_printable(cases[i].from);
		assert_string_equal(printable, cases[i].to);
		assert_int_equal(rune_printable_length(printable, strlen(printable)),
				 strlen(printable));
		free(printable);
	}
}

static void every_byte_is_found_at_every_place(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte++)
		for (unsigned at = 0; at < 20; at++) {
			char text[21] = "functions have names";
			text[at] = (char)byte;
			bool is_plain = byte >= ' ' && byte < 0x7f;
			assert_int_equal(rune_printable_length(text, 20), is_plain ? 20 : at);
		}
}

static void only_what_follows_the_start_is_changed(void **state)
{
	(void)state;
	struct text text;
	text_init(&text);
	rune_disarm(&text, 0);
	text_puts(&text, "\x1b[1m");
	size_t start = text.len;
	text_append(&text, "a\0\x1b[2Jb", 7);
	rune_disarm(&text, start);
	assert_string_equal(text_string(&text), "\x1b[1ma\\x00\\x1b[2Jb");
	rune_disarm(&text, text.len);
	rune_disarm(&text, start);
	assert_string_equal(text_string(&text), "\x1b[1ma\\x00\\x1b[2Jb");
	text_deinit(&text);
}

static void an_errors_message_is_one_line(void **state)
{
	(void)state;
	struct error *err = error_wrap(error_errno(2, "%s", "/tmp/a\nb\x1b"), "in %s", "c\nd");
	assert_string_equal(error_message(err),
			    "in c\\nd: /tmp/a\\nb\\x1b: No such file or directory");
	error_free(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_terminal_obeys_is_escaped),
		cmocka_unit_test(every_byte_is_found_at_every_place),
		cmocka_unit_test(only_what_follows_the_start_is_changed),
		cmocka_unit_test(an_errors_message_is_one_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
