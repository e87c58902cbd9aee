// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace attach and gotrace run: one trace of one target.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/commands/trace.h"
#include "cli/commands/dry_run.h"
#include "cli/options.h"
#include "tracer/backend/features.h"
#include "tracer/backend/privileges.h"

enum { POLL_MS = 100, REFUSALS_SAID = 5, INLINED_ASKED = 8 };

struct arguments {
	struct trace_options trace;
	const char *pid; // for attach
	char **patterns;
	size_t num_patterns;
	bool takes_pid;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->trace;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->takes_pid && !arguments->pid)
			arguments->pid = arg;
		else
			arguments->patterns[arguments->num_patterns++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (arguments->takes_pid && !arguments->pid)
			argp_error(state,
				   "which process? Give its PID, then patterns such as 'main.*'");
		if (arguments->takes_pid)
			usage_check_pid(state, arguments->pid, arguments->patterns[0]);
		if (!arguments->num_patterns)
			argp_error(state, "which functions? Give patterns such as 'main.*'");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {{&trace_options_argp, 0, NULL, 0}, {0}};

// --- Tracing -------------------------------------------------------------------------------------

static void say_refusals(const struct plan *plan)
{
	struct text refused, unfit;
	text_init(&refused);
	text_init(&unfit);
	size_t num_refused = plan_write_refusals(plan, false, REFUSALS_SAID, &refused);
	// A condition rarely fits all functions that a glob selects. One reason is enough to show a
	// mistake in it.
	size_t num_unfit = plan_write_refusals(plan, true, 1, &unfit);
	if (num_refused)
		cli_say("%zu of the functions chosen cannot be probed: %s", num_refused,
			text_string(&refused));
	if (num_unfit)
		cli_say("%zu of the functions chosen %s left out, not having what is asked for: %s",
			num_unfit, num_unfit == 1 ? "is" : "are", text_string(&unfit));
	text_deinit(&refused);
	text_deinit(&unfit);
}

void trace_say_armed(struct session *session, const struct session_trace *trace)
{
	size_t num = trace->num_funcs;
	const struct plan *plan = session_plan(session);
	struct target *target = session_target(session);
	struct index *index = session_index(session);
	if (!index_has_dwarf(index))
		cli_say("%s has no DWARF: argument words are shown raw, results not at all (build without -ldflags "
			"\"-s -w\" to see values)",
			target_name(target));
	if (index_warning(index))
		cli_say("warning: %s", index_warning(index));
	say_refusals(plan);
	cli_say("tracing %zu function%s in %d (%s)", num, num == 1 ? "" : "s", target_pid(target),
		target_name(target));
}

struct error *trace_begin(struct session *session, bool started)
{
	struct error *err = started ? target_resume(session_target(session)) : NULL;
	if (err)
		return err;
	return privileges_keep(features_uprobe_multi() ? PRIVILEGES_TRACE
						       : PRIVILEGES_TRACE_BY_EVENTS);
}

void trace_say_end(struct session *session, enum session_state state)
{
	struct target *target = session_target(session);
	if (state == SESSION_TARGET_EXITED)
		cli_say("%d (%s) has ended", target_pid(target), target_name(target));
	else if (state == SESSION_TARGET_EXECED)
		cli_say("%d has executed another program: the trace ends", target_pid(target));
}

static struct error *follow(struct session *session, uint64_t duration_ns)
{
	uint64_t end = duration_ns ? clock_now() + duration_ns : UINT64_MAX;
	enum session_state state = SESSION_RUNS;
	struct error *err = NULL;
	while (!err && state == SESSION_RUNS && !cli_signal) {
		uint64_t now = clock_now();
		if (now >= end)
			break;
		uint64_t left_ms = (end - now) / 1000000 + 1;
		err = session_poll(session, left_ms < POLL_MS ? (int)left_ms : POLL_MS, &state);
	}
	if (!err)
		trace_say_end(session, state);
	return err;
}

struct inlined {
	size_t num;
	const char *first;
};

static bool note_inlined(void *context, const struct func *into)
{
	struct inlined *inlined = context;
	if (!inlined->num++)
		inlined->first = into->name;
	return true;
}

// If no calls were traced, the reason may be that the compiler inlined them: prints where.
static void say_inlined(struct session *session, const struct session_trace *trace)
{
	if (trace->counts.calls || trace->num_funcs > INLINED_ASKED)
		return;
	for (size_t i = 0; i < trace->num_funcs; i++) {
		const struct func *func = session_plan(session)->funcs[trace->funcs[i]]->func;
		struct inlined inlined = {0};
		index_inlined(session_index(session), func, note_inlined, &inlined);
		if (inlined.num > 1)
			cli_say("%s: no probe sees its calls that were inlined, in %s and %zu more",
				func->name, inlined.first, inlined.num - 1);
		else if (inlined.num)
			cli_say("%s: no probe sees its calls that were inlined, in %s", func->name,
				inlined.first);
	}
}

static struct error *finish(struct session *session, struct error *err)
{
	struct text words;
	text_init(&words);
	struct error *finish_err = session_finish(session, &words);
	while (words.len && words.data[words.len - 1] == '\n')
		words.len--;
	if (words.len)
		cli_say("%.*s", (int)words.len, words.data);
	text_deinit(&words);
	if (err)
		error_free(finish_err);
	return err ? err : finish_err;
}

// Traces until the target, an option or a signal ends the trace. started: the target is held and
// must be resumed.
static struct error *trace(struct session *session, struct arguments *arguments, bool started)
{
	struct session_request request = {
		.patterns = arguments->patterns,
		.num_patterns = arguments->num_patterns,
		.options = arguments->trace.session.plan,
	};
	const struct session_trace *armed;
	struct error *err = session_trace(session, &request, &armed);
	if (!err)
		err = trace_options_begin(&arguments->trace);
	if (err)
		return err;
	trace_say_armed(session, armed);
	err = trace_begin(session, started);
	if (!err)
		err = follow(session, arguments->trace.duration_ns);
	err = finish(session, err);
	if (!err)
		say_inlined(session, armed);
	return err;
}

int trace_program_status(struct target *target)
{
	int asked = cli_signal;
	if (asked == SIGTERM || asked == SIGHUP)
		return EXIT_DONE;
	int status;
	if (!target_wait(target, &status)) {
		cli_say("%d (%s) is left to run", target_pid(target), target_name(target));
		return EXIT_DONE;
	}
	return status;
}

static int run_trace(struct target *target, struct arguments *arguments, bool started)
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

static void prepare(struct arguments *arguments)
{
	cli_set_verbosity(arguments->trace.verbosity);
	cli_catch_signals();
}

// --- attach --------------------------------------------------------------------------------------

static int attach_main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "PID PATTERN...",
		.doc = "Trace the calls of the functions that PATTERNs choose in a running Go program: all its threads, all "
		       "its goroutines. It is not stopped, and runs on whatever becomes of gotrace.\v"
		       "A PATTERN is a function's full name, a glob ('main.*', 'net/http.(*conn).*'), a /regexp/, or "
		       "!PATTERN to take away what earlier ones chose.\n\n"
		       "Example: gotrace attach $(pidof server) 'main.*' '!main.log*'",
		.children = children,
	};
	CLEANUP_FREE char **patterns = calloc((size_t)argc + 1, sizeof(*patterns));
	struct arguments arguments = {.patterns = patterns, .takes_pid = true};
	if (!patterns)
		return cli_fail(error_nomem());
	trace_options_init(&arguments.trace);
	cli_parse(&argp, argc, argv, NULL, &arguments);
	prepare(&arguments);
	uint64_t pid;
	if (!parse_number(arguments.pid, INT32_MAX, &pid))
		return cli_fail(error_new("%s: not a PID", arguments.pid)), EXIT_USAGE;
	if (arguments.trace.dry_run)
		return dry_run(arguments.pid, arguments.patterns, arguments.num_patterns,
			       &arguments.trace.session.plan);
	struct target *target;
	struct error *err = target_attach((pid_t)pid, &target);
	return err ? cli_fail(err) : run_trace(target, &arguments, false);
}

