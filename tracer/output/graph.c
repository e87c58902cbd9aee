// SPDX-License-Identifier: GPL-2.0-or-later
// The format "graph": a call without traced calls inside it is one line, other calls have braces.
//              G18        main.handle(id=7) {
//      1.2µs  G18          main.add(a=1, b=2) = 3
//      3.4ms  G18        } = nil // main.handle
// A call's arguments wait in call->note until the call ends or until a call inside it begins. In
// the second case its line is written and call->note becomes the sink itself, which means that the
// call's braces are open.
#include "tracer/output/format.h"

#include <stdlib.h>

enum {
	DURATION_COLUMNS = 8,
	GOROUTINE_COLUMNS = 9,
	DEEPEST_INDENT = 64, // levels; the indentation of deeper calls does not grow
	KEPT_BYTES = 4096,   // a free line keeps texts of at most this capacity
};

static const uint64_t NO_DURATION = UINT64_MAX;

struct line { // of a call that may still be a leaf
	struct value_tree args;
	struct text stack; // the lines below it
	struct line *next; // in the free list
};

struct sink {
	struct sink_options options;
	struct format_clock clock;
	struct line *free_lines;
	struct text duration;	   // of the line that is being written
	struct value_tree results; // of the call that ends
	size_t goroutine_columns;  // grows with the longest goroutine number so far
};

static struct error *graph_open(const struct sink_options *options, struct sink **out)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	if (!sink)
		return error_nomem();
	sink->options = *options;
	sink->goroutine_columns = GOROUTINE_COLUMNS;
	*out = sink;
	return NULL;
}

static void graph_close(struct sink *sink)
{
	while (sink->free_lines) {
		struct line *line = sink->free_lines;
		sink->free_lines = line->next;
		value_tree_deinit(&line->args);
		text_deinit(&line->stack);
		free(line);
	}
	text_deinit(&sink->duration);
	value_tree_deinit(&sink->results);
	free(sink);
}

// --- Lines that wait ---------------------------------------------------------------------------

static struct line *line_alloc(struct sink *sink)
{
	struct line *line = sink->free_lines;
	if (!line)
		return calloc(1, sizeof(*line));
	sink->free_lines = line->next;
	text_reset(&line->stack);
	return line;
}

static void line_free(struct sink *sink, struct line *line)
{
	if (line->args.text.capacity > KEPT_BYTES)
		value_tree_deinit(&line->args);
	if (line->stack.capacity > KEPT_BYTES)
		text_deinit(&line->stack);
	line->next = sink->free_lines;
	sink->free_lines = line;
}

// --- Columns -----------------------------------------------------------------------------------

static size_t indent_level(const struct call *call)
{
	size_t level = call->depth > 1 ? call->depth - 1 : 0;
	return level > DEEPEST_INDENT ? DEEPEST_INDENT : level;
}

// Writes the columns before a call: how long it took (NO_DURATION: nothing), and its goroutine.
static void begin_line(struct sink *sink, const struct call *call, uint64_t time_ns,
		       uint64_t duration_ns, struct text *out)
{
	format_timestamp(&sink->options, &sink->clock, time_ns, out);
	struct text *duration = &sink->duration;
	text_reset(duration);
	if (duration_ns != NO_DURATION)
		format_duration(duration_ns, duration);
	size_t columns = format_columns(duration, 0);
	format_paint(&sink->options, COLOR_DIM, out);
	format_pad(out, columns < DURATION_COLUMNS ? DURATION_COLUMNS - columns : 0);
	text_puts(out, text_string(duration));
	format_pad(out, 2);
	size_t start = out->len;
	format_goroutine(call, out);
	format_plain(&sink->options, out);
	columns = format_columns(out, start);
	if (columns > sink->goroutine_columns)
		sink->goroutine_columns = columns;
	format_pad(out, sink->goroutine_columns - columns + 2 + 2 * indent_level(call));
}

// Writes the stack below the call's line, indented further than the calls inside it.
static void write_stack(struct sink *sink, const struct call *call,
			const struct wire_record *record, struct text *out)
{
	size_t columns =
		DURATION_COLUMNS + sink->goroutine_columns + 4 + 2 * indent_level(call) + 4;
	format_stack(&sink->options, record, columns, out);
}

