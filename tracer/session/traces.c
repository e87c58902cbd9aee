// SPDX-License-Identifier: GPL-2.0-or-later
// Which functions a session's traces have selected, and which of them are armed.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tracer/plan/conditions.h"
#include "tracer/session/internal.h"

// --- Arming --------------------------------------------------------------------------------------

static struct error *open_backend(struct session *session)
{
	struct backend_target target = {
		.pid = target_pid(session->target),
		.exe = target_exe(session->target),
		.bias = session->bias,
		.pidfd = target_fd(session->target),
		.mem = target_mem(session->target),
	};
	if (target.mem < 0)
		log_warning(
			"%d: its memory may not be read (as root, or with CAP_SYS_PTRACE and "
			"CAP_DAC_READ_SEARCH, it may): code that was changed there is not noticed",
			(int)target.pid);
	if (session->options.backend->is_tracer) {
		struct error *err = target_hand_over(session->target, &target.is_held);
		if (err)
			return err;
	}
	const struct plan_tables *tables = &session->plan->tables;
	bool has_conditions = session->options.is_open || tables->num_ops || tables->num_conditions;
	struct backend_settings settings = {
		.depth = session->plan->options.depth,
		.buffer_bytes = session->options.buffer_bytes,
		.goid = session->options.goid,
		.has_budgets = has_conditions || session->options.plan.every ||
			       session->options.plan.rate || session->options.max_overhead > 0,
		.has_conditions = has_conditions,
	};
	struct error *err = session->options.backend->open(&target, session->plan, &settings,
							   &session->backend);
	if (!err && session->options.max_overhead > 0)
		err = session_budget_create(session, &session->budget);
	return err;
}

static struct error *check_target(struct session *session)
{
	pid_t pid = target_pid(session->target);
	switch (target_state(session->target)) {
	case TARGET_EXITED:
		return error_new("%d: the process has ended", (int)pid);
	case TARGET_EXECED:
		return error_new("%d: has executed another program meanwhile", (int)pid);
	case TARGET_RUNS:
		break;
	}
	return NULL;
}

struct error *session_arm(struct session *session, const uint32_t *funcs, size_t num)
{
	struct error *err = num ? check_target(session) : NULL;
	if (!num || err)
		return err;
	uint32_t probes = 0;
	for (size_t i = 0; i < num; i++)
		probes += session->plan->funcs[funcs[i]]->num_probes;
	uint64_t start = session_clock_ns(CLOCK_MONOTONIC);
	err = session->options.backend->arm(session->backend, funcs, num);
	if (!err)
		log_info("armed %u probes in %.1f ms", probes,
			 (double)(session_clock_ns(CLOCK_MONOTONIC) - start) / 1e6);
	return err;
}

static bool are_refused(const struct plan *plan, size_t first, size_t num)
{
	for (size_t i = first; i < first + num; i++)
		if (!plan->funcs[i]->refused)
			return false;
	return num;
}

// Arms, once, the functions that the pairing of calls needs to see (plan_add_notes).
static struct error *arm_notes(struct session *session, const struct plan_options *options)
{
	bool counts_anywhere = options->aggregate && !options->within;
	bool has_ends = !options->no_return || options->within;
	if (session->has_notes || !has_ends || counts_anywhere)
		return NULL;
	size_t first, num = 0;
	struct error *err = plan_add_notes(session->plan, &first, &num);
	if (!err)
		err = session_open_writer(session);
	if (!err && session->writer)
		err = capture_write_notes(session->writer, session->plan);
	if (!err && !session->backend)
		err = open_backend(session);
	if (!err)
		err = session->options.backend->update(session->backend);
	uint32_t *funcs = err ? NULL : calloc(num ? num : 1, sizeof(*funcs));
	if (!err && !funcs)
		err = error_nomem();
	for (size_t i = 0; !err && i < num; i++)
		funcs[i] = (uint32_t)(first + i);
	if (!err)
		err = session_arm(session, funcs, num);
	free(funcs);
	if (err && are_refused(session->plan, first, num)) {
		error_free(err);
		err = NULL;
	}
	session->has_notes = !err;
	for (size_t i = first; !err && i < first + num; i++) {
		const struct plan_func *func = session->plan->funcs[i];
		if (!func->is_armed && func->refused)
			log_warning("%s: %s: some calls that end by a panic are not told apart",
				    func->func->name, func->refused);
	}
	return err;
}

