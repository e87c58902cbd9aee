// SPDX-License-Identifier: GPL-2.0-or-later
// The output formats of a trace. Each format is a struct sink_ops. A sink formats calls into a text
// that the caller passes and writes out later, so a sink never blocks and never sees a file
// descriptor.
#ifndef GOTRACE_TRACER_OUTPUT_OUTPUT_H
#define GOTRACE_TRACER_OUTPUT_OUTPUT_H

#include <sys/types.h>

#include "base/text.h"
#include "tracer/event/calls.h"
#include "tracer/event/stack.h"
#include "tracer/event/value/value.h"

enum sink_timestamps {
	TIMESTAMPS_NONE,
	TIMESTAMPS_RELATIVE,
	TIMESTAMPS_WALL,
	TIMESTAMPS_MONO,
	TIMESTAMPS_DELTA, // since the line before
};

struct sink;
struct sink_ops;
struct template;

struct sink_look { // how a trace is shown
	const struct sink_ops *sink;
	enum sink_timestamps timestamps;
	bool color;
	bool shows_zero; // in text, fields that are zero
	bool is_raw;	 // well-known types and errors print their fields
	bool no_entry;	 // lines: one line a call, when it ends
	bool no_fold;	 // graph: calls that are alike are not one line
	bool is_screen; // graph: it is read while it comes: a heading, and space between goroutines
	uint64_t slow_ns; // calls that take longer are slow; 0: see output/slow.h
	bool repeats;	  // graph: arguments that calls around have shown are shown again
	uint32_t width;	  // of lines of text, columns; VALUE_WIDTH_ALL: no limit; 0: the terminal's
	const struct template *print; // of the lines (template.h); NULL: none; borrowed
	int out;		      // the descriptor that may be a terminal; -1: none
};

/** Returns the columns of the widest line; VALUE_WIDTH_ALL: no line is too wide. It asks the
 *  terminal, so it is too slow for every event. */
uint32_t sink_width(const struct sink_look *look);

struct sink_options {
	struct sink_look look;
	const uint32_t *width; // of lines, by sink_width; it may change between events
	bool no_args;
	const struct loaded *loaded;   // borrowed
	uint64_t start_ns;	       // CLOCK_MONOTONIC when the trace began
	int64_t wall_offset_ns;	       // CLOCK_REALTIME - CLOCK_MONOTONIC
	struct stacks *stacks;	       // of the records; NULL if stacks are not shown
	struct value_printer *printer; // its memory holds the event's record during a callback
};

struct sink_skipped { // a function with calls that were left out
	const char *func;
	uint64_t calls;
};

struct sink_summary {
	struct calls_stats counts;
	uint64_t lost;	  // events
	uint64_t skipped; // calls left out by sampling, or by a limit of the rate or the cost
	const struct sink_skipped *skipped_of; // by function; not known of old recordings
	size_t num_skipped_of;
	uint64_t uncounted; // functions whose calls were not even counted for some time
	bool has_conditions;
	uint64_t unreadable; // calls whose condition needed memory that could not be read
	uint64_t crowded;    // calls that could not be followed to their return for lack of room
	double overhead;     // share of the target's CPU time that probes took; 0: not measured
	double seconds;
	size_t functions;
};

/** True if a call's end is an event: its time and its kind are known. */
static inline bool sink_is_event(enum call_how how)
{
	return how != CALL_DETACHED && how != CALL_LOST;
}

struct sink_ops {
	const char *name; // "graph", "lines", "json"
	bool shows_all;	  // its readers cut nothing, so all is captured that may be
	struct error *(*open)(const struct sink_options *options, struct sink **out);
	void (*close)(struct sink *sink);
	/** entry, end and orphan return how many of the trace's events the text that they wrote
	 *  shows. An event may be shown later than it is reported. */
	unsigned (*entry)(struct sink *sink, struct call *call, const struct wire_record *record,
			  struct text *out);
	unsigned (*end)(struct sink *sink, struct call *call, const struct wire_record *record,
			enum call_how how, uint64_t end_ns, struct text *out);
	unsigned (*orphan)(struct sink *sink, struct call *call, const struct wire_record *record,
			   struct text *out);
	/** Frees call->note of a call under way whose end will not be reported to this sink. NULL
	 *  if the sink's notes own nothing. */
	void (*forget)(struct sink *sink, struct call *call);
	/** Call tick now and then, and flush before lost, summary and close: both write what waits
	 *  to be written, of which tick leaves what is new, and return as entry does. NULL: nothing
	 *  waits. */
	unsigned (*tick)(struct sink *sink, uint64_t now_ns, struct text *out);
	unsigned (*flush)(struct sink *sink, struct text *out);
	/** count events were lost since the last time, in where ("ring buffer"). */
	void (*lost)(struct sink *sink, uint64_t count, const char *where, struct text *out);
	/** Writes the summary of the trace: text formats to err (stderr), json to out. */
	void (*summary)(struct sink *sink, const struct sink_summary *summary, struct text *out,
			struct text *err);
};

// A format is a file with a struct sink_ops, and its name here. The default is first.
#define SINKS(X)	   X(graph) X(lines) X(json)
#define DECLARE_SINK(NAME) extern const struct sink_ops sink_##NAME;
SINKS(DECLARE_SINK)
DECLARE_SINK(print) // of --print

/** All formats; ends with NULL. */
extern const struct sink_ops *const sinks[];
/** Finds a format by its name; NULL if there is none. */
const struct sink_ops *sink_find(const char *name);

#endif
