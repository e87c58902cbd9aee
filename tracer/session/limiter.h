// SPDX-License-Identifier: GPL-2.0-or-later
// What limiter.c, which decides, and limiter_words.c, which reports, share of a session's budget.
#ifndef GOTRACE_TRACER_SESSION_LIMITER_H
#define GOTRACE_TRACER_SESSION_LIMITER_H

#include <time.h>

#include "tracer/session/budget.h"
#include "tracer/session/internal.h"

struct limited {		   // a function in the budget
	uint32_t func;		   // its number in the plan
	uint64_t seen;		   // calls counted at the last tick
	uint64_t since_ns, off_ns; // since when it is off, 0: it is not; how long it was before
};

struct limited_state {		 // in a few words
	size_t num;		 // functions that are not traced whole
	size_t costliest;	 // of them
	enum budget_level level; // its level
	bool is_growing;
};

struct session_budget {
	struct budget *budget;
	clockid_t clock;  // the target's CPU time
	uint64_t next_ns; // when the next tick is
	uint64_t cpu_ns, run_ns, trap_ns;
	// When costs were last logged: the time, and what had been used by then.
	uint64_t said_cost_ns, said_cpu_ns, said_trap_ns, said_own_ns;
	uint64_t all_cpu_ns; // since the trace began
	uint32_t *waiting;   // plan numbers of functions to be armed, the last first
	size_t num_waiting, slice;
	size_t num, size;
	struct limited *funcs; // by the controller's number, like the next two
	uint64_t *calls;       // since the last tick
	struct budget_change *changes;
	uint64_t said_ns;	   // when levels were last logged
	struct limited_state said; // what was logged then
};

/** Logs a change (with -v). */
void limiter_note(const struct session *session, const struct budget_change *change);
/** Logs (with -v) what tracing costs, and one line about all functions if something of note has
 *  changed, every few seconds at most. */
void limiter_say(struct session *session, uint64_t now_ns);

#endif
