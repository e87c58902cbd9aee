// SPDX-License-Identifier: GPL-2.0-or-later
// Turns records into calls. An entry and a return are paired by (target, goroutine, stack.hi - SP),
// which stays the same when a stack moves or a goroutine changes its thread. The pairing handles:
// - recursion and depth;
// - calls that were under way at attach: a return without its entry is reported as an orphan and
//   is never paired with another entry;
// - calls that ended without a RET (panic, Goexit).
// Calls on a system stack (goid 0) are paired by thread and stack. If the goroutine is not known,
// nothing is paired and nothing is kept: an entry is reported with will_end false, a return as an
// orphan.
#ifndef GOTRACE_TRACER_EVENT_CALLS_H
#define GOTRACE_TRACER_EVENT_CALLS_H

#include "tracer/event/record.h"
#include "tracer/plan/plan.h"

enum call_how {
	CALL_RETURNED,
	CALL_PANICKED,
	CALL_GOEXIT,
	CALL_DETACHED, // still under way when its function or the trace was detached
	CALL_LOST,     // its end may be among the lost events: when and how it ended is not known
};

const char *call_how_name(enum call_how how); // "return", "panicked", "goexit", "detached", "lost"

struct call_trace {	     // what is kept and counted for one trace
	uint64_t calls_left; // calls still to be reported; later calls are followed, not reported
	uint64_t goid;	     // only calls of this goroutine are reported; 0: of all goroutines
	uint64_t lost;	     // events
	uint64_t calls, returns, total_ns; // total_ns: the durations of the returns
	uint64_t open;			   // calls under way
};

struct call {		 // borrowed during a callback
	uint64_t number; // counted from 1
	const struct plan_func *func;
	struct call_trace *trace; // of the function now; NULL: none
	uint8_t target;		  // the number of the process
	uint64_t goid;
	bool has_goid;	     // false: the goroutine is not known, and the call is not paired
	bool is_bare;	     // its budget left no room for values (WIRE_BARE)
	bool will_end;	     // false: no end follows (no return probes, or goroutine not known)
	uint32_t depth;	     // in traced calls on its goroutine, the outermost is 1; 0: not known
	uint64_t entry_ns;   // CLOCK_MONOTONIC
	struct call *parent; // the traced call around it, still under way; NULL at depth 1
	void *note;	     // the sink's own data, NULL at entry; only for calls with will_end
};

struct calls_listener {
	/** A call began. record is its entry. */
	void (*entry)(void *context, struct call *call, const struct wire_record *record);
	/** A call ended. record is the return's record; NULL unless how is CALL_RETURNED. The
	 *  record of a tail jump holds no results. end_ns is the time of the end, or the first time
	 *  at which the call is known to have ended. Calls inside this one have ended before,
	 *  except in calls_detach. */
	void (*end)(void *context, struct call *call, const struct wire_record *record,
		    enum call_how how, uint64_t end_ns);
	/** A return without an entry: the call was under way when its probe was armed, its entry
	 *  was lost (possible if record->losses is not 0), or its goroutine is not known.
	 *  call->number, depth and entry_ns are 0. */
	void (*orphan)(void *context, struct call *call, const struct wire_record *record);
};

struct calls;

struct calls_stats {
	uint64_t calls, returns; // entries; ends by a RET, panic or Goexit
	uint64_t orphans;	 // returns without an entry
	uint64_t lost_entries;	 // orphans whose entry may have been lost
	uint64_t unknown;	 // orphans whose goroutine is not known
	uint64_t open;		 // under way now
	uint64_t detached;	 // ended as CALL_DETACHED
	uint64_t lost_ends;	 // ended as CALL_LOST
	uint64_t damaged;	 // records that do not fit the plan
	uint64_t other_kinds;	 // records that are no hits
};

/** plan and context are borrowed, listener is copied. */
struct error *calls_create(const struct plan *plan, const struct calls_listener *listener,
			   void *context, struct calls **out) MUST_CHECK;
void calls_destroy(struct calls *calls);

/** Reports at most max calls to the listener (0: all). Later calls are followed but neither
 *  reported nor counted, so that their returns are not taken for those of calls under way at
 *  attach. Must be set before the first record. */
void calls_limit(struct calls *calls, uint64_t max);

/** The function with this number in the plan belongs to this trace from now on. trace is borrowed;
 *  NULL: to none. */
struct error *calls_trace(struct calls *calls, uint32_t func, struct call_trace *trace) MUST_CHECK;
/** From off_ns (CLOCK_MONOTONIC) on, the returns of the function with this number are not seen; 0:
 *  they are seen again. */
struct error *calls_off(struct calls *calls, uint32_t func, uint64_t off_ns) MUST_CHECK;

/** Processes one valid record. If an event of its goroutine was lost since the goroutine's previous
 *  record, the goroutine's calls under way end as lost, because other calls may have taken their
 *  places on the stack. A record that does not fit the plan is dropped and counted as damaged. A
 *  record of another kind is only counted. */
struct error *calls_record(struct calls *calls, const struct wire_record *record) MUST_CHECK;

/** Ends, as lost, the calls whose end may be among the lost events. All records made until now must
 *  have been processed; losses counts what was lost so far. NULL: it is not known what was lost, so
 *  all calls under way end. */
void calls_lost(struct calls *calls, const struct wire_losses *losses, uint64_t now_ns);

/** Ends the calls of goroutines that called Goexit and have had no event for 100 ms. Call it now
 *  and then, also when there are no events. now_ns is CLOCK_MONOTONIC, as in records. */
void calls_tick(struct calls *calls, uint64_t now_ns);

/** Ends, as detached, the calls of functions that are off. The records of these functions must have
 *  been processed. */
void calls_detach(struct calls *calls, uint64_t now_ns);

/** Visits every call under way that was reported to the listener. */
void calls_visit(struct calls *calls, void (*visit)(void *context, struct call *call),
		 void *context);

/** Ends every call under way at the end of the trace, on each goroutine innermost first. A call
 *  ends as goexit if Goexit has left it, as panicked if its goroutine was panicking and the target
 *  died, and otherwise as detached. */
void calls_finish(struct calls *calls, uint64_t now_ns, bool target_died);

void calls_stats(const struct calls *calls, struct calls_stats *out);

#endif
