// SPDX-License-Identifier: GPL-2.0-or-later
// Shared by the outputs: times, durations, goroutines, arguments, results, how a call ended. Names
// and values come from the target, so control characters in them are escaped before they can reach
// the terminal.
#ifndef GOTRACE_TRACER_OUTPUT_FORMAT_H
#define GOTRACE_TRACER_OUTPUT_FORMAT_H

#include "tracer/output/output.h"

enum format_color { COLOR_NAME, COLOR_DIM, COLOR_BAD };

struct format_clock { // caches the text of the last second; zeroed at first
	int64_t second;
	char text[24];
	size_t len;
};

/** Writes the timestamp that options->timestamps selects, and a space. */
void format_timestamp(const struct sink_options *options, struct format_clock *clock,
		      uint64_t mono_ns, struct text *out);

/** Writes a duration in Go's notation with at most three digits: "850ns", "3.1µs", "12.3ms",
 *  "1.25s". From a minute on, in whole seconds: "2m5s", "1h1m0s". */
void format_duration(uint64_t ns, struct text *out);

/** Writes "G18", or "G?" if the goroutine is not known. */
void format_goroutine(const struct call *call, struct text *out);

/** Writes "main.f(a=1, b=2)". The arguments are "(...)" if they were not asked for or not captured,
 *  and "(?)" if the signature is not known. */
void format_entry(const struct sink_options *options, const struct call *call, struct text *out);
/** Writes "main.f", made safe for a terminal. */
void format_name(const struct sink_options *options, const struct call *call, struct text *out);

/** Writes how a call ended: " = 3", " = (3, nil)", " panicked" or " = ?(return lost)"; nothing for
 *  a return without results. record is NULL unless how is CALL_RETURNED. */
void format_end(const struct sink_options *options, const struct call *call,
		const struct wire_record *record, enum call_how how, struct text *out);

/** Writes the stack of an entry's record and the creator of its goroutine, one frame a line,
 *  indented by this many columns. Writes nothing if the record has neither. */
void format_stack(const struct sink_options *options, const struct wire_record *record,
		  size_t columns, struct text *out);

/** Returns why a return has no entry: "(entered before the trace)". */
const char *format_orphan(const struct call *call, const struct wire_record *record);

enum format_list {
	LIST_OMITTED, // not asked for, or not captured
	LIST_UNKNOWN, // the signature is not known, or a tail jump left no results
	LIST_SHOWN,   // the list may be empty
};

/** Returns how to show a call's arguments, and the results in a return's record (NULL: no
 *  record). */
enum format_list format_args(const struct sink_options *options, const struct call *call);
enum format_list format_results(const struct call *call, const struct wire_record *record);

/** Writes "*** 12 events lost (ring buffer)" and a newline. */
void format_lost(const struct sink_options *options, uint64_t count, const char *where,
		 struct text *out);

/** Writes "1.5": at most this many decimals, with a point in every locale. */
void format_seconds(double seconds, unsigned decimals, struct text *out);

/** Writes "3 functions, 100 calls, 99 returns, 0 lost, 1.5 s" and a newline. Other counts follow
 *  the losses if they are not 0. */
void format_summary(const struct sink_summary *summary, struct text *out);

/** Returns how many columns the text takes from byte start on. Escape sequences of colours take
 *  none. */
size_t format_columns(const struct text *text, size_t start);

/** Appends this many spaces. */
void format_pad(struct text *out, size_t columns);

/** Sets a colour if colours are on. format_plain ends it. */
void format_paint(const struct sink_options *options, enum format_color color, struct text *out);
void format_plain(const struct sink_options *options, struct text *out);

#endif
