// SPDX-License-Identifier: GPL-2.0-or-later
// Which functions a session's traces have selected, and which of them are armed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "tracer/session/internal.h"

static void free_names(char **names, size_t num)
{
	for (size_t i = 0; names && i < num; i++)
		free(names[i]);
	free(names);
}

// The names of a trace's functions, each with its clauses. NULL: out of memory.
static char **name_funcs(const struct session *session, const struct session_trace *trace,
			 bool *have_clauses)
{
	char **names = calloc(trace->num_funcs + 1, sizeof(*names));
	*have_clauses = false;
	for (size_t i = 0; names && i < trace->num_funcs; i++) {
		const struct plan_func *func = session->loaded.plan->funcs[trace->funcs[i]];
		*have_clauses |= *func->clauses;
		if (asprintf(&names[i], "%s%s", func->func->name, func->clauses) < 0) {
			free_names(names, i);
			return NULL;
		}
	}
	return names;
}

// Conditions exclude functions, and clauses are those of single functions. If there are any, the
// functions are saved by name.
static struct error *save_trace(struct session *session, const struct session_request *request,
				const struct session_trace *trace)
{
	struct error *err = session_open_writer(session);
	if (err || !session->writer)
		return err;
	bool have_clauses;
	char **names = name_funcs(session, trace, &have_clauses);
	if (!names)
		return error_nomem();
	bool has_names = have_clauses || session->loaded.plan->tables.num_conditions;
	const struct item item = {
		.kind = ITEM_TRACE,
		.digest = capture_plan_digest(session->loaded.plan),
		.trace =
			{
				.patterns = has_names ? names : (char **)request->patterns,
				.num_patterns =
					has_names ? trace->num_funcs : request->num_patterns,
				.no_args = request->options.capture.no_args,
				.no_return = request->options.capture.no_return,
				.trace = trace->id,
			},
	};
	err = capture_write(session->writer, &item);
	free_names(names, trace->num_funcs);
	return err;
}

// --- Traces --------------------------------------------------------------------------------------

static void disown_list(const struct plan_list *list)
{
	for (uint32_t i = 0; i < list->num; i++)
		free((char *)list->text[i]);
}

void session_trace_destroy(struct session_trace *trace)
{
	if (!trace)
		return;
	for (size_t i = 0; trace->patterns && i < trace->num_patterns; i++)
		free(trace->patterns[i]);
	disown_list(&trace->options.filter.conditions);
	disown_list(&trace->options.shown.show);
	disown_list(&trace->options.shown.args);
	disown_list(&trace->options.shown.hide);
	free((char *)trace->options.filter.caller);
	free((char *)trace->options.filter.within);
	free(trace->patterns);
	free(trace->funcs);
	free(trace);
}

// Copies the texts of a list. False: out of memory.
static bool own_list(struct plan_list *list)
{
	const struct plan_list lent = *list;
	for (list->num = 0; list->num < lent.num; list->num++) {
		list->text[list->num] = strdup(lent.text[list->num]);
		if (!list->text[list->num])
			return false;
	}
	return true;
}

static bool own_text(const char **text)
{
	*text = *text ? strdup(*text) : NULL;
	return *text;
}

// Copies the options' texts. False: out of memory.
static bool own_texts(struct plan_options *options)
{
	struct plan_filter *filter = &options->filter;
	bool has_caller = filter->caller, has_within = filter->within;
	bool is_done = own_text(&filter->caller) == has_caller;
	is_done &= own_text(&filter->within) == has_within;
	is_done &= own_list(&filter->conditions);
	is_done &= own_list(&options->shown.show);
	is_done &= own_list(&options->shown.args);
	return own_list(&options->shown.hide) && is_done;
}

static struct error *trace_create(const struct session_request *request, uint32_t id,
				  struct session_trace **out)
{
	struct session_trace *trace = calloc(1, sizeof(*trace));
	if (!trace)
		return error_nomem();
	trace->id = id;
	trace->max_calls = request->max_calls;
	trace->counts.goid = request->goid;
	trace->counts.calls_left = request->max_calls ? request->max_calls : UINT64_MAX;
	trace->num_patterns = request->num_patterns;
	trace->patterns = calloc(request->num_patterns + 1, sizeof(*trace->patterns));
	trace->options = request->options;
	bool failed = !own_texts(&trace->options) || !trace->patterns;
	for (size_t i = 0; !failed && i < trace->num_patterns; i++) {
		trace->patterns[i] = strdup(request->patterns[i]);
		failed = !trace->patterns[i];
	}
	if (failed) {
		session_trace_destroy(trace);
		return error_nomem();
	}
	*out = trace;
	return NULL;
}

