// SPDX-License-Identifier: GPL-2.0-or-later
// A report turns records into output: it pairs and decodes them, passes them to one sink, and holds
// the text that waits to be written. Live sessions and replays both use it, so it knows no target
// and no back end.
#ifndef GOTRACE_TRACER_STREAM_REPORT_H
#define GOTRACE_TRACER_STREAM_REPORT_H

#include "tracer/output/output.h"
#include "tracer/stream/item.h"

struct report;
struct stats;

struct report_options {
	struct sink_look look;
	bool no_args;
	const struct redact *redact; // what is secret besides what is by the plan; may be NULL
	uint64_t start_ns;	     // CLOCK_MONOTONIC when the trace began
	int64_t wall_offset_ns;	     // CLOCK_REALTIME - CLOCK_MONOTONIC
	uint64_t max_calls;	     // show this many calls; 0: all
	struct stats *stats;	     // counts the calls; NULL: no statistics; borrowed
	// True if memory is certainly the same as in the executable's file; see memory_ask.
	bool (*is_as_in_file)(void *context, uint64_t addr, size_t len);
	void *context;
};

/** Opens the sink. loaded is copied. What it points to is borrowed, and its plan may grow later. */
struct error *report_create(const struct loaded *loaded, const struct report_options *options,
			    struct report **out) MUST_CHECK;
void report_destroy(struct report *report);

/** See calls_trace. */
struct error *report_trace(struct report *report, uint32_t func,
			   struct call_trace *trace) MUST_CHECK;
/** Takes one item. A record must be valid. Items that say nothing about calls change nothing. */
struct error *report_item(struct report *report, const struct item *item) MUST_CHECK;
/** Call some times a second, also without events: it asks for the terminal's width, and see
 *  calls_tick. */
void report_tick(struct report *report, uint64_t now_ns);

/** Shows the trace with another look from now on. On failure the old look stays. */
struct error *report_switch(struct report *report, const struct sink_look *look) MUST_CHECK;

/** Ends the trace and all calls that are under way. */
void report_finish(struct report *report, uint64_t now_ns, bool target_died);
/** Writes the summary, after report_finish. began_ns: when the probes were armed. overhead: as in
 *  struct sink_summary. The summary's text for people goes to err. */
void report_summary(struct report *report, uint64_t began_ns, uint64_t now_ns, size_t functions,
		    double overhead, struct text *err);

/** The text that waits to be written; borrowed. The caller writes it and calls report_written. */
struct text *report_text(struct report *report);
/** Removes the first done bytes of the waiting text, which have been written. */
void report_written(struct report *report, size_t done);
/** Drops the waiting text. Returns how many events the text shows. */
uint64_t report_drop(struct report *report);
/** Drops the waiting text from byte end on, which is not to be shown. */
void report_cut(struct report *report, size_t end);
/** The function of most calls since the last time this was asked, with its share of all of them (0
 *  to 1). NULL: there were no calls. */
const struct func *report_busiest(struct report *report, double *share);

/** True if max_calls calls were shown and have ended. */
bool report_is_done(const struct report *report);

/** Dynamic types that were found in values and that the capture engine does not know yet (vaddrs of
 *  their descriptors). Borrowed; each call clears the list. */
const uint64_t *report_unseen(struct report *report, size_t *num);

#endif
