// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/shell/shell.h"
#include "cli/values.h"

// --- Words ---------------------------------------------------------------------------------------

// The words with "|" between them, or "error: ..." .
static void assert_words(const char *line, const char *expected)
{
	int argc = 0;
	char **argv = NULL;
	char joined[256] = "";
	struct error *err = shell_words(line, &argc, &argv);
	if (err)
		snprintf(joined, sizeof(joined), "error: %s", error_message(err));
	for (int i = 0; !err && i < argc; i++) {
		size_t len = strlen(joined);
		snprintf(joined + len, sizeof(joined) - len, "%s%s", i ? "|" : "", argv[i]);
	}
	assert_string_equal(joined, expected);
	error_free(err);
	shell_words_free(argc, argv);
}

static void words_are_parted_by_blanks(void **state)
{
	(void)state;
	assert_words("", "");
	assert_words("  trace\tmain.(*Store).Get  --no-args ", "trace|main.(*Store).Get|--no-args");
	assert_words("trace main.Map[int] !main.log*", "trace|main.Map[int]|!main.log*");
}

static void quotes_keep_blanks(void **state)
{
	(void)state;
	assert_words("set x 'a b' \"c d\"", "set|x|a b|c d");
	assert_words("a'b c'd", "ab cd");
	assert_words("''", "");
	assert_words("'it'\\''s'", "it's");
	assert_words("\"a \\\"b\\\" 'c'\"", "a \"b\" 'c'");
	assert_words("'open", "error: a ' without its second one");
}

static void regexps_keep_their_backslashes(void **state)
{
	(void)state;
	assert_words("trace /^main\\.[A-Z]/", "trace|/^main\\.[A-Z]/");
	assert_words("trace '/^main\\.[A-Z]/'", "trace|/^main\\.[A-Z]/");
	assert_words("a\\ b", "a b");
}

static void conditions_need_no_quotes(void **state)
{
	(void)state;
	assert_words("trace f --if n > 3", "trace|f|--if|n > 3");
	assert_words("trace f --if n > 3 --no-args", "trace|f|--if|n > 3|--no-args");
	assert_words("trace --if n > 3 f", "trace|--if|n > 3|f");
	assert_words("trace --if n > 3 && ok !f *g -q", "trace|--if|n > 3 && ok|!f|*g|-q");
	assert_words("trace --if err != nil main.(*T).f", "trace|--if|err != nil|main.(*T).f");
	assert_words("trace f --if=n > *p", "trace|f|--if=n > *p");
	assert_words("trace f if s == \"a  b\" g if len(s) > -1 h",
		     "trace|f if s == \"a  b\"|g if len(s) > -1|h");
	assert_words("trace f --if s==\"it's\" --if \"a\" == s",
		     "trace|f|--if|s==\"it's\"|--if|\"a\" == s");
	assert_words("trace f --if x.(*main.T) && y", "trace|f|--if|x.(*main.T) && y");
	// As always with quotes.
	assert_words("trace --if 's == \"x\"' f", "trace|--if|s == \"x\"|f");
	assert_words("trace --if \"n > 3\" *g", "trace|--if|n > 3|*g");
	assert_words("trace 'f if n > 3' g", "trace|f if n > 3|g");
	assert_words("trace --if='n > 3' g", "trace|--if=n > 3|g");
	// Its message is about all of it.
	assert_words("trace f --if n > --no-args", "trace|f|--if|n >|--no-args");
	assert_words("trace f --if", "trace|f|--if");
	assert_words("trace f if", "trace|f|if");
	assert_words("trace /f/ if", "trace|/f/|if");
	assert_words("trace f show a, b.c , len(d) g", "trace|f show a, b.c , len(d)|g");
	assert_words("trace f show a, err if n > 3 g show b -q",
		     "trace|f show a, err if n > 3|g show b|-q");
	assert_words("trace f args a, b hide *testing.T, ctx if n > 3 g",
		     "trace|f args a, b hide *testing.T, ctx if n > 3|g");
	assert_words("trace f --hide ctx, testing.T --args n g",
		     "trace|f|--hide|ctx, testing.T|--args|n|g");
	assert_words("trace --show m[\"a b\"], *p f", "trace|--show|m[\"a b\"], *p|f");
	assert_words("trace 'f show a' g if b", "trace|f show a|g if b");
	assert_words("run f if n > 3 -- prog g if n > 3", "run|f if n > 3|--|prog|g|if|n|>|3");
}

// --- Commands ------------------------------------------------------------------------------------

static void assert_found(const char *name, const char *expected)
{
	struct error *err = NULL;
	const struct shell_command *command = shell_find(name, &err);
	assert_string_equal(command ? command->name : error_message(err), expected);
	error_free(err);
}

static void commands_are_found_by_their_beginnings(void **state)
{
	(void)state;
	assert_found("trace", "trace"); // although traces begins so too
	assert_found("traces", "traces");
	assert_found("un", "untrace");
	assert_found("g", "goroutines");
	assert_found("h", "help");
	assert_found("he", "help");
	assert_found("his", "hist"); // with which history begins
	assert_found("tr", "trace");
	assert_found("exit", "quit");
	assert_found("ex", "quit");
	assert_found("t", "'t' is trace or types: write more of it");
	assert_found("hi", "hist");
	assert_found("nothing", "no command 'nothing': see help");
	struct error *err = NULL;
	assert_null(shell_find("s", &err));
	assert_non_null(err);
	error_free(err);
}

static void a_line_without_a_target_is_refused(void **state)
{
	(void)state;
	static const char *const lines[] = {"trace main.f", "stats", "hist f", "watch 1", "info"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct shell shell = {0};
		struct error *err = shell_execute(&shell, lines[i]);
		assert_non_null(err);
		assert_non_null(strstr(error_message(err), "no target"));
		error_free(err);
	}
	struct shell shell = {0};
	assert_null(shell_execute(&shell, "  # a comment 'with a quote"));
	assert_null(shell_execute(&shell, ""));
}

static void only_decimal_times_are_times(void **state)
{
	(void)state;
	uint64_t ns = 0;
	assert_true(parse_duration("1m30s", &ns) && ns == 90000000000);
	assert_true(parse_duration("1.5ms", &ns) && ns == 1500000);
	assert_true(parse_duration(".5s", &ns) && ns == 500000000);
	static const char *const wrong[] = {"0x10s", "0x1p3s", "1e3s", "1e-3s",	 "nan",	   "nans",
					    "inf",   "infs",   "-1s",  "+1s",	 "1.2.3s", " 1s",
					    "1s 2s", "",       ".s",   "1s0x1s", "1",	   "s"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (parse_duration(wrong[i], &ns))
			fail_msg("'%s' is a time", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_parted_by_blanks),
		cmocka_unit_test(quotes_keep_blanks),
		cmocka_unit_test(regexps_keep_their_backslashes),
		cmocka_unit_test(conditions_need_no_quotes),
		cmocka_unit_test(commands_are_found_by_their_beginnings),
		cmocka_unit_test(a_line_without_a_target_is_refused),
		cmocka_unit_test(only_decimal_times_are_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