static int by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return left < right ? -1 : left > right;
}

static bool has_func(const struct session_trace *trace, uint32_t number)
{
	return bsearch(&number, trace->funcs, trace->num_funcs, sizeof(number), by_number);
}

// All selected functions were refused: the error shows the reason for the first one.
static struct error *nothing_to_arm(const struct session *session, size_t first_refusal)
{
	const struct plan *plan = session->loaded.plan;
	if (first_refusal >= plan->num_refusals) // refused before
		return error_new("none of the selected functions can be probed");
	const struct plan_refusal *refusal = &plan->refusals[first_refusal];
	size_t num = plan->num_refusals - first_refusal;
	if (num == 1)
		return error_new("%s%s: %s", refusal->func->name,
				 refusal->is_unfit ? "" : " cannot be probed", refusal->reason);
	return error_new("none of the %zu selected functions %s: %s: %s", num,
			 refusal->is_unfit ? "has what is asked for" : "can be probed",
			 refusal->func->name, refusal->reason);
}

static bool is_armed(const void *context, uint32_t func)
{
	const struct armed *armed = context;
	return func < armed->num && armed->funcs[func].is_armed;
}

// Where calls are left out, it is not known how deep a call is, which a condition asks for.
static struct error *drop_limit(struct session *session)
{
	if (!session->options.is_brake)
		return error_new(
			"how deep a call is is not known where --max-overhead leaves calls out");
	log_warning("no brake: a condition asks how deep calls are, so all calls are traced, at "
		    "any price");
	session->options.max_overhead = 0;
	return NULL;
}

struct error *session_choose(struct session *session, const struct session_request *request,
			     const struct selection *known, struct session_trace *trace)
{
	const struct plan_request wanted = {
		.patterns = request->patterns,
		.num_patterns = request->num_patterns,
		.options = request->options,
		.selection = known,
		.is_armed = is_armed,
		.context = &session->armed,
	};
	struct plan_selected selected;
	struct error *err = plan_add(session->loaded.plan, &wanted, &selected);
	if (err)
		return err;
	plan_learn_ahead(session->loaded.plan);
	if (session->loaded.plan->wants_depth && session->options.max_overhead > 0)
		err = drop_limit(session);
	if (err || !trace) {
		plan_selected_deinit(&selected);
		return err;
	}
	trace->funcs = selected.funcs;
	trace->num_funcs = selected.num;
	trace->num_refused = selected.num_refused;
	return NULL;
}

static struct error *choose(struct session *session, const struct session_request *request,
			    struct session_trace *trace)
{
	size_t first_refusal = session->loaded.plan->num_refusals;
	struct error *err = session_choose(session, request, NULL, trace);
	if (!err && !trace->num_funcs)
		err = nothing_to_arm(session, first_refusal);
	return err ? err : save_trace(session, request, trace);
}

// Another trace has the function: it is armed, or turned off by the budget.
static bool is_of_other(const struct session *session, uint32_t func,
			const struct session_trace *trace)
{
	const struct session_trace *owner = session->funcs[func].trace;
	const struct armed_func *armed = &session->armed.funcs[func];
	return armed->is_armed || (owner && owner != trace && !armed->refused);
}

// Gives a trace those of its functions that no other trace has.
static struct error *take_funcs(struct session *session, struct session_trace *trace,
				uint32_t *fresh, size_t *num)
{
	struct error *err = NULL;
	*num = 0;
	for (size_t i = 0; i < trace->num_funcs && !err; i++) {
		uint32_t func = trace->funcs[i];
		if (is_of_other(session, func, trace)) {
			trace->num_shared++;
			continue;
		}
		err = session_give(session, func, trace);
		if (!err)
			err = session_turn(session, func, 0);
		fresh[(*num)++] = func;
	}
	return err;
}

// Removes the refused functions from the trace; has_failed: all that are not armed.
static struct error *drop_refused(struct session *session, struct session_trace *trace,
				  bool has_failed)
{
	struct error *err = NULL;
	size_t kept = 0;
	for (size_t i = 0; i < trace->num_funcs; i++) {
		uint32_t func = trace->funcs[i];
		const char *refused = session->armed.funcs[func].refused;
		if (is_of_other(session, func, trace) || (!has_failed && !refused)) {
			trace->funcs[kept++] = func;
			continue;
		}
		struct error *give_err = session_give(session, func, NULL);
		if (!err)
			err = give_err;
		else
			error_free(give_err);
		if (!err && refused)
			err = plan_refuse(session->loaded.plan,
					  session->loaded.plan->funcs[func]->func, refused);
	}
	trace->num_refused += trace->num_funcs - kept;
	trace->num_funcs = kept;
	return err;
}

