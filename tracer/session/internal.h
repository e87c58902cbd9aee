// SPDX-License-Identifier: GPL-2.0-or-later
// The parts of a session, shared by its own files: opening, the loop and the end (session.c),
// writing the text (output.c), arming (arming.c), which
// functions the traces select (traces.c), a new plan for the same
// traces (renew.c), and --max-overhead (limiter.c and limiter_words.c).
#ifndef GOTRACE_TRACER_SESSION_INTERNAL_H
#define GOTRACE_TRACER_SESSION_INTERNAL_H

#include "tracer/stream/file.h"
#include "tracer/target/pages.h"
#include "tracer/stream/report.h"
#include "tracer/session/session.h"

enum { SESSION_BATCH = 4096 }; // records handled before the output is flushed

struct session_func {		     // what the session does with a function of the plan now
	struct session_trace *trace; // that it belongs to; NULL: none
	uint64_t off_ns; // since when its returns are not seen (CLOCK_MONOTONIC); 0: they are seen
	uint64_t lost;	 // events
	uint32_t budget; // 1 + its number in the budget; 0: none
};

struct screen {			  // a terminal, which is written to as fast as a person can read
	uint64_t second_ns;	  // when this second began
	uint64_t shown, left_out; // lines in it
	size_t admitted;	  // bytes of the waiting text that are shown
	bool has_hinted;	  // which function makes most of the lines
};

struct session {
	struct session_options options;
	struct target *target;
	struct loaded loaded;	    // its index and plan are owned
	struct session_func *funcs; // by their number in the plan, like armed
	size_t num_funcs;
	struct armed armed;
	struct backend *backend;
	struct report *report;
	struct pages *pages; // of the target's read-only data
	// last unsure address that was saved, + 1; UINT64_MAX: all memory was saved as unsure
	uint64_t unsure;
	struct error *failed;	       // an error that occurred while a record was decoded
	struct capture_writer *writer; // of --save
	int64_t wall_offset_ns;
	uint64_t start_ns; // when the session was opened
	uint64_t armed_ns, last_state_ns, last_lost_ns;
	uint64_t lost_buffer, lost_scratch, missed; // lost events that were reported so far
	size_t num_functions;			    // that are traced
	struct session_trace **traces;
	size_t num_traces;
	uint32_t last_trace; // the id of the newest trace
	bool has_notes;
	struct stats stats;
	struct session_budget *budget; // of --max-overhead; NULL: none
	int idle_ms;		       // how long the loop sleeps, doubled while nothing comes
	struct screen screen;
	bool waits_for_output;	  // flushing waits for a slow reader
	bool has_given_up;	  // output has ended: events are counted instead of shown
	uint64_t num_dropped;	  // events that were not shown and not reported as lost yet
	uint64_t num_unsaved;	  // records that are missing from the capture file
	struct error *output_err; // why output has ended, until a caller takes the error
	bool is_full;		  // the back end has no room for what the plan has learned
	bool is_finished, has_ended;
	bool has_plugins;	 // the program can load plugins
	uint64_t end_of_modules; // where the capture has a last word of 0; see read_memory
	enum session_state state;
};

/** Passes an item to all listeners: the report and, if records are saved, the capture file. */
struct error *session_pass(struct session *session, const struct item *item) MUST_CHECK;

/** Handles at most one batch of waiting records; *num is how many there were. */
struct error *session_take_batch(struct session *session, size_t *num) MUST_CHECK;

/** True if the user wants to end the session. */
static inline bool session_wants_end(const struct session *session)
{
	return session->options.stop && *session->options.stop;
}

/** True if the user does not want to see the rest of the trace. */
static inline bool session_wants_drop(const struct session *session)
{
	return session_wants_end(session) && session->options.hurry && *session->options.hurry;
}

/** Writes as much of the waiting text as the output accepts now. It is not an error if the reader
 *  went away: the trace ends. */
struct error *session_flush(struct session *session) MUST_CHECK;
/** Like session_flush, but waits until all text is written or given up. */
struct error *session_flush_all(struct session *session) MUST_CHECK;
/** Leaves out of the waiting text the lines that are too many for this second, and says how many
 *  the second before had. is_end: nothing comes after it. */
void session_screen(struct session *session, uint64_t now_ns, bool is_end);
/** True if so much text waits that no more records are to be handled. */
bool session_is_behind(const struct session *session);
/** Ends the output: drops and counts what waits, and nothing more is shown. Takes err, which may be
 *  NULL. */
