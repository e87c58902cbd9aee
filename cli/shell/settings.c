// SPDX-License-Identifier: GPL-2.0-or-later
// The shell's settings, which are options of the command line that are kept between commands; and
// where events go.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/shell/shell.h"

enum setting_scope {
	SCOPE_TRACE,   // applies to the traces that follow
	SCOPE_SESSION, // applies to all traces, which are armed again
	SCOPE_NOW,     // applies at once
};

struct setting {
	const char *name; // of the option, without dashes
	enum setting_scope scope;
	bool is_flag;
	const char *none; // the word that resets it; NULL: it always has a value
	void (*print)(const struct trace_options *options, FILE *out);
	void (*reset)(struct trace_options *options); // NULL if none is NULL
};

#define NUMBER(NAME, FIELD)                                                       \
	static void print_##NAME(const struct trace_options *options, FILE *out)  \
	{                                                                         \
		fprintf(out, "%llu", (unsigned long long)options->session.FIELD); \
	}

#define RESET(NAME, FIELD)                                      \
	static void reset_##NAME(struct trace_options *options) \
	{                                                       \
		options->session.FIELD = 0;                     \
	}

NUMBER(depth, plan.depth)
NUMBER(strlen, plan.strlen)
NUMBER(items, plan.items)
RESET(no_args, plan.no_args)
RESET(no_return, plan.no_return)
RESET(sample, plan.every)
RESET(rate, plan.rate)
RESET(count, max_calls)
RESET(stack, plan.stack)
RESET(creator, plan.creator)
RESET(goroutine, goid)
RESET(max_overhead, max_overhead)

static void print_flag(bool is_on, FILE *out)
{
	fputs(is_on ? "on" : "off", out);
}

static void print_no_args(const struct trace_options *options, FILE *out)
{
	print_flag(options->session.plan.no_args, out);
}

static void print_no_return(const struct trace_options *options, FILE *out)
{
	print_flag(options->session.plan.no_return, out);
}

static void print_creator(const struct trace_options *options, FILE *out)
{
	print_flag(options->session.plan.creator, out);
}

static void print_or(uint64_t value, const char *format, const char *none, FILE *out)
{
	if (value)
		fprintf(out, format, (unsigned long long)value);
	else
		fputs(none, out);
}

static void print_max_overhead(const struct trace_options *options, FILE *out)
{
	if (options->session.max_overhead > 0)
		fprintf(out, "%g%%", options->session.max_overhead * 100);
	else
		fputs("off", out);
}

static void print_sample(const struct trace_options *options, FILE *out)
{
	print_or(options->session.plan.every, "1/%llu", "off", out);
}

static void print_rate(const struct trace_options *options, FILE *out)
{
	print_or(options->session.plan.rate, "%llu/s", "off", out);
}

static void print_count(const struct trace_options *options, FILE *out)
{
	print_or(options->session.max_calls, "%llu", "off", out);
}

static void print_stack(const struct trace_options *options, FILE *out)
{
	print_or(options->session.plan.stack, "%llu", "off", out);
}

static void print_goroutine(const struct trace_options *options, FILE *out)
{
	print_or(options->session.goid, "%llu", "all", out);
}

static void print_buffer(const struct trace_options *options, FILE *out)
{
	fprintf(out, "%zuK", options->session.buffer_bytes / 1024);
}

static void print_backend(const struct trace_options *options, FILE *out)
{
	fputs(options->session.backend->name, out);
}

static void print_timestamps(const struct trace_options *options, FILE *out)
{
	static const char *const names[] = {"none", "relative", "wall", "mono"};
	fputs(names[options->session.timestamps], out);
}

static void print_color(const struct trace_options *options, FILE *out)
{
	fputs(options->color < 0 ? "auto" : options->color ? "always" : "never", out);
}