// Arms those of a trace's functions that no other trace has.
static struct error *arm_trace(struct session *session, struct session_trace *trace)
{
	uint32_t *fresh = calloc(trace->num_funcs + 1, sizeof(*fresh));
	if (!fresh)
		return error_nomem();
	size_t num, now = 0; // now: the first that is armed now
	struct error *err = take_funcs(session, trace, fresh, &num);
	if (!err && session->budget)
		err = session_budget_begin(session, fresh, num, &now);
	if (!err)
		err = session_arm(session, &fresh[now], num - now);
	if (!err && session->budget)
		err = session_budget_add(session, &fresh[now], num - now);
	free(fresh);
	struct error *drop_err = drop_refused(session, trace, err);
	if (!err)
		return drop_err;
	error_free(drop_err);
	return err;
}

static struct error *add_trace(struct session *session, struct session_trace *trace)
{
	struct session_trace **traces =
		realloc(session->traces, (session->num_traces + 1) * sizeof(*traces));
	if (!traces)
		return error_nomem();
	session->traces = traces;
	traces[session->num_traces++] = trace;
	return NULL;
}

static struct error *try_trace(struct session *session, const struct session_request *request,
			       const struct session_trace **out)
{
	struct session_trace *trace = NULL;
	struct error *err = trace_create(request, session->last_trace + 1, &trace);
	if (err)
		return err;
	err = choose(session, request, trace);
	if (!err)
		err = session_ready(session, &request->options);
	if (!err)
		err = add_trace(session, trace);
	if (err) {
		session_trace_destroy(trace);
		return err;
	}
	err = arm_trace(session, trace);
	if (err) {
		session->num_traces--;
		session_trace_destroy(trace);
		return err;
	}
	session->last_trace = trace->id;
	if (!session->armed_ns)
		session->armed_ns = clock_now();
	session->num_functions += trace->num_funcs - trace->num_shared;
	*out = trace;
	return NULL;
}

struct error *session_trace(struct session *session, const struct session_request *request,
			    const struct session_trace **out)
{
	struct error *err = try_trace(session, request, out);
	if (!err || error_code(err) != ENOSPC || !session->options.is_open)
		return err;
	error_free(err);
	err = session_renew_for(session, &session->options, request);
	return err ? err : try_trace(session, request, out);
}

struct session_trace *const *session_traces(const struct session *session, size_t *num)
{
	*num = session->num_traces;
	return session->traces;
}

static struct session_trace *find_trace(const struct session *session, uint32_t id)
{
	for (size_t i = 0; i < session->num_traces; i++)
		if (session->traces[i]->id == id)
			return session->traces[i];
	return NULL;
}

const struct session_trace *session_find_trace(const struct session *session, uint32_t id)
{
	return find_trace(session, id);
}

// --- Pausing -------------------------------------------------------------------------------------

static struct error *enable(struct session *session, struct session_trace *trace, bool on)
{
	trace->is_off = !on;
	struct error *err = NULL;
	for (size_t i = 0; i < trace->num_funcs && !err; i++) {
		uint32_t func = trace->funcs[i];
		if (session->funcs[func].trace != trace)
			continue;
		err = session_turn(session, func, on ? 0 : clock_now());
		tables_enable(session->backend->tables, session->loaded.plan->funcs[func], on);
	}
	return on || err ? err : session_settle(session);
}

// Call after functions were disarmed, paused or resumed. Starts to count from zero if the counts
// matter: conditions may use the number of traced calls under way, and a budget uses the cost of
// each function.
static struct error *begin_anew(struct session *session)
{
	bool is_needed = session->loaded.plan->wants_depth || session->budget;
	return is_needed ? session_renew(session, &session->options) : NULL;
}

// --- Another plan --------------------------------------------------------------------------------

struct error *session_trace_again(struct session *session, struct session_trace *trace,
				  const struct selection *selection)
{
	free(trace->funcs);
	trace->funcs = NULL;
	trace->num_funcs = trace->num_shared = 0;
	struct session_request request = session_request_of(trace);
	struct error *err = session_choose(session, &request, selection, trace);
	if (!err)
		err = session_ready(session, &trace->options);
	if (!err && trace->num_funcs)
		err = arm_trace(session, trace);
	if (err)
		return err;
	session->num_functions += trace->num_funcs - trace->num_shared;
	return trace->is_off ? enable(session, trace, false) : NULL;
}

// --- Untracing -----------------------------------------------------------------------------------

// The back end has removed the probes of a function whose code was changed in memory.
static struct error *turn_off_changed(struct session *session)
{
	struct error *err = NULL;
	for (uint32_t i = 0; i < session->num_funcs && !err; i++)
		if (session->funcs[i].trace && !session->armed.funcs[i].is_armed &&
		    !session->funcs[i].off_ns)
			err = session_turn(session, i, clock_now());
	return err;
}

