// SPDX-License-Identifier: GPL-2.0-or-later
// Decides how much of each function's calls is traced, so that tracing takes at most a given share
// of the target's time. A function's level goes down from BUDGET_ALL to BUDGET_OFF, and up again
// when there is room. The code here is pure: it takes counts and times and returns levels.
// tracer/session/limiter.c measures and applies the levels.
//
// The model: an interval consists of the target's own time and of the cost of each call of a traced
// function, which depends on the function's level. The number of calls is proportional to the
// target's own time, so a cheaper level leaves time for more calls. The share that a level will
// cost is therefore known in advance.
#ifndef GOTRACE_TRACER_SESSION_BUDGET_H
#define GOTRACE_TRACER_SESSION_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum budget_level {
	BUDGET_ALL,	  // every call with its values
	BUDGET_NO_VALUES, // every call without its values
	BUDGET_SAMPLED,	  // one call in so many (budget_every), with its values
	BUDGET_ENTRIES,	  // the same, without its return: returns have no probes
	BUDGET_COUNTED,	  // entries are counted: to see what a function would cost
	BUDGET_OFF,	  // no probes
	BUDGET_LEVELS,
};

const char *budget_level_name(enum budget_level level); // "all", "no values", ...

struct budget_costs { // ns of the target's time
	// One hit at an entry or at a return, if its program does nothing. A hit at an entry that
	// the kernel steps costs as much as one at a return.
	double entry, exit;
	// in addition to the hits, for a whole call (entry and return):
	double values; // if it is traced with its values
	double bare;   // if it is traced without its values
	double skip;   // if it is left out
};

struct budget_func {
	bool is_stepped; // the kernel steps the instruction at its entry
	bool has_exits;
	bool is_named;	// the user named it exactly: the other functions go down before it
	uint32_t every; // the user wants only one call in so many, at any level; 0, 1: every call
	enum budget_level level; // at first
};

struct budget_change {
	size_t func;
	enum budget_level from, to;
	double calls; // per second, at level from; 0: not known, because the function was off
	// Share of the target's time, which includes the cost of all functions. If the level goes
	// down: what the function cost before; if it goes up: what it will cost.
	double share;
};

// What a function that is not traced whole would cost by itself if it were, when that was most.
struct budget_reason {
	double calls; // per second
	double share; // of the target's time; 0: it was always traced whole
};

struct budget;

/** share: the part of the target's time that tracing may take, more than 0 and less than 1. */
struct error *budget_create(double share, struct budget **out) MUST_CHECK;
void budget_destroy(struct budget *budget);

/** Sets what calls cost from now on. */
void budget_set_costs(struct budget *budget, const struct budget_costs *costs);

/** Adds a function. Functions are numbered from 0 in the order they are added. */
struct error *budget_add(struct budget *budget, const struct budget_func *about) MUST_CHECK;
/** Begins anew with a function that was added before. */
void budget_set(struct budget *budget, size_t func, const struct budget_func *about);
/** The present level of a function. */
enum budget_level budget_level(const struct budget *budget, size_t func);
/** One call of this function in so many is traced at its present level; 1: each call. What the user
 *  wants (budget_func.every) is not part of this. */
uint32_t budget_every(const struct budget *budget, size_t func);

/** Why a function is not, or was not, traced whole. */
struct budget_reason budget_reason(const struct budget *budget, size_t func);

/** What one call of this function costs at a level, in ns of the target's time. */
double budget_cost(const struct budget *budget, size_t func, enum budget_level level);

/** Adjusts the costs of the program that a hit runs to how long it ran for these calls. It may have
 *  been interrupted, so that it seems to take longer than it does. */
void budget_learn(struct budget *budget, const uint64_t *calls, uint64_t run_ns);

/** Adjusts the costs of the hits themselves to what they really took of the target's time for these
 *  calls. trap_ns: the sampled time of the hits, without the program that they run. A hit in a
 *  large program costs several times as much as one that is measured in a loop. */
void budget_learn_traps(struct budget *budget, const uint64_t *calls, uint64_t trap_ns);
/** How many times as much a hit costs as budget_set_costs said. */
double budget_trap_factor(const struct budget *budget);

/** Call after functions were added at BUDGET_COUNTED to see what they would cost. Soon after that
 *  they get the levels at which all functions fit, without waiting for the end of a whole
 *  interval. */
void budget_judge_soon(struct budget *budget, uint64_t now_ns);

/** Begins new intervals: what happened until now is not part of them. */
void budget_restart(struct budget *budget, uint64_t now_ns);

/** Adjusts the levels to what happened since the last step. cpu_ns: the time that the target used,
 *  including tracing. calls: how often each function was entered, by number. Fills changes, which
 *  has room for one change of each function, and returns their number. The first call only sets
 *  when the first interval begins. */
size_t budget_step(struct budget *budget, uint64_t now_ns, uint64_t cpu_ns, const uint64_t *calls,
		   struct budget_change *changes);
/** While more functions are to be added, part of the room is kept free: functions that are called
 *  do not go up. */
void budget_set_growing(struct budget *budget, bool is_growing);
/** True if the last step changed nothing and its interval cost so little that more functions can be
 *  added. */
bool budget_has_room(const struct budget *budget);

#endif
