// SPDX-License-Identifier: GPL-2.0-or-later
// Shared by the outputs: times, durations, goroutines, arguments, results, how a call ended. Names
// and values come from the target, so control characters in them are escaped before they can reach
// the terminal.
#ifndef GOTRACE_TRACER_OUTPUT_FORMAT_H
#define GOTRACE_TRACER_OUTPUT_FORMAT_H

#include "tracer/output/output.h"
#include "tracer/output/same.h"

enum format_color { COLOR_NAME, COLOR_DIM, COLOR_BAD, COLOR_SLOW };

struct format_clock { // caches the text of the last second; zeroed at first
	int64_t second;
	char text[24];
	size_t len;
	uint64_t last_ns; // of the line before; 0: none
};

/** Writes the timestamp that options->timestamps selects, and a space. */
void format_timestamp(const struct sink_options *options, struct format_clock *clock,
		      uint64_t mono_ns, struct text *out);

/** The columns that format_timestamp writes. */
size_t format_timestamp_columns(const struct sink_options *options);

/** Writes a duration in Go's notation with at most three digits: "850ns", "3.1µs", "12.3ms",
 *  "1.25s". From a minute on, in whole seconds: "2m5s", "1h1m0s". */
void format_duration(uint64_t ns, struct text *out);

/** Writes "G18", or "G?" if the goroutine is not known; each goroutine in a colour of its own. */
void format_goroutine(const struct sink_options *options, const struct call *call,
		      struct text *out);

/** Writes "main.f" in at most this many columns, made safe for a terminal. What is left out, first
 *  what is in brackets, then the package's path, is "…". */
void format_name(const struct sink_options *options, const struct call *call, size_t columns,
		 struct text *out);

enum format_list {
	LIST_OMITTED, // not asked for, or not captured
	LIST_UNKNOWN, // the signature is not known, or a tail jump left no results
	LIST_SHOWN,   // the list may be empty
};

struct format_line { // what is shown of a call
	const struct call *call;
	bool has_name;	    // else it is what comes after the name
	bool are_args_lost; // "(...)"
	bool has_args;	    // "(a=1, b=2)", "(...)", or "(?)" if the signature is not known
	bool has_end;	    // " = 3", " = (3, nil)", " panicked", " = ?(return lost)" or nothing
	enum call_how how;
	enum format_list results; // if how is CALL_RETURNED
	struct value_tree *tree;  // with the arguments and results
	const struct text *after; // comes last; NULL: nothing
	const struct text *name;  // the same, unless that cuts an error
};

/** Empties the tree and adds a call's arguments to it. The entry's record is in memory. An argument
 *  that is in the lines around it is "^". same, which gets the arguments, may be NULL. */
void format_add_args(const struct sink_options *options, const struct call *call,
		     const struct same_around *around, struct same *same, struct value_tree *tree);
/** Adds a call's results to the tree, which has its arguments or is empty. record is of the return
 *  and in memory; NULL: there is none. */
enum format_list format_add_results(const struct sink_options *options, const struct call *call,
				    const struct wire_record *record, struct value_tree *tree);

/** Writes a call, so that the line, which is in out from byte start on, takes no more than the
 *  line's width. */
void format_call(const struct sink_options *options, const struct format_line *line, size_t start,
		 struct text *out);

/** True if the values of a group are the same in both trees. */
bool format_is_same(const struct value_tree *a, const struct value_tree *b, unsigned group);
/** True if the results in the trees are true, false or nil in the same places, and no error. */
bool format_is_same_outcome(const struct value_tree *a, const struct value_tree *b);

/** Writes the stack of an entry's record and the creator of its goroutine, one frame a line,
 *  indented by this many columns. Writes nothing if the record has neither. */
void format_stack(const struct sink_options *options, const struct wire_record *record,
		  size_t columns, struct text *out);

/** Adds to a line of a return without an entry how it ended, writes it, and why it has no entry:
 *  " (entered before the trace)", and a newline. */
void format_orphan(const struct sink_options *options, struct format_line *line,
		   const struct wire_record *record, size_t start, struct text *out);

/** Writes " // main.f" for the line that ends a call, of which columns are written already: nothing
 *  if that leaves too little of the line. */
void format_closing(const struct sink_options *options, const struct call *call, size_t columns,
		    struct text *out);

/** Returns how to show a call's arguments, and the results in a return's record (NULL: no
 *  record). */
enum format_list format_args(const struct sink_options *options, const struct call *call);
enum format_list format_results(const struct call *call, const struct wire_record *record);

/** True if an expression that is shown of calls is about a result (is_result), or an argument. */
bool format_is_shown(const struct plan_func *func, size_t path, bool is_result);

/** Writes "*** 12 events lost (ring buffer)" and a newline. */
void format_lost(const struct sink_options *options, uint64_t count, const char *where,
		 struct text *out);

/** Writes "1.5": at most this many decimals, with a point in every locale. */
void format_seconds(double seconds, unsigned decimals, struct text *out);

/** The summary of the text formats (sink_ops): "3 functions, 100 calls, 99 returns, 0 lost, 1.5 s"
 *  and a newline. Other counts follow the losses if they are not 0. */
void format_summary(struct sink *sink, const struct sink_summary *summary, struct text *unused,
		    struct text *out);

/** Returns how many columns the text takes from byte start on. Escape sequences of colours take
 *  none. */
size_t format_columns(const struct text *text, size_t start);

/** Appends this many spaces. */
void format_pad(struct text *out, size_t columns);

/** Sets a colour if colours are on. format_plain ends it. */
void format_paint(const struct sink_options *options, enum format_color color, struct text *out);
void format_plain(const struct sink_options *options, struct text *out);
/** The colours in values; NULL if colours are off. */
const struct value_paint *format_value_paint(const struct sink_options *options, bool are_results);

#endif
