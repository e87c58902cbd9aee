// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"
#include "cli/output.h"
#include "cli/values.h"
#include "tracer/count/aggregates.h"
#include "tracer/output/template.h"
#include "tracer/plan/expr/expr.h"

enum { STACK_DEFAULT = 32, ITEMS_MAX = 1024, RATE_MAX = 1000000000 };
enum { WIDTH_MIN = 40, WIDTH_MAX = 10000 };
enum { REDACTIONS_MAX = 32 }; // and the default ones
enum { KEYS_DEFAULT = 1024, KEYS_MAX = 65536 };
enum { BUFFER_DEFAULT = 32 << 20, BUFFER_MIN = 4096, BUFFER_MAX = 1 << 30 };
enum { ROUNDS_DEFAULT = 5, CALLS_DEFAULT = 100000, CALLS_MAX = 1000000000 };

void options_init(struct options *options)
{
	*options = (struct options){
		.session.plan.capture.depth = PLAN_DEPTH,
		.session.plan.capture.strlen = PLAN_STRLEN,
		.session.plan.capture.items = PLAN_ITEMS,
		.session.backend = backends[0],
		.session.look.sink = sinks[0],
		.session.lines_max = LINES_ON_SCREEN,
		.session.buffer_bytes = BUFFER_DEFAULT,
		.session.look.out = STDOUT_FILENO,
		.session.save = -1,
		.brake = OPTIONS_BRAKE,
		.aggregate.max_keys = KEYS_DEFAULT,
		.bench.format = bench_formats[0],
		.bench.rounds = ROUNDS_DEFAULT,
		.bench.calls = CALLS_DEFAULT,
	};
}

void options_deinit(struct options *options)
{
	template_destroy((struct template *)options->session.look.print);
	free(options->by);
	free(options->scripts);
	free(options->words);
}

// --- Kinds of one option -------------------------------------------------------------------------

static struct error *parse_list(const struct option_row *option, const char *arg, void *value)
{
	struct plan_list *list = value;
	if (list->num == PLAN_LISTS)
		return error_new("--%s: at most %d times", option->name, PLAN_LISTS);
	list->text[list->num++] = arg;
	return NULL;
}

// The rules whose number is the value.
static struct error *parse_redact(const struct option_row *option, const char *arg, void *value)
{
	struct redact_options *redact =
		(void *)((char *)value - offsetof(struct redact_options, num));
	struct redact *checked = NULL;
	if (!strcmp(arg, "none")) {
		*redact = (struct redact_options){.no_defaults = true};
		return NULL;
	}
	if (redact->num == REDACTIONS_MAX)
		return error_new("--%s: at most %d", option->name, REDACTIONS_MAX);
	redact->rules[redact->num++] = arg;
	struct error *err = redact_create(redact, &checked);
	redact_destroy(checked);
	return err ? error_wrap(err, "--%s", option->name) : NULL;
}

// Several conditions are printed as one, which means the same.
static void print_conditions(const struct option_row *option, const void *value, FILE *out)
{
	(void)option;
	const struct plan_list *list = value;
	for (uint32_t i = 0; i < list->num; i++)
		fprintf(out, list->num == 1 ? "%s%s" : "%s(%s)", i ? " && " : "", list->text[i]);
}

static void print_list(const struct option_row *option, const void *value, FILE *out)
{
	(void)option;
	const struct plan_list *list = value;
	for (uint32_t i = 0; i < list->num; i++)
		fprintf(out, "%s%s", i ? ", " : "", list->text[i]);
}

// The value is the template's place in the session's look. Its expressions are shown.
static struct error *parse_print(const struct option_row *option, const char *arg, void *value)
{
	struct options *options =
		(void *)((char *)value - offsetof(struct options, session.look.print));
	struct template *template = NULL;
	if (options->session.look.print)
		return error_new("--%s: there is one template", option->name);
	struct error *err = template_create(arg, &template);
	if (err)
		return error_wrap(err, "--%s", option->name);
	options->session.look.print = template;
	return template->show
		       ? parse_list(option, template->show, &options->session.plan.shown.show)
		       : NULL;
}

