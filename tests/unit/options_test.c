// SPDX-License-Identifier: GPL-2.0-or-later
// The table of options, and what is made from it: the command line, --help, completion.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/complete.h"
#include "cli/options.h"
#include "cli/values.h"

// --- The table -----------------------------------------------------------------------------------

static char *read_file(const char *path)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	char *bytes = NULL;
	size_t size = 0;
	assert_non_null(file);
	assert_true(getdelim(&bytes, &size, '\0', file) > 0);
	return bytes;
}

static char *help_of(const struct command *command)
{
	char *help = NULL;
	size_t size;
	FILE *out = open_memstream(&help, &size);
	assert_non_null(out);
	options_help(command, false, out);
	fclose(out);
	return help;
}

// True if text has the words and no letter or dash follows them.
static bool has_word(const char *text, const char *words)
{
	size_t len = strlen(words);
	for (const char *at = strstr(text, words); at; at = strstr(at + 1, words))
		if (!strchr("-abcdefghijklmnopqrstuvwxyz", at[len]) || !at[len])
			return true;
	return false;
}

static void each_option_is_in_the_manual(void **state)
{
	(void)state;
	CLEANUP_FREE char *manual = read_file("gotrace.1");
	for (const struct option_row *option = options_table; option->name; option++) {
		char words[64];
		snprintf(words, sizeof(words), "Fl -%s", option->name);
		if (!has_word(manual, words))
			fail_msg("gotrace.1 has no --%s", option->name);
	}
}

static void each_option_is_in_help_and_completed(void **state)
{
	(void)state;
	for (size_t i = 0; command_at(i); i++) {
		const char *command = command_at(i)->name;
		CLEANUP_FREE char *help = help_of(command_at(i));
		struct completions completed = {0};
		completions_add_options(&completed, command, false, "--");
		for (const struct option_row *option = options_table; option->name; option++) {
			char word[64];
			struct completion *found;
			snprintf(word, sizeof(word), "--%s", option->name);
			HASH_FIND_STR(completed.all, word, found);
			bool is_taken = option_is_of(option, command), has_other = false;
			if (is_taken && !has_word(help, word))
				fail_msg("gotrace %s --help: no %s", command, word);
			// Rows of one name are of different commands.
			for (const struct option_row *other = options_table; other->name; other++)
				has_other |= other != option &&
					     !strcmp(other->name, option->name) &&
					     option_is_of(other, command);
			assert_false(is_taken && has_other);
			assert_int_equal(found != NULL, is_taken || has_other);
		}
		completions_deinit(&completed);
	}
}

static void help_shows_words_and_defaults(void **state)
{
	(void)state;
	CLEANUP_FREE char *help = help_of(command_find("attach"));
	assert_non_null(strstr(help, "Usage: gotrace attach [OPTION...] PID PATTERN...\n"));
	assert_non_null(strstr(help, " How it is shown:\n"));
	assert_null(strstr(help, "What is counted"));
	assert_non_null(strstr(help, "  --format=NAME          graph (default), lines or json\n"));
	assert_non_null(strstr(help, "  -o, --output=FILE          Write to FILE"));
	assert_non_null(strstr(help, "  --stack[=N] "));
	assert_non_null(strstr(help, "Bytes of a string (default 64)\n"));
	assert_non_null(strstr(help, "\nExample: gotrace attach"));
	CLEANUP_FREE char *bench = help_of(command_find("bench"));
	assert_non_null(strstr(bench, "table (default), benchfmt or json; benchfmt is"));
	assert_non_null(strstr(bench, "leaf, typical, delve or server; may be"));
}

// The commands that a row names exist; a letter means one option; a setting with a word for none
// has a value that may be 0.
static void rows_are_sound(void **state)
{
	(void)state;
	for (const struct option_row *option = options_table; option->name; option++) {
		CLEANUP_FREE char *commands = strdup(option->commands);
		for (char *rest = commands, *name; (name = strsep(&rest, " "));)
			assert_non_null(command_find(name));
		assert_int_equal(option->arg == NULL, option->kind->is_flag);
		if (option_is_setting(option))
			assert_true(option->kind->is_flag || option->kind->print);
		for (const struct option_row *other = options_table; other < option; other++)
			if (option->letter && other->letter == option->letter)
				for (size_t i = 0; command_at(i); i++)
					assert_false(option_is_of(option, command_at(i)->name) &&
						     option_is_of(other, command_at(i)->name));
	}
}

