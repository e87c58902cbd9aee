// SPDX-License-Identifier: GPL-2.0-or-later
// Records become output: pairing, decoding and one sink, with the text that waits to be written. What
// a live session and a replayed capture have in common. Knows no target and no back end.
#ifndef GOTRACE_TRACER_STREAM_REPORT_H
#define GOTRACE_TRACER_STREAM_REPORT_H

#include "tracer/output/output.h"

struct report;
struct stats;

struct report_options {
	const struct sink_ops *sink;
	enum sink_timestamps timestamps;
	bool color;
	bool no_args;
	pid_t pid;
	uint64_t bias;		// run-time address - vaddr
	uint64_t start_ns;	// CLOCK_MONOTONIC when the trace began
	int64_t wall_offset_ns; // CLOCK_REALTIME - CLOCK_MONOTONIC
	uint64_t max_calls;	// tell of this many calls; 0: of all
	struct stats *stats;	// counts them; NULL: none; borrowed
	/** As memory_ask wants it. */
	bool (*is_as_in_file)(void *context, uint64_t addr, size_t len);
	void *context;
};

/** plan, which may grow, is borrowed. */
struct error *report_create(const struct plan *plan, const struct report_options *options,
			    struct report **out) MUST_CHECK;
void report_destroy(struct report *report);

/** Takes one valid record. */
struct error *report_record(struct report *report, const struct wire_record *record) MUST_CHECK;
/** Events were lost: count of them, at where ("ring buffer"). */
void report_lost(struct report *report, uint64_t count, const char *where);
/** All records made until now have been taken, and these were lost: see calls_lost. */
void report_losses(struct report *report, const struct wire_losses *losses, uint64_t now_ns);
/** Calls not told because of something a condition could not read, or because there was no room to hold them. */
void report_conditions(struct report *report, uint64_t unreadable, uint64_t crowded);
/** Calls left out on purpose, and calls left out because there was no room to follow them until their return. */
void report_skipped(struct report *report, uint64_t skipped, uint64_t crowded);
/** Time goes on; see calls_tick. */
void report_tick(struct report *report, uint64_t now_ns);

/** Functions were disarmed or paused: their calls end as detached. */
void report_detach(struct report *report, uint64_t now_ns);

struct report_look { // how it is shown
	const struct sink_ops *sink;
	enum sink_timestamps timestamps;
	bool color;
};

/** Another look from here on. */
struct error *report_switch(struct report *report, const struct report_look *look) MUST_CHECK;

/** The trace is over: ends what is under way. */
void report_finish(struct report *report, uint64_t now_ns, bool target_died);
/** Writes the summary, after report_finish. began_ns: when its probes were armed. What the format says to people
 *  goes to err. */
void report_summary(struct report *report, uint64_t began_ns, uint64_t now_ns, size_t functions,
		    struct text *err);

/** The output that waits. The caller writes it and says how much of it. */
struct text *report_text(struct report *report);
/** So many bytes of what waits have been written. */
void report_written(struct report *report, size_t done);
/** What waits will not be written. Returns how many events it shows. */
uint64_t report_drop(struct report *report);

/** True when max_calls calls were told of, and have ended. */
bool report_is_done(const struct report *report);

/** Dynamic types that were met and that the capture engine does not know yet (vaddrs of descriptors);
 *  borrowed, and forgotten by this call. */
const uint64_t *report_unseen(struct report *report, size_t *num);

#endif