static struct error *parse_share(const struct option_row *option, const char *arg, void *value)
{
	const char *end;
	double percent;
	if (!strcmp(arg, "none")) {
		*(double *)value = 0;
		return NULL;
	}
	if (!parse_decimal(arg, &percent, &end) || (*end && strcmp(end, "%")) || percent <= 0 ||
	    percent >= 100)
		return error_new("--%s %s: give it in percent, more than 0 and less than 100",
				 option->name, arg);
	*(double *)value = percent / 100;
	return NULL;
}

static struct error *parse_no_share(const struct option_row *option, const char *arg, void *value)
{
	(void)option;
	(void)arg;
	*(double *)value = 0;
	return NULL;
}

static void print_share(const struct option_row *option, const void *value, FILE *out)
{
	(void)option;
	fprintf(out, "%g%%", *(const double *)value * 100);
}

// Splits "a.b,len(c)" into expressions, at most WIRE_KEYS.
static struct error *parse_by(const struct option_row *option, const char *arg, void *value)
{
	struct options *options = value;
	struct aggregate_options *aggregate = &options->aggregate;
	struct text all;
	text_init(&all);
	for (size_t i = 0; i < aggregate->num_by; i++) // of an earlier --by
		text_printf(&all, "%s,", aggregate->by[i]);
	text_puts(&all, arg);
	free(options->by);
	options->by = all.failed ? NULL : strdup(text_string(&all));
	text_deinit(&all);
	aggregate->num_by = 0;
	for (char *one = options->by, *next; one; one = next) {
		size_t len = expr_list_first(one);
		next = one[len] ? one + len + 1 : NULL;
		one[len] = '\0';
		one += strspn(one, " \t");
		if (!*one || aggregate->num_by == WIRE_KEYS)
			return error_new("--%s %s: give up to %d expressions with commas",
					 option->name, arg, WIRE_KEYS);
		aggregate->by[aggregate->num_by++] = one;
	}
	return options->by ? NULL : error_nomem();
}

static struct error *parse_linear(const struct option_row *option, const char *arg, void *value)
{
	struct aggregate_options *aggregate = value;
	long long min, max, step;
	char end;
	if (sscanf(arg, "%lld,%lld,%lld%c", &min, &max, &step, &end) != 3 || max <= min ||
	    step <= 0)
		return error_new("--%s %s: give it as %s, such as 0,100,10", option->name, arg,
				 option->arg);
	uint64_t width = (uint64_t)max - (uint64_t)min, num = (width - 1) / (uint64_t)step + 1;
	if (num > WIRE_BUCKETS)
		return error_new("--%s %s: at most %d buckets", option->name, arg, WIRE_BUCKETS);
	aggregate->num_linear = (uint32_t)num;
	aggregate->linear_min = min;
	aggregate->linear_step = (uint64_t)step;
	return NULL;
}

static struct error *parse_workload(const struct option_row *option, const char *arg, void *value)
{
	struct bench_options *bench = value;
	uint32_t index;
	struct error *err = kind_word.parse(option, arg, &index);
	if (err)
		return err;
	bench->has_workload = bench->is_chosen[index] = true;
	return NULL;
}

static struct error *parse_script(const struct option_row *option, const char *arg, void *value)
{
	struct options *options = value;
	if (!vec_room(options->scripts, options->num_scripts, options->scripts_size))
		return error_nomem();
	options->scripts[options->num_scripts++] =
		(struct options_script){.is_file = option->letter == 'x', .text = arg};
	return NULL;
}

static struct error *parse_width(const struct option_row *option, const char *arg, void *value)
{
	if (strcmp(arg, "none") != 0)
		return kind_number32.parse(option, arg, value);
	*(uint32_t *)value = VALUE_WIDTH_ALL;
	return NULL;
}

