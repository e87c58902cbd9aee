// SPDX-License-Identifier: GPL-2.0-or-later
// A new plan and a new back end for the existing traces. This is needed if values are to be
// captured in another way, or if the back end has no room for more. Statistics are kept.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tracer/session/internal.h"

struct error *session_count_lost(struct session *session)
{
	struct error *err = NULL;
	for (size_t i = 0; session->backend && !err && i < session->num_funcs; i++) {
		const struct plan_func *func = session->loaded.plan->funcs[i];
		uint64_t lost = tables_lost(session->backend->tables, func);
		if (lost <= session->funcs[i].lost)
			continue;
		uint64_t count = lost - session->funcs[i].lost;
		session->funcs[i].lost = lost;
		if (session->funcs[i].trace)
			session->funcs[i].trace->counts.lost += count;
		err = stats_lost(&session->stats, func->func, count);
	}
	return err;
}

// Adds the functions of all traces to the plan before the back end is opened, because the back end
// makes room for what is then in the plan.
static struct error *add_all(struct session *session, const struct selection *selections,
			     const struct session_request *more)
{
	struct error *err = NULL;
	for (size_t i = 0; !err && i < session->num_traces; i++) {
		struct session_request request = session_request_of(session->traces[i]);
		err = session_choose(session, &request, &selections[i], NULL);
	}
	return err || !more ? err : session_choose(session, more, NULL, NULL);
}

// Keeps a trace's functions, because their plan numbers mean nothing once the plan is gone.
static struct error *note_funcs(const struct session *session, const struct session_trace *trace,
				struct selection *out)
{
	const struct func **funcs = calloc(trace->num_funcs + 1, sizeof(*funcs));
	if (!funcs)
		return error_nomem();
	for (size_t i = 0; i < trace->num_funcs; i++)
		funcs[i] = session->loaded.plan->funcs[trace->funcs[i]]->func;
	out->func = funcs;
	out->num = trace->num_funcs;
	return NULL;
}

// Replaces the plan, the report and the back end. The former back end's counts are kept.
static struct error *replace_plan(struct session *session, struct plan *plan)
{
	struct report *former = session->report;
	struct plan *former_plan = session->loaded.plan;
	session->loaded.plan = plan;
	struct error *err = session_open_report(session);
	if (err) {
		session->loaded.plan = former_plan;
		session->report = former;
		plan_destroy(plan);
		return err;
	}
	if (session->backend)
		session->options.backend->close(session->backend);
	session->lost_buffer = session->lost_scratch = session->missed = 0;
	session->backend = NULL;
	session_forget_funcs(session);
	session_budget_destroy(session->budget);
	session->budget = NULL;
	session->has_notes = session->is_full = false;
	report_destroy(former);
	plan_destroy(former_plan);
	return NULL;
}

// Disarms all functions and shows all that was recorded.
static struct error *end_plan(struct session *session)
{
	struct error *err = session->backend ? session_drain(session) : NULL;
	report_finish(session->report, clock_now(), false);
	if (!err)
		err = session_count_lost(session);
	return err ? err : session_flush_all(session);
}

static void use(struct session *session, const struct session_options *options)
{
	session->options.plan = options->plan;
	session->options.backend = options->backend;
	session->options.buffer_bytes = options->buffer_bytes;
	session->options.max_overhead = options->max_overhead;
}

static struct error *renew(struct session *session, const struct session_options *options,
			   struct selection *selections, const struct session_request *more)
{
	struct error *err = NULL;
	if (options->max_overhead > 0 && session->loaded.plan->wants_depth)
		err = error_new(
			"how deep a call is, which a condition asks for, is not known where "
			"--max-overhead leaves calls out");
	for (size_t i = 0; !err && i < session->num_traces; i++)
		err = note_funcs(session, session->traces[i], &selections[i]);
	struct plan *plan = NULL;
	if (!err)
		err = plan_create(session->loaded.index, &options->plan, &plan);
	if (!err)
		err = end_plan(session);
	if (err) {
		plan_destroy(plan);
		return err;
	}
	err = replace_plan(session, plan);
	if (err)
		return err;
	use(session, options);
	session->num_functions = 0;
	err = add_all(session, selections, more);
	for (size_t i = 0; i < session->num_traces; i++) {
		struct error *again =
			session_trace_again(session, session->traces[i], &selections[i]);
		if (err)
			error_free(again);
		else
			err = again;
	}
	return err;
}

struct error *session_renew_for(struct session *session, const struct session_options *options,
				const struct session_request *more)
{
	struct session_options copy = *options; // it may be the session's own
	struct selection *selections = calloc(session->num_traces + 1, sizeof(*selections));
	if (!selections)
		return error_nomem();
	struct error *err = renew(session, &copy, selections, more);
	for (size_t i = 0; i < session->num_traces; i++)
		selection_deinit(&selections[i]);
	free(selections);
	return err;
}

struct error *session_renew(struct session *session, const struct session_options *options)
{
	return session_renew_for(session, options, NULL);
}
