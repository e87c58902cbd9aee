// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/output.h"

enum {
	OPT_FORMAT = 256,
	OPT_BACKEND,
	OPT_DURATION,
	OPT_COUNT,
	OPT_DEPTH,
	OPT_STRLEN,
	OPT_ITEMS,
	OPT_NO_ARGS,
	OPT_NO_RETURN,
	OPT_GOROUTINE,
	OPT_BUFFER,
	OPT_TIMESTAMPS,
	OPT_COLOR,
	OPT_DRY_RUN,
	OPT_SAVE,
	OPT_SAMPLE,
	OPT_RATE,
	OPT_STACK,
	OPT_MAX_OVERHEAD,
	OPT_CREATOR,
	OPT_IF,
	OPT_SLOWER,
	OPT_ERRORS,
	OPT_CALLER,
	OPT_WITHIN,
};

enum { RATE_MAX = 1000000000 };
enum { STACK_DEFAULT = 32 };
enum { ITEMS_MAX = 1024, BUFFER_DEFAULT = 32 << 20 };
static const size_t BUFFER_MIN = 4096, BUFFER_MAX = (size_t)1 << 30;

static const struct argp_option output_options[] = {
	{NULL, 0, NULL, 0, "How it is shown:", 1},
	{"format", OPT_FORMAT, "NAME", 0, "graph (default), lines or json", 1},
	{"output", 'o', "FILE", 0, "Write the trace to FILE instead of standard output", 1},
	{"timestamps", OPT_TIMESTAMPS, "KIND", 0, "none, relative, wall or mono", 1},
	{"color", OPT_COLOR, "WHEN", 0, "auto (default), always or never", 1},
	{"quiet", 'q', NULL, 0, "Say nothing on standard error but errors", 1},
	{"verbose", 'v', NULL, 0, "Say more on standard error", 1},
	{0},
};

static const struct argp_option choosing_options[] = {
	{NULL, 0, NULL, 0, "Which calls (decided where they happen; others cost no event):", 4},
	{"if", OPT_IF, "EXPR", 0,
	 "Only calls for which this Go expression over the function's names holds: 'n > 3 && err != nil'; of one "
	 "pattern only: 'PATTERN if EXPR'",
	 4},
	{"slower", OPT_SLOWER, "TIME", 0, "Only calls that take longer than TIME", 4},
	{"errors", OPT_ERRORS, NULL, 0, "Only calls that return an error", 4},
	{"caller", OPT_CALLER, "FUNC", 0, "Only calls made by this function", 4},
	{0},
};

static const struct argp_option trace_options[] = {
	{NULL, 0, NULL, 0, "What is captured:", 2},
	{"depth", OPT_DEPTH, "N", 0,
	 "Follow N pointers and interfaces, one after the other (default 2)", 2},
	{"strlen", OPT_STRLEN, "N", 0, "Bytes of a string (default 64)", 2},
	{"items", OPT_ITEMS, "N", 0, "Elements of a slice, array or map (default 16)", 2},
	{"no-args", OPT_NO_ARGS, NULL, 0, "Capture no arguments", 2},
	{"no-return", OPT_NO_RETURN, NULL, 0,
	 "Capture no returns: no results, no durations, a tenth of the cost", 2},
	{"stack", OPT_STACK, "N", OPTION_ARG_OPTIONAL,
	 "From where each call was made: the call stack, at most N frames (default 32)", 2},
	{"creator", OPT_CREATOR, NULL, 0, "Which go statement started the call's goroutine", 2},
	{"goroutine", OPT_GOROUTINE, "ID", 0, "Only calls of this goroutine", 4},
	{"within", OPT_WITHIN, "FUNC", 0,
	 "Only calls made while FUNC is active on the same goroutine", 4},
	{NULL, 0, NULL, 0, "How many, and how long:", 5},
	{"duration", OPT_DURATION, "TIME", 0, "End after TIME, in Go's syntax: 1.5s, 250ms", 5},
	{"count", OPT_COUNT, "N", 0, "End after N calls, when those have returned", 5},
	{"sample", OPT_SAMPLE, "1/N", 0,
	 "One in N calls of each function; the others are counted, and cost no event", 5},
	{"rate", OPT_RATE, "N/s", 0, "At most N calls of each function a second", 5},
	{"max-overhead", OPT_MAX_OVERHEAD, "PCT", 0,
	 "Trace no more of each function's calls than takes PCT percent of the program's time", 5},
	{NULL, 0, NULL, 0, "How it is captured:", 6},
	{"backend", OPT_BACKEND, "NAME", 0,
	 "ebpf (default), or ptrace: by breakpoints, where eBPF is not allowed; slower", 6},
	{"buffer", OPT_BUFFER, "SIZE", 0, "Memory for events that wait (default 32M)", 6},
	{"save", OPT_SAVE, "FILE", 0, "Keep the records in FILE too, for gotrace replay", 6},
	{"dry-run", OPT_DRY_RUN, NULL, 0, "Show what would be probed, and touch nothing", 6},
	{0},
};

