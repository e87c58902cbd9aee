// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/drive.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/commands/dry_run.h"
#include "tracer/backend/features.h"
#include "tracer/backend/privileges.h"

enum { POLL_MS = 100, REFUSALS_SAID = 5, INLINED_ASKED = 8 };

// --- Messages ------------------------------------------------------------------------------------

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
		cli_say("%zu of the selected functions cannot be probed: %s", num_refused,
			text_string(&refused));
	if (num_unfit)
		cli_say("%zu of the selected functions %s left out, because what is asked for "
			"does not fit: %s",
			num_unfit, num_unfit == 1 ? "is" : "are", text_string(&unfit));
	text_deinit(&refused);
	text_deinit(&unfit);
}

static void say_armed(struct session *session, const struct session_trace *trace)
{
	size_t num = trace->num_funcs;
	const struct plan *plan = session_plan(session);
	struct target *target = session_target(session);
	struct index *index = session_index(session);
	if (!index_has_dwarf(index))
		cli_say("%s has no DWARF: argument words are shown raw, results not at all (build "
			"without -ldflags \"-s -w\" to see values)",
			target_name(target));
	if (index_warning(index))
		cli_say("warning: %s", index_warning(index));
	say_refusals(plan);
	cli_say("tracing %zu function%s in %d (%s)", num, num == 1 ? "" : "s", target_pid(target),
		target_name(target));
}

static void say_end(struct session *session, enum session_state state)
{
	struct target *target = session_target(session);
	if (state == SESSION_TARGET_EXITED)
		cli_say("%d (%s) has ended", target_pid(target), target_name(target));
	else if (state == SESSION_TARGET_EXECED)
		cli_say("%d has executed another program: the trace ends", target_pid(target));
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

// --- The trace -----------------------------------------------------------------------------------

static struct error *follow(struct session *session, const struct options *options,
			    const struct drive_counter *counter)
{
	uint64_t start = clock_now(), interval = options->interval_ns, next = start + interval;
	uint64_t end = options->duration_ns ? start + options->duration_ns : UINT64_MAX;
	enum session_state state = SESSION_RUNS;
	struct error *err = NULL;
	while (!err && state == SESSION_RUNS && !cli_signal) {
		uint64_t now = clock_now(), until = end;
		if (now >= end)
			break;
		if (interval && now >= next) {
			err = counter->interval(counter->context, session);
			next += interval;
		}
		if (interval && next < until)
			until = next;
		uint64_t left_ms = until > now ? (until - now) / NS_PER_MS + 1 : 1;
		if (!err)
			err = session_poll(session, left_ms < POLL_MS ? (int)left_ms : POLL_MS,
					   &state);
	}
	if (!err)
		say_end(session, state);
	return err;
}

// Removes the probes. Prints the summary, unless the session counts.
static struct error *finish(struct session *session, bool is_counting, struct error *err)
{
	struct text words;
	text_init(&words);
	struct error *finish_err = session_finish(session, &words);
	if (!is_counting)
		cli_say_text(&words);
	text_deinit(&words);
	if (err)
		error_free(finish_err);
	return err ? err : finish_err;
}

static struct error *trace(struct session *session, const struct options *options,
			   const struct drive_counter *counter)
{
	struct session_request request = {
		.patterns = options->words + !!options->pid,
		.num_patterns = options->num_words - !!options->pid,
		.options = options->session.plan,
	};
	const struct session_trace *armed;
	struct error *err = counter ? counter->begin(counter->context, session, &request) : NULL;
	if (!err)
		err = session_trace(session, &request, &armed);
	if (!err)
		err = options_begin(options);
	if (!err && counter)
		err = counter->armed(counter->context, session);
	if (err)
		return err;
	say_armed(session, armed);
	if (options->program)
		err = target_resume(session_target(session));
	if (!err)
		err = privileges_keep(features_uprobe_multi() ? PRIVILEGES_TRACE
							      : PRIVILEGES_TRACE_BY_EVENTS);
	if (!err)
		err = follow(session, options, counter);
	err = finish(session, counter, err);
	if (!err && counter)
		err = counter->end(counter->context, session, armed->num_funcs);
	else if (!err)
		say_inlined(session, armed);
	return err;
}

// Waits for the end of the program that gotrace started, and returns its exit status. After SIGTERM
// or SIGHUP, or if a second Ctrl-C interrupts the wait, the program is left running.
static int program_status(struct target *target)
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

static int drive_target(struct target *target, struct options *options,
			const struct drive_counter *counter)
{
	struct session *session = NULL;
	if (!counter)
		options_capture(options);
	struct error *err = options_open(options);
	if (!err)
		err = session_create(target, &options->session, &session);
	else
		target_destroy(target);
	if (!err)
		err = trace(session, options, counter);
	int status = err ? cli_fail(err) : EXIT_DONE;
	if (!status && options->program)
		status = program_status(session_target(session));
	session_destroy(session);
	options_close(options);
	return status;
}

int drive(struct options *options, const struct drive_counter *counter)
{
	cli_catch_signals();
	if (options->dry_run)
		return dry_run(options);
	struct target *target;
	struct error *err = options->program ? target_start(options->program, false, &target)
					     : target_attach(options->pid, &target);
	return err ? cli_fail(err) : drive_target(target, options, counter);
}
