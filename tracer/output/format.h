// SPDX-License-Identifier: GPL-2.0-or-later
// The words that the text outputs share: times, durations, goroutines, arguments, results, how a call
// ended. Names and values come from the target, so no control character passes to the terminal.
#ifndef GOTRACE_TRACER_OUTPUT_FORMAT_H
#define GOTRACE_TRACER_OUTPUT_FORMAT_H

#include "tracer/output/output.h"

enum format_color { COLOR_NAME, COLOR_DIM, COLOR_BAD };

struct format_clock { // remembers the last second's text; zeroed at first
	int64_t second;
	char text[24];
	size_t len;
};

/** The timestamp column and a space behind it, by options->timestamps; nothing for none. */
void format_timestamp(const struct sink_options *options, struct format_clock *clock,
		      uint64_t mono_ns, struct text *out);

/** Go's notation with two or three digits: "850ns", "3.1µs", "12.3ms", "1.25s", "2m5s", "1h1m". */
void format_duration(uint64_t ns, struct text *out);

/** "G18", or "G?" where the goroutine is not known. */
void format_goroutine(const struct call *call, struct text *out);

/** "main.f(a=1, b=2)"; "(...)" for arguments not asked for or not captured, "(?)" for an unknown signature. */
void format_entry(const struct sink_options *options, const struct call *call, struct text *out);
/** "main.f", made safe for a terminal. */
void format_name(const struct sink_options *options, const struct call *call, struct text *out);

/** How it ended: " = 3", " = (3, nil)", nothing without results, " panicked", " = ?(return lost)". */
void format_end(const struct sink_options *options, const struct call *call,
		const struct wire_record *record, enum call_how how, struct text *out);

/** What an entry's record tells of its stack, a frame a line behind so many columns; nothing if it tells none. */
void format_stack(const struct sink_options *options, const struct wire_record *record,
		  size_t columns, struct text *out);

/** Why a return stands without its entry: "(entered before the trace)". */
const char *format_orphan(const struct call *call, const struct wire_record *record);

enum format_list {
	LIST_OMITTED, // not asked for, or not captured
	LIST_UNKNOWN, // the signature is not known
	LIST_SHOWN,   // it may be empty
};

/** What is to be said of a call's arguments, and of the results in a return's record (NULL: none). */
enum format_list format_args(const struct sink_options *options, const struct call *call);
enum format_list format_results(const struct call *call, const struct wire_record *record);

/** "*** 12 events lost (ring buffer)" and a newline. */
void format_lost(const struct sink_options *options, uint64_t count, const char *where,
		 struct text *out);

/** "1.5": at most so many decimals, and a point in every locale. */
void format_seconds(double seconds, unsigned decimals, struct text *out);

/** "3 functions, 100 calls, 99 returns, 0 lost, 1.5 s" and a newline; what else there was follows the losses. */
void format_summary(const struct sink_summary *summary, struct text *out);

/** Columns that the text takes from byte start on: characters, without what only sets colours. */
size_t format_columns(const struct text *text, size_t start);

/** Appends so many spaces. */
void format_pad(struct text *out, size_t columns);

/** Sets a colour, if colours are on; format_plain ends it. */
void format_paint(const struct sink_options *options, enum format_color color, struct text *out);
void format_plain(const struct sink_options *options, struct text *out);

#endif
