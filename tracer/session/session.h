// SPDX-License-Identifier: GPL-2.0-or-later
// A session holds all traces of one target. It owns the target, the index, the plan, the back end
// and the report, and runs the one poll loop that connects them. Functions can be armed and
// disarmed while the session runs, one trace at a time. The session prints only the trace itself,
// to the descriptor in its options.
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
	// options of the first trace; depth, strlen and items apply to all traces
	struct plan_options plan;
	// traces come and go (the shell): statistics are counted, and any option can be used later
	bool is_open;
	const struct backend_ops *backend;
	struct sink_look look; // the trace is written to its descriptor, which is borrowed
	// If not NULL, gets the trace's text instead of out.
	void (*show)(void *context, const struct text *text);
	void *context;
	uint32_t lines_max; // a second, on a terminal; the others are counted; 0: no limit
	int save;	    // records are saved to this descriptor, for replay; -1: none; borrowed
	size_t buffer_bytes;
	uint64_t goid;	     // only this goroutine; 0: all
	double max_overhead; // share of the target's time that tracing may take; 0: no limit
	// Nobody asked for max_overhead: it is dropped where it would change an answer.
	bool is_brake;
	uint64_t max_calls;		   // stop after this many calls of all traces; 0: no limit
	const volatile sig_atomic_t *stop; // not 0: the user wants to end the session; borrowed
	// not 0: the user also wants to drop all that is not shown yet; may be NULL; borrowed
	const volatile sig_atomic_t *hurry;
};

enum session_state {
	SESSION_RUNS,
	SESSION_COUNTED,       // max_calls calls were shown and have ended
	SESSION_OUTPUT_CLOSED, // the reader of the trace went away
	SESSION_TARGET_EXITED,
	SESSION_TARGET_EXECED,
};

/** Opens the target's executable. Takes ownership of the target, also on failure. */
struct error *session_create(struct target *target, const struct session_options *options,
			     struct session **out) MUST_CHECK;
/** Removes every probe and frees the session. session may be NULL. */
void session_destroy(struct session *session);

/** The session's target, index and present plan; borrowed. session_renew replaces the plan. */
struct target *session_target(struct session *session);
struct index *session_index(struct session *session);
const struct plan *session_plan(const struct session *session);

struct session_request { // what a new trace is to show
	char *const *patterns;
	size_t num_patterns;
	struct plan_options options; // depth, strlen and items are the session's
	uint64_t max_calls;	     // show this many calls; 0: all
	uint64_t goid;		     // show only the calls of this goroutine; 0: of all
};

struct session_trace {
	uint32_t id; // from 1
	char **patterns;
	size_t num_patterns;
	uint32_t *funcs; // plan numbers of the selected functions, in ascending order
	size_t num_funcs;
	struct plan_options options;
	size_t num_refused; // functions that were selected but cannot be probed
	// how many of funcs another trace had armed already: that trace counts their calls
	size_t num_shared;
	uint64_t max_calls; // calls to show; 0: all
	struct call_trace counts;
	bool is_off; // paused
};

/** Selects functions by the request's patterns and arms those that are not armed yet. It is an
 *  error if none of the selected functions can be probed. *out is borrowed, and valid until the
 *  trace is gone. */
struct error *session_trace(struct session *session, const struct session_request *request,
			    const struct session_trace **out) MUST_CHECK;

/** The existing traces, in the order of their ids; borrowed. */
struct session_trace *const *session_traces(const struct session *session, size_t *num);
/** The trace with this id, borrowed; NULL if there is none. */
const struct session_trace *session_find_trace(const struct session *session, uint32_t id);

/** Removes the functions that match the patterns from a trace (num_patterns 0: all functions). A
 *  removed function is disarmed unless another trace has selected it too. A trace without functions
 *  is freed. *num is the number of functions that were disarmed. */
struct error *session_untrace(struct session *session, uint32_t id, char *const *patterns,
			      size_t num_patterns, size_t *num) MUST_CHECK;

/** Pauses or resumes a trace. The probes of a paused trace stay, and their hits are ignored.
 *  Functions that another trace armed are not affected. */
struct error *session_enable(struct session *session, uint32_t id, bool on) MUST_CHECK;

/** Updates the counts of lost events, by trace and by function. */
struct error *session_count_lost(struct session *session) MUST_CHECK;

/** From now on captures with the given plan options (depth, strlen, items, stack, creator), back
 *  end, buffer size and max_overhead. All traces are armed again, and calls under way end as
 *  detached. */
struct error *session_renew(struct session *session,
			    const struct session_options *options) MUST_CHECK;

/** The goroutines that the target has now; see goroutines_read. */
struct error *session_goroutines(struct session *session, struct goroutine_info **out,
				 size_t *num) MUST_CHECK;

/** Calls, errors and durations by function and goroutine (is_open only). */
struct stats *session_stats(struct session *session);

/** Changes how and where the trace is shown: takes look and show from the
 *  options. */
struct error *session_output(struct session *session,
			     const struct session_options *options) MUST_CHECK;

/** From now on traces only this goroutine; 0: all. */
void session_goroutine(struct session *session, uint64_t goid);

/** Visits what was counted so far, if the plan counts (plan_options.counting); see backend_records.
 *  May also be called after session_finish. */
struct error *session_aggregates(struct session *session,
				 struct error *(*visit)(void *context,
							const struct backend_aggregate *one),
				 void *context, struct wire_aggregate_lost *lost) MUST_CHECK;
/** True if the len bytes of the target's memory at addr are certainly the same as in the
 *  executable's file. context is the session. */
bool session_is_as_in_file(void *context, uint64_t addr, size_t len);
/** The target's executable and its plan. */
const struct loaded *session_loaded(const struct session *session);

/** Handles at most one batch of waiting records and shows them. If there were none, waits at most
 *  timeout_ms for something to happen. */
struct error *session_poll(struct session *session, int timeout_ms,
			   enum session_state *state) MUST_CHECK;

/** Handles all records that wait now, so that the counts are up to date. */
struct error *session_catch_up(struct session *session) MUST_CHECK;

/** Ends the session: removes the probes, prints what is buffered, and then the summary (its text
 *  for people goes to err). Later calls do nothing. */
struct error *session_finish(struct session *session, struct text *err) MUST_CHECK;

#endif