// --- Events ------------------------------------------------------------------------------------

static void write_name(struct sink *sink, const struct call *call, const struct line *line,
		       struct text *out)
{
	format_name(&sink->options, call, out);
	if (!line) // there was no memory for it
		text_puts(out, "(...)");
}

// Opens the braces of a call inside which another call begins. Returns how many events that shows.
static unsigned open_braces(struct sink *sink, struct call *call, struct text *out)
{
	if (!call || call->note == sink)
		return 0;
	size_t start = out->len;
	struct line *line = call->note;
	begin_line(sink, call, call->entry_ns, NO_DURATION, out);
	write_name(sink, call, line, out);
	if (line)
		format_values(&sink->options,
			      &(struct format_line){.call = call,
						    .has_args = true,
						    .tree = &line->args},
			      start, 2, out);
	text_puts(out, " {\n");
	if (line) {
		text_append(out, text_string(&line->stack), line->stack.len);
		line_free(sink, line);
	}
	call->note = sink;
	return 1;
}

static unsigned graph_entry(struct sink *sink, struct call *call, const struct wire_record *record,
			    struct text *out)
{
	unsigned shown = open_braces(sink, call->parent, out);
	struct line *line = line_alloc(sink);
	if (line) {
		format_add_args(&sink->options, call, &line->args);
		write_stack(sink, call, record, &line->stack);
	}
	if (call->will_end) {
		call->note = line;
		return shown;
	}
	size_t start = out->len;
	begin_line(sink, call, record->time_ns, NO_DURATION, out);
	write_name(sink, call, line, out);
	if (line)
		format_values(&sink->options,
			      &(struct format_line){.call = call,
						    .has_args = true,
						    .tree = &line->args},
			      start, 0, out);
	text_putc(out, '\n');
	if (line) {
		text_append(out, text_string(&line->stack), line->stack.len);
		line_free(sink, line);
	}
	return shown + 1;
}

static unsigned graph_end(struct sink *sink, struct call *call, const struct wire_record *record,
			  enum call_how how, uint64_t end_ns, struct text *out)
{
	bool is_open = call->note == sink;
	struct line *line = is_open ? NULL : call->note;
	struct format_line values = {
		.call = call,
		.has_args = line,
		.has_end = true,
		.how = how,
		.record = record,
		.tree = line ? &line->args : &sink->results,
	};
	size_t start = out->len;
	begin_line(sink, call, is_open ? end_ns : call->entry_ns,
		   sink_is_event(how) ? end_ns - call->entry_ns : NO_DURATION, out);
	struct text name;
	text_init(&name);
	if (is_open) {
		text_putc(out, '}');
		format_closing(&sink->options, call, format_columns(out, start), &name);
	} else {
		write_name(sink, call, line, out);
	}
	values.closing = &name;
	format_values(&sink->options, &values, start, 0, out);
	text_deinit(&name);
	text_putc(out, '\n');
	call->note = NULL;
	if (line) {
		text_append(out, text_string(&line->stack), line->stack.len);
		line_free(sink, line);
	}
	return sink_is_event(how) + !is_open; // the line of a leaf shows its entry, too
}

static unsigned graph_orphan(struct sink *sink, struct call *call, const struct wire_record *record,
			     struct text *out)
{
	size_t start = out->len;
	begin_line(sink, call, record->time_ns, NO_DURATION, out);
	write_name(sink, call, NULL, out);
	format_orphan_end(&sink->options, call, record, start, &sink->results, out);
	return 1;
}

static void graph_forget(struct sink *sink, struct call *call)
{
	if (call->note && call->note != sink)
		line_free(sink, call->note);
}

static void graph_lost(struct sink *sink, uint64_t count, const char *where, struct text *out)
{
	format_lost(&sink->options, count, where, out);
}

static void graph_summary(struct sink *sink, const struct sink_summary *summary, struct text *out,
			  struct text *err)
{
	(void)sink;
	(void)out;
	format_summary(summary, err);
}

const struct sink_ops sink_graph = {
	.name = "graph",
	.open = graph_open,
	.close = graph_close,
	.entry = graph_entry,
	.end = graph_end,
	.orphan = graph_orphan,
	.forget = graph_forget,
	.lost = graph_lost,
	.summary = graph_summary,
};