// Conditions exclude functions. If there are conditions, the remaining functions are saved by name.
static struct error *save_trace(struct session *session, const struct session_request *request,
				const struct session_trace *trace)
{
	struct error *err = session_open_writer(session);
	if (err || !session->writer)
		return err;
	bool has_conditions = session->plan->tables.num_conditions;
	char **names = calloc(trace->num_funcs + 1, sizeof(*names));
	if (!names)
		return error_nomem();
	for (size_t i = 0; i < trace->num_funcs; i++)
		names[i] = (char *)session->plan->funcs[trace->funcs[i]]->func->name;
	struct capture_item item = {
		.kind = CAPTURE_TRACE,
		.trace =
			{
				.patterns = has_conditions ? names : (char **)request->patterns,
				.num_patterns =
					has_conditions ? trace->num_funcs : request->num_patterns,
				.no_args = request->options.no_args,
				.no_return = request->options.no_return,
				.trace = trace->id,
			},
	};
	err = capture_write_trace(session->writer, &item, session->plan);
	free(names);
	return err;
}

// --- Traces --------------------------------------------------------------------------------------

void session_trace_destroy(struct session_trace *trace)
{
	if (!trace)
		return;
	for (size_t i = 0; trace->patterns && i < trace->num_patterns; i++)
		free(trace->patterns[i]);
	for (uint32_t i = 0; i < trace->options.num_conditions; i++)
		free((char *)trace->options.conditions[i]);
	free((char *)trace->options.caller);
	free((char *)trace->options.within);
	free(trace->patterns);
	free(trace->funcs);
	free(trace);
}

// Copies the options and all strings that they borrow. False: out of memory.
static bool own_options(struct plan_options *options, const struct plan_options *lent)
{
	*options = *lent;
	options->num_conditions = 0;
	options->wanted = NULL;
	options->caller = lent->caller ? strdup(lent->caller) : NULL;
	options->within = lent->within ? strdup(lent->within) : NULL;
	for (uint32_t i = 0; i < lent->num_conditions; i++) {
		options->conditions[i] = strdup(lent->conditions[i]);
		if (!options->conditions[i])
			return false;
		options->num_conditions++;
	}
	return !options->caller == !lent->caller && !options->within == !lent->within;
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
	bool failed = !own_options(&trace->options, &request->options) || !trace->patterns;
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
	const struct plan *plan = session->plan;
	if (first_refusal >= plan->num_refusals) // refused before
		return error_new("none of the functions chosen can be probed");
	const struct plan_refusal *refusal = &plan->refusals[first_refusal];
	size_t num = plan->num_refusals - first_refusal;
	if (num == 1)
		return error_new("%s%s: %s", refusal->func->name,
				 refusal->is_unfit ? "" : " cannot be probed", refusal->reason);
	return error_new("none of the %zu functions chosen %s: %s: %s", num,
			 refusal->is_unfit ? "has what is asked for" : "can be probed",
			 refusal->func->name, refusal->reason);
}

// Puts the plan numbers of the selected functions into the trace.
static struct error *take_funcs(struct session *session, const struct selection *selection,
				const struct plan_options *options, struct session_trace *trace)
{
	trace->funcs = calloc(selection->num + 1, sizeof(*trace->funcs));
	if (!trace->funcs)
		return error_nomem();
	for (size_t i = 0; i < selection->num; i++) {
		const struct plan_func *func =
			plan_find(session->plan, selection->func[i], options);
		if (func)
			trace->funcs[trace->num_funcs++] = func->number;
	}
	trace->num_refused = selection->num - trace->num_funcs;
	qsort(trace->funcs, trace->num_funcs, sizeof(*trace->funcs), by_number);
	return NULL;
}

