// SPDX-License-Identifier: GPL-2.0-or-later
// Who hears of it: one row of the table per output format. A sink formats into a text that its owner writes out
// (sink->out, flushed by the session), so a sink never blocks and never sees a descriptor.
#ifndef GOTRACE_TRACER_OUTPUT_OUTPUT_H
#define GOTRACE_TRACER_OUTPUT_OUTPUT_H

#include <sys/types.h>

#include "base/text.h"
#include "tracer/event/calls.h"
#include "tracer/event/stack.h"
#include "tracer/event/value/value.h"

enum sink_timestamps { TIMESTAMPS_NONE, TIMESTAMPS_RELATIVE, TIMESTAMPS_WALL, TIMESTAMPS_MONO };

struct sink_options {
	enum sink_timestamps timestamps;
	bool color;
	bool no_args;
	pid_t pid;
	uint64_t start_ns;	       // CLOCK_MONOTONIC when the trace began
	int64_t wall_offset_ns;	       // CLOCK_REALTIME - CLOCK_MONOTONIC
	uint64_t bias;		       // run-time address - vaddr
	struct stacks *stacks;	       // of the records, where they tell any
	struct value_printer *printer; // its memory holds the event's record during a callback
};

struct sink_summary {
	uint64_t calls, returns, detached;
	uint64_t orphans;      // returns without an entry
	uint64_t lost_entries; // of them, those whose entry may have been lost
	uint64_t
		unknown; // and those whose goroutine is not known; the others began before the trace
	uint64_t lost_ends; // calls that ended in what was lost, as far as is known
	uint64_t lost;
	uint64_t skipped; // calls that were left out: sampled away, or beyond a rate
	bool has_conditions;
	uint64_t unreadable; // calls whose condition met something that could not be read
	uint64_t crowded;    // calls that there was no room to follow until their return
	double seconds;
	size_t functions;
};

struct sink;

/** A call's end is an event, unless it is only known that it ended or that nobody looks any more. */
static inline bool sink_is_event(enum call_how how)
{
	return how != CALL_DETACHED && how != CALL_LOST;
}

struct sink_ops {
	const char *name; // "graph", "lines", "json"
	struct error *(*open)(const struct sink_options *options, struct sink **out);
	void (*close)(struct sink *sink);
	/** These return how many of the trace's events the text that they have written shows. */
	unsigned (*entry)(struct sink *sink, struct call *call, const struct wire_record *record,
			  struct text *out);
	unsigned (*end)(struct sink *sink, struct call *call, const struct wire_record *record,
			enum call_how how, uint64_t end_ns, struct text *out);
	unsigned (*orphan)(struct sink *sink, struct call *call, const struct wire_record *record,
			   struct text *out);
	/** Gives up its note of a call under way, whose end it will not hear of; NULL where notes need no care. */
	void (*forget)(struct sink *sink, struct call *call);
	/** Events were lost: count of them, since the last time, at where ("ring buffer"). */
	void (*lost)(struct sink *sink, uint64_t count, const char *where, struct text *out);
	/** The last words. Text formats write theirs to err (stderr), json to out. */
	void (*summary)(struct sink *sink, const struct sink_summary *summary, struct text *out,
			struct text *err);
};

extern const struct sink_ops sink_graph, sink_lines, sink_json;

/** By name; NULL if there is none. */
const struct sink_ops *sink_find(const char *name);

#endif
