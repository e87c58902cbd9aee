// SPDX-License-Identifier: GPL-2.0-or-later
// How much of each function's calls is traced, so that tracing takes no more than a given share of the target's
// time: from all of each call down to nothing, and up again when there is room. Pure: counts and times in, levels
// out; tracer/limiter.c measures and obeys.
//
// The model: in an interval the target spends some time of its own and, for each call of a traced function, what a
// call costs at its level. Calls go with the time of its own, so a level that costs less leaves more time for
// more calls; the share that a level will cost is known before it is tried.
#ifndef GOTRACE_TRACER_SESSION_BUDGET_H
#define GOTRACE_TRACER_SESSION_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum budget_level {
	BUDGET_ALL,	  // each call with its values
	BUDGET_NO_VALUES, // each call, its values left out
	BUDGET_SAMPLED,	  // one call in BUDGET_EVERY, without values
	BUDGET_COUNTED,	  // entries are counted, and returns have no probes
	BUDGET_OFF,	  // no probes
	BUDGET_LEVELS,
};

enum { BUDGET_EVERY = 100 };

const char *budget_level_name(enum budget_level level); // "all", "no values", ...

struct budget_costs {	    // of the target's time, in ns
	double entry, exit; // of a hit whose program does nothing
	double values; // of what is done beyond that for a call and its values: entry and return
	double bare;   // and without values
	double skip;   // and for a call that is left out
};

struct budget_change {
	size_t func;
	enum budget_level from, to;
	double calls; // a second, at the level before; 0: not known, since it was off
	double share; // of the target's time that the level before costs (to a lower one), or the one after will
};

struct budget;

/** share: of the target's time that tracing may take, more than 0 and less than 1. */
struct error *budget_create(double share, struct budget **out) MUST_CHECK;
void budget_destroy(struct budget *budget);

/** What calls cost from now on. */
void budget_set_costs(struct budget *budget, const struct budget_costs *costs);

/** A function more, on BUDGET_ALL; its number is how many there were. every: one call in so many is taken
 *  at any level, as the user wants it; 0 and 1: each. */
struct error *budget_add(struct budget *budget, bool has_exits, uint32_t every) MUST_CHECK;
size_t budget_num(const struct budget *budget);
enum budget_level budget_level(const struct budget *budget, size_t func);

/** The share of the target's time that a call a second of this function costs at a level, in ns. */
double budget_cost(const struct budget *budget, size_t func, enum budget_level level);

/** What happened since the last time: the target used so much time, tracing included (cpu_ns), and entered each
 *  function so often (calls, by number). Fills changes, which has room for one of each function; returns how many.
 *  The first call only says when the time begins. */
size_t budget_step(struct budget *budget, uint64_t now_ns, uint64_t cpu_ns, const uint64_t *calls,
		   struct budget_change *changes);

#endif
