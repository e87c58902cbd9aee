// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/commands/aggregate.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/commands/trace.h"

enum { OPT_BY = 768, OPT_INTERVAL, OPT_KEYS, OPT_WITHIN, OPT_VALUE, OPT_LINEAR, OPT_SORT };
enum { OPT_FORMAT = 1024, OPT_BACKEND, OPT_DURATION, OPT_GOROUTINE };
enum { POLL_MS = 100, KEYS_DEFAULT = 1024, KEYS_MAX = 65536, TOP_ROWS = 40 };
static const uint64_t TOP_INTERVAL_NS = 1000000000;

struct arguments {
	const struct aggregate_command *command;
	struct trace_options trace;
	struct aggregate_options aggregate;
	char **words; // the target's PID (unless has_program), patterns, maybe a value
	size_t num_words;
	char *by; // a copy of --by, split at its commas; aggregate.by points into it
	uint64_t interval_ns;
	enum aggregate_order order;
	bool is_json, has_program;
};

// --- Options -------------------------------------------------------------------------------------

static const struct argp_option options[] = {
	{NULL, 0, NULL, 0, "What is counted:", 1},
	{"by", OPT_BY, "EXPR[,EXPR...]", 0,
	 "A key for each value: a parameter, a field of one, a result, an expression over them, goid, caller",
	 1},
	{"keys", OPT_KEYS, "N", 0, "Room for N keys (default 1024)", 1},
	{"value", OPT_VALUE, "EXPR", 0, "An integer instead of the calls' durations", 1},
	{"linear", OPT_LINEAR, "MIN,MAX,STEP", 0, "Equal buckets instead of powers of two", 1},
	{"within", OPT_WITHIN, "FUNC", 0,
	 "Only calls made while FUNC is active on the same goroutine", 4},
	{"goroutine", OPT_GOROUTINE, "ID", 0, "Only calls of this goroutine", 4},
	{NULL, 0, NULL, 0, "How it is shown:", 2},
	{"interval", OPT_INTERVAL, "TIME", 0, "Print each TIME too, not only at the end", 2},
	{"sort", OPT_SORT, "WHAT", 0, "What comes first: calls, total (default) or p99", 2},
	{"format", OPT_FORMAT, "NAME", 0, "text (default) or json", 2},
	{"output", 'o', "FILE", 0, "Write to FILE instead of standard output", 2},
	{"quiet", 'q', NULL, 0, "Say nothing on standard error but errors", 2},
	{"verbose", 'v', NULL, 0, "Say more on standard error", 2},
	{NULL, 0, NULL, 0, "How it is done:", 3},
	{"duration", OPT_DURATION, "TIME", 0, "End after TIME, in Go's syntax: 1.5s, 250ms", 3},
	{"backend", OPT_BACKEND, "NAME", 0, "ebpf (default) or ptrace", 3},
	{0},
};

// The length of the first expression: up to a comma that is outside brackets and quotation marks.
static size_t one_expression(const char *text)
{
	int open = 0;
	char quote = 0;
	size_t len = 0;
	for (; text[len] && (quote || open > 0 || text[len] != ','); len++) {
		char c = text[len];
		if (quote && c == '\\' && quote != '`' && text[len + 1])
			len++;
		else if (quote)
			quote = c == quote ? 0 : quote;
		else if (strchr("\"'`", c))
			quote = c;
		else
			open += !!strchr("([", c) - !!strchr(")]", c);
	}
	return len;
}

// Splits "a.b,len(c)" into expressions, at most WIRE_KEYS.
static void take_by(struct argp_state *state, struct arguments *arguments, const char *arg)
{
	struct aggregate_options *aggregate = &arguments->aggregate;
	free(arguments->by);
	arguments->by = strdup(arg);
	aggregate->num_by = 0;
	for (char *one = arguments->by, *next; one; one = next) {
		size_t len = one_expression(one);
		next = one[len] ? one + len + 1 : NULL;
		one[len] = '\0';
		one += strspn(one, " \t");
		if (!*one || aggregate->num_by == WIRE_KEYS)
			argp_error(state, "--by %s: give up to %d expressions with commas", arg,
				   WIRE_KEYS);
		aggregate->by[aggregate->num_by++] = one;
	}
}

