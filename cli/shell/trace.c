// SPDX-License-Identifier: GPL-2.0-or-later
// The shell's traces: arming, pausing, disarming and watching them.
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/values.h"
#include "cli/shell/shell.h"
#include "tracer/output/format.h"

enum { WATCH_MS = 10 };

// When the time of a trace is over.
struct shell_end {
	uint32_t trace;
	uint64_t duration_ns, end_ns;
	struct shell_end *next;
};

// --- Options -------------------------------------------------------------------------------------

// An error if the options differ from the shell's in something that a trace cannot have by itself.
static struct error *check_options(const struct shell *shell, const struct options *options)
{
	for (const struct option_row *option = options_table; option->name; option++) {
		const char *name = option->name;
		if (!option_is_of(option, "attach") || option_is_of_trace(option) ||
		    option_is_same(option, options, &shell->options))
			continue;
		if (option->scope == SCOPE_NONE)
			return error_new("trace: --%s is for gotrace attach", name);
		return error_new("trace: --%s holds for all traces: %s%s %s", name,
				 option_is_setting(option) ? "set " : "", name, option->arg);
	}
	return NULL;
}

// Takes over what is captured of values and stacks. It is the same for all traces, so existing
// traces are armed again. *is_changed is false if it was so already.
static struct error *take_captures(struct shell *shell, const struct options *asked,
				   bool *is_changed)
{
	*is_changed = false;
	for (const struct option_row *option = options_table; option->name; option++) {
		if (option->scope != SCOPE_CAPTURE ||
		    option_is_same(option, asked, &shell->options))
			continue;
		option_copy(option, asked, &shell->options);
		*is_changed = true;
	}
	return *is_changed ? session_renew(shell->session, &shell->options.session) : NULL;
}

// --- trace ---------------------------------------------------------------------------------------

static struct error *end_later(struct shell *shell, uint32_t trace, uint64_t duration_ns)
{
	struct shell_end *end = calloc(1, sizeof(*end));
	if (!end)
		return error_nomem();
	end->trace = trace;
	end->duration_ns = duration_ns;
	end->end_ns = clock_now() + duration_ns;
	LL_PREPEND(shell->ends, end);
	return NULL;
}

static void say_armed(struct shell *shell, const struct session_trace *trace)
{
	struct text said;
	text_init(&said);
	text_printf(&said, "trace %u: %zu function%s", trace->id, trace->num_funcs,
		    trace->num_funcs == 1 ? "" : "s");
	if (trace->num_shared)
		text_printf(&said, ", %zu of them traced already", trace->num_shared);
	if (trace->num_refused)
		text_printf(
			&said,
			"; %zu left out, which cannot be probed or do not have what is asked for",
			trace->num_refused);
	shell_say(shell, "%s", text_string(&said));
	text_deinit(&said);
}

struct error *shell_cmd_trace(struct shell *shell, int argc, char **argv)
{
	struct options options = shell->options;
	CLEANUP_FREE char **patterns = calloc((size_t)argc + 1, sizeof(*patterns));
	if (!patterns)
		return error_nomem();
	options.words = patterns;
	struct error *err = options_parse(command_find("attach"), argc, argv, &options);
	if (err)
		return error_wrap(err, "trace");
	if (options.wants_help)
		err = error_new("trace: help trace shows its options");
	if (!err)
		err = check_options(shell, &options);
	if (!err && !options.num_words)
		err = error_new("trace: which functions? Give patterns such as 'main.*'");
	if (err)
		return err;
	struct session_request request = {
		.patterns = patterns,
		.num_patterns = options.num_words,
		.options = options.session.plan,
		.max_calls = options.session.max_calls,
	};
	if (options.session.goid != shell->options.session.goid)
		request.goid = options.session.goid;
	const struct options before = shell->options;
	const struct session_trace *trace;
	size_t num_before;
	bool is_changed, is_back;
	session_traces(shell->session, &num_before);
	err = take_captures(shell, &options, &is_changed);
	if (!err)
		err = session_trace(shell->session, &request, &trace);
	if (err) { // the other traces stay as they were
		error_free(take_captures(shell, &before, &is_back));
		return err;
	}
	if (num_before && is_changed)
		shell_say(shell, "what is captured of values and stacks holds for all traces");
	say_armed(shell, trace);
	return options.duration_ns ? end_later(shell, trace->id, options.duration_ns) : NULL;
}

// --- traces --------------------------------------------------------------------------------------

static void print_average(uint64_t total_ns, uint64_t num, FILE *out)
{
	struct text average;
	text_init(&average);
	if (num)
		format_duration(total_ns / num, &average);
	else
		text_putc(&average, '-');
	int columns = (int)format_columns(&average, 0);
	fprintf(out, "%*s%s", columns < 10 ? 10 - columns : 0, "", text_string(&average));
	text_deinit(&average);
}

struct error *shell_cmd_traces(struct shell *shell, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	size_t num = 0;
	struct session_trace *const *traces =
		shell->session ? session_traces(shell->session, &num) : NULL;
	struct error *err = shell->session ? session_count_lost(shell->session) : NULL;
	if (err)
		return err;
	FILE *page = shell->page;
	if (!num) {
		fputs("no traces\n", page);
		return NULL;
	}
	fprintf(page, "%4s %-6s %9s %12s %8s %10s  %s\n", "ID", "STATE", "FUNCTIONS", "CALLS",
		"LOST", "AVERAGE", "PATTERNS");
	for (size_t i = 0; i < num; i++) {
		const struct session_trace *trace = traces[i];
		fprintf(page, "%4u %-6s %9zu %12llu %8llu ", trace->id,
			shell->has_ended ? "ended"
			: trace->is_off	 ? "off"
					 : "on",
			trace->num_funcs, (unsigned long long)trace->counts.calls,
			(unsigned long long)trace->counts.lost);
		print_average(trace->counts.total_ns, trace->counts.returns, page);
		fputs(" ", page);
		for (size_t j = 0; j < trace->num_patterns; j++)
			cli_print(page, " ", trace->patterns[j]);
		fputc('\n', page);
	}
	return NULL;
}