static struct error *parse_lines(const struct option_row *option, const char *arg, void *value)
{
	if (strcmp(arg, "all") != 0)
		return kind_number32.parse(option, arg, value);
	*(uint32_t *)value = 0;
	return NULL;
}

static void print_width(const struct option_row *option, const void *value, FILE *out)
{
	if (*(const uint32_t *)value == VALUE_WIDTH_ALL)
		fputs("none", out);
	else
		kind_number32.print(option, value, out);
}

static const struct option_kind kind_width = {sizeof(uint32_t), false, parse_width, print_width};
static const struct option_kind kind_conditions = {sizeof(struct plan_list), false, parse_list,
						   print_conditions};
static const struct option_kind kind_list = {sizeof(struct plan_list), false, parse_list,
					     print_list};
static const struct option_kind kind_share = {sizeof(double), false, parse_share, print_share};
static const struct option_kind kind_no_share = {sizeof(double), true, parse_no_share, NULL};
static const struct option_kind kind_by = {0, false, parse_by, NULL};
static const struct option_kind kind_redact = {sizeof(uint32_t), false, parse_redact, NULL};
static const struct option_kind kind_print = {sizeof(void *), false, parse_print, NULL};
static const struct option_kind kind_lines = {sizeof(uint32_t), false, parse_lines, NULL};
static const struct option_kind kind_linear = {0, false, parse_linear, NULL};
static const struct option_kind kind_workload = {0, false, parse_workload, NULL};
static const struct option_kind kind_script = {0, false, parse_script, NULL};

// --- The table -----------------------------------------------------------------------------------

static const char *const text_or_json[] = {"text", "json", NULL};
static const char *const colors[] = {"auto", "always", "never", NULL};
static const char *const timestamps[] = {"none", "relative", "wall", "mono", "delta", NULL};
static const char *const captures[] = {"shown", "full", NULL}; // enum options_capture
static const char *const orders[] = {"total", "calls", "p99", NULL};

#define ROWS(TABLE)  .rows = (const void *const *)(TABLE)
#define VALUE(FIELD) .at = offsetof(struct options, FIELD)
#define TRACES	     "attach run"
#define COUNTS	     "count hist top"
#define OTHERS	     "list types whatis info disassemble doctor replay bench shell complete"

#define MAX_OVERHEAD                                                                            \
	"Trace no more of each function's calls than takes PCT percent of the program's time; " \
	"none: all calls"
#define ALL "Every call, at any price: --max-overhead none"