static const struct argp_option text_or_json[] = {
	{"format", OPT_FORMAT, "NAME", 0, "text (default) or json", 0},
	{0},
};

static error_t parse_text_or_json(int key, char *arg, struct argp_state *state)
{
	bool *is_json = state->input;
	if (key != OPT_FORMAT)
		return ARGP_ERR_UNKNOWN;
	if (strcmp(arg, "text") && strcmp(arg, "json"))
		argp_error(state, "--format %s: there are text and json", arg);
	*is_json = !strcmp(arg, "json");
	return 0;
}

const struct argp text_or_json_argp = {.options = text_or_json, .parser = parse_text_or_json};
const struct argp_child text_or_json_children[] = {{&text_or_json_argp, 0, NULL, 0}, {0}};

bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
	if (!isdigit((unsigned char)text[0]))
		return false;
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno || *end || value > max)
		return false;
	*out = value;
	return true;
}

bool parse_size(const char *text, size_t *bytes)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno || end == text || !isdigit((unsigned char)text[0]))
		return false;
	static const char units[] = "KMG";
	const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	if (unit)
		end++;
	if (unit && (!strcmp(end, "iB") || !strcmp(end, "B")))
		end += strlen(end);
	if (*end || value > (UINT64_MAX >> shift))
		return false;
	*bytes = (size_t)(value << shift);
	return true;
}

bool parse_decimal(const char *text, double *value, const char **end)
{
	char *stop;
	*value = strtod(text, &stop);
	*end = stop;
	return stop != text && strspn(text, "0123456789.") == (size_t)(stop - text);
}

bool parse_duration(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1},	  {"us", 1e3}, {"µs", 1e3}, {"μs", 1e3},
		     {"ms", 1e6}, {"s", 1e9},  {"m", 6e10}, {"h", 3.6e12}};
	double total = 0;
	if (!*text)
		return false;
	while (*text) {
		const char *end;
		double value;
		if (!parse_decimal(text, &value, &end))
			return false;
		size_t i, len = 0;
		for (i = 0; i < sizeof(units) / sizeof(*units); i++) {
			len = strlen(units[i].name);
			// "m" must not match the beginning of "ms".
			if (!strncmp(end, units[i].name, len) && !isalpha((unsigned char)end[len]))
				break;
		}
		if (i == sizeof(units) / sizeof(*units))
			return false;
		total += value * units[i].ns;
		text = end + len;
	}
	if (!(total < 9.2e18))
		return false;
	*ns = (uint64_t)(total + 0.5);
	return true;
}

void option_time(struct argp_state *state, const char *option, const char *arg, uint64_t *ns)
{
	uint64_t number;
	if (parse_duration(arg, ns) && *ns)
		return;
	if (parse_number(arg, UINT64_MAX, &number) && number)
		argp_error(state, "--%s %s: of which unit? Give %ss, %sms or %sm", option, arg, arg,
			   arg, arg);
	else
		argp_error(state,
			   "--%s %s: not a time above 0 in Go's syntax, such as 1.5s or 250ms",
			   option, arg);
}

void trace_options_init(struct trace_options *trace)
{
	*trace = (struct trace_options){.color = -1};
	trace->session.plan.depth = PLAN_DEPTH;
	trace->session.plan.strlen = PLAN_STRLEN;
	trace->session.plan.items = PLAN_ITEMS;
	trace->session.backend = &backend_ebpf;
	trace->session.sink = &sink_graph;
	trace->session.buffer_bytes = BUFFER_DEFAULT;
	trace->session.out = -1;
	trace->session.save = -1;
}

static void number(struct argp_state *state, const char *option, const char *arg, uint64_t min,
		   uint64_t max, uint64_t *out)
{
	if (parse_number(arg, max, out) && *out >= min)
		return;
	if (max == INT64_MAX)
		argp_error(state, "--%s %s: give a whole number from %llu on", option, arg,
			   (unsigned long long)min);
	else
		argp_error(state, "--%s %s: give a whole number from %llu to %llu", option, arg,
			   (unsigned long long)min, (unsigned long long)max);
}

