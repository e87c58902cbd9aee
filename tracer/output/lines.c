// SPDX-License-Identifier: GPL-2.0-or-later
// The format "lines": one line for each event, as soon as it is reported:
//   > G18 main.add(a=1, b=2)
//   < G18 main.add = 3 (1.2µs)
#include "tracer/output/format.h"

#include <stdlib.h>

enum { STACK_INDENT = 8 };

struct sink {
	struct sink_options options;
	struct format_clock clock;
	struct value_tree tree; // of the line that is being written
};

static struct error *lines_open(const struct sink_options *options, struct sink **out)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	if (!sink)
		return error_nomem();
	sink->options = *options;
	*out = sink;
	return NULL;
}

static void lines_close(struct sink *sink)
{
	value_tree_deinit(&sink->tree);
	free(sink);
}

static void begin_line(struct sink *sink, const struct call *call, uint64_t time_ns,
		       const char *mark, struct text *out)
{
	format_timestamp(&sink->options, &sink->clock, time_ns, out);
	text_puts(out, mark);
	format_goroutine(&sink->options, call, out);
	text_putc(out, ' ');
}

static unsigned lines_entry(struct sink *sink, struct call *call, const struct wire_record *record,
			    struct text *out)
{
	size_t start = out->len;
	begin_line(sink, call, record->time_ns, "> ", out);
	format_add_args(&sink->options, call, NULL, NULL, &sink->tree);
	format_call(&sink->options,
		    &(struct format_line){
			    .call = call, .has_name = true, .has_args = true, .tree = &sink->tree},
		    start, out);
	text_putc(out, '\n');
	format_stack(&sink->options, record, STACK_INDENT, out);
	return 1;
}

static unsigned lines_end(struct sink *sink, struct call *call, const struct wire_record *record,
			  enum call_how how, uint64_t end_ns, struct text *out)
{
	size_t start = out->len;
	begin_line(sink, call, end_ns, "< ", out);
	struct text duration;
	text_init(&duration);
	if (sink_is_event(how)) {
		format_paint(&sink->options, COLOR_DIM, &duration);
		text_puts(&duration, " (");
		format_duration(end_ns - call->entry_ns, &duration);
		text_putc(&duration, ')');
		format_plain(&sink->options, &duration);
	}
	value_tree_reset(&sink->tree);
	struct format_line line = {
		.call = call,
		.has_name = true,
		.has_end = true,
		.how = how,
		.results = format_add_results(&sink->options, call, record, &sink->tree),
		.tree = &sink->tree,
		.after = &duration,
	};
	format_call(&sink->options, &line, start, out);
	text_deinit(&duration);
	text_putc(out, '\n');
	return sink_is_event(how);
}

static unsigned lines_orphan(struct sink *sink, struct call *call, const struct wire_record *record,
			     struct text *out)
{
	size_t start = out->len;
	struct format_line line = {.call = call, .tree = &sink->tree};
	begin_line(sink, call, record->time_ns, "< ", out);
	format_orphan(&sink->options, &line, record, start, out);
	return 1;
}

static void lines_lost(struct sink *sink, uint64_t count, const char *where, struct text *out)
{
	format_lost(&sink->options, count, where, out);
}

static void lines_summary(struct sink *sink, const struct sink_summary *summary, struct text *out,
			  struct text *err)
{
	(void)sink;
	(void)out;
	format_summary(summary, err);
}

const struct sink_ops sink_lines = {
	.name = "lines",
	.open = lines_open,
	.close = lines_close,
	.entry = lines_entry,
	.end = lines_end,
	.orphan = lines_orphan,
	.lost = lines_lost,
	.summary = lines_summary,
};
