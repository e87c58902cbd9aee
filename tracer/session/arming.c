// SPDX-License-Identifier: GPL-2.0-or-later
// Opens the back end, arms functions of the plan, and keeps what each of them is armed for.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "tracer/session/internal.h"

// --- The back end --------------------------------------------------------------------------------

static struct error *open_backend(struct session *session)
{
	if (session->loaded.mem < 0)
		log_warning(
			"%d: its memory may not be read (as root, or with CAP_SYS_PTRACE and "
			"CAP_DAC_READ_SEARCH, it may): code that was changed there is not noticed",
			(int)session->loaded.pid);
	bool is_held = false;
	if (session->options.backend->is_tracer) {
		struct error *err = target_hand_over(session->target, &is_held);
		if (err)
			return err;
	}
	const struct plan_tables *tables = &session->loaded.plan->tables;
	bool has_conditions = session->options.is_open || tables->num_ops || tables->num_conditions;
	struct backend_settings settings = {
		.depth = session->loaded.plan->options.capture.depth,
		.buffer_bytes = session->options.buffer_bytes,
		.goid = session->options.goid,
		.has_budgets = has_conditions || session->options.plan.sampling.every ||
			       session->options.plan.sampling.rate ||
			       session->options.max_overhead > 0,
		.has_conditions = has_conditions,
		.is_held = is_held,
	};
	struct error *err = session->options.backend->open(&session->loaded, &session->armed,
							   &settings, &session->backend);
	if (!err && session->options.max_overhead > 0)
		err = session_budget_create(session, &session->budget);
	return err;
}

// Makes room for the functions that were added to the plan.
static struct error *grow(struct session *session)
{
	size_t num = session->loaded.plan->num_funcs;
	struct error *err = armed_grow(&session->armed, num);
	if (err || num <= session->num_funcs)
		return err;
	struct session_func *funcs = reallocarray(session->funcs, num, sizeof(*funcs));
	if (!funcs)
		return error_nomem();
	memset(funcs + session->num_funcs, 0, (num - session->num_funcs) * sizeof(*funcs));
	session->funcs = funcs;
	session->num_funcs = num;
	return NULL;
}

struct error *session_update(struct session *session)
{
	struct error *err = grow(session);
	return err ? err : session->options.backend->probes.update(session->backend);
}

void session_forget_funcs(struct session *session)
{
	armed_deinit(&session->armed);
	free(session->funcs);
	session->funcs = NULL;
	session->num_funcs = 0;
}

struct error *session_give(struct session *session, uint32_t func, struct session_trace *trace)
{
	session->funcs[func].trace = trace;
	return report_trace(session->report, func, trace ? &trace->counts : NULL);
}

struct error *session_turn(struct session *session, uint32_t func, uint64_t off_ns)
{
	if (session->funcs[func].off_ns == off_ns)
		return NULL;
	session->funcs[func].off_ns = off_ns;
	return session_pass(session, &(struct item){.kind = ITEM_OFF, .off = {func, off_ns}});
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
		probes += session->loaded.plan->funcs[funcs[i]]->num_probes;
	uint64_t start = clock_now();
	err = session->options.backend->probes.arm(session->backend, funcs, num);
	if (!err)
		log_info("armed %u probes in %.1f ms", probes, (double)(clock_now() - start) / 1e6);
	return err;
}

// --- Functions that no trace selects -------------------------------------------------------------

static struct error *arm_range(struct session *session, size_t first, size_t num)
{
	struct error *err = session_update(session);
	uint32_t *funcs = err ? NULL : calloc(num + 1, sizeof(*funcs));
	if (!err && !funcs)
		err = error_nomem();
	for (size_t i = 0; !err && i < num; i++)
		funcs[i] = (uint32_t)(first + i);
	if (!err)
		err = session_arm(session, funcs, num);
	free(funcs);
	return err;
}

static bool are_refused(const struct session *session, size_t first, size_t num)
{
	for (size_t i = first; i < first + num; i++)
		if (i >= session->armed.num || !session->armed.funcs[i].refused)
			return false;
	return num;
}

// Arms, once, the functions that the pairing of calls needs to see (plan_add_notes).
static struct error *arm_notes(struct session *session, const struct plan_options *options)
{
	bool counts_anywhere = options->counting && !options->filter.within;
	bool has_ends = !options->capture.no_return || options->filter.within;
	if (session->has_notes || !has_ends || counts_anywhere)
		return NULL;
	size_t first, num = 0;
	struct error *err = plan_add_notes(session->loaded.plan, &first, &num);
	if (!err)
		err = session_open_writer(session);
	if (!err && session->writer) {
		const struct item item = {.kind = ITEM_NOTES,
					  .digest = capture_plan_digest(session->loaded.plan)};
		err = capture_write(session->writer, &item);
	}
	if (!err)
		err = arm_range(session, first, num);
	if (err && are_refused(session, first, num)) {
		error_free(err);
		err = NULL;
	}
	session->has_notes = !err;
	for (size_t i = first; !err && i < first + num; i++) {
		const struct armed_func *armed = &session->armed.funcs[i];
		if (!armed->is_armed && armed->refused)
			log_warning("%s: %s: calls that end by a panic may not show it",
				    session->loaded.plan->funcs[i]->func->name, armed->refused);
	}
	return err;
}

// Arms the functions of --within. This comes before the functions that are traced within their
// calls.
static struct error *arm_bounds(struct session *session)
{
	size_t first, num;
	struct error *err = plan_add_within(session->loaded.plan, &first, &num);
	if (!err)
		err = arm_range(session, first, num);
	for (size_t i = first; !err && i < first + num; i++) {
		const struct armed_func *armed = &session->armed.funcs[i];
		if (!armed->is_armed)
			err = error_new("--within %s: %s",
					session->loaded.plan->funcs[i]->func->name,
					armed->refused ? armed->refused : "it cannot be probed");
	}
	return err;
}

struct error *session_ready(struct session *session, const struct plan_options *options)
{
	struct error *err = session->backend ? NULL : open_backend(session);
	if (!err)
		err = arm_notes(session, options);
	return err ? err : arm_bounds(session);
}