static const struct setting settings[] = {
	{"backend", SCOPE_SESSION, false, NULL, print_backend, NULL},
	{"buffer", SCOPE_SESSION, false, NULL, print_buffer, NULL},
	{"color", SCOPE_NOW, false, NULL, print_color, NULL},
	{"count", SCOPE_TRACE, false, "off", print_count, reset_count},
	{"creator", SCOPE_SESSION, true, "off", print_creator, reset_creator},
	{"depth", SCOPE_SESSION, false, NULL, print_depth, NULL},
	{"goroutine", SCOPE_NOW, false, "all", print_goroutine, reset_goroutine},
	{"items", SCOPE_SESSION, false, NULL, print_items, NULL},
	{"max-overhead", SCOPE_SESSION, false, "off", print_max_overhead, reset_max_overhead},
	{"no-args", SCOPE_TRACE, true, "off", print_no_args, reset_no_args},
	{"no-return", SCOPE_TRACE, true, "off", print_no_return, reset_no_return},
	{"rate", SCOPE_TRACE, false, "off", print_rate, reset_rate},
	{"sample", SCOPE_TRACE, false, "off", print_sample, reset_sample},
	{"stack", SCOPE_SESSION, false, "off", print_stack, reset_stack},
	{"strlen", SCOPE_SESSION, false, NULL, print_strlen, NULL},
	{"timestamps", SCOPE_NOW, false, NULL, print_timestamps, NULL},
};
enum { NUM_SETTINGS = sizeof(settings) / sizeof(*settings) };

static const char LINES[] = "lines"; // a setting of the display, which is no option

const char *shell_setting_name(size_t i)
{
	return i < NUM_SETTINGS ? settings[i].name : i == NUM_SETTINGS ? LINES : NULL;
}

void shell_settings_print(struct shell *shell, FILE *out)
{
	for (size_t i = 0; i < NUM_SETTINGS; i++) {
		fprintf(out, "%-12s ", settings[i].name);
		settings[i].print(&shell->options, out);
		fputc('\n', out);
	}
	fprintf(out, "%-12s ", LINES);
	print_or(shell->display.lines_max, "%llu/s", "all", out);
	fputc('\n', out);
}

static const struct setting *find_setting(const char *name)
{
	while (*name == '-')
		name++;
	for (size_t i = 0; i < NUM_SETTINGS; i++)
		if (!strcmp(settings[i].name, name))
			return &settings[i];
	return NULL;
}

// Parses the value the same as "--NAME=VALUE" on the command line.
static struct error *parse_value(const struct setting *setting, const char *value,
				 struct trace_options *options)
{
	if (setting->none && !strcmp(value, setting->none)) {
		setting->reset(options);
		return NULL;
	}
	if (setting->is_flag && strcmp(value, "on") != 0)
		return error_new("set %s: on or off", setting->name);
	CLEANUP_FREE char *option = NULL;
	int len = setting->is_flag ? asprintf(&option, "--%s", setting->name)
				   : asprintf(&option, "--%s=%s", setting->name, value);
	if (len < 0) {
		option = NULL;
		return error_nomem();
	}
	char *argv[] = {(char *)"set", option, NULL}, *words[2];
	size_t num;
	return shell_parse("set", 2, argv, options, words, &num);
}

static struct error *change(struct shell *shell, const struct setting *setting, const char *value)
{
	struct trace_options options = shell->options;
	struct error *err = parse_value(setting, value, &options);
	if (err)
		return err;
	shell->options = options;
	if (setting->scope == SCOPE_SESSION)
		return shell->session && !shell->has_ended
			       ? session_renew(shell->session, &shell->options.session)
			       : NULL;
	if (setting->scope == SCOPE_NOW) {
		if (shell->session)
			session_goroutine(shell->session, options.session.goid);
		return shell_output_changed(shell);
	}
	return NULL;
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
		shell_settings_print(shell, stdout);
		return NULL;
	}
	if (!strcmp(argv[1], LINES) && argc == 3)
		return set_lines(shell, argv[2]);
	const struct setting *setting = find_setting(argv[1]);
	if (!setting)
		return error_new("no setting '%s': set alone lists them", argv[1]);
	if (argc == 2) {
		setting->print(&shell->options, stdout);
		putchar('\n');
		return NULL;
	}
	if (argc > 3)
		return error_new("set %s: one value", setting->name);
	return change(shell, setting, argv[2]);
}

