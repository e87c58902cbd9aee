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

/** Writes "main.f", made safe for a terminal. */
void format_name(const struct sink_options *options, const struct call *call, struct text *out);

struct format_line { // what is shown of a call after its name
	const struct call *call;
	bool has_args; // "(a=1, b=2)", "(...)", or "(?)" if the signature is not known
	bool has_end;  // " = 3", " = (3, nil)", " panicked", " = ?(return lost)" or nothing
	enum call_how how;
	const struct wire_record *record; // of the return; NULL unless how is CALL_RETURNED
	struct value_tree *tree;    // with the arguments, if has_args; the results are added to it
	const struct text *closing; // comes last, unless that cuts an error; NULL: nothing
};

/** Empties the tree and adds a call's arguments to it. The entry's record is in memory. */
void format_add_args(const struct sink_options *options, const struct call *call,
		     struct value_tree *tree);

/** Writes what is shown after the name, so that the line, which is in out from byte start on, and
 *  the columns that come after take no more than the line's width. */
void format_values(const struct sink_options *options, const struct format_line *line, size_t start,
		   size_t after, struct text *out);

/** Writes the stack of an entry's record and the creator of its goroutine, one frame a line,
 *  indented by this many columns. Writes nothing if the record has neither. */
void format_stack(const struct sink_options *options, const struct wire_record *record,
		  size_t columns, struct text *out);

/** Writes what is shown of a return without an entry after its name, as format_values does, then
 *  why it has none, " (entered before the trace)", and a newline. */
void format_orphan_end(const struct sink_options *options, const struct call *call,
		       const struct wire_record *record, size_t start, struct value_tree *tree,
		       struct text *out);

/** Writes " // main.f" for the line that ends a call, of which columns are written already: nothing
 *  if that leaves too little of the line. */
void format_closing(const struct sink_options *options, const struct call *call, size_t columns,
		    struct text *out);

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