const struct option_row options_table[] = {
	{"format", .commands = TRACES " replay", .kind = &kind_row, VALUE(session.look.sink),
	 .scope = SCOPE_COMMAND, .group = GROUP_SHOWN, .arg = "NAME", ROWS(sinks)},
	{"format", .commands = "list info doctor " COUNTS, .kind = &kind_word, VALUE(is_json),
	 .group = GROUP_SHOWN, .arg = "NAME", .words = text_or_json},
	{"format", .commands = "bench", .kind = &kind_row, VALUE(bench.format),
	 .group = GROUP_SHOWN, .arg = "NAME", ROWS(bench_formats),
	 .doc = "benchfmt is Go's benchmark format"},
	{"output", .letter = 'o', .commands = TRACES " " COUNTS " replay", .kind = &kind_text,
	 VALUE(output), .scope = SCOPE_COMMAND, .group = GROUP_SHOWN, .arg = "FILE",
	 .completes = "files", .doc = "Write to FILE instead of standard output"},
	{"svg", .commands = "bench", .kind = &kind_text, VALUE(bench.svg), .group = GROUP_SHOWN,
	 .arg = "FILE", .completes = "files", .doc = "Draw a chart into FILE too"},
	{"interval", .commands = COUNTS, .kind = &kind_time, VALUE(interval_ns),
	 .group = GROUP_SHOWN, .arg = "TIME", .doc = "Print each TIME too, not only at the end"},
	{"sort", .commands = "top", .kind = &kind_word, VALUE(order), .group = GROUP_SHOWN,
	 .arg = "WHAT", .words = orders, .doc = "what comes first"},
	{"timestamps", .commands = TRACES " replay", .kind = &kind_word,
	 VALUE(session.look.timestamps), .scope = SCOPE_NOW, .group = GROUP_SHOWN, .arg = "KIND",
	 .words = timestamps},
	{"color", .commands = TRACES " replay", .kind = &kind_word, VALUE(color),
	 .scope = SCOPE_NOW, .group = GROUP_SHOWN, .arg = "WHEN", .words = colors},
	{"slow-at", .commands = TRACES " replay", .kind = &kind_time, VALUE(session.look.slow_ns),
	 .scope = SCOPE_NOW, .none = "auto", .group = GROUP_SHOWN, .arg = "TIME",
	 .doc = "Mark calls that take longer than TIME, in yellow (default: longer than 99 of 100 "
		"calls of their function)"},
	{"raw", .commands = TRACES " replay", .kind = &kind_flag, VALUE(session.look.is_raw),
	 .scope = SCOPE_NOW, .none = "off", .group = GROUP_SHOWN,
	 .doc = "Show the fields of well-known types and errors, not what they mean"},
	{"width", .commands = TRACES " replay", .kind = &kind_width, VALUE(session.look.width),
	 .scope = SCOPE_NOW, .none = "auto", .group = GROUP_SHOWN, .arg = "N|none",
	 .min = WIDTH_MIN, .max = WIDTH_MAX,
	 .doc = "Fit each call's line into N columns; none: show all that was captured (default: "
		"the terminal's width, elsewhere 200)"},
	{"lines", .commands = TRACES, .kind = &kind_lines, VALUE(session.lines_max),
	 .group = GROUP_SHOWN, .arg = "N|all", .min = 1, .max = INT32_MAX,
	 .doc = "On a terminal, at most N lines a second (default 200); the others are counted"},
	{"zero", .commands = TRACES " replay", .kind = &kind_flag, VALUE(session.look.shows_zero),
	 .scope = SCOPE_NOW, .none = "off", .group = GROUP_SHOWN,
	 .doc = "Show fields that are zero too"},
	{"redact", .commands = TRACES " " COUNTS " replay shell", .kind = &kind_redact,
	 VALUE(session.plan.capture.redact.num), .group = GROUP_SHOWN, .arg = "NAME|TYPE|/RE/",
	 .doc = "Neither capture nor show values of this name or type, besides passwords, tokens "
		"and the like; none: show all"},
	{"print", .commands = TRACES " replay", .kind = &kind_print, VALUE(session.look.print),
	 .group = GROUP_SHOWN, .arg = "TEMPLATE",
	 .doc = "One line a call, made from this: '{time} {goid} {func:<20} {r.URL.Path} {err} "
		"{duration:>8}'; fields are time, goid, func, duration, how, depth, call, pid and "
		"what --show takes"},
	{"no-entry", .commands = TRACES " replay", .kind = &kind_flag, VALUE(session.look.no_entry),
	 .scope = SCOPE_NOW, .none = "off", .group = GROUP_SHOWN,
	 .doc = "Of lines: one line a call, when it ends, with arguments and results"},
	{"no-fold", .commands = TRACES " replay", .kind = &kind_flag, VALUE(session.look.no_fold),
	 .scope = SCOPE_NOW, .none = "off", .group = GROUP_SHOWN,
	 .doc = "Show each of several calls in a row that are alike, not one line for all"},
	{"repeat", .commands = TRACES " replay", .kind = &kind_flag, VALUE(session.look.repeats),
	 .scope = SCOPE_NOW, .none = "off", .group = GROUP_SHOWN,
	 .doc = "Show an argument again, not as ^, if the calls around have shown it"},
	{"quiet", .letter = 'q', .commands = TRACES " " COUNTS " replay shell bench",
	 .kind = &kind_flag, VALUE(is_quiet), .group = GROUP_SHOWN,
	 .doc = "Print only errors on standard error"},
	{"verbose", .letter = 'v', .commands = TRACES " " COUNTS " replay shell",
	 .kind = &kind_flag, VALUE(is_verbose), .group = GROUP_SHOWN,
	 .doc = "Print more on standard error"},
	{"verbose", .letter = 'v', .commands = "list", .kind = &kind_flag, VALUE(shows_places),
	 .group = GROUP_SHOWN, .doc = "Show addresses, sizes, files and lines too"},
	{"by", .commands = COUNTS, .kind = &kind_by, .at = 0, .group = GROUP_COUNTED,
	 .arg = "EXPR[,EXPR...]",
	 .doc = "A key for each value: a parameter, a field of one, a result, an expression over "
		"them, goid, caller"},
	{"keys", .commands = COUNTS, .kind = &kind_number32, VALUE(aggregate.max_keys),
	 .group = GROUP_COUNTED, .arg = "N", .min = 1, .max = KEYS_MAX, .doc = "Room for N keys"},
	{"value", .commands = "hist", .kind = &kind_text, VALUE(aggregate.value),
	 .group = GROUP_COUNTED, .arg = "EXPR",
	 .doc = "An integer instead of the calls' durations"},
	{"linear", .commands = "hist", .kind = &kind_linear, VALUE(aggregate),
	 .group = GROUP_COUNTED, .arg = "MIN,MAX,STEP",
	 .doc = "Equal buckets instead of powers of two"},
	{"show", .commands = TRACES " replay", .kind = &kind_list, VALUE(session.plan.shown.show),
	 .scope = SCOPE_TRACE, .group = GROUP_CAPTURED, .arg = "EXPR[,EXPR...]",
	 .doc = "Only these Go expressions over the function's names: r.Method, r.Header[\"X\"][0], "
		"len(p), err; for the functions of one pattern: 'PATTERN show EXPR,...'"},
	{"args", .commands = TRACES " replay", .kind = &kind_list, VALUE(session.plan.shown.args),
	 .scope = SCOPE_TRACE, .group = GROUP_CAPTURED, .arg = "NAME[,NAME...]",
	 .doc = "Only these arguments; for one pattern: 'PATTERN args NAME,...'"},
	{"hide", .commands = TRACES " replay", .kind = &kind_list, VALUE(session.plan.shown.hide),
	 .scope = SCOPE_TRACE, .group = GROUP_CAPTURED, .arg = "NAME|TYPE[,...]",
	 .doc = "No arguments and results of this name or type: ctx, testing.T; for one pattern: "
		"'PATTERN hide NAME,...'"},
	{"depth", .commands = TRACES, .kind = &kind_number32, VALUE(session.plan.capture.depth),
	 .scope = SCOPE_CAPTURE, .group = GROUP_CAPTURED, .arg = "N", .min = 0,
	 .max = WIRE_DEPTH_MAX, .doc = "Follow N pointers and interfaces, one after the other"},
	{"strlen", .commands = TRACES, .kind = &kind_number32, VALUE(session.plan.capture.strlen),
	 .scope = SCOPE_CAPTURE, .group = GROUP_CAPTURED, .arg = "N", .min = 0,
	 .max = WIRE_BLOCK_MAX, .doc = "Bytes of a string"},
	{"items", .commands = TRACES, .kind = &kind_number32, VALUE(session.plan.capture.items),
	 .scope = SCOPE_CAPTURE, .group = GROUP_CAPTURED, .arg = "N", .min = 0, .max = ITEMS_MAX,
	 .doc = "Elements of a slice, array or map"},
	{"capture", .commands = TRACES, .kind = &kind_word, VALUE(capture), .group = GROUP_CAPTURED,
	 .arg = "WHAT", .words = captures,
	 .doc = "in text, only what a line is likely to show; full: all within --depth, --strlen "
		"and --items, as JSON and --save have it"},
	{"no-args", .commands = TRACES, .kind = &kind_flag, VALUE(session.plan.capture.no_args),
	 .scope = SCOPE_DEFAULT, .none = "off", .group = GROUP_CAPTURED,
	 .doc = "Capture no arguments"},
	{"no-return", .commands = TRACES, .kind = &kind_flag, VALUE(session.plan.capture.no_return),
	 .scope = SCOPE_DEFAULT, .none = "off", .group = GROUP_CAPTURED,
	 .doc = "Capture no returns: no results, no durations, a tenth of the cost"},
	{"stack", .commands = TRACES, .kind = &kind_number32, VALUE(session.plan.capture.stack),
	 .scope = SCOPE_CAPTURE, .none = "off", .group = GROUP_CAPTURED, .arg = "N", .min = 1,
	 .max = WIRE_STACK_MAX, .left_out = STACK_DEFAULT,
	 .doc = "From where each call was made: the call stack, at most N frames (default 32)"},
	{"creator", .commands = TRACES, .kind = &kind_flag, VALUE(session.plan.capture.creator),
	 .scope = SCOPE_CAPTURE, .none = "off", .group = GROUP_CAPTURED,
	 .doc = "Which go statement started the call's goroutine"},
	{"if", .commands = TRACES " " COUNTS, .kind = &kind_conditions,
	 VALUE(session.plan.filter.conditions), .scope = SCOPE_TRACE, .group = GROUP_CALLS,
	 .arg = "EXPR",
	 .doc = "Only calls for which this Go expression over the function's names holds: 'n > 3 "
		"&& err != nil'; for the functions of one pattern: 'PATTERN if EXPR'"},
	{"slower", .commands = TRACES " " COUNTS, .kind = &kind_time,
	 VALUE(session.plan.filter.slower_ns), .scope = SCOPE_TRACE, .group = GROUP_CALLS,
	 .arg = "TIME", .doc = "Only calls that take longer than TIME"},
	{"errors", .commands = TRACES " " COUNTS, .kind = &kind_flag,
	 VALUE(session.plan.filter.errors), .scope = SCOPE_TRACE, .group = GROUP_CALLS,
	 .doc = "Only calls that return an error"},
	{"caller", .commands = TRACES " " COUNTS, .kind = &kind_text,
	 VALUE(session.plan.filter.caller), .scope = SCOPE_TRACE, .group = GROUP_CALLS,
	 .arg = "FUNC", .completes = "functions", .doc = "Only calls made by this function"},
	{"within", .commands = TRACES " " COUNTS, .kind = &kind_text,
	 VALUE(session.plan.filter.within), .scope = SCOPE_TRACE, .group = GROUP_CALLS,
	 .arg = "FUNC", .completes = "functions",
	 .doc = "Only calls made while FUNC is active on the same goroutine"},
	{"goroutine", .commands = TRACES " " COUNTS, .kind = &kind_number64, VALUE(session.goid),
	 .scope = SCOPE_FILTER, .none = "all", .group = GROUP_CALLS, .arg = "ID", .min = 1,
	 .max = INT64_MAX, .doc = "Only calls of this goroutine"},
	{"duration", .commands = TRACES " " COUNTS, .kind = &kind_time, VALUE(duration_ns),
	 .scope = SCOPE_TRACE, .group = GROUP_LIMITS, .arg = "TIME",
	 .doc = "End after TIME, in Go's syntax: 1.5s, 250ms"},
	{"count", .commands = TRACES, .kind = &kind_number64, VALUE(session.max_calls),
	 .scope = SCOPE_DEFAULT, .none = "off", .group = GROUP_LIMITS, .arg = "N", .min = 1,
	 .max = INT64_MAX, .doc = "End after N calls, when those have returned"},
	{"sample", .commands = TRACES, .kind = &kind_number32, VALUE(session.plan.sampling.every),
	 .scope = SCOPE_DEFAULT, .none = "off", .group = GROUP_LIMITS, .arg = "1/N", .min = 1,
	 .max = INT32_MAX, .before = "1/",
	 .doc = "One in N calls of each function; the others are counted, and cost no event"},
	{"rate", .commands = TRACES, .kind = &kind_number32, VALUE(session.plan.sampling.rate),
	 .scope = SCOPE_DEFAULT, .none = "off", .group = GROUP_LIMITS, .arg = "N/s", .min = 1,
	 .max = RATE_MAX, .after = "/s", .doc = "At most N calls of each function a second"},
	{"max-overhead", .commands = "attach", .kind = &kind_share, VALUE(brake),
	 .group = GROUP_LIMITS, .arg = "PCT", .doc = MAX_OVERHEAD},
	{"max-overhead", .commands = "run", .kind = &kind_share, VALUE(session.max_overhead),
	 .scope = SCOPE_SESSION, .none = "off", .group = GROUP_LIMITS, .arg = "PCT",
	 .doc = MAX_OVERHEAD},
	{"all", .commands = "attach", .kind = &kind_no_share, VALUE(brake), .group = GROUP_LIMITS,
	 .doc = ALL},
	{"all", .commands = "run", .kind = &kind_no_share, VALUE(session.max_overhead),
	 .group = GROUP_LIMITS, .doc = ALL},
	{"backend", .commands = TRACES " " COUNTS, .kind = &kind_row, VALUE(session.backend),
	 .scope = SCOPE_SESSION, .group = GROUP_MEANS, .arg = "NAME", ROWS(backends),
	 .doc = "ptrace, by breakpoints, is for places where eBPF is not allowed; it is slower"},
	{"buffer", .commands = TRACES, .kind = &kind_size, VALUE(session.buffer_bytes),
	 .scope = SCOPE_SESSION, .group = GROUP_MEANS, .arg = "SIZE", .min = BUFFER_MIN,
	 .max = BUFFER_MAX, .doc = "Memory for events that wait"},
	{"save", .commands = TRACES, .kind = &kind_text, VALUE(save), .group = GROUP_MEANS,
	 .arg = "FILE", .completes = "files",
	 .doc = "Keep the records in FILE too, for gotrace replay"},
	{"dry-run", .commands = TRACES, .kind = &kind_flag, VALUE(dry_run), .group = GROUP_MEANS,
	 .doc = "Show what would be probed, and touch nothing"},
	{"repair", .commands = "doctor", .kind = &kind_flag, VALUE(repairs), .group = GROUP_OWN,
	 .doc = "Remove the breakpoints that a killed tracer left in the target"},
	{"execute", .letter = 'e', .commands = "shell", .kind = &kind_script, .at = 0,
	 .group = GROUP_OWN, .arg = "COMMAND",
	 .doc = "Execute COMMAND, then leave; may be repeated"},
	{"script", .letter = 'x', .commands = "shell", .kind = &kind_script, .at = 0,
	 .group = GROUP_OWN, .arg = "FILE", .completes = "files",
	 .doc = "Execute the commands in FILE, then leave"},
	{"keep-going", .commands = "shell", .kind = &kind_flag, VALUE(keeps_going),
	 .group = GROUP_OWN,
	 .doc = "Go on after an error in a script; the exit status is 2 all the same"},
	{"rounds", .commands = "bench", .kind = &kind_number64, VALUE(bench.rounds),
	 .group = GROUP_OWN, .arg = "N", .min = 1, .max = BENCH_ROUNDS_MAX,
	 .doc = "Measure everything N times"},
	{"calls", .commands = "bench", .kind = &kind_number64, VALUE(bench.calls),
	 .group = GROUP_OWN, .arg = "N", .min = 1, .max = CALLS_MAX,
	 .doc = "At most N calls a measurement; slow tracers get fewer"},
	{"workload", .commands = "bench", .kind = &kind_workload, VALUE(bench), .group = GROUP_OWN,
	 .arg = "NAME", ROWS(bench_workloads),
	 .doc = "may be given more than once; without it, all"},
	{"peers", .commands = "bench", .kind = &kind_flag, VALUE(bench.peers), .group = GROUP_OWN,
	 .doc = "Other tracers too: dlv, bpftrace, perf, gdb, if installed"},
	{"help", .letter = 'h', .commands = TRACES " " COUNTS " " OTHERS, .kind = &kind_flag,
	 VALUE(wants_help), .group = GROUP_HELP, .doc = "Show this help"},
	{0},
};