const struct command command_attach = {"attach", "trace a running process", attach_main};

// --- run -----------------------------------------------------------------------------------------

static int run_main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "PATTERN... -- PROG ARG...",
		.doc = "Start a Go program and trace it from its first instruction. The exit status is the program's own, or "
		       "128 and the signal's number.\v"
		       "Example: gotrace run 'main.*' -- ./server -addr :8080",
		.children = children,
	};
	CLEANUP_FREE char **patterns = calloc((size_t)argc + 1, sizeof(*patterns));
	struct arguments arguments = {.patterns = patterns};
	if (!patterns)
		return cli_fail(error_nomem());
	int split = 1;
	while (split < argc && strcmp(argv[split], "--"))
		split++;
	trace_options_init(&arguments.trace);
	cli_parse(&argp, split, argv, NULL, &arguments);
	if (split + 1 >= argc) {
		fputs("gotrace: which program? Give it behind --: gotrace run 'main.*' -- ./server\n",
		      stderr);
		return EXIT_USAGE;
	}
	prepare(&arguments);
	char **program = argv + split + 1;
	struct error *err;
	if (arguments.trace.dry_run) {
		CLEANUP_FREE char *path = NULL;
		err = target_find(program[0], &path);
		return err ? cli_fail(err)
			   : dry_run(path, arguments.patterns, arguments.num_patterns,
				     &arguments.trace.session.plan);
	}
	struct target *target;
	err = target_start(program, false, &target);
	return err ? cli_fail(err) : run_trace(target, &arguments, true);
}

const struct command command_run = {"run",
				    "start a program and trace it from its first instruction",
				    run_main};