static void take_linear(struct argp_state *state, struct aggregate_options *aggregate,
			const char *arg)
{
	long long min, max, step;
	char end;
	if (sscanf(arg, "%lld,%lld,%lld%c", &min, &max, &step, &end) != 3 || max <= min ||
	    step <= 0)
		argp_error(state, "--linear %s: give it as MIN,MAX,STEP, such as 0,100,10", arg);
	uint64_t width = (uint64_t)max - (uint64_t)min, num = (width - 1) / (uint64_t)step + 1;
	if (num > WIRE_BUCKETS)
		argp_error(state, "--linear %s: at most %d buckets", arg, WIRE_BUCKETS);
	aggregate->num_linear = (uint32_t)num;
	aggregate->linear_min = min;
	aggregate->linear_step = (uint64_t)step;
}

static void take_number(struct argp_state *state, const char *option, const char *arg, uint64_t max,
			uint64_t *out)
{
	if (!parse_number(arg, max, out) || !*out)
		argp_error(state, "--%s %s: give a whole number from 1 to %llu", option, arg,
			   (unsigned long long)max);
}

static void take_sort(struct argp_state *state, struct arguments *arguments, const char *arg)
{
	static const char *const names[] = {"calls", "total", "p99"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(arg, names[i]))
			continue;
		arguments->order = (enum aggregate_order)i;
		return;
	}
	argp_error(state, "--sort %s: there are calls, total and p99", arg);
}

