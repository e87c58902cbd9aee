// SPDX-License-Identifier: GPL-2.0-or-later
// The shell's settings, which are options of the command line that are kept between commands; and
// where events go.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"
#include "cli/shell/shell.h"
#include "cli/values.h"

static const char LINES[] = "lines"; // a setting of the display, which is no option

static void print_lines(const struct shell *shell, const char *unit, FILE *out)
{
	if (shell->display.lines_max)
		fprintf(out, "%llu%s", (unsigned long long)shell->display.lines_max, unit);
	else
		fputs("all", out);
}

// The next setting after this one by name; the first if it is NULL. NULL after the last.
static const struct option_row *next_setting(const struct option_row *last)
{
	const struct option_row *next = NULL;
	for (const struct option_row *option = options_table; option->name; option++)
		if (option_is_setting(option) && (!last || strcmp(option->name, last->name) > 0) &&
		    (!next || strcmp(option->name, next->name) < 0))
			next = option;
	return next;
}

const char *shell_setting_name(size_t i)
{
	const struct option_row *option = next_setting(NULL);
	while (option && i--)
		option = next_setting(option);
	return option ? option->name : !i ? LINES : NULL;
}

static void print_settings(const struct shell *shell, FILE *out)
{
	for (const struct option_row *option = NULL; (option = next_setting(option));) {
		fprintf(out, "%-12s ", option->name);
		option_print(option, &shell->options, out);
		fputc('\n', out);
	}
	fprintf(out, "%-12s ", LINES);
	print_lines(shell, "/s", out);
	fputc('\n', out);
}

const struct option_row *shell_find_setting(const char *name)
{
	const struct option_row *option = NULL;
	while (*name == '-')
		name++;
	while ((option = next_setting(option)) && strcmp(option->name, name))
		;
	return option;
}

// Parses the value the same as "--NAME=VALUE" on the command line.
static struct error *parse_value(const struct option_row *option, const char *value,
				 struct options *options)
{
	if (option->none && !strcmp(value, option->none)) {
		option_reset(option, options);
		return NULL;
	}
	if (option->kind->is_flag && strcmp(value, "on") != 0)
		return error_new("set %s: on or off", option->name);
	struct error *err = option_set(option, value, options);
	return err ? error_wrap(err, "set") : NULL;
}

static struct error *change(struct shell *shell, const struct option_row *option, const char *value)
{
	struct error *err = parse_value(option, value, &shell->options);
	if (err || !shell->session || option->scope == SCOPE_DEFAULT)
		return err;
	if (option->scope == SCOPE_SESSION || option->scope == SCOPE_CAPTURE)
		return shell->has_ended ? NULL
					: session_renew(shell->session, &shell->options.session);
	session_goroutine(shell->session, shell->options.session.goid);
	return shell_output_changed(shell);
}

static struct error *set_lines(struct shell *shell, const char *value)
{
	if (!strcmp(value, "all")) {
		shell->display.lines_max = 0;
		return NULL;
	}
	uint64_t lines;
	if (!parse_number(value, INT32_MAX, &lines) || !lines)
		return error_new("set lines: how many a second, or all");
	shell->display.lines_max = lines;
	return NULL;
}

struct error *shell_cmd_set(struct shell *shell, int argc, char **argv)
{
	if (argc == 1) {
		print_settings(shell, stdout);
		return NULL;
	}
	if (!strcmp(argv[1], LINES) && argc == 3)
		return set_lines(shell, argv[2]);
	const struct option_row *option = shell_find_setting(argv[1]);
	if (!option)
		return error_new("no setting '%s': set alone lists them", argv[1]);
	if (argc == 2) {
		option_print(option, &shell->options, stdout);
		putchar('\n');
		return NULL;
	}
	if (argc > 3)
		return error_new("set %s: one value", option->name);
	return change(shell, option, argv[2]);
}

struct error *shell_cmd_format(struct shell *shell, int argc, char **argv)
{
	char *line[] = {argv[0], (char *)"--format", argc == 2 ? argv[1] : (char *)""};
	struct error *err = options_parse(command_find("attach"), 3, line, &shell->options);
	return err ? err : shell_output_changed(shell);
}

struct error *shell_cmd_output(struct shell *shell, int argc, char **argv)
{
	(void)argc;
	FILE *file = NULL;
	if (strcmp(argv[1], "-") != 0) {
		struct error *err = output_file(argv[1], &file);
		if (err)
			return err;
	}
	FILE *before = shell->output;
	shell->output = file;
	struct error *err = shell_output_changed(shell);
	if (before && fclose(before) && !err)
		err = error_errno(errno, "writing the output before");
	return err;
}

// --- save ----------------------------------------------------------------------------------------

// Writes a word, in quotes if the shell would not read it as one word of these characters.
static void save_word(const char *word, FILE *out)
{
	if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789_./%+-")]) {
		fprintf(out, " %s", word);
		return;
	}
	fputs(" '", out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	}
	fputc('\'', out);
}

static struct error *save_option(const struct option_row *option, const struct options *options,
				 FILE *out)
{
	fprintf(out, " --%s", option->name);
	if (option->kind->is_flag)
		return NULL;
	CLEANUP_FREE char *value = NULL;
	size_t size;
	FILE *printed = open_memstream(&value, &size);
	if (!printed)
		return error_nomem();
	option_print(option, options, printed);
	if (fclose(printed))
		return error_nomem();
	save_word(value, out);
	return NULL;
}

// Writes the command that would make this trace, without the options that are the same for all
// traces.
static struct error *save_trace(const struct shell *shell, const struct session_trace *trace,
				FILE *out)
{
	struct options options = {
		.session.plan = trace->options,
		.session.max_calls = trace->max_calls,
		.session.goid = trace->counts.goid,
		.duration_ns = shell_trace_duration(shell, trace->id),
	};
	struct error *err = NULL;
	fputs("trace", out);
	for (size_t i = 0; i < trace->num_patterns; i++)
		save_word(trace->patterns[i], out);
	for (const struct option_row *option = options_table; option->name && !err; option++)
		if (option_is_of_trace(option) && option->scope != SCOPE_CAPTURE &&
		    !option_is_none(option, &options))
			err = save_option(option, &options, out);
	fputc('\n', out);
	return err;
}

// Writes the settings of SCOPE_DEFAULT, or the others.
static void save_settings(const struct options *options, bool defaults, FILE *out)
{
	for (const struct option_row *option = NULL; (option = next_setting(option));) {
		if (defaults != (option->scope == SCOPE_DEFAULT))
			continue;
		fprintf(out, "set %s ", option->name);
		option_print(option, options, out);
		fputc('\n', out);
	}
}

struct error *shell_cmd_save(struct shell *shell, int argc, char **argv)
{
	(void)argc;
	CLEANUP_FCLOSE FILE *file = NULL;
	struct error *err = output_file(argv[1], &file);
	if (err)
		return err;
	// The defaults of traces are reset until the traces are made, because each trace has its
	// own options.
	save_settings(&shell->options, false, file);
	save_settings(&(struct options){0}, true, file);
	fprintf(file, "set %s ", LINES);
	print_lines(shell, "", file);
	fprintf(file, "\nformat %s\n", shell->options.session.look.sink->name);
	size_t num = 0;
	struct session_trace *const *traces =
		shell->session ? session_traces(shell->session, &num) : NULL;
	for (size_t i = 0; i < num && !err; i++)
		err = save_trace(shell, traces[i], file);
	save_settings(&shell->options, true, file);
	if (!err && fflush(file))
		err = error_errno(errno, "%s", argv[1]);
	return err;
}