struct error *session_choose(struct session *session, const struct session_request *request,
			     const struct selection *known, struct session_trace *trace)
{
	struct selection selection = {0};
	struct plan_options options = request->options;
	struct plan_conditions conditions;
	struct error *err = plan_conditions_init(&conditions, session->index, request->patterns,
						 request->num_patterns, &options);
	if (err)
		return err;
	options.wanted = &conditions;
	if (!known)
		err = select_functions(session->index, conditions.patterns, conditions.num_patterns,
				       &selection);
	uint32_t group;
	if (!err && options.within) // an error in it is reported before any function is checked
		err = plan_within_group(session->plan, options.within, &group);
	size_t first, num;
	uint32_t id = trace ? trace->id : session->last_trace + 1;
	if (!err)
		err = plan_add(session->plan, known ? known : &selection, &options, id, &first,
			       &num);
	if (!err)
		plan_learn_ahead(session->plan);
	if (!err && session->plan->wants_depth && session->options.max_overhead > 0)
		err = error_new(
			"how deep a call is is not known where --max-overhead leaves calls out");
	if (!err && trace)
		err = take_funcs(session, known ? known : &selection, &options, trace);
	if (selection.func)
		selection_deinit(&selection);
	plan_conditions_deinit(&conditions);
	return err;
}

static struct error *choose(struct session *session, const struct session_request *request,
			    struct session_trace *trace)
{
	size_t first_refusal = session->plan->num_refusals;
	struct error *err = session_choose(session, request, NULL, trace);
	if (!err && !trace->num_funcs)
		err = nothing_to_arm(session, first_refusal);
	return err ? err : save_trace(session, request, trace);
}

// Another trace has the function: it is armed, or turned off by the budget.
static bool is_of_other(const struct plan_func *func, const struct session_trace *trace)
{
	return func->is_armed || (func->counts && func->counts != &trace->counts && !func->refused);
}

