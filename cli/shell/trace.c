// SPDX-License-Identifier: GPL-2.0-or-later
// The shell's traces: arming, pausing, disarming and watching them.
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
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

struct parse_input {
	struct trace_options *options;
	char **words;
	size_t num_words;
	FILE *errors;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct parse_input *input = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->err_stream = input->errors;
		state->child_inputs[0] = input->options;
		return 0;
	case ARGP_KEY_ARG:
		input->words[input->num_words++] = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

// Makes an error of argp's message, which is one line that begins with "NAME: ". There is no
// message for an option that does not exist: getopt has printed that on stderr.
static struct error *parse_error(const char *name, const char *said)
{
	size_t len = strlen(name);
	if (!strncmp(said, name, len) && said[len] == ':')
		said += len + 1;
	said += strspn(said, " \n");
	if (!*said || !strncmp(said, "Try ", 4))
		return error_new("%s: not understood (help trace lists the options)", name);
	return error_new("%s: %.*s", name, (int)strcspn(said, "\n"), said);
}

struct error *shell_parse(const char *name, int argc, char **argv, struct trace_options *options,
			  char **words, size_t *num_words)
{
	static const struct argp_child children[] = {{&trace_options_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {.parser = parse, .children = children};
	CLEANUP_FREE char *said = NULL;
	size_t said_len = 0;
	FILE *errors = open_memstream(&said, &said_len);
	if (!errors)
		return error_nomem();
	struct parse_input input = {.options = options, .words = words, .errors = errors};
	error_t failed = cli_argp(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, &input);
	fclose(errors);
	if (failed || said_len)
		return parse_error(name, said);
	*num_words = input.num_words;
	return NULL;
}

bool shell_refuses(const char *option)
{
	static const char *const refused[] = {"backend", "buffer", "save", "dry-run",
					      "max-overhead"};
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (!strcmp(refused[i], option))
			return true;
	return false;
}

// An error if the options differ from the shell's in something that is the same for the whole
// session.
static struct error *check_options(const struct shell *shell, const struct trace_options *options)
{
	const struct session_options *now = &shell->options.session, *asked = &options->session;
	const char *name = NULL;
	if (asked->backend != now->backend)
		name = "backend";
	else if (asked->buffer_bytes != now->buffer_bytes)
		name = "buffer";
	else if (asked->timestamps != now->timestamps)
		name = "timestamps";
	else if (asked->max_overhead != now->max_overhead)
		name = "max-overhead";
	if (name)
		return error_new("trace: --%s holds for all traces: set %s VALUE", name, name);
	if (asked->sink != now->sink)
		return error_new("trace: --format holds for all traces: format NAME");
	if (options->output)
		return error_new("trace: -o holds for all traces: output FILE");
	if (options->save || options->dry_run || options->verbosity)
		return error_new("trace: --save, --dry-run, -q and -v are for gotrace attach");
	return NULL;
}

static bool are_captured_alike(const struct plan_options *a, const struct plan_options *b)
{
	return a->depth == b->depth && a->strlen == b->strlen && a->items == b->items &&
	       a->stack == b->stack && a->creator == b->creator;
}

// Takes over what is captured of values and stacks. It is the same for all traces, so existing
// traces are armed again.
static struct error *take_depths(struct shell *shell, const struct plan_options *asked)
{
	struct plan_options *now = &shell->options.session.plan;
	if (are_captured_alike(asked, now))
		return NULL;
	now->depth = asked->depth;
	now->strlen = asked->strlen;
	now->items = asked->items;
	now->stack = asked->stack;
	now->creator = asked->creator;
	return session_renew(shell->session, &shell->options.session);
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
	struct error *err = shell_needs_target(shell);
	if (!err && shell->has_ended)
		err = error_new("trace: the target has ended: attach or run anew");
	if (err)
		return err;
	struct trace_options options = shell->options;
	CLEANUP_FREE char **patterns = calloc((size_t)argc + 1, sizeof(*patterns));
	if (!patterns)
		return error_nomem();
	struct session_request request = {.patterns = patterns};
	err = shell_parse("trace", argc, argv, &options, patterns, &request.num_patterns);
	if (!err)
		err = check_options(shell, &options);
	if (!err && !request.num_patterns)
		err = error_new("trace: which functions? Give patterns such as 'main.*'");
	if (err)
		return err;
	request.options = options.session.plan;
	request.max_calls = options.session.max_calls;
	if (options.session.goid != shell->options.session.goid)
		request.goid = options.session.goid;
	struct plan_options before = shell->options.session.plan;
	size_t num_before;
	session_traces(shell->session, &num_before);
	err = take_depths(shell, &options.session.plan);
	const struct session_trace *trace;
	if (!err)
		err = session_trace(shell->session, &request, &trace);
	if (err) { // the other traces stay as they were
		error_free(take_depths(shell, &before));
		return err;
	}
	if (num_before && !are_captured_alike(&before, &options.session.plan))
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
	if (!num) {
		puts("no traces");
		return NULL;
	}
	FILE *page = shell_page(shell);
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
	shell_page_end(shell, page);
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

static struct error *needs_traces(struct shell *shell, const char *command)
{
	struct error *err = shell_needs_target(shell);
	if (!err && shell->has_ended)
		err = error_new("%s: the target has ended", command);
	return err;
}

struct error *shell_cmd_untrace(struct shell *shell, int argc, char **argv)
{
	struct error *err = needs_traces(shell, "untrace");
	if (err)
		return err;
	if (argc < 2)
		return error_new(
			"untrace: which trace? Give its ID (traces lists them) or patterns");
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
	struct error *err = needs_traces(shell, argv[0]);
	if (err)
		return err;
	if (argc < 2)
		return error_new("%s: which trace? Give its ID (traces lists them)", argv[0]);
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
			return end_trace(shell, traces[i]->id, "its calls are told");
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
	struct error *err = shell_needs_target(shell);
	uint64_t end = UINT64_MAX;
	if (!err && argc > 1) {
		const char *rest;
		double seconds;
		uint64_t ns;
		if (parse_decimal(argv[1], &seconds, &rest) && !*rest && seconds > 0 &&
		    seconds < 1e9)
			end = clock_now() + (uint64_t)(seconds * 1e9);
		else if (parse_duration(argv[1], &ns))
			end = clock_now() + ns;
		else
			err = error_new("watch: '%s' is no number of seconds", argv[1]);
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