bool option_is_of(const struct option_row *option, const char *command)
{
	size_t len = strlen(command);
	for (const char *at = strstr(option->commands, command); at; at = strstr(at + len, command))
		if ((at == option->commands || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return false;
}

static void *value_of(const struct option_row *option, const struct options *options)
{
	return (char *)options + option->at;
}

struct error *option_set(const struct option_row *option, const char *arg, struct options *options)
{
	return option->kind->parse(option, arg, value_of(option, options));
}

void option_print(const struct option_row *option, const struct options *options, FILE *out)
{
	if (option->none && option_is_none(option, options))
		fputs(option->none, out);
	else if (option->kind->is_flag)
		fputs("on", out);
	else
		option->kind->print(option, value_of(option, options), out);
}

bool option_is_none(const struct option_row *option, const struct options *options)
{
	const char *value = value_of(option, options);
	return !*value && !memcmp(value, value + 1, option->kind->size - 1);
}

bool option_is_same(const struct option_row *option, const struct options *a,
		    const struct options *b)
{
	return !memcmp(value_of(option, a), value_of(option, b), option->kind->size);
}

void option_copy(const struct option_row *option, const struct options *from, struct options *to)
{
	memcpy(value_of(option, to), value_of(option, from), option->kind->size);
}

void option_reset(const struct option_row *option, struct options *options)
{
	memset(value_of(option, options), 0, option->kind->size);
}

// --- The session ---------------------------------------------------------------------------------

struct error *options_open(struct options *options)
{
	struct session_options *session = &options->session;
	struct error *err = NULL;
	if (session->look.print && session->look.sink != sinks[0])
		return error_new("--print makes lines of its own, so it takes no --format");
	if (session->look.print)
		session->look.sink = &sink_print;
	if (options->output)
		err = output_open(options->output, &session->look.out);
	if (!err && options->save)
		err = output_open(options->save, &session->save);
	if (!err && options->save && output_is_same(session->look.out, session->save))
		err = error_new("%s: the trace and the records for --save need two files",
				options->save);
	session->look.color =
		options->color == COLOR_ALWAYS ||
		(options->color == COLOR_AUTO && isatty(session->look.out) && !getenv("NO_COLOR"));
	session->look.is_screen = isatty(session->look.out);
	session->stop = &cli_signal;
	session->hurry = &cli_hurry;
	return err;
}

void options_capture(struct options *options)
{
	const struct sink_look *look = &options->session.look;
	options->session.plan.capture.is_brief =
		options->capture == CAPTURE_SHOWN && !options->save && !look->is_raw &&
		!look->sink->shows_all && look->width != VALUE_WIDTH_ALL;
}

struct error *options_begin(const struct options *options)
{
	return options->output ? output_empty(options->session.look.out, options->output) : NULL;
}

void options_close(struct options *options)
{
	// out is standard output if the file of -o could not be opened.
	if (options->output && options->session.look.out > STDERR_FILENO)
		close(options->session.look.out);
	if (options->session.save >= 0)
		close(options->session.save);
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