// Arms those of a trace's functions that no other trace has. Functions that the back end refuses
// are removed from the trace.
static struct error *arm_trace(struct session *session, struct session_trace *trace)
{
	struct plan_func **all = session->plan->funcs;
	uint32_t *fresh = calloc(trace->num_funcs, sizeof(*fresh));
	if (!fresh)
		return error_nomem();
	size_t num = 0;
	for (size_t i = 0; i < trace->num_funcs; i++) {
		struct plan_func *func = all[trace->funcs[i]];
		if (is_of_other(func, trace)) {
			trace->num_shared++;
			continue;
		}
		func->counts = &trace->counts;
		func->trace = trace->id;
		func->is_off = false;
		func->off_ns = 0;
		fresh[num++] = func->number;
	}
	struct error *err = NULL;
	if (session->budget)
		err = session_budget_begin(session, fresh, num);
	if (!err)
		err = session_arm(session, fresh, num);
	if (!err && session->budget)
		err = session_budget_add(session, fresh, num);
	free(fresh);
	size_t kept = 0;
	for (size_t i = 0; i < trace->num_funcs; i++) {
		struct plan_func *func = all[trace->funcs[i]];
		if (is_of_other(func, trace)) {
			trace->funcs[kept++] = trace->funcs[i];
			continue;
		}
		func->counts = NULL;
		if (!err && func->refused)
			err = plan_refuse(session->plan, func->func, func->refused);
	}
	trace->num_refused += trace->num_funcs - kept;
	trace->num_funcs = kept;
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

// Arms the functions of --within. This comes before the functions that are traced within their
// calls.
static struct error *arm_bounds(struct session *session)
{
	size_t first, num;
	struct error *err = plan_add_within(session->plan, &first, &num);
	if (!err)
		err = session->options.backend->update(session->backend);
	if (err || !num)
		return err;
	uint32_t *funcs = calloc(num, sizeof(*funcs));
	if (!funcs)
		return error_nomem();
	for (size_t i = 0; i < num; i++)
		funcs[i] = (uint32_t)(first + i);
	err = session_arm(session, funcs, num);
	free(funcs);
	for (size_t i = first; !err && i < first + num; i++) {
		const struct plan_func *func = session->plan->funcs[i];
		if (!func->is_armed)
			err = error_new("--within %s: %s", func->func->name,
					func->refused ? func->refused : "it cannot be probed");
	}
	return err;
}

// Makes sure that the back end is open and knows the whole plan.
static struct error *ready(struct session *session, const struct plan_options *options)
{
	struct error *err = arm_notes(session, options);
	if (!err && !session->backend)
		err = open_backend(session);
	return err ? err : arm_bounds(session);
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
		err = ready(session, &request->options);
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
		session->armed_ns = session_clock_ns(CLOCK_MONOTONIC);
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
	for (size_t i = 0; i < trace->num_funcs; i++) {
		struct plan_func *func = session->plan->funcs[trace->funcs[i]];
		if (func->counts != &trace->counts)
			continue;
		func->is_off = !on;
		func->off_ns = on ? 0 : session_clock_ns(CLOCK_MONOTONIC);
		session->options.backend->enable(session->backend, func, on);
	}
	return on ? NULL : session_settle(session);
}

// Call after functions were disarmed, paused or resumed. Starts to count from zero if the counts
// matter: conditions may use the number of traced calls under way, and a budget uses the cost of
// each function.
static struct error *begin_anew(struct session *session)
{
	bool is_needed = session->plan->wants_depth || session->budget;
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
		err = ready(session, &trace->options);
	if (!err && trace->num_funcs)
		err = arm_trace(session, trace);
	if (err)
		return err;
	session->num_functions += trace->num_funcs - trace->num_shared;
	return trace->is_off ? enable(session, trace, false) : NULL;
}

// --- Untracing -----------------------------------------------------------------------------------

struct error *session_settle(struct session *session)
{
	struct error *err = session_catch_up(session);
	if (!err)
		err = session_settle_losses(session);
	uint64_t now = session_clock_ns(CLOCK_MONOTONIC);
	report_detach(session->report, now);
	if (!err && session->writer)
		err = capture_write_detach(session->writer, now);
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
// armed and belongs to that trace from now on. True if the function is to be disarmed.
static bool give_up(struct session *session, struct session_trace *trace, struct plan_func *func)
{
	struct session_trace *other;
	bool is_shared = wants_other(session, trace, func->number, &other);
	if (func->counts != &trace->counts)
		return false;
	if (!is_shared)
		return true;
	func->counts = &other->counts;
	func->trace = other->id;
	other->num_shared--;
	if (func->is_off != other->is_off) {
		func->is_off = other->is_off;
		session->options.backend->enable(session->backend, func, !func->is_off);
	}
	return false;
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
	for (size_t i = 0; i < trace->num_funcs; i++) {
		struct plan_func *func = session->plan->funcs[trace->funcs[i]];
		if (selection && !is_selected(selection, func->func)) {
			trace->funcs[kept++] = func->number;
		} else if (give_up(session, trace, func)) {
			func->off_ns = session_clock_ns(CLOCK_MONOTONIC);
			gone[(*num)++] = func->number;
		}
	}
	trace->num_funcs = kept;
	struct error *err =
		*num ? session->options.backend->disarm(session->backend, gone, *num) : NULL;
	session->num_functions -= *num;
	struct error *settle_err = session_settle(session);
	struct error *lost_err = session_count_lost(session);
	for (size_t i = 0; i < *num; i++)
		session->plan->funcs[gone[i]]->counts = NULL;
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
	err = select_functions(session->index, patterns, num_patterns, &selection);
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