// What is printed of each setting's value can be parsed, and gives the same value.
static void settings_are_printed_as_they_are_read(void **state)
{
	(void)state;
	static const char *const values[][2] = {
		{"count", "12"},    {"sample", "1/10"},		{"rate", "100/s"},
		{"stack", "5"},	    {"goroutine", "7"},		{"max-overhead", "2.5%"},
		{"buffer", "6K"},   {"buffer", "64M"},		{"backend", "ptrace"},
		{"color", "never"}, {"timestamps", "relative"}, {"depth", "0"},
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		const struct option_row *option = options_table;
		while (strcmp(option->name, values[i][0]))
			option++;
		struct options options, again;
		options_init(&options);
		options_init(&again);
		assert_null(option_set(option, values[i][1], &options));
		CLEANUP_FREE char *printed = NULL;
		size_t size;
		FILE *out = open_memstream(&printed, &size);
		option_print(option, &options, out);
		fclose(out);
		assert_string_equal(printed, values[i][1]);
		assert_null(option_set(option, printed, &again));
		assert_true(option_is_same(option, &options, &again));
		option_reset(option, &again);
		assert_true(option_is_none(option, &again));
		option_copy(option, &options, &again);
		assert_true(option_is_same(option, &options, &again));
	}
}

// --- The command line ----------------------------------------------------------------------------

enum { WORDS_MAX = 16 };

// Parses a command line whose words are parted by one blank. Returns the error's message, or "".
static char *read_line(const char *line, struct options *options)
{
	static char words[256], *argv[WORDS_MAX]; // options->program points into them
	int argc = 0;
	snprintf(words, sizeof(words), "%s", line);
	for (char *rest = words, *word; (word = strsep(&rest, " "));)
		argv[argc++] = word;
	argv[argc] = NULL;
	options_init(options);
	struct error *err = options_read(command_find(argv[0]), argc, argv, options);
	char *message = strdup(err ? error_message(err) : "");
	error_free(err);
	return message;
}

static void assert_refused(const char *line, const char *why)
{
	struct options options;
	CLEANUP_FREE char *message = read_line(line, &options);
	assert_string_equal(message, why);
	options_deinit(&options);
}

static void options_are_read_in_every_form(void **state)
{
	(void)state;
	struct options options;
	CLEANUP_FREE char *message = read_line(
		"attach 12 --depth 3 main.* --strlen=9 -qofile --err --stack -v !x -- --y",
		&options);
	assert_string_equal(message, "");
	assert_int_equal(options.pid, 12);
	assert_int_equal(options.session.plan.capture.depth, 3);
	assert_int_equal(options.session.plan.capture.strlen, 9);
	assert_true(options.is_quiet && options.is_verbose && options.session.plan.filter.errors);
	assert_int_equal(options.session.plan.capture.stack, 32);
	assert_string_equal(options.output, "file");
	assert_int_equal(options.num_words, 4);
	assert_string_equal(options.words[1], "main.*");
	assert_string_equal(options.words[2], "!x");
	assert_string_equal(options.words[3], "--y");
	assert_null(options.program);
	options_deinit(&options);
}