struct error *shell_cmd_format(struct shell *shell, int argc, char **argv)
{
	const struct sink_ops *sink = argc == 2 ? sink_find(argv[1]) : NULL;
	if (!sink)
		return error_new("format: there are graph, lines and json");
	shell->options.session.sink = sink;
	return shell_output_changed(shell);
}

struct error *shell_cmd_output(struct shell *shell, int argc, char **argv)
{
	if (argc != 2)
		return error_new("output: to which file? - is here");
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

static void save_word(const char *word, FILE *out)
{
	fputs(" '", out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	}
	fputc('\'', out);
}

static void save_setting(const struct shell *shell, const struct setting *setting, FILE *out)
{
	fprintf(out, "set %s ", setting->name);
	setting->print(&shell->options, out);
	fputc('\n', out);
}

static void save_option(const char *name, const char *value, FILE *out)
{
	fprintf(out, " --%s", name);
	save_word(value, out);
}

// Writes the trace's numbers as options.
static void save_numbers(const struct shell *shell, const struct session_trace *trace, FILE *out)
{
	const struct plan_options *options = &trace->options;
	const struct {
		uint64_t value;
		const char *format;
	} numbers[] = {
		{trace->counts.goid, " --goroutine=%llu"},
		{trace->max_calls, " --count=%llu"},
		{options->every, " --sample=1/%llu"},
		{options->rate, " --rate=%llu/s"},
		{options->slower_ns, " --slower=%lluns"},
		{shell_trace_duration(shell, trace->id), " --duration=%lluns"},
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i].value)
			fprintf(out, numbers[i].format, (unsigned long long)numbers[i].value);
}

// Writes the command that would make this trace, without the options that are settings of the
// session.
static void save_trace(const struct shell *shell, const struct session_trace *trace, FILE *out)
{
	const struct plan_options *options = &trace->options;
	fputs("trace", out);
	for (size_t i = 0; i < trace->num_patterns; i++)
		save_word(trace->patterns[i], out);
	if (options->no_args)
		fputs(" --no-args", out);
	if (options->no_return)
		fputs(" --no-return", out);
	save_numbers(shell, trace, out);
	for (uint32_t i = 0; i < options->num_conditions; i++)
		save_option("if", options->conditions[i], out);
	if (options->errors)
		fputs(" --errors", out);
	if (options->caller)
		save_option("caller", options->caller, out);
	if (options->within)
		save_option("within", options->within, out);
	fputc('\n', out);
}

struct error *shell_cmd_save(struct shell *shell, int argc, char **argv)
{
	if (argc != 2)
		return error_new("save: to which file?");
	CLEANUP_FCLOSE FILE *file = NULL;
	struct error *err = output_file(argv[1], &file);
	if (err)
		return err;
	// The settings of SCOPE_TRACE are reset until the traces are made, because each trace has
	// its own options.
	for (size_t i = 0; i < NUM_SETTINGS; i++) {
		if (settings[i].scope == SCOPE_TRACE)
			fprintf(file, "set %s %s\n", settings[i].name, settings[i].none);
		else
			save_setting(shell, &settings[i], file);
	}
	fprintf(file, "set %s ", LINES);
	print_or(shell->display.lines_max, "%llu", "all", file);
	fprintf(file, "\nformat %s\n", shell->options.session.sink->name);
	size_t num = 0;
	struct session_trace *const *traces =
		shell->session ? session_traces(shell->session, &num) : NULL;
	for (size_t i = 0; i < num; i++)
		save_trace(shell, traces[i], file);
	for (size_t i = 0; i < NUM_SETTINGS; i++)
		if (settings[i].scope == SCOPE_TRACE)
			save_setting(shell, &settings[i], file);
	return fflush(file) ? error_errno(errno, "%s", argv[1]) : NULL;
}
