// SPDX-License-Identifier: GPL-2.0-or-later
// Statistics of a session: the calls, errors and durations of each function and the calls of each
// goroutine. Memory is bounded by the number of traced functions and by a limit of goroutines.
#ifndef GOTRACE_TRACER_COUNT_STATS_H
#define GOTRACE_TRACER_COUNT_STATS_H

#include <uthash.h>

#include "tracer/event/calls.h"
#include "tracer/event/memory.h"
#include "tracer/count/histogram.h"

struct stats_func {
	const struct func *func; // borrowed from the index; the key
	uint64_t calls, returns; // returns: ends by a RET, with a duration
	uint64_t panics;	 // ends by panic or Goexit
	uint64_t errors;	 // returns with a result of type error that is not nil
	bool has_errors;	 // a result of type error was captured
	uint64_t lost;		 // lost events of this function
	uint64_t total_ns, min_ns, max_ns;
	struct histogram durations; // ns
	UT_hash_handle hh;
};

struct stats_goroutine {
	struct stats_goroutine_key {
		uint64_t goid, target;
	} key;
	uint64_t calls;
	const struct func *last; // the function called last; borrowed from the index
	UT_hash_handle hh;
};

struct stats {				    // zero at first
	struct stats_func *funcs;	    // a table by func
	struct stats_goroutine *goroutines; // a table by key
	uint64_t calls_elsewhere;	    // of goroutines that are not known or beyond the limit
};

/** Frees all counts. stats is empty afterwards and may be used again. */
void stats_deinit(struct stats *stats);

/** Counts a call of its function and of its goroutine. */
struct error *stats_entry(struct stats *stats, const struct call *call) MUST_CHECK;
/** Counts lost events of a function. */
struct error *stats_lost(struct stats *stats, const struct func *func, uint64_t count) MUST_CHECK;

/** Counts the end of a call. results is filled with the return's record; NULL if there was none. */
struct error *stats_end(struct stats *stats, const struct call *call, struct memory *results,
			enum call_how how, uint64_t end_ns) MUST_CHECK;

#endif