void session_give_up(struct session *session, struct error *err);
/** Call after all records have been handled: reports the dropped events as lost. */
void session_tell_dropped(struct session *session);
/** Call after all records made until now have been handled: ends the calls whose end may be among
 *  the lost events. */
struct error *session_settle_losses(struct session *session) MUST_CHECK;
/** Creates the report that turns records into output, for the current plan. */
struct error *session_open_report(struct session *session) MUST_CHECK;
/** Removes the probes and handles all records that are left in the buffer. */
struct error *session_drain(struct session *session) MUST_CHECK;
/** Adds the functions of a request to the plan, with the request's options. If known is not NULL,
 *  its functions are added instead of those that match the patterns. If trace is not NULL, it gets
 *  their plan numbers. */
struct error *session_choose(struct session *session, const struct session_request *request,
			     const struct selection *known, struct session_trace *trace) MUST_CHECK;
/** The request that a trace was made for; borrowed from the trace. */
static inline struct session_request session_request_of(const struct session_trace *trace)
{
	return (struct session_request){
		.patterns = trace->patterns,
		.num_patterns = trace->num_patterns,
		.options = trace->options,
	};
}
/** Traces the selected functions again for an existing trace, in a new plan. */
struct error *session_trace_again(struct session *session, struct session_trace *trace,
				  const struct selection *selection) MUST_CHECK;
/** Like session_renew, with room for one more trace; more NULL: only for the existing traces. */
struct error *session_renew_for(struct session *session, const struct session_options *options,
				const struct session_request *more) MUST_CHECK;
void session_trace_destroy(struct session_trace *trace);
/** Call after functions were disarmed or paused: handles the records that are left in the buffer,
 *  then ends the functions' calls as detached. */
struct error *session_settle(struct session *session) MUST_CHECK;

/** Opens the back end if it is not open, and arms what the options need beside the selected
 *  functions: the notes and the functions of --within. */
struct error *session_ready(struct session *session, const struct plan_options *options) MUST_CHECK;
/** Call after the plan has grown: makes room for its functions and passes it to the back end. */
struct error *session_update(struct session *session) MUST_CHECK;
/** Forgets what is known of the plan's functions, because the plan goes. */
void session_forget_funcs(struct session *session);
/** The function belongs to this trace from now on. NULL: to none. */
struct error *session_give(struct session *session, uint32_t func,
			   struct session_trace *trace) MUST_CHECK;
/** From off_ns on the function's returns are not seen. 0: they are seen again. */
struct error *session_turn(struct session *session, uint32_t func, uint64_t off_ns) MUST_CHECK;
/** Arms functions of the plan. It is an error if the target has ended or has executed another
 *  program; that program is never touched. */
struct error *session_arm(struct session *session, const uint32_t *funcs, size_t num) MUST_CHECK;
/** Begins the file that records are saved to, if records are saved and this was not done yet. */
struct error *session_open_writer(struct session *session) MUST_CHECK;

struct error *session_budget_create(struct session *session,
				    struct session_budget **out) MUST_CHECK;
void session_budget_destroy(struct session_budget *budget);
/** Call before functions are armed for the first time. Those that are not named exactly are only
 *  counted at first: tracing them whole could stop the target for the time until their cost is
 *  known. If the functions are many, all are counted, and armed a few at a time. Arm those from
 *  *first on; session_budget_tick arms the others. */
struct error *session_budget_begin(struct session *session, const uint32_t *funcs, size_t num,
				   size_t *first) MUST_CHECK;
/** Adds functions that were just armed to the budget. */
struct error *session_budget_add(struct session *session, const uint32_t *funcs,
				 size_t num) MUST_CHECK;
/** Logs which functions were not traced whole. Does nothing if there is no budget. */
void session_budget_end(struct session *session);
/** How long a function's calls were not even counted, after session_budget_end. */
uint64_t session_budget_off_ns(const struct session *session, uint32_t func);
/** The share of the target's CPU time that probes took, by samples; 0: not known. */
double session_budget_overhead(const struct session *session);
/** Measures and adjusts what is traced. Call often; most calls do nothing. */
struct error *session_budget_tick(struct session *session, uint64_t now_ns) MUST_CHECK;

#endif