// --- untrace, on, off ----------------------------------------------------------------------------

static struct error *untrace_id(struct shell *shell, uint32_t id, char *const *patterns,
				size_t num_patterns, size_t *total)
{
	size_t num = 0;
	struct error *err = session_untrace(shell->session, id, patterns, num_patterns, &num);
	*total += num;
	return err;
}

// Removes the functions that the patterns select from every trace.
static struct error *untrace_patterns(struct shell *shell, char *const *patterns, size_t num,
				      size_t *total)
{
	size_t num_traces;
	struct session_trace *const *traces = session_traces(shell->session, &num_traces);
	CLEANUP_FREE uint32_t *ids = calloc(num_traces + 1, sizeof(*ids));
	if (!ids)
		return error_nomem();
	for (size_t i = 0; i < num_traces; i++)
		ids[i] = traces[i]->id;
	struct error *err = NULL;
	for (size_t i = 0; i < num_traces && !err; i++)
		err = untrace_id(shell, ids[i], patterns, num, total);
	return err;
}

struct error *shell_cmd_untrace(struct shell *shell, int argc, char **argv)
{
	struct error *err;
	uint64_t id;
	size_t total = 0;
	if (parse_number(argv[1], UINT32_MAX, &id))
		err = untrace_id(shell, (uint32_t)id, argv + 2, (size_t)argc - 2, &total);
	else
		err = untrace_patterns(shell, argv + 1, (size_t)argc - 1, &total);
	if (!err)
		shell_say(shell, "%zu function%s no longer traced", total, total == 1 ? "" : "s");
	return err;
}

static struct error *enable(struct shell *shell, int argc, char **argv, bool on)
{
	struct error *err = NULL;
	for (int i = 1; i < argc && !err; i++) {
		uint64_t id;
		if (!parse_number(argv[i], UINT32_MAX, &id))
			err = error_new("%s: '%s' is no trace's ID", argv[0], argv[i]);
		else
			err = session_enable(shell->session, (uint32_t)id, on);
	}
	return err;
}

struct error *shell_cmd_on(struct shell *shell, int argc, char **argv)
{
	return enable(shell, argc, argv, true);
}

struct error *shell_cmd_off(struct shell *shell, int argc, char **argv)
{
	return enable(shell, argc, argv, false);
}

// --- Ends ----------------------------------------------------------------------------------------

static struct error *end_trace(struct shell *shell, uint32_t id, const char *why)
{
	size_t num = 0;
	struct error *err = untrace_id(shell, id, NULL, 0, &num);
	if (!err)
		shell_say(shell, "trace %u: %s", id, why);
	return err;
}

// Ends a trace that has seen as many calls as its --count, if all of them have returned. Ends at
// most one, because the array changes then.
static struct error *end_counted(struct shell *shell)
{
	size_t num;
	struct session_trace *const *traces = session_traces(shell->session, &num);
	for (size_t i = 0; i < num; i++)
		if (!traces[i]->counts.calls_left && !traces[i]->counts.open)
			return end_trace(shell, traces[i]->id, "its calls have been shown");
	return NULL;
}

struct error *shell_traces_tick(struct shell *shell)
{
	uint64_t now = clock_now();
	struct shell_end *end, *next;
	struct error *err = NULL;
	LL_FOREACH_SAFE(shell->ends, end, next)
	{
		if (now < end->end_ns || err)
			continue;
		if (session_find_trace(shell->session, end->trace))
			err = end_trace(shell, end->trace, "its time is over");
		LL_DELETE(shell->ends, end);
		free(end);
	}
	return err ? err : end_counted(shell);
}

uint64_t shell_trace_duration(const struct shell *shell, uint32_t trace)
{
	const struct shell_end *end;
	LL_FOREACH(shell->ends, end)
	{
		if (end->trace == trace)
			return end->duration_ns;
	}
	return 0;
}

void shell_traces_forget(struct shell *shell)
{
	struct shell_end *end, *next;
	LL_FOREACH_SAFE(shell->ends, end, next)
	{
		LL_DELETE(shell->ends, end);
		free(end);
	}
}

// --- watch ---------------------------------------------------------------------------------------

struct error *shell_cmd_watch(struct shell *shell, int argc, char **argv)
{
	struct error *err = NULL;
	uint64_t end = UINT64_MAX;
	if (argc > 1) {
		CLEANUP_FREE char *seconds = NULL;
		uint64_t ns;
		if (asprintf(&seconds, "%ss", argv[1]) < 0)
			seconds = NULL;
		if (parse_duration(argv[1], &ns) || (seconds && parse_duration(seconds, &ns)))
			end = clock_now() + ns;
		else
			err = error_new("watch: '%s' is not a number of seconds", argv[1]);
	}
	if (!err && argc < 2 && !shell->is_interactive)
		err = error_new("watch: for how many seconds?");
	while (!err && !cli_signal && !shell->has_ended && !shell->wants_quit && clock_now() < end)
		err = shell_poll(shell, WATCH_MS);
	if (cli_signal == SIGINT && shell->is_interactive) {
		cli_signal = 0;
		puts("");
	}
	return err;
}