static void a_program_follows_two_dashes(void **state)
{
	(void)state;
	struct options options;
	CLEANUP_FREE char *run = read_line("run f --format json -- prog --format x", &options);
	assert_string_equal(run, "");
	assert_string_equal(options.program[0], "prog");
	assert_string_equal(options.program[2], "x");
	assert_ptr_equal(options.session.look.sink, &sink_json);
	assert_int_equal(options.num_words, 1);
	options_deinit(&options);
	CLEANUP_FREE char *count = read_line("count f --by a,b[1,2] --by c -- prog", &options);
	assert_string_equal(count, "");
	assert_int_equal(options.aggregate.num_by, 3);
	assert_string_equal(options.aggregate.by[1], "b[1,2]");
	assert_string_equal(options.aggregate.by[2], "c");
	assert_int_equal(options.pid, 0);
	options_deinit(&options);
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	assert_refused("attach 1 f --fromat json",
		       "there is no option --fromat; did you mean --format?");
	assert_refused("attach 1 f --fromat=json",
		       "there is no option --fromat; did you mean --format?");
	assert_refused("list x --qqqqqqq", "there is no option --qqqqqqq: see gotrace list --help");
	assert_refused("count 1 f --sort p99", "--sort is an option of gotrace top");
	assert_refused("attach 1 f --co 3", "--co is --color or --count: write more of it");
	assert_refused("attach 1 f --errors=1", "--errors takes no value");
	assert_refused("attach 1 f --depth", "--depth: give it a value, N");
	assert_refused("attach 1 f -o", "--output: give it a value, FILE");
	assert_refused("attach 1 f -z", "there is no option -z: see gotrace attach --help");
	assert_refused("attach f -q -zq", "there is no option -zq: see gotrace attach --help");
	assert_refused("attach 1 f -qzv", "there is no option -zv: see gotrace attach --help");
	assert_refused("attach -o -z f -y", "there is no option -y: see gotrace attach --help");
	assert_refused("attach 1 f -qo", "--output: give it a value, FILE");
	assert_refused("attach 1 f --help=x", "--help takes no value");
	assert_refused("attach 1 f --format xml", "--format xml: there are graph, lines and json");
	assert_refused("list x --format graph", "--format graph: there are text and json");
	assert_refused("attach 1 f --depth 16", "--depth 16: give a whole number from 0 to 15");
	assert_refused("attach 1 f --count 0", "--count 0: give a whole number from 1 on");
	assert_refused("attach 1 f --sample 5",
		       "--sample 5: give it as 1/N, with N from 1 to 2147483647");
	assert_refused("attach 1 f --rate s",
		       "--rate s: give it as N/s, with N from 1 to 1000000000");
	assert_refused("attach 1 f --buffer 5Q",
		       "--buffer 5Q: not a size from 4K to 1G, such as 64M");
	assert_refused("attach 1 f --duration 5",
		       "--duration 5: of which unit? Give 5s, 5ms or 5m");
	assert_refused("attach", "which process? Give its PID, then patterns such as 'main.*'");
	assert_refused("attach 1", "which functions? Give patterns such as 'main.*'");
	assert_refused("attach 1 2 f",
		       "1 and 2 are both PIDs: give one process (pidof -s finds one)");
	assert_refused("shell x", "x: not a PID");
	assert_refused("run", "which functions? Give patterns such as 'main.*'");
	assert_refused("run f",
		       "which program? Give it after --: gotrace run 'main.*' -- ./server");
	assert_refused("run f --",
		       "which program? Give it after --: gotrace run 'main.*' -- ./server");
	assert_refused("bench f",
		       "which program? Give it after --: gotrace bench 'main.*' -- ./server");
	assert_refused("bench -- prog",
		       "which functions? Give patterns such as 'main.*' before --");
	assert_refused("info a b c", "'c' is one word too many: give TARGET [FUNC]");
	assert_refused("bench", "");
	assert_refused("doctor", "");
	assert_refused("shell", "");
	assert_refused("attach --help", "");
}

// --- Values --------------------------------------------------------------------------------------

static void durations_are_as_in_go(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t ns; // 0: not a duration
	} cases[] = {
		{"1.5s", 1500000000},
		{"250ms", 250000000},
		{"1m30s", 90000000000},
		{"7us", 7000},
		{"7µs", 7000},
		{"12ns", 12},
		{"1h", 3600000000000},
		{"5", 0},
		{"", 0},
		{"-1s", 0},
		{"1x", 0},
		{"s", 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t ns = 0;
		assert_int_equal(parse_duration(cases[i].text, &ns), cases[i].ns != 0);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void sizes_have_units(void **state)
{
	(void)state;
	size_t bytes = 0;
	assert_true(parse_size("64M", &bytes) && bytes == 64 << 20);
	assert_true(parse_size("4kB", &bytes) && bytes == 4096);
	assert_true(parse_size("1GiB", &bytes) && bytes == 1 << 30);
	assert_true(parse_size("5000", &bytes) && bytes == 5000);
	assert_false(parse_size("", &bytes) || parse_size("M", &bytes) || parse_size("-1", &bytes));
	assert_false(parse_size("5Q", &bytes) || parse_size("1KK", &bytes));
	assert_false(parse_size("99999999999999999999", &bytes));
	assert_false(parse_size("18446744073709551615K", &bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_option_is_in_the_manual),
		cmocka_unit_test(each_option_is_in_help_and_completed),
		cmocka_unit_test(help_shows_words_and_defaults),
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(settings_are_printed_as_they_are_read),
		cmocka_unit_test(options_are_read_in_every_form),
		cmocka_unit_test(a_program_follows_two_dashes),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(durations_are_as_in_go),
		cmocka_unit_test(sizes_have_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
