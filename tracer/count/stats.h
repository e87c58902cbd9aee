// SPDX-License-Identifier: GPL-2.0-or-later
// What a session has seen, counted: each function's calls, errors and durations, each goroutine's calls. Bounded by the
// functions traced and by a number of goroutines.
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
	uint64_t errors;	 // returns whose result of type error is not nil
	bool has_errors;	 // it has such a result, and it was captured
	uint64_t lost;		 // events of it
	uint64_t total_ns, min_ns, max_ns;
	struct histogram durations; // ns
	UT_hash_handle hh;
};

struct stats_goroutine {
	uint64_t goid;
	uint64_t calls;
	const struct func *last; // called last; borrowed from the index
	UT_hash_handle hh;
};

struct stats {
	struct stats_func *funcs;	    // a table by func
	struct stats_goroutine *goroutines; // a table by goid
	uint64_t calls_elsewhere; // of goroutines beyond those that are kept, or that are not known
};

void stats_init(struct stats *stats);
/** Forgets all. */
void stats_deinit(struct stats *stats);

struct error *stats_entry(struct stats *stats, const struct call *call) MUST_CHECK;
/** Events of a function were lost. */
struct error *stats_lost(struct stats *stats, const struct func *func, uint64_t count) MUST_CHECK;

/** results: filled with the return's record; NULL if there was none. */
struct error *stats_end(struct stats *stats, const struct call *call, struct memory *results,
			enum call_how how, uint64_t end_ns) MUST_CHECK;

/** NULL if it was never called. */
const struct stats_func *stats_find(const struct stats *stats, const struct func *func);

#endif