struct error *session_settle(struct session *session)
{
	struct error *err = session_catch_up(session);
	if (!err)
		err = turn_off_changed(session);
	if (!err)
		err = session_settle_losses(session);
	if (!err)
		err = session_pass(session,
				   &(struct item){.kind = ITEM_DETACH, .detach_ns = clock_now()});
	return err ? err : session_flush_all(session);
}

static bool wants_other(const struct session *session, const struct session_trace *trace,
			uint32_t number, struct session_trace **other)
{
	for (size_t i = 0; i < session->num_traces; i++) {
		*other = session->traces[i];
		if (*other != trace && has_func(*other, number))
			return true;
	}
	return false;
}

// Removes the function from the trace. If another trace has selected it too, the function stays
// armed and belongs to that trace from now on. *is_last: the function is to be disarmed.
static struct error *give_up(struct session *session, struct session_trace *trace, uint32_t func,
			     bool *is_last)
{
	struct session_trace *other;
	bool is_shared = wants_other(session, trace, func, &other);
	*is_last = session->funcs[func].trace == trace && !is_shared;
	if (session->funcs[func].trace != trace)
		return NULL;
	if (!is_shared)
		return session_turn(session, func, clock_now());
	other->num_shared--;
	struct error *err = session_give(session, func, other);
	if (err || trace->is_off == other->is_off)
		return err;
	tables_enable(session->backend->tables, session->loaded.plan->funcs[func], !other->is_off);
	return session_turn(session, func, other->is_off ? clock_now() : 0);
}

static void forget_trace(struct session *session, struct session_trace *trace)
{
	size_t i = 0;
	while (session->traces[i] != trace)
		i++;
	session->num_traces--;
	memmove(&session->traces[i], &session->traces[i + 1],
		(session->num_traces - i) * sizeof(*session->traces));
	session_trace_destroy(trace);
}

static bool is_selected(const struct selection *selection, const struct func *func)
{
	for (size_t low = 0, high = selection->num; low < high;) {
		size_t middle = low + (high - low) / 2;
		if (selection->func[middle] == func)
			return true;
		if (selection->func[middle]->number < func->number)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

// selection NULL: all of the trace's functions.
static struct error *untrace(struct session *session, struct session_trace *trace,
			     const struct selection *selection, size_t *num)
{
	uint32_t *gone = calloc(trace->num_funcs + 1, sizeof(*gone));
	if (!gone)
		return error_nomem();
	size_t kept = 0;
	*num = 0;
	struct error *err = NULL;
	for (size_t i = 0; i < trace->num_funcs; i++) {
		uint32_t func = trace->funcs[i];
		bool is_last = false;
		if (selection && !is_selected(selection, session->loaded.plan->funcs[func]->func))
			trace->funcs[kept++] = func;
		else if (!err)
			err = give_up(session, trace, func, &is_last);
		if (is_last)
			gone[(*num)++] = func;
	}
	trace->num_funcs = kept;
	if (!err && *num)
		err = session->options.backend->probes.disarm(session->backend, gone, *num);
	session->num_functions -= *num;
	struct error *settle_err = session_settle(session);
	struct error *lost_err = session_count_lost(session);
	for (size_t i = 0; i < *num; i++) {
		struct error *give_err = session_give(session, gone[i], NULL);
		if (err)
			error_free(give_err);
		else
			err = give_err;
	}
	if (settle_err)
		error_free(lost_err);
	else
		settle_err = lost_err;
	free(gone);
	if (!trace->num_funcs)
		forget_trace(session, trace);
	if (err)
		error_free(settle_err);
	return err ? err : settle_err;
}

struct error *session_untrace(struct session *session, uint32_t id, char *const *patterns,
			      size_t num_patterns, size_t *num)
{
	struct session_trace *trace = find_trace(session, id);
	if (!trace)
		return error_new("no trace %u", id);
	struct selection selection;
	struct error *err = NULL;
	if (!num_patterns) {
		err = untrace(session, trace, NULL, num);
		return err ? err : begin_anew(session);
	}
	err = select_functions(session->loaded.index, patterns, num_patterns, &selection);
	if (err)
		return err;
	err = untrace(session, trace, &selection, num);
	selection_deinit(&selection);
	return err ? err : begin_anew(session);
}

struct error *session_enable(struct session *session, uint32_t id, bool on)
{
	struct session_trace *trace = find_trace(session, id);
	if (!trace)
		return error_new("no trace %u", id);
	struct error *err = enable(session, trace, on);
	return err ? err : begin_anew(session);
}
