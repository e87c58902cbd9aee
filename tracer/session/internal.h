// SPDX-License-Identifier: GPL-2.0-or-later
// A session among its own files: opening, the loop and the end (session.c), what becomes of the text
// (session_output.c), arming and disarming by traces (session_traces.c), another plan for the same traces
// (session_renew.c).
#ifndef GOTRACE_TRACER_SESSION_INTERNAL_H
#define GOTRACE_TRACER_SESSION_INTERNAL_H

#include <time.h>

#include "tracer/stream/file.h"
#include "tracer/target/pages.h"
#include "tracer/stream/report.h"
#include "tracer/session/session.h"

enum { SESSION_BATCH = 4096 }; // records handled before the output is looked after

struct session {
	struct session_options options;
	struct target *target;
	struct index *index;
	struct plan *plan;
	struct backend *backend;
	struct report *report;
	struct pages *pages;	       // of the target's read-only data
	uint64_t unsure;	       // the last of them that the recording was told of, + 1
	struct error *failed;	       // while a record was decoded
	struct capture_writer *writer; // of --save
	uint64_t bias;
	int64_t wall_offset_ns;
	uint64_t start_ns; // when it was opened
	uint64_t armed_ns, last_state_ns, last_lost_ns;
	uint64_t lost_buffer, lost_scratch, missed; // told so far
	size_t num_functions;
	struct session_trace **traces;
	size_t num_traces;
	uint32_t last_trace; // the id given last
	bool has_notes;
	struct stats stats;
	struct session_budget *budget;	   // of --max-overhead; NULL: none
	int idle_ms;			   // how long the loop sleeps, doubled while nothing comes
	uint64_t former_hits, former_lost; // of back ends before this one
	bool waits_for_output;		   // a reader that does not read is waited for
	bool has_given_up;	  // no text is made any more: what would be shown is counted
	uint64_t num_dropped;	  // events that were not shown, and not told as lost yet
	uint64_t num_unsaved;	  // records that the capture lacks
	struct error *output_err; // why it was given up, until it is handed over
	bool is_full;		  // the back end has no room for what the plan has learnt
	bool is_finished, has_ended;
	enum session_state state;
};

static inline uint64_t session_clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/** Handles at most one batch of what waits. */
struct error *session_take_batch(struct session *session, size_t *num) MUST_CHECK;
static inline bool session_wants_end(const struct session *session)
{
	return session->options.stop && *session->options.stop;
}

/** True if the user does not want to see what is left. */
static inline bool session_wants_drop(const struct session *session)
{
	return session_wants_end(session) && session->options.hurry && *session->options.hurry;
}

/** Writes what waits, as far as the output takes it now. A reader that went away is no error: the trace ends. */
struct error *session_flush(struct session *session) MUST_CHECK;
/** Until all is written or given up. */
struct error *session_flush_all(struct session *session) MUST_CHECK;
/** True if so much text waits that no more is to be made. */
bool session_is_behind(const struct session *session);
/** No more is shown: what waits is dropped, and counted. Takes err, which may be NULL. */
void session_give_up(struct session *session, struct error *err);
/** All records have been taken: what was dropped of them is told as lost. */
void session_tell_dropped(struct session *session);
/** All records made until now have been taken: calls that may have ended in what was lost are told to have. */
struct error *session_settle_losses(struct session *session) MUST_CHECK;
/** What the records become, for the plan as it is. */
struct error *session_open_report(struct session *session) MUST_CHECK;
/** Takes the probes off and handles all that they left in the buffer. */
struct error *session_drain(struct session *session) MUST_CHECK;
/** Puts the functions of a request, or those that are known, into the plan, with what of their calls is wanted. trace, where
 *  not NULL, is told which they are. */
struct error *session_choose(struct session *session, const struct session_request *request,
			     const struct selection *known, struct session_trace *trace) MUST_CHECK;
/** What a trace was asked for. */
static inline struct session_request session_request_of(const struct session_trace *trace)
{
	return (struct session_request){
		.patterns = trace->patterns,
		.num_patterns = trace->num_patterns,
		.options = trace->options,
	};
}
/** A trace that was there before, of these functions, in a plan that is new. */
struct error *session_trace_again(struct session *session, struct session_trace *trace,
				  const struct selection *selection) MUST_CHECK;
/** session_renew with room for one more trace; NULL: for those that there are. */
struct error *session_renew_for(struct session *session, const struct session_options *options,
				const struct session_request *more) MUST_CHECK;
void session_trace_destroy(struct session_trace *trace);
/** What functions that were disarmed or paused left in the buffer comes first; then their calls are told to have ended. */
struct error *session_settle(struct session *session) MUST_CHECK;

/** Arms functions of the plan, unless the target is not the program any more that it was. Where a program took its place
 *  just then, nothing of that is touched. */
struct error *session_arm(struct session *session, const uint32_t *funcs, size_t num) MUST_CHECK;
/** Begins the file that records are saved to, once. */
struct error *session_open_writer(struct session *session) MUST_CHECK;

struct error *session_budget_create(struct session *session,
				    struct session_budget **out) MUST_CHECK;
void session_budget_destroy(struct session_budget *budget);
/** These functions were armed. */
struct error *session_budget_add(struct session *session, const uint32_t *funcs,
				 size_t num) MUST_CHECK;
/** Says which functions were not traced whole; there may be no budget. */
void session_budget_end(struct session *session);
/** Time goes on. */
struct error *session_budget_tick(struct session *session, uint64_t now_ns) MUST_CHECK;

#endif