static error_t parse_shared(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct session_options *session = &arguments->trace.session;
	switch (key) {
	case OPT_FORMAT:
		arguments->is_json = !strcmp(arg, "json");
		if (!arguments->is_json && strcmp(arg, "text"))
			argp_error(state, "--format %s: there are text and json", arg);
		return 0;
	case OPT_BACKEND:
		session->backend = backend_find(arg);
		if (!session->backend)
			argp_error(state, "--backend %s: there are ebpf and ptrace", arg);
		return 0;
	case OPT_DURATION:
		option_time(state, "duration", arg, &arguments->trace.duration_ns);
		return 0;
	case OPT_GOROUTINE:
		take_number(state, "goroutine", arg, INT64_MAX, &session->goid);
		return 0;
	case 'o':
		arguments->trace.output = arg;
		return 0;
	case 'q':
		arguments->trace.verbosity = -1;
		return 0;
	case 'v':
		arguments->trace.verbosity = 1;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_words(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	if (key == ARGP_KEY_ARG) {
		arguments->words[arguments->num_words++] = arg;
		return 0;
	}
	if (key != ARGP_KEY_END)
		return ARGP_ERR_UNKNOWN;
	if (!arguments->num_words && !arguments->has_program)
		argp_error(state, "which process? Give its PID, then patterns such as 'main.*'");
	if (!arguments->has_program)
		usage_check_pid(state, arguments->words[0], arguments->words[1]);
	if (arguments->num_words < (arguments->has_program ? 1 : 2))
		argp_error(state, "which functions? Give patterns such as 'main.*'");
	return 0;
}

// The command that an option belongs to; all if all three commands have it.
static enum aggregate_kind option_kind(int key, enum aggregate_kind all)
{
	if (key == OPT_VALUE || key == OPT_LINEAR)
		return AGGREGATE_HIST;
	return key == OPT_SORT ? AGGREGATE_TOP : all;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	enum aggregate_kind kind = arguments->command->kind;
	uint64_t number = 0;
	if (option_kind(key, kind) != kind)
		argp_error(state, "%s",
			   key == OPT_SORT     ? "--sort is of gotrace top"
			   : key == OPT_LINEAR ? "--linear is of gotrace hist"
					       : "--value is of gotrace hist");
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->trace;
		return 0;
	case OPT_BY:
		take_by(state, arguments, arg);
		return 0;
	case OPT_KEYS:
		take_number(state, "keys", arg, KEYS_MAX, &number);
		arguments->aggregate.max_keys = (uint32_t)number;
		return 0;
	case OPT_WITHIN:
		arguments->trace.session.plan.within = arg;
		return 0;
	case OPT_VALUE:
		arguments->aggregate.value = arg;
		return 0;
	case OPT_LINEAR:
		take_linear(state, &arguments->aggregate, arg);
		return 0;
	case OPT_SORT:
		take_sort(state, arguments, arg);
		return 0;
	case OPT_INTERVAL:
		option_time(state, "interval", arg, &arguments->interval_ns);
		return 0;
	case ARGP_KEY_ARG:
	case ARGP_KEY_END:
		return parse_words(key, arg, state);
	}
	return parse_shared(key, arg, state);
}

static const struct argp_child children[] = {{&choosing_options_argp, 0, NULL, 0}, {0}};

// --- Printing ------------------------------------------------------------------------------------

// Writes the text to a descriptor. It is no error if the reader has gone away.
static struct error *show(int out, const struct text *text)
{
	if (text->failed)
		return error_nomem();
	for (size_t done = 0; done < text->len;) {
		ssize_t len = write(out, text->data + done, text->len - done);
		if (len >= 0)
			done += (size_t)len;
		else if (errno == EPIPE)
			return NULL;
		else if (errno != EINTR || cli_signal)
			return error_errno(errno, "writing");
	}
	return NULL;
}

// The size of the terminal; TOP_ROWS rows of any width if it does not know its size.
static struct winsize top_size(int out)
{
	struct winsize size = {0};
	if (!ioctl(out, TIOCGWINSZ, &size) && size.ws_row > 2 && size.ws_col)
		return size;
	return (struct winsize){.ws_row = TOP_ROWS, .ws_col = UINT16_MAX};
}

// Writes the table over the one before. Clearing the screen first would flicker, and some terminals
// keep each cleared screen in their scrollback.
static void put_in_place(const struct text *table, struct text *out)
{
	text_puts(out, "\033[H");
	for (size_t i = 0; i < table->len; i++) {
		if (table->data[i] == '\n')
			text_puts(out, "\033[K");
		text_putc(out, table->data[i]);
	}
	text_puts(out, "\033[J");
	out->failed |= table->failed;
}

static void print_top(const struct aggregates *aggregates, int out, bool is_last, struct text *text)
{
	if (!isatty(out)) {
		aggregates_print_top(aggregates, SIZE_MAX, SIZE_MAX, text);
		if (!is_last)
			text_putc(text, '\n');
		return;
	}
	struct winsize size = top_size(out);
	struct text table;
	text_init(&table);
	if (is_last)
		aggregates_print_top(aggregates, SIZE_MAX, SIZE_MAX, &table);
	else
		aggregates_print_top(aggregates, size.ws_row - 2u, size.ws_col, &table);
	put_in_place(&table, text);
	text_deinit(&table);
}

static void print(const struct arguments *arguments, struct aggregates *aggregates, bool is_last,
		  struct text *text)
{
	const struct aggregate_command *command = arguments->command;
	bool is_top = command->kind == AGGREGATE_TOP;
	aggregates_sort(aggregates, is_top ? arguments->order : AGGREGATE_BY_CALLS, true);
	if (arguments->is_json) {
		aggregates_print_json(aggregates, command->event, is_last, text);
	} else if (is_top) {
		print_top(aggregates, arguments->trace.session.out, is_last, text);
	} else if (command->kind == AGGREGATE_HIST) {
		aggregates_print_histograms(aggregates, text);
	} else {
		aggregates_print_counts(aggregates, is_last, text);
		if (!is_last)
			text_putc(text, '\n');
	}
}

static struct error *read_and_print(struct session *session, const struct arguments *arguments,
				    struct aggregates *aggregates, bool is_last)
{
	struct wire_aggregate_lost lost = {0};
	aggregates_begin(aggregates, clock_now());
	struct error *err = session_aggregates(session, aggregates_add, aggregates, &lost);
	if (err)
		return err;
	aggregates->lost = lost;
	struct text text;
	text_init(&text);
	print(arguments, aggregates, is_last, &text);
	err = show(arguments->trace.session.out, &text);
	text_deinit(&text);
	return err;
}

// The counts are already printed. Prints on stderr what they lack, and in JSON also as a line of
// the output.
static struct error *print_summary(const struct arguments *arguments,
				   const struct aggregates *aggregates, size_t num_functions)
{
	struct text text;
	text_init(&text);
	aggregates_print_summary(aggregates, num_functions, false, &text);
	if (text.len)
		cli_say("%.*s", (int)text.len - 1, text.data);
	text_reset(&text);
	struct error *err = NULL;
	if (arguments->is_json) {
		aggregates_print_summary(aggregates, num_functions, true, &text);
		err = show(arguments->trace.session.out, &text);
	}
	text_deinit(&text);
	return err;
}

// --- Counting ------------------------------------------------------------------------------------

static struct error *follow(struct session *session, const struct arguments *arguments,
			    struct aggregates *aggregates)
{
	uint64_t start = clock_now(), next = start + arguments->interval_ns;
	uint64_t end =
		arguments->trace.duration_ns ? start + arguments->trace.duration_ns : UINT64_MAX;
	enum session_state state = SESSION_RUNS;
	struct error *err = NULL;
	while (!err && state == SESSION_RUNS && !cli_signal) {
		uint64_t now = clock_now(), until = end;
		if (now >= end)
			break;
		if (arguments->interval_ns && now >= next) {
			err = read_and_print(session, arguments, aggregates, false);
			next += arguments->interval_ns;
		}
		if (arguments->interval_ns && next < until)
			until = next;
		uint64_t left_ms = until > now ? (until - now) / 1000000 + 1 : 1;
		if (!err)
			err = session_poll(session, left_ms < POLL_MS ? (int)left_ms : POLL_MS,
					   &state);
	}
	if (!err)
		trace_say_end(session, state);
	return err;
}

// Sets *out if the word is an expression such as "n", "req.Size" or "len(p) * 8". Patterns rarely
// are. A method's name such as "main.(*T).Get" is a pattern, although it reads as a type assertion.
static struct error *looks_like_value(const char *word, bool *out)
{
	char *reason;
	struct error *err = expr_check(word, &reason);
	*out = !err && !reason && !strstr(word, ".(");
	free(reason);
	return err;
}

// For hist: takes the last word as the value if it is an expression and selects no function.
// "duration" is the default value.
static struct error *take_value(struct session *session, struct arguments *arguments,
				char **patterns, size_t *num)
{
	struct aggregate_options *aggregate = &arguments->aggregate;
	if (arguments->command->kind != AGGREGATE_HIST || *num < 2 || aggregate->value)
		return NULL;
	bool is_value;
	struct error *err = looks_like_value(patterns[*num - 1], &is_value);
	if (err || !is_value)
		return err;
	struct selection selection;
	err = select_functions(session_index(session), &patterns[*num - 1], 1, &selection);
	if (!err) {
		selection_deinit(&selection);
		return NULL;
	}
	error_free(err);
	(*num)--;
	if (strcmp(patterns[*num], "duration"))
		aggregate->value = patterns[*num];
	return NULL;
}

static struct error *count_calls(struct session *session, struct arguments *arguments,
				 const struct session_trace *armed, bool started)
{
	struct aggregates aggregates;
	aggregates_init(&aggregates, session_plan(session), session_bias(session), clock_now());
	aggregates.is_as_in_file = session_is_as_in_file;
	aggregates.context = session;
	trace_say_armed(session, armed);
	struct error *err = trace_begin(session, started);
	if (!err)
		err = follow(session, arguments, &aggregates);
	struct text words;
	text_init(&words);
	struct error *finish_err = session_finish(session, &words);
	text_deinit(&words);
	if (!err)
		err = take(finish_err);
	error_free(finish_err);
	if (!err)
		err = read_and_print(session, arguments, &aggregates, true);
	if (!err)
		err = print_summary(arguments, &aggregates, armed->num_funcs);
	aggregates_deinit(&aggregates);
	return err;
}

static struct error *trace(struct session *session, struct arguments *arguments, bool started)
{
	char **patterns = arguments->words + !started;
	size_t num = arguments->num_words - !started;
	struct error *err = take_value(session, arguments, patterns, &num);
	struct session_request request = {
		.patterns = patterns,
		.num_patterns = num,
		.options = arguments->trace.session.plan,
	};
	const struct session_trace *armed;
	if (!err)
		err = session_trace(session, &request, &armed);
	if (!err)
		err = trace_options_begin(&arguments->trace);
	if (!err)
		err = count_calls(session, arguments, armed, started);
	return err;
}

static int run(struct target *target, struct arguments *arguments, bool started)
{
	struct session *session = NULL;
	struct error *err = trace_options_open(&arguments->trace);
	if (!err)
		err = session_create(target, &arguments->trace.session, &session);
	else
		target_destroy(target);
	if (!err)
		err = trace(session, arguments, started);
	int status = err ? cli_fail(err) : EXIT_DONE;
	if (!status && started)
		status = trace_program_status(session_target(session));
	session_destroy(session);
	trace_options_close(&arguments->trace);
	return status;
}

static int open_target(struct arguments *arguments, char **program)
{
	struct target *target;
	struct error *err;
	uint64_t pid;
	if (program) {
		err = target_start(program, false, &target);
		return err ? cli_fail(err) : run(target, arguments, true);
	}
	if (!parse_number(arguments->words[0], INT32_MAX, &pid))
		return cli_fail(error_new("%s: not a PID", arguments->words[0])), EXIT_USAGE;
	err = target_attach((pid_t)pid, &target);
	return err ? cli_fail(err) : run(target, arguments, false);
}

int aggregate_main(const struct aggregate_command *command, int argc, char **argv)
{
	CLEANUP_FREE char **words = calloc((size_t)argc + 1, sizeof(*words));
	if (!words)
		return cli_fail(error_nomem());
	int split = 1;
	while (split < argc && strcmp(argv[split], "--"))
		split++;
	struct arguments arguments = {
		.command = command,
		.words = words,
		.has_program = split + 1 < argc,
		.order = AGGREGATE_BY_TOTAL,
		.aggregate.max_keys = KEYS_DEFAULT,
		.aggregate.has_errors = command->kind != AGGREGATE_HIST,
		.aggregate.has_histogram = command->kind != AGGREGATE_COUNT,
	};
	trace_options_init(&arguments.trace);
	if (getrandom(arguments.aggregate.seed, sizeof(arguments.aggregate.seed), 0) < 0)
		return cli_fail(error_errno(errno, "getting random numbers"));
	arguments.trace.session.plan.aggregate = &arguments.aggregate;
	// The options of the other two commands are hidden. They are parsed only for a better error
	// message.
	struct argp_option own_options[sizeof(options) / sizeof(*options)];
	memcpy(own_options, options, sizeof(options));
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (option_kind(options[i].key, command->kind) != command->kind)
			own_options[i].flags |= OPTION_HIDDEN;
	struct argp argp = command->argp;
	argp.parser = parse;
	argp.options = own_options;
	argp.children = children;
	cli_parse(&argp, split, argv, NULL, &arguments);
	if (command->kind == AGGREGATE_TOP && !arguments.interval_ns)
		arguments.interval_ns = TOP_INTERVAL_NS;
	cli_set_verbosity(arguments.trace.verbosity);
	cli_catch_signals();
	int status = open_target(&arguments, arguments.has_program ? argv + split + 1 : NULL);
	free(arguments.by);
	return status;
}