static void number32(struct argp_state *state, const char *option, const char *arg, uint64_t min,
		     uint64_t max, uint32_t *out)
{
	uint64_t value = 0;
	number(state, option, arg, min, max, &value);
	*out = (uint32_t)value;
}

// The index of arg in a list of names. A usage error that lists the names if arg is not one of
// them.
static int choice(struct argp_state *state, const char *option, const char *arg,
		  const char *const *names)
{
	char known[128] = "";
	for (int i = 0; names[i]; i++) {
		if (!strcmp(arg, names[i]))
			return i;
		size_t len = strlen(known);
		snprintf(known + len, sizeof(known) - len, "%s%s",
			 !i		? ""
			 : names[i + 1] ? ", "
					: " and ",
			 names[i]);
	}
	argp_error(state, "--%s %s: there are %s", option, arg, known);
	return 0;
}

static void parse_limits(struct argp_state *state, int key, const char *arg,
			 struct trace_options *trace)
{
	struct session_options *session = &trace->session;
	switch (key) {
	case OPT_DEPTH:
		number32(state, "depth", arg, 0, WIRE_DEPTH_MAX, &session->plan.depth);
		break;
	case OPT_STRLEN:
		number32(state, "strlen", arg, 0, WIRE_BLOCK_MAX, &session->plan.strlen);
		break;
	case OPT_ITEMS:
		number32(state, "items", arg, 0, ITEMS_MAX, &session->plan.items);
		break;
	case OPT_COUNT:
		number(state, "count", arg, 1, INT64_MAX, &session->max_calls);
		break;
	case OPT_GOROUTINE:
		number(state, "goroutine", arg, 1, INT64_MAX, &session->goid);
		break;
	case OPT_DURATION:
		option_time(state, "duration", arg, &trace->duration_ns);
		break;
	case OPT_BUFFER:
		if (!parse_size(arg, &session->buffer_bytes) ||
		    session->buffer_bytes < BUFFER_MIN || session->buffer_bytes > BUFFER_MAX)
			argp_error(state, "--buffer %s: not a size from 4K to 1G, such as 64M",
				   arg);
		break;
	}
}

static void parse_overhead(struct argp_state *state, const char *arg, double *share)
{
	const char *end;
	double percent;
	if (!parse_decimal(arg, &percent, &end) || (*end && strcmp(end, "%")) || percent <= 0 ||
	    percent >= 100)
		argp_error(state,
			   "--max-overhead %s: give it in percent, more than 0 and less than 100",
			   arg);
	*share = percent / 100;
}

// Parses the N of --sample 1/N and of --rate N/s.
static void parse_budgets(struct argp_state *state, int key, const char *arg,
			  struct plan_options *plan)
{
	uint64_t value = 0;
	if (key == OPT_SAMPLE) {
		if (strncmp(arg, "1/", 2) || !parse_number(arg + 2, INT32_MAX, &value) || !value)
			argp_error(state, "--sample %s: give it as 1/N, such as 1/100", arg);
		plan->every = (uint32_t)value;
		return;
	}
	char *end = strstr(arg, "/s");
	CLEANUP_FREE char *digits = end && !end[2] ? strndup(arg, (size_t)(end - arg)) : NULL;
	if (!digits || !parse_number(digits, RATE_MAX, &value) || !value)
		argp_error(state, "--rate %s: give it as N/s, such as 100/s (at most %d)", arg,
			   RATE_MAX);
	plan->rate = (uint32_t)value;
}

