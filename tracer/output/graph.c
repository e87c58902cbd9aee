// SPDX-License-Identifier: GPL-2.0-or-later
// The format "graph": a call without traced calls inside it is one line, other calls have braces.
//   G18   main.handle(id=7) {
//   G18     main.add(a=1, b=2) = 3                1.2µs
//   G18   } = nil                                 3.4ms
// A call's line waits in call->note until the call ends or until a call inside it begins. In the
// second case the line is written and call->note becomes the sink itself, which means that the
// call's braces are open.
#include "tracer/output/format.h"

#include <stdlib.h>

enum {
	DURATION_COLUMN = 96, // where durations end, without timestamps
	DEEPEST_INDENT = 64,  // levels; the indentation of deeper calls does not grow
	KEPT_BYTES = 4096,    // a free line keeps texts of at most this capacity
};

struct line { // of a call that may still be a leaf
	struct text text;
	struct text stack; // the lines below it
	struct line *next; // in the free list
};

struct sink {
	struct sink_options options;
	struct format_clock clock;
	struct line *free_lines;
	struct text duration;	  // of the line that is being written
	size_t goroutine_columns; // grows with the longest goroutine number so far
};

static struct error *graph_open(const struct sink_options *options, struct sink **out)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	if (!sink)
		return error_nomem();
	sink->options = *options;
	sink->goroutine_columns = 6;
	*out = sink;
	return NULL;
}

static void graph_close(struct sink *sink)
{
	while (sink->free_lines) {
		struct line *line = sink->free_lines;
		sink->free_lines = line->next;
		text_deinit(&line->text);
		text_deinit(&line->stack);
		free(line);
	}
	text_deinit(&sink->duration);
	free(sink);
}

// --- Lines that wait ---------------------------------------------------------------------------

static struct line *line_alloc(struct sink *sink)
{
	struct line *line = sink->free_lines;
	if (!line)
		return calloc(1, sizeof(*line));
	sink->free_lines = line->next;
	text_reset(&line->text);
	text_reset(&line->stack);
	return line;
}

static void line_free(struct sink *sink, struct line *line)
{
	if (line->text.capacity > KEPT_BYTES)
		text_deinit(&line->text);
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

// Returns the byte from which the line's columns are counted: the first after the timestamp.
static size_t begin_line(struct sink *sink, const struct call *call, uint64_t time_ns,
			 struct text *out)
{
	format_timestamp(&sink->options, &sink->clock, time_ns, out);
	size_t start = out->len;
	format_paint(&sink->options, COLOR_DIM, out);
	format_goroutine(call, out);
	format_plain(&sink->options, out);
	size_t columns = format_columns(out, start);
	if (columns + 2 > sink->goroutine_columns)
		sink->goroutine_columns = columns + 2;
	format_pad(out, sink->goroutine_columns - columns + 2 * indent_level(call));
	return start;
}

// Writes the stack below the call's line, indented further than the calls inside it.
static void write_stack(struct sink *sink, const struct call *call,
			const struct wire_record *record, struct text *out)
{
	size_t columns = sink->goroutine_columns + 2 * indent_level(call) + 4;
	format_stack(&sink->options, record, columns, out);
}

static void end_line(struct sink *sink, size_t start, uint64_t duration_ns, struct text *out)
{
	struct text *duration = &sink->duration;
	text_reset(duration);
	format_duration(duration_ns, duration);
	size_t used = format_columns(out, start) + format_columns(duration, 0);
	format_pad(out, used + 2 > DURATION_COLUMN ? 2 : DURATION_COLUMN - used);
	format_paint(&sink->options, COLOR_DIM, out);
	text_puts(out, text_string(duration));
	format_plain(&sink->options, out);
	text_putc(out, '\n');
}

// --- Events ------------------------------------------------------------------------------------

// Opens the braces of a call inside which another call begins. Returns how many events that shows.
static unsigned open_braces(struct sink *sink, struct call *call, struct text *out)
{
	if (!call || call->note == sink)
		return 0;
	begin_line(sink, call, call->entry_ns, out);
	struct line *line = call->note;
	if (line) {
		text_puts(out, text_string(&line->text));
	} else { // there was no memory for its line
		format_name(&sink->options, call, out);
		text_puts(out, "(...)");
	}
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
	if (!call->will_end) {
		begin_line(sink, call, record->time_ns, out);
		format_entry(&sink->options, call, out);
		text_putc(out, '\n');
		write_stack(sink, call, record, out);
		return shown + 1;
	}
	struct line *line = line_alloc(sink);
	if (line) {
		format_entry(&sink->options, call, &line->text);
		write_stack(sink, call, record, &line->stack);
	}
	call->note = line;
	return shown;
}

static unsigned graph_end(struct sink *sink, struct call *call, const struct wire_record *record,
			  enum call_how how, uint64_t end_ns, struct text *out)
{
	bool is_open = call->note == sink;
	size_t start = begin_line(sink, call, is_open ? end_ns : call->entry_ns, out);
	struct line *line = is_open ? NULL : call->note;
	if (is_open) {
		text_putc(out, '}');
	} else if (line) {
		text_puts(out, text_string(&line->text));
	} else {
		format_name(&sink->options, call, out);
		text_puts(out, "(...)");
	}
	call->note = NULL;
	format_end(&sink->options, call, record, how, out);
	if (sink_is_event(how))
		end_line(sink, start, end_ns - call->entry_ns, out);
	else
		text_putc(out, '\n');
	if (line) {
		text_append(out, text_string(&line->stack), line->stack.len);
		line_free(sink, line);
	}
	return sink_is_event(how) + !is_open; // the line of a leaf shows its entry, too
}

static unsigned graph_orphan(struct sink *sink, struct call *call, const struct wire_record *record,
			     struct text *out)
{
	begin_line(sink, call, record->time_ns, out);
	format_name(&sink->options, call, out);
	text_puts(out, "(...)");
	format_end(&sink->options, call, record, CALL_RETURNED, out);
	format_paint(&sink->options, COLOR_DIM, out);
	text_puts(out, "   ");
	text_puts(out, format_orphan(call, record));
	format_plain(&sink->options, out);
	text_putc(out, '\n');
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
