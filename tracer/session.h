// SPDX-License-Identifier: GPL-2.0-or-later
// One trace of one target: owns target, index, plan, back end, calls and sink in that order, and the one poll
// loop through them. Functions can be armed and disarmed while it runs. Prints nothing itself but the
// trace, to the descriptor it was given.
#ifndef GOTRACE_TRACER_SESSION_H
#define GOTRACE_TRACER_SESSION_H

#include <signal.h>

#include "tracer/backend/backend.h"
#include "tracer/sink/sink.h"
#include "tracer/target.h"

struct session;

struct session_options {
	struct plan_options plan;
	const struct backend_ops *backend;
	const struct sink_ops *sink;
	enum sink_timestamps timestamps;
	bool color;
	int out;  // descriptor of the trace; borrowed
	int save; // descriptor that records are saved to, for replay; -1: none; borrowed
	size_t buffer_bytes;
	uint64_t goid;			   // only this goroutine; 0: all
	uint64_t max_calls;		   // stop after this many; 0: no limit
	const volatile sig_atomic_t *stop; // not 0: the user wants an end; borrowed
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

/** Chooses functions by patterns and arms them. *num: how many are armed anew. An error where all that
 *  was chosen cannot be probed. */
struct error *session_trace(struct session *session, char *const *patterns, size_t num_patterns,
			    size_t *num) MUST_CHECK;

/** Waits at most timeout_ms for something to happen, and handles what waits. */
struct error *session_poll(struct session *session, int timeout_ms,
			   enum session_state *state) MUST_CHECK;

/** Ends the trace: probes off, what is buffered is printed, then the summary (its text for people
 *  goes to err). Once. */
struct error *session_finish(struct session *session, struct text *err) MUST_CHECK;

#endif