static error_t parse_choosing(int key, char *arg, struct argp_state *state)
{
	struct trace_options *trace = state->input;
	struct plan_options *plan = &trace->session.plan;
	switch (key) {
	case OPT_IF:
		if (plan->num_conditions == PLAN_CONDITIONS)
			argp_error(state, "--if: at most %d conditions", PLAN_CONDITIONS);
		else
			plan->conditions[plan->num_conditions++] = arg;
		return 0;
	case OPT_SLOWER:
		option_time(state, "slower", arg, &plan->slower_ns);
		return 0;
	case OPT_ERRORS:
		plan->errors = true;
		return 0;
	case OPT_CALLER:
		plan->caller = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp choosing_options_argp = {.options = choosing_options, .parser = parse_choosing};

static error_t parse_output(int key, char *arg, struct argp_state *state)
{
	static const char *const timestamps[] = {"none", "relative", "wall", "mono", NULL};
	static const char *const colors[] = {"never", "always", "auto", NULL};
	struct trace_options *trace = state->input;
	switch (key) {
	case OPT_FORMAT:
		trace->session.sink = sink_find(arg);
		if (!trace->session.sink)
			argp_error(state, "--format %s: there are graph, lines and json", arg);
		return 0;
	case OPT_TIMESTAMPS:
		trace->session.timestamps =
			(enum sink_timestamps)choice(state, "timestamps", arg, timestamps);
		return 0;
	case OPT_COLOR:
		trace->color = choice(state, "color", arg, colors);
		if (trace->color == 2)
			trace->color = -1;
		return 0;
	case 'o':
		trace->output = arg;
		return 0;
	case 'q':
		trace->verbosity = -1;
		return 0;
	case 'v':
		trace->verbosity = 1;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp output_options_argp = {.options = output_options, .parser = parse_output};

static error_t parse_trace(int key, char *arg, struct argp_state *state)
{
	struct trace_options *trace = state->input;
	struct session_options *session = &trace->session;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = trace;
		state->child_inputs[1] = trace;
		return 0;
	case OPT_BACKEND:
		session->backend = backend_find(arg);
		if (!session->backend)
			argp_error(state, "--backend %s: there are ebpf and ptrace", arg);
		return 0;
	case OPT_NO_ARGS:
		session->plan.no_args = true;
		return 0;
	case OPT_NO_RETURN:
		session->plan.no_return = true;
		return 0;
	case OPT_DRY_RUN:
		trace->dry_run = true;
		return 0;
	case OPT_SAVE:
		trace->save = arg;
		return 0;
	case OPT_DEPTH:
	case OPT_STRLEN:
	case OPT_ITEMS:
	case OPT_COUNT:
	case OPT_GOROUTINE:
	case OPT_DURATION:
	case OPT_BUFFER:
		parse_limits(state, key, arg, trace);
		return 0;
	case OPT_STACK:
		session->plan.stack = STACK_DEFAULT;
		if (arg)
			number32(state, "stack", arg, 1, WIRE_STACK_MAX, &session->plan.stack);
		return 0;
	case OPT_MAX_OVERHEAD:
		parse_overhead(state, arg, &session->max_overhead);
		return 0;
	case OPT_CREATOR:
		session->plan.creator = true;
		return 0;
	case OPT_WITHIN:
		session->plan.within = arg;
		return 0;
	case OPT_SAMPLE:
	case OPT_RATE:
		parse_budgets(state, key, arg, &session->plan);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child trace_children[] = {{&output_options_argp, 0, NULL, 0},
						   {&choosing_options_argp, 0, NULL, 0},
						   {0}};
const struct argp trace_options_argp = {.options = trace_options,
					.parser = parse_trace,
					.children = trace_children};

struct error *trace_options_open(struct trace_options *trace)
{
	int out = STDOUT_FILENO;
	struct error *err = NULL;
	if (trace->output)
		err = output_open(trace->output, &out);
	trace->session.out = out;
	if (!err && trace->save)
		err = output_open(trace->save, &trace->session.save);
	if (!err && trace->save && output_is_same(out, trace->session.save))
		err = error_new("%s: the trace and the records for --save need two files",
				trace->save);
	if (err)
		return err;
	trace->session.color =
		trace->color > 0 || (trace->color < 0 && isatty(out) && !getenv("NO_COLOR"));
	trace->session.stop = &cli_signal;
	trace->session.hurry = &cli_hurry;
	return NULL;
}

struct error *trace_options_begin(const struct trace_options *trace)
{
	return trace->output ? output_empty(trace->session.out, trace->output) : NULL;
}

void trace_options_close(struct trace_options *trace)
{
	// out is standard output if the file of -o could not be opened.
	if (trace->output && trace->session.out > STDERR_FILENO)
		close(trace->session.out);
	if (trace->session.save >= 0)
		close(trace->session.save);
}

struct error *open_target_index(const char *target, struct index **out, pid_t *pid)
{
	uint64_t number;
	*pid = 0;
	if (!parse_number(target, INT32_MAX, &number))
		return index_open(target, target, "", out);
	struct target *process;
	struct error *err = target_attach((pid_t)number, &process);
	if (err)
		return err;
	err = index_open(target_exe(process), target_name(process), target_root(process), out);
	*pid = target_pid(process);
	target_destroy(process);
	return err ? error_wrap(err, "%s", target) : NULL;
}
