// SPDX-License-Identifier: GPL-2.0-or-later
// The traces of one target: owns target, index, plan, back end, calls and sink in that order, and the one poll
// loop through them. Functions can be armed and disarmed while it runs, a trace at a time. Prints nothing itself
// but the trace, to the descriptor it was given.
#ifndef GOTRACE_TRACER_SESSION_SESSION_H
#define GOTRACE_TRACER_SESSION_SESSION_H

#include <signal.h>

#include "tracer/backend/backend.h"
#include "tracer/session/goroutines.h"
#include "tracer/output/output.h"
#include "tracer/count/stats.h"
#include "tracer/target/target.h"

struct session;

struct session_options {
	struct plan_options plan; // of the first trace, and depth, strlen and items of all
	bool is_open; // traces come and go: it counts statistics, and is made for all options
	const struct backend_ops *backend;
	const struct sink_ops *sink;
	enum sink_timestamps timestamps;
	bool color;
	int out; // descriptor of the trace; borrowed
	/** Where not NULL, takes the trace's text instead of out. */
	void (*show)(void *context, const struct text *text);
	void *context;
	int save; // descriptor that records are saved to, for replay; -1: none; borrowed
	size_t buffer_bytes;
	uint64_t goid;	     // only this goroutine; 0: all
	double max_overhead; // share of the target's time that tracing may take; 0: any
	uint64_t max_calls;  // stop after this many, of all traces; 0: no limit
	const volatile sig_atomic_t *stop; // not 0: the user wants an end; borrowed
	const volatile sig_atomic_t
		*hurry; // not 0: and what is not shown yet dropped; may be NULL; borrowed
};

enum session_state {
	SESSION_RUNS,
	SESSION_COUNTED,       // max_calls were seen, and have ended
	SESSION_OUTPUT_CLOSED, // the reader of the trace went away
	SESSION_TARGET_EXITED,
	SESSION_TARGET_EXECED,
};

/** Opens the target's executable. Takes the target, also on failure. */
struct error *session_create(struct target *target, const struct session_options *options,
			     struct session **out) MUST_CHECK;
/** Takes every probe off and frees. Takes NULL. */
void session_destroy(struct session *session);

struct target *session_target(struct session *session);
struct index *session_index(struct session *session);
const struct plan *session_plan(const struct session *session);

struct session_request { // what a trace is asked for
	char *const *patterns;
	size_t num_patterns;
	struct plan_options options; // depth, strlen and items are the session's
	uint64_t max_calls;	     // tell of this many; 0: of all
	uint64_t goid;		     // only of this goroutine's; 0: of all
};

struct session_trace {
	uint32_t id; // from 1
	char **patterns;
	size_t num_patterns;
	uint32_t *funcs; // numbers in the plan of the functions chosen, in ascending order
	size_t num_funcs;
	struct plan_options options;
	size_t num_refused; // chosen, and cannot be probed
	size_t num_shared; // of funcs, those that another trace had armed already: it counts their calls
	uint64_t max_calls; // it tells of; 0: of all
	struct plan_trace counts;
	bool is_off;
};

/** Chooses functions by patterns and arms those that are not armed. An error where all that was chosen
 *  cannot be probed. *out is borrowed until it is untraced. */
struct error *session_trace(struct session *session, const struct session_request *request,
			    const struct session_trace **out) MUST_CHECK;

/** The traces there are, in the order of their ids. */
struct session_trace *const *session_traces(const struct session *session, size_t *num);
const struct session_trace *session_find_trace(const struct session *session, uint32_t id);

/** Takes functions off a trace (num_patterns 0: all of them), unless another trace has chosen them too. A trace that
 *  has none left is gone. *num: how many functions were disarmed. */
struct error *session_untrace(struct session *session, uint32_t id, char *const *patterns,
			      size_t num_patterns, size_t *num) MUST_CHECK;

/** Pauses or resumes a trace: its probes stay, and their hits are ignored. Functions that another trace
 *  armed are that one's. */
struct error *session_enable(struct session *session, uint32_t id, bool on) MUST_CHECK;

/** Brings the counts of lost events, by trace and by function, up to now. */
struct error *session_count_lost(struct session *session) MUST_CHECK;

/** From here on captures as the plan's options say (depth, strlen, items, stack, creator), by this back end with a
 *  buffer of this size, at most max_overhead. All traces are armed anew, and calls under way end as detached. */
struct error *session_renew(struct session *session,
			    const struct session_options *options) MUST_CHECK;

/** Those that the target has now; see goroutines_read. */
struct error *session_goroutines(struct session *session, struct goroutine_info **out,
				 size_t *num) MUST_CHECK;

/** Calls, errors and durations by function and goroutine (is_open only). */
struct stats *session_stats(struct session *session);

/** Another look, or another place for it: sink, timestamps, color, out and show, as in the options. */
struct error *session_output(struct session *session,
			     const struct session_options *options) MUST_CHECK;

/** Only this goroutine from here on; 0: all. */
void session_goroutine(struct session *session, uint64_t goid);

/** What was counted so far, where the plan counts (plan_options.aggregate); see backend_ops. Also after
 *  session_finish. */
struct error *session_aggregates(struct session *session,
				 struct error *(*visit)(void *context,
							const struct backend_aggregate *one),
				 void *context, struct wire_aggregate_lost *lost) MUST_CHECK;
/** True if the target's memory there is certain to be as in its executable's file. context: the session. */
bool session_is_as_in_file(void *context, uint64_t addr, size_t len);
uint64_t session_bias(const struct session *session);

/** How many records came and how many events were lost since it began. */
void session_totals(struct session *session, uint64_t *records, uint64_t *lost);

/** Waits at most timeout_ms for something to happen, and handles what waits. */
struct error *session_poll(struct session *session, int timeout_ms,
			   enum session_state *state) MUST_CHECK;

/** Handles all that waits now, so that what was counted is up to date. */
struct error *session_catch_up(struct session *session) MUST_CHECK;

/** Ends the trace: probes off, what is buffered is printed, then the summary (its text for people
 *  goes to err). Once. */
struct error *session_finish(struct session *session, struct text *err) MUST_CHECK;

#endif
