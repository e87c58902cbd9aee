// SPDX-License-Identifier: GPL-2.0-or-later
// Records become calls: entry and return paired by (goroutine, stack.hi - SP), which stays the same when a stack
// moves or a goroutine changes its thread. Knows recursion, depth, calls under way at attach (a return without
// its entry is told apart, never paired wrongly), frames that left without a RET (panic, Goexit).
// Calls on the system stack of a thread (goid 0) are paired by thread. Where the goroutine is not known nothing
// is paired and nothing kept: an entry is told with will_end false, a return as an orphan.
#ifndef GOTRACE_TRACER_EVENT_CALLS_H
#define GOTRACE_TRACER_EVENT_CALLS_H

#include "tracer/event/record.h"
#include "tracer/plan/plan.h"

enum call_how {
	CALL_RETURNED,
	CALL_PANICKED,
	CALL_GOEXIT,
	CALL_DETACHED, // still under way when the trace ended
	CALL_LOST, // what ended it may be among what was lost: it is not known when and how it ended
};

const char *call_how_name(enum call_how how); // "return", "panicked", "goexit", "detached", "lost"

struct call {		 // borrowed during a callback
	uint64_t number; // counted from 1
	const struct plan_func *func;
	uint64_t goid;
	bool has_goid;	     // false: goroutine not known; such calls are not paired
	bool is_bare;	     // its budget left no room for values (WIRE_BARE)
	bool will_end;	     // false: no end follows (no return probes, or goroutine not known)
	uint32_t depth;	     // traced calls around it on its goroutine, from 1; 0: not known
	uint64_t entry_ns;   // CLOCK_MONOTONIC
	struct call *parent; // the traced call around it, still under way; NULL at depth 1
	void *note;	     // a sink's own, NULL at entry; only for calls that will end
};

struct calls_listener {
	/** A call began; record is its entry. */
	void (*entry)(void *context, struct call *call, const struct wire_record *record);
	/** A call ended. record is the return's, NULL unless how is CALL_RETURNED; one of a tail jump holds no
	 *  results. end_ns: when, or the first moment at which it is known to have ended. Calls inside it have
	 *  ended before (but for calls_detach). */
	void (*end)(void *context, struct call *call, const struct wire_record *record,
		    enum call_how how, uint64_t end_ns);
	/** A return whose entry was not seen: the call was under way when its probe was armed, or its entry was
	 *  lost (which record->losses tells), or its goroutine is not known. call->number, depth and entry_ns are 0. */
	void (*orphan)(void *context, struct call *call, const struct wire_record *record);
};

struct calls;

struct calls_stats {
	uint64_t calls, returns; // entries; ends known by a RET, panic or Goexit
	uint64_t orphans;	 // returns without an entry
	uint64_t lost_entries;	 // of them, those whose entry may have been lost
	uint64_t unknown;	 // and those whose goroutine is not known
	uint64_t open;		 // under way now
	uint64_t detached;	 // ended as CALL_DETACHED
	uint64_t lost_ends;	 // ended as CALL_LOST
	uint64_t damaged;	 // records that do not fit the plan
};

struct error *calls_create(const struct plan *plan, const struct calls_listener *listener,
			   void *context, struct calls **out) MUST_CHECK;
void calls_destroy(struct calls *calls);

/** Tells the listener of at most max calls (0: of all). Later ones are followed in silence and not counted, so
 *  that their returns are not taken for those of calls under way at attach. To be set before the first record. */
void calls_limit(struct calls *calls, uint64_t max);

/** Takes one valid record. If an event of its goroutine was lost since the one before, the goroutine's calls that were
 *  under way end as lost: what comes now may belong to others at their places. A record that does not fit the plan
 *  is dropped and counted as damaged. */
struct error *calls_record(struct calls *calls, const struct wire_record *record) MUST_CHECK;

/** All records made until now have been taken, and this is what was lost so far: calls that may have ended in what was
 *  lost end as lost. NULL: it is not known what was lost, so that this is true of all. */
void calls_lost(struct calls *calls, const struct wire_losses *losses, uint64_t now_ns);

/** Time goes on without events (call it now and then): ends calls of goroutines that left by Goexit and
 *  were quiet for 100 ms since. now_ns as in records. */
void calls_tick(struct calls *calls, uint64_t now_ns);

/** Functions were disarmed or paused (is_armed, is_off), and their records taken: their calls end as detached. */
void calls_detach(struct calls *calls, uint64_t now_ns);

/** Every call under way whose listener was told of it. */
void calls_visit(struct calls *calls, void (*visit)(void *context, struct call *call),
		 void *context);

/** The trace is over: every call under way ends as detached (or panicked, where its goroutine was panicking
 *  and the target died). Innermost first on each goroutine. */
void calls_finish(struct calls *calls, uint64_t now_ns, bool target_died);

void calls_stats(const struct calls *calls, struct calls_stats *out);

#endif
